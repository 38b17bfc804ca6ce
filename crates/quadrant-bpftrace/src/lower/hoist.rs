//! Variables that are used outside of the block in which they were assigned: until bpftrace 0.21 they lived to the end of the clause,
//! and scripts of that time count on it.

use std::collections::{HashMap, HashSet};

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Lower;
use crate::ast::{Block, Expr, ExprKind, ForIter, IfExpr, Probe, Stmt, StmtKind};
use crate::walk::{Node, walk_expr};

impl Lower<'_> {
    /// Makes such variables in the clause's own block.
    pub(super) fn hoist(&mut self, probe: &Probe) {
        let mut seen = Seen::default();
        seen.block(&probe.body);
        for (name, span) in seen.strays {
            let message = format!("`${name}` is used outside of the block in which it was assigned");
            let help = format!("declare it before that block: `let ${name};`");
            self.report(Diagnostic::warning(span, message).help(help));
            self.declare(name, span, None, false);
        }
    }
}

/// Which variables there are while a clause is read from top to bottom.
#[derive(Default)]
struct Seen<'a> {
    /// Of the blocks that are open, and whether they were made by an assignment: scripts with `let` know blocks.
    open: Vec<HashMap<&'a str, bool>>,
    /// Of those that have ended.
    ended: HashSet<&'a str>,
    /// Used though their block has ended: their names, and where first.
    strays: Vec<(&'a str, Span)>,
}

impl<'a> Seen<'a> {
    fn block(&mut self, block: &'a Block) {
        self.open.push(HashMap::new());
        block.stmts.iter().for_each(|stmt| self.stmt(stmt));
        block.tail.iter().for_each(|value| self.used(value));
        let ended = self.open.pop().unwrap_or_default();
        self.ended.extend(ended.into_iter().filter_map(|(name, lives_on)| lives_on.then_some(name)));
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Expr(value) | StmtKind::Return(Some(value)) => self.used(value),
            StmtKind::Assign { target, op, value } => self.assign(target, op.is_some(), value),
            StmtKind::Let { var, value, .. } => {
                value.iter().for_each(|value| self.used(value));
                self.made(&var.name, false);
            }
            StmtKind::If(parts) => self.branches(parts),
            StmtKind::While { cond: head, body } | StmtKind::Unroll { count: head, body } => {
                self.used(head);
                self.block(body);
            }
            StmtKind::For { var, iter, body } => self.round(&var.name, iter, body),
            StmtKind::Block(block) => self.block(block),
            StmtKind::Error | StmtKind::Break | StmtKind::Continue | StmtKind::Return(None) => {}
        }
    }

    fn assign(&mut self, target: &'a Expr, reads: bool, value: &'a Expr) {
        self.used(value);
        match &target.kind {
            ExprKind::Var(name) if !reads => self.made(name, true),
            _ => self.used(target),
        }
    }

    fn branches(&mut self, parts: &'a IfExpr) {
        for (cond, body) in &parts.arms {
            self.used(cond);
            self.block(body);
        }
        parts.other.iter().for_each(|body| self.block(body));
    }

    fn round(&mut self, var: &'a str, iter: &'a ForIter, body: &'a Block) {
        match iter {
            ForIter::Over(over) => self.used(over),
            ForIter::Range(from, to) => [from, to].into_iter().for_each(|end| self.used(end)),
        }
        self.open.push(HashMap::from([(var, false)]));
        self.block(body);
        self.open.pop();
    }

    fn is_there(&self, name: &str) -> bool {
        self.open.iter().any(|block| block.contains_key(name))
    }

    fn made(&mut self, name: &'a str, lives_on: bool) {
        if !self.is_there(name) {
            self.open.last_mut().map(|block| block.insert(name, lives_on));
        }
    }

    fn used(&mut self, value: &'a Expr) {
        walk_expr(value, &mut |node| {
            let Node::Var(name, span) = node else { return };
            let is_known = self.strays.iter().any(|(stray, _)| *stray == name);
            if !self.is_there(name) && self.ended.contains(name) && !is_known {
                self.strays.push((name, span));
            }
        });
    }
}
