//! The tokens of C text.

use quadrant_program::span::Span;

use crate::lexer::{Lexer, Tok, Token};

/// The tokens of a part of the script.
pub(super) struct Reader<'a> {
    source: &'a str,
    lexer: Lexer<'a>,
    pub token: Token,
    end: u32,
    pub prev_end: u32,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a str, part: Span) -> Self {
        let source = source.get(..part.end as usize).unwrap_or("");
        let mut lexer = Lexer::new(source);
        lexer.seek(part.start);
        let token = lexer.next_token();
        Self { source, lexer, token, end: part.end, prev_end: part.start }
    }

    pub fn bump(&mut self) {
        self.prev_end = self.token.span.end;
        self.token = self.lexer.next_token();
    }

    pub fn eat(&mut self, kind: Tok) -> bool {
        let there = self.token.kind == kind;
        if there {
            self.bump();
        }
        there
    }

    /// The next token if it is a word, otherwise nothing.
    pub fn word(&self) -> &'a str {
        let span = self.token.span;
        match self.token.kind {
            Tok::Ident => self.source.get(span.start as usize..span.end as usize).unwrap_or(""),
            _ => "",
        }
    }

    pub fn skip_qualifiers(&mut self) {
        while matches!(self.word(), "const" | "volatile" | "__user" | "__kernel" | "__rcu" | "__percpu") {
            self.bump();
        }
    }

    /// Skips to a token of that kind outside brackets; gives what was skipped.
    pub fn skip_to(&mut self, kind: Tok) -> Span {
        let start = self.token.span.start;
        let mut open = 0usize;
        while self.token.kind != Tok::Eof && (open > 0 || self.token.kind != kind) {
            match self.token.kind {
                Tok::LParen | Tok::LBracket | Tok::LBrace => open += 1,
                Tok::RParen | Tok::RBracket | Tok::RBrace => open = open.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
        let end = if self.token.kind == Tok::Eof { self.end } else { self.token.span.start };
        Span::new(start, end.max(start))
    }

    /// From a `(` to behind its `)`; gives what is between.
    pub fn parens(&mut self) -> Span {
        self.bump();
        let inside = self.skip_to(Tok::RParen);
        self.eat(Tok::RParen);
        inside
    }

    /// From a `{` to behind its `}`; gives what is between.
    pub fn braces(&mut self) -> Span {
        self.bump();
        let body = self.skip_to(Tok::RBrace);
        self.eat(Tok::RBrace);
        body
    }
}
