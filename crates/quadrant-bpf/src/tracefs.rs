//! The kernel's trace events as files, whether or not tracefs is mounted.
//!
//! Where nobody mounted it, a detached mount (fsopen(2), fsmount(2)) gives the same files and changes nothing on the
//! machine.

use std::ffi::CStr;

use crate::error::{Error, Result};
use crate::tree::Tree;

/// Where tracefs is mounted on most machines.
const PLACES: [&CStr; 2] = [c"/sys/kernel/tracing", c"/sys/kernel/debug/tracing"];

/// An open tracefs.
pub struct TraceFs {
    tree: Tree,
}

impl TraceFs {
    /// Opens tracefs where it is mounted, else a mount of its own.
    pub fn open() -> Result<TraceFs> {
        Ok(TraceFs { tree: Tree::open(c"tracefs", &PLACES, c"events")? })
    }

    /// The whole content of the file at `path`, which is relative to the root, such as
    /// `events/sched/sched_switch/format`.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.tree.read(path)
    }

    /// The file at `path`, relative to the root, open for reading, as `trace_pipe`; a read with nothing there does not wait.
    pub fn open_file(&self, path: &str) -> Result<std::fs::File> {
        self.tree.open_file(path)
    }

    /// The names in the directory at `path` (relative to the root, "" is the root itself), sorted.
    pub fn list(&self, path: &str) -> Result<Vec<String>> {
        self.tree.list(path)
    }

    /// Whether there is such a file or directory.
    pub fn exists(&self, path: &str) -> bool {
        self.tree.exists(path)
    }

    /// Hands lines to the file at `path`, such as `kprobe_events`, in addition to those that it has. The kernel takes
    /// them one by one, and stops at the first that it refuses.
    pub fn append(&self, path: &str, lines: &str) -> Result<()> {
        self.tree.append(path, lines)
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
}
