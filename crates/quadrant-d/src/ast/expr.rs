//! Expressions.

use super::{BinOp, Ident, Scope, ScopedName, TypeExpr, UnOp};
use quadrant_program::span::Span;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
    height: u16,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// Something that was reported as an error.
    Error,
    /// `42`, `0xffUL`, `017`
    Int(IntLiteral),
    /// `'a'`, `'\n'`, `'ab'`: an `int`.
    Char(i64),
    /// `"text"`, escapes decoded.
    Str(Vec<u8>),
    /// `$1`, `$$1`, `$target`; [`crate::macros::expand`] leaves none.
    Macro(MacroVar),
    /// A word of no scope: built-in, global variable, inline, enumerator, parameter of a translator.
    Name(String),
    /// `self->x`, `this->x`
    Scoped {
        /// Whose: never `Global`.
        scope: Scope,
        /// The variable.
        name: Ident,
    },
    /// `` `sym ``, `` mod`sym ``: of the kernel, or in pid clauses of the program.
    Symbol(ScopedName),
    /// `@a`, `@a[k1, k2]`, `@[k]`; no key at all gives an empty list.
    Agg {
        /// The name; empty for `@`.
        name: Ident,
        /// What stands between the brackets.
        keys: Vec<Expr>,
    },
    /// `f(a, b)`
    Call {
        /// The action, subroutine or aggregating function; `$1` until [`crate::macros::expand`].
        callee: Ident,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `a[i]`, `a[k1, k2]`: an array or pointer, an associative array (`x[1, "a"]`, `self->x[k]`), `args[0]`, an inline.
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// The index or keys; there is at least one.
        keys: Vec<Expr>,
    },
    /// `a.b`, `a->b`
    Field {
        /// The struct, union, or pointer to one.
        base: Box<Expr>,
        /// `->` rather than `.`.
        arrow: bool,
        /// The member.
        name: Ident,
    },
    /// `-x`
    Unary {
        /// The operator.
        op: UnOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `x++`, `--x`
    IncDec {
        /// `++` rather than `--`.
        increment: bool,
        /// The operator stands before the operand.
        prefix: bool,
        /// The operand.
        target: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        op: BinOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `x = e`, `x += e`, `@a[k] = count()`
    Assign {
        /// Nothing for `=`.
        op: Option<BinOp>,
        /// Where the operator stands.
        op_span: Span,
        /// What gets the value.
        target: Box<Expr>,
        /// The value.
        value: Box<Expr>,
    },
    /// `c ? a : b`
    Ternary {
        /// The condition.
        cond: Box<Expr>,
        /// The value if it holds.
        then: Box<Expr>,
        /// The value otherwise.
        other: Box<Expr>,
    },
    /// `a, b`: the value is the last one's.
    Comma(Vec<Expr>),
    /// `(type)x`
    Cast {
        /// The type.
        ty: Box<TypeExpr>,
        /// What is converted.
        operand: Box<Expr>,
    },
    /// `sizeof (type)`, `sizeof expr`
    Sizeof(TypeArg),
    /// `offsetof(type, member.member)`
    Offsetof {
        /// The struct or union.
        ty: Box<TypeExpr>,
        /// The path to the member.
        path: Vec<Ident>,
    },
    /// `stringof(expr)`, `stringof expr`
    Stringof(Box<Expr>),
    /// `xlate <type> (expr)`
    Xlate {
        /// What is made.
        ty: Box<TypeExpr>,
        /// What it is made from.
        operand: Box<Expr>,
    },
}

/// An integer literal's value and how it was written; C derives its type from both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntLiteral {
    /// The value.
    pub value: u64,
    /// Written with a `u` suffix.
    pub unsigned: bool,
    /// How many `l` its suffix has: 0, 1, 2.
    pub longs: u8,
    /// Neither hexadecimal nor octal: without `u` its type is a signed one.
    pub decimal: bool,
}

/// A macro variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MacroVar {
    /// `$0`, `$1`: an argument of the script, as the token that it looks like.
    Arg(u32),
    /// `$$1`: an argument of the script as a string.
    ArgText(u32),
    /// `$target`, `$pid`: an integer that the tracer knows.
    Named(String),
    /// `$$target`: its digits as a string.
    NamedText(String),
}

/// The operand of `sizeof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeArg {
    /// A type.
    Type(Box<TypeExpr>),
    /// An expression, of which only the type counts.
    Expr(Box<Expr>),
}

impl Expr {
    /// An expression; its height follows from its parts.
    pub fn new(span: Span, kind: ExprKind) -> Self {
        let height = kind.parts_height().saturating_add(1);
        Self { span, kind, height }
    }

    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        self.height
    }
}

impl ExprKind {
    fn parts_height(&self) -> u16 {
        match self {
            Self::Agg { keys: parts, .. } | Self::Call { args: parts, .. } | Self::Comma(parts) => tallest(parts),
            Self::Index { base, keys } => base.height.max(tallest(keys)),
            Self::Field { base: inner, .. }
            | Self::Unary { operand: inner, .. }
            | Self::IncDec { target: inner, .. }
            | Self::Stringof(inner) => inner.height,
            Self::Binary { left: a, right: b, .. } | Self::Assign { target: a, value: b, .. } => a.height.max(b.height),
            Self::Ternary { cond, then, other } => cond.height.max(then.height).max(other.height),
            Self::Cast { ty, operand } | Self::Xlate { ty, operand } => ty.height().max(operand.height),
            Self::Sizeof(TypeArg::Type(ty)) | Self::Offsetof { ty, .. } => ty.height(),
            Self::Sizeof(TypeArg::Expr(inner)) => inner.height,
            _ => 0,
        }
    }
}

fn tallest(parts: &[Expr]) -> u16 {
    parts.iter().map(|part| part.height).max().unwrap_or(0)
}
