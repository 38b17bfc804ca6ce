//! One eBPF instruction, and a constructor for every form that a compiler needs.
//!
//! The encoding is the kernel's (Documentation/bpf/standardization/instruction-set.rst): 8 bytes in native byte order, and two such
//! instructions for a 64-bit immediate. Jump distances count instructions from the one that follows the jump.

/// Instruction classes: the low three bits of [`Insn::code`].
pub mod class {
    /// Non-standard loads; only the 64-bit immediate load is used.
    pub const LD: u8 = 0x00;
    /// Load from memory into a register.
    pub const LDX: u8 = 0x01;
    /// Store an immediate.
    pub const ST: u8 = 0x02;
    /// Store a register, and atomic operations.
    pub const STX: u8 = 0x03;
    /// 32-bit arithmetic.
    pub const ALU: u8 = 0x04;
    /// Jumps that compare 64 bits; calls and exit.
    pub const JMP: u8 = 0x05;
    /// Jumps that compare 32 bits.
    pub const JMP32: u8 = 0x06;
    /// 64-bit arithmetic.
    pub const ALU64: u8 = 0x07;
}

/// Addressing modes of loads and stores: the high three bits of [`Insn::code`].
pub mod mode {
    /// 64-bit immediate.
    pub const IMM: u8 = 0x00;
    /// Plain memory access.
    pub const MEM: u8 = 0x60;
    /// Load with sign extension.
    pub const MEMSX: u8 = 0x80;
    /// Atomic operation.
    pub const ATOMIC: u8 = 0xc0;
}

/// The operand is a register, not the immediate (bit 3 of [`Insn::code`] for arithmetic and jumps).
pub const SRC_REG: u8 = 0x08;
/// Operation code of a jump without a condition.
pub const JA: u8 = 0x00;
/// Operation code of a call.
pub const CALL: u8 = 0x80;
/// Operation code of a return.
pub const EXIT: u8 = 0x90;
/// Operation code of a byte swap.
pub const END: u8 = 0xd0;
/// Bit in the immediate of an atomic operation: also return the old value.
pub const FETCH: i32 = 0x01;

/// Value of the source field of a 64-bit immediate load: what the immediate stands for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Imm64 {
    /// The number itself.
    Value = 0,
    /// Low half: descriptor of a map. The register gets the map's address.
    MapFd = 1,
    /// Low half: descriptor of an array map that has one entry; high half: offset into its value. The register gets the address of the
    /// data.
    MapValue = 2,
    /// Low half: type id of a kernel variable; high half: descriptor of a module's BTF, or 0. The register gets its address.
    BtfId = 3,
    /// Low half: distance from the pair's second half to a function. The register gets the function's address (a callback).
    Func = 4,
    /// Low half: index into the program's array of descriptors. The register gets the map's address.
    MapIdx = 5,
    /// As [`Imm64::MapValue`] with an index into the array of descriptors.
    MapIdxValue = 6,
}

/// Value of the source field of a call that names a helper by number.
pub const CALL_HELPER: u8 = 0;
/// Value of the source field of a call to a function of the same program.
pub const CALL_PSEUDO: u8 = 1;
/// Value of the source field of a call to a kernel function by its BTF type id.
pub const CALL_KFUNC: u8 = 2;

/// A register. R0 holds results, R1 to R5 arguments, R6 to R9 survive calls, R10 is the read-only frame pointer.
#[allow(missing_docs, reason = "the names say it all")]
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Reg {
    R0 = 0,
    R1 = 1,
    R2 = 2,
    R3 = 3,
    R4 = 4,
    R5 = 5,
    R6 = 6,
    R7 = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
}

impl Reg {
    /// The frame pointer.
    pub const FP: Reg = Reg::R10;

    /// All registers in order.
    pub const ALL: [Reg; 11] =
        [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5, Reg::R6, Reg::R7, Reg::R8, Reg::R9, Reg::R10];

    /// The register of that number, if there is one.
    pub fn from_number(number: u8) -> Option<Reg> {
        Reg::ALL.get(usize::from(number)).copied()
    }

    /// The register's number, 0 to 10.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl std::fmt::Display for Reg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "r{}", self.number())
    }
}

/// Width of a memory access.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Size {
    /// One byte.
    B = 0x10,
    /// Two bytes.
    H = 0x08,
    /// Four bytes.
    W = 0x00,
    /// Eight bytes.
    Dw = 0x18,
}

impl Size {
    /// The width in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::Dw => 8,
        }
    }

    /// The width of that many bytes, if it is 1, 2, 4 or 8.
    pub const fn from_bytes(bytes: usize) -> Option<Size> {
        match bytes {
            1 => Some(Size::B),
            2 => Some(Size::H),
            4 => Some(Size::W),
            8 => Some(Size::Dw),
            _ => None,
        }
    }
}

