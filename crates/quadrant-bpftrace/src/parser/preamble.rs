//! The `#!` line and C text, which is kept as it is.

use super::Parser;
use crate::ast::{CDecl, CDeclKind, Tag};
use crate::lexer::Tok;
use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;
use quadrant_syntax::descent::Descent;
use quadrant_syntax::lexer::{BYTE_ORDER_MARK, logical_line_len};

impl Parser<'_> {
    /// The `#!` line that a script starts with.
    pub(super) fn shebang(&self, start: u32) -> Option<Span> {
        let script = &self.source[start as usize..];
        let text = script.trim_start_matches(BYTE_ORDER_MARK);
        let start = start + (script.len() - text.len()) as u32;
        let line = text.lines().next().filter(|line| line.starts_with("#!"))?;
        Some(Span::new(start, start + line.len() as u32))
    }

    /// A preprocessor line; the next token is its `#`.
    pub(super) fn directive(&mut self) -> CDecl {
        let start = self.token.span.start;
        let end = start + logical_line_len(self.text(Span::new(start, self.source.len() as u32))) as u32;
        let line = self.text(Span::new(start + 1, end));
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let word: String = line[blanks..].chars().take_while(char::is_ascii_alphabetic).collect();
        let rest = Span::new(start + 1 + (blanks + word.len()) as u32, end);
        self.restart_at(end);
        let span = Span::new(start, end);
        CDecl { span, text: self.text(span).to_owned(), kind: CDeclKind::Directive { word, rest } }
    }

    /// A type definition; the next token is its first word.
    pub(super) fn c_decl(&mut self) -> CDecl {
        let start = self.token.span.start;
        let kind = match Tag::from_word(self.word()) {
            Some(tag) => self.tagged(tag),
            None => CDeclKind::Typedef,
        };
        let complete = matches!(kind, CDeclKind::Tagged { body: Some(_), .. });
        // As in bpftrace, the `;` behind a body and its attributes may be missing.
        if complete {
            self.attributes();
        } else {
            self.rest_of_definition();
        }
        if !self.eat(Tok::Semi) && !complete {
            self.expect(Tok::Semi, "`;` after the definition");
        }
        let span = self.span_from(start);
        CDecl { span, text: self.text(span).to_owned(), kind }
    }

    fn rest_of_definition(&mut self) {
        while !self.at(Tok::Semi) && !self.at(Tok::Eof) && !self.at_clause() {
            if self.at(Tok::LBrace) {
                self.braced();
            } else {
                self.bump();
            }
        }
    }

    fn attributes(&mut self) {
        while matches!(self.word(), "__attribute__" | "__attribute") {
            self.bump();
            self.skip_parens();
        }
    }

    fn tagged(&mut self, tag: Tag) -> CDeclKind {
        self.bump();
        self.attributes();
        let name = if self.at(Tok::Ident) { Some(self.take_ident(0)) } else { None };
        let body = if self.at(Tok::LBrace) { Some(self.braced()) } else { None };
        CDeclKind::Tagged { tag, name, body }
    }

    fn skip_parens(&mut self) {
        let mut open = 0usize;
        while !self.at(Tok::Eof) {
            match self.bump().kind {
                Tok::LParen => open += 1,
                Tok::RParen => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }

    /// Skips from a `{` to behind its `}`; gives what is between.
    fn braced(&mut self) -> Span {
        let brace = self.bump().span;
        let mut open = 1usize;
        while !self.at(Tok::Eof) && !self.at_clause() {
            match self.token.kind {
                Tok::LBrace => open += 1,
                Tok::RBrace => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            self.bump();
        }
        let end = self.token.span.start;
        if !self.eat(Tok::RBrace) {
            self.error(Diagnostic::error(brace, "`{` is never closed"));
        }
        Span::new(brace.end, end)
    }
}
