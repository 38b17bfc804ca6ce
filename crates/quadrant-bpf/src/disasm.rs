//! One line of text for each instruction, in the style of bpftool and of the verifier's log.

use std::fmt::Write;

use crate::helper;
use crate::insn::{self, Alu, Insn, Size, class, mode};

/// All instructions, one a line with its number, such as `   3: (15) if r1 == 0x0 goto pc+4`. The second half of a
/// 64-bit immediate has no line of its own.
pub fn listing(insns: &[Insn]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(insn) = insns.get(at) {
        let _ = writeln!(text, "{at:4}: ({:02x}) {}", insn.code, line(insns, at));
        at += if insn.is_wide() { 2 } else { 1 };
    }
    text
}

/// The instruction at that place, without number and newline; empty outside the program.
pub fn line(insns: &[Insn], at: usize) -> String {
    let Some(&insn) = insns.get(at) else { return String::new() };
    let text = match insn.class() {
        class::ALU | class::ALU64 => arithmetic(insn),
        class::JMP | class::JMP32 => jump(insn),
        class::LDX => load(insn),
        class::ST => Some(format!("{} = {}", memory(insn, insn.dst(), "u"), insn.imm)),
        class::STX => store(insn),
        _ => wide(insn, insns.get(at + 1).copied()),
    };
    text.unwrap_or_else(|| unknown(insn))
}

fn unknown(insn: Insn) -> String {
    format!("unknown {:02x} {:02x} {:04x} {:08x}", insn.code, insn.regs, insn.off, insn.imm)
}

/// `r` for 64 bits, `w` for 32.
fn register(insn: Insn, number: u8) -> String {
    let narrow = matches!(insn.class(), class::ALU | class::JMP32);
    format!("{}{number}", if narrow { 'w' } else { 'r' })
}

fn arithmetic(insn: Insn) -> Option<String> {
    let dst = register(insn, insn.dst());
    match insn.code & 0xf0 {
        insn::NEG => Some(format!("{dst} = -{dst}")),
        insn::END => Some(swap(insn)),
        code if code == Alu::Mov.code() => Some(format!("{dst} = {}", moved(insn))),
        code => Some(format!("{dst} {}= {}", operator(code, insn.off)?, operand(insn))),
    }
}

/// Sign-extending moves have the width in the offset field.
fn moved(insn: Insn) -> String {
    match insn.off {
        8 | 16 | 32 => format!("(s{}){}", insn.off, operand(insn)),
        _ => operand(insn),
    }
}

fn operand(insn: Insn) -> String {
    if insn.code & insn::SRC_REG != 0 { register(insn, insn.src()) } else { insn.imm.to_string() }
}

fn operator(code: u8, off: i16) -> Option<&'static str> {
    Some(match (code, off) {
        (0x00, _) => "+",
        (0x10, _) => "-",
        (0x20, _) => "*",
        (0x30, 1) => "s/",
        (0x30, _) => "/",
        (0x40, _) => "|",
        (0x50, _) => "&",
        (0x60, _) => "<<",
        (0x70, _) => ">>",
        (0x90, 1) => "s%",
        (0x90, _) => "%",
        (0xa0, _) => "^",
        (0xc0, _) => "s>>",
        _ => return None,
    })
}

fn swap(insn: Insn) -> String {
    let order = match (insn.class(), insn.code & insn::SRC_REG != 0) {
        (class::ALU64, _) => "bswap",
        (_, true) => "be",
        (_, false) => "le",
    };
    format!("r{0} = {order}{1} r{0}", insn.dst(), insn.imm)
}

/// A place in memory, `*(u64 *)(r6 +8)`.
fn memory(insn: Insn, base: u8, sign: &str) -> String {
    format!("*{}", pointer(insn, base, sign))
}

fn pointer(insn: Insn, base: u8, sign: &str) -> String {
    format!("({sign}{} *)(r{base} {:+})", bits(insn), insn.off)
}

fn bits(insn: Insn) -> usize {
    let sizes = [Size::B, Size::H, Size::W, Size::Dw];
    let size = sizes.into_iter().find(|size| *size as u8 == insn.code & 0x18);
    size.map_or(0, |size| size.bytes() * 8)
}

