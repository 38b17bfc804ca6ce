//! One eBPF instruction, and a constructor for every form that a compiler needs.
//!
//! The encoding is the kernel's (Documentation/bpf/standardization/instruction-set.rst): 8 bytes in native byte order,
//! and two such instructions for a 64-bit immediate. Jump distances count instructions from the one that follows the
//! jump.

mod operand;

pub use operand::*;

/// One instruction as the kernel reads it.
#[repr(C)]
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Insn {
    /// Class, operation, and size or source bits.
    pub code: u8,
    /// Destination register in the low nibble, source register in the high one.
    pub regs: u8,
    /// Memory offset in bytes, or jump distance in instructions.
    pub off: i16,
    /// Immediate operand.
    pub imm: i32,
}

/// Arithmetic.
impl Insn {
    /// `dst = dst op src`, 64 bits.
    pub const fn alu64_reg(op: Alu, dst: Reg, src: Reg) -> Insn {
        Insn::new(class::ALU64 | SRC_REG | op.code(), dst.number(), src.number(), op.off(), 0)
    }

    /// `dst = dst op imm`, 64 bits, the immediate sign-extended.
    pub const fn alu64_imm(op: Alu, dst: Reg, imm: i32) -> Insn {
        Insn::new(class::ALU64 | op.code(), dst.number(), 0, op.off(), imm)
    }

    /// `dst = (u32)(dst op src)`: 32 bits, the upper half of `dst` becomes 0.
    pub const fn alu32_reg(op: Alu, dst: Reg, src: Reg) -> Insn {
        Insn::new(class::ALU | SRC_REG | op.code(), dst.number(), src.number(), op.off(), 0)
    }

    /// `dst = (u32)(dst op imm)`: 32 bits, the upper half of `dst` becomes 0.
    pub const fn alu32_imm(op: Alu, dst: Reg, imm: i32) -> Insn {
        Insn::new(class::ALU | op.code(), dst.number(), 0, op.off(), imm)
    }

    /// `dst = src`.
    pub const fn mov64(dst: Reg, src: Reg) -> Insn {
        Insn::alu64_reg(Alu::Mov, dst, src)
    }

    /// `dst = imm`, sign-extended to 64 bits.
    pub const fn mov64_imm(dst: Reg, imm: i32) -> Insn {
        Insn::alu64_imm(Alu::Mov, dst, imm)
    }

    /// `dst = (u32)src`: also the way to zero-extend.
    pub const fn mov32(dst: Reg, src: Reg) -> Insn {
        Insn::alu32_reg(Alu::Mov, dst, src)
    }

    /// `dst = (u32)imm`.
    pub const fn mov32_imm(dst: Reg, imm: i32) -> Insn {
        Insn::alu32_imm(Alu::Mov, dst, imm)
    }

    /// `dst` = the low `bits` (8, 16 or 32) of `src`, sign-extended to 64 bits (Linux 6.6).
    pub const fn movsx64(dst: Reg, src: Reg, bits: i16) -> Insn {
        Insn::new(class::ALU64 | SRC_REG | Alu::Mov.code(), dst.number(), src.number(), bits, 0)
    }

    /// `dst` = the low `bits` (8 or 16) of `src`, sign-extended to 32 bits and zero-extended to 64 (Linux 6.6).
    pub const fn movsx32(dst: Reg, src: Reg, bits: i16) -> Insn {
        Insn::new(class::ALU | SRC_REG | Alu::Mov.code(), dst.number(), src.number(), bits, 0)
    }

    /// `dst = -dst`, 64 bits.
    pub const fn neg64(dst: Reg) -> Insn {
        Insn::new(class::ALU64 | NEG, dst.number(), 0, 0, 0)
    }

    /// `dst = (u32)-dst`.
    pub const fn neg32(dst: Reg) -> Insn {
        Insn::new(class::ALU | NEG, dst.number(), 0, 0, 0)
    }

    /// The low `bits` (16, 32 or 64) of `dst` from big-endian to native order or back; the rest becomes 0.
    pub const fn to_be(dst: Reg, bits: i32) -> Insn {
        Insn::new(class::ALU | SRC_REG | END, dst.number(), 0, 0, bits)
    }

