//! Algebra on single instructions whose operands are already simple.

use quadrant_bpf::helper;

use super::super::ir::{BinOp, Callee, Cond, Func, Op, Operand, Size, Value};

/// What an instruction turns into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Simple {
    /// An existing value.
    Same(Value),
    /// An operation, perhaps the one it was.
    Op(Op),
}

/// Simplifies one operation.
pub fn simplify(func: &Func, op: Op) -> Simple {
    match op {
        Op::Bin(bin, lhs, rhs) => simplify_bin(func, bin, lhs, immediate(func, rhs)),
        Op::Neg(value) => simplify_neg(func, value),
        Op::Ext { value, size, signed } => simplify_ext(func, value, size, signed),
        Op::Bswap(value, size) => match func.as_const(value) {
            Some(imm) => constant(swap_bytes(imm as u64, size)),
            None => Simple::Op(op),
        },
        Op::Load { base, off, size, signed, invariant } => {
            let (base, off) = fold_address(func, base, off);
            Simple::Op(Op::Load { base, off, size, signed, invariant })
        }
        Op::Store { base, off, size, src } => {
            let (base, off) = fold_address(func, base, off);
            Simple::Op(Op::Store { base, off, size, src: narrow(size, immediate(func, src)) })
        }
        Op::Atomic { op, fetch, size, base, off, src } => {
            let (base, off) = fold_address(func, base, off);
            Simple::Op(Op::Atomic { op, fetch, size, base, off, src })
        }
        Op::CmpXchg { size, base, off, expected, new } => {
            let (base, off) = fold_address(func, base, off);
            Simple::Op(Op::CmpXchg { size, base, off, expected, new })
        }
        Op::Call(Callee::Helper(helper::LOOP, _), args) if is_empty_loop(func, args.as_slice()) => constant(0),
        other => Simple::Op(other),
    }
}

/// A loop of no rounds. The kernel (seen in 6.18) forgets its callback as dead code and then fails with "verifier bug".
fn is_empty_loop(func: &Func, args: &[Value]) -> bool {
    matches!(args, [rounds, _, _, flags] if func.as_const(*rounds) == Some(0) && func.as_const(*flags) == Some(0))
}

/// Simplifies a comparison: its result if known, else constants go right and tests against all or nothing get plain.
pub fn simplify_cond(func: &Func, cond: Cond, lhs: Value, rhs: Operand) -> Result<bool, (Cond, Value, Operand)> {
    let rhs = immediate(func, rhs);
    match (func.as_const(lhs), rhs) {
        (Some(a), Operand::Imm(b)) => Ok(cond.eval(a as u64, b as u64)),
        (Some(a), Operand::Value(b)) => Err((cond.swap(), b, Operand::Imm(a))),
        (None, Operand::Value(b)) if b == lhs => compare_with_itself(cond, lhs, rhs),
        (None, Operand::Imm(b)) => compare_with_constant(func, cond, lhs, b),
        _ => Err((cond, lhs, rhs)),
    }
}

fn compare_with_itself(cond: Cond, lhs: Value, rhs: Operand) -> Result<bool, (Cond, Value, Operand)> {
    match cond {
        Cond::Test => Err((Cond::Ne, lhs, Operand::Imm(0))),
        Cond::Clear => Err((Cond::Eq, lhs, Operand::Imm(0))),
        _ => Err((cond, lhs, rhs)),
    }
}

fn compare_with_constant(func: &Func, cond: Cond, lhs: Value, imm: i64) -> Result<bool, (Cond, Value, Operand)> {
    match (cond, imm) {
        (Cond::Ult | Cond::Test, 0) => return Ok(false),
        (Cond::Uge | Cond::Clear, 0) => return Ok(true),
        (Cond::Ule, 0) => return Err((Cond::Eq, lhs, Operand::Imm(0))),
        (Cond::Ugt, 0) => return Err((Cond::Ne, lhs, Operand::Imm(0))),
        _ => {}
    }
    match (cond, func.op(lhs)) {
        // (x & mask) != 0
        (Cond::Ne, Op::Bin(BinOp::And, x, mask)) if imm == 0 => Err((Cond::Test, x, mask)),
        (Cond::Eq, Op::Bin(BinOp::And, x, mask)) if imm == 0 => Err((Cond::Clear, x, mask)),
        _ => Err((cond, lhs, Operand::Imm(imm))),
    }
}

/// A value that is a constant becomes an immediate.
pub fn immediate(func: &Func, operand: Operand) -> Operand {
    match operand {
        Operand::Value(value) => func.as_const(value).map_or(operand, Operand::Imm),
        imm => imm,
    }
}

