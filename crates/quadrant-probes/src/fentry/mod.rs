//! `fentry:FUNCTION`, `fexit:FUNCTION`: functions of the kernel and of eBPF programs, with arguments and result by their types.

mod list;
mod program;
mod resolve;

pub(crate) use list::{arguments, list};
pub(crate) use resolve::{resolve, site};
