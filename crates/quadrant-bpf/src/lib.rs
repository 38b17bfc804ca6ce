//! Quadrant's only door to the kernel: bpf(2), perf_event_open(2), tracefs, and eBPF instructions.
//!
//! The crate knows no tracing language and no probe names. It is also the only one of the workspace that contains `unsafe`.
//!
//! * [`insn`], [`helper`], [`disasm`]: eBPF instructions, to encode and to list them.
//!
//! Everything that attaches does so by file descriptor, so a killed tracer leaves nothing behind.

// The system calls of bpf(2), perf_event_open(2) and mmap(2) exist only as raw calls over pointers; this crate wraps them for the rest.
#![allow(unsafe_code)]

pub mod insn;
