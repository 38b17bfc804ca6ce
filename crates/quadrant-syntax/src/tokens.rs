//! The tokens of a script with one looked ahead: what a recursive-descent parser stands on.

use crate::lexer::{Language, Lexer};
use crate::token::{Tok, Token};
use quadrant_program::span::Span;

/// A stream of tokens.
#[derive(Debug, Clone)]
pub struct Tokens<'a, L> {
    /// The cursor, behind [`Self::token`].
    pub lexer: Lexer<'a, L>,
    /// The next token, not yet taken.
    pub token: Token,
    /// Where the last token taken ended.
    pub prev_end: u32,
}

impl<'a, L: Language> Tokens<'a, L> {
    /// A stream in front of nothing: [`Self::restart_at`] starts it.
    pub fn new(source: &'a str) -> Self {
        let token = Token { kind: Tok::Eof, span: Span::new(0, 0) };
        Self { lexer: Lexer::new(source), token, prev_end: 0 }
    }

    /// The script's text at a place.
    pub fn text(&self, span: Span) -> &'a str {
        self.lexer.source().get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// The next token's text if it is a word, otherwise nothing.
    pub fn word(&self) -> &'a str {
        match self.token.kind {
            Tok::Ident => self.text(self.token.span),
            _ => "",
        }
    }

    /// Whether the next token is of that kind.
    pub fn at(&self, kind: Tok) -> bool {
        self.token.kind == kind
    }

    /// Whether the next token is that word.
    pub fn at_word(&self, word: &str) -> bool {
        self.word() == word
    }

    /// Takes the next token.
    pub fn bump(&mut self) -> Token {
        let token = self.token;
        self.prev_end = token.span.end;
        self.token = self.lexer.next_token();
        token
    }

    /// Takes the next token if it is of that kind.
    pub fn eat(&mut self, kind: Tok) -> bool {
        let there = self.at(kind);
        if there {
            self.bump();
        }
        there
    }

    /// Takes the next token if it is that word.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let there = self.at_word(word);
        if there {
            self.bump();
        }
        there
    }

    /// Goes to a place outside the stream, at the start or after a raw read.
    pub fn restart_at(&mut self, pos: u32) {
        self.prev_end = pos;
        self.lexer.seek(pos);
        self.token = self.lexer.next_token();
    }

    /// From `start` to the end of the last token taken.
    pub fn span_from(&self, start: u32) -> Span {
        Span::new(start, self.prev_end.max(start))
    }

    /// Where a message about the next token points: at it, or behind the last one at the end.
    pub fn here(&self) -> Span {
        match self.token.kind {
            Tok::Eof => Span::new(self.prev_end, self.prev_end),
            _ => self.token.span,
        }
    }

    /// The tokens after the next one.
    pub fn ahead(&self) -> impl Iterator<Item = Token> + use<'a, L> {
        let mut lexer = self.lexer.clone();
        std::iter::repeat_with(move || lexer.next_token())
    }

    /// The kind of the token after the next one.
    pub fn second(&self) -> Tok {
        self.lexer.clone().next_token().kind
    }
}
