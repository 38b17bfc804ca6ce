//! `cargo xtask fuzz`: the targets of `fuzz/`, with the stable compiler. Coverage comes from LLVM's own pass, so neither nightly nor
//! cargo-fuzz is needed; what they add is the address sanitizer, and all that is fuzzed here is safe code.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::Failure;
use crate::workspace;

/// What to fuzz, and how long.
#[derive(clap::Args)]
pub struct Options {
    /// The target: a file in `fuzz/fuzz_targets`; all without it.
    target: Option<String>,

    /// So many seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,

    /// So many inputs for each target instead, the same in each run: a change is not refused for what only chance finds.
    #[arg(long, conflicts_with = "seconds")]
    runs: Option<u32>,
}

impl Options {
    fn limit(&self) -> Vec<String> {
        match self.runs {
            Some(runs) => vec![format!("-runs={runs}"), "-seed=1".to_owned()],
            None => vec![format!("-max_total_time={}", self.seconds)],
        }
    }
}

/// An input that takes longer is a mistake, in seconds.
const SLOW: u32 = 60;

/// Builds the targets and runs them. The exit status is 0 if nothing was found.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (targets, folder) = (targets()?, workspace::root().join("fuzz"));
    let wanted: Vec<&String> =
        targets.iter().filter(|name| options.target.as_ref().is_none_or(|it| it == *name)).collect();
    if wanted.is_empty() {
        return Err(format!("there is no such target: the targets are {}", targets.join(", ")).into());
    }
    let programs = build(&folder)?;
    for name in wanted {
        fuzz(&folder, &programs.join(name), name, &options.limit())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn targets() -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(workspace::root().join("fuzz/fuzz_targets"))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, Failure>>()?;
    let mut names: Vec<String> =
        paths.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into())).collect();
    names.sort();
    Ok(names)
}

/// Compiles all targets with counters of what was reached; gives the folder that they are in.
fn build(folder: &Path) -> Result<PathBuf, Failure> {
    let coverage = ["level=4", "inline-8bit-counters", "pc-table", "trace-compares"];
    let passes = coverage.map(|what| format!(" -Cllvm-args=-sanitizer-coverage-{what}")).concat();
    let target = std::path::absolute(workspace::root().join("target/fuzz"))?;
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = workspace::cargo();
    cargo.current_dir(folder).args(["build", "--release", "--target", &triple, "--target-dir"]).arg(&target);
    cargo.env("RUSTFLAGS", format!("--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module{passes}"));
    succeed(&mut cargo, "the fuzz targets do not compile")?;
    Ok(target.join(triple).join("release"))
}

/// Runs a target on its corpus; what it adds goes to a folder of its own, which later runs go on from.
fn fuzz(folder: &Path, program: &Path, name: &str, limit: &[String]) -> Result<(), Failure> {
    let grown = workspace::root().join("target/fuzz/corpus").join(name);
    let found = workspace::root().join("target/fuzz/found");
    std::fs::create_dir_all(&grown)?;
    std::fs::create_dir_all(&found)?;
    println!("fuzzing {name}: {}", limit.join(" "));
    let mut command = Command::new(program);
    command.args(limit).args([format!("-timeout={SLOW}"), "-verbosity=0".to_owned()]);
    command.arg(format!("-artifact_prefix={}/{name}-", found.display())).arg(grown).args(seeds(folder, name));
    succeed(&mut command, &format!("{name} found something: the input is in {}", found.display()))
}

/// The folders with what a target begins with: its corpus, or the scripts of the tests.
fn seeds(folder: &Path, name: &str) -> Vec<PathBuf> {
    let crates = workspace::root().join("crates");
    let of = |folders: &[&str]| folders.iter().map(|folder| crates.join(folder)).collect();
    match name {
        "bpftrace" => {
            of(&["quadrant-bpftrace/tests/lower", "quadrant-bpftrace/tests/format", "quadrant/tests/e2e/cases"])
        }
        "d" => of(&["quadrant-d/tests/lower", "quadrant-d/tests/parser"]),
        _ => vec![folder.join("corpus").join(name)],
    }
}

fn succeed(command: &mut Command, otherwise: &str) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status().map_err(|error| format!("cannot run {program}: {error}"))?.success() {
        true => Ok(()),
        false => Err(otherwise.into()),
    }
}