fn constant(value: u64) -> Simple {
    Simple::Op(Op::Const(value as i64))
}

fn simplify_bin(func: &Func, bin: BinOp, lhs: Value, rhs: Operand) -> Simple {
    match (func.as_const(lhs), rhs) {
        (Some(a), Operand::Imm(b)) => constant(bin.eval(a as u64, b as u64)),
        (Some(a), Operand::Value(b)) if bin.is_commutative() => bin_with_constant(func, bin, b, a),
        (Some(0), Operand::Value(b)) if bin == BinOp::Sub => simplify_neg(func, b),
        (None, Operand::Imm(b)) => bin_with_constant(func, bin, lhs, b),
        (_, Operand::Value(b)) => bin_of_values(bin, lhs, b),
    }
}

fn bin_of_values(bin: BinOp, lhs: Value, rhs: Value) -> Simple {
    match bin {
        BinOp::Sub | BinOp::Xor if lhs == rhs => constant(0),
        BinOp::And | BinOp::Or if lhs == rhs => Simple::Same(lhs),
        _ if bin.is_commutative() && rhs < lhs => Simple::Op(Op::Bin(bin, rhs, Operand::Value(lhs))),
        _ => Simple::Op(Op::Bin(bin, lhs, Operand::Value(rhs))),
    }
}

fn bin_with_constant(func: &Func, bin: BinOp, lhs: Value, imm: i64) -> Simple {
    if let Some(simple) = neutral_or_absorbing(bin, lhs, imm) {
        return simple;
    }
    let (bin, imm) = cheaper(bin, imm);
    if bin == BinOp::And && is_low_mask(imm as u64) && max_unsigned(func, lhs, 4) <= imm as u64 {
        return Simple::Same(lhs);
    }
    if let Some(simple) = merge_constants(func, bin, lhs, imm) {
        return simple;
    }
    match (bin, imm) {
        (BinOp::And, 0xffff_ffff) => Simple::Op(Op::Ext { value: lhs, size: Size::B4, signed: false }),
        _ => Simple::Op(Op::Bin(bin, lhs, Operand::Imm(imm))),
    }
}

fn neutral_or_absorbing(bin: BinOp, lhs: Value, imm: i64) -> Option<Simple> {
    match (bin, imm) {
        (BinOp::Add | BinOp::Sub | BinOp::Or | BinOp::Xor | BinOp::Mod, 0) => Some(Simple::Same(lhs)),
        (BinOp::Mul | BinOp::Div, 1) | (BinOp::And, -1) => Some(Simple::Same(lhs)),
        (BinOp::Mul | BinOp::Div | BinOp::And, 0) | (BinOp::Mod, 1) => Some(constant(0)),
        (BinOp::Or, -1) => Some(constant(u64::MAX)),
        (BinOp::Shl | BinOp::Shr | BinOp::Sar, count) if count & 63 == 0 => Some(Simple::Same(lhs)),
        _ => None,
    }
}

/// The same result by a cheaper operation, in a canonical form.
fn cheaper(bin: BinOp, imm: i64) -> (BinOp, i64) {
    let shift = i64::from((imm as u64).trailing_zeros());
    match bin {
        BinOp::Sub => (BinOp::Add, imm.wrapping_neg()),
        BinOp::Mul if (imm as u64).is_power_of_two() => (BinOp::Shl, shift),
        BinOp::Div if (imm as u64).is_power_of_two() => (BinOp::Shr, shift),
        BinOp::Mod if (imm as u64).is_power_of_two() => (BinOp::And, imm.wrapping_sub(1)),
        BinOp::Shl | BinOp::Shr | BinOp::Sar => (bin, imm & 63),
        _ => (bin, imm),
    }
}

/// `(x op a) op b` with two constants.
fn merge_constants(func: &Func, bin: BinOp, lhs: Value, imm: i64) -> Option<Simple> {
    match (bin, func.op(lhs)) {
        (BinOp::Add, Op::StackAddr(slot, off)) => {
            let off = i64::from(off).checked_add(imm).and_then(|off| i32::try_from(off).ok())?;
            Some(Simple::Op(Op::StackAddr(slot, off)))
        }
        (BinOp::Add, Op::MapValue(map, off)) => {
            let off = i64::from(off).checked_add(imm).and_then(|off| u32::try_from(off).ok())?;
            Some(Simple::Op(Op::MapValue(map, off)))
        }
        (_, Op::Bin(inner, x, Operand::Imm(first))) if inner == bin => merge_same(func, bin, x, first, imm),
        _ => None,
    }
}

