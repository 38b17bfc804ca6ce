//! Tests under other kernels: the static test binaries run in virtual machines, all of them in each, two machines side by side.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::binaries::{self, Binary};
use super::freight;
use super::parser::Parser;
use super::summary::Summary;
use super::times::Times;
use crate::Failure;
use crate::vm::{self, Addition, Arch, End, Image, KERNELS, Kernel, Machine, Sinks};

/// The packages whose tests ask the kernel, and which of their tests; none named are all.
const PACKAGES: [(&str, &[&str]); 4] = [
    ("quadrant-bpf", &[]),
    ("quadrant-inspect", &[]),
    ("quadrant-probes", &["functions", "kernel"]),
    (super::END_TO_END, &["e2e"]),
];

/// What asks nothing of a kernel that the host's does not answer is tested there alone: emulated machines are slow. Of D, probes in
/// functions, faults and whole outputs are tested under every kernel.
const ON_THE_HOST: [&str; 18] = [
    "bpftrace_cli::",
    "debug_info::",
    "dtrace::aliases::",
    "dtrace::buffers::",
    "dtrace::build::",
    "dtrace::command_line::",
    "dtrace::counters::",
    "dtrace::drops::",
    "dtrace::listings::",
    "dtrace::providers::",
    "dtrace::scripts::",
    "dtrace::targets::",
    "dtrace::toolkit::",
    "errors::",
    "fmt::",
    "json_schema::",
    "parameters::",
    "replay::",
];

/// The kernel of Debian's stable release, where all the others run.
const WHOLE: &str = "6.12";

/// What works above the kernel's interfaces, or by those that did not change: seen on the host's kernel and on the whole one, not again on
/// the others.
///
/// Recordings are not among it: recorders are the largest programs that the tracer makes, and verifiers differ there.
///
/// The older package's tools are mostly scripts of the newer one's, and those run under every kernel.
const ON_ONE: [&str; 9] = [
    "containers::",
    "explain::",
    "frugal::",
    "loss_kinds::",
    "overhead::",
    "own::",
    "roots::",
    "symbols::gone::",
    "tools::of_bpftrace_0_17",
];

/// Starts the line that names the next binary. No test prints it.
const NEXT: char = '\u{1}';

/// The longest that all tests under one kernel may take. On a machine with nothing else to do it is a third of that.
const LIMIT: Duration = Duration::from_secs(2400);

/// Machines at a time. Each keeps one processor busy: its own are emulated by turns.
const SIDE_BY_SIDE: usize = 2;

/// What to run where.
pub struct Wanted<'a> {
    /// The kernels; none named are all.
    pub kernels: &'a [Kernel],
    /// The package; not given, all that ask the kernel.
    pub package: Option<&'a str>,
    /// Only tests with this text in their names.
    pub filter: Option<&'a str>,
    /// The tracer is the one that is shipped.
    pub release: bool,
    /// What fails is run once more in a new guest, and only what fails there, too, counts as failed.
    pub second_chance: bool,
}

/// What runs in each guest.
struct Load {
    binaries: Vec<Binary>,
    /// The programs that the tests run.
    programs: Vec<PathBuf>,
    /// All files in a guest.
    files: Vec<Addition>,
    second_chance: bool,
}

/// Runs tests under other kernels.
pub fn run(wanted: &Wanted<'_>) -> Result<Summary, Failure> {
    let load = Load::build(wanted)?;
    let filter: Vec<String> = wanted.filter.iter().map(|text| vm::quoted(text)).collect();
    let kernels = wanted.kernels;
    let kernels = if kernels.is_empty() { KERNELS } else { kernels };
    // The newest first: under the oldest the fewest tests run, so it fits beside what is left.
    let images = kernels.iter().rev().map(|kernel| Ok((*kernel, vm::provide(*kernel, Arch::Amd64, false)?)));
    let images = images.collect::<Result<Vec<_>, Failure>>()?;
    let (waiting, all) = (Mutex::new(images.iter()), Mutex::new(Summary::default()));
    // A poisoned lock means that the other worker panicked, which ends the task when it is joined.
    let worker = || -> Result<(), String> {
        while let Some((kernel, image)) = waiting.lock().map_or(None, |mut images| images.next()) {
            let summary = load.run_under(*kernel, image, &filter).map_err(|failure| failure.to_string())?;
            all.lock().map_err(|_| "the other guest's thread panicked")?.add(kernel.name, summary);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a guest's thread panicked")?)
    })?;
    Ok(all.into_inner().map_err(|_| "a guest's thread panicked")?)
}

