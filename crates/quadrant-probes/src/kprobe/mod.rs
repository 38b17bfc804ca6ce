//! `kprobe:FUNCTION`, `kretprobe:FUNCTION`: functions of the kernel, by name, offset or address.

mod list;
mod place;
mod resolve;

pub(crate) use list::{arguments, list};
pub(crate) use resolve::{explain, resolve};
