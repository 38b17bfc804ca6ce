//! The bpftrace language: from a script's text to the typed program model.
//!
//! * [`script`]: a script with all that it imports and includes, which the caller reads.
//! * [`lexer`], [`parser`], [`ast`]: [`parse`] never fails: it returns a tree (with holes where the text made no sense) and the list of
//!   what was wrong with it.
//! * [`lower`]: what the tree means: [`compile`] makes a [`Program`](quadrant_program::Program), asking its [`Env`] what there is.
//! * [`options`]: the parameters that a script has; [`around`]: what messages mark besides the mistake.
//! * [`mod@format`]: scripts in the usual form; [`tree`]: trees as text.
//!
//! Deliberately absent: eBPF, the kernel, reading files, printing.

pub mod around;
pub mod ast;
pub mod format;
pub mod lexer;
pub mod lower;
pub mod options;
pub mod parser;
pub mod script;
mod spell;
mod substitute;
pub mod tree;
mod walk;

pub use lower::{Env, NoSymbols, Symbols, compile};
pub use parser::{Parsed, parse};
pub use script::Script;
pub use spell::spell;
