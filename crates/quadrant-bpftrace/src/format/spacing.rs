//! Blanks between two words of one line.

use quadrant_syntax::op::assignment;

use super::pieces::{Kind, Piece};
use crate::lexer::Tok;

/// Words in front of an expression or a body rather than names.
const KEYWORDS: [&str; 8] = ["if", "else", "while", "for", "unroll", "return", "let", "comptime"];

/// Whether a piece is a word of the language.
pub(super) fn is_keyword(piece: &Piece<'_>) -> bool {
    piece.is(Tok::Ident) && KEYWORDS.contains(&piece.text)
}

/// Whether there is a blank between two neighbours that no operator with two operands separates.
pub(super) fn is_apart(left: &Piece<'_>, right: &Piece<'_>) -> bool {
    let (Kind::Token(before), Kind::Token(after)) = (left.kind, right.kind) else { return true };
    if matches!(before, Tok::LParen | Tok::LBracket) {
        return false;
    }
    match after {
        Tok::LBrace | Tok::Question | Tok::Colon => true,
        Tok::RParen | Tok::RBracket | Tok::Comma | Tok::Semi | Tok::Dot | Tok::Arrow => false,
        _ if is_keyword(left) || matches!(before, Tok::Colon | Tok::Comma | Tok::RBrace | Tok::Question) => true,
        _ if is_word(before) && is_word(after) => true,
        _ => would_join(before, after),
    }
}

fn is_word(kind: Tok) -> bool {
    matches!(kind, Tok::Ident | Tok::Int | Tok::Str | Tok::Var | Tok::Param | Tok::ParamCount | Tok::Map)
}

/// Whether two prefix operators would be read as another one.
fn would_join(before: Tok, after: Tok) -> bool {
    match before {
        Tok::Minus => matches!(after, Tok::Minus | Tok::MinusMinus),
        Tok::Plus => matches!(after, Tok::Plus | Tok::PlusPlus),
        Tok::Amp => matches!(after, Tok::Amp | Tok::AndAnd),
        _ => false,
    }
}

/// Whether a piece is `=` or `+=` and their like.
pub(super) fn is_assignment(piece: &Piece<'_>) -> bool {
    matches!(piece.kind, Kind::Token(kind) if assignment(kind).is_some())
}