impl Load {
    fn build(wanted: &Wanted<'_>) -> Result<Load, Failure> {
        let packages = wanted.package.map_or(PACKAGES.to_vec(), |package| vec![(package, &[][..])]);
        let second_chance = wanted.second_chance;
        let mut load = Load { binaries: Vec::new(), programs: Vec::new(), files: Vec::new(), second_chance };
        let built = binaries::build(&packages)?;
        (load.binaries, load.programs) = (built.tests, built.programs);
        if wanted.release && !load.programs.is_empty() {
            load.programs = binaries::shipped()?;
        }
        load.files = freight::files(&load.binaries, &load.programs)?;
        Ok(load)
    }

    /// Runs the tests that the words of the harness choose, and what fails once more.
    fn run_under(&self, kernel: Kernel, image: &Image, choice: &[String]) -> Result<Summary, Failure> {
        let first = self.boot(kernel, image, choice)?;
        if first.failed.is_empty() || !self.second_chance {
            return Ok(first);
        }
        println!(
            "{}: once more, for an emulated machine can fall over by itself: {}",
            kernel.name,
            first.failed.join(", ")
        );
        if first.failed.iter().any(|failed| PROBLEMS.contains(&failed.as_str())) {
            return self.boot(kernel, image, choice);
        }
        let names = first.failed.iter().map(|name| vm::quoted(name));
        let second = self.boot(kernel, image, &names.chain(["--exact".to_owned()]).collect::<Vec<_>>())?;
        Ok(first.with_second_chance(second))
    }

    /// Boots a guest and runs tests in it.
    fn boot(&self, kernel: Kernel, image: &Image, choice: &[String]) -> Result<Summary, Failure> {
        let machine = Machine { limit: LIMIT, memory: "2G".to_owned(), ..Machine::default() };
        let (mut results, mut messages, mut console) = (Results::new(kernel.name), Vec::new(), Vec::new());
        let mut sinks = Sinks { stdout: &mut results, stderr: &mut messages, console: &mut console };
        let started = Instant::now();
        let end = vm::run_in(image, &machine, &self.files, &self.script(kernel.name, choice), &mut sinks)?;
        let (mut summary, times) = results.finish();
        if self.binaries.iter().any(|binary| binary.in_turn) {
            left_out(kernel.name, choice).for_each(|(part, why)| summary.ignore(&format!("{part}*"), why));
        }
        if let Some(problem) = problem(end, &summary) {
            io::stderr().write_all(&[messages, console].concat())?;
            summary.failed.push(problem.to_owned());
        }
        let seconds = started.elapsed().as_secs();
        println!("{}: Linux {}: {} in {seconds} s ({times})", kernel.name, image.version(), summary.counts());
        Ok(summary)
    }

    /// Runs all binaries, whether others failed or not.
    fn script(&self, kernel: &str, choice: &[String]) -> String {
        let words = choice.join(" ");
        let run = |binary: &Binary| {
            let (name, path) = (vm::quoted(&binary.name), vm::quoted(&freight::in_guest(&binary.path)));
            let skip: String = left_out(kernel, choice).map(|(part, _)| format!("--skip {part} ")).collect();
            let in_turn = if binary.in_turn { format!("--test-threads=1 {skip}") } else { String::new() };
            format!("echo '{NEXT}'{name}\n{path} --show-output {in_turn}{words} || status=1\n")
        };
        let environment = freight::environment(kernel, &self.programs);
        let runs: String = self.binaries.iter().map(run).collect();
        format!("export {environment}\nstatus=0\n{runs}exit $status\n")
    }
}

