//! What the parsers of both languages share.
//!
//! * [`token`]: the kinds of token; [`lexer`]: a cursor that yields them; [`tokens`]: the same with one token looked ahead.
//! * [`chain`]: `a || b || c`, however long.
//! * [`descent`]: where a parser stands, how deep it is, and how it goes on after an error.
//! * [`literal`]: the values of numbers, strings and characters.
//! * [`op`]: operators and how tightly they bind.
//!
//! Deliberately absent: a grammar. Each language says what its tokens look like ([`lexer::Language`]) and parses them itself.

pub mod chain;
pub mod descent;
pub mod lexer;
pub mod literal;
pub mod op;
pub mod token;
pub mod tokens;
