//! Operators as they are written; C's, and the few that one language adds.

use crate::token::Tok;
use quadrant_program::expr::BinaryOp;

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnOp {
    /// `!`
    Not,
    /// `~`
    BitNot,
    /// `-`
    Neg,
    /// `+`; D only.
    Plus,
    /// `*`
    Deref,
    /// `&`
    AddrOf,
}

/// Infix operators without a side effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "`symbol` says what each one is")]
pub enum BinOp {
    Or,
    /// `^^`: either, but not both; D only.
    LogXor,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
    Shl,
    Shr,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl UnOp {
    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::BitNot => "~",
            Self::Neg => "-",
            Self::Plus => "+",
            Self::Deref => "*",
            Self::AddrOf => "&",
        }
    }
}

impl BinOp {
    /// Whether operands are computed one after the other, up to the one that decides, however they are grouped.
    pub fn is_chain(self) -> bool {
        matches!(self, Self::Or | Self::And)
    }

    /// Whether the result is a truth value, of two operands that are computed both.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// The operator of the program model; the logical ones are not among them.
    pub fn model(self) -> Option<BinaryOp> {
        Some(match self {
            Self::And | Self::Or | Self::LogXor => return None,
            Self::BitOr => BinaryOp::Or,
            Self::BitXor => BinaryOp::Xor,
            Self::BitAnd => BinaryOp::And,
            Self::Eq => BinaryOp::Eq,
            Self::Ne => BinaryOp::Ne,
            Self::Lt => BinaryOp::Lt,
            Self::Gt => BinaryOp::Gt,
            Self::Le => BinaryOp::Le,
            Self::Ge => BinaryOp::Ge,
            Self::Shl => BinaryOp::Shl,
            Self::Shr => BinaryOp::Shr,
            Self::Add => BinaryOp::Add,
            Self::Sub => BinaryOp::Sub,
            Self::Mul => BinaryOp::Mul,
            Self::Div => BinaryOp::Div,
            Self::Rem => BinaryOp::Rem,
        })
    }

    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::LogXor => "^^",
            Self::And => "&&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::BitAnd => "&",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Le => "<=",
            Self::Ge => ">=",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }
}

/// An infix operator and its level; a higher level binds tighter. Both languages have C's order.
pub fn infix(kind: Tok) -> Option<(BinOp, u8)> {
    Some(match kind {
        Tok::OrOr => (BinOp::Or, 1),
        Tok::CaretCaret => (BinOp::LogXor, 2),
        Tok::AndAnd => (BinOp::And, 3),
        Tok::Pipe => (BinOp::BitOr, 4),
        Tok::Caret => (BinOp::BitXor, 5),
        Tok::Amp => (BinOp::BitAnd, 6),
        Tok::EqEq => (BinOp::Eq, 7),
        Tok::NotEq => (BinOp::Ne, 7),
        Tok::Less => (BinOp::Lt, 8),
        Tok::Greater => (BinOp::Gt, 8),
        Tok::LessEq => (BinOp::Le, 8),
        Tok::GreaterEq => (BinOp::Ge, 8),
        Tok::Shl => (BinOp::Shl, 9),
        Tok::Shr => (BinOp::Shr, 9),
        Tok::Plus => (BinOp::Add, 10),
        Tok::Minus => (BinOp::Sub, 10),
        Tok::Star => (BinOp::Mul, 11),
        Tok::Slash => (BinOp::Div, 11),
        Tok::Percent => (BinOp::Rem, 11),
        _ => return None,
    })
}

/// A prefix operator.
pub fn prefix(kind: Tok) -> Option<UnOp> {
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
pub fn assignment(kind: Tok) -> Option<Option<BinOp>> {
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
