//! `watchpoint:ADDRESS:LENGTH:MODE`: a hardware breakpoint.

mod list;
mod resolve;

pub(crate) use list::list;
pub(crate) use resolve::resolve;
