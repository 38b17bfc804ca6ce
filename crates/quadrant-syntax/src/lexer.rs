//! The lexer: a cursor over the text that yields one token at a time.
//!
//! What a character means depends on where it stands (`/` opens a predicate, divides, or is part of a path in a probe's
//! name), so the parser drives the cursor: it may look ahead, go back, and read text raw.

use std::marker::PhantomData;

use crate::token::{PUNCTUATION, Tok, Token};
use quadrant_program::span::Span;

/// What the tokens of a language look like.
pub trait Language: Copy {
    /// Lines that start with `#` are passed over like comments: whoever wants them collects them before.
    const HIDES_DIRECTIVES: bool = false;
    /// A comment in which another one begins is a mistake: [`Tok::NestedComment`].
    const REFUSES_NESTED_COMMENTS: bool = false;

    /// The token at the start of `rest`, which is neither empty nor a blank, and its length in bytes, 1 or more.
    fn token(rest: &str) -> (Tok, usize);
}

/// What some editors put in front of a text.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// A cursor over a script.
#[derive(Debug, Clone)]
pub struct Lexer<'a, L> {
    source: &'a str,
    pos: usize,
    language: PhantomData<L>,
}

impl<'a, L: Language> Lexer<'a, L> {
    /// A cursor at the start of `source`, which must be shorter than 4 GiB.
    pub fn new(source: &'a str) -> Self {
        Self { source, pos: 0, language: PhantomData }
    }

    /// The offset of the next byte to read.
    pub fn pos(&self) -> u32 {
        self.pos as u32
    }

    /// Goes to `pos`, an offset that an earlier token or [`Self::pos`] gave.
    pub fn seek(&mut self, pos: u32) {
        self.pos = (pos as usize).min(self.source.len());
    }

    /// The whole text.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// The text from the cursor on.
    pub fn rest(&self) -> &'a str {
        self.source.get(self.pos..).unwrap_or("")
    }

    /// Skips blanks and comments; gives a comment that is wrong.
    fn skip_trivia(&mut self) -> Option<Token> {
        if self.pos == 0 && self.source.starts_with(BYTE_ORDER_MARK) {
            self.pos = BYTE_ORDER_MARK.len_utf8();
        }
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
                    Some(len) if L::REFUSES_NESTED_COMMENTS && comment[..len].contains("/*") => {
                        return Some(Token { kind: Tok::NestedComment, span: self.take(len + 4) });
                    }
                    Some(len) => self.pos += len + 4,
                    None => return Some(Token { kind: Tok::UnterminatedComment, span: self.take(rest.len()) }),
                }
            } else if L::HIDES_DIRECTIVES && rest.starts_with('#') && self.at_line_start() {
                self.pos += logical_line_len(rest);
            } else {
                return None;
            }
        }
    }

    /// The next token, blanks and comments skipped.
    pub fn next_token(&mut self) -> Token {
        if let Some(comment) = self.skip_trivia() {
            return comment;
        }
        let rest = self.rest();
        let (kind, len) = if rest.is_empty() { (Tok::Eof, 0) } else { L::token(rest) };
        let span = self.take(len);
        Token { kind, span }
    }

    /// Whether there are only blanks between the cursor and the start of its line.
    pub fn at_line_start(&self) -> bool {
        let before = self.source.get(..self.pos).unwrap_or("").trim_end_matches([' ', '\t']);
        before.trim_start_matches(BYTE_ORDER_MARK).is_empty() || before.ends_with('\n')
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

/// The length of the word at the start of `text`.
pub fn word_len(text: &str) -> usize {
    text.bytes().take_while(|&b| is_word_byte(b)).count()
}

/// The length of a line without its end; a backslash at its end makes the next line part of it.
pub fn logical_line_len(text: &str) -> usize {
    let mut len = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        len += line.len();
        if !content.ends_with('\\') || content.len() == line.len() {
            return len - (line.len() - content.len());
        }
    }
    len
}

/// The literal between quotes at the start of `rest`: its length, and whether it is closed on its line.
pub fn quoted(rest: &str, quote: u8) -> (bool, usize) {
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\n' => return (false, at),
            b'\\' => drop(bytes.next()),
            byte if byte == quote => return (true, at + 1),
            _ => {}
        }
    }
    (false, rest.len())
}

/// A string literal at the start of `rest`.
pub fn string_token(rest: &str) -> (Tok, usize) {
    match quoted(rest, b'"') {
        (true, len) => (Tok::Str, len),
        (false, len) => (Tok::UnterminatedStr, len),
    }
}

/// A character literal at the start of `rest`.
pub fn char_token(rest: &str) -> (Tok, usize) {
    match quoted(rest, b'\'') {
        (true, len) => (Tok::Char, len),
        (false, len) => (Tok::UnterminatedChar, len),
    }
}

/// Punctuation at the start of `rest`; `own` is what only this language has, and comes first.
pub fn punctuation(rest: &str, own: &[(&str, Tok)]) -> (Tok, usize) {
    let known = own.iter().chain(PUNCTUATION).find(|(text, _)| rest.starts_with(text));
    match known {
        Some((text, kind)) => (*kind, text.len()),
        None => (Tok::Unknown, rest.chars().next().map_or(0, char::len_utf8)),
    }
}

fn line_end_len(text: &str) -> usize {
    match text.strip_prefix('\r').unwrap_or(text).starts_with('\n') {
        true => text.find('\n').map_or(0, |at| at + 1),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and punctuation, with lines that start with `#` out of sight.
    #[derive(Clone, Copy, Debug)]
    struct Plain;

    impl Language for Plain {
        const HIDES_DIRECTIVES: bool = true;

        fn token(rest: &str) -> (Tok, usize) {
            match word_len(rest) {
                0 if rest.starts_with('"') => string_token(rest),
                0 => punctuation(rest, &[("^^", Tok::CaretCaret)]),
                len => (Tok::Ident, len),
            }
        }
    }

    fn texts(source: &str) -> Vec<&str> {
        let mut lexer = Lexer::<Plain>::new(source);
        let tokens = std::iter::repeat_with(|| lexer.next_token()).take_while(|token| token.kind != Tok::Eof);
        tokens.map(|token| &source[token.span.start as usize..token.span.end as usize]).collect()
    }

    #[test]
    fn trivia_is_passed_over() {
        assert_eq!(texts("\u{feff}#!/x\na"), ["a"]);
        assert_eq!(texts("a /* b */ // c\n\t#d \\\n e\nf#g \\\r\n h /* i"), ["a", "f", "#", "g", "h", "/* i"]);
    }

    #[test]
    fn the_longest_punctuation_wins() {
        assert_eq!(
            texts("a<<=b<<c<=d<e^^f^=g->h--"),
            "a <<= b << c <= d < e ^^ f ^= g -> h --".split(' ').collect::<Vec<_>>()
        );
    }

    #[test]
    fn strings_end_with_their_line() {
        assert_eq!(texts("\"a\\\"b\" \"c\nd"), ["\"a\\\"b\"", "\"c", "d"]);
        assert_eq!(quoted("'\\", b'\''), (false, 2));
        assert_eq!(quoted("'é'x", b'\''), (true, 4));
    }

    #[test]
    fn lines_go_on_behind_a_backslash() {
        assert_eq!(logical_line_len("a \\\nb\nc"), 5);
        assert_eq!(logical_line_len("a \\"), 3);
        assert_eq!(logical_line_len("a\r\nb"), 1);
        assert_eq!(logical_line_len(""), 0);
    }
}
