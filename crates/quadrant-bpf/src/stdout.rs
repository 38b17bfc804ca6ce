//! Whether standard output was open when the process started.
//!
//! Rust's runtime puts /dev/null in the place of closed standard streams before `main`. After a shell's `>&-` all writing would succeed
//! and nothing would be written.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

// SAFETY: the section holds functions that the C library calls before `main`, one after the other; this one keeps to the C calling
// convention, cannot unwind, and needs nothing of Rust's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: the call takes no pointer.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    CLOSED.store(flags == -1, Ordering::Relaxed);
}

/// Whether the process was started without standard output.
pub fn was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}
