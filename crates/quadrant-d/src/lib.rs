//! DTrace's D language.

pub mod ast;
