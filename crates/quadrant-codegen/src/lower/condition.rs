//! Decisions: comparisons and logic become branches, not numbers.

use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::UnaryOp;
use quadrant_program::ty::Type;

use super::error::Result;
use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Value;

impl Lower<'_, '_> {
    /// Goes to `then` when the expression is not zero, else to `other`.
    pub fn condition(&mut self, e: &Expr, then: Block, other: Block) -> Result<()> {
        let outer = self.span;
        self.at(e.span);
        let done = self.condition_kind(e, then, other);
        self.at(outer);
        done
    }

    fn condition_kind(&mut self, e: &Expr, then: Block, other: Block) -> Result<()> {
        if let Some((pointer, is_wanted)) = null_test(e) {
            let (set, null) = if is_wanted { (other, then) } else { (then, other) };
            return self.condition(pointer, set, null);
        }
        match &e.kind {
            ExprKind::Int(value) => {
                self.f.b.jump(if *value != 0 { then } else { other }, &[]);
                Ok(())
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.condition(inner, other, then),
            ExprKind::Binary(op, lhs, rhs) if comparison(*op, false).is_some() => {
                let signed = lhs.ty.is_signed();
                let cond = comparison(*op, signed).unwrap_or(Cond::Ne);
                let left = self.scalar(lhs)?;
                let right = self.operand(rhs)?;
                self.f.b.branch(cond, left, right, then, &[], other, &[]);
                Ok(())
            }
            ExprKind::Binary(BinaryOp::And, lhs, rhs) => {
                let left = self.scalar(lhs)?;
                let right = self.operand(rhs)?;
                self.f.b.branch(Cond::Test, left, right, then, &[], other, &[]);
                Ok(())
            }
            ExprKind::Logical { and, lhs, rhs } => {
                let next = self.f.b.create_block();
                let (yes, no) = if *and { (next, other) } else { (then, next) };
                self.condition(lhs, yes, no)?;
                self.f.b.switch_to(next);
                self.branch(|lower| lower.condition(rhs, then, other))
            }
            ExprKind::MemEq { lhs, rhs, negate: false } => self.branch_equal(lhs, rhs, then, other),
            ExprKind::MemEq { lhs, rhs, negate: true } => self.branch_equal(lhs, rhs, other, then),
            _ => {
                let value = self.scalar(e)?;
                self.f.b.branch(Cond::Ne, value, 0, then, &[], other, &[]);
                Ok(())
            }
        }
    }

    /// A decision as a number: 1 or 0.
    pub fn truth(&mut self, e: &Expr) -> Result<Value> {
        let [yes, no] = [self.f.b.create_block(), self.f.b.create_block()];
        let (end, result) = self.join();
        self.condition_kind(e, yes, no)?;
        for (block, value) in [(yes, 1), (no, 0)] {
            self.f.b.switch_to(block);
            let value = self.f.b.iconst(value);
            self.f.b.jump(end, &[value]);
        }
        self.f.b.switch_to(end);
        Ok(result)
    }
}

/// The pointer that is compared with zero, and whether it is to be zero. As a number, it would be one that the verifier takes for nothing
/// tested: what a function of the kernel gives can be used only behind a test of itself.
fn null_test(e: &Expr) -> Option<(&Expr, bool)> {
    let ExprKind::Binary(op @ (BinaryOp::Eq | BinaryOp::Ne), lhs, rhs) = &e.kind else { return None };
    let is_zero = |side: &Expr| matches!(side.kind, ExprKind::Int(0));
    let number = if is_zero(rhs) { lhs } else { Some(rhs).filter(|_| is_zero(lhs))? };
    let ExprKind::Cast(pointer) = &number.kind else { return None };
    let is_whole = matches!(pointer.ty, Type::Pointer { .. }) && matches!(number.ty, Type::Int { bytes: 8, .. });
    is_whole.then_some((pointer, *op == BinaryOp::Eq))
}

/// The branch condition of a comparison.
pub(super) fn comparison(op: BinaryOp, signed: bool) -> Option<Cond> {
    Some(match (op, signed) {
        (BinaryOp::Eq, _) => Cond::Eq,
        (BinaryOp::Ne, _) => Cond::Ne,
        (BinaryOp::Lt, false) => Cond::Ult,
        (BinaryOp::Le, false) => Cond::Ule,
        (BinaryOp::Gt, false) => Cond::Ugt,
        (BinaryOp::Ge, false) => Cond::Uge,
        (BinaryOp::Lt, true) => Cond::Slt,
        (BinaryOp::Le, true) => Cond::Sle,
        (BinaryOp::Gt, true) => Cond::Sgt,
        (BinaryOp::Ge, true) => Cond::Sge,
        _ => return None,
    })
}
