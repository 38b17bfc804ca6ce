//! DTrace's D language: from a script's text to the typed program model.
//!
//! * [`lexer`], [`parser`], [`ast`]: [`parse`] never fails: it returns a tree (with holes where the text made no sense) and the list of
//!   what was wrong with it.
//! * [`macros`]: macro variables; [`options`]: D's options; [`library`]: what every script can use, written in D.
//! * [`desc`], [`providers`]: descriptions of probes, and what they mean on this machine.
//! * [`lower`]: what the tree means, as a [`Program`](quadrant_program::Program).
//! * [`message`]: messages in DTrace's form, with [`lines`]; [`mod@format`]: printf's formats; [`tree`]: trees as text.
//! * [`usdt`]: static probes of programs (`dtrace -h`, `-G`).
//!
//! Deliberately absent: eBPF, the kernel, opening files, printing.

pub mod ast;
pub mod desc;
pub mod format;
pub mod lexer;
pub mod library;
pub mod lines;
pub mod lower;
pub mod macros;
pub mod message;
pub mod options;
pub mod parser;
pub mod providers;
pub mod tree;
pub mod usdt;
mod walk;

pub use parser::{Mode, Parsed, parse, parse_expr_part, parse_part, parse_type_part};

/// What to do instead of naming a symbol of a process.
const NO_USER_SYMBOLS: &str =
    "symbols of processes are not supported: usym() and ufunc() turn an address into its name";
