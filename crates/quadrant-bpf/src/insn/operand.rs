//! What instructions are made of: registers, widths, operations, and the bits that encode them.

/// Instruction classes: the low three bits of [`super::Insn::code`].
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

/// Addressing modes of loads and stores: the high three bits of [`super::Insn::code`].
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

/// The operand is a register, not the immediate (bit 3 of [`super::Insn::code`] for arithmetic and jumps).
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
    /// Low half: descriptor of an array map that has one entry; high half: offset into its value. The register gets the
    /// address of the data.
    MapValue = 2,
    /// Low half: type id of a kernel variable; high half: descriptor of a module's BTF, or 0. The register gets its
    /// address.
    BtfId = 3,
    /// Low half: distance from the pair's second half to a function. The register gets the function's address (a
    /// callback).
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

/// An arithmetic operation with two operands. Shifts use the low 6 (64-bit) or 5 (32-bit) bits of the amount; the
/// kernel defines x / 0 = 0 and x % 0 = x.
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
    /// The operation bits of [`super::Insn::code`].
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

    /// The offset field, which tells signed from unsigned division.
    pub(super) const fn off(self) -> i16 {
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
