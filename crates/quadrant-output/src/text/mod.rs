//! Text output, in the forms of bpftrace 0.27.

pub(crate) mod hist;
pub(crate) mod join;
pub(crate) mod map;
pub(crate) mod printf;
pub(crate) mod stack;
pub(crate) mod value;
