//! Kernel and process symbolization.

mod blob;
mod cache;
mod debug_files;
mod demangle;
mod dwarf;
mod elf;
mod error;
mod files;
mod frame;
mod kernel;
mod open;
mod perf_map;
mod pins;
mod place;
mod process;
mod store;
mod symbolizer;
mod text;
mod uaddr;
mod user;
mod warnings;

pub use error::Error;
pub use frame::{Frame, Missing, SourceLine, Symbol};
pub use process::ProcessId;
pub use symbolizer::{Options, Symbolizer};
pub use uaddr::FileAddr;
pub use warnings::Warning;
