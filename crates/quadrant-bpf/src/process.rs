//! Processes: one to start and trace from its first instruction, or one to watch until it ends.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Mutex;

use crate::cgroup::called_elsewhere;
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::limits;
use crate::sys;

/// How a process ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// By itself, with that exit status.
    Exited(i32),
    /// By that signal.
    Killed(i32),
}

/// A program to run beside the trace. It gets the limits back that were raised for tracing ([`crate::limits`]), as a [`Child`] does.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let limits = limits::Originals::get();
    let mut command = Command::new(program);
    let give_back = move || {
        limits.set();
        Ok(())
    };
    // SAFETY: what runs between fork and exec is async-signal-safe: it only sets limits, from a copy.
    unsafe { command.pre_exec(give_back) };
    command
}

/// A process that waits for its start: it exists, so that probes can be tied to it, but has not yet become its program.
///
/// It is killed when the thread that started it ends. Dropped before its release, it goes away without having run.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
    pidfd: PidFd,
    /// Writing a byte here lets it go on.
    gate: Option<OwnedFd>,
    /// Says why the program could not be executed; closes without a word if it could. That the process is ready was read from it before.
    failure: OwnedFd,
    name: String,
    status: Option<Status>,
}

impl Child {
    /// Why a program that is there cannot be executed, where the kernel says that it is not.
    pub const NO_INTERPRETER: &str = "it is there, but the program that its first line names, or its loader, is not";

    /// Starts a process that will run `argv`; the program is searched in `PATH` if its name has no slash.
    ///
    /// Signals are at their defaults there, and no descriptor of this crate is open.
    pub fn spawn(argv: &[CString]) -> Result<Child> {
        let Some(program) = argv.first() else {
            return Err(Error::new("cannot start a command", "it is empty"));
        };
        Child::spawn_program(program, argv)
    }

    /// The same for a program that was searched already: otherwise the traced process would try one folder after the other.
    pub fn spawn_program(program: &CStr, argv: &[CString]) -> Result<Child> {
        let name = argv.first().map_or(program, CString::as_c_str).to_string_lossy().into_owned();
        let failed = |call, errno| Error::os(format!("cannot start {name:?}{call}"), Operation::File, errno);
        let (pid, gate, failure) = fork_and_wait(program, argv).map_err(|errno| failed("", errno))?;
        let pidfd = PidFd::of(pid).map_err(|errno| failed(" and watch it (pidfd_open(2))", errno))?;
        Ok(Child { pid, pidfd, gate: Some(gate), failure, name, status: None })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid as u32
    }

    /// To wait for its end with epoll.
    pub fn pidfd(&self) -> &PidFd {
        &self.pidfd
    }

    /// Lets it become its program, and waits until it has. A second call does nothing.
    pub fn release(&mut self) -> Result<()> {
        let Some(gate) = self.gate.take() else { return Ok(()) };
        let failed = |errno| Error::os(format!("cannot run {:?}", self.name), Operation::File, errno);
        match sys::write(gate.as_fd(), &[1]) {
            // A signal has ended it while it waited, which is how it ended.
            Err(errno) if errno.is(libc::EPIPE) => return Ok(()),
            written => written.map_err(failed)?,
        };
        let mut number = [0; 4];
        match sys::read(self.failure.as_fd(), &mut number).map_err(failed)? {
            0 => Ok(()),
            _ => Err(self.cannot_run(failed(Errno::new(i32::from_ne_bytes(number))))),
        }
    }

    /// What is missing can be another program than the one that was named.
    fn cannot_run(&self, error: Error) -> Error {
        let is_there = self.name.contains('/') && std::path::Path::new(&self.name).exists();
        match error.errno() {
            Some(errno) if errno.is(libc::ENOENT) && is_there => error.because(Child::NO_INTERPRETER),
            _ => error,
        }
    }

    /// Waits for its end. Later calls give the same answer.
    pub fn wait(&mut self) -> Result<Status> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let status = wait_for(self.pid)
            .map_err(|errno| Error::os(format!("cannot wait for {:?}", self.name), Operation::File, errno))?;
        self.status = Some(status);
        Ok(status)
    }

    /// Sends it a signal; a process that has ended does not mind.
    pub fn signal(&self, signal: i32) -> Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        self.pidfd.signal(signal)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.gate.take().is_some() && self.status.is_none() {
            let _ = self.pidfd.signal(libc::SIGKILL);
            let _ = wait_for(self.pid);
        }
    }
}

/// Why a number is no process's, or whose it is in another namespace.
fn no_such_process(pid: u32) -> String {
    match called_elsewhere(pid) {
        here if here.is_empty() => "there is no such process".to_owned(),
        here => format!("there is no such process; in containers there is: take the number that it has here, {here}"),
    }
}

/// A process that cannot be mistaken for a later one of the same number. Its descriptor is readable once the process
/// has ended.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
    pid: libc::pid_t,
}

impl PidFd {
    /// Opens a running process by its number (Linux 5.3).
    pub fn open(pid: u32) -> Result<PidFd> {
        PidFd::of(pid as libc::pid_t).map_err(|errno| {
            let failed = |call| Error::os(format!("cannot trace process {pid}{call}"), Operation::File, errno);
            if errno.is(libc::ESRCH) { failed("").because(no_such_process(pid)) } else { failed(" (pidfd_open(2))") }
        })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid as u32
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure is given, and the time-out is 0.
        unsafe { libc::poll(&mut poll, 1, 0) > 0 }
    }

