//! `interval` and `profile`: timers on one CPU and on all.

mod list;
mod resolve;

pub(crate) use list::list;
pub(crate) use resolve::resolve;
