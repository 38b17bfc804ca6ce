//! `iter:OBJECT`: a walk over all objects of a kind that the kernel has.

mod list;
mod resolve;

pub(crate) use list::list;
pub(crate) use resolve::resolve;