    /// Sends it a signal; a process that has ended does not mind.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a null pointer stands for the information that kill(2) would give.
        let answer = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.fd.as_raw_fd(), signal, no_info, 0) };
        match sys::check(answer) {
            Err(errno) if !errno.is(libc::ESRCH) => {
                Err(Error::os(format!("cannot signal process {}", self.pid), Operation::File, errno))
            }
            _ => Ok(()),
        }
    }

    fn of(pid: libc::pid_t) -> std::result::Result<PidFd, Errno> {
        // SAFETY: only numbers are passed.
        let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        sys::check(answer).map(|fd| PidFd { fd: sys::own(fd as i32), pid })
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Held from the making of the pipes to the closing of the child's ends, which another child must not inherit: it would
/// keep them open.
static SPAWNING: Mutex<()> = Mutex::new(());

/// The process's number, the gate, and the pipe for the reason of a failure, from which [`wait_until_ready`] has read.
fn fork_and_wait(program: &CStr, argv: &[CString]) -> std::result::Result<(libc::pid_t, OwnedFd, OwnedFd), Errno> {
    let _one_at_a_time = SPAWNING.lock();
    let (gate_in, gate_out) = sys::pipe()?;
    let (failure_in, failure_out) = sys::pipe()?;
    let mut words: Vec<*const libc::c_char> = argv.iter().map(|word| word.as_ptr()).collect();
    words.push(std::ptr::null());
    let limits = limits::Originals::get();
    // SAFETY: until it is its program, or ends by `_exit`, the child only runs `prepare`, `wait_for_release` and `become_program`. All that
    // these call is async-signal-safe: close, read, write, signal, sigemptyset, pthread_sigmask, _exit and execvp's execve are by POSIX;
    // prctl and setrlimit are in Linux' C libraries nothing but system calls; and execvp, which looks through PATH where the name has no
    // slash, reads the environment without a lock and builds names on the stack. None allocates, and nothing panics or is printed.
    match unsafe { libc::fork() } {
        0 => {
            prepare(limits, gate_out);
            wait_for_release(&gate_in, &failure_out);
            become_program(program, &words, &failure_out)
        }
        pid => {
            sys::check(pid.into())?;
            // What the child calls before its program is nobody's business, so it has done it before there are probes.
            drop(failure_out);
            if let Err(errno) = wait_until_ready(&failure_in) {
                // Its gate closes, so it ends.
                drop(gate_out);
                let _ = wait_for(pid);
                return Err(errno);
            }
            Ok((pid, gate_out, failure_in))
        }
    }
}

/// Reads the byte by which the child says that it is ready, so that what comes behind it is the reason of a failure. There is none
/// from a child that a signal has ended, and then nothing comes: that is found when it is released.
fn wait_until_ready(failure_in: &OwnedFd) -> std::result::Result<(), Errno> {
    sys::read(failure_in.as_fd(), &mut [0]).map(drop)
}

/// The child's first part. Only async-signal-safe calls: other threads' locks may be held for ever here. The gate's
/// other end is closed here, or a parent that goes away would not be noticed: one that went before the signal was asked for
/// ends the read.
fn prepare(limits: limits::Originals, gate_out: OwnedFd) {
    drop(gate_out);
    // SAFETY: only numbers are passed.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    limits.set();
    default_signals();
}

/// The child's second part, as careful as the first: it says that it is ready, and waits. If the byte cannot be written, the parent has gone,
/// and so has the gate's other end.
fn wait_for_release(gate_in: &OwnedFd, failure: &OwnedFd) {
    let mut byte = [0u8];
    let _ = sys::write(failure.as_fd(), &byte);
    if sys::read(gate_in.as_fd(), &mut byte) != Ok(1) {
        // SAFETY: it ends the process without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
}

/// The child's last part: nothing but the program's start, which is the first call of it that a trace sees.
fn become_program(program: &CStr, words: &[*const libc::c_char], failure: &OwnedFd) -> ! {
    // SAFETY: `program` is a terminated string, `words` a null-terminated array of such.
    unsafe { libc::execvp(program.as_ptr(), words.as_ptr()) };
    let _ = sys::write(failure.as_fd(), &Errno::last().number().to_ne_bytes());
    // SAFETY: it ends the process without running anything of the parent's.
    unsafe { libc::_exit(127) }
}

/// Undoes what Rust's runtime (SIGPIPE) and the tracer's event loop (the mask) have changed.
fn default_signals() {
    let mut none = std::mem::MaybeUninit::uninit();
    // SAFETY: the set is written by sigemptyset before it is read.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::sigemptyset(none.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}

fn wait_for(pid: libc::pid_t) -> std::result::Result<Status, Errno> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a valid place for the result.
        match sys::check(unsafe { libc::waitpid(pid, &mut status, 0) }.into()) {
            Err(errno) if errno.is(libc::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(_) if libc::WIFSIGNALED(status) => return Ok(Status::Killed(libc::WTERMSIG(status))),
            Ok(_) => return Ok(Status::Exited(libc::WEXITSTATUS(status))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_cannot_be_heard_is_no_child_that_waits() {
        let (reading, writing) = sys::pipe().unwrap();
        assert!(wait_until_ready(&writing).is_err());
        drop(writing);
        assert!(wait_until_ready(&reading).is_ok());
    }
}
