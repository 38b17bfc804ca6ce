//! `kprobe:FUNCTION`, `kretprobe:FUNCTION`: functions of the kernel, by name, offset or address.

mod resolve;

pub(crate) use resolve::resolve;
