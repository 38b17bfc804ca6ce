//! Development tasks: `cargo xtask test`, `cargo xtask bench`, `cargo xtask size`, `cargo xtask arm64`, `cargo xtask fuzz`,
//! `cargo xtask vm`.

mod arm64;
mod bench;
mod fuzz;
mod size;
mod test;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// What goes wrong in a task, said to a person.
type Failure = Box<dyn std::error::Error>;

/// Development tasks of Quadrant.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Install what the tests need, run them all, and say what passed, failed and was skipped.
    Test(test::Options),
    /// Measure this tracer and its peers, interleaved, and print a table of medians and ratios.
    Bench(bench::Options),
    /// Check that the release binary is static and not too large.
    Size(size::Options),
    /// Check the workspace for arm64, and run the tracer under an arm64 kernel.
    Arm64(arm64::Options),
    /// Feed the readers of what others wrote with damaged input, and say what breaks them.
    Fuzz(fuzz::Options),
    /// Boot a Debian kernel under emulation and run a command in it as root.
    Vm(vm::Options),
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Size(options) => size::run(&options),
        Task::Arm64(options) => arm64::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Vm(options) => vm::run(&options),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("xtask: {failure}");
        ExitCode::FAILURE
    })
}
