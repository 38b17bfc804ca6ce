//! Where a recursive-descent parser stands, how deep it is, and how it goes on after an error.
//!
//! After an error a parser is *recovering*: further errors are held back until a point where it can start afresh (`;`, `}`, the next
//! clause), so that one mistake gives one message and several mistakes give several.

use std::ops::{Deref, DerefMut};

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use crate::lexer::Language;
use crate::token::Tok;
use crate::tokens::Tokens;

/// How deep trees may be, so that whoever walks one may recurse.
pub const MAX_DEPTH: u16 = 256;

/// A place in the tokens, and what the parser knows of it.
#[derive(Debug)]
pub struct Stand<'a, L> {
    tokens: Tokens<'a, L>,
    depth: u16,
    /// A `/` before a `{` ends the expression.
    pub in_predicate: bool,
    /// An error has been reported, and no fresh start was found yet.
    pub recovering: bool,
    /// A missing `}` of this clause has been reported.
    pub unclosed: bool,
    /// What was reported.
    pub diagnostics: Vec<Diagnostic>,
}

/// Stands on the tokens: it can be asked for them as if it were they.
impl<'a, L> Deref for Stand<'a, L> {
    type Target = Tokens<'a, L>;

    fn deref(&self) -> &Self::Target {
        &self.tokens
    }
}

impl<L> DerefMut for Stand<'_, L> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tokens
    }
}

impl<'a, L: Language> Stand<'a, L> {
    /// In front of nothing: [`Tokens::restart_at`] starts it.
    pub fn new(source: &'a str) -> Self {
        Self {
            tokens: Tokens::new(source),
            depth: 0,
            in_predicate: false,
            recovering: false,
            unclosed: false,
            diagnostics: Vec::new(),
        }
    }

    /// Reports an error after which the text makes no sense until the next fresh start.
    pub fn error(&mut self, diagnostic: Diagnostic) {
        self.soft_error(diagnostic);
        self.recovering = true;
    }

    /// Reports an error after which parsing goes on undisturbed.
    pub fn soft_error(&mut self, diagnostic: Diagnostic) {
        if !self.recovering {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether the next token starts a line.
    pub fn at_line_start(&self) -> bool {
        let at = self.token.span.start as usize;
        at == 0 || self.lexer.source().as_bytes().get(at - 1) == Some(&b'\n')
    }
}

/// What parsers of both languages do in the same way.
pub trait Descent<'a, L: Language + 'a>: DerefMut<Target = Stand<'a, L>> + Sized {
    /// Whether the next token starts a clause beyond doubt: there parsing starts afresh, whatever was open.
    fn at_clause(&self) -> bool;

    /// Reports that trees would become deeper than [`MAX_DEPTH`].
    fn too_deep(&mut self, span: Span);

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

    /// Items between commas up to `close`, which is left.
    fn separated<T>(&mut self, close: Tok, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        if self.at(close) {
            return items;
        }
        items.push(item(self));
        while !self.recovering && self.eat(Tok::Comma) {
            items.push(item(self));
        }
        items
    }

    /// After an error in a statement: goes behind its `;`, or to what closes the block.
    fn sync_stmt(&mut self) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) && !self.at_clause() {
            match self.token.kind {
                Tok::Semi if open == 0 => {
                    self.bump();
                    break;
                }
                Tok::LBrace => open += 1,
                Tok::RBrace if open == 0 => break,
                Tok::RBrace => {
                    open -= 1;
                    if open == 0 {
                        self.bump();
                        break;
                    }
                }
                _ => {}
            }
            self.bump();
        }
        self.recovering = false;
    }

    /// After an error in front of a body: goes to the body, if there seems to be one.
    fn skip_to_body(&mut self) {
        let ends = |kind| matches!(kind, Tok::LBrace | Tok::RBrace | Tok::Semi | Tok::Eof);
        while !ends(self.token.kind) && !self.at_clause() {
            self.bump();
        }
    }
}
