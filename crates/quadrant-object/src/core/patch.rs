//! Putting an answer into its instruction.

use quadrant_bpf::insn::Insn;

use super::Outcome;
use crate::error::{Error, Result};

/// The number of a helper that no kernel has; it plus the number of the relocation is what a broken instruction calls. Libbpf uses
/// the same, so that people find it.
pub(crate) const CORE_POISON: i32 = 195_896_080;

/// Classes of instructions (instruction-set.rst).
const LD: u8 = 0;
const LDX: u8 = 1;
const ST: u8 = 2;
const STX: u8 = 3;
const ALU: u8 = 4;
const ALU64: u8 = 7;
/// An operand in a register.
const SOURCE_REGISTER: u8 = 8;
const SIZE_BITS: u8 = 0x18;
const CALL: u8 = 0x85;

/// Changes the instruction at that place; what has no answer becomes a call that the verifier refuses if it can be reached.
/// Returns whether the instruction is usable.
pub(crate) fn patch(insns: &mut [Insn], at: usize, number: usize, outcome: &Outcome) -> Result<bool> {
    let bad = |why: String| Error::malformed(format!("CO-RE relocation of instruction {at} ({}): {why}", outcome.what));
    let insn = *insns.get(at).ok_or_else(|| bad("there is no such instruction".to_owned()))?;
    let Some(new) = outcome.number else {
        poison(insns, at, number);
        return Ok(false);
    };
    let check = |found: u64| match outcome.expected {
        Some(expected) if expected != found => {
            Err(bad(format!("the compiler wrote {found}, and {expected} was expected")))
        }
        _ => Ok(()),
    };
    match insn.code & 7 {
        ALU | ALU64 if insn.code & SOURCE_REGISTER == 0 => {
            check(u64::from(insn.imm as u32)).or_else(|error| check(insn.imm as i64 as u64).map_err(|_| error))?;
            insns[at].imm = new as u32 as i32;
        }
        LDX | ST | STX => {
            if let Some((_, _, false)) = outcome.resize {
                poison(insns, at, number);
                return Ok(false);
            }
            check(insn.off as i64 as u64)?;
            let offset = i16::try_from(new).map_err(|_| bad(format!("the offset {new} does not fit")))?;
            insns[at].off = offset;
            if let Some((old, new, _)) = outcome.resize {
                insns[at].code =
                    resized(insn.code, old, new).ok_or_else(|| bad(format!("no access has {new} bytes")))?;
            }
        }
        LD if insn.is_wide() && at + 1 < insns.len() => {
            check(u64::from(insn.imm as u32) | u64::from(insns[at + 1].imm as u32) << 32)?;
            insns[at].imm = new as u32 as i32;
            insns[at + 1].imm = (new >> 32) as u32 as i32;
        }
        _ => return Err(bad(format!("an instruction of code {:#x} cannot be changed", insn.code))),
    }
    Ok(true)
}

/// Both halves of a wide instruction, so that no jump lands in the middle of one.
fn poison(insns: &mut [Insn], at: usize, number: usize) {
    let broken = Insn { code: CALL, regs: 0, off: 0, imm: CORE_POISON.wrapping_add(number as i32) };
    if insns[at].is_wide() && at + 1 < insns.len() {
        insns[at + 1] = broken;
    }
    insns[at] = broken;
}

fn resized(code: u8, old: u32, new: u32) -> Option<u8> {
    let bits = |bytes| match bytes {
        1 => Some(0x10),
        2 => Some(0x08),
        4 => Some(0x00),
        8 => Some(0x18),
        _ => None,
    };
    (code & SIZE_BITS == bits(old)?).then_some(code & !SIZE_BITS | bits(new)?)
}
