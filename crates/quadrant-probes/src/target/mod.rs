//! From what a script calls a program to files that can be probed.

mod file;
mod find;
mod ldcache;
mod needed;
mod process;
mod root;

pub(crate) use file::{TargetFile, cannot_read};
pub(crate) use find::{Sight, Target, find, is_called};
pub(crate) use needed::needed;
pub use process::processes_that_run;
pub(crate) use process::{processes, program_of};
pub(crate) use root::{in_its_root, process_of};
