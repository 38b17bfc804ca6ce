//! What the kernel reports about processes while they run.

/// Executable memory that a process got, as PERF_RECORD_MMAP2 describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mapped<'a> {
    /// The process.
    pub pid: u32,
    /// When, by the boot clock, in nanoseconds.
    pub time: u64,
    /// The first address.
    pub start: u64,
    /// How many bytes.
    pub len: u64,
    /// Where they are in the file.
    pub offset: u64,
    /// Major and minor number of the file's file system.
    pub device: (u32, u32),
    /// The file's number there; 0 for memory without a file.
    pub inode: u64,
    /// The path as in `/proc/PID/maps`.
    pub path: &'a [u8],
}
