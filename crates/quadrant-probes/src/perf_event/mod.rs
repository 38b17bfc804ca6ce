//! `software` and `hardware`: events that perf counts, on every CPU.

mod list;
mod resolve;

pub(crate) use list::list;
pub(crate) use resolve::resolve;
