//! Variables that a block declares without a value, and what becomes of them there.

use quadrant_program::span::Span;

use super::call::is_function;
use crate::ast::{Block, Expr, ExprKind, Ident, Stmt, StmtKind};
use crate::walk::{Node, walk_block};

/// A variable that a block declares without a value.
pub(super) struct Unset<'a> {
    /// Its name.
    pub(super) var: &'a Ident,
    /// Where it is declared.
    pub(super) span: Span,
    /// Whether something may be put into it at all.
    pub(super) is_given: bool,
    /// Where it is read before anything was put into it further up.
    pub(super) early: Vec<Span>,
    /// Where something is first put into it, but by counting on from what it has.
    since: u32,
}

/// The variables that a block declares without a value. Only where there are some, the block is looked through: once for all.
pub(super) fn unset(block: &Block) -> Vec<Unset<'_>> {
    let mut all: Vec<Unset> = declared(block).collect();
    if all.is_empty() {
        return all;
    }
    let mut unread = Vec::new();
    walk_block(block, &mut |node| {
        unread.extend(not_read(node));
        all.iter_mut().for_each(|one| one.see(node));
    });
    all.iter_mut().for_each(|one| one.keep_early(&unread));
    all
}

fn declared(block: &Block) -> impl Iterator<Item = Unset<'_>> {
    block.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Let { var, value: None, .. } => {
            Some(Unset { var, span: stmt.span, is_given: false, early: Vec::new(), since: u32::MAX })
        }
        _ => None,
    })
}

impl Unset<'_> {
    fn see(&mut self, node: Node<'_>) {
        let var = self.var;
        let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(name) if *name == var.name);
        match node {
            Node::Stmt(Stmt { kind: StmtKind::Assign { target, .. }, span }) if is_it(target) => self.give(span.end),
            Node::Expr(Expr { kind: ExprKind::Call { callee, args }, span, .. })
                if may_give(&callee.name) && args.iter().any(is_it) =>
            {
                self.give(span.start)
            }
            Node::Address(target) if is_it(target) => self.give(target.span.start),
            Node::Counted(target) if is_it(target) => self.is_given = true,
            Node::Var(name, span) if name == var.name => self.early.push(span),
            _ => {}
        }
    }

    fn give(&mut self, at: u32) {
        self.is_given = true;
        self.since = self.since.min(at);
    }

    /// Of all places where its name stands, those that ask for a value that is not there yet.
    fn keep_early(&mut self, unread: &[Span]) {
        let is_in = |span: &Span, outer: &Span| outer.start <= span.start && span.end <= outer.end;
        self.early.retain(|span| span.start < self.since && !unread.iter().any(|outer| is_in(span, outer)));
    }
}

/// Whether a function may put something into a variable that it is given: those of the language seldom do.
fn may_give(function: &str) -> bool {
    function == "find" || !is_function(function)
}

/// Where variables stand whose values nobody asks for: what is assigned to, and what only has a type.
fn not_read(node: Node<'_>) -> Option<Span> {
    match node {
        Node::Stmt(Stmt { kind: StmtKind::Assign { target, op: None, .. }, .. }) => {
            matches!(target.kind, ExprKind::Var(_)).then_some(target.span)
        }
        Node::Stmt(Stmt { kind: StmtKind::Let { ty: Some(ty), .. }, .. }) => Some(ty.span),
        Node::Expr(Expr { kind: ExprKind::Cast { ty, .. }, .. }) => Some(ty.span),
        Node::Expr(Expr { kind: ExprKind::Sizeof(_) | ExprKind::Typeof(_) | ExprKind::Typeinfo(_), span, .. }) => {
            Some(*span)
        }
        _ => None,
    }
}