/// An arithmetic operation with two operands. Shifts use the low 6 (64-bit) or 5 (32-bit) bits of the amount; the kernel defines
/// x / 0 = 0 and x % 0 = x.
#[allow(missing_docs, reason = "the names say it all")]
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Alu {
    Add,
    Sub,
    Mul,
    Div,
    Or,
    And,
    Lsh,
    Rsh,
    Mod,
    Xor,
    Mov,
    /// Arithmetic (sign-keeping) right shift.
    Arsh,
    /// Signed division (Linux 6.6).
    Sdiv,
    /// Signed remainder (Linux 6.6).
    Smod,
}

impl Alu {
    /// The operation bits of [`Insn::code`].
    pub const fn code(self) -> u8 {
        match self {
            Alu::Add => 0x00,
            Alu::Sub => 0x10,
            Alu::Mul => 0x20,
            Alu::Div | Alu::Sdiv => 0x30,
            Alu::Or => 0x40,
            Alu::And => 0x50,
            Alu::Lsh => 0x60,
            Alu::Rsh => 0x70,
            Alu::Mod | Alu::Smod => 0x90,
            Alu::Xor => 0xa0,
            Alu::Mov => 0xb0,
            Alu::Arsh => 0xc0,
        }
    }

    const fn off(self) -> i16 {
        matches!(self, Alu::Sdiv | Alu::Smod) as i16
    }
}

/// Operation bits of a negation.
pub const NEG: u8 = 0x80;

/// The comparison of a conditional jump.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Cond {
    /// Equal.
    Eq = 0x10,
    /// Unsigned greater.
    Gt = 0x20,
    /// Unsigned greater or equal.
    Ge = 0x30,
    /// Any common bit set.
    Set = 0x40,
    /// Not equal.
    Ne = 0x50,
    /// Signed greater.
    Sgt = 0x60,
    /// Signed greater or equal.
    Sge = 0x70,
    /// Unsigned less.
    Lt = 0xa0,
    /// Unsigned less or equal.
    Le = 0xb0,
    /// Signed less.
    Slt = 0xc0,
    /// Signed less or equal.
    Sle = 0xd0,
}

impl Cond {
    /// The comparison that is true exactly when this one is false; none for [`Cond::Set`].
    pub const fn negated(self) -> Option<Cond> {
        Some(match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::Gt => Cond::Le,
            Cond::Le => Cond::Gt,
            Cond::Ge => Cond::Lt,
            Cond::Lt => Cond::Ge,
            Cond::Sgt => Cond::Sle,
            Cond::Sle => Cond::Sgt,
            Cond::Sge => Cond::Slt,
            Cond::Slt => Cond::Sge,
            Cond::Set => return None,
        })
    }

    /// The comparison with its operands exchanged (a < b is b > a).
    pub const fn swapped(self) -> Cond {
        match self {
            Cond::Gt => Cond::Lt,
            Cond::Lt => Cond::Gt,
            Cond::Ge => Cond::Le,
            Cond::Le => Cond::Ge,
            Cond::Sgt => Cond::Slt,
            Cond::Slt => Cond::Sgt,
            Cond::Sge => Cond::Sle,
            Cond::Sle => Cond::Sge,
            Cond::Eq | Cond::Ne | Cond::Set => self,
        }
    }
}

/// An atomic operation on memory (4 or 8 bytes).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Atomic {
    /// `*(dst + off) += src`
    Add = 0x00,
    /// `*(dst + off) |= src`
    Or = 0x40,
    /// `*(dst + off) &= src`
    And = 0x50,
    /// `*(dst + off) ^= src`
    Xor = 0xa0,
}

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

    /// `dst` = address of byte `offset` of the value of the array map behind descriptor `fd`. The kernel allows this only for arrays of
    /// exactly one entry (ENOTSUPP otherwise), so data sections are one large value.
    pub const fn ld_map_value(dst: Reg, fd: i32, offset: u32) -> [Insn; 2] {
        Insn::imm64_pair(dst, Imm64::MapValue, fd, offset as i32)
    }

    /// `dst` = address of the kernel variable of that BTF type id; `btf_fd` 0 is vmlinux.
    pub const fn ld_btf_id(dst: Reg, btf_id: u32, btf_fd: i32) -> [Insn; 2] {
        Insn::imm64_pair(dst, Imm64::BtfId, btf_id as i32, btf_fd)
    }

    /// `dst` = address of a function of this program; `distance` counts from the pair's *second* half, as calls count from the
    /// instruction after them.
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

    /// Calls the kernel function of that BTF type id. `fd_index` is 0 for vmlinux, else the place of the module's BTF descriptor in
    /// the program's array of descriptors.
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