    /// The low `bits` (16, 32 or 64) of `dst` from little-endian to native order or back; the rest becomes 0.
    pub const fn to_le(dst: Reg, bits: i32) -> Insn {
        Insn::new(class::ALU | END, dst.number(), 0, 0, bits)
    }

    /// The bytes of the low `bits` (16, 32 or 64) of `dst` reversed whatever the machine's order (Linux 6.6).
    pub const fn bswap(dst: Reg, bits: i32) -> Insn {
        Insn::new(class::ALU64 | END, dst.number(), 0, 0, bits)
    }
}

/// 64-bit immediates: each is two instructions.
impl Insn {
    /// `dst = value`.
    pub const fn ld_imm64(dst: Reg, value: u64) -> [Insn; 2] {
        Insn::imm64_pair(dst, Imm64::Value, value as u32 as i32, (value >> 32) as u32 as i32)
    }

    /// `dst` = the map behind descriptor `fd`.
    pub const fn ld_map_fd(dst: Reg, fd: i32) -> [Insn; 2] {
        Insn::imm64_pair(dst, Imm64::MapFd, fd, 0)
    }

    /// `dst` = address of byte `offset` of the value of the array map behind descriptor `fd`. The kernel allows this
    /// only for arrays of exactly one entry (ENOTSUPP otherwise), so data sections are one large value.
    pub const fn ld_map_value(dst: Reg, fd: i32, offset: u32) -> [Insn; 2] {
        Insn::imm64_pair(dst, Imm64::MapValue, fd, offset as i32)
    }

    /// `dst` = address of a function of this program; `distance` counts from the pair's *second* half, as calls count
    /// from the instruction after them.
    pub const fn ld_func(dst: Reg, distance: i32) -> [Insn; 2] {
        Insn::imm64_pair(dst, Imm64::Func, distance, 0)
    }

    /// The general form: `low` and `high` are the two immediates.
    pub const fn imm64_pair(dst: Reg, what: Imm64, low: i32, high: i32) -> [Insn; 2] {
        let first = Insn::new(class::LD | mode::IMM | Size::Dw as u8, dst.number(), what as u8, 0, low);
        [first, Insn::new(0, 0, 0, 0, high)]
    }
}

/// Memory.
impl Insn {
    /// `dst = *(uN *)(src + off)`, zero-extended.
    pub const fn ldx(size: Size, dst: Reg, src: Reg, off: i16) -> Insn {
        Insn::new(class::LDX | mode::MEM | size as u8, dst.number(), src.number(), off, 0)
    }

    /// `dst = *(sN *)(src + off)`, sign-extended; 1, 2 or 4 bytes (Linux 6.6).
    pub const fn ldxs(size: Size, dst: Reg, src: Reg, off: i16) -> Insn {
        Insn::new(class::LDX | mode::MEMSX | size as u8, dst.number(), src.number(), off, 0)
    }

    /// `*(uN *)(dst + off) = src`.
    pub const fn stx(size: Size, dst: Reg, off: i16, src: Reg) -> Insn {
        Insn::new(class::STX | mode::MEM | size as u8, dst.number(), src.number(), off, 0)
    }

    /// `*(uN *)(dst + off) = imm`, sign-extended for 8 bytes.
    pub const fn st(size: Size, dst: Reg, off: i16, imm: i32) -> Insn {
        Insn::new(class::ST | mode::MEM | size as u8, dst.number(), 0, off, imm)
    }

    /// `*(dst + off) op= src` as one atomic step; 4 or 8 bytes.
    pub const fn atomic(op: Atomic, size: Size, dst: Reg, off: i16, src: Reg) -> Insn {
        Insn::atomic_raw(size, dst, off, src, op as i32)
    }

    /// As [`Insn::atomic`], and `src` gets the old value (Linux 5.12).
    pub const fn atomic_fetch(op: Atomic, size: Size, dst: Reg, off: i16, src: Reg) -> Insn {
        Insn::atomic_raw(size, dst, off, src, op as i32 | FETCH)
    }

