//! Processes: who they are, what they map, and what is kept of them after they ended.

mod calls;
mod event;
mod maps;
mod one;
mod pin;
mod snapshot;
mod stat;
mod table;

pub use event::Mapped;
pub(crate) use maps::{Backing, Inode, MappedFile, Mapping};
pub(crate) use one::Process;
pub(crate) use snapshot::{Snapshot, reader_of};
pub(crate) use stat::Status;
pub(crate) use table::Processes;

/// A process, named for ever: pids are used again, start times are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId {
    /// The pid in the tracer's pid namespace.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`); a little later for a process whose
    /// start was reported by the kernel.
    pub start_time: u64,
}
