//! What D's tokens look like.
//!
//! Probe specifiers are not made of tokens: the parser reads them raw ([`spec`]). Lines that start with `#` are collected
//! before ([`directive`]) and passed over like comments.

pub mod directive;
mod literal;
pub mod spec;

pub use literal::{CharError, char_value, int_value, str_value};
pub use quadrant_syntax::lexer::is_word_byte;
pub use quadrant_syntax::literal::IntError;
pub use quadrant_syntax::token::{Tok, Token};

use quadrant_syntax::lexer::{Language, char_token, punctuation, string_token, word_len};

/// The D language.
#[derive(Debug, Clone, Copy)]
pub struct D;

/// A cursor over a script.
pub type Lexer<'a> = quadrant_syntax::lexer::Lexer<'a, D>;

/// What only D has.
const PUNCTUATION: &[(&str, Tok)] = &[("...", Tok::Ellipsis), ("^^", Tok::CaretCaret)];

impl Language for D {
    const HIDES_DIRECTIVES: bool = true;
    const REFUSES_NESTED_COMMENTS: bool = true;

    fn token(rest: &str) -> (Tok, usize) {
        let bytes = rest.as_bytes();
        match bytes[0] {
            b'0'..=b'9' => number_token(rest),
            b'.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => (Tok::Float, fraction_len(rest)),
            b'"' => string_token(rest),
            b'\'' => char_token(rest),
            b'$' => macro_token(rest),
            b'@' => (Tok::Map, 1 + word_len(&rest[1..])),
            byte if is_name_byte(byte) => (Tok::Ident, name_len(rest)),
            _ => punctuation(rest, PUNCTUATION),
        }
    }
}

/// Names of the kernel's and of programs have backticks in them: `` genunix`size_t ``.
fn is_name_byte(byte: u8) -> bool {
    is_word_byte(byte) || byte == b'`'
}

fn name_len(text: &str) -> usize {
    text.bytes().take_while(|&byte| is_name_byte(byte)).count()
}

/// `$x`, `$1`, `$$1`, `$$x`
fn macro_token(rest: &str) -> (Tok, usize) {
    let (text, sigil) = match rest.strip_prefix("$$") {
        Some(text) => (text, 2),
        None => (&rest[1..], 1),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match (digits, sigil) {
        (0, 1) if word_len(text) > 0 => (Tok::Var, 1 + word_len(text)),
        (0, 2) if word_len(text) > 0 => (Tok::ParamText, 2 + word_len(text)),
        (0, _) => (Tok::Unknown, 1),
        (_, 1) => (Tok::Param, 1 + digits),
        _ => (Tok::ParamText, 2 + digits),
    }
}

/// A number ends where C's does; letters that go on are the next token, and so a mistake.
fn number_token(rest: &str) -> (Tok, usize) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let hex = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
    let hex_len = hex.map_or(0, |hex| hex.bytes().take_while(u8::is_ascii_hexdigit).count());
    if hex_len > 0 {
        let len = 2 + hex_len;
        return (Tok::Int, len + suffix_len(&rest[len..]));
    }
    let len = digits(rest);
    let fraction = fraction_len(&rest[len..]);
    match fraction {
        0 => (Tok::Int, len + suffix_len(&rest[len..])),
        _ => (Tok::Float, len + fraction),
    }
}

/// `.5`, `.`, `e-3`, `.5e3`, with a suffix; zero if none of these comes.
fn fraction_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut len = 0;
    if bytes.first() == Some(&b'.') && bytes.get(1) != Some(&b'.') {
        len = 1 + digits(1);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        let exponent = digits((len + 1 + sign).min(bytes.len()));
        len += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    let suffixed = len > 0 && matches!(bytes.get(len), Some(b'f' | b'F' | b'l' | b'L'));
    len + usize::from(suffixed)
}

/// C's `u`, `l`, `ll` in any order and case.
fn suffix_len(text: &str) -> usize {
    let letters = text.bytes().take(3).take_while(|byte| matches!(byte, b'u' | b'U' | b'l' | b'L')).count();
    (0..=letters).rev().find(|&len| quadrant_syntax::literal::int_suffix(&text[..len]).is_some()).unwrap_or(0)
}
