//! Expressions.

use super::{Block, Ident, Tag, TypeExpr};
use crate::lexer::IntLiteral;
use quadrant_program::span::Span;
use quadrant_syntax::op::{BinOp, UnOp};

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
    /// `42`, `0xff`, `1e6`, `10ms`
    Int(IntLiteral),
    /// `true`, `false`
    Bool(bool),
    /// `"text"`, escapes decoded
    Str(Vec<u8>),
    /// `$1`
    Param(u32),
    /// `$#`
    ParamCount,
    /// A bare word: builtin, constant, enumerator, call of a macro without arguments.
    Name(String),
    /// `struct task_struct`: a type as an argument.
    Tagged(Tag, String),
    /// `$x`
    Var(String),
    /// `@x`, `@x[k1, k2]`; no key at all gives an empty list.
    Map {
        /// The name; empty for `@`.
        name: Ident,
        /// What stands between the brackets.
        key: Vec<Expr>,
    },
    /// `f(a, b)`
    Call {
        /// The function's name.
        callee: Callee,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `a.b`, `a->b`
    Field {
        /// The record.
        base: Box<Expr>,
        /// The member's name.
        name: Ident,
    },
    /// `t.0`
    TupleField {
        /// The tuple.
        base: Box<Expr>,
        /// Which member, from zero.
        index: u32,
    },
    /// `a[i]`
    Index {
        /// The array, pointer or tuple.
        base: Box<Expr>,
        /// Which element.
        index: Box<Expr>,
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
    /// `c ? a : b`, `c ?: b`
    Ternary {
        /// The condition.
        cond: Box<Expr>,
        /// The value if it holds; the condition itself when left out.
        then: Option<Box<Expr>>,
        /// The value otherwise.
        other: Box<Expr>,
    },
    /// `(type)x`
    Cast {
        /// The type.
        ty: TypeExpr,
        /// What is converted.
        operand: Box<Expr>,
    },
    /// `()`, `(a,)`, `(a, b)`
    Tuple(Vec<Expr>),
    /// `(x = 1, y = 2)`
    Record(Vec<(Ident, Expr)>),
    /// `sizeof(type)`, `sizeof(expr)`
    Sizeof(TypeArg),
    /// `offsetof(type, a.b)`
    Offsetof {
        /// The record.
        of: TypeArg,
        /// The path to the member.
        path: Vec<Ident>,
    },
    /// `has_field(type, a.b)`
    HasField {
        /// The record.
        of: TypeArg,
        /// The path to the member.
        path: Vec<Ident>,
    },
    /// `typeof(x)` where a value is expected.
    Typeof(TypeArg),
    /// `typeinfo(x)`
    Typeinfo(TypeArg),
    /// `if c { a } else { b }` as a value
    If(Box<IfExpr>),
    /// `{ a; b }` as a value
    Block(Box<Block>),
    /// `comptime x`
    Comptime(Box<Expr>),
    /// An argument of a macro in its parameter's place. The parser makes none.
    Given {
        /// How many macros are open around the call that it comes from.
        open: usize,
        /// The argument.
        inner: Box<Expr>,
    },
}

/// The name in front of the parentheses of a call.
pub type Callee = Ident;

/// `if c { } else if d { } else { }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfExpr {
    /// Conditions and what runs when they hold, in order.
    pub arms: Vec<(Expr, Block)>,
    /// What runs when none holds.
    pub other: Option<Block>,
}

/// The operand of `sizeof` and its like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeArg {
    /// A type.
    Type(Box<TypeExpr>),
    /// An expression, of which only the type counts.
    Expr(Box<Expr>),
}

/// `=` (nothing) or the operator of a compound assignment.
pub type AssignOp = Option<BinOp>;

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
            Self::Map { key: parts, .. } | Self::Call { args: parts, .. } | Self::Tuple(parts) => tallest(parts),
            Self::Record(fields) => fields.iter().map(|(_, e)| e.height).max().unwrap_or(0),
            Self::Field { base, .. } | Self::TupleField { base, .. } => base.height,
            Self::Unary { operand, .. } | Self::Comptime(operand) | Self::Given { inner: operand, .. } => {
                operand.height
            }
            Self::IncDec { target, .. } => target.height,
            Self::Cast { ty, operand } => operand.height.max(ty.height()),
            Self::Index { base: a, index: b } | Self::Binary { left: a, right: b, .. } => a.height.max(b.height),
            Self::Ternary { cond, then, other } => {
                let then = then.as_ref().map_or(0, |e| e.height);
                cond.height.max(other.height).max(then)
            }
            Self::Sizeof(arg) | Self::Typeof(arg) | Self::Typeinfo(arg) => arg.height(),
            Self::Offsetof { of, .. } | Self::HasField { of, .. } => of.height(),
            Self::If(parts) => parts.height(),
            Self::Block(block) => block.height(),
            _ => 0,
        }
    }
}

impl IfExpr {
    /// The height of the tallest condition or body.
    pub fn height(&self) -> u16 {
        let arms = self.arms.iter().map(|(cond, body)| cond.height.max(body.height()));
        let other = self.other.as_ref().map(Block::height);
        arms.chain(other).max().unwrap_or(0)
    }
}

impl TypeArg {
    /// The operand's height.
    pub fn height(&self) -> u16 {
        match self {
            Self::Type(ty) => ty.height(),
            Self::Expr(expr) => expr.height,
        }
    }
}

fn tallest(parts: &[Expr]) -> u16 {
    parts.iter().map(|part| part.height).max().unwrap_or(0)
}
