//! Kernel and process symbolization: addresses in, functions out.
//!
//! ```no_run
//! use quadrant_symbols::{Options, Symbolizer};
//!
//! let mut symbolizer = Symbolizer::new(Options::default());
//! symbolizer.remember(1234); // when a process is seen for the first time
//! for frames in symbolizer.process_stack(1234, &[0x5555_5555_5139, 0x7fff_f7dd_0d90]) {
//!     for frame in frames {
//!         // `frame.symbol`, or `frame.missing`: the reason why there is none
//!     }
//! }
//! ```
//!
//! * Nothing is read before it is needed, and what was read is kept within limits.
//! * A process is its pid and start time. What is needed to symbolize it later is held open when
//!   it is first seen, so it may end, and its files may be deleted or replaced.
//! * Processes that are gone before anybody can look at them are known from what the kernel reports
//!   of them: [`Symbolizer::forked`], [`Symbolizer::executed`], [`Symbolizer::mapped`].
//! * Of all that had a pid and all programs they ran, a stack belongs to the one that it fits; of several at the same addresses, to the
//!   one whose code calls where the stack returns to.
//! * Files are looked at in the process's own root (containers).
//! * Everything that a traced program can choose (ELF files, debug information, perf maps) is
//!   hostile: read by position and never mapped, bounded, with loops in place of recursion; only
//!   regular files are opened. Trouble is counted in [`Symbolizer::warnings`].
//! * Names are not escaped: whoever prints them has to.

mod blob;
mod cache;
mod clock;
mod companions;
mod debug_files;
mod debug_source;
mod demangle;
mod elf;
mod error;
mod files;
mod frame;
mod golang;
mod inlined;
mod kernel;
pub mod open;
mod perf_map;
mod pins;
mod place;
mod process;
mod room;
mod store;
mod symbolizer;
mod text;
mod uaddr;
mod user;
mod warnings;

pub use debug_files::DebugDir;
pub use debug_source::{DebugSource, NoDebugInfo};
pub use demangle::{demangle, source_names};
pub use elf::build_id;
pub use error::Error;
pub use frame::{Frame, Missing, Symbol};
pub use golang::{GoFunction, GoFunctions, go_functions};
pub use process::{Mapped, ProcessId};
pub use quadrant_types::SourceLine;
pub use symbolizer::{Options, Symbolizer};
pub use uaddr::FileAddr;
pub use warnings::Warning;
