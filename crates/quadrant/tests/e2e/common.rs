//! Running the tracer and reading its answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use quadrant_testing::{Outcome, Program, Running, Signal};

/// Ends the calling test, as skipped, where it cannot trace.
macro_rules! needs_root {
    () => {
        if !quadrant_testing::is_root() {
            return quadrant_testing::skip("tracing needs root");
        }
    };
}
pub(crate) use needs_root;

/// Ends the calling test, as skipped, where scripts cannot loop.
macro_rules! needs_loops {
    () => {
        if !quadrant_bpf::features::Features::new().bpf_loop() {
            return quadrant_testing::skip("this kernel has no bpf_loop (Linux 5.17)");
        }
    };
}
pub(crate) use needs_loops;

/// Ends the calling test, as skipped, where the kernel's stacks of processes lack a function: before it has set up its frame, its
/// caller is not found. Debian's 6.1 finds it, 5.10 does not.
macro_rules! needs_callers {
    () => {
        if crate::common::is_before((6, 1)) {
            return quadrant_testing::skip("this kernel leaves the caller out of a stack at a function's entry");
        }
    };
}
pub(crate) use needs_callers;

/// Whether this kernel is older than that version.
pub fn is_before(version: (u32, u32)) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux has /proc");
    let mut numbers = release.split(['.', '-']).map(|part| part.trim().parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < version
}

/// The path of a target as text; ends the calling test, as skipped, where it cannot be made.
macro_rules! target {
    ($name:literal) => {
        match quadrant_testing::target($name) {
            Ok(path) => path.to_str().expect("the build folder's name is UTF-8").to_owned(),
            Err(missing) if missing.is_absence() => return quadrant_testing::skip(missing),
            Err(other) => panic!("{other}"),
        }
    };
}
pub(crate) use target;

/// The tracer, without arguments yet.
pub fn quadrant() -> Program {
    Program::new(binary()).env("NO_COLOR", "1")
}

/// The tracer with a script.
pub fn script(text: &str) -> Program {
    quadrant().args(["-e", text])
}

/// Runs a script to its end, which must be a good one.
pub fn run(text: &str) -> Outcome {
    good(script(text))
}

/// Runs a script on a command, whose end ends the trace. Both must end well.
pub fn run_on(command: &str, text: &str) -> Outcome {
    good(script(text).args(["-c", command]))
}

/// Runs the tracer to its end, which must be a good one.
pub fn good(tracer: Program) -> Outcome {
    let outcome = tracer.run().expect("the tracer runs");
    assert!(outcome.success(), "{}", outcome.describe());
    outcome
}

/// Runs the tracer to its end, which must be a refusal: status 1, a message, and nothing on standard output.
pub fn refused(tracer: Program) -> String {
    let outcome = tracer.run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.lines().is_empty() && !outcome.timed_out, "{}", outcome.describe());
    outcome.stderr
}

/// Starts the tracer and waits until its probes are attached.
pub fn attached(tracer: Program) -> Running {
    let running = tracer.start().expect("the tracer runs");
    running.wait_for_stderr("Attached ").expect("it attaches");
    running
}

/// Ends a trace, which must end well: one that is killed can leave events of tracefs behind.
pub fn end(tracer: Running) -> Outcome {
    tracer.signal(Signal::INT).expect("it runs");
    let outcome = tracer.finish().expect("it can be waited for");
    assert!(outcome.success(), "{}", outcome.describe());
    outcome
}

/// The number that a map or a key of it has in the output: the line `NAME: NUMBER`.
#[track_caller]
pub fn number(outcome: &Outcome, name: &str) -> i64 {
    let mut lines = outcome.stdout.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = lines.next().and_then(|text| text.parse().ok());
    value.unwrap_or_else(|| panic!("no number for {name}: {}", outcome.describe()))
}

/// Asserts that the output, blank lines apart, is this.
#[track_caller]
pub fn assert_lines(outcome: &Outcome, expected: &[&str]) {
    assert_eq!(outcome.lines(), expected, "{}", outcome.describe());
}

/// The sum of 0, 1, ..., count - 1.
pub fn sum_below(count: u64) -> i64 {
    (count * (count - 1) / 2) as i64
}

/// A new, empty folder of one test.
pub fn folder(test: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("the build folder can be written");
    dir
}

/// The binary under test.
pub fn binary() -> OsString {
    std::env::var_os("QUADRANT_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_quadrant").into())
}