    /// Exchanges `*(dst + off)` and `src` (Linux 5.12).
    pub const fn xchg(size: Size, dst: Reg, off: i16, src: Reg) -> Insn {
        Insn::atomic_raw(size, dst, off, src, 0xe0 | FETCH)
    }

    /// `if (*(dst + off) == r0) *(dst + off) = src`; `r0` gets the old value either way (Linux 5.12).
    pub const fn cmpxchg(size: Size, dst: Reg, off: i16, src: Reg) -> Insn {
        Insn::atomic_raw(size, dst, off, src, 0xf0 | FETCH)
    }

    const fn atomic_raw(size: Size, dst: Reg, off: i16, src: Reg, imm: i32) -> Insn {
        Insn::new(class::STX | mode::ATOMIC | size as u8, dst.number(), src.number(), off, imm)
    }
}

/// Control flow.
impl Insn {
    /// Jump by `off` instructions.
    pub const fn ja(off: i16) -> Insn {
        Insn::new(class::JMP | JA, 0, 0, off, 0)
    }

    /// Jump by a 32-bit distance (Linux 6.6).
    pub const fn ja32(distance: i32) -> Insn {
        Insn::new(class::JMP32 | JA, 0, 0, 0, distance)
    }

    /// `if dst cond src goto off`, 64 bits.
    pub const fn jmp_reg(cond: Cond, dst: Reg, src: Reg, off: i16) -> Insn {
        Insn::new(class::JMP | SRC_REG | cond as u8, dst.number(), src.number(), off, 0)
    }

    /// `if dst cond imm goto off`, 64 bits, the immediate sign-extended.
    pub const fn jmp_imm(cond: Cond, dst: Reg, imm: i32, off: i16) -> Insn {
        Insn::new(class::JMP | cond as u8, dst.number(), 0, off, imm)
    }

    /// `if (u32)dst cond (u32)src goto off`.
    pub const fn jmp32_reg(cond: Cond, dst: Reg, src: Reg, off: i16) -> Insn {
        Insn::new(class::JMP32 | SRC_REG | cond as u8, dst.number(), src.number(), off, 0)
    }

    /// `if (u32)dst cond (u32)imm goto off`.
    pub const fn jmp32_imm(cond: Cond, dst: Reg, imm: i32, off: i16) -> Insn {
        Insn::new(class::JMP32 | cond as u8, dst.number(), 0, off, imm)
    }

    /// Calls the helper of that number.
    pub const fn call_helper(helper: u32) -> Insn {
        Insn::new(class::JMP | CALL, 0, CALL_HELPER, 0, helper as i32)
    }

    /// Calls a function of this program; `distance` counts instructions from the one after the call.
    pub const fn call_func(distance: i32) -> Insn {
        Insn::new(class::JMP | CALL, 0, CALL_PSEUDO, 0, distance)
    }

    /// Calls the kernel function of that BTF type id. `fd_index` is 0 for vmlinux, else the place of the module's BTF
    /// descriptor in the program's array of descriptors.
    pub const fn call_kfunc(btf_id: u32, fd_index: i16) -> Insn {
        Insn::new(class::JMP | CALL, 0, CALL_KFUNC, fd_index, btf_id as i32)
    }

    /// Returns `r0`.
    pub const fn exit() -> Insn {
        Insn::new(class::JMP | EXIT, 0, 0, 0, 0)
    }
}

