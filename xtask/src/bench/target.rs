//! The programs that are traced.

use std::path::PathBuf;

use quadrant_testing::Program;

use crate::Failure;

/// A target, its arguments, and how many operations they make.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in `tests/targets`.
    pub name: &'static str,
    /// Its arguments without the count.
    pub mode: &'static [&'static str],
    /// How many operations it is told to do.
    pub count: u64,
}

/// A loop of a target: how many operations took how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// The process that did it.
    pub pid: u32,
    /// Operations.
    pub operations: u64,
    /// Nanoseconds for all of them.
    pub ns: u64,
}

impl Work {
    /// Nanoseconds for one.
    pub fn ns_each(self) -> f64 {
        self.ns as f64 / self.operations as f64
    }
}

impl Target {
    /// Runs it to its end; what its loop took by its own clock.
    pub fn run(&self) -> Result<Work, Failure> {
        let program = Program::new(self.path()?).args(self.mode).arg(self.count.to_string());
        let running = program.env("TARGET_REPORT", "1").start()?;
        let pid = running.pid();
        let outcome = running.finish()?;
        let work = outcome.stderr.lines().find_map(|line| parse(line, pid));
        work.ok_or_else(|| format!("the target {} gave no report: {}", self.name, outcome.describe()).into())
    }

    /// Where it is.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        Ok(quadrant_testing::target(self.name)?)
    }
}

/// `work: 10007 operations, 123456 ns`.
fn parse(line: &str, pid: u32) -> Option<Work> {
    let (operations, ns) = line.strip_prefix("work: ")?.strip_suffix(" ns")?.split_once(" operations, ")?;
    Some(Work { pid, operations: operations.parse().ok()?, ns: ns.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let work = Work { pid: 3, operations: 10007, ns: 123_456 };
        assert_eq!(parse("work: 10007 operations, 123456 ns", 3), Some(work));
        assert_eq!(parse("enabled: 0 of 5", 3), None);
    }
}
