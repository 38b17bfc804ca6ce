//! Writing to members and elements: of scratch memory through pointers, and of variables that are structs.

use quadrant_program::build::{self, place_of};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function, Place};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};

use super::super::Lower;
use super::super::value::{Int, Value};

impl Lower<'_> {
    /// Statements that write a value to where `place` was read from.
    pub(super) fn write_place(&mut self, place: &Expr, value: &Value, symbol: &str, span: Span) -> Option<Vec<Stmt>> {
        match &place.kind {
            ExprKind::Bits { value: container, shift, width } => {
                let merged = self.merged(container, (*shift, *width), value, span);
                self.write_place(container, &merged, symbol, span)
            }
            ExprKind::Deref { addr, space: Space::Kernel } => {
                Some(vec![self.write_memory((**addr).clone(), value, span)?])
            }
            ExprKind::Deref { addr, space: Space::Program } => self.write_own(addr, &place.ty, value, span),
            _ => {
                let message = format!("operator {symbol} requires modifiable lvalue as an operand");
                self.fail(span, "D_OP_LVAL", message)
            }
        }
    }

    /// The integer that holds a bit-field, with the field set.
    fn merged(&self, container: &Expr, (shift, width): (u8, u8), value: &Value, span: Span) -> Value {
        let int = Int { bytes: container.ty.c_size().unwrap_or(8) as u8, signed: false };
        let number = |value: i64| Expr::int(int.cut(value), int.model(), span);
        let binary =
            |op, a: Expr, b: Expr| Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), int.model(), span);
        let mask = if width >= 64 { -1 } else { (1i64 << width) - 1 };
        let others = binary(BinaryOp::And, container.clone(), number(!(mask << shift)));
        let field = binary(BinaryOp::And, self.cut(value.expr.clone(), int), number(mask));
        let field = binary(BinaryOp::Shl, field, number(shift.into()));
        Value { expr: binary(BinaryOp::Or, others, field), ty: self.int_ty(int) }
    }

    /// Writing through a pointer.
    fn write_memory(&mut self, addr: Expr, value: &Value, span: Span) -> Option<Stmt> {
        if value.expr.ty.is_scalar() {
            let addr = Expr { ty: Type::U64, ..self.cut(addr, Int::ULONG) };
            return Some(Stmt::new(StmtKind::Store { addr, value: value.expr.clone() }, span));
        }
        match (self.size_of(&value.ty), place_of(value.expr.clone())) {
            (Some(size), (from, Space::Kernel)) => {
                let size = Expr::int(size as i64, Type::U64, span);
                let call = ExprKind::Call(Function::Copy(Space::Kernel), vec![from, addr, size]);
                Some(Stmt::new(StmtKind::Expr(Expr::new(call, Type::None, span)), span))
            }
            _ => self.fail(
                span,
                "D_OP_LVAL",
                "value that is not in memory of the kernel cannot be written through a pointer: write its members",
            ),
        }
    }

    /// Writing into a variable. What is in a map is taken out of it and put back.
    fn write_own(&mut self, addr: &Expr, ty: &Type, value: &Value, span: Span) -> Option<Vec<Stmt>> {
        let (root, offset) = rooted(addr);
        let (root, index) = indexed(root);
        let ExprKind::AddrOf(variable) = &root.kind else {
            return self.fail(span, "D_OP_LVAL", "value that was computed cannot be assigned to");
        };
        let mut stmts = Vec::new();
        let mut value = value.expr.clone();
        if !value.ty.is_scalar() {
            if !ty.c_size().is_some_and(|size| size.is_multiple_of(8)) {
                let message =
                    "member whose size is no multiple of 8 cannot be assigned as a whole: assign its own members";
                return self.fail(span, "D_OP_LVAL", message);
            }
            let (keep, kept) = self.keep_as(value, ty.clone());
            stmts.push(keep);
            value = kept;
        }
        let (variable, back) = match &variable.kind {
            ExprKind::Var(_) => ((**variable).clone(), None),
            ExprKind::MapGet { map, key } => {
                let (keep, kept) = self.keep((**variable).clone());
                stmts.push(keep);
                let place = Place::Map { map: *map, key: key.as_deref().cloned() };
                (kept.clone(), Some(Stmt::new(StmtKind::Assign(place, kept), span)))
            }
            _ => return self.fail(span, "D_OP_LVAL", "value that was computed cannot be assigned to"),
        };
        let root = Expr { kind: ExprKind::AddrOf(Box::new(variable)), ..root.clone() };
        let element = match index {
            Some(index) => build::offset(root, false, index.clone(), span),
            None => root,
        };
        let addr = build::offset_by(element, offset, span);
        stmts.push(Stmt::new(StmtKind::Store { addr, value }, span));
        stmts.extend(back);
        Some(stmts)
    }
}

/// The address of an element of an array in a variable, that many bytes behind `addr`: what is added stays one number, which is easy
/// to compare with the size of the variable.
pub(super) fn own_element(addr: &Expr, bytes: Expr, span: Span) -> Expr {
    let (root, offset) = rooted(addr);
    let (root, index) = indexed(root);
    let bytes = match index {
        Some(index) => {
            Expr::new(ExprKind::Binary(BinaryOp::Add, Box::new(index.clone()), Box::new(bytes)), Type::I64, span)
        }
        None => bytes,
    };
    build::offset_by(build::offset(root.clone(), false, bytes, span), offset, span)
}

/// An address as what it starts from and a number of bytes that is not known yet.
fn indexed(addr: &Expr) -> (&Expr, Option<&Expr>) {
    match &addr.kind {
        ExprKind::Binary(BinaryOp::Add, base, index) => (base, Some(index)),
        _ => (addr, None),
    }
}

/// An address as what it starts from and the bytes that are added.
fn rooted(addr: &Expr) -> (&Expr, u64) {
    match &addr.kind {
        ExprKind::Binary(BinaryOp::Add, base, by) => match by.kind {
            ExprKind::Int(by) => {
                let (root, before) = rooted(base);
                (root, before.wrapping_add(by as u64))
            }
            _ => (addr, 0),
        },
        _ => (addr, 0),
    }
}