fn load(insn: Insn) -> Option<String> {
    let sign = match insn.code & 0xe0 {
        mode::MEM => "u",
        mode::MEMSX => "s",
        _ => return None,
    };
    Some(format!("r{} = {}", insn.dst(), memory(insn, insn.src(), sign)))
}

fn store(insn: Insn) -> Option<String> {
    match insn.code & 0xe0 {
        mode::MEM => Some(format!("{} = r{}", memory(insn, insn.dst(), "u"), insn.src())),
        mode::ATOMIC => atomic(insn),
        _ => None,
    }
}

fn atomic(insn: Insn) -> Option<String> {
    let (place, src) = (pointer(insn, insn.dst(), "u"), insn.src());
    let bits = if bits(insn) == 64 { "64" } else { "" };
    let (operation, name) = match insn.imm & !insn::FETCH {
        0x00 => ("+", "fetch_add"),
        0x40 => ("|", "fetch_or"),
        0x50 => ("&", "fetch_and"),
        0xa0 => ("^", "fetch_xor"),
        0xe0 => return Some(format!("r{src} = atomic{bits}_xchg({place}, r{src})")),
        0xf0 => return Some(format!("r0 = atomic{bits}_cmpxchg({place}, r0, r{src})")),
        _ => return None,
    };
    Some(match insn.imm & insn::FETCH {
        0 => format!("lock *{place} {operation}= r{src}"),
        _ => format!("r{src} = atomic{bits}_{name}({place}, r{src})"),
    })
}

fn wide(insn: Insn, next: Option<Insn>) -> Option<String> {
    let high = next.filter(|_| insn.is_wide())?.imm;
    let (dst, low) = (insn.dst(), insn.imm);
    Some(match insn.src() {
        0 => format!("r{dst} = {:#x}", (u64::from(high as u32) << 32) | u64::from(low as u32)),
        1 => format!("r{dst} = map[fd:{low}]"),
        2 => format!("r{dst} = map[fd:{low}][0]+{high}"),
        3 => format!("r{dst} = btf_id[{low}]"),
        4 => format!("r{dst} = subprog[{low:+}]"),
        5 => format!("r{dst} = map[idx:{low}]"),
        6 => format!("r{dst} = map[idx:{low}][0]+{high}"),
        _ => return None,
    })
}

fn jump(insn: Insn) -> Option<String> {
    match (insn.class(), insn.code & 0xf0) {
        (class::JMP, insn::CALL) => call(insn),
        (class::JMP, insn::EXIT) => Some("exit".to_owned()),
        (class::JMP, insn::JA) => Some(format!("goto pc{:+}", insn.off)),
        (_, insn::JA) => Some(format!("gotol pc{:+}", insn.imm)),
        (_, code) => {
            let (dst, right) = (register(insn, insn.dst()), right(insn));
            Some(format!("if {dst} {} {right} goto pc{:+}", comparison(code)?, insn.off))
        }
    }
}

/// Constants of comparisons are shown in hexadecimal, unlike those of arithmetic.
fn right(insn: Insn) -> String {
    if insn.code & insn::SRC_REG != 0 { register(insn, insn.src()) } else { format!("{:#x}", insn.imm) }
}

fn comparison(code: u8) -> Option<&'static str> {
    Some(match code {
        0x10 => "==",
        0x20 => ">",
        0x30 => ">=",
        0x40 => "&",
        0x50 => "!=",
        0x60 => "s>",
        0x70 => "s>=",
        0xa0 => "<",
        0xb0 => "<=",
        0xc0 => "s<",
        0xd0 => "s<=",
        _ => return None,
    })
}