/// Parts.
impl Insn {
    /// An instruction from its raw parts; register numbers are cut to 4 bits.
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
        Insn { code, regs: (dst & 0x0f) | (src << 4), off, imm }
    }

    /// Number in the destination field.
    pub const fn dst(self) -> u8 {
        self.regs & 0x0f
    }

    /// Number in the source field.
    pub const fn src(self) -> u8 {
        self.regs >> 4
    }

    /// The class bits of the code.
    pub const fn class(self) -> u8 {
        self.code & 0x07
    }

    /// Whether this is the first half of a 64-bit immediate load.
    pub const fn is_wide(self) -> bool {
        self.code == class::LD | mode::IMM | Size::Dw as u8
    }

    /// Whether this calls something: a helper function, a function of the kernel or one of the program.
    pub const fn is_call(self) -> bool {
        self.class() == class::JMP && self.code & 0xf0 == CALL
    }

    /// Whether this calls a helper function.
    pub const fn is_helper_call(self) -> bool {
        self.is_call() && self.src() == CALL_HELPER
    }

    /// The 8 bytes that the kernel reads, in native order.
    pub fn to_bytes(self) -> [u8; 8] {
        let (off, imm) = (self.off.to_ne_bytes(), self.imm.to_ne_bytes());
        [self.code, self.native_regs(), off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }

    /// The instruction in those 8 bytes (native order).
    pub fn from_bytes(bytes: [u8; 8]) -> Insn {
        let [code, regs, o0, o1, i0, i1, i2, i3] = bytes;
        let insn = Insn { code, regs, off: i16::from_ne_bytes([o0, o1]), imm: i32::from_ne_bytes([i0, i1, i2, i3]) };
        Insn { regs: insn.native_regs(), ..insn }
    }

    /// The kernel declares the two nibbles as bit fields, so their order follows the machine's byte order.
    const fn native_regs(self) -> u8 {
        if cfg!(target_endian = "big") { self.regs.rotate_left(4) } else { self.regs }
    }
}

/// A whole program as the kernel reads it.
pub fn to_bytes(insns: &[Insn]) -> Vec<u8> {
    insns.iter().flat_map(|insn| insn.to_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_eight_bytes() {
        assert_eq!(std::mem::size_of::<Insn>(), 8);
    }

    #[test]
    fn encodes_as_the_kernel_documents() {
        assert_eq!(Insn::mov64_imm(Reg::R0, 0).code, 0xb7);
        assert_eq!(Insn::exit().code, 0x95);
        assert_eq!(Insn::call_helper(14).code, 0x85);
        assert_eq!(Insn::ldx(Size::Dw, Reg::R1, Reg::R6, 8).code, 0x79);
        assert_eq!(Insn::ldxs(Size::W, Reg::R1, Reg::R6, 8).code, 0x81);
        assert_eq!(Insn::stx(Size::B, Reg::R10, -8, Reg::R1).code, 0x73);
        assert_eq!(Insn::st(Size::H, Reg::R10, -8, 1).code, 0x6a);
        assert_eq!(Insn::atomic(Atomic::Add, Size::Dw, Reg::R1, 0, Reg::R2).code, 0xdb);
        assert_eq!(Insn::to_be(Reg::R1, 16).code, 0xdc);
        assert_eq!(Insn::bswap(Reg::R1, 64).code, 0xd7);
        assert_eq!(Insn::jmp_imm(Cond::Ne, Reg::R1, 0, 3).code, 0x55);
        assert_eq!(Insn::jmp32_reg(Cond::Lt, Reg::R1, Reg::R2, 3).code, 0xae);
        assert_eq!(Insn::alu64_reg(Alu::Sdiv, Reg::R1, Reg::R2).off, 1);
    }

    #[test]
    fn splits_wide_immediates() {
        let [low, high] = Insn::ld_imm64(Reg::R3, 0xfeed_beef_8000_0001);
        assert!(low.is_wide());
        assert_eq!((low.imm as u32, high.imm as u32), (0x8000_0001, 0xfeed_beef));
        assert_eq!((low.dst(), low.src(), high.code), (3, 0, 0));
    }

    #[test]
    fn bytes_round_trip() {
        let insn = Insn::new(0x7b, 10, 3, -16, -2);
        assert_eq!((insn.dst(), insn.src()), (10, 3));
        assert_eq!(Insn::from_bytes(insn.to_bytes()), insn);
    }

    #[test]
    fn negated_conditions_are_involutions() {
        for cond in [Cond::Eq, Cond::Gt, Cond::Ge, Cond::Sgt, Cond::Sge] {
            assert_eq!(cond.negated().and_then(Cond::negated), Some(cond));
            assert_eq!(cond.swapped().swapped(), cond);
        }
        assert_eq!(Cond::Set.negated(), None);
    }
}
