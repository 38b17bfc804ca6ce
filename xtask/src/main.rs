//! Development tasks: `cargo xtask test`, `cargo xtask bench`.

mod test;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// What goes wrong in a task, said to a person.
type Failure = Box<dyn std::error::Error>;

/// Development tasks of Quadrant.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Install what the tests need, run them all, and say what passed, failed and was skipped.
    Test(test::Options),
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Test(options) => test::run(&options),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("xtask: {failure}");
        ExitCode::FAILURE
    })
}
