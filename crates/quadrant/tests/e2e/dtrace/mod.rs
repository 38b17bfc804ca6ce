//! The command line of DTrace with the real kernel: what a user of D sees.

mod aliases;
mod buffers;
mod build;
mod cases;
mod command_line;
mod counters;
mod drops;
mod faults;
mod functions;
mod listings;
mod providers;
mod scripts;
mod shared;
mod targets;
mod toolkit;
mod translated;

use quadrant_testing::{Outcome, Program, Running};

use crate::common::{good, quadrant};

/// `quadrant dtrace`, without arguments yet.
fn dtrace() -> Program {
    quadrant().arg("dtrace")
}

/// With a program.
fn program(text: &str) -> Program {
    dtrace().args(["-n", text])
}

/// Runs a program quietly to its end, which must be a good one.
fn quietly(text: &str) -> Outcome {
    good(dtrace().args(["-qn", text]))
}

/// Runs a program quietly on a command, whose end ends the trace.
fn quietly_on(command: &str, text: &str) -> Outcome {
    good(dtrace().args(["-qn", text, "-c", command]))
}

/// Starts a program that says "ready" when all is attached: a timer cannot fire before.
fn ready(tracer: Program) -> Running {
    let tracer = tracer.args(["-n", "int said; tick-50ms /!said/ { said = 1; printf(\"ready\\n\"); }"]);
    let running = tracer.start().expect("the tracer runs");
    running.wait_for_stdout("ready").expect("it attaches");
    running
}

/// What was printed without the line "ready" and lines of blanks.
fn answers(outcome: &Outcome) -> Vec<&str> {
    outcome.lines().into_iter().filter(|line| *line != "ready").collect()
}

/// The number behind a key in an aggregation's output: the last two words of a line.
#[track_caller]
fn number(outcome: &Outcome, key: &str) -> i64 {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace().rev();
        let value = words.next()?.parse().ok()?;
        (words.next()? == key).then_some(value)
    };
    outcome.stdout.lines().find_map(of_line).unwrap_or_else(|| panic!("no number for {key}: {}", outcome.describe()))
}
