//! `usdt:FILE:PROVIDER:NAME`: the static probes that programs are built with (`<sys/sdt.h>`).

mod list;
mod note;
mod operand;
mod registers;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use list::{Wanted, list};
pub(crate) use note::definitions;
pub(crate) use resolve::resolve;
