//! `cargo xtask test`: all tests of the workspace, with the reasons of those that could not run.

mod binaries;
mod built;
mod freight;
mod guests;
pub mod packages;
mod parser;
mod summary;
mod times;
mod tools;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::Failure;
use crate::vm::Kernel;
use crate::workspace;
use parser::Parser;
use summary::Summary;
use times::Times;

/// The package whose tests run the real tracer. They see each other's system calls, so they run one at a time.
const END_TO_END: &str = "quadrant";

/// What to test, and how.
#[derive(clap::Args)]
pub struct Options {
    /// Run only the tests whose name contains this text.
    filter: Option<String>,

    /// Test only this package of the workspace.
    #[arg(short, long, value_name = "NAME")]
    package: Option<String>,

    /// Install nothing: a test that lacks a tool is skipped.
    #[arg(long)]
    no_install: bool,

    /// Run the tests that ask the kernel in virtual machines with other kernels, all of them or those named.
    #[arg(long, value_name = "KERNEL", num_args = 0..)]
    vm: Option<Vec<Kernel>>,

    /// In virtual machines, run the tracer as it is shipped: it is several times as fast there, and takes minutes to build.
    #[arg(long, requires = "vm")]
    release: bool,

    /// Run what fails once more: only what fails twice has failed.
    #[arg(long)]
    second_chance: bool,
}

/// Runs the tests. The exit status is 0 only if all of them were built and none failed.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    packages::provide(!options.no_install)?;
    if !options.no_install {
        tools::provide(options.filter.as_deref())?;
    }
    if let Some(kernels) = &options.vm {
        return run_in_guests(kernels, options);
    }
    let (mut summary, mut completed) = run_all(suites(options, &[]))?;
    if options.second_chance && !summary.failed.is_empty() {
        println!("once more, for a busy machine is late: {}", summary.failed.join(", "));
        let (second, completed_now) = run_all(suites(options, &summary.failed))?;
        (summary, completed) = (summary.with_second_chance(second), completed_now);
    }
    print!("{summary}");
    if summary.failed.is_empty() && !completed {
        println!("cargo test did not complete: see its messages above");
    }
    Ok(if completed && summary.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What runs some of the tests.
struct Suite {
    command: Command,
    /// They run one at a time, so that each has a time of its own.
    in_turn: bool,
}

/// Runs each suite; the results, and whether all went well.
fn run_all(suites: Vec<Suite>) -> Result<(Summary, bool), Failure> {
    let (mut summary, mut completed) = (Summary::default(), true);
    for mut suite in suites {
        let (well, times) = run_one(&mut suite.command, &mut summary)?;
        completed &= well;
        if suite.in_turn {
            println!("seconds: {times}");
        }
    }
    Ok((summary, completed))
}

fn run_in_guests(kernels: &[Kernel], options: &Options) -> Result<ExitCode, Failure> {
    let (package, filter) = (options.package.as_deref(), options.filter.as_deref());
    let (release, second_chance) = (options.release, options.second_chance);
    let summary = guests::run(&guests::Wanted { kernels, package, filter, release, second_chance })?;
    print!("{summary}");
    Ok(if summary.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What runs the tests that are wanted; with names of tests, only those.
fn suites(options: &Options, names: &[String]) -> Vec<Suite> {
    let choice = if names.is_empty() { options.filter.clone().into_iter().collect() } else { exactly(names) };
    let together = |selection: &[&str]| Suite { command: cargo_test(selection, &choice, &[]), in_turn: false };
    let end_to_end =
        || Suite { command: cargo_test(&["--package", END_TO_END], &choice, &["--test-threads=1"]), in_turn: true };
    match options.package.as_deref() {
        Some(END_TO_END) => vec![end_to_end()],
        Some(name) => vec![together(&["--package", name])],
        None => vec![together(&["--workspace", "--exclude", END_TO_END]), end_to_end()],
    }
}

fn exactly(names: &[String]) -> Vec<String> {
    names.iter().cloned().chain(["--exact".to_owned()]).collect()
}

fn cargo_test(selection: &[&str], choice: &[String], harness: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.arg("test").args(selection).args(["--no-fail-fast", "--"]).args(choice);
    // Only this shows the reason that a skipped test gives: it passes for the harness.
    command.arg("--show-output").args(harness);
    command.stdout(Stdio::piped());
    command
}

/// Runs one `cargo test`, shows its results as they come, and adds them up; whether all went well, and what took how long.
fn run_one(command: &mut Command, summary: &mut Summary) -> Result<(bool, Times), Failure> {
    let mut child = command.spawn().map_err(|e| format!("cannot run cargo: {e}"))?;
    let output = child.stdout.take().ok_or("cargo has no output")?;
    let (mut parser, mut times, mut last) = (Parser::default(), Times::default(), Instant::now());
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        times.line(&line, std::mem::replace(&mut last, Instant::now()).elapsed());
        if parser.line(&line, summary) {
            println!("{line}");
        }
    }
    Ok((child.wait()?.success(), times))
}
