use std::io::Write;
use std::process::{Child, ChildStdin};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use wait4::Wait4;

use crate::stream::Stream;
use crate::{Error, Outcome};

/// A started program. Dropped before its end, it is killed with its process group.
pub struct Running {
    /// None once it was waited for.
    child: Option<Child>,
    /// The process, which is also the leader of its group.
    pid: Pid,
    input: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
    started: Instant,
    deadline: Instant,
}

impl Running {
    pub(crate) fn new(mut child: Child, started: Instant, limit: Duration) -> Self {
        let input = child.stdin.take();
        let stdout = Stream::collect(child.stdout.take());
        let stderr = Stream::collect(child.stderr.take());
        let pid = Pid::from_child(&child);
        Self { child: Some(child), pid, input, stdout, stderr, started, deadline: started + limit }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Waits until standard output contains a text.
    ///
    /// # Errors
    /// The output ended or the time is over before it came.
    pub fn wait_for_stdout(&self, text: &str) -> Result<(), Error> {
        self.wait_for(&self.stdout, text, self.deadline)
    }

    /// Waits no longer than so long until standard output contains a text.
    ///
    /// # Errors
    /// The output ended or the time is over before it came.
    pub fn wait_for_stdout_within(&self, limit: Duration, text: &str) -> Result<(), Error> {
        self.wait_for(&self.stdout, text, self.deadline.min(Instant::now() + limit))
    }

    /// Waits until standard error contains a text.
    ///
    /// # Errors
    /// The output ended or the time is over before it came.
    pub fn wait_for_stderr(&self, text: &str) -> Result<(), Error> {
        self.wait_for(&self.stderr, text, self.deadline)
    }

    /// Writes to its standard input, if it was started [`with_input`](crate::Program::with_input).
    ///
    /// # Errors
    /// It has no such input, or does not read any more.
    pub fn write(&mut self, text: &str) -> Result<(), Error> {
        let input = self.input.as_mut().ok_or(std::io::ErrorKind::NotConnected.into());
        input.and_then(|input| input.write_all(text.as_bytes())).map_err(Error::io("write to the program"))
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Sends a signal to it alone.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        kill_process(self.pid, signal).map_err(|e| Error::io("signal the program")(e.into()))
    }

    /// Whether it has ended, though nobody has waited for it yet.
    pub fn has_ended(&self) -> bool {
        let pidfd = pidfd_open(self.pid, PidfdFlags::empty());
        pidfd.is_err()
            || pidfd.is_ok_and(|fd| poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&Timespec::default())) == Ok(1))
    }

    /// Waits for its end, or kills it when its time is over.
    ///
    /// # Errors
    /// The system refuses to wait for it.
    pub fn finish(mut self) -> Result<Outcome, Error> {
        self.input = None;
        let timed_out = !self.ended_in_time()?;
        if timed_out {
            self.kill();
        }
        let child = self.child.take().ok_or(std::io::ErrorKind::NotFound.into());
        let ended = child.and_then(Child::wait4).map_err(Error::io("wait for the program"))?;
        let (status, rusage) = (ended.status, ended.rusage);
        let elapsed = self.started.elapsed();
        Ok(Outcome {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            status,
            timed_out,
            elapsed,
            cpu: rusage.utime + rusage.stime,
            peak_kib: rusage.maxrss / 1024,
        })
    }

    fn wait_for(&self, stream: &Stream, text: &str, until: Instant) -> Result<(), Error> {
        if stream.wait_for(text, until) {
            return Ok(());
        }
        let printed = self.stdout.text() + &self.stderr.text();
        Err(Error::NotPrinted { expected: text.to_owned(), printed })
    }

    fn ended_in_time(&self) -> Result<bool, Error> {
        let failed = |e: rustix::io::Errno| Error::io("wait for the program")(e.into());
        let pidfd = pidfd_open(self.pid, PidfdFlags::empty()).map_err(failed)?;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], timeout.as_ref()) {
                Ok(ended) => return Ok(ended > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(failed(e)),
            }
        }
    }

    fn kill(&self) {
        // The group may be gone by itself in this moment.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.kill();
            // Killed, so it ends; how it ended is of no interest any more.
            let _ = child.wait();
        }
    }
}
