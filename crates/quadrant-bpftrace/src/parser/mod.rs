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

pub(crate) use recover::HOW_TO_COMMENT;

use crate::ast::{Expr, Ident, Script};
use crate::lexer::{Bpftrace, Tok, scope_end};
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::Stand;
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
    parse_part(source, Span::new(0, source.len() as u32))
}

/// Parses the script that is `part` of a text; places are those in the text.
pub(crate) fn parse_part(source: &str, part: Span) -> Parsed {
    let mut parser = Parser::new(source.get(..part.end as usize).unwrap_or(""));
    let script = parser.script(part.start);
    let mut diagnostics = parser.stand.diagnostics;
    diagnostics.sort_by_key(|d| d.span.start);
    Parsed { script, diagnostics }
}

/// Parses the expression in C text that is the whole of `part`; places are those in `source`.
pub(crate) fn parse_expr_at(source: &str, part: Span) -> (Expr, Vec<Diagnostic>) {
    let mut parser = Parser::new(source.get(..part.end as usize).unwrap_or(""));
    parser.c_text = true;
    parser.restart_at(part.start);
    let expr = parser.expr();
    if !parser.at(Tok::Eof) {
        parser.unexpected("the end of the line");
    }
    (expr, parser.stand.diagnostics)
}

/// Can be asked for where it stands as if it were that.
impl<'a> Deref for Parser<'a> {
    type Target = Stand<'a, Bpftrace>;

    fn deref(&self) -> &Self::Target {
        &self.stand
    }
}

impl DerefMut for Parser<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.stand
    }
}

struct Parser<'a> {
    source: &'a str,
    stand: Stand<'a, Bpftrace>,
    /// In C text, which has what the language itself has not.
    c_text: bool,
    /// In the body of a macro.
    in_macro: bool,
    /// Loops around.
    loops: u32,
    /// Conditions of the `if` at hand, and of those around it, so far.
    arms: usize,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self { source, stand: Stand::new(source), c_text: false, in_macro: false, loops: 0, arms: 0 }
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

    /// The next token as a name, with what follows it as in C++: `ns::Thing`.
    fn scoped_name(&mut self) -> Ident {
        let mut name = self.take_ident(0);
        while let Some(end) = scope_end(name.span.end, std::iter::once(self.token).chain(self.ahead())) {
            while self.token.span.start < end {
                self.bump();
            }
            name.span.end = end;
            name.name = self.text(name.span).to_owned();
        }
        name
    }

    /// The next token as a name, its sigil of `sigil` bytes taken off.
    fn take_ident(&mut self, sigil: usize) -> Ident {
        let span = self.bump().span;
        let name = self.text(span).get(sigil..).unwrap_or("").to_owned();
        Ident { name, span }
    }
}
