//! Expressions.

mod assign;
mod member;
mod operator;
mod pointer;
mod store;

pub(super) use assign::nothing;

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_types::{CType, TypeId, suggest};

use super::Lower;
use super::value::{Int, Ty, Value};
use crate::ast::{self, Ident, TypeArg, TypeExpr};

impl Lower<'_> {
    /// The value of an expression; nothing if it has none, which was reported.
    pub(super) fn expr(&mut self, ast: &ast::Expr) -> Option<Value> {
        self.deeper(ast.span, |lower| lower.expr_within(ast))?
    }

    fn expr_within(&mut self, ast: &ast::Expr) -> Option<Value> {
        let span = self.frames.last().map_or(ast.span, |frame| frame.at);
        match &ast.kind {
            ast::ExprKind::Error => None,
            ast::ExprKind::Int(literal) => {
                let int = self.literal_int(literal, span)?;
                Some(self.number(literal.value as i64, int, span))
            }
            ast::ExprKind::Char(value) => Some(self.number(*value, char_int(*value), span)),
            ast::ExprKind::Str(bytes) => Some(self.literal_text(self.within_strsize(bytes), span)),
            ast::ExprKind::Macro(_) => self.fail(span, "D_MACRO_UNDEF", "macro argument is not defined"),
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Scoped { scope, name } => {
                let element = self.element(*scope, &name.name, None, span)?;
                self.read_element(&element, span)
            }
            ast::ExprKind::Symbol(symbol) => self.symbol(symbol, span),
            ast::ExprKind::Agg { name, .. } => self.aggregation_value(name, span),
            ast::ExprKind::Call { callee, args } => self.call(callee, args, span),
            ast::ExprKind::Index { base, keys } => self.index(base, keys, span),
            ast::ExprKind::Field { base, arrow, name } => self.field(base, *arrow, name, span),
            ast::ExprKind::Unary { op, operand } => self.unary(*op, operand, span),
            ast::ExprKind::IncDec { increment, prefix, target } => self.inc_dec(*increment, *prefix, target, span),
            ast::ExprKind::Binary { op, left, right, .. } => self.binary_expr(*op, left, right, span),
            ast::ExprKind::Assign { op, target, value, .. } => {
                let (stmts, value) = self.assignment(*op, target, value, span)?;
                Some(block(stmts, value))
            }
            ast::ExprKind::Ternary { cond, then, other } => self.ternary(cond, then, other, span),
            ast::ExprKind::Comma(parts) => self.comma(parts),
            ast::ExprKind::Cast { ty, operand } => self.cast_expr(ty, operand, span),
            ast::ExprKind::Sizeof(arg) => self.sizeof(arg, span),
            ast::ExprKind::Offsetof { ty, path } => self.offsetof(ty, path, span),
            ast::ExprKind::Stringof(operand) => self.stringof(operand, span),
            ast::ExprKind::Xlate { ty, operand } => self.xlate(ty, operand, span),
        }
    }

    /// A condition: a number or a pointer that is zero or not. `rule` is what the message says of others.
    pub(super) fn condition(&mut self, ast: &ast::Expr, tag: &'static str, rule: &str) -> Option<Expr> {
        if self.no_value(ast)?.is_none() {
            let value = self.expr(ast)?;
            if self.is_scalar(&value.ty) {
                return Some(super::convert::in_full(value.expr));
            }
        }
        self.fail(ast.span, tag, rule)
    }

    fn comma(&mut self, parts: &[ast::Expr]) -> Option<Value> {
        self.check_comma(parts)?;
        let (last, before) = parts.split_last()?;
        let mut stmts = Vec::new();
        for part in before {
            stmts.extend(self.effects(part)?);
        }
        let value = self.expr(last)?;
        Some(block(stmts, value))
    }

    fn sizeof(&mut self, arg: &TypeArg, span: Span) -> Option<Value> {
        let ty = match arg {
            TypeArg::Type(ty) => self.type_expr(ty)?,
            TypeArg::Expr(expr) => {
                if let ast::ExprKind::Str(text) = &expr.kind {
                    return Some(self.number(text.len() as i64 + 1, Int::ULONG, span));
                }
                if let Some((ty, len)) = self.array_named(expr) {
                    let size = self.size_of(&ty)?.checked_mul(len)?;
                    return Some(self.number(size as i64, Int::ULONG, span));
                }
                if self.no_value(expr)?.is_some() {
                    return self.no_size(span);
                }
                self.counted_operand(expr, span)?;
                let value = self.expr(expr)?;
                if let ExprKind::Bits { .. } = value.expr.kind {
                    return self.fail(span, "D_SIZEOF_BITFIELD", "cannot apply sizeof to a bit-field");
                }
                value.ty
            }
        };
        match self.size_of(&ty) {
            Some(size) => Some(self.number(size as i64, Int::ULONG, span)),
            None => self.no_size(span),
        }
    }

    fn no_size<T>(&mut self, span: Span) -> Option<T> {
        self.fail(span, "D_SIZEOF_TYPE", "cannot apply sizeof to an operand of unknown size")
    }

    fn offsetof(&mut self, ty: &TypeExpr, path: &[Ident], span: Span) -> Option<Value> {
        let mut id = self.type_id(ty)?;
        if !matches!(self.types.kind(self.types.resolve(id)), CType::Struct { complete: true, .. }) {
            return self.fail(ty.span, "D_OFFSETOF_TYPE", "offsetof operand must be a struct or union type");
        }
        let mut bits = 0;
        for name in path {
            let record = self.types.resolve(id);
            let Some(member) = self.types.find_member(record, &name.name) else {
                return self.no_offset(record, name);
            };
            if member.bitfield_size.is_some() {
                return self.fail(
                    name.span,
                    "D_OFFSETOF_BITFIELD",
                    format!("cannot take offset of a bit-field: {}", name.name),
                );
            }
            bits += member.bit_offset;
            id = member.ty;
        }
        Some(self.number((bits / 8) as i64, Int::ULONG, span))
    }

    fn no_offset<T>(&mut self, record: TypeId, name: &Ident) -> Option<T> {
        let names = self.types.member_names(record);
        let near = suggest(&name.name, names.iter().map(|name| &**name)).map(str::to_owned);
        let message = format!("failed to determine offset of {}: Member name not found.", name.name);
        self.fail_near(name.span, "D_UNKNOWN", message, near)
    }

    fn ternary(&mut self, cond: &ast::Expr, then: &ast::Expr, other: &ast::Expr, span: Span) -> Option<Value> {
        let cond = self.condition(cond, "D_OP_SCALAR", "operator ?: expression must be of scalar type")?;
        if let ExprKind::Int(value) = cond.kind {
            // What cannot happen is not looked at closely: it may not even exist at this probe.
            return self.expr(if value != 0 { then } else { other });
        }
        let (then, other) = (self.expr(then), self.expr(other));
        let (then, other) = (then?, other?);
        if let (Some(x), Some(y)) = (self.int_of(&then.ty), self.int_of(&other.ty)) {
            // As with other operators, the value is C's, whatever narrow type it is shown as.
            let int = x.common(y);
            let [then, other] = [then, other].map(|side| Box::new(self.to_int(side, int.promoted()).expr));
            return Some(self.shown_as(ExprKind::Ternary { cond: Box::new(cond), then, other }, int, span));
        }
        let (then, other) = self.alike(then, other, span)?;
        let (ty, model) = (then.ty.clone(), joined(&then.expr, &other.expr));
        let kind = ExprKind::Ternary { cond: Box::new(cond), then: Box::new(then.expr), other: Box::new(other.expr) };
        Some(Value { expr: Expr::new(kind, model, span), ty })
    }

    /// Two values of one type.
    fn alike(&mut self, a: Value, b: Value, span: Span) -> Option<(Value, Value)> {
        let (x, y) = (a.ty.clone(), b.ty.clone());
        if self.is_textual(&x) && self.is_textual(&y) && (a.is_text() || b.is_text()) {
            return Some((self.to_text(a)?, self.to_text(b)?));
        }
        if matches!(x, Ty::Text) && b.is_zero() {
            return Some((a, self.text_or_null(b)?));
        }
        if matches!(y, Ty::Text) && a.is_zero() {
            return Some((self.text_or_null(a)?, b));
        }
        if let Some(b) = self.assignable(b.clone(), &x) {
            return Some((a, b));
        }
        if let Some(a) = self.assignable(a, &y) {
            return Some((a, b));
        }
        self.fail(span, "D_OP_INCOMPAT", "operator ?: operands must have compatible types")
    }
}

/// Statements, then a value.
pub(super) fn block(stmts: Vec<quadrant_program::stmt::Stmt>, value: Value) -> Value {
    if stmts.is_empty() {
        return value;
    }
    let (span, ty) = (value.expr.span, value.expr.ty.clone());
    Value { expr: Expr::new(ExprKind::Block(stmts, Box::new(value.expr)), ty, span), ty: value.ty }
}

/// The model's type of either of two values.
fn joined(a: &Expr, b: &Expr) -> quadrant_program::ty::Type {
    use quadrant_program::ty::Type;
    match (&a.ty, &b.ty) {
        (Type::String { cap: a }, Type::String { cap: b }) => Type::String { cap: *a.max(b) },
        (ty, _) => ty.clone(),
    }
}

/// A character constant is an `int`, as in C; one that does not fit into its bytes is a `long`.
fn char_int(value: i64) -> Int {
    if (0..=i64::from(i32::MAX)).contains(&value) { Int::INT } else { Int::LONG }
}
