//! Walks with a closure, and what several passes look for.

use quadrant_program::expr::Expr;
use quadrant_program::program::Clause;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

/// What a walk meets, outer before inner.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    /// A statement.
    Stmt(&'a Stmt),
    /// A statement whose parts have all been visited.
    End(&'a Stmt),
    /// An expression.
    Expr(&'a Expr),
}

struct Each<'f>(&'f mut dyn FnMut(Node<'_>));

impl Visitor for Each<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        (self.0)(Node::Stmt(stmt));
    }

    fn end(&mut self, stmt: &Stmt) {
        (self.0)(Node::End(stmt));
    }

    fn expr(&mut self, expr: &Expr) {
        (self.0)(Node::Expr(expr));
    }
}

/// Visits the predicate and the body of a clause.
pub(super) fn clause(clause: &Clause, visit: &mut dyn FnMut(Node<'_>)) {
    visit::clause(clause, &mut Each(visit));
}

/// Visits statements and everything in them.
pub(super) fn stmts(body: &[Stmt], visit: &mut dyn FnMut(Node<'_>)) {
    visit::stmts(body, &mut Each(visit));
}

/// Visits a statement and everything in it.
pub(super) fn stmt(stmt: &Stmt, visit: &mut dyn FnMut(Node<'_>)) {
    visit::stmt(stmt, &mut Each(visit));
}

/// Visits an expression and everything in it.
pub(super) fn expr(e: &Expr, visit: &mut dyn FnMut(Node<'_>)) {
    visit::expr(e, &mut Each(visit));
}

/// Whether a statement runs its body (and a `while` its condition) in a callback.
pub(super) fn is_loop(stmt: &Stmt) -> bool {
    matches!(stmt.kind, StmtKind::While { .. } | StmtKind::ForRange { .. } | StmtKind::ForMap { .. })
}

/// Counts how many loops with callbacks are around the visited node.
#[derive(Default)]
pub(super) struct LoopDepth {
    /// Loops around.
    pub now: u32,
    /// The most there were.
    pub most: u32,
}

impl LoopDepth {
    /// Takes note of a node; call it for each.
    pub fn note(&mut self, node: Node<'_>) {
        match node {
            Node::Stmt(s) if is_loop(s) => self.now += 1,
            Node::End(s) if is_loop(s) => self.now -= 1,
            _ => {}
        }
        self.most = self.most.max(self.now);
    }
}
