//! Operators and how tightly they bind; C's order.

use crate::ast::{BinOp, UnOp};
use crate::lexer::Tok;

/// An infix operator and its level; a higher level binds tighter.
pub(super) fn infix(kind: Tok) -> Option<(BinOp, u8)> {
    Some(match kind {
        Tok::OrOr => (BinOp::Or, 1),
        Tok::AndAnd => (BinOp::And, 2),
        Tok::Pipe => (BinOp::BitOr, 3),
        Tok::Caret => (BinOp::BitXor, 4),
        Tok::Amp => (BinOp::BitAnd, 5),
        Tok::EqEq => (BinOp::Eq, 6),
        Tok::NotEq => (BinOp::Ne, 6),
        Tok::Less => (BinOp::Lt, 7),
        Tok::Greater => (BinOp::Gt, 7),
        Tok::LessEq => (BinOp::Le, 7),
        Tok::GreaterEq => (BinOp::Ge, 7),
        Tok::Shl => (BinOp::Shl, 8),
        Tok::Shr => (BinOp::Shr, 8),
        Tok::Plus => (BinOp::Add, 9),
        Tok::Minus => (BinOp::Sub, 9),
        Tok::Star => (BinOp::Mul, 10),
        Tok::Slash => (BinOp::Div, 10),
        Tok::Percent => (BinOp::Rem, 10),
        _ => return None,
    })
}

/// A prefix operator.
pub(super) fn prefix(kind: Tok) -> Option<UnOp> {
    Some(match kind {
        Tok::Bang => UnOp::Not,
        Tok::Tilde => UnOp::BitNot,
        Tok::Minus => UnOp::Neg,
        Tok::Star => UnOp::Deref,
        Tok::Amp => UnOp::AddrOf,
        _ => return None,
    })
}

/// An assignment; nothing inside for a plain `=`.
pub(super) fn assignment(kind: Tok) -> Option<Option<BinOp>> {
    Some(match kind {
        Tok::Assign => None,
        Tok::PlusAssign => Some(BinOp::Add),
        Tok::MinusAssign => Some(BinOp::Sub),
        Tok::StarAssign => Some(BinOp::Mul),
        Tok::SlashAssign => Some(BinOp::Div),
        Tok::PercentAssign => Some(BinOp::Rem),
        Tok::AmpAssign => Some(BinOp::BitAnd),
        Tok::PipeAssign => Some(BinOp::BitOr),
        Tok::CaretAssign => Some(BinOp::BitXor),
        Tok::ShlAssign => Some(BinOp::Shl),
        Tok::ShrAssign => Some(BinOp::Shr),
        _ => return None,
    })
}
