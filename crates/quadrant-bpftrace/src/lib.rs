//! The bpftrace language: lexer, parser, syntax tree, and lowering to the program model.
//!
//! [`parse`] never fails: it returns a tree (with holes where the text made no
//! sense) and the list of what was wrong with it.

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
