//! Finding, describing and attaching probes: one module per mechanism.
//!
//! Each mechanism's folder has the same two files: `list` (which names there are) and `resolve` (what a name means: where, and with
//! which arguments); [`Source`] asks the right one for a front end. [`attach`] has a file for each way to put a loaded program there.
//!
//! Files of traced programs are hostile here: they are read by copying, checked at every step, and never mapped.
//!
//! Deliberately absent: languages, eBPF instructions, output.

pub mod attach;
mod debug;
mod demangle;
mod elf;
mod error;
mod fentry;
mod files;
mod glob;
mod iter;
mod kernel;
mod kprobe;
mod leftovers;
mod number;
mod own;
mod perf_event;
mod point;
mod rawtracepoint;
mod recorded;
mod source;
mod target;
#[cfg(test)]
mod testing;
mod timer;
mod tracepoint;
mod uprobe;
mod usdt;
mod warning;
mod watchpoint;

pub use glob::{Glob, has_wildcards};
pub use kernel::FunctionTracer;
pub use leftovers::{Swept, sweep};
pub use recorded::{RecordedArgument, RecordedPoint, RecordedSource};
pub use source::{Options, Source};
pub use target::processes_that_run;
pub use tracepoint::{MadeEvent, made_events};
pub use uprobe::{FunctionStart, cheaper_entries, function_starts, return_sites};
pub use warning::Warning;
