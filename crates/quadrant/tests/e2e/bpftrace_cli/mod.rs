//! The command line of bpftrace with the real kernel: what its users see, whole.

mod accepted;
mod errors;
mod json;
mod macros;
mod mistakes;
mod options;
mod warnings;
mod words;

use quadrant_testing::{Outcome, Program};

use crate::common::quadrant;

/// `quadrant bpftrace`, without arguments yet.
fn bpftrace() -> Program {
    quadrant().arg("bpftrace")
}

/// Runs it to its end; what it prints in both streams, and its status.
fn run<const N: usize>(args: [&str; N]) -> Outcome {
    bpftrace().args(args).run().expect("the tracer runs")
}

/// Asserts what is printed, whole, and the status.
#[track_caller]
fn assert_run<const N: usize>(args: [&str; N], stdout: &str, stderr: &str, status: i32) {
    let outcome = run(args);
    let seen = (outcome.stdout.as_str(), outcome.stderr.as_str(), outcome.code());
    assert_eq!(seen, (stdout, stderr, Some(status)), "{}", outcome.describe());
}