fn merge_same(func: &Func, bin: BinOp, x: Value, first: i64, second: i64) -> Option<Simple> {
    match bin {
        BinOp::Add => Some(bin_with_constant(func, bin, x, first.wrapping_add(second))),
        BinOp::Mul => Some(bin_with_constant(func, bin, x, first.wrapping_mul(second))),
        BinOp::And => Some(bin_with_constant(func, bin, x, first & second)),
        BinOp::Or => Some(bin_with_constant(func, bin, x, first | second)),
        BinOp::Xor => Some(bin_with_constant(func, bin, x, first ^ second)),
        BinOp::Shl | BinOp::Shr if first + second < 64 => Some(bin_with_constant(func, bin, x, first + second)),
        BinOp::Shl | BinOp::Shr => Some(constant(0)),
        BinOp::Sar => Some(bin_with_constant(func, bin, x, (first + second).min(63))),
        BinOp::Sub | BinOp::Div | BinOp::Mod => None,
    }
}

fn simplify_neg(func: &Func, value: Value) -> Simple {
    match func.op(value) {
        Op::Const(imm) => Simple::Op(Op::Const(imm.wrapping_neg())),
        Op::Neg(inner) => Simple::Same(inner),
        _ => Simple::Op(Op::Neg(value)),
    }
}

fn simplify_ext(func: &Func, value: Value, size: Size, signed: bool) -> Simple {
    if size == Size::B8 {
        return Simple::Same(value);
    }
    // A value whose sign bit of that width is known to be clear is the same either way.
    let limit = if signed { size.mask() >> 1 } else { size.mask() };
    if max_unsigned(func, value, 4) <= limit {
        return Simple::Same(value);
    }
    match func.op(value) {
        Op::Const(imm) => constant(extend(imm as u64, size, signed)),
        Op::Ext { value: inner, size: inner_size, .. } if inner_size >= size => {
            Simple::Op(Op::Ext { value: inner, size, signed })
        }
        Op::Ext { size: inner_size, signed: true, .. } if signed && inner_size <= size => Simple::Same(value),
        Op::Load { size: inner_size, signed: true, .. } if signed && inner_size <= size => Simple::Same(value),
        Op::Bin(BinOp::And, inner, Operand::Imm(mask)) if mask as u64 & size.mask() == size.mask() => {
            Simple::Op(Op::Ext { value: inner, size, signed })
        }
        _ => Simple::Op(Op::Ext { value, size, signed }),
    }
}

/// Takes the low bytes and extends them.
pub fn extend(value: u64, size: Size, signed: bool) -> u64 {
    let drop = 64 - size.bytes() * 8;
    if signed { (((value << drop) as i64) >> drop) as u64 } else { value & size.mask() }
}

/// Reverses the low bytes, clears the others.
pub fn swap_bytes(value: u64, size: Size) -> u64 {
    value.swap_bytes() >> (64 - size.bytes() * 8)
}

/// An upper bound of the value as an unsigned number, looking at most `depth` instructions back. Only from what the
/// kernel's verifier also knows (it does not follow `%` or byte swaps): a mask that it needs must stay.
fn max_unsigned(func: &Func, value: Value, depth: u32) -> u64 {
    match func.op(value) {
        Op::Const(imm) => imm as u64,
        Op::Load { size, signed: false, .. } | Op::Ext { size, signed: false, .. } => size.mask(),
        Op::Bin(BinOp::And, _, Operand::Imm(mask)) => mask as u64,
        Op::Bin(BinOp::Shr, inner, Operand::Imm(count)) if depth > 0 => {
            max_unsigned(func, inner, depth - 1).wrapping_shr(count as u32)
        }
        _ => u64::MAX,
    }
}

/// Whether the ones of `mask` are its lowest bits.
fn is_low_mask(mask: u64) -> bool {
    mask & mask.wrapping_add(1) == 0
}

/// A constant as the narrow store sees it, so that it fits an immediate.
fn narrow(size: Size, src: Operand) -> Operand {
    match src {
        Operand::Imm(imm) => Operand::Imm(extend(imm as u64, size, true) as i64),
        value => value,
    }
}

/// Moves constant additions from the address into the instruction's offset, as far as that reaches.
fn fold_address(func: &Func, mut base: Value, mut off: i32) -> (Value, i32) {
    while let Op::Bin(BinOp::Add, inner, Operand::Imm(imm)) = func.op(base) {
        match imm.checked_add(off.into()).and_then(|sum| i16::try_from(sum).ok()) {
            Some(sum) => (base, off) = (inner, sum.into()),
            None => break,
        }
    }
    (base, off)
}
