//! What the user sees of a trace: text and JSON as bpftrace prints them, JSON of our own; for D, text as DTrace prints it.
//!
//! Everything appends to a `Vec<u8>` of the caller and cannot fail: bytes that make no sense are shown as `<malformed>`. Names that are
//! not in the bytes (symbols, users, cgroups, times) come from a [`Resolver`].
//!
//! * [`Renderer`]: records and maps; the common conversions of printf allocate nothing.
//! * [`document::Documents`]: the same as JSON of our own.
//! * [`dtrace::Printer`]: the same for D.
//! * [`btf`]: values by the BTF types of others' programs.
//! * [`mod@escape`]: the one way for text that the traced program chose.
//! * [`mod@message`]: probes attached, messages of the script; [`mod@ledger`]: what was lost; [`overhead`]: what it cost; [`peer`]: the
//!   same as bpftrace says it.
//!
//! Deliberately absent: tracing, reading files (but the rules of the time zone), writing to standard output.
//!
//! Where the output differs from bpftrace's on purpose: [`mod@text`].

mod arguments;
pub mod btf;
pub mod checks;
mod conversion;
pub mod document;
pub mod dtrace;
pub mod escape;
mod float;
mod hist;
mod json;
pub mod ledger;
pub mod message;
mod number;
mod order;
pub mod overhead;
mod pad;
pub mod peer;
mod render;
mod resolver;
mod series;
mod snapshot;
pub mod text;
mod time;
mod value;
mod zone;

pub use render::Mode;
pub use render::Renderer;
pub use resolver::Frame;
pub use resolver::Resolver;
pub use resolver::Symbol;
