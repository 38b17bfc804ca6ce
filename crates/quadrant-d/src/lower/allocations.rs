//! What alloca() and copyin() give, and what does not come from them: a variable holds the one or the other, as in DTrace.

use quadrant_program::span::Span;

use super::Lower;
use super::value::Value;
use super::vars::variable_named;
use crate::ast::{self, BinOp, Expr, ExprKind, Scope, UnOp};

/// Advice for variables that would hold both.
const HELP: &str = "what alloca() and copyin() give needs a variable of its own";

impl Lower<'_> {
    /// Refuses to keep memory of the clause where other pointers are kept, or the other way around.
    pub(super) fn check_allocation(
        &mut self,
        (scope, name): (Scope, &str),
        from: &Expr,
        value: &Value,
        span: Span,
    ) -> Option<()> {
        if self.pointee(&value.ty).is_none() {
            return Some(());
        }
        if self.is_mixed(from) {
            let message = "ternary conditional with alloca and non-alloca branches cannot be assigned to a variable";
            return self.fail_help(span, "D_ALLOCA_INCOMPAT", message, HELP);
        }
        let Some(allocated) = self.is_allocated(from) else { return Some(()) };
        let known = *self.allocated.entry((scope, name.to_owned())).or_insert(allocated);
        if known == allocated {
            return Some(());
        }
        let message = format!("{name}: cannot reuse the same identifier for both alloca and non-alloca allocations");
        self.fail_help(span, "D_ALLOCA_INCOMPAT", message, HELP)
    }

    /// Whether a pointer leads to memory of the clause; `None` if that is not known.
    pub(super) fn is_allocated(&self, expr: &Expr) -> Option<bool> {
        match &expr.kind {
            ExprKind::Call { callee, .. } => Some(matches!(callee.name.as_str(), "alloca" | "copyin")),
            ExprKind::Int(_) | ExprKind::Char(_) | ExprKind::Str(_) | ExprKind::Symbol(_) => Some(false),
            ExprKind::Name(name) if super::builtin::is_builtin(name) || name == "NULL" => Some(false),
            ExprKind::Name(_) | ExprKind::Scoped { .. } | ExprKind::Index { .. } => self.holds_allocation(expr),
            ExprKind::Cast { operand, .. } => self.is_allocated(operand),
            ExprKind::Unary { op: UnOp::AddrOf, operand } => self.is_allocated(place_of(operand)?),
            ExprKind::Binary { op: BinOp::Add | BinOp::Sub, left, right, .. } => {
                let sides = [self.is_allocated(left), self.is_allocated(right)];
                if sides.contains(&Some(true)) { Some(true) } else { sides[0].and(sides[1]) }
            }
            ExprKind::Ternary { then, other, .. } => {
                let (then, other) = (self.is_allocated(then)?, self.is_allocated(other)?);
                (then == other).then_some(then)
            }
            ExprKind::Assign { op: None, value, .. } => self.is_allocated(value),
            ExprKind::Comma(parts) => self.is_allocated(parts.last()?),
            _ => None,
        }
    }

    fn holds_allocation(&self, expr: &Expr) -> Option<bool> {
        let (scope, name, keys) = variable_named(expr)?;
        let declared = &self.variable(scope, name)?.declared;
        // An index may also go through a pointer: what is there is not known.
        if keys.is_some() && declared.keys.is_none() {
            return None;
        }
        self.allocated.get(&(scope, name.to_owned())).copied()
    }

    /// Whether a choice is between both kinds of pointers.
    fn is_mixed(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Cast { operand, .. } => self.is_mixed(operand),
            ExprKind::Ternary { then, other, .. } => {
                let kinds = (self.is_allocated(then), self.is_allocated(other));
                let differ = matches!(kinds, (Some(a), Some(b)) if a != b);
                differ || self.is_mixed(then) || self.is_mixed(other)
            }
            _ => false,
        }
    }
}

/// The pointer through which a place in memory is named: `p` of `p->a` and `p[1]`.
fn place_of(expr: &ast::Expr) -> Option<&ast::Expr> {
    match &expr.kind {
        ExprKind::Field { base, arrow: true, .. } | ExprKind::Index { base, .. } => Some(base),
        ExprKind::Field { base, arrow: false, .. } => place_of(base),
        ExprKind::Unary { op: UnOp::Deref, operand } => Some(operand),
        _ => None,
    }
}
