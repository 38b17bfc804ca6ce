//! What the parsers of both languages share.
//!
//! Deliberately absent: a grammar. Each language drives its own lexer and parser.

pub mod op;
