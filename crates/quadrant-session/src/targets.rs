//! The processes with which a trace ends.

use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_bpf::process::Status;

use crate::error::Error;
use crate::run::End;
use crate::trace::Focus;
use crate::trace::Until;

/// The processes that still run.
pub(crate) struct Targets {
    pub(crate) processes: Vec<PidFd>,
    pub(crate) children: Vec<Child>,
    until: Until,
}

impl Targets {
    pub(crate) fn new(focus: Focus) -> Targets {
        Targets { processes: focus.processes, children: focus.children, until: focus.until }
    }

    /// What becomes readable when one of them ends.
    pub(crate) fn pidfds(&self) -> impl Iterator<Item = &PidFd> {
        self.children.iter().map(Child::pidfd).chain(&self.processes)
    }

    /// Take out those that have ended, and tell `told`; the end of the trace, if this is it. `forget` is called for each.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn ended(
        &mut self,
        told: &mut dyn FnMut(u32, Option<Status>),
        forget: &mut dyn FnMut(&PidFd) -> Result<(), Error>,
    ) -> Result<Option<End>, Error> {
        let mut end = None;
        for mut child in self.children.extract_if(.., |child| child.pidfd().has_ended()) {
            forget(child.pidfd())?;
            let status = child.wait()?;
            told(child.pid(), Some(status));
            end = Some(End::Target(Some(exit_status(status))));
        }
        for process in self.processes.extract_if(.., |process| process.has_ended()) {
            forget(&process)?;
            told(process.pid(), None);
            end = end.or(Some(End::Target(None)));
        }
        let is_over = self.until == Until::First || (self.children.is_empty() && self.processes.is_empty());
        Ok(end.filter(|_| is_over))
    }
}

/// As a shell gives it.
fn exit_status(status: Status) -> i32 {
    match status {
        Status::Exited(status) => status,
        Status::Killed(signal) => 128 + signal,
    }
}
