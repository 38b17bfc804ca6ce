//! Conversions, implied and explicit.

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function, UnaryOp};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, TypeId};

use super::Lower;
use super::presence::is_null;
use super::value::{Int, Ty, Value};
use crate::ast::{self, TypeExpr};

impl Lower<'_> {
    /// A number cut to an integer type and extended by its sign.
    pub(super) fn cut(&self, value: Expr, int: Int) -> Expr {
        let value = in_full(value);
        let ty = int.model();
        if value.ty == ty {
            return value;
        }
        let span = value.span;
        match value.kind {
            ExprKind::Int(number) => Expr::int(int.cut(number), ty, span),
            _ => {
                let value = Expr::new(ExprKind::Cast(Box::new(value)), ty.clone(), span);
                // Twice, where once would be a result that can still be had in full.
                if is_shortened(&value) { Expr::new(ExprKind::Cast(Box::new(value)), ty, span) } else { value }
            }
        }
    }

    /// A number as one of another integer type.
    pub(super) fn to_int(&self, value: Value, int: Int) -> Value {
        Value { expr: self.cut(value.expr, int), ty: self.int_ty(int) }
    }

    /// A number or an address as a number of 64 bits.
    pub(super) fn address(&self, value: Value) -> Expr {
        self.cut(value.expr, Int::ULONG)
    }

    /// An array of characters as text; other values stay.
    pub(super) fn decayed(&self, value: Value) -> Value {
        match self.kind(&value.ty) {
            Some(CType::Array { elem, len }) if self.is_char(elem) => self.char_array(value, len),
            _ => value,
        }
    }

    /// Text of what stands for text.
    pub(super) fn to_text(&self, value: Value) -> Option<Value> {
        let span = value.expr.span;
        match self.kind(&value.ty) {
            None => value.is_text().then_some(value),
            Some(CType::Array { elem, len }) if self.is_char(elem) => Some(self.char_array(value, len)),
            Some(CType::Ptr { to, .. }) if self.is_char(to) => Some(self.text_at(value.expr, Space::Kernel, span)),
            _ => None,
        }
    }

    /// The text at an address.
    pub(super) fn text_at(&self, addr: Expr, space: Space, span: Span) -> Value {
        self.of_text(ExprKind::Call(Function::Str(space), vec![addr]), span)
    }

    /// An array that is full has no NUL at its end: all of it is text then.
    fn char_array(&self, value: Value, len: u64) -> Value {
        let Expr { span, ref ty, .. } = value.expr;
        let ty = ty.clone();
        let (addr, space) = place_of(value.expr);
        if len == 0 {
            return self.text_at(addr, space, span);
        }
        let cap = u32::try_from(len).unwrap_or(u32::MAX).saturating_add(1).min(self.settings.strsize);
        let bytes = Expr::new(ExprKind::Deref { addr: Box::new(addr), space }, ty, span);
        let kind = ExprKind::Cast(Box::new(bytes));
        Value { expr: Expr::new(kind, Type::String { cap }, span), ty: Ty::Text }
    }

    /// The value as one of the type, if that needs no cast.
    pub(super) fn compatible(&self, value: Value, ty: &Ty) -> Option<Value> {
        if let (Some(_), Some(int)) = (self.int_of(&value.ty), self.int_of(ty)) {
            let expr = if self.is_bool(ty) { self.as_bool(value.expr) } else { self.cut(value.expr, int) };
            return Some(Value { expr, ty: ty.clone() });
        }
        match ty {
            Ty::Text => self.to_text(value),
            Ty::Special(model) => same_kind(&value.expr.ty, model).then_some(value),
            Ty::Aggregation | Ty::Xlated(_) => None,
            Ty::C(id) => self.compatible_c(value, *id),
        }
    }

    fn compatible_c(&self, value: Value, id: TypeId) -> Option<Value> {
        match self.types.kind(id) {
            CType::Ptr { .. } if self.points_alike(&value, id) => {
                let expr = self.pointer(value.expr, id);
                Some(Value { expr, ty: Ty::C(id) })
            }
            CType::Struct { .. } | CType::Array { .. } => match value.ty {
                Ty::C(from) if self.types.same(from, id) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a value may be used as a pointer of that type without a cast.
    fn points_alike(&self, value: &Value, id: TypeId) -> bool {
        if value.is_zero() {
            return true;
        }
        let Some(to) = self.types.pointee(id) else { return false };
        match self.kind(&value.ty) {
            Some(CType::Ptr { to: from, .. }) => {
                let void = |id| matches!(self.types.kind(id), CType::Void);
                void(from) || void(to) || self.types.same(from, to) || self.same_width(from, to)
            }
            Some(CType::Array { elem, .. }) => self.types.same(elem, to),
            _ => false,
        }
    }

    fn same_width(&self, a: TypeId, b: TypeId) -> bool {
        let ints = (self.int_of(&Ty::C(a)), self.int_of(&Ty::C(b)));
        matches!(ints, (Some(a), Some(b)) if a.bytes == b.bytes)
    }

    /// A number or address as a pointer of that type. An array's address is meant.
    pub(super) fn pointer(&self, value: Expr, id: TypeId) -> Expr {
        let ty = self.scalar_model(id);
        let value = match value.ty {
            Type::Array { .. } => place_of(value).0,
            _ => value,
        };
        let span = value.span;
        match value.kind {
            _ if value.ty == ty => value,
            ExprKind::Int(number) => Expr::int(number, ty, span),
            _ => Expr::new(ExprKind::Cast(Box::new(value)), ty, span),
        }
    }

    /// The value as one of a variable's type; zero is also the text that is not there.
    pub(super) fn assignable(&self, value: Value, ty: &Ty) -> Option<Value> {
        if matches!(ty, Ty::Text) && value.is_zero() {
            return Some(self.literal_text(b"", value.expr.span));
        }
        self.compatible(value, ty)
    }

    pub(super) fn as_bool(&self, value: Expr) -> Expr {
        let span = value.span;
        let byte = Type::Int { bytes: 1, signed: false };
        if let ExprKind::Int(number) = value.kind {
            return Expr::int(i64::from(number != 0), byte, span);
        }
        let not = Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(value)), Type::Bool, span);
        let twice = Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(not)), Type::Bool, span);
        Expr::new(ExprKind::Cast(Box::new(twice)), byte, span)
    }

    /// `(ty)operand`
    pub(super) fn cast_expr(&mut self, ty: &TypeExpr, operand: &ast::Expr, span: Span) -> Option<Value> {
        let target = self.type_expr(ty);
        if let Some(what) = self.no_value(operand)? {
            let to = self.type_name(&target?);
            return self.fail(span, "D_CAST_INVAL", format!("invalid cast expression: \"{what}\" to \"{to}\""));
        }
        let value = self.expr(operand);
        let (target, mut value) = (target?, value?);
        value.expr.span = span;
        self.explicit(value, target, span)
    }

    fn explicit(&mut self, value: Value, target: Ty, span: Span) -> Option<Value> {
        let number = self.int_of(&value.ty).is_some() || self.pointee(&value.ty).is_some();
        let array = matches!(self.kind(&value.ty), Some(CType::Array { .. }));
        if let (Ty::C(id), true) = (&target, number || array) {
            if let Some(int) = self.int_of(&target).filter(|_| number) {
                let bool = self.is_bool(&target);
                let expr = if bool { self.as_bool(value.expr) } else { self.cut(value.expr, int) };
                return Some(Value { expr, ty: target });
            }
            if self.pointee(&target).is_some() {
                return Some(Value { expr: self.pointer(value.expr, *id), ty: target });
            }
        }
        match (&target, &value.ty) {
            (Ty::C(id), _) if matches!(self.types.kind(*id), CType::Void) => Some(Value { ty: target, ..value }),
            (Ty::C(to), Ty::C(from)) if self.types.same(*to, *from) => Some(Value { ty: target, ..value }),
            (Ty::Text, _) => self.stringof_value(value, span),
            _ if self.is_made(&value, &target) => Some(value),
            _ => {
                let (to, from) = (self.type_name(&target), self.type_name(&value.ty));
                self.fail(span, "D_CAST_INVAL", format!("invalid cast expression: \"{from}\" to \"{to}\""))
            }
        }
    }

    /// `stringof(x)`
    pub(super) fn stringof(&mut self, operand: &ast::Expr, span: Span) -> Option<Value> {
        if let Some(what) = self.no_value(operand)? {
            return self.fail(span, "D_STRINGOF_TYPE", format!("cannot apply stringof to a value of type {what}"));
        }
        let value = self.expr(operand)?;
        let text = self.stringof_value(value, span)?;
        if !is_null(&text.expr) {
            return Some(text);
        }
        // NULL can be assigned, but the text there is a fault.
        Some(self.of_text(ExprKind::Call(Function::Present, vec![text.expr]), span))
    }

    fn stringof_value(&mut self, value: Value, span: Span) -> Option<Value> {
        if let Some(Value { expr, ty }) = self.to_text(value.clone()) {
            return Some(Value { expr: self.present(expr), ty });
        }
        if self.is_scalar(&value.ty) {
            let addr = self.address(value);
            return Some(self.text_at(addr, Space::Kernel, span));
        }
        let ty = self.type_name(&value.ty);
        self.fail(span, "D_STRINGOF_TYPE", format!("cannot apply stringof to a value of type {ty}"))
    }
}

/// What a number narrower than `int` was computed as: its type is the narrow one, but what is computed of it, or compared with
/// it, has all of its bits, as in C.
pub(super) fn in_full(value: Expr) -> Expr {
    if !is_shortened(&value) {
        return value;
    }
    match value.kind {
        ExprKind::Cast(inner) => *inner,
        kind => Expr { kind, ..value },
    }
}

/// Whether it is the result of an operator on narrow numbers, which is computed as an `int` and shown in its type.
fn is_shortened(value: &Expr) -> bool {
    let ExprKind::Cast(inner) = &value.kind else { return false };
    let kind = &inner.kind;
    let computes = matches!(
        kind,
        ExprKind::Binary(..) | ExprKind::Ternary { .. } | ExprKind::Unary(UnaryOp::Neg | UnaryOp::BitNot, _)
    );
    computes && inner.ty == Int::INT.model() && matches!(value.ty, Type::Int { bytes: 1 | 2, .. })
}

fn same_kind(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Stack(a), Type::Stack(b)) => a.user == b.user,
        (a, b) => a == b,
    }
}
