//! Statements and blocks.

use super::Expr;
use quadrant_program::span::Span;

/// `{ a; b; c }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// From brace to brace.
    pub span: Span,
    /// The statements; the empty ones (`;`) are left out.
    pub stmts: Vec<Stmt>,
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
    /// An expression for its effect. `@a[k] = count()` is one: an assignment to an aggregation.
    Expr(Expr),
    /// `if (c) a; else b;`: an extension of illumos.
    If {
        /// The condition.
        cond: Expr,
        /// What runs when it holds; a single statement makes a block of one.
        then: Block,
        /// What runs otherwise; `else if` makes a block with one `If`.
        other: Option<Block>,
    },
}

impl Block {
    /// A block; its height follows from its parts.
    pub fn new(span: Span, stmts: Vec<Stmt>) -> Self {
        let height = stmts.iter().map(Stmt::height).max().unwrap_or(0).saturating_add(1);
        Self { span, stmts, height }
    }

    /// The number of levels from this node down to its deepest leaf, itself included.
    pub fn height(&self) -> u16 {
        self.height
    }
}

impl Stmt {
    /// The height of its tallest part; a statement is on its block's level.
    fn height(&self) -> u16 {
        match &self.kind {
            StmtKind::Error => 0,
            StmtKind::Expr(expr) => expr.height(),
            StmtKind::If { cond, then, other } => {
                let other = other.as_ref().map_or(0, Block::height);
                cond.height().max(then.height()).max(other)
            }
        }
    }
}
