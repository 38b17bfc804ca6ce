//! Opening files that others choose, without side effects and without leaving their root.
//!
//! A path is first opened with O_PATH, which touches neither devices nor FIFOs; only when it
//! is a regular file is it opened for reading, through `/proc/self/fd`.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, openat, openat2};

/// Opens the root directory of a process as seen by that process.
///
/// # Errors
/// The process is gone, or not ours to look at.
pub fn root_of(pid: u32) -> io::Result<OwnedFd> {
    let path = format!("/proc/{pid}/root");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?)
}

/// Opens a regular file for reading by a path that this program made itself. Links at its
/// end are followed, so magic links in /proc work.
///
/// # Errors
/// There is none, it may not be read, or it is something else.
pub fn regular(path: impl AsRef<Path>) -> io::Result<File> {
    let found = openat(CWD, path.as_ref(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    reopen_regular(&found)
}

/// Opens a regular file below `root` as a process with that root directory would: links
/// cannot lead out of it. With `follow_last` unset the file itself must not be a link.
///
/// # Errors
/// As for [`regular`].
pub fn regular_in(root: BorrowedFd<'_>, path: &Path, follow_last: bool) -> io::Result<File> {
    let last = if follow_last { OFlags::empty() } else { OFlags::NOFOLLOW };
    reopen_regular(&found_in(root, path, last)?)
}

/// The names in a directory below `root`, in no order; links cannot lead out of the root.
///
/// # Errors
/// There is no such directory, or it may not be read.
pub fn names_in(root: BorrowedFd<'_>, path: &Path) -> io::Result<Vec<OsString>> {
    let dir = found_in(root, path, OFlags::DIRECTORY)?;
    let entries = std::fs::read_dir(format!("/proc/self/fd/{}", dir.as_raw_fd()))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect())
}

fn found_in(root: BorrowedFd<'_>, path: &Path, more: OFlags) -> io::Result<OwnedFd> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(root, inside, OFlags::PATH | OFlags::CLOEXEC | more, Mode::empty(), resolve) {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => walk(root, inside),
        found => Ok(found?),
    }
}

/// The way without openat2(2) (Linux before 5.6, or filtered): one component at a time,
/// refusing every link and every `..`.
fn walk(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut at = openat(root, ".", flags | OFlags::DIRECTORY, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::Normal(name) => at = openat(&at, name, flags, Mode::empty())?,
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
    }
    Ok(at)
}

fn reopen_regular(found: &impl AsFd) -> io::Result<File> {
    let stat = fstat(found)?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return Err(io::Error::other("not a regular file"));
    }
    let path = format!("/proc/self/fd/{}", found.as_fd().as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(CWD, path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => Err(io::Error::other(
            "/proc is not mounted here, which files are opened through: run `mount -t proc proc /proc`",
        )),
        opened => Ok(File::from(opened?)),
    }
}
