//! Scripts for other systems find system calls that failed by their result: it is -1 there, and minus the error's number on Linux.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::Lower;
use crate::ast::{BinOp, Expr, ExprKind, UnOp};

const TOLD: &str = "finds failures on other systems; on Linux a call that fails returns -errno";

impl Lower<'_> {
    /// Warns of a comparison that hardly finds any failure.
    pub(super) fn warn_of_minus_one(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) {
        let returns = |point: &String| point.starts_with("syscall:") && point.ends_with(":return");
        let told = |known: &Diagnostic| known.message.contains(TOLD);
        if !is_minus_one(right) || !self.clause.point.as_ref().is_some_and(returns) {
            return;
        }
        let Some(name @ ("arg0" | "arg1")) = uncast(left) else { return };
        // Once is enough, however many there are.
        if self.diagnostics.iter().any(told) {
            return;
        }
        let symbol = op.symbol();
        let message = format!("`{name} {symbol} -1` {TOLD}, so it is about EPERM alone: use `errno`");
        self.diagnostics.push(Diagnostic::warning(span, message));
    }
}

/// The word behind casts.
fn uncast(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Cast { operand, .. } => uncast(operand),
        ExprKind::Name(name) => Some(name),
        _ => None,
    }
}

fn is_minus_one(expr: &Expr) -> bool {
    let ExprKind::Unary { op: UnOp::Neg, operand } = &expr.kind else { return false };
    matches!(&operand.kind, ExprKind::Int(literal) if literal.value == 1)
}
