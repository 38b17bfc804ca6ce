//! What code is generated for: the kernel's abilities, as data.

use quadrant_program::arch::Arch;

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
    /// Offset of TAI from the boot clock in ns, taken at start, for `nsecs(sw_tai)`.
    pub tai_offset_ns: i64,
    /// Size of the ring buffer in bytes, a power of two.
    pub ring_bytes: u32,
    /// Offset of `comm` in `struct task_struct`, where programs can read the current task through BTF (5.11).
    pub comm_offset: Option<u32>,
    /// Keys of a keyed map without a size of its own.
    pub map_keys: u32,
    /// Distinct stacks kept per kind.
    pub stack_keys: u32,
    /// Registers.
    pub arch: &'static Arch,
}
