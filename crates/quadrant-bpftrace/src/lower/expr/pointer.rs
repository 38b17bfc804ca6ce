//! Pointers: arithmetic, reading through them, taking addresses.

use quadrant_program::build::offset;
use quadrant_program::expr::{BinaryOp, Expr, ExprKind};
use quadrant_program::map::MapValue;
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::{CType, TypeId};

use super::super::Lower;
use super::texts::as_pointer;
use crate::ast::{self, BinOp};

impl Lower<'_> {
    pub(super) fn pointer_binary(&mut self, op: BinOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        match (op, &left.ty, &right.ty) {
            (op, l, r) if op.is_comparison() && is_address(l) && is_address(r) => {
                let kind = op.model()?;
                let (left, right) = (self.convert(left, &Type::U64), self.convert(right, &Type::U64));
                Some(Expr::new(ExprKind::Binary(kind, Box::new(left), Box::new(right)), Type::Bool, span))
            }
            (BinOp::Add | BinOp::Sub, Type::Pointer { to, .. }, r) if r.is_integer() => {
                let to = *to;
                let by = self.scaled(right, to)?;
                Some(offset(left, op == BinOp::Sub, by, span))
            }
            (BinOp::Add, l, Type::Pointer { to, .. }) if l.is_integer() => {
                let to = *to;
                let by = self.scaled(left, to)?;
                Some(offset(right, false, by, span))
            }
            (BinOp::Sub, Type::Pointer { to, .. }, Type::Pointer { to: other, .. })
                if self.env.types.resolve(*to) == self.env.types.resolve(*other) =>
            {
                let to = *to;
                self.distance(left, right, to, span)
            }
            _ => {
                let (l, r) = (self.describe(&left.ty), self.describe(&right.ty));
                let message = format!("`{}` does not go with pointers: {l}, {r}", op.symbol());
                self.error_help(span, message, "cast it to a number: `(uint64)pointer`")
            }
        }
    }

    /// How many elements one pointer is behind another of the same type, as in C.
    fn distance(&mut self, left: Expr, right: Expr, to: TypeId, span: Span) -> Option<Expr> {
        let size = self.scaled(Expr::int(1, Type::I64, span), to)?;
        let (left, right) = (self.convert(left, &Type::I64), self.convert(right, &Type::I64));
        let bytes = Expr::new(ExprKind::Binary(BinaryOp::Sub, Box::new(left), Box::new(right)), Type::I64, span);
        match size.kind {
            ExprKind::Int(1) => Some(bytes),
            ExprKind::Int(0) => self.error(span, "elements of this type take no room"),
            _ => Some(Expr::new(ExprKind::Binary(BinaryOp::Div, Box::new(bytes), Box::new(size)), Type::I64, span)),
        }
    }

    /// A number of elements as a number of bytes.
    fn scaled(&mut self, count: Expr, to: TypeId) -> Option<Expr> {
        let adjusted = self.portable_size(to, count.span)?;
        let Some(size) = self.stride(to) else {
            let name = self.env.types.display(to);
            return self.error(count.span, format!("the size of `{name}` is not known"));
        };
        let span = count.span;
        if let (ExprKind::Int(count), None) = (&count.kind, &adjusted) {
            return Some(Expr::int(count.wrapping_mul(size), Type::I64, span));
        }
        let count = self.convert(count, &Type::I64);
        if size == 1 && adjusted.is_none() {
            return Some(count);
        }
        let size = adjusted.unwrap_or_else(|| Expr::int(size, Type::I64, span));
        Some(Expr::new(ExprKind::Binary(BinaryOp::Mul, Box::new(count), Box::new(size)), Type::I64, span))
    }

    /// How many bytes a pointer moves by one. A number that was said to be an address counts bytes, as it does without that.
    pub(in super::super) fn stride(&self, to: TypeId) -> Option<i64> {
        let types = self.env.types;
        if to == TypeId::VOID || to == types.word() { Some(1) } else { types.size_of(to).map(|size| size as i64) }
    }

    /// `*operand`
    pub(super) fn deref(&mut self, operand: &ast::Expr, span: Span) -> Option<Expr> {
        let value = as_pointer(self.expr(operand)?);
        match value.ty {
            Type::Pointer { to, space } => self.read(value, to, space, span),
            ref ty if ty.is_integer() => Some(self.word_at(value, span)),
            _ => {
                let ty = self.describe(&value.ty);
                self.error(span, format!("`*` needs a pointer or an address, and this is {ty}"))
            }
        }
    }

    /// The eight bytes at an address that is a plain number, such as `kaddr()` gives.
    fn word_at(&mut self, address: Expr, span: Span) -> Expr {
        let space = match address.kind {
            ExprKind::Int(address) if address < 0 => Space::Kernel,
            _ => self.number_space(),
        };
        let addr = Box::new(self.convert(address, &Type::U64));
        Expr::new(ExprKind::Deref { addr, space }, Type::U64, span)
    }

    /// What a C type's value at an address is.
    pub(in super::super) fn read(&mut self, addr: Expr, to: TypeId, space: Space, span: Span) -> Option<Expr> {
        let ty = self.value_type(to, space, span)?;
        let read = |ty| Expr::new(ExprKind::Deref { addr: Box::new(addr), space }, ty, span);
        if self.env.types.is_short_pointer(to) {
            return Some(self.cast(read(Type::U32), &ty));
        }
        if let CType::Array { elem, .. } = self.env.types.kind(to)
            && self.env.types.is_short_pointer(elem)
        {
            self.short_pointers = Some((span, elem));
        }
        Some(self.truth_of(read(ty), to))
    }

    /// `&operand`
    pub(super) fn address(&mut self, operand: &ast::Expr, span: Span) -> Option<Expr> {
        if let ast::ExprKind::Map { name, key } = &operand.kind
            && (!key.is_empty() || matches!(self.map_value(&name.name), Some(MapValue::Aggregation(_))))
        {
            let message = "not supported: this map has no one address, it is kept where it costs least";
            return self.error_help(span, message, "read its value: `@m`, `@m[key]`");
        }
        let value = stored(self.expr(operand)?);
        let to = self.c_type(&value.ty);
        match (value.kind, to) {
            // What is assigned further down may make the variable wider.
            (ExprKind::Var(_) | ExprKind::MapGet { .. }, _) if self.is_first_round => None,
            (kind @ (ExprKind::Var(_) | ExprKind::MapGet { .. }), Some(to)) => {
                let place = Box::new(Expr { kind, ..value });
                Some(Expr::new(ExprKind::AddrOf(place), Type::Pointer { to, space: Space::Kernel }, span))
            }
            (ExprKind::Var(_) | ExprKind::MapGet { .. }, None) => {
                let ty = self.describe(&value.ty);
                self.error_help(
                    span,
                    format!("nothing can point to {ty}, which C does not have"),
                    "pass the value itself",
                )
            }
            (ExprKind::Deref { addr, space }, Some(to)) => {
                let mut addr = *addr;
                addr.ty = Type::Pointer { to, space };
                addr.span = span;
                Some(addr)
            }
            _ => self.error_help(span, "this has no address", "a member of a struct in memory has: `&p.member`"),
        }
    }
}

/// What is in memory of a value that [`Lower::truth_of`] made of it.
fn stored(value: Expr) -> Expr {
    match value.kind {
        ExprKind::Binary(BinaryOp::Ne, read, _)
            if matches!(read.kind, ExprKind::Deref { .. }) && read.span == value.span =>
        {
            *read
        }
        kind => Expr { kind, ..value },
    }
}

fn is_address(ty: &Type) -> bool {
    ty.is_integer() || matches!(ty, Type::Pointer { .. })
}
