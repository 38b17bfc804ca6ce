//! `uprobe:FILE:FUNCTION[+OFFSET]`, `uretprobe:FILE:FUNCTION`: any instruction of a program or library.

mod abi;
mod arguments;
mod entry;
pub(crate) mod harm;
mod i386;
mod inlined;
mod list;
mod missing;
mod pieces;
mod place;
mod resolve;
mod start;
mod thrown;

pub(crate) use arguments::arguments;
pub use entry::cheaper_entries;
pub(crate) use list::{Wanted, list};
pub(crate) use place::{Place, is_language};
pub(crate) use resolve::resolve;
pub use resolve::return_sites;
pub use start::{FunctionStart, function_starts};
