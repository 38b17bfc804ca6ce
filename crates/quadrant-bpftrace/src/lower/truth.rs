//! Truth values where numbers are wanted. Up to 0.23 bpftrace had none: a comparison was the number 1 or 0, and scripts count
//! on that. So the result of a comparison becomes a number wherever a number is, and only `true`, `false` and what holds them
//! stay apart.

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;
use quadrant_types::{CType, TypeId};

use super::Lower;
use super::join::{is_neutral, join, join_numbers};
use crate::ast;
use crate::ast::BinOp;

/// What is known of the values that a variable, a value or a key of a map had so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SoFar {
    /// Numbers of the script that are not negative and results of comparisons, and nothing else.
    pub loose: bool,
    /// Its truth values, if any, are results of comparisons: it may hold numbers as well.
    pub compared: bool,
}

impl Lower<'_> {
    /// The result of a comparison that is known now.
    pub(super) fn known_truth(&mut self, holds: bool, span: Span) -> Expr {
        self.compared.insert(span);
        Expr::int(i64::from(holds), Type::Bool, span)
    }

    /// What was read of the kernel's type `bool`: whether it is not 0. Anything else as it is.
    pub(super) fn truth_of(&self, value: Expr, ty: TypeId) -> Expr {
        if self.is_truth(ty) { truth(value) } else { value }
    }

    /// The same of an argument, whose type may be from the description of a tracepoint.
    pub(super) fn truth_of_argument(&self, value: Expr, ty: TypeId) -> Expr {
        let types = self.env.types;
        let is_truth = matches!(types.kind(ty), CType::Int { is_bool: true, .. }) && !types.is_of_program(ty);
        if is_truth { truth(value) } else { value }
    }

    /// Whether a C type is the kernel's `bool`: bpftrace takes those in structs of programs and scripts for numbers.
    pub(super) fn is_truth(&self, ty: TypeId) -> bool {
        let types = self.env.types;
        matches!(types.kind(ty), CType::Int { is_bool: true, .. }) && types.is_of_kernel(ty)
    }

    /// Whether this is true or false because something was compared or asked, not because `true` or `false` stands there.
    pub(super) fn is_compared(&self, value: &Expr) -> bool {
        use ExprKind::{Binary, Block, Call, Int, Logical, MapGet, MapHas, MemEq, Ternary, TupleField, Unary, Var};
        if value.ty != Type::Bool {
            return false;
        }
        match &value.kind {
            Int(_) => self.compared.contains(&value.span),
            Binary(BinaryOp::And | BinaryOp::Or | BinaryOp::Xor, left, right) => {
                self.is_compared(left) && self.is_compared(right)
            }
            Ternary { then, other, .. } => self.is_compared(then) && self.is_compared(other),
            Block(_, value) => self.is_compared(value),
            Var(_) | MapGet { .. } | TupleField(..) => self.holds_truths(value) == Some(false),
            Unary(UnaryOp::Not, _) | Binary(..) | Logical { .. } | MemEq { .. } | MapHas { .. } | Call(..) => true,
            _ => false,
        }
    }

    /// Whether `true` or `false`, or what is as good, is the value or a part of it.
    pub(super) fn is_plain_truth(&self, value: &Expr) -> bool {
        match &value.kind {
            ExprKind::Tuple(parts) => parts.iter().any(|part| self.is_plain_truth(part)),
            ExprKind::Ternary { then, other, .. } => self.is_plain_truth(then) || self.is_plain_truth(other),
            ExprKind::Block(_, value) => self.is_plain_truth(value),
            ExprKind::Int(_) => value.ty == Type::Bool && !self.is_compared(value),
            ExprKind::Var(_) | ExprKind::MapGet { .. } | ExprKind::TupleField(..) => {
                has_truths(&value.ty) && self.holds_truths(value) == Some(true)
            }
            _ => false,
        }
    }

    /// Whether `true` or `false` came to the variable or map that this is read from; `None` where that is not known.
    fn holds_truths(&self, value: &Expr) -> Option<bool> {
        match &value.kind {
            ExprKind::Var(id) => self.keys_of_vars.get(id).map(|key| !self.inferred.so_far(*key).compared),
            ExprKind::MapGet { map, .. } => self.inferred.map_of(*map).map(|info| info.values.truths),
            ExprKind::TupleField(tuple, _) => self.holds_truths(tuple),
            _ => None,
        }
    }

    /// Whether a value goes with numbers of any type, with and without sign.
    pub(super) fn is_loose(&self, value: &Expr) -> bool {
        is_neutral(value) && !self.casts.contains(&value.span) || self.is_compared(value)
    }

    /// Both sides of an operator: a variable or a map that had only numbers of the script so far takes the sign of what it is
    /// combined with. A difference has a sign, whatever its sides are.
    pub(super) fn of_one_sign(
        &mut self,
        op: BinOp,
        left: (&ast::Expr, Expr),
        right: (&ast::Expr, Expr),
    ) -> (Expr, Expr) {
        if matches!(op, BinOp::Sub | BinOp::Shl | BinOp::Shr) {
            return (left.1, right.1);
        }
        let first = self.without_sign(left.0, left.1, &right.1.ty);
        let second = self.without_sign(right.0, right.1, &first.ty);
        (first, second)
    }

    fn without_sign(&mut self, ast: &ast::Expr, value: Expr, beside: &Type) -> Expr {
        let is_signed = matches!(value.ty, Type::Int { signed: true, bytes: ..=8 });
        match is_signed && *beside == Type::U64 && self.had_script_numbers(ast) {
            true => self.cast(value, &Type::U64),
            false => value,
        }
    }

    /// Whether this is a variable or a map to which only numbers of the script came so far that are not negative.
    fn had_script_numbers(&self, ast: &ast::Expr) -> bool {
        match &ast.kind {
            ast::ExprKind::Var(name) => self
                .local(name)
                .is_some_and(|local| !local.fixed && self.inferred.so_far(self.key_of_var(name, local.declared)).loose),
            ast::ExprKind::Map { name, .. } => self.inferred.map(&name.name).is_some_and(|info| info.values.loose),
            _ => false,
        }
    }

    /// The result of a comparison as a number of that type; anything else as it is.
    pub(super) fn as_number(&mut self, value: Expr, ty: &Type) -> Expr {
        if ty.is_number() && self.is_compared(&value) { self.cast(value, ty) } else { value }
    }

    /// The least type that holds what is there and a new value. A number of the script that is not negative has no sign of its
    /// own: it takes that of the other.
    pub(super) fn join_value(&self, old: &Type, so_far: SoFar, value: &Expr) -> Option<Type> {
        match (old, &value.kind) {
            (Type::Tuple(olds), ExprKind::Tuple(parts)) if olds.len() == parts.len() => {
                let so_far = SoFar { loose: false, ..so_far };
                let parts = olds.iter().zip(parts).map(|(old, part)| self.join_value(old, so_far, part));
                Some(Type::Tuple(parts.collect::<Option<Vec<Type>>>()?.into()))
            }
            (Type::Tuple(olds), _) if has_truths(old) || has_truths(&value.ty) => {
                let Type::Tuple(news) = &value.ty else { return None };
                let fields = news.iter().zip(0..).map(|(new, at)| {
                    Expr::new(ExprKind::TupleField(Box::new(value.clone()), at), new.clone(), value.span)
                });
                let so_far = SoFar { loose: false, ..so_far };
                let joined = olds.iter().zip(fields).map(|(old, field)| self.join_value(old, so_far, &field));
                let joined = joined.collect::<Option<Vec<Type>>>()?;
                (olds.len() == news.len()).then(|| Type::Tuple(joined.into()))
            }
            (Type::Int { .. }, _) if self.is_compared(value) => Some(old.clone()),
            (Type::Bool, _) if so_far.compared && value.ty.is_number() => Some(value.ty.clone()),
            (Type::Int { .. }, _) if value.ty.is_number() => join_numbers(self.env.types, old, so_far.loose, value),
            _ => join(self.env.types, old, &value.ty),
        }
    }
}

/// Whether a number is not 0.
pub(super) fn truth(value: Expr) -> Expr {
    if !value.ty.is_number() {
        return value;
    }
    let (span, zero) = (value.span, Box::new(Expr::int(0, value.ty.clone(), value.span)));
    Expr::new(ExprKind::Binary(BinaryOp::Ne, Box::new(value), zero), Type::Bool, span)
}

/// Whether a value of the type is true or false, or has a part that is.
fn has_truths(ty: &Type) -> bool {
    match ty {
        Type::Tuple(parts) => parts.iter().any(has_truths),
        _ => *ty == Type::Bool,
    }
}
