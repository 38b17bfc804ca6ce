//! Expressions.

mod cast;
mod literal;
mod member;
mod named;
mod operator;
mod pointer;
mod renamed;
mod texts;

pub(super) use literal::{
    int as literal_int, number as literal_number, positional, signed as literal_signed, text as literal_text,
};
pub(super) use named::join_named;
pub(super) use operator::{float_help, wide};
pub(super) use texts::as_pointer;

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;
use quadrant_types::suggest;

use super::Lower;
use super::call::Called;
use super::expand::plain;
use super::join::describe;
use super::map::tuple;
use crate::ast;

impl Lower<'_> {
    /// A value. Nothing after an error, or while its type is not known.
    pub(super) fn expr(&mut self, ast: &ast::Expr) -> Option<Expr> {
        self.deeper(ast.span, |lower| lower.value(ast))?
    }

    fn value(&mut self, ast: &ast::Expr) -> Option<Expr> {
        let span = ast.span;
        match &ast.kind {
            ast::ExprKind::Error => None,
            ast::ExprKind::Int(literal) => Some(literal::int(literal.value, span)),
            ast::ExprKind::Bool(value) => Some(Expr::int(i64::from(*value), Type::Bool, span)),
            ast::ExprKind::Str(text) => self.string(text, span),
            ast::ExprKind::Param(number) => self.param(*number, span),
            ast::ExprKind::ParamCount => Some(literal::int(positional(self.env.params).count() as u64, span)),
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Tagged(tag, name) => self.type_as_value(*tag, name, span),
            ast::ExprKind::Var(name) => self.var(name, span),
            ast::ExprKind::Map { name, key } => self.map_get(name, key, span),
            ast::ExprKind::Call { callee, args } => match self.call(callee, args, span)? {
                Called::Value(value) => Some(value),
                Called::Effect(_) => self.error(span, format!("{}() has no value", callee.name)),
            },
            ast::ExprKind::Tuple(parts) => self.tuple(parts, span),
            _ => self.compound(ast),
        }
    }

    fn compound(&mut self, ast: &ast::Expr) -> Option<Expr> {
        let span = ast.span;
        match &ast.kind {
            ast::ExprKind::Field { base, name } => self.field(base, name, span),
            ast::ExprKind::TupleField { base, .. } if matches!(base.kind, ast::ExprKind::Int(_)) => self.error_help(
                span,
                "a number of a script has no fraction",
                "scale it: `15 * x / 10` instead of `1.5 * x`",
            ),
            ast::ExprKind::TupleField { base, index } => {
                let base = self.expr(base)?;
                self.tuple_field(base, *index, span)
            }
            ast::ExprKind::Index { base, index } => self.index(base, index, span),
            ast::ExprKind::Unary { op, operand } => self.unary(*op, operand, span),
            ast::ExprKind::IncDec { increment, prefix, target } => self.inc_dec(target, *increment, *prefix, span),
            ast::ExprKind::Binary { op, left, right, .. } => {
                self.written_binary(*op, left, right, operator::is_written(ast), span)
            }
            ast::ExprKind::Ternary { cond, then, other } => self.ternary(cond, then.as_deref(), other, span),
            ast::ExprKind::Cast { ty, operand } => self.cast_expr(ty, operand, span),
            ast::ExprKind::Sizeof(arg) => self.sizeof(arg, span),
            ast::ExprKind::Offsetof { of, path } => self.offsetof(of, path, span),
            ast::ExprKind::HasField { of, path } => self.has_field(of, path, span),
            ast::ExprKind::If(parts) => self.if_value(parts, span),
            ast::ExprKind::Block(block) => self.block_value(block),
            ast::ExprKind::Record(fields) => self.record_value(fields, span),
            ast::ExprKind::Typeinfo(arg) => self.typeinfo(arg, span),
            ast::ExprKind::Typeof(_) => {
                let help = "`typeof` has its place in a cast and in `let`; `typeinfo` has a value";
                self.error_help(span, "a type is no value", help)
            }
            ast::ExprKind::Given { open, inner } => self.given(*open, inner, span),
            ast::ExprKind::Comptime(inner) => self.comptime(inner),
            _ => None,
        }
    }

    /// `comptime value`: it has to be known before the trace starts.
    pub(super) fn comptime(&mut self, inner: &ast::Expr) -> Option<Expr> {
        let value = self.expr(inner)?;
        match value.kind {
            ExprKind::Int(_) | ExprKind::Str(_) => Some(value),
            _ => self.error(inner.span, "this is not known before the trace starts"),
        }
    }

    fn var(&mut self, name: &str, span: Span) -> Option<Expr> {
        let shown = plain(name);
        let Some(local) = self.local(name).cloned() else {
            let names = self.local_names();
            let near = suggest(name, names.iter().map(String::as_str)).map(|near| format!("${}", plain(near)));
            // Any two names of one letter are alike.
            if near.is_some() && name.len() > 2 {
                return self.error_near(span, format!("there is no variable `${shown}` here"), near);
            }
            return self.error_help(
                span,
                format!("there is no variable `${shown}` here"),
                "assign to it first; a variable lives to the end of its block (`let $x;` before the block makes it live longer)",
            );
        };
        match local.id {
            Some(id) => Some(Expr::new(ExprKind::Var(id), self.var_type(id), span)),
            None if local.assigned => None,
            None => self.error(span, format!("`${shown}` has no value: nothing was assigned to it")),
        }
    }

    fn tuple(&mut self, parts: &[ast::Expr], span: Span) -> Option<Expr> {
        if parts.is_empty() {
            return self.error_help(span, "an empty tuple holds nothing: it has no value", "use 0");
        }
        let parts = parts.iter().map(|part| self.not_a_part(part, "a tuple").and_then(|()| self.part(part)));
        let parts: Vec<Option<Expr>> = parts.collect();
        let parts: Vec<Expr> = parts.into_iter().collect::<Option<_>>()?;
        for part in &parts {
            if matches!(part.ty, Type::None) {
                return self.error(part.span, "this has no value");
            }
        }
        Some(tuple(parts, span))
    }

    fn ternary(&mut self, cond: &ast::Expr, then: Option<&ast::Expr>, other: &ast::Expr, span: Span) -> Option<Expr> {
        let Some(then) = then else { return self.elvis(cond, other, span) };
        if let Some(cond) = decided_early(cond) {
            return match self.comptime(cond)?.kind {
                ExprKind::Int(0) => self.expr(other),
                _ => self.expr(then),
            };
        }
        let (cond, then, other) = (self.condition(cond), self.expr(then), self.expr(other));
        self.choose(cond?, then?, other?, span)
    }

    /// `cond ?: other`: the condition is evaluated once.
    fn elvis(&mut self, cond: &ast::Expr, other: &ast::Expr, span: Span) -> Option<Expr> {
        let (value, other) = (self.expr(cond), self.expr(other));
        let (value, other) = (value?, other?);
        let value = self.as_number(value, &other.ty);
        if matches!(value.kind, ExprKind::Int(_) | ExprKind::Str(_)) {
            let truth = self.truth(value.clone())?;
            return self.choose(truth, value, other, span);
        }
        let (keep, value) = self.keep(value);
        let truth = self.truth(value.clone())?;
        let chosen = self.choose(truth, value, other, span)?;
        let ty = chosen.ty.clone();
        Some(Expr::new(ExprKind::Block(vec![keep], Box::new(chosen)), ty, span))
    }

    /// How a type is named in messages.
    pub(super) fn describe(&self, ty: &Type) -> String {
        describe(self.env.types, ty)
    }
}

/// The condition, if it decides what is compiled: what is not chosen may speak of what this kernel does not have.
pub(super) fn decided_early(cond: &ast::Expr) -> Option<&ast::Expr> {
    match &cond.kind {
        ast::ExprKind::Comptime(cond) => Some(cond),
        _ => is_question(cond).then_some(cond),
    }
}

/// Whether nothing is asked but which fields there are.
fn is_question(cond: &ast::Expr) -> bool {
    match &cond.kind {
        ast::ExprKind::HasField { .. } => true,
        ast::ExprKind::Unary { op: ast::UnOp::Not, operand } => is_question(operand),
        ast::ExprKind::Binary { op: ast::BinOp::And | ast::BinOp::Or, left, right, .. } => {
            is_question(left) && is_question(right)
        }
        _ => false,
    }
}
