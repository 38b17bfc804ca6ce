//! Operators.

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function, UnaryOp};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_types::CType;

use super::super::Lower;
use super::super::convert::in_full;
use super::super::presence::{is_null, is_search, without_null};
use super::super::value::{Int, Ty, Value};
use super::super::vars::variable_named;
use crate::ast::{self, BinOp, Scope, UnOp};

impl Lower<'_> {
    pub(super) fn unary(&mut self, op: UnOp, operand: &ast::Expr, span: Span) -> Option<Value> {
        match op {
            UnOp::Deref => return self.deref(operand, span),
            UnOp::AddrOf => return self.address_of(operand, span),
            _ => {}
        }
        if self.no_value(operand)?.is_some() {
            return self.unfit_operand(op, span);
        }
        self.counted_operand(operand, span)?;
        let value = self.expr(operand)?;
        match (op, self.int_of(&value.ty)) {
            (UnOp::Not, _) => self.not(value, span),
            (_, Some(int)) => Some(self.arithmetic_unary(op, value, int, span)),
            _ => self.unfit_operand(op, span),
        }
    }

    /// A variable of a thread or clause that an operator with one operand names first is an `int64_t`. Before a predicate comes the body,
    /// which may assign it; if it only reads it, the variable is one there already.
    pub(super) fn counted_operand(&mut self, operand: &ast::Expr, span: Span) -> Option<()> {
        let Some((scope @ (Scope::Thread | Scope::Clause), name, None)) = variable_named(operand) else {
            return Some(());
        };
        if self.clause.in_body || self.clause.behind_body {
            return self.counted_variable(scope, name, span);
        }
        self.clause.counted.push((scope, name.to_owned()));
        Some(())
    }

    /// An operand that a unary operator cannot take.
    fn unfit_operand<T>(&mut self, op: UnOp, span: Span) -> Option<T> {
        let (tag, kind) = match op {
            UnOp::Not => ("D_OP_SCALAR", "scalar"),
            UnOp::BitNot => ("D_OP_INT", "integral"),
            _ => ("D_OP_ARITH", "arithmetic"),
        };
        self.fail(span, tag, format!("operator {} requires an operand of {kind} type", op.symbol()))
    }

    fn not(&mut self, value: Value, span: Span) -> Option<Value> {
        if !self.is_scalar(&value.ty) {
            return self.unfit_operand(UnOp::Not, span);
        }
        if let Some(number) = value.constant() {
            return Some(self.number(i64::from(number == 0), Int::INT, span));
        }
        Some(self.truth(ExprKind::Unary(UnaryOp::Not, Box::new(in_full(value.expr))), span))
    }

    fn arithmetic_unary(&mut self, op: UnOp, value: Value, int: Int, span: Span) -> Value {
        let (folded, kind) = match op {
            UnOp::Neg => (value.constant().map(i64::wrapping_neg), UnaryOp::Neg),
            UnOp::BitNot => (value.constant().map(|number| !number), UnaryOp::BitNot),
            _ => return value,
        };
        match folded {
            Some(number) => self.number(number, int, span),
            None => {
                let value = self.to_int(value, int.promoted());
                self.shown_as(ExprKind::Unary(kind, Box::new(value.expr)), int, span)
            }
        }
    }

    /// A result of a type: what is narrower than `int` is computed as one, and keeps its bits as long as it is computed with.
    pub(super) fn shown_as(&self, kind: ExprKind, int: Int, span: Span) -> Value {
        let value = self.of_int(kind, int.promoted(), span);
        if int == int.promoted() {
            return value;
        }
        self.of_int(ExprKind::Cast(Box::new(value.expr)), int, span)
    }

    pub(super) fn binary_expr(&mut self, op: BinOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Value> {
        match op {
            BinOp::And | BinOp::Or => return self.logical(op, left, right, span),
            BinOp::LogXor => return self.logical_xor(left, right, span),
            BinOp::Eq | BinOp::Ne => {
                if let Some(known) = self.point_comparison(op, left, right, span) {
                    return Some(known);
                }
                self.warn_of_minus_one(op, left, right, span);
            }
            _ => {}
        }
        if self.no_value(left)?.is_some() || self.no_value(right)?.is_some() {
            return self.valueless_operands(op, left, right, span);
        }
        let (left, right) = (self.expr(left), self.expr(right));
        self.binary(op, left?, right?, span)
    }

    /// `left op right` of values.
    pub(super) fn binary(&mut self, op: BinOp, left: Value, right: Value, span: Span) -> Option<Value> {
        if let (Some(l), Some(r)) = (self.int_of(&left.ty), self.int_of(&right.ty)) {
            return self.arithmetic(op, (left, l), (right, r), span);
        }
        if op.is_comparison() && (left.is_text() || right.is_text()) {
            return self.compare_texts(op, left, right, span);
        }
        if let (BinOp::Eq | BinOp::Ne, Ty::Special(Type::Stack(l)), Ty::Special(Type::Stack(r))) =
            (op, &left.ty, &right.ty)
            && l == r
        {
            // Stacks are numbers that stand for their frames.
            let [l, r] = [left, right].map(|stack| self.of_int(ExprKind::Cast(Box::new(stack.expr)), Int::ULONG, span));
            return self.binary(op, l, r, span);
        }
        if matches!(left.ty, Ty::Aggregation) || matches!(right.ty, Ty::Aggregation) {
            return self.incompatible(op.symbol(), &left, &right, span);
        }
        if self.is_address(&left.ty) || self.is_address(&right.ty) {
            return self.pointer_binary(op, left, right, span);
        }
        self.wrong_operands(op, op.symbol(), (&left, &right), span)
    }

    /// Operands that `op` cannot take, which is written as `symbol`.
    pub(super) fn wrong_operands<T>(
        &mut self,
        op: BinOp,
        symbol: &str,
        (left, right): (&Value, &Value),
        span: Span,
    ) -> Option<T> {
        match kind_of_operands(op) {
            Some((tag, kind)) => self.fail(span, tag, format!("operator {symbol} requires operands of {kind} type")),
            None => self.incompatible(symbol, left, right, span),
        }
    }

    pub(super) fn incompatible<T>(&mut self, symbol: &str, left: &Value, right: &Value, span: Span) -> Option<T> {
        let names = (self.type_name(&left.ty), self.type_name(&right.ty));
        self.incompatible_types(symbol, names, span)
    }

    /// Two types, by their names, that an operator cannot take together.
    pub(in super::super) fn incompatible_types<T>(
        &mut self,
        symbol: &str,
        (left, right): (String, String),
        span: Span,
    ) -> Option<T> {
        self.fail(span, "D_OP_INCOMPAT", format!("operands have incompatible types: \"{left}\" {symbol} \"{right}\""))
    }

    /// Calls without a value cannot be computed with.
    fn valueless_operands<T>(&mut self, op: BinOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<T> {
        let mut name = |operand| match self.no_value(operand)? {
            Some(what) => Some(what.to_owned()),
            None => {
                let value = self.expr(operand)?;
                Some(self.type_name(&value.ty))
            }
        };
        let names = (name(left)?, name(right)?);
        match kind_of_operands(op) {
            Some((tag, kind)) => {
                self.fail(span, tag, format!("operator {} requires operands of {kind} type", op.symbol()))
            }
            None => self.incompatible_types(op.symbol(), names, span),
        }
    }

    /// A pointer, or what becomes one.
    pub(super) fn is_address(&self, ty: &Ty) -> bool {
        matches!(self.kind(ty), Some(CType::Ptr { .. } | CType::Array { .. }))
    }

    fn arithmetic(&mut self, op: BinOp, left: (Value, Int), right: (Value, Int), span: Span) -> Option<Value> {
        let kind = op.model()?;
        let shift = matches!(op, BinOp::Shl | BinOp::Shr);
        let int = if shift { left.1 } else { left.1.common(right.1) };
        if matches!(op, BinOp::Div | BinOp::Rem) && right.0.is_zero() {
            return self.fail(span, "D_DIV_ZERO", "expression contains division by zero");
        }
        let result = if op.is_comparison() { Int::INT } else { int };
        let computed = int.promoted();
        let (left, right) = (self.to_int(left.0, computed), self.to_int(right.0, computed));
        if let (Some(a), Some(b)) = (left.constant(), right.constant()) {
            return Some(self.number(kind.compute(a, b, computed.signed), result, span));
        }
        let kind = ExprKind::Binary(kind, Box::new(left.expr), Box::new(right.expr));
        Some(self.shown_as(kind, result, span))
    }

    fn logical(&mut self, op: BinOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Value> {
        let what = format!("operator {} requires operands of scalar type", op.symbol());
        let and = op == BinOp::And;
        let lhs = self.condition(left, "D_OP_SCALAR", &what);
        if let Some(ExprKind::Int(value)) = lhs.as_ref().map(|lhs| &lhs.kind) {
            // Decides, or leaves it to the other side.
            if (*value != 0) != and {
                return Some(self.number(i64::from(!and), Int::INT, span));
            }
            let rhs = self.condition(right, "D_OP_SCALAR", &what)?;
            return Some(self.as_truth(rhs, span));
        }
        let rhs = self.condition(right, "D_OP_SCALAR", &what);
        let (lhs, rhs) = (lhs?, rhs?);
        if let ExprKind::Int(value) = rhs.kind
            && (value != 0) == and
        {
            return Some(self.as_truth(lhs, span));
        }
        let kind = ExprKind::Logical { and, lhs: Box::new(lhs), rhs: Box::new(rhs) };
        Some(self.truth(kind, span))
    }

    /// A condition as a number: 0 or 1.
    fn as_truth(&self, value: Expr, span: Span) -> Value {
        if let ExprKind::Int(number) = value.kind {
            return self.number(i64::from(number != 0), Int::INT, span);
        }
        if is_truth(&value) {
            return self.truth(value.kind, span);
        }
        let not = Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(value)), Int::INT.model(), span);
        self.truth(ExprKind::Unary(UnaryOp::Not, Box::new(not)), span)
    }

    fn logical_xor(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Value> {
        let what = "operator ^^ requires operands of scalar type";
        let lhs = self.condition(left, "D_OP_SCALAR", what);
        let rhs = self.condition(right, "D_OP_SCALAR", what);
        let (lhs, rhs) = (self.as_truth(lhs?, span), self.as_truth(rhs?, span));
        self.binary(BinOp::BitXor, lhs, rhs, span)
    }

    /// What a text is when it is compared with NULL: 0 if it is not there.
    fn presence(&self, text: &Expr) -> Expr {
        let span = text.span;
        let address = |value: Expr| Expr::new(ExprKind::Cast(Box::new(value)), Type::U64, span);
        match &text.kind {
            ExprKind::Call(Function::Str(Space::Kernel), args) if args.len() == 1 => address(args[0].clone()),
            ExprKind::Ternary { cond, then, other } => {
                let (then, other) = (self.presence(then), self.presence(other));
                let kind = ExprKind::Ternary { cond: cond.clone(), then: Box::new(then), other: Box::new(other) };
                Expr::new(kind, Type::U64, span)
            }
            ExprKind::Block(body, value) => {
                Expr::new(ExprKind::Block(body.clone(), Box::new(self.presence(value))), Type::U64, span)
            }
            kind if is_search(kind) => {
                let (lhs, rhs) = (Box::new(text.clone()), Box::new(self.literal_text(b"", span).expr));
                address(Expr::new(ExprKind::MemEq { lhs, rhs, negate: true }, Type::Bool, span))
            }
            _ => self.is_there(text).map_or_else(|| always_there(text), address),
        }
    }

    /// Whether a text is empty, which NULL is not; or is not (`negate`).
    fn compare_with_empty(&mut self, text: &Expr, negate: bool) -> Expr {
        let (span, ty) = (text.span, Int::INT.model());
        match &text.kind {
            ExprKind::Ternary { cond, then, other } => {
                let then = Box::new(self.compare_with_empty(then, negate));
                let other = Box::new(self.compare_with_empty(other, negate));
                Expr::new(ExprKind::Ternary { cond: cond.clone(), then, other }, ty, span)
            }
            ExprKind::Block(body, value) => {
                let value = Box::new(self.compare_with_empty(value, negate));
                Expr::new(ExprKind::Block(body.clone(), value), ty, span)
            }
            _ if is_null(text) => self.number(i64::from(negate), Int::INT, span).expr,
            _ => self.compare_found_with_empty(text, negate),
        }
    }

    fn compare_found_with_empty(&mut self, text: &Expr, negate: bool) -> Expr {
        let span = text.span;
        let empty = Box::new(self.literal_text(b"", span).expr);
        let equal = |lower: &Self, text: Expr| {
            lower.truth(ExprKind::MemEq { lhs: Box::new(text), rhs: empty, negate }, span).expr
        };
        let Some((keeps, kept, there)) = self.kept_if_there(text) else { return equal(self, text.clone()) };
        let then = Box::new(equal(self, kept));
        let other = Box::new(self.number(i64::from(negate), Int::INT, span).expr);
        let chosen = ExprKind::Ternary { cond: Box::new(there), then, other };
        let chosen = Box::new(self.truth(chosen, span).expr);
        Expr::new(ExprKind::Block(keeps, chosen), Int::INT.model(), span)
    }

    fn compare_texts(&mut self, op: BinOp, left: Value, right: Value, span: Span) -> Option<Value> {
        let none = |value: &Value| value.is_zero() && !value.is_text();
        let null = |lower: &Self| lower.number(0, Int::ULONG, span);
        let there = |lower: &Self, text: &Value| Value { ty: null(lower).ty, expr: lower.presence(&text.expr) };
        match (none(&left), none(&right)) {
            (true, _) => return self.binary(op, null(self), there(self, &right), span),
            (_, true) => return self.binary(op, there(self, &left), null(self), span),
            _ => {}
        }
        let (Some(l), Some(r)) = (self.to_text(left.clone()), self.to_text(right.clone())) else {
            return self.incompatible(op.symbol(), &left, &right, span);
        };
        if let (Some(a), Some(b)) = (l.literal(), r.literal()) {
            let holds = op.model()?.holds(a.cmp(b));
            return Some(self.number(i64::from(holds), Int::INT, span));
        }
        let empty = |text: &Value| text.literal().is_some_and(<[u8]>::is_empty);
        let (is_empty, of_empty) = (empty(&l) || empty(&r), if empty(&l) { &r.expr } else { &l.expr });
        if matches!(op, BinOp::Eq | BinOp::Ne) && is_empty && self.may_be_null(of_empty) {
            let equal = self.compare_with_empty(of_empty, op == BinOp::Ne);
            return Some(self.truth(equal.kind, span));
        }
        // Beside another text, NULL is as an empty one.
        let (lhs, rhs) = (without_null(l.expr), without_null(r.expr));
        if matches!(op, BinOp::Eq | BinOp::Ne) {
            let kind = ExprKind::MemEq { lhs: Box::new(lhs), rhs: Box::new(rhs), negate: op == BinOp::Ne };
            return Some(self.truth(kind, span));
        }
        let order = Expr::new(ExprKind::Call(Function::Strcmp, vec![lhs, rhs]), Type::I64, span);
        let zero = Expr::int(0, Type::I64, span);
        Some(self.truth(ExprKind::Binary(op.model()?, Box::new(order), Box::new(zero)), span))
    }
}

/// What operands must be for an operator that does not ask whether they fit each other: the tag, and the kind of type.
pub(super) fn kind_of_operands(op: BinOp) -> Option<(&'static str, &'static str)> {
    match op {
        BinOp::Mul | BinOp::Div => Some(("D_OP_ARITH", "arithmetic")),
        BinOp::Add | BinOp::Sub => None,
        _ if op.is_comparison() => None,
        _ => Some(("D_OP_INT", "integral")),
    }
}

/// The presence of a text that is never NULL. Finding it may fault all the same.
fn always_there(text: &Expr) -> Expr {
    let one = Expr::int(1, Type::U64, text.span);
    if matches!(text.kind, ExprKind::Str(_) | ExprKind::Var(_) | ExprKind::MapGet { key: None, .. }) {
        return one;
    }
    let found = vec![Stmt::new(StmtKind::Expr(text.clone()), text.span)];
    Expr::new(ExprKind::Block(found, Box::new(one)), Type::U64, text.span)
}

/// Whether the value is 0 or 1.
fn is_truth(value: &Expr) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(
        value.kind,
        ExprKind::Logical { .. }
            | ExprKind::MemEq { .. }
            | ExprKind::Unary(UnaryOp::Not, _)
            | ExprKind::Binary(Eq | Ne | Lt | Le | Gt | Ge, ..)
    )
}
