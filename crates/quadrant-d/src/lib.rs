//! DTrace's D language: lexer, parser, syntax tree.
//!
//! [`parse`] never fails: it returns a tree (with holes where the text made no sense) and the list of what was wrong with it.

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
