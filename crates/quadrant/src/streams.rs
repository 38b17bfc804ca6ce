//! Standard output and error that another program left in non-blocking mode.
//!
//! The mode belongs to what all programs with that pipe or terminal share: parents that wait for events (node, ssh) set it, and a writer that
//! is faster than the reader then gets EAGAIN in the middle of a line.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, openat};
use rustix::stdio::{dup2_stderr, dup2_stdout};

/// Makes writing to both wait for the reader.
pub fn wait_for_readers() {
    // What cannot be changed stays as it is: whatever fails then says so.
    let _ = own(io::stdout().as_fd(), "/proc/self/fd/1", dup2_stdout);
    let _ = own(io::stderr().as_fd(), "/proc/self/fd/2", dup2_stderr);
}

/// The same pipe or terminal is opened once more, so that other programs keep their mode. Sockets cannot be: there it changes for all.
/// Files never have a writer wait, and what opens one anew begins at its start: they stay as they are.
fn own(stream: BorrowedFd<'_>, path: &str, replace: fn(OwnedFd) -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    let mode = fcntl_getfl(stream)?;
    let kind = FileType::from_raw_mode(fstat(stream)?.st_mode);
    if !mode.contains(OFlags::NONBLOCK) || kind == FileType::RegularFile {
        return Ok(());
    }
    let blocking = mode.difference(OFlags::NONBLOCK);
    // A pipe without a reader would be waited for.
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(CWD, path, flags | (mode & OFlags::APPEND), Mode::empty()) {
        Ok(opened) => {
            fcntl_setfl(&opened, blocking)?;
            replace(opened)
        }
        Err(_) => fcntl_setfl(stream, blocking),
    }
}
