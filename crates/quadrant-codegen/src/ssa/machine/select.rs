//! Which eBPF instruction does what.

use quadrant_bpf::insn::{Alu, Atomic, Cond as JumpCond, Insn, Reg, Size as Width};

use super::super::ir::{AtomicOp, BinOp, Cond, Size};

/// The register of that number; numbers come from the allocator and are at most 10.
pub fn reg(number: u8) -> Reg {
    Reg::from_number(number).unwrap_or(Reg::FP)
}

/// Width of a memory access.
pub fn width(size: Size) -> Width {
    match size {
        Size::B1 => Width::B,
        Size::B2 => Width::H,
        Size::B4 => Width::W,
        Size::B8 => Width::Dw,
    }
}

/// Arithmetic operation.
pub fn alu(op: BinOp) -> Alu {
    match op {
        BinOp::Add => Alu::Add,
        BinOp::Sub => Alu::Sub,
        BinOp::Mul => Alu::Mul,
        BinOp::Div => Alu::Div,
        BinOp::Mod => Alu::Mod,
        BinOp::And => Alu::And,
        BinOp::Or => Alu::Or,
        BinOp::Xor => Alu::Xor,
        BinOp::Shl => Alu::Lsh,
        BinOp::Shr => Alu::Rsh,
        BinOp::Sar => Alu::Arsh,
    }
}

/// Comparison of a jump; none for [`Cond::Clear`].
pub fn jump_cond(cond: Cond) -> Option<JumpCond> {
    Some(match cond {
        Cond::Eq => JumpCond::Eq,
        Cond::Ne => JumpCond::Ne,
        Cond::Ult => JumpCond::Lt,
        Cond::Ule => JumpCond::Le,
        Cond::Ugt => JumpCond::Gt,
        Cond::Uge => JumpCond::Ge,
        Cond::Slt => JumpCond::Slt,
        Cond::Sle => JumpCond::Sle,
        Cond::Sgt => JumpCond::Sgt,
        Cond::Sge => JumpCond::Sge,
        Cond::Test => JumpCond::Set,
        Cond::Clear => return None,
    })
}

/// An atomic update; `src` gets the old value if `fetch`.
pub fn atomic(op: AtomicOp, fetch: bool, size: Size, base: Reg, off: i16, src: Reg) -> Insn {
    let kind = match op {
        AtomicOp::Add => Atomic::Add,
        AtomicOp::Or => Atomic::Or,
        AtomicOp::And => Atomic::And,
        AtomicOp::Xor => Atomic::Xor,
        AtomicOp::Xchg => return Insn::xchg(width(size), base, off, src),
    };
    match fetch {
        true => Insn::atomic_fetch(kind, width(size), base, off, src),
        false => Insn::atomic(kind, width(size), base, off, src),
    }
}

/// Reverses the low bytes of `dst`, with instructions that all kernels have.
pub fn swap(dst: Reg, size: Size) -> Insn {
    let bits = size.bytes() as i32 * 8;
    if cfg!(target_endian = "little") { Insn::to_be(dst, bits) } else { Insn::to_le(dst, bits) }
}
