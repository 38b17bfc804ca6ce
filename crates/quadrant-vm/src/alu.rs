//! Arithmetic and comparisons.

use quadrant_bpf::insn::{Alu, Cond, END, Insn, NEG, class};

use crate::error::{Step, VmErrorKind};

/// The bits of an operation code that name the operation.
const OPERATION: u8 = 0xf0;
/// The bit that says that the operand is a register; for byte swaps, that the order is big-endian.
const SOURCE: u8 = 0x08;

/// The result of an arithmetic instruction of class ALU or ALU64. `dst` is unused by moves.
pub(crate) fn alu(insn: Insn, dst: u64, src: u64) -> Step<u64> {
    let wide = insn.class() == class::ALU64;
    match insn.code & OPERATION {
        END => swap(insn, dst),
        NEG => Ok(narrow(dst.wrapping_neg(), wide)),
        operation if operation == Alu::Mov.code() => mov(insn, src, wide),
        _ if wide => alu64(insn, dst, src),
        _ => alu32(insn, dst as u32, src as u32).map(u64::from),
    }
}

/// Whether the condition of a jump holds.
pub(crate) fn condition(insn: Insn, dst: u64, src: u64) -> Step<bool> {
    let (dst, src, sdst, ssrc) = match insn.class() {
        class::JMP32 => (dst as u32 as u64, src as u32 as u64, i64::from(dst as i32), i64::from(src as i32)),
        _ => (dst, src, dst as i64, src as i64),
    };
    let operation = insn.code & OPERATION;
    let is = |cond: Cond| operation == cond as u8;
    Ok(match () {
        () if is(Cond::Eq) => dst == src,
        () if is(Cond::Ne) => dst != src,
        () if is(Cond::Gt) => dst > src,
        () if is(Cond::Ge) => dst >= src,
        () if is(Cond::Lt) => dst < src,
        () if is(Cond::Le) => dst <= src,
        () if is(Cond::Set) => dst & src != 0,
        () if is(Cond::Sgt) => sdst > ssrc,
        () if is(Cond::Sge) => sdst >= ssrc,
        () if is(Cond::Slt) => sdst < ssrc,
        () if is(Cond::Sle) => sdst <= ssrc,
        () => return Err(VmErrorKind::BadInstruction(insn.code)),
    })
}

fn narrow(value: u64, wide: bool) -> u64 {
    if wide { value } else { u64::from(value as u32) }
}

fn mov(insn: Insn, src: u64, wide: bool) -> Step<u64> {
    let extended = match (insn.code & SOURCE, insn.off) {
        (_, 0) => src,
        (SOURCE, 8) => src as i8 as u64,
        (SOURCE, 16) => src as i16 as u64,
        (SOURCE, 32) if wide => src as i32 as u64,
        _ => return Err(VmErrorKind::BadInstruction(insn.code)),
    };
    Ok(narrow(extended, wide))
}

fn swap(insn: Insn, dst: u64) -> Step<u64> {
    let to_big = insn.code & SOURCE != 0;
    let always = insn.class() == class::ALU64;
    if always && to_big {
        return Err(VmErrorKind::BadInstruction(insn.code));
    }
    let swaps = always || to_big != cfg!(target_endian = "big");
    match (insn.imm, swaps) {
        (16, true) => Ok((dst as u16).swap_bytes().into()),
        (32, true) => Ok((dst as u32).swap_bytes().into()),
        (64, true) => Ok(dst.swap_bytes()),
        (16, false) => Ok((dst as u16).into()),
        (32, false) => Ok((dst as u32).into()),
        (64, false) => Ok(dst),
        _ => Err(VmErrorKind::BadInstruction(insn.code)),
    }
}

fn alu64(insn: Insn, dst: u64, src: u64) -> Step<u64> {
    let signed = insn.off == 1;
    let operation = insn.code & OPERATION;
    let is = |op: Alu| operation == op.code();
    Ok(match () {
        () if is(Alu::Add) => dst.wrapping_add(src),
        () if is(Alu::Sub) => dst.wrapping_sub(src),
        () if is(Alu::Mul) => dst.wrapping_mul(src),
        () if is(Alu::Or) => dst | src,
        () if is(Alu::And) => dst & src,
        () if is(Alu::Xor) => dst ^ src,
        () if is(Alu::Lsh) => dst << (src & 63),
        () if is(Alu::Rsh) => dst >> (src & 63),
        () if is(Alu::Arsh) => ((dst as i64) >> (src & 63)) as u64,
        () if is(Alu::Div) && src == 0 => 0,
        () if is(Alu::Mod) && src == 0 => dst,
        () if is(Alu::Div) && signed => (dst as i64).wrapping_div(src as i64) as u64,
        () if is(Alu::Mod) && signed => (dst as i64).wrapping_rem(src as i64) as u64,
        () if is(Alu::Div) => dst / src,
        () if is(Alu::Mod) => dst % src,
        () => return Err(VmErrorKind::BadInstruction(insn.code)),
    })
}

fn alu32(insn: Insn, dst: u32, src: u32) -> Step<u32> {
    let signed = insn.off == 1;
    let operation = insn.code & OPERATION;
    let is = |op: Alu| operation == op.code();
    Ok(match () {
        () if is(Alu::Add) => dst.wrapping_add(src),
        () if is(Alu::Sub) => dst.wrapping_sub(src),
        () if is(Alu::Mul) => dst.wrapping_mul(src),
        () if is(Alu::Or) => dst | src,
        () if is(Alu::And) => dst & src,
        () if is(Alu::Xor) => dst ^ src,
        () if is(Alu::Lsh) => dst << (src & 31),
        () if is(Alu::Rsh) => dst >> (src & 31),
        () if is(Alu::Arsh) => ((dst as i32) >> (src & 31)) as u32,
        () if is(Alu::Div) && src == 0 => 0,
        () if is(Alu::Mod) && src == 0 => dst,
        () if is(Alu::Div) && signed => (dst as i32).wrapping_div(src as i32) as u32,
        () if is(Alu::Mod) && signed => (dst as i32).wrapping_rem(src as i32) as u32,
        () if is(Alu::Div) => dst / src,
        () if is(Alu::Mod) => dst % src,
        () => return Err(VmErrorKind::BadInstruction(insn.code)),
    })
}