fn call(insn: Insn) -> Option<String> {
    match insn.src() {
        insn::CALL_HELPER => {
            let name = helper::name(insn.imm as u32).unwrap_or_else(|| "unknown".to_owned());
            Some(format!("call {name}#{}", insn.imm))
        }
        insn::CALL_PSEUDO => Some(format!("call pc{:+}", insn.imm)),
        insn::CALL_KFUNC => Some(format!("call kernel-function#{}", insn.imm)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::{Atomic, Cond, Reg};

    fn one(insn: Insn) -> String {
        line(&[insn], 0)
    }

    #[test]
    fn arithmetic_reads_like_c() {
        assert_eq!(one(Insn::mov64(Reg::R6, Reg::R1)), "r6 = r1");
        assert_eq!(one(Insn::mov32_imm(Reg::R6, -1)), "w6 = -1");
        assert_eq!(one(Insn::alu64_imm(Alu::Add, Reg::R2, -8)), "r2 += -8");
        assert_eq!(one(Insn::alu32_reg(Alu::Smod, Reg::R2, Reg::R3)), "w2 s%= w3");
        assert_eq!(one(Insn::alu64_imm(Alu::Arsh, Reg::R2, 3)), "r2 s>>= 3");
        assert_eq!(one(Insn::neg64(Reg::R1)), "r1 = -r1");
        assert_eq!(one(Insn::movsx64(Reg::R1, Reg::R2, 16)), "r1 = (s16)r2");
        assert_eq!(one(Insn::to_be(Reg::R1, 16)), "r1 = be16 r1");
        assert_eq!(one(Insn::bswap(Reg::R1, 64)), "r1 = bswap64 r1");
    }

    #[test]
    fn memory_shows_width_and_offset() {
        assert_eq!(one(Insn::ldx(Size::Dw, Reg::R1, Reg::R6, 8)), "r1 = *(u64 *)(r6 +8)");
        assert_eq!(one(Insn::ldxs(Size::W, Reg::R1, Reg::R6, 0)), "r1 = *(s32 *)(r6 +0)");
        assert_eq!(one(Insn::stx(Size::B, Reg::R10, -8, Reg::R1)), "*(u8 *)(r10 -8) = r1");
        assert_eq!(one(Insn::st(Size::H, Reg::R10, -8, 5)), "*(u16 *)(r10 -8) = 5");
        assert_eq!(one(Insn::atomic(Atomic::Add, Size::Dw, Reg::R1, 0, Reg::R2)), "lock *(u64 *)(r1 +0) += r2");
        assert_eq!(
            one(Insn::atomic_fetch(Atomic::Or, Size::W, Reg::R1, 4, Reg::R2)),
            "r2 = atomic_fetch_or((u32 *)(r1 +4), r2)"
        );
        assert_eq!(one(Insn::cmpxchg(Size::Dw, Reg::R1, 0, Reg::R2)), "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)");
    }

    #[test]
    fn control_flow_names_targets() {
        assert_eq!(one(Insn::jmp_imm(Cond::Ne, Reg::R1, 0, 3)), "if r1 != 0x0 goto pc+3");
        assert_eq!(one(Insn::jmp32_reg(Cond::Slt, Reg::R1, Reg::R2, -3)), "if w1 s< w2 goto pc-3");
        assert_eq!(one(Insn::ja(0)), "goto pc+0");
        assert_eq!(one(Insn::call_helper(1)), "call bpf_map_lookup_elem#1");
        assert_eq!(one(Insn::call_helper(9999)), "call unknown#9999");
        assert_eq!(one(Insn::call_func(-4)), "call pc-4");
        assert_eq!(one(Insn::exit()), "exit");
    }

    #[test]
    fn wide_loads_take_two_places() {
        let mut insns = Insn::ld_map_value(Reg::R1, 3, 16).to_vec();
        insns.extend(Insn::ld_imm64(Reg::R2, 0x1_0000_0002));
        insns.push(Insn::exit());
        let expected = "   0: (18) r1 = map[fd:3][0]+16\n   2: (18) r2 = 0x100000002\n   4: (95) exit\n";
        assert_eq!(listing(&insns), expected);
    }

    #[test]
    fn anything_has_a_line() {
        for code in 0..=u8::MAX {
            for imm in [0, 1, 0x50, 0xf1, -1, i32::MIN] {
                assert!(!one(Insn::new(code, 15, 15, i16::MIN, imm)).is_empty());
            }
        }
        assert!(line(&[], 0).is_empty());
    }
}
