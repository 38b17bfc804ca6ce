//! The lexer: a cursor over the text that yields one token at a time.
//!
//! What a character means depends on where it stands (`/` opens a predicate,
//! divides, or is part of a path in an attach point), so the parser drives the
//! cursor: it may look ahead, go back, and read attach points raw.

mod literal;
mod token;

pub use literal::{IntError, IntLiteral, parse_int, parse_str};
pub use token::{Tok, Token};

use quadrant_program::span::Span;

/// A cursor over a script.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    source: &'a str,
    pos: usize,
}

impl<'a> Lexer<'a> {
    /// A cursor at the start of `source`, which must be shorter than 4 GiB.
    pub fn new(source: &'a str) -> Self {
        Self { source, pos: 0 }
    }

    /// The offset of the next byte to read.
    pub fn pos(&self) -> u32 {
        self.pos as u32
    }

    /// Goes to `pos`, an offset that an earlier token or [`Self::pos`] gave.
    pub fn seek(&mut self, pos: u32) {
        self.pos = (pos as usize).min(self.source.len());
    }

    /// The text from the cursor on.
    pub fn rest(&self) -> &'a str {
        self.source.get(self.pos..).unwrap_or("")
    }

    /// Skips blanks and comments; gives the place of an unterminated comment.
    pub fn skip_trivia(&mut self) -> Option<Span> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_ascii_start().len();
            self.pos += blanks;
            let rest = &rest[blanks..];
            // A line of C text that goes on in the next one.
            let continued = rest.strip_prefix('\\').map_or(0, line_end_len);
            if continued > 0 {
                self.pos += 1 + continued;
            } else if rest.starts_with("//") {
                self.pos += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                match comment.find("*/") {
                    Some(len) => self.pos += len + 4,
                    None => return Some(self.take(rest.len())),
                }
            } else {
                return None;
            }
        }
    }

    /// The next token, blanks and comments skipped.
    pub fn next_token(&mut self) -> Token {
        if let Some(span) = self.skip_trivia() {
            return Token { kind: Tok::UnterminatedComment, span };
        }
        let rest = self.rest();
        let (kind, len) = match rest.as_bytes().first() {
            None => (Tok::Eof, 0),
            Some(b'0'..=b'9') => (Tok::Int, word_len(rest)),
            Some(b'"') => string_token(rest),
            Some(b'$') => dollar_token(rest),
            Some(b'@') => (Tok::Map, 1 + word_len(&rest[1..])),
            Some(&byte) if is_word_byte(byte) => (Tok::Ident, word_len(rest)),
            Some(_) => punctuation(rest),
        };
        let span = self.take(len);
        Token { kind, span }
    }

    fn take(&mut self, len: usize) -> Span {
        let start = self.pos as u32;
        self.pos += len;
        Span::new(start, self.pos as u32)
    }
}

/// Whether `byte` may stand in a word.
pub fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line_end_len(text: &str) -> usize {
    match text.strip_prefix('\r').unwrap_or(text).starts_with('\n') {
        true => text.find('\n').map_or(0, |at| at + 1),
        false => 0,
    }
}

fn word_len(text: &str) -> usize {
    text.bytes().take_while(|&b| is_word_byte(b)).count()
}

fn string_token(rest: &str) -> (Tok, usize) {
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return (Tok::Str, at + 1),
            b'\n' => return (Tok::UnterminatedStr, at),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    (Tok::UnterminatedStr, rest.len())
}

fn dollar_token(rest: &str) -> (Tok, usize) {
    let name = &rest[1..];
    if name.starts_with('#') {
        return (Tok::ParamCount, 2);
    }
    let len = word_len(name);
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    match (digits, len) {
        (0, 0) => (Tok::Unknown, 1),
        (0, _) => (Tok::Var, 1 + len),
        _ => (Tok::Param, 1 + digits),
    }
}

fn punctuation(rest: &str) -> (Tok, usize) {
    let known = token::PUNCTUATION.iter().find(|(text, _)| rest.starts_with(text));
    match known {
        Some((text, kind)) => (*kind, text.len()),
        None => (Tok::Unknown, rest.chars().next().map_or(0, char::len_utf8)),
    }
}
