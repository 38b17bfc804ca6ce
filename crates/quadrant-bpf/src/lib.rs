//! Quadrant's only door to the kernel: bpf(2), perf_event_open(2), tracefs, and eBPF instructions.
//!
//! The crate knows no tracing language and no probe names. It is also the only one of the workspace that contains
//! `unsafe`.
//!
//! * [`insn`], [`helper`], [`disasm`]: eBPF instructions, the helper functions that they call, and their listing.
//! * [`map`], [`ringbuf`], [`perfbuf`]: data that programs and this process share.
//! * [`prog`], [`btf`]: programs, and the types that the kernel wants for their callbacks.
//! * [`link`], [`perf`]: attaching. Everything attaches by file descriptor, so a killed tracer leaves nothing behind.
//! * [`object`]: the programs, maps, links and types that the kernel has now, whoever made them.
//! * [`features`]: what this kernel can do, found out by trying.
//! * [`maker`]: whose events in tracefs are.
//! * [`tracefs`], [`debugfs`], [`security`], [`mod@file`], [`cpus`], [`kconfig`]: what the kernel tells about itself in files.
//! * [`process`], [`cgroup`], [`sideband`]: the traced process, groups of processes, and what any process maps and becomes while it runs.
//! * [`wait`], [`interrupt`], [`threads`], [`limits`], [`stdout`]: the tracer's event loop, its threads and limits, and where it was
//!   started.
//! * [`error`], [`errno`]: what failed, why, and what to do.

// The system calls of bpf(2), perf_event_open(2) and mmap(2) exist only as raw calls over pointers; this crate wraps
// them for the rest.
#![allow(unsafe_code)]

mod attr;
pub mod btf;
pub mod cgroup;
pub mod cpus;
pub mod debugfs;
pub mod disasm;
pub mod errno;
pub mod error;
mod explain;
pub mod features;
pub mod file;
pub mod helper;
pub mod hotplug;
pub mod insn;
pub mod interrupt;
pub mod kconfig;
pub mod kernel;
pub mod limits;
pub mod link;
pub mod maker;
pub mod map;
mod mmap;
pub mod object;
pub mod perf;
mod perf_ring;
pub mod perfbuf;
pub mod process;
pub mod prog;
pub mod ringbuf;
pub mod security;
pub mod sideband;
pub mod stdout;
mod sys;
pub mod threads;
pub mod tracefs;
mod tree;
pub mod wait;

pub use error::{Error, Result};
pub use explain::{Operation, missing_capabilities};
