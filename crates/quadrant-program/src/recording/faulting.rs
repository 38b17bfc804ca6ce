//! What can fault.

use crate::expr::BinaryOp;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::program::Clause;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Space;
use crate::visit;
use crate::visit::Visitor;

/// Whether evaluating an expression may fault.
pub(super) fn can_fault(e: &Expr) -> bool {
    found(|faults| visit::expr(e, faults))
}

/// Whether a statement may.
pub(super) fn stmt_can_fault(stmt: &Stmt) -> bool {
    found(|faults| visit::stmt(stmt, faults))
}

/// Whether a clause may.
pub(super) fn clause_can_fault(clause: &Clause) -> bool {
    found(|faults| visit::clause(clause, faults))
}

fn found(walk: impl FnOnce(&mut Faults)) -> bool {
    let mut faults = Faults(false);
    walk(&mut faults);
    faults.0
}

struct Faults(bool);

impl Visitor for Faults {
    fn stmt(&mut self, stmt: &Stmt) {
        self.0 |= matches!(stmt.kind, StmtKind::Store { .. } | StmtKind::EndSpeculation { .. });
    }

    fn expr(&mut self, e: &Expr) {
        self.0 |= match &e.kind {
            ExprKind::Deref { space, .. } => *space != Space::Context,
            ExprKind::Call(function, _) => !matches!(function, Function::Stack | Function::Symbol),
            ExprKind::ArgAt(_) | ExprKind::Arg(_) => true,
            ExprKind::Binary(op, ..) => matches!(op, BinaryOp::Div | BinaryOp::Rem),
            _ => false,
        };
    }
}
