//! What is legal, and seldom meant: statements that nothing reaches, variables and maps that nothing is put into.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Lower;
use super::expand::plain;
use super::unset::{Unset, unset};
use crate::ast::{Block, Expr, ExprKind, IfExpr, Item, MapDecl, Probe, Script, Stmt, StmtKind};
use crate::walk::{Node, walk_probe};

impl Lower<'_> {
    /// Warns of what can be seen in a probe as it is written.
    pub(super) fn habits(&mut self, probe: &Probe) {
        let (mut found, mut early) = (Vec::new(), Vec::new());
        walk_probe(probe, &mut |node| {
            if let Node::Block(block) = node {
                found.extend(self.unreachable(block));
                for unset in unset(block) {
                    early.extend(unset.early.iter().map(|span| (*span, unset.var)));
                    found.extend(never_given(&unset));
                }
            }
        });
        for (span, var) in early {
            let message = format!("`${}` is read before anything was put into it", plain(&var.name));
            self.style(self.bare(span), message);
        }
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    /// A variable without the parentheses around it.
    fn bare(&self, var: Span) -> Span {
        let text = self.text(var);
        let start = text.find('$').unwrap_or(0);
        let end = text[start..].find([')', ' ']).map_or(text.len(), |end| start + end);
        Span::new(var.start + start as u32, var.start + end as u32)
    }

    /// The first statement of a block that nothing reaches.
    fn unreachable(&self, block: &Block) -> Option<Diagnostic> {
        let last = block.stmts.iter().position(ends)?;
        let span = match block.stmts.get(last + 1) {
            Some(Stmt {
                kind: StmtKind::Expr(Expr { kind: ExprKind::Call { .. }, .. }) | StmtKind::Return(_),
                span,
            }) => self.with_semicolon(*span),
            Some(next) => next.span,
            None => block.tail.as_ref().map(|tail| tail.span)?,
        };
        Some(Diagnostic::warning(span, "nothing ever comes to this statement"))
    }

    /// A statement with the spaces and the semicolon behind it.
    pub(super) fn with_semicolon(&self, statement: Span) -> Span {
        let rest = self.sources.rest(statement.end);
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let end = spaces + usize::from(rest[spaces..].starts_with(';'));
        Span { end: statement.end + end as u32, ..statement }
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

fn never_given(unset: &Unset<'_>) -> Option<Diagnostic> {
    let message = || format!("nothing is ever put into `${}`", plain(&unset.var.name));
    (!unset.is_given).then(|| Diagnostic::warning(unset.span, message()))
}
