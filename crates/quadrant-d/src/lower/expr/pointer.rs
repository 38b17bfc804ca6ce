//! Pointers: arithmetic, reading through them, taking addresses.

use quadrant_program::build::{offset, place_of};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind};
use quadrant_program::span::Span;
use quadrant_program::ty::Space;
use quadrant_types::{CType, TypeId};

use super::super::Lower;
use super::super::value::{Int, Ty, Value};
use super::super::vars::variable_named;
use crate::ast::{self, BinOp, Scope};

impl Lower<'_> {
    pub(super) fn pointer_binary(&mut self, op: BinOp, left: Value, right: Value, span: Span) -> Option<Value> {
        let (left, right) = (self.as_pointer(left, span)?, self.as_pointer(right, span)?);
        let to = (self.pointee(&left.ty), self.pointee(&right.ty));
        let is_void = |to: Option<TypeId>| to.is_some_and(|to| matches!(self.types.kind(to), CType::Void));
        match (op, to) {
            (op, _) if op.is_comparison() => self.compare_pointers(op, left, right, span),
            (BinOp::Add | BinOp::Sub, (a, b)) if is_void(a) || is_void(b) => {
                self.incompatible(op.symbol(), &left, &right, span)
            }
            (BinOp::Add | BinOp::Sub, (Some(to), None)) if self.int_of(&right.ty).is_some() => {
                let ty = left.ty.clone();
                let by = self.scaled(right, to, span)?;
                Some(Value { expr: offset(left.expr, op == BinOp::Sub, by, span), ty })
            }
            (BinOp::Add, (None, Some(to))) if self.int_of(&left.ty).is_some() => {
                let ty = right.ty.clone();
                let by = self.scaled(left, to, span)?;
                Some(Value { expr: offset(right.expr, false, by, span), ty })
            }
            (BinOp::Sub, (Some(a), Some(b))) if self.types.same(a, b) => self.distance(left, right, a, span),
            _ => self.wrong_operands(op, op.symbol(), (&left, &right), span),
        }
    }

    /// An array as the pointer to its first element; other values stay.
    fn as_pointer(&mut self, value: Value, span: Span) -> Option<Value> {
        let Some(CType::Array { elem, .. }) = self.kind(&value.ty) else { return Some(value) };
        let (addr, space) = place_of(value.expr);
        if space == Space::Program {
            return self.fail(
                span,
                "D_OP_ARRFUN",
                "operator cannot be applied to an array that is not in memory of the kernel",
            );
        }
        let id = self.types.pointer_to(elem);
        Some(Value { expr: self.pointer(addr, id), ty: Ty::C(id) })
    }

    fn compare_pointers(&mut self, op: BinOp, left: Value, right: Value, span: Span) -> Option<Value> {
        // A number that is no pointer is compared as an address: scripts do so with arg0.
        let is_number =
            |value: &Value| value.constant().is_some_and(|number| number != 0) && self.int_of(&value.ty).is_some();
        if !self.is_scalar(&left.ty) || !self.is_scalar(&right.ty) || is_number(&left) || is_number(&right) {
            return self.incompatible(op.symbol(), &left, &right, span);
        }
        let (left, right) = (self.address(left), self.address(right));
        let kind = ExprKind::Binary(op.model()?, Box::new(left), Box::new(right));
        Some(self.truth(kind, span))
    }

    fn distance(&mut self, left: Value, right: Value, to: TypeId, span: Span) -> Option<Value> {
        let size = self.pointed_size(to, span)?;
        let (left, right) = (self.cut(left.expr, Int::LONG), self.cut(right.expr, Int::LONG));
        let bytes = self.of_int(ExprKind::Binary(BinaryOp::Sub, Box::new(left), Box::new(right)), Int::LONG, span);
        let size = self.number(size, Int::LONG, span);
        self.binary(BinOp::Div, bytes, size, span)
    }

    /// A number of elements as a number of bytes.
    fn scaled(&mut self, count: Value, to: TypeId, span: Span) -> Option<Expr> {
        let size = self.pointed_size(to, span)?;
        let count = self.to_int(count, Int::LONG);
        let size = self.number(size, Int::LONG, span);
        if size.constant() == Some(1) {
            return Some(count.expr);
        }
        Some(self.binary(BinOp::Mul, count, size, span)?.expr)
    }

    /// How far it is from one element to the next.
    pub(super) fn pointed_size(&mut self, to: TypeId, span: Span) -> Option<i64> {
        match (self.types.size_of(to), self.types.kind(to)) {
            (Some(size), _) => i64::try_from(size).ok(),
            (None, CType::Void | CType::Func(_)) => Some(1),
            (None, _) => {
                let name = self.types.display(to);
                self.fail(
                    span,
                    "D_OP_INCOMPLETE",
                    format!("operator cannot be applied to a pointer to {name}: its size is not known"),
                )
            }
        }
    }

    /// `*operand`
    pub(super) fn deref(&mut self, operand: &ast::Expr, span: Span) -> Option<Value> {
        if self.no_value(operand)?.is_some() {
            return self.fail(span, "D_DEREF_NONPTR", "cannot dereference non-pointer type");
        }
        let value = self.expr(operand)?;
        if let Ty::Xlated(made) = &value.ty {
            let made = made.clone();
            return Some(Value { ty: Ty::Xlated(made), ..value });
        }
        let value = self.as_pointer(value, span)?;
        match self.pointee(&value.ty) {
            Some(to) => self.read_at(value.expr, to, Space::Kernel, span),
            None => self.fail(span, "D_DEREF_NONPTR", "cannot dereference non-pointer type"),
        }
    }

    /// What a C type's value at an address is.
    pub(in super::super) fn read_at(&mut self, addr: Expr, to: TypeId, space: Space, span: Span) -> Option<Value> {
        let ty = self.ty_of(to);
        if matches!(ty, Ty::Text) && space != Space::Program {
            return Some(self.text_at(addr, space, span));
        }
        let model = self.model(&ty, span)?;
        Some(Value { expr: Expr::new(ExprKind::Deref { addr: Box::new(addr), space }, model, span), ty })
    }

    /// Whether an expression is a variable, whose place in memory is not the program's to know.
    fn is_dynamic(&mut self, operand: &ast::Expr) -> bool {
        match variable_named(operand) {
            Some((Scope::Global, name, None)) => {
                self.variable(Scope::Global, name).is_some() || super::super::builtin::is_builtin(name)
            }
            Some((_, _, None)) => true,
            // An element of an associative array; not what a pointer points to.
            Some((scope, name, Some(_))) => {
                scope == Scope::Global && name == "args"
                    || self.variable(scope, name).is_some_and(|variable| variable.declared.keys.is_some())
            }
            _ => matches!(&operand.kind, ast::ExprKind::Agg { name, .. } if self.aggregations.contains_key(&name.name)),
        }
    }

    /// `&operand`
    pub(super) fn address_of(&mut self, operand: &ast::Expr, span: Span) -> Option<Value> {
        if let ast::ExprKind::Symbol(symbol) = &operand.kind {
            return self.symbol_address(symbol, span);
        }
        if self.is_dynamic(operand) {
            return self.fail(span, "D_ADDROF_VAR", "cannot take address of dynamic variable");
        }
        let value = self.expr(operand)?;
        let Ty::C(id) = value.ty else {
            return self.fail(span, "D_ADDROF_LVAL", "unacceptable operand for unary & operator");
        };
        match value.expr.kind {
            ExprKind::Deref { addr, space: Space::Kernel } => {
                let id = self.types.pointer_to(id);
                Some(Value { expr: self.pointer(*addr, id), ty: Ty::C(id) })
            }
            ExprKind::Bits { .. } => self.fail(span, "D_ADDROF_BITFIELD", "cannot take address of bit-field"),
            _ => self.fail(span, "D_ADDROF_LVAL", "unacceptable operand for unary & operator"),
        }
    }
}
