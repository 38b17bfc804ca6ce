//! Files whose file system does not answer, because the server of a FUSE or network file system has stopped. A trace that looks at one of
//! them (for symbols, or for what became of a probed file) gets to nothing else, and no signal to end gets through to it: where the
//! kernel waits for an answer, it lets through only what kills. So a thread ends the process when such a signal has waited
//! for seconds in which the trace was in one and the same system call.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::process;
use std::sync::Once;
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use quadrant_bpf::file::is_look;
use quadrant_bpf::wait::{Epoll, Signals};

/// So long a signal waits at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Enough for the thread.
const STACK: usize = 128 << 10;
const WORDS: &str = "quadrant: error: a file that the trace looks at is on a file system that does not answer; \
                     the trace was ended, and what it had counted is lost\n";

/// Looks after the calling thread, which takes these signals. Without the thread for it, all is the same but for this.
pub(crate) fn look_after(signals: &Signals) {
    static ONE: Once = Once::new();
    ONE.call_once(|| {
        let Ok(signals) = signals.as_fd().try_clone_to_owned() else { return };
        let looking = format!("/proc/self/task/{}", rustix::thread::gettid());
        let thread = Builder::new().name("quadrant-stuck".to_owned()).stack_size(STACK);
        let _ = thread.spawn(move || watch(&signals, &looking));
    });
}

fn watch(signals: &OwnedFd, thread: &str) -> Option<()> {
    let epoll = Epoll::new().ok()?;
    epoll.add(signals.as_fd(), 0).ok()?;
    let mut ready = Vec::new();
    loop {
        epoll.wait(None, &mut ready).ok()?;
        if is_stuck(&epoll, thread)? {
            // Not by way of the lock, which the other thread may have.
            let _ = rustix::io::write(rustix::stdio::stderr(), WORDS.as_bytes());
            process::exit(1);
        }
    }
}

/// Whether a signal waits in vain; `None` if that cannot be found out.
fn is_stuck(epoll: &Epoll, thread: &str) -> Option<bool> {
    let (started, mut ready) = (Instant::now(), Vec::new());
    let call = look_under_way(thread)?;
    while started.elapsed() < PATIENCE {
        sleep(PAUSE);
        epoll.wait(Some(Duration::ZERO), &mut ready).ok()?;
        if ready.is_empty() || call.is_none() || look_under_way(thread)? != call {
            return Some(false);
        }
    }
    Some(true)
}

/// How often a thread had given way before the look at a file in which it waits for what no signal interrupts; `Some(None)` if it is in none.
/// Writes are waited for, as what is written would be lost.
fn look_under_way(thread: &str) -> Option<Option<u64>> {
    let text = fs::read_to_string(format!("{thread}/status")).ok()?;
    let value = |name| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let waits = value("State:")?.starts_with('D');
    let given_way = value("voluntary_ctxt_switches:")?.parse().ok()?;
    let call = fs::read_to_string(format!("{thread}/syscall")).ok()?;
    let looks = call.split(' ').next().and_then(|number| number.parse().ok()).is_some_and(is_look);
    Some((waits && looks).then_some(given_way))
}
