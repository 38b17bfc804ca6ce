//! What is legal, and seldom meant: statements that nothing reaches, variables and maps that nothing is put into.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Lower;
use super::expand::plain;
use crate::ast::{Block, Expr, ExprKind, IfExpr, Item, MapDecl, Probe, Script, Stmt, StmtKind};
use crate::walk::{Node, walk_block, walk_probe};

impl Lower<'_> {
    /// Warns of what can be seen in a probe as it is written.
    pub(super) fn habits(&mut self, probe: &Probe) {
        let mut found = Vec::new();
        walk_probe(probe, &mut |node| {
            if let Node::Block(block) = node {
                found.extend(unreachable(block));
                found.extend(never_assigned(block));
            }
        });
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    /// Warns of maps that are declared and not used.
    pub(super) fn unused_maps(&mut self, script: &Script) {
        let declared = script.items.iter().filter_map(|item| match item {
            Item::MapDecl(decl) => Some(decl),
            _ => None,
        });
        let unused: Vec<&MapDecl> = declared.filter(|decl| !self.inferred.is_used(&decl.name.name)).collect();
        for decl in unused {
            self.warning(decl.span, format!("`@{}` is declared and never used", decl.name.name));
        }
    }

    /// Warns of what bpftrace warns of, if the user is used to hear it.
    pub(super) fn style(&mut self, span: Span, message: impl Into<String>) {
        if self.env.warns_of_style {
            self.warning(span, message);
        }
    }

    /// Warns of a `while` loop, as [`Lower::style`] does.
    pub(super) fn while_is_old(&mut self, span: Span) {
        if self.env.warns_of_style {
            let help =
                "For loops support ranges (e.g. `for ($x : $start..$end) { ... }`), and can be used in place of while.";
            let warning = Diagnostic::warning(span, "`while` may go away");
            self.report(warning.help(help));
        }
    }
}

/// The first statement of a block that nothing reaches.
fn unreachable(block: &Block) -> Option<Diagnostic> {
    let last = block.stmts.iter().position(ends)?;
    let next = block.stmts.get(last + 1).map(|stmt| stmt.span);
    let span = next.or_else(|| block.tail.as_ref().map(|tail| tail.span))?;
    Some(Diagnostic::warning(span, "nothing ever comes to this statement"))
}

/// Whether the statement behind this one is never reached.
fn ends(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Break | StmtKind::Continue | StmtKind::Return(_) => true,
        StmtKind::Expr(Expr { kind: ExprKind::Call { callee, .. }, .. }) => callee.name == "exit",
        StmtKind::Expr(Expr { kind: ExprKind::If(parts), .. }) => all_end(parts),
        StmtKind::If(parts) => all_end(parts),
        StmtKind::Block(block) => block_ends(block),
        _ => false,
    }
}

/// Whether every way through an `if` ends.
fn all_end(parts: &IfExpr) -> bool {
    parts.other.as_ref().is_some_and(block_ends) && parts.arms.iter().all(|(_, body)| block_ends(body))
}

/// Whether every way through a block ends.
pub(super) fn block_ends(block: &Block) -> bool {
    block.stmts.iter().any(ends)
}

/// The variables that a block declares and that nothing is ever put into.
fn never_assigned(block: &Block) -> Vec<Diagnostic> {
    let empty = block.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Let { var, value: None, .. } => Some((var, stmt.span)),
        _ => None,
    });
    let lost = empty.filter(|(var, _)| !is_given(block, &var.name));
    lost.map(|(var, span)| Diagnostic::warning(span, format!("nothing is ever put into `${}`", plain(&var.name))))
        .collect()
}

/// Whether something may be put into a variable.
fn is_given(block: &Block, name: &str) -> bool {
    let is_it = |expr: &Expr| matches!(&expr.kind, ExprKind::Var(var) if var == name);
    let mut given = false;
    walk_block(block, &mut |node| {
        given |= match node {
            Node::Assign(target) | Node::Counted(target) | Node::Address(target) => is_it(target),
            Node::Call(_, args) => args.iter().any(is_it),
            _ => false,
        };
    });
    given
}
