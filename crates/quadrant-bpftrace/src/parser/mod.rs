//! The parser: recursive descent, precedence climbing for operators.
//!
//! It never fails. After an error it is *recovering*: further errors are held
//! back until a point where it can start afresh (`;`, `}`, the next probe), so
//! that one mistake gives one message and several mistakes give several.

mod attach;
mod expr;
mod item;
mod preamble;
mod primary;
mod recover;
mod stmt;
#[cfg(test)]
mod tests;
mod types;

use crate::ast::{Expr, Ident, MAX_DEPTH, Script};
use crate::lexer::{Bpftrace, Tok};
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::tokens::Tokens;
use std::ops::{Deref, DerefMut};

/// A tree, and what was wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The tree; parts that made no sense are `Error` nodes.
    pub script: Script,
    /// The messages, in source order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a whole script. Takes time linear in its length.
pub fn parse(source: &str) -> Parsed {
    if u32::try_from(source.len()).is_err() {
        let diagnostic = Diagnostic::error(Span::new(0, 0), "script too long: 4 GiB or more");
        return Parsed { script: Script::default(), diagnostics: vec![diagnostic] };
    }
    let mut parser = Parser::new(source);
    let script = parser.script();
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|d| d.span.start);
    Parsed { script, diagnostics }
}

/// Parses the expression that is the whole of `part`; places are those in `source`.
pub(crate) fn parse_expr_at(source: &str, part: Span) -> (Expr, Vec<Diagnostic>) {
    let mut parser = Parser::new(source.get(..part.end as usize).unwrap_or(""));
    parser.restart_at(part.start);
    let expr = parser.expr();
    if !parser.at(Tok::Eof) {
        parser.unexpected("the end of the line");
    }
    (expr, parser.diagnostics)
}

/// Stands on the tokens: it can be asked for them as if it were they.
impl<'a> Deref for Parser<'a> {
    type Target = Tokens<'a, Bpftrace>;

    fn deref(&self) -> &Self::Target {
        &self.tokens
    }
}

impl DerefMut for Parser<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tokens
    }
}

struct Parser<'a> {
    source: &'a str,
    tokens: Tokens<'a, Bpftrace>,
    depth: u16,
    /// A `/` before a `{` ends the expression.
    in_predicate: bool,
    recovering: bool,
    /// A missing `}` of this probe has been reported.
    unclosed: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            tokens: Tokens::new(source),
            depth: 0,
            in_predicate: false,
            recovering: false,
            unclosed: false,
            diagnostics: Vec::new(),
        }
    }

    fn expect(&mut self, kind: Tok, what: &str) -> bool {
        let there = self.eat(kind);
        if !there {
            self.unexpected(what);
        }
        there
    }

    /// A name after which something was promised; an empty one after an error.
    fn expect_ident(&mut self, what: &str) -> Ident {
        if self.at(Tok::Ident) {
            return self.take_ident(0);
        }
        self.unexpected(what);
        Ident { name: String::new(), span: self.here() }
    }

    /// The next token as a name, its sigil of `sigil` bytes taken off.
    fn take_ident(&mut self, sigil: usize) -> Ident {
        let span = self.bump().span;
        let name = self.text(span).get(sigil..).unwrap_or("").to_owned();
        Ident { name, span }
    }

    /// Runs `inner` one level deeper, or reports that there are too many levels.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.too_deep(self.here());
            return None;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        Some(result)
    }

    /// Runs `inner` inside brackets, where a `/` is always a division.
    fn bracketed<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.in_predicate, false);
        let result = inner(self);
        self.in_predicate = outer;
        result
    }

    fn too_deep(&mut self, span: Span) {
        let message = format!("nested more than {MAX_DEPTH} levels deep");
        self.error(Diagnostic::error(span, message).help("split it with variables (`$x = ...;`)"));
    }
}
