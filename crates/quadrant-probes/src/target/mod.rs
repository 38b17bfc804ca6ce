//! From what a script calls a program to files that can be probed.

mod file;
mod find;
mod ldcache;
mod needed;
mod process;

pub(crate) use file::{TargetFile, cannot_read};
pub(crate) use find::{Target, find};
pub(crate) use needed::needed;
pub(crate) use process::{processes, program_of};
