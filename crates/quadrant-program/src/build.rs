//! Building expressions that every language needs: addresses of members and elements.

use quadrant_types::TypeId;

use crate::expr::{BinaryOp, Expr, ExprKind};
use crate::span::Span;
use crate::ty::{Space, Type};

/// An address moved by bytes, forwards or `back`; keeps the pointer's type. Chains of members stay flat, and offsets in the context and
/// from known addresses stay constant.
pub fn offset(pointer: Expr, back: bool, by: Expr, span: Span) -> Expr {
    let ty = pointer.ty.clone();
    if let ExprKind::Int(0) = by.kind {
        return pointer;
    }
    match (&pointer.kind, &by.kind) {
        (ExprKind::Binary(BinaryOp::Add, base, known), ExprKind::Int(more)) if !back => {
            if let ExprKind::Int(known) = known.kind {
                let by = Expr::int(known.wrapping_add(*more), Type::I64, span);
                return Expr::new(ExprKind::Binary(BinaryOp::Add, base.clone(), Box::new(by)), ty, span);
            }
        }
        (ExprKind::ContextAddr(at), ExprKind::Int(more)) if !back => {
            if let Some(at) = u32::try_from(*more).ok().and_then(|more| at.checked_add(more)) {
                return Expr::new(ExprKind::ContextAddr(at), ty, span);
            }
        }
        (ExprKind::Int(address), ExprKind::Int(more)) => {
            let more = if back { more.wrapping_neg() } else { *more };
            return Expr::int(address.wrapping_add(more), ty, span);
        }
        _ => {}
    }
    let op = if back { BinaryOp::Sub } else { BinaryOp::Add };
    Expr::new(ExprKind::Binary(op, Box::new(pointer), Box::new(by)), ty, span)
}

/// An address moved by a constant number of bytes.
pub fn offset_by(pointer: Expr, bytes: u64, span: Span) -> Expr {
    offset(pointer, false, Expr::int(bytes as i64, Type::I64, span), span)
}

/// The address of a value in memory: where it was read from, or where the program keeps it.
pub fn place_of(value: Expr) -> (Expr, Space) {
    match value.kind {
        ExprKind::Deref { addr, space } => (*addr, space),
        _ => {
            let span = value.span;
            let ty = Type::Pointer { to: TypeId::VOID, space: Space::Program };
            (Expr::new(ExprKind::AddrOf(Box::new(value)), ty, span), Space::Program)
        }
    }
}

/// A bit-field of type `ty`, `bits` wide, of a record at `addr`; `None` if no integer of at most 8 bytes holds it.
/// `declared` is the width of the field's type in bytes.
pub fn bit_field(
    addr: Expr,
    space: Space,
    (bit_offset, bits): (u64, u8),
    declared: u32,
    ty: Type,
    span: Span,
) -> Option<Expr> {
    let (start, bytes) = bit_container(bit_offset, bits, declared)?;
    let shift = (bit_offset - start * 8) as u8;
    let addr = Box::new(offset_by(addr, start, span));
    let value = Expr::new(ExprKind::Deref { addr, space }, Type::Int { bytes, signed: false }, span);
    Some(Expr::new(ExprKind::Bits { value: Box::new(value), shift, width: bits }, ty, span))
}

/// The aligned integer that holds a bit-field: its first byte and its width in bytes; `None` if none of at most 8 bytes does.
/// `declared` is the width of the field's type.
pub fn bit_container(bit_offset: u64, bits: u8, declared: u32) -> Option<(u64, u8)> {
    let end = bit_offset + u64::from(bits);
    for size in [u64::from(declared.clamp(1, 8)), 1, 2, 4, 8] {
        let start = bit_offset / (size * 8) * size;
        if end <= (start + size) * 8 {
            return Some((start, size as u8));
        }
    }
    let start = bit_offset / 8;
    (end <= (start + 8) * 8).then_some((start, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_moves_add_up() {
        let pointer = Type::Pointer { to: TypeId::VOID, space: Space::Kernel };
        let base = Expr::new(ExprKind::Arg(0), pointer.clone(), Span::default());
        let moved = offset_by(offset_by(base.clone(), 8, Span::default()), 16, Span::default());
        assert_eq!(moved, offset_by(base, 24, Span::default()));
        let known = Expr::int(100, pointer, Span::default());
        assert_eq!(offset_by(known, 5, Span::default()).kind, ExprKind::Int(105));
    }

    #[test]
    fn bit_fields_are_in_the_least_integer_that_holds_them() {
        assert_eq!(bit_container(3, 4, 4), Some((0, 4)));
        assert_eq!(bit_container(30, 4, 4), Some((0, 8)));
        assert_eq!(bit_container(7, 64, 8), None);
    }
}
