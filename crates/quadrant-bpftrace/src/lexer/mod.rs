//! What bpftrace's tokens look like.

mod literal;

pub use literal::{IntLiteral, parse_char, parse_int, parse_str};
pub use quadrant_syntax::lexer::is_word_byte;
pub use quadrant_syntax::literal::IntError;
pub use quadrant_syntax::token::{Tok, Token};

use quadrant_syntax::lexer::{Language, char_token, punctuation, string_token, word_len};

/// The bpftrace language.
#[derive(Debug, Clone, Copy)]
pub struct Bpftrace;

/// A cursor over a script.
pub type Lexer<'a> = quadrant_syntax::lexer::Lexer<'a, Bpftrace>;

impl Language for Bpftrace {
    fn token(rest: &str) -> (Tok, usize) {
        match rest.as_bytes()[0] {
            b'0'..=b'9' => (Tok::Int, word_len(rest)),
            b'"' => string_token(rest),
            b'\'' => char_token(rest),
            b'$' => dollar_token(rest),
            b'@' => (Tok::Map, 1 + word_len(&rest[1..])),
            byte if is_word_byte(byte) => (Tok::Ident, word_len(rest)),
            _ => punctuation(rest, &[]),
        }
    }
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

/// The end of `::name` right behind a name that ends at `end`, if that is what the tokens behind it are.
pub(crate) fn scope_end(end: u32, mut behind: impl Iterator<Item = Token>) -> Option<u32> {
    let [first, second, name] = [behind.next()?, behind.next()?, behind.next()?];
    let ends = [end, first.span.end, second.span.end];
    let joined = ends == [first.span.start, second.span.start, name.span.start];
    let is_scope = [first.kind, second.kind, name.kind] == [Tok::Colon, Tok::Colon, Tok::Ident];
    (joined && is_scope).then_some(name.span.end)
}
