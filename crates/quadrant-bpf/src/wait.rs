//! Waiting for many things at once: epoll, timers and signals as descriptors.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::interrupt;
use crate::sys;

/// A set of descriptors to wait for; can itself be waited for.
#[derive(Debug)]
pub struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    /// An empty set.
    pub fn new() -> Result<Epoll> {
        // SAFETY: only a number is passed.
        let fd = sys::check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }.into());
        let fd = fd.map_err(|errno| failed("create an epoll set", errno))?;
        Ok(Epoll { fd: sys::own(fd as i32) })
    }

    /// Adds a descriptor, waited for until it is readable; [`Epoll::wait`] names it by `token`. Closing it removes it.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64) -> Result<()> {
        let event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        self.control(libc::EPOLL_CTL_ADD, fd, event)
    }

    /// Removes a descriptor.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, libc::epoll_event { events: 0, u64: 0 })
    }

    /// Waits until something is readable or the time is over (`None`: for ever), and puts the tokens of what is
    /// readable into `ready` instead of what was there. A signal also ends the wait, with nothing ready.
    pub fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) -> Result<()> {
        const MOST: usize = 64;
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; MOST];
        let milliseconds = timeout.map_or(-1, milliseconds);
        ready.clear();
        // SAFETY: the array is valid for writes of as many events as the call is told.
        let answer =
            unsafe { libc::epoll_wait(self.fd.as_raw_fd(), events.as_mut_ptr(), MOST as libc::c_int, milliseconds) };
        match sys::check(answer.into()) {
            Ok(count) => ready.extend(events.iter().take(count as usize).map(|event| event.u64)),
            Err(errno) if errno.is(libc::EINTR) => {}
            Err(errno) => return Err(failed("wait for events", errno)),
        }
        Ok(())
    }

    fn control(&self, operation: libc::c_int, fd: BorrowedFd<'_>, mut event: libc::epoll_event) -> Result<()> {
        // SAFETY: `event` is a valid structure, which the kernel only reads.
        let answer = unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd.as_raw_fd(), &mut event) };
        sys::check(answer.into()).map(drop).map_err(|errno| failed("change an epoll set", errno))
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Rounded up, so that a short wait does not become a busy one.
fn milliseconds(timeout: Duration) -> libc::c_int {
    libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
}

/// A clock that becomes readable at regular times.
#[derive(Debug)]
pub struct Timer {
    fd: OwnedFd,
}

impl Timer {
    /// A timer that fires every `interval` (at least one nanosecond), first after one interval.
    pub fn every(interval: Duration) -> Result<Timer> {
        Timer::new(interval, interval)
    }

    /// A timer that fires once.
    pub fn once(after: Duration) -> Result<Timer> {
        Timer::new(after, Duration::ZERO)
    }

    /// How often it fired since the last call; 0 if it did not.
    pub fn fired(&self) -> Result<u64> {
        let mut count = [0; 8];
        match sys::read(self.fd.as_fd(), &mut count) {
            Ok(_) => Ok(u64::from_ne_bytes(count)),
            Err(errno) if errno.is(libc::EAGAIN) => Ok(0),
            Err(errno) => Err(failed("read a timer", errno)),
        }
    }

    fn new(first: Duration, interval: Duration) -> Result<Timer> {
        // SAFETY: only numbers are passed.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
        let fd = sys::check(fd.into()).map_err(|errno| failed("create a timer", errno))?;
        let fd = sys::own(fd as i32);
        let first = first.max(Duration::from_nanos(1));
        let times = libc::itimerspec { it_value: timespec(first), it_interval: timespec(interval) };
        // SAFETY: `times` is a valid structure, and the old setting is not asked for.
        let answer = unsafe { libc::timerfd_settime(fd.as_raw_fd(), 0, &times, std::ptr::null_mut()) };
        sys::check(answer.into()).map_err(|errno| failed("set a timer", errno))?;
        Ok(Timer { fd })
    }
}

fn timespec(time: Duration) -> libc::timespec {
    let seconds = libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX);
    libc::timespec { tv_sec: seconds, tv_nsec: time.subsec_nanos().into() }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Signals that arrive as something to read instead of interrupting.
pub struct Signals {
    fd: OwnedFd,
    numbers: Vec<i32>,
    set: libc::sigset_t,
    /// They also act where the process may block for ever.
    are_ending: bool,
}

impl Signals {
    /// Blocks those signals for the calling thread and the threads it starts later, and takes them here. Call it before
    /// any other thread exists. The signals stay blocked until [`Signals::release`].
    pub fn take(signals: &[i32]) -> Result<Signals> {
        let set = signal_set(signals).map_err(|errno| failed("use these signals", errno))?;
        // SAFETY: `set` is initialized, and the old mask is not asked for.
        let blocked = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
        if blocked != 0 {
            return Err(failed("block signals", Errno::new(blocked)));
        }
        // SAFETY: `set` is initialized.
        let fd = unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        let fd = sys::check(fd.into()).map_err(|errno| failed("receive signals", errno))?;
        Ok(Signals { fd: sys::own(fd as i32), numbers: signals.to_vec(), set, are_ending: false })
    }

    /// The same for signals that end what this process does: they also act while it is in a call that may block for ever
    /// ([`interrupt::interruptibly`]). A process has one of these.
    pub fn take_ending(signals: &[i32]) -> Result<Signals> {
        let taken = Signals::take(signals)?;
        interrupt::arm(signals).map_err(|errno| failed("handle signals", errno))?;
        Ok(Signals { are_ending: true, ..taken })
    }

    /// Whether whoever started this process had it ignore that signal, as nohup(1) does.
    pub fn is_ignored(signal: i32) -> bool {
        let mut action = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: nothing is set, and what is set now is written before it is read.
        unsafe {
            libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
                && action.assume_init().sa_sigaction == libc::SIG_IGN
        }
    }

    /// Lets those signals act again: the next interrupt ends the process at once, also where a shell that starts jobs in the background
    /// had it ignored.
    pub fn release(&self) -> Result<()> {
        interrupt::disarm();
        let default = |number: &i32| interrupt::on_signal(*number, libc::SIG_DFL);
        self.numbers.iter().try_for_each(default).map_err(|errno| failed("release signals", errno))?;
        // SAFETY: `set` is initialized, and the old mask is not asked for.
        match unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &self.set, std::ptr::null_mut()) } {
            0 => Ok(()),
            number => Err(failed("release signals", Errno::new(number))),
        }
    }

    /// The next signal that has arrived, if any.
    pub fn next(&self) -> Result<Option<i32>> {
        if let Some(signal) = self.are_ending.then(interrupt::noted).flatten() {
            return Ok(Some(signal));
        }
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        match sys::read(self.fd.as_fd(), &mut info) {
            Ok(_) => Ok(info.first_chunk::<4>().map(|number| i32::from_ne_bytes(*number))),
            Err(errno) if errno.is(libc::EAGAIN) => Ok(None),
            Err(errno) => Err(failed("receive signals", errno)),
        }
    }
}

/// A set of these signals.
pub(crate) fn signal_set(signals: &[i32]) -> std::result::Result<libc::sigset_t, Errno> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initializes the whole set.
    let mut set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    };
    for signal in signals {
        // SAFETY: `set` is initialized; a wrong number gives an error.
        sys::check(unsafe { libc::sigaddset(&mut set, *signal) }.into())?;
    }
    Ok(set)
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn failed(what: &str, errno: Errno) -> Error {
    Error::os(format!("cannot {what}"), Operation::File, errno)
}
