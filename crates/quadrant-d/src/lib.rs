//! DTrace's D language.

pub mod ast;
pub mod desc;
pub mod providers;
