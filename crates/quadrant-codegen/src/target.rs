//! What code is generated for: the kernel's abilities, as data.

use quadrant_program::arch::Arch;
use quadrant_program::arch::native;

/// The running kernel and machine, as far as generated code depends on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Number of possible CPUs.
    pub ncpus: u32,
    /// `BPF_MAP_TYPE_RINGBUF` (5.8); otherwise records go through a perf event array.
    pub ring_buffer: bool,
    /// `bpf_loop` (5.17).
    pub bpf_loop: bool,
    /// `bpf_for_each_map_elem` (5.13).
    pub for_each_map_elem: bool,
    /// Hash maps that grow are allowed in tracing programs (`BPF_F_NO_PREALLOC`).
    pub no_prealloc: bool,
    /// `bpf_ktime_get_tai_ns` (6.1).
    pub ktime_tai: bool,
    /// Atomic operations with fetch, exchange and compare-exchange (5.12).
    pub atomic_fetch: bool,
    /// A raw tracepoint's program is not run on a CPU where it runs already (6.1); nor is one of a trampoline (5.12).
    pub guarded: bool,
    /// Offset of TAI from the boot clock in ns, taken at start, for `nsecs(sw_tai)`.
    pub tai_offset_ns: i64,
    /// Offset of the time since 1970 from the boot clock in ns, taken at start, for time series.
    pub wall_offset_ns: i64,
    /// The tracer's namespace of process ids, if it is not the initial one: the device (as the kernel numbers it) and inode of its file.
    pub pid_namespace: Option<(u64, u64)>,
    /// Size of the ring buffer in bytes, a power of two.
    pub ring_bytes: u32,
    /// Offset of `comm` in `struct task_struct`, where programs can read the current task through BTF (5.11).
    pub comm_offset: Option<u32>,
    /// Where a task keeps its numbers, where its name is read, too: both then take one call.
    pub task_ids: Option<TaskIds>,
    /// `bpf_probe_write_user` may be used: programs are not in lockdown.
    pub write_user: bool,
    /// `bpf_override_return` may be used.
    pub override_return: bool,
    /// Where a task keeps its process and its parent, if the script asks for ancestors.
    pub task: Option<TaskOffsets>,
    /// Where the parts of a path are, if the script asks for paths.
    pub path: Option<PathOffsets>,
    /// Id in the kernel's BTF of `bpf_session_is_return`, which tells programs at entry and return of functions where they are.
    pub session_is_return: Option<u32>,
    /// Programs that only answer look at a word first, by which they may be told to leave out most firings.
    pub sampling: bool,
    /// Loops over maps say which they are: as flags they have the number of their variable, and 1. No kernel takes that; a replay does.
    pub numbers_walks: bool,
    /// Keys of a keyed map without a size of its own.
    pub map_keys: u32,
    /// Distinct stacks kept per kind.
    pub stack_keys: u32,
    /// How many short stacks are kept apart, in memory that is taken at the start; 0 where all stacks are kept together.
    pub short_stacks: u32,
    /// In kernel stacks that begin in a program at a tracepoint, the program comes twice (seen on Linux 5.10).
    pub programs_come_twice: bool,
    /// The kernel calls programs at its events of system calls through a function that has a frame of its own (Linux 6.13), as it holds off
    /// other programs there.
    pub syscall_events_have_frame: bool,
    /// Keys that come first are kept in arrays, where programs find them without a call: those of aggregations, if they are short, and
    /// those whose entries stay, if they are a word.
    pub fronts: bool,
    /// Registers.
    pub arch: &'static Arch,
}

impl Target {
    /// A kernel of this machine's architecture that has all abilities, and of which nothing else is known: no clock, no type and no
    /// namespace. Sizes are small. Who compiles for another kernel than the running one says what differs.
    pub fn newest(ncpus: u32) -> Target {
        Target {
            ncpus,
            ring_buffer: true,
            bpf_loop: true,
            for_each_map_elem: true,
            no_prealloc: true,
            ktime_tai: true,
            atomic_fetch: true,
            guarded: true,
            tai_offset_ns: 0,
            wall_offset_ns: 0,
            pid_namespace: None,
            ring_bytes: 1 << 20,
            comm_offset: None,
            task_ids: None,
            write_user: true,
            override_return: true,
            task: None,
            path: None,
            session_is_return: None,
            sampling: false,
            numbers_walks: false,
            map_keys: 4096,
            stack_keys: 1024,
            short_stacks: 0,
            programs_come_twice: false,
            syscall_events_have_frame: false,
            fronts: true,
            arch: native(),
        }
    }
}

/// Offsets in `struct task_struct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskIds {
    /// `pid`: the thread's number.
    pub pid: u32,
    /// `tgid`: the process's.
    pub tgid: u32,
}

/// Offsets in `struct task_struct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskOffsets {
    /// `tgid`.
    pub tgid: u32,
    /// `real_parent`.
    pub real_parent: u32,
}

/// Offsets of what leads from a `struct path` to its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathOffsets {
    /// `struct path`: `mnt`.
    pub mnt: u32,
    /// `struct path`: `dentry`.
    pub dentry: u32,
    /// `struct vfsmount`: `mnt_root`.
    pub mnt_root: u32,
    /// `struct mount`: the `struct vfsmount` in it.
    pub mount: u32,
    /// `struct mount`: `mnt_parent`.
    pub mnt_parent: u32,
    /// `struct mount`: `mnt_mountpoint`.
    pub mnt_mountpoint: u32,
    /// `struct dentry`: `d_parent`.
    pub d_parent: u32,
    /// `struct dentry`: the length of its name.
    pub name_len: u32,
    /// `struct dentry`: the pointer to its name.
    pub name: u32,
}
