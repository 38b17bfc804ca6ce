//! Calls that may block for ever, and that signals must be able to end all the same.
//!
//! A trace blocks the signals that end it, and reads them between other things. It gets to nothing else while it writes to a pipe that
//! nobody reads, or waits for a command. There the signals act: the first one is noted for the event loop, and the next one ends the
//! process.

use std::io;
use std::io::Write;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys;
use crate::wait::signal_set;

/// The signals that are blocked but for these calls: a bit for each.
static ENDING: AtomicU64 = AtomicU64::new(0);
/// The one that came during such a call and was not asked for yet.
static NOTED: AtomicI32 = AtomicI32::new(0);
/// Such calls so far.
static MADE: AtomicU64 = AtomicU64::new(0);

/// While it lives the first signal to end is noted, for the trace or for whoever asks, and the next one ends the process: for long work
/// that can stop and say so.
#[derive(Debug)]
pub struct Noting(Vec<i32>);

impl Noting {
    /// Begins with these signals, also where a shell that starts jobs in the background had one ignored: a trace takes it, too.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn begin(signals: &[i32]) -> Result<Noting> {
        arm(signals).map_err(|errno| Error::os("cannot handle signals".to_owned(), Operation::File, errno))?;
        Ok(Noting(signals.to_vec()))
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        disarm();
        for signal in &self.0 {
            // As for a trace that has ended.
            let _ = on_signal(*signal, libc::SIG_DFL);
        }
    }
}

/// Whether one came that nobody has asked for yet.
pub fn is_noted() -> bool {
    NOTED.load(Relaxed) != 0
}

/// How many such calls were made: what changes it may have taken long.
pub fn made() -> u64 {
    MADE.load(Relaxed)
}

/// Makes a call that may block for ever.
pub fn interruptibly<T>(call: impl FnOnce() -> T) -> T {
    MADE.fetch_add(1, Relaxed);
    let ending: Vec<i32> = numbers(ENDING.load(Relaxed)).collect();
    let Some(set) = signal_set(&ending).ok().filter(|_| !ending.is_empty()) else { return call() };
    mask(libc::SIG_UNBLOCK, &set);
    let done = call();
    // They may have been released meanwhile.
    if ENDING.load(Relaxed) != 0 {
        mask(libc::SIG_BLOCK, &set);
    }
    done
}

/// A writer that may block for ever.
pub struct Interruptible<W>(pub W);

impl<W: Write> Write for Interruptible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        interruptibly(|| self.0.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        interruptibly(|| self.0.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        interruptibly(|| self.0.flush())
    }
}

/// From now on these signals, which are blocked, act during such calls.
pub(crate) fn arm(signals: &[i32]) -> std::result::Result<(), Errno> {
    signals.iter().try_for_each(|signal| on_signal(*signal, note as *const () as libc::sighandler_t))?;
    ENDING.store(signals.iter().fold(0, |bits, signal| bits | bit(*signal)), Relaxed);
    Ok(())
}

/// From now on signals are not meddled with.
pub(crate) fn disarm() {
    ENDING.store(0, Relaxed);
}

/// The signal that came during such a call, if it was not asked for yet.
pub(crate) fn noted() -> Option<i32> {
    Some(NOTED.swap(0, Relaxed)).filter(|signal| *signal != 0)
}

/// What a signal does; system calls that it interrupts go on. A handler runs to its end before the next signal acts, so two that come
/// at once are two.
pub(crate) fn on_signal(signal: i32, action: libc::sighandler_t) -> std::result::Result<(), Errno> {
    let mut new = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the structure is all numbers, so zeros are values. The action is the default, or `note`, which does what a handler may.
    let answer = unsafe {
        let new = new.assume_init_mut();
        (new.sa_sigaction, new.sa_flags) = (action, libc::SA_RESTART);
        libc::sigfillset(&mut new.sa_mask);
        libc::sigaction(signal, new, std::ptr::null_mut())
    };
    sys::check(answer.into()).map(drop)
}

/// The handler. Only async-signal-safe calls.
extern "C" fn note(signal: libc::c_int) {
    NOTED.store(signal, Relaxed);
    for ending in numbers(ENDING.load(Relaxed)) {
        let _ = on_signal(ending, libc::SIG_DFL);
    }
}

fn numbers(bits: u64) -> impl Iterator<Item = i32> {
    (1..=64).filter(move |signal| bits & bit(*signal) != 0)
}

fn bit(signal: i32) -> u64 {
    u32::try_from(signal).ok().and_then(|signal| 1_u64.checked_shl(signal.wrapping_sub(1))).unwrap_or(0)
}

fn mask(how: libc::c_int, set: &libc::sigset_t) {
    // SAFETY: `set` is initialized, and the old mask is not asked for. It fails only for another `how`.
    unsafe { libc::pthread_sigmask(how, set, std::ptr::null_mut()) };
}
