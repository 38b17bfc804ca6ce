//! `rawtracepoint:EVENT`: a tracepoint's own arguments, typed by BTF, before any record is made of them.

mod list;
mod resolve;

pub(crate) use list::list;
pub(crate) use resolve::resolve;
