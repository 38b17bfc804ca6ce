//! Statements and blocks.

use super::{AssignOp, Expr, Ident, IfExpr, TypeExpr};
use quadrant_program::span::Span;

/// `{ a; b; c }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// From brace to brace.
    pub span: Span,
    /// The statements.
    pub stmts: Vec<Stmt>,
    /// A last expression without semicolon: the block's value, where one is wanted.
    pub tail: Option<Box<Expr>>,
    height: u16,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stmt {
    /// Where it stands, without the semicolon.
    pub span: Span,
    /// What it is.
    pub kind: StmtKind,
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StmtKind {
    /// Something that was reported as an error.
    Error,
    /// An expression for its effect.
    Expr(Expr),
    /// `x = e`, `x += e`
    Assign {
        /// The variable, map, or `_` to throw the value away.
        target: Expr,
        /// Nothing for `=`.
        op: AssignOp,
        /// The value.
        value: Expr,
    },
    /// `let $x`, `let $x : type = e`
    Let {
        /// The variable.
        var: Ident,
        /// Its declared type.
        ty: Option<TypeExpr>,
        /// Its first value.
        value: Option<Expr>,
    },
    /// `if`, `else if`, `else`
    If(IfExpr),
    /// `while (c) { }`
    While {
        /// The condition.
        cond: Expr,
        /// What is repeated.
        body: Block,
    },
    /// `for ($kv : @map) { }`, `for ($i : a..b) { }`
    For {
        /// The variable.
        var: Ident,
        /// What it runs over.
        iter: ForIter,
        /// What is repeated.
        body: Block,
    },
    /// `unroll (n) { }`
    Unroll {
        /// How many times.
        count: Expr,
        /// What is repeated.
        body: Block,
    },
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `return`, `return e`
    Return(Option<Expr>),
    /// `{ }`
    Block(Block),
}

/// What a `for` loop runs over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForIter {
    /// The entries of a map.
    Over(Expr),
    /// The integers from the first up to, not including, the second.
    Range(Expr, Expr),
}

impl Block {
    /// A block; its height follows from its parts.
    pub fn new(span: Span, stmts: Vec<Stmt>, tail: Option<Box<Expr>>) -> Self {
        let parts = stmts.iter().map(Stmt::height);
        let parts = parts.chain(tail.as_ref().map(|e| e.height()));
        let height = parts.max().unwrap_or(0).saturating_add(1);
        Self { span, stmts, tail, height }
    }

    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        self.height
    }
}

impl Stmt {
    /// The height of its tallest part; a statement is on its block's level.
    fn height(&self) -> u16 {
        self.kind.parts_height()
    }
}

impl StmtKind {
    fn parts_height(&self) -> u16 {
        match self {
            Self::Expr(e) | Self::Return(Some(e)) => e.height(),
            Self::Assign { target, value, .. } => target.height().max(value.height()),
            Self::Let { ty, value, .. } => {
                let ty = ty.as_ref().map_or(0, TypeExpr::height);
                value.as_ref().map_or(0, Expr::height).max(ty)
            }
            Self::If(parts) => parts.height(),
            Self::While { cond: head, body } | Self::Unroll { count: head, body } => head.height().max(body.height()),
            Self::For { iter, body, .. } => iter.height().max(body.height()),
            Self::Block(block) => block.height(),
            Self::Error | Self::Break | Self::Continue | Self::Return(None) => 0,
        }
    }
}

impl ForIter {
    fn height(&self) -> u16 {
        match self {
            Self::Over(e) => e.height(),
            Self::Range(a, b) => a.height().max(b.height()),
        }
    }
}
