//! What a process's descriptor attaches a program to: the only way to see what has no link.

use crate::attr;
use crate::errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys::{self, Command};

use super::until_nul;

/// What a descriptor of a process attaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskAttachment {
    /// It is a perf event without a program.
    Bare,
    /// It is a perf event with a program, of a kind that the kernel does not describe (clocks, counters, watchpoints).
    Event,
    /// It attaches a program to a probe.
    Probe(TaskProbe),
}

/// A probe and its program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskProbe {
    /// The program's number.
    pub prog_id: u32,
    /// `enum bpf_task_fd_type`: 0 raw tracepoint, 1 tracepoint, 2 kprobe, 3 kretprobe, 4 uprobe, 5 uretprobe.
    pub kind: u32,
    /// The tracepoint, function, or file.
    pub name: Vec<u8>,
    /// Bytes after the start of the function or file.
    pub offset: u64,
    /// The kernel's address, of a kprobe without a name.
    pub address: u64,
}

/// Longest name or path, with its terminator.
const NAME: usize = 4096;

/// Asks about a descriptor of a process; `None` if it is neither a perf event nor a raw tracepoint, or is gone by now.
/// Needs CAP_SYS_ADMIN.
pub fn task_attachment(pid: u32, fd: u32) -> Result<Option<TaskAttachment>> {
    let mut name = vec![0u8; NAME];
    let mut request =
        attr::TaskFdQuery { pid, fd, buf_len: NAME as u32, buf: sys::address_mut(&mut name), ..Default::default() };
    let refusal = match sys::bpf(Command::TaskFdQuery, &mut request) {
        Ok(_) => return Ok(Some(TaskAttachment::Probe(probe(&request, &name)))),
        Err(errno) => errno,
    };
    match refusal.number() {
        _ if refusal == errno::ENOTSUPP => Ok(None),
        // ENOENT is also the answer about a process that is gone; the caller has just seen it.
        libc::ENOENT => Ok(Some(TaskAttachment::Bare)),
        libc::EOPNOTSUPP => Ok(Some(TaskAttachment::Event)),
        libc::EBADF | libc::ESRCH => Ok(None),
        _ => Err(Error::os(format!("cannot ask about descriptor {fd} of process {pid}"), Operation::Admin, refusal)),
    }
}

fn probe(answer: &attr::TaskFdQuery, name: &[u8]) -> TaskProbe {
    TaskProbe {
        prog_id: answer.prog_id,
        kind: answer.fd_type,
        name: until_nul(name),
        offset: answer.probe_offset,
        address: answer.probe_addr,
    }
}
