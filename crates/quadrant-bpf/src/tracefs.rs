//! The kernel's trace events as files, whether or not tracefs is mounted.
//!
//! Where nobody mounted it, a detached mount (fsopen(2), fsmount(2)) gives the same files and changes nothing on the
//! machine.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys;

/// Where tracefs is mounted on most machines.
const PLACES: [&CStr; 2] = [c"/sys/kernel/tracing", c"/sys/kernel/debug/tracing"];

/// An open tracefs.
pub struct TraceFs {
    root: OwnedFd,
}

impl TraceFs {
    /// Opens tracefs where it is mounted, else a mount of its own.
    pub fn open() -> Result<TraceFs> {
        let mounted = PLACES.iter().find_map(|place| open_mounted(place));
        let root = mounted.map_or_else(|| sys::mount_detached(c"tracefs"), Ok);
        let root = root.map_err(|errno| Error::os("cannot open tracefs", Operation::TraceFs, errno))?;
        Ok(TraceFs { root })
    }

    /// The whole content of the file at `path`, which is relative to the root, such as
    /// `events/sched/sched_switch/format`.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let failed = |errno| Error::os(format!("cannot read {path} of tracefs"), Operation::TraceFs, errno);
        let mut file = File::from(self.open_below(path, 0).map_err(failed)?);
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|error| failed(Errno::of(&error)))?;
        Ok(content)
    }

    /// The names in the directory at `path` (relative to the root, "" is the root itself), sorted.
    pub fn list(&self, path: &str) -> Result<Vec<String>> {
        let failed = |errno| Error::os(format!("cannot list {path} of tracefs"), Operation::TraceFs, errno);
        let path = if path.is_empty() { "." } else { path };
        let directory = self.open_below(path, libc::O_DIRECTORY).map_err(failed)?;
        let names = names(&directory).map_err(|error| failed(Errno::of(&error)))?;
        Ok(names)
    }

    /// The number of a trace event, by which perf_event_open(2) knows it.
    pub fn event_id(&self, category: &str, name: &str) -> Result<u64> {
        let text = self.read(&format!("events/{category}/{name}/id"))?;
        let text = String::from_utf8_lossy(&text);
        text.trim().parse().map_err(|_| {
            Error::new(
                format!("cannot use the tracepoint {category}:{name}"),
                format!("tracefs gives {:?} as its number", text.trim()),
            )
        })
    }

    fn open_below(&self, path: &str, flags: libc::c_int) -> std::result::Result<OwnedFd, Errno> {
        let stays_below = !path.starts_with('/') && path.split('/').all(|part| part != "..");
        let path = CString::new(path).ok().filter(|_| stays_below).ok_or(Errno::new(libc::EINVAL))?;
        sys::open_at(self.root.as_fd(), &path, flags)
    }
}

/// The kernel's lockdown level, if one is in force: `integrity` or `confidentiality`.
pub fn lockdown() -> Option<String> {
    let text = std::fs::read_to_string("/sys/kernel/security/lockdown").ok().or_else(read_detached_lockdown)?;
    let level = text.split_once('[')?.1.split_once(']')?.0;
    (level != "none").then(|| level.to_owned())
}

fn read_detached_lockdown() -> Option<String> {
    let root = sys::mount_detached(c"securityfs").ok()?;
    let mut file = File::from(sys::open_at(root.as_fd(), c"lockdown", 0).ok()?);
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(text)
}

/// The directory, if tracefs is really mounted there: an empty mount point also exists.
fn open_mounted(place: &CStr) -> Option<OwnedFd> {
    let nowhere = File::open("/").ok()?;
    let directory = sys::open_at(nowhere.as_fd(), place, libc::O_DIRECTORY).ok()?;
    sys::open_at(directory.as_fd(), c"events", libc::O_DIRECTORY).ok()?;
    Some(directory)
}

/// Reads the directory through /proc, because the standard library opens directories by path only.
fn names(directory: &OwnedFd) -> std::io::Result<Vec<String>> {
    let entries = std::fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
