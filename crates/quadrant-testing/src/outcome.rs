use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// How a program ended and what it left.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What it printed on standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// What it printed on standard error, invalid UTF-8 replaced.
    pub stderr: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
    /// From just before its start until it had ended.
    pub elapsed: Duration,
    /// Processor time of it and the children that it waited for, user and system together.
    pub cpu: Duration,
    /// Peak resident memory in KiB, of it or of the largest child that it waited for. It is never less than what
    /// the starting process itself has.
    pub peak_kib: u64,
}

impl Outcome {
    /// The exit status, or none if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The number of the signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Whether it ended by itself, in time, with status 0.
    pub fn success(&self) -> bool {
        !self.timed_out && self.status.success()
    }

    /// The output's lines without the empty ones.
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().filter(|line| !line.trim().is_empty()).collect()
    }

    /// All that it printed and how it ended: for the message of a failed assertion.
    pub fn describe(&self) -> String {
        let late = if self.timed_out { ", killed: its time was over" } else { "" };
        format!("{}{late}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}
