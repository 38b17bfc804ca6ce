//! Assignments, and expressions that stand alone.

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_types::{CType, TypeId};

use super::super::value::{Ty, Value};
use super::super::vars::variable_named;
use super::super::{Lower, call};
use super::block;
use crate::ast::{self, BinOp, Scope};

/// Advice for aggregations inside of expressions.
const FEEDING: &str = "an aggregation is fed in a statement of its own";

impl Lower<'_> {
    /// What an expression that stands alone does.
    pub(in super::super) fn effects(&mut self, ast: &ast::Expr) -> Option<Vec<Stmt>> {
        match &ast.kind {
            ast::ExprKind::Assign { op, target, value, .. } => {
                let (stmts, _) = self.assignment(*op, target, value, ast.span)?;
                Some(stmts)
            }
            ast::ExprKind::Comma(parts) => {
                self.check_comma(parts)?;
                let mut stmts = Vec::new();
                for part in parts {
                    stmts.extend(self.effects(part)?);
                }
                Some(stmts)
            }
            _ => {
                let value = self.expr(ast)?;
                Some(vec![Stmt::new(StmtKind::Expr(value.expr), ast.span)])
            }
        }
    }

    /// Refuses what has no value between commas.
    pub(super) fn check_comma(&mut self, parts: &[ast::Expr]) -> Option<()> {
        let feeds = |part: &&ast::Expr| match &part.kind {
            ast::ExprKind::Assign { target, .. } => matches!(target.kind, ast::ExprKind::Agg { .. }),
            _ => false,
        };
        let is_dynamic = |part: &&ast::Expr| feeds(part) || call::valueless(part) == Some(call::AGGREGATING);
        if let Some(part) = parts.iter().find(is_dynamic) {
            let message = "operator , operands cannot be of dynamic type";
            return self.fail_help(part.span, "D_OP_DYN", message, FEEDING);
        }
        for part in parts {
            if self.no_value(part)?.is_some() {
                return self.fail(part.span, "D_OP_ACT", "operator , operands cannot be actions");
            }
        }
        Some(())
    }

    /// `target op= value`: statements, and the value that the expression has.
    pub(super) fn assignment(
        &mut self,
        op: Option<BinOp>,
        target: &ast::Expr,
        value: &ast::Expr,
        span: Span,
    ) -> Option<(Vec<Stmt>, Value)> {
        if let ast::ExprKind::Agg { .. } = &target.kind {
            let message = "operands have incompatible types: \"scalar\" = \"aggregation\"";
            return self.fail_help(span, "D_OP_INCOMPAT", message, FEEDING);
        }
        let symbol = op.map_or_else(|| "=".to_owned(), |op| format!("{}=", op.symbol()));
        self.writable(target, &symbol)?;
        if let Some(what) = call::valueless(value) {
            self.check_aggregations(value)?;
            if let Some(op) = op {
                return match super::operator::kind_of_operands(op) {
                    Some((tag, kind)) => {
                        self.fail(span, tag, format!("operator {symbol} requires operands of {kind} type"))
                    }
                    None => self.unmovable(&symbol, span),
                };
            }
            let left = if what == "void" { "void" } else { "scalar" };
            let message = format!("operands have incompatible types: \"{left}\" {symbol} \"{what}\"");
            return self.fail(span, "D_OP_INCOMPAT", message);
        }
        match (variable_named(target), op) {
            (Some((scope, name, _)), None) if !self.is_pointed(target) => {
                let from = value;
                let value = self.assigned(scope, name, from)?;
                self.check_allocation((scope, name), from, &value, span)?;
                self.assign_variable(target, value, span)
            }
            (Some((scope, name, keys)), Some(op)) if !self.is_pointed(target) => {
                let element = self.element(scope, name, keys, target.span)?;
                let value = self.expr(value)?;
                let kind = op.model()?;
                if let Some(update) = self.update(&element, kind, &value, span) {
                    let result = self.read_element(&element, span)?;
                    return Some((vec![update], result));
                }
                let old = self.read_element(&element, span)?;
                self.check_compound(op, &old, &value, span)?;
                let value = self.binary(op, old, value, span)?;
                self.assign_variable(target, value, span)
            }
            _ => self.assign_memory(op, target, value, span),
        }
    }

    /// A value that a variable gets. The variable is known in there, but has nothing yet if this is the first time.
    fn assigned(&mut self, scope: Scope, name: &str, value: &ast::Expr) -> Option<Value> {
        let is_new = scope == Scope::Global && self.is_unknown(name);
        let before = self.diagnostics.len();
        let made = self.expr(value);
        if is_new && made.is_none() {
            let unknown = format!("failed to resolve {name}: Unknown variable name");
            for diagnostic in self.diagnostics.iter_mut().skip(before).filter(|told| told.message == unknown) {
                let message = format!("{name} has not yet been declared or assigned");
                *diagnostic = Diagnostic::error(diagnostic.span, message).tag("D_VAR_UNDEF");
            }
        }
        made
    }

    /// Whether an index goes through a pointer, or into an array, that a variable holds.
    fn is_pointed(&self, target: &ast::Expr) -> bool {
        match variable_named(target) {
            Some((scope, name, Some(_))) => {
                self.variable(scope, name).is_some_and(|variable| variable.declared.keys.is_none())
            }
            _ => false,
        }
    }

    /// Refuses to write to what has its value from elsewhere.
    fn writable(&mut self, target: &ast::Expr, symbol: &str) -> Option<()> {
        self.check_whole(target, symbol)?;
        let Some((Scope::Global, name, _)) = variable_named(target) else { return Some(()) };
        if self.variable(Scope::Global, name).is_some() {
            return Some(());
        }
        if let Some(kind) = Lower::function_kind(name) {
            let message = format!("{kind} '{name}' may not be referenced as scalar");
            return self.fail(target.span, "D_IDENT_BADREF", message);
        }
        let is_enumerator = self.enumerators.contains(name);
        if is_enumerator || self.is_read_only(name) {
            if is_enumerator || self.is_inline(name) && self.is_number(target) {
                let message = format!("operator {symbol} requires modifiable lvalue as an operand");
                return self.fail(target.span, "D_OP_LVAL", message);
            }
            // A mistake in the operand itself comes first: `args[9] = 1`.
            if let ast::ExprKind::Index { .. } = &target.kind {
                self.expr(target)?;
            }
            return self.unwritable(target.span, symbol);
        }
        Some(())
    }

    /// Whether an inline is a constant, which is no variable at all to DTrace.
    fn is_number(&mut self, target: &ast::Expr) -> bool {
        let is_name = matches!(target.kind, ast::ExprKind::Name(_));
        is_name && self.expr(target).is_some_and(|value| value.constant().is_some() && self.int_of(&value.ty).is_some())
    }

    fn unwritable<T>(&mut self, span: Span, symbol: &str) -> Option<T> {
        self.fail(span, "D_OP_WRITE", format!("operator {symbol} can only be applied to a writable variable"))
    }

    /// Refuses to write to the kernel's memory, where that can be seen: members of a built-in variable, and constant
    /// addresses.
    fn check_memory(&mut self, target: &ast::Expr, symbol: &str, span: Span) -> Option<()> {
        let mut root = target;
        loop {
            root = match &root.kind {
                ast::ExprKind::Field { base, .. } | ast::ExprKind::Index { base, .. } => base,
                ast::ExprKind::Unary { op: ast::UnOp::Deref, operand } | ast::ExprKind::Cast { operand, .. } => operand,
                ast::ExprKind::Name(name) if super::super::builtin::is_builtin(name) => {
                    return self.unwritable(span, symbol);
                }
                ast::ExprKind::Binary { op: BinOp::Add | BinOp::Sub, left, .. } => left,
                ast::ExprKind::Int(_) | ast::ExprKind::Binary { .. } => return self.unwritable(span, symbol),
                _ => return Some(()),
            };
        }
    }

    /// Writing through a pointer: only into memory of alloca() and copyin().
    fn assign_memory(
        &mut self,
        op: Option<BinOp>,
        target: &ast::Expr,
        value: &ast::Expr,
        span: Span,
    ) -> Option<(Vec<Stmt>, Value)> {
        let (old, value) = (self.expr(target), self.expr(value));
        let (old, value) = (old?, value?);
        let symbol = op.map_or_else(|| "=".to_owned(), |op| format!("{}=", op.symbol()));
        if !matches!(target.kind, ast::ExprKind::Int(_)) {
            self.check_memory(target, &symbol, span)?;
        }
        let value = match op {
            Some(op) => {
                self.check_compound(op, &old, &value, span)?;
                self.binary(op, old.clone(), value, span)?
            }
            None => value,
        };
        let Some(value) = self.assignable(value.clone(), &old.ty) else {
            return self.unassignable(&old.ty, &symbol, &value, span);
        };
        let stmts = self.write_place(&old.expr, &value, &symbol, span)?;
        Some((stmts, old))
    }

    /// A value that does not fit what it is assigned to.
    pub(in super::super) fn unassignable<T>(&mut self, to: &Ty, symbol: &str, value: &Value, span: Span) -> Option<T> {
        if let Some(CType::Array { .. }) = self.kind(to) {
            let to = self.type_name(to);
            let message = format!("operator {symbol} may not be applied to operand of type \"{to}\"");
            return self.fail(span, "D_OP_ARRFUN", message);
        }
        let (left, right) = (self.type_name(to), self.type_name(&value.ty));
        self.fail(span, "D_OP_INCOMPAT", format!("operands have incompatible types: \"{left}\" {symbol} \"{right}\""))
    }

    /// Refuses operands of `op=` that are no numbers, and no pointer to move.
    fn check_compound(&mut self, op: BinOp, left: &Value, right: &Value, span: Span) -> Option<()> {
        let moves = matches!(op, BinOp::Add | BinOp::Sub);
        let left_fits = self.int_of(&left.ty).is_some() || moves && self.is_address(&left.ty);
        if left_fits && self.int_of(&right.ty).is_some() {
            return Some(());
        }
        let symbol = format!("{}=", op.symbol());
        if moves && self.int_of(&left.ty).is_some() && self.is_address(&right.ty) {
            return self.unmovable(&symbol, span);
        }
        self.wrong_operands(op, &symbol, (left, right), span)
    }

    /// Neither a number nor a pointer that could be moved by the right side.
    fn unmovable<T>(&mut self, symbol: &str, span: Span) -> Option<T> {
        let message = format!("operator {symbol} requires left-hand scalar operand of known size");
        self.fail(span, "D_OP_VFPTR", message)
    }

    /// `x++` and its like.
    pub(super) fn inc_dec(&mut self, increment: bool, prefix: bool, target: &ast::Expr, span: Span) -> Option<Value> {
        let symbol = if increment { "++" } else { "--" };
        if self.no_value(target)?.is_some() {
            return self.fail(span, "D_OP_SCALAR", format!("operator {symbol} requires operand of scalar type"));
        }
        self.writable(target, symbol)?;
        let is_variable = variable_named(target).is_some() && !self.is_pointed(target);
        if is_variable {
            // Counting a variable that is not there yet makes it.
            let (scope, name, _) = variable_named(target)?;
            if self.variable(scope, name).is_none() {
                let zero = self.named(ExprKind::Int(0), "int64_t", span);
                self.assign_variable(target, zero, span)?;
            }
        }
        let step = match self.element_named(target).filter(|_| is_variable) {
            Some(element) => {
                let element = element?;
                let step = self.step(&element.ty, symbol, span)?;
                let delta = if increment { step } else { -step };
                if let Some(value) = self.count(&element, delta, !prefix, span) {
                    return Some(value);
                }
                step
            }
            None => {
                let value = self.expr(target)?;
                self.step(&value.ty, symbol, span)?
            }
        };
        self.count_by_hand(increment, prefix, target, step, span)
    }

    /// How far one step goes: an element, for pointers.
    fn step(&mut self, ty: &Ty, symbol: &str, span: Span) -> Option<i64> {
        match (self.int_of(ty), self.pointee(ty)) {
            (Some(_), _) => Some(1),
            (_, Some(to)) => self.pointed_size(to, span),
            _ => self.fail(span, "D_OP_SCALAR", format!("operator {symbol} requires operand of scalar type")),
        }
    }

    /// Fails if a call without a value names an aggregation that there is not: that comes before what is wrong with its
    /// use.
    fn check_aggregations(&mut self, call: &ast::Expr) -> Option<()> {
        let ast::ExprKind::Call { args, .. } = &call.kind else { return Some(()) };
        args.iter().try_for_each(|arg| match &arg.kind {
            ast::ExprKind::Agg { name, .. } => self.aggregation_value(name, arg.span).map(drop),
            _ => Some(()),
        })
    }

    fn count_by_hand(
        &mut self,
        increment: bool,
        prefix: bool,
        target: &ast::Expr,
        step: i64,
        span: Span,
    ) -> Option<Value> {
        let old = self.expr(target)?;
        let (keep, kept) = self.keep(old.expr);
        let old = Value { expr: kept, ty: old.ty };
        let int = self.int_of(&old.ty).unwrap_or(super::super::value::Int::LONG);
        let by = self.number(if increment { step } else { -step }, super::super::value::Int::LONG, span);
        let sum = match self.int_of(&old.ty) {
            Some(_) => {
                let sum = self.binary(BinOp::Add, old.clone(), by, span)?;
                self.to_int(sum, int)
            }
            None => {
                let expr = quadrant_program::build::offset(old.expr.clone(), false, by.expr, span);
                Value { expr, ty: old.ty.clone() }
            }
        };
        let mut stmts = vec![keep];
        let (more, new) = match variable_named(target).filter(|_| !self.is_pointed(target)) {
            Some(_) => self.assign_variable(target, sum, span)?,
            None => self.count_memory(target, sum, span)?,
        };
        stmts.extend(more);
        Some(block(stmts, if prefix { new } else { old }))
    }

    fn count_memory(&mut self, target: &ast::Expr, sum: Value, span: Span) -> Option<(Vec<Stmt>, Value)> {
        let place = self.expr(target)?;
        let stmts = self.write_place(&place.expr, &sum, "++", span)?;
        Some((stmts, place))
    }
}

/// C's `void`: what a call without a value has.
pub(in super::super) fn nothing(kind: ExprKind, span: Span) -> Value {
    Value { expr: Expr::new(kind, Type::None, span), ty: Ty::C(TypeId::VOID) }
}
