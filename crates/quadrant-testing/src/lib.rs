//! What tests and benchmarks share.
//!
//! * [`target`] compiles the programs under `tests/targets`, once per content, and says where they are.
//! * [`Program`] runs a command with a time limit and gives its output, status and resource use; a [`Running`] one
//!   can be waited on for a line of output and be sent signals.
//! * [`Folder`] is a place for a test's files, and compiles small programs.
//! * [`skip`] says, in the form that `cargo xtask test` counts, that a test cannot run here and why, and [`need!`] where it is so.
//!
//! Nothing here is part of the shipped program.

mod error;
mod folder;
mod outcome;
mod program;
mod recipes;
mod running;
mod stream;
mod targets;

pub use error::Error;
pub use folder::Folder;
pub use outcome::Outcome;
pub use program::Program;
pub use running::Running;
pub use rustix::process::Signal;
pub use targets::{all_targets, target, target_dir};

/// The prime number of operations that a target does unless it is told another.
pub const COUNT: u64 = 10_007;

/// Says that the calling test cannot run on this machine. The test then returns: it counts as skipped, not as passed.
pub fn skip(reason: impl std::fmt::Display) {
    println!("skipped: {reason}");
}

/// Returns from the calling test, as skipped, if something is missing: `need!(is_there, "needs it")`.
#[macro_export]
macro_rules! need {
    ($available:expr, $reason:expr) => {
        if !$available {
            return $crate::skip($reason);
        }
    };
}

/// Whether this process may trace: it is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The first CPU that this process and those that it starts may run on.
pub fn allowed_cpu() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list of CPUs");
    let first = list.trim().split([',', '-']).next();
    first.and_then(|cpu| cpu.parse().ok()).expect("a process may run somewhere")
}
