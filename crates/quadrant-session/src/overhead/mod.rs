//! What a trace itself costs, and what is done when that is more than it may be.
//!
//! The kernel counts the time of programs; a limit decides what follows from it.

mod limit;
mod meter;

use std::time::Duration;

pub use limit::Change;
pub(crate) use meter::Meter;

/// What the user wants to know of the cost of a trace, and to bear of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overhead {
    /// It is told at the end.
    pub told: bool,
    /// Time of programs, as a part of the time of one CPU, that shall not be exceeded.
    pub limit: Option<f64>,
}

impl Overhead {
    /// Whether anything is measured.
    pub fn is_wanted(&self) -> bool {
        self.told || self.limit.is_some()
    }
}

/// What a trace has cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// From when all probes were attached until the end.
    pub elapsed: Duration,
    /// CPUs that are in use.
    pub cpus: usize,
    /// One for each program; `None` if the kernel does not count, and why.
    pub probes: Result<Vec<ProbeCost>, String>,
    /// User and system time of the tracer since it was started.
    pub tracer_cpu: Duration,
    /// The most memory that the tracer has had, in bytes.
    pub tracer_peak: Option<u64>,
    /// What was done to spare the machine.
    pub steps: Vec<Step>,
}

/// What a program has cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeCost {
    /// The point, or the first one and how many more.
    pub name: String,
    /// Points that it serves.
    pub points: usize,
    /// How often it ran, firings that it left out included.
    pub runs: u64,
    /// Nanoseconds that this took.
    pub run_time_ns: u64,
    /// How often it was not run, because a program ran there already.
    pub misses: u64,
    /// It is reached through a trap of the process, whose time nobody counts.
    pub traps: bool,
}

/// Something that was done to spare the machine, or said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What.
    pub change: Change,
    /// When, after all probes were attached.
    pub after: Duration,
    /// The part of one CPU that programs took before.
    pub share: f64,
    /// What they may take.
    pub limit: f64,
    /// Why it went this far.
    pub why: Option<String>,
}
