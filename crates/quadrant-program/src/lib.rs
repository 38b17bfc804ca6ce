//! What a tracing script means: one typed model for every language.
//!
//! A front end turns its syntax into a [`Program`]; code generation, session and output read only this model.
//!
//! * [`ty`]: the types of values; [`layout`]: how a value is stored in keys, map values and records.
//! * [`expr`], [`stmt`]: typed expressions and statements.
//! * [`map`]: maps and aggregations ([`log_linear`]: a scale); [`action`]: what D records; [`record`]: what a program sends to user
//!   space; [`format`](mod@format): printf formats.
//! * [`probe`]: attach points, and the trait through which a front end asks for them; [`advice`]: what to use instead of one;
//!   [`glob`]: patterns of names.
//! * [`value`]: decoding of stored bytes; [`snapshot`]: a map's content at one moment.
//! * [`stamp`]: when, by whom and where a record was made.
//! * [`sampling`]: whether firings may be left out.
//! * [`narrow`]: room for texts in keys; [`clears`]: where maps are cleared at once.
//! * [`visit`]: walking over a program; [`build`]: making expressions.
//! * [`mod@core`]: numbers that a loader adjusts to its kernel.
//! * [`import`]: functions in C that a script calls; [`float`]: floating point numbers in memory.
//! * [`arch`]: registers and the calling convention of a machine; [`syscalls`]: its system calls.
//! * [`span`], [`sources`], [`diag`]: places in the script, the files it is made of, and messages about them.
//!
//! Deliberately absent: source syntax, eBPF, the kernel.

pub mod action;
pub mod advice;
pub mod arch;
pub mod build;
pub mod clears;
pub mod core;
pub mod diag;
pub mod errno;
pub mod expr;
pub mod float;
mod fold;
pub mod format;
pub mod glob;
pub mod import;
pub mod layout;
pub mod log_linear;
pub mod map;
pub mod narrow;
pub mod own;
pub mod probe;
pub mod program;
pub mod record;
pub mod recording;
pub mod rewrite;
pub mod sampling;
pub mod series;
pub mod signals;
pub mod snapshot;
pub mod sources;
pub mod span;
pub mod stamp;
pub mod stmt;
pub mod syscalls;
pub mod ty;
pub mod value;
pub mod visit;

pub use program::Program;
