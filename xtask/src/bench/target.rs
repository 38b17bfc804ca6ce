//! The programs that are traced.

use std::path::PathBuf;

use quadrant_testing::{Outcome, Program, Running};

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
        self.finish(self.program(Program::new(self.path()?)).start()?)
    }

    /// Runs it as the command of a tool that starts it.
    pub fn run_under(&self, tool: Program) -> Result<Work, Failure> {
        self.finish(self.program(tool.arg(self.path()?)).start()?)
    }

    /// Runs it on one processor.
    pub fn start_on(&self, processor: usize) -> Result<Running, Failure> {
        let pinned = Program::new("taskset").args(["-c", &processor.to_string()]).arg(self.path()?);
        Ok(self.program(pinned).start()?)
    }

    /// Starts it, and waits until it has done its work; it stays until its input ends.
    pub fn start_staying(&self) -> Result<Running, Failure> {
        let program = self.program(Program::new(self.path()?)).env("TARGET_STAY", "1").with_input();
        let running = program.start()?;
        running.wait_for_stderr("work: ")?;
        Ok(running)
    }

    /// Waits for its end; what its loop took.
    pub fn finish(&self, running: Running) -> Result<Work, Failure> {
        let pid = running.pid();
        self.report(&running.finish()?, pid)
    }

    /// Its command line as one text.
    pub fn command(&self) -> Result<String, Failure> {
        let path = self.path()?.to_string_lossy().into_owned();
        let words = self.mode.iter().map(|word| (*word).to_owned());
        Ok([path].into_iter().chain(words).chain([self.count.to_string()]).collect::<Vec<_>>().join(" "))
    }

    /// Where it is.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        Ok(quadrant_testing::target(self.name)?.canonicalize()?)
    }

    fn program(&self, program: Program) -> Program {
        program.args(self.mode).arg(self.count.to_string()).env("TARGET_REPORT", "1")
    }

    fn report(&self, outcome: &Outcome, pid: u32) -> Result<Work, Failure> {
        let work = outcome.stderr.lines().find_map(|line| parse(line, pid));
        work.ok_or_else(|| format!("the target {} gave no report: {}", self.name, outcome.describe()).into())
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