/// What is left out under a kernel: a part of the tests' names, and why. What the words of the harness ask for is not left out.
fn left_out(kernel: &str, choice: &[String]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let elsewhere = ON_THE_HOST.iter().map(|part| (*part, "the host's kernel is asked"));
    let once = ON_ONE
        .iter()
        .filter(move |_| kernel != WHOLE)
        .map(|part| (*part, "the host's kernel and that of 6.12 are asked"));
    elsewhere.chain(once).filter(|_| choice.is_empty())
}

/// What can go wrong besides tests that fail.
const PROBLEMS: [&str; 3] = [
    "the guest: its time was over",
    "the guest: it stopped before the end of the tests",
    "a test binary: it ended before its tests",
];

fn problem(end: End, summary: &Summary) -> Option<&'static str> {
    match end {
        End::TimedOut => Some(PROBLEMS[0]),
        End::Died => Some(PROBLEMS[1]),
        End::Exited(0) => None,
        End::Exited(_) if !summary.failed.is_empty() => None,
        End::Exited(_) => Some(PROBLEMS[2]),
    }
}

/// Takes what the binaries print, shows what is worth it after the kernel's name, and adds up the results.
struct Results {
    kernel: &'static str,
    rest: Vec<u8>,
    parser: Parser,
    summary: Summary,
    times: Times,
    /// When the last line came.
    last: Instant,
}

impl Results {
    fn new(kernel: &'static str) -> Self {
        Self {
            kernel,
            rest: Vec::new(),
            parser: Parser::default(),
            summary: Summary::default(),
            times: Times::default(),
            last: Instant::now(),
        }
    }

    fn finish(mut self) -> (Summary, Times) {
        let rest = std::mem::take(&mut self.rest);
        self.line(&rest);
        (self.summary, self.times)
    }

    fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.times.line(&line, std::mem::replace(&mut self.last, Instant::now()).elapsed());
        if let Some(name) = line.strip_prefix(NEXT) {
            println!("{}: {name}", self.kernel);
            self.parser = Parser::default();
        } else if self.parser.line(&line, &mut self.summary) {
            println!("{}: {line}", self.kernel);
        }
    }
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line[..end]);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up_however_the_output_is_cut() {
        let output = "\u{1}one\nrunning 2 tests\ntest a ... ok\ntest b ... ok\n\nsuccesses:\n\n---- b stdout ----\n\
            skipped: no such thing\n\u{1}two\ntest c ... FAILED\ntest d ... ok";
        for size in [1, 7, output.len()] {
            let mut results = Results::new("6.1");
            output.as_bytes().chunks(size).for_each(|bytes| results.write_all(bytes).unwrap());
            let (summary, _) = results.finish();
            assert_eq!((summary.passed, summary.failed.len(), summary.skipped.len()), (2, 1, 1));
        }
    }

    #[test]
    fn a_binary_that_ends_early_is_a_failure_of_its_own() {
        let mut summary = Summary::default();
        assert_eq!(problem(End::Exited(0), &summary), None);
        assert!(problem(End::Exited(1), &summary).is_some() && problem(End::Died, &summary).is_some());
        summary.failed.push("test".to_owned());
        assert_eq!(problem(End::Exited(1), &summary), None);
        assert!(problem(End::TimedOut, &summary).is_some());
    }

    #[test]
    fn every_binary_runs_with_the_filter() {
        let binary =
            |name: &str, in_turn| Binary { name: name.to_owned(), path: format!("/x/{name}-1").into(), in_turn };
        let binaries = vec![binary("a", false), binary("b", true)];
        let load = Load { binaries, programs: Vec::new(), files: Vec::new(), second_chance: false };
        let script = load.script("6.1", &[vm::quoted("it's")]);
        assert!(script.starts_with("export QUADRANT_GUEST='6.1'"), "{script}");
        assert!(script.contains(r"'/tests/a-1' --show-output 'it'\''s' || status=1"), "{script}");
        assert!(script.contains("'/tests/b-1' --show-output --test-threads=1 'it'"), "{script}");
        assert!(script.ends_with("exit $status\n"), "{script}");
        let old = load.script("5.10", &[]);
        assert!(old.contains("'/tests/b-1' --show-output --test-threads=1 --skip bpftrace_cli:: "), "{old}");
        assert!(!old.contains("--skip dtrace::faults"), "{old}");
    }
}
