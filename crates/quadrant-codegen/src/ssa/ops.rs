//! Operations on numbers: arithmetic, comparisons, widths.

/// Two-operand arithmetic on 64-bit values. Division by zero gives 0, modulo by zero gives the
/// dividend (what the kernel defines); shift counts are taken modulo 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinOp {
    /// Wrapping sum.
    Add,
    /// Wrapping difference.
    Sub,
    /// Wrapping product.
    Mul,
    /// Unsigned quotient.
    Div,
    /// Unsigned remainder.
    Mod,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left.
    Shl,
    /// Shift right, filling with zeros.
    Shr,
    /// Shift right, filling with the sign.
    Sar,
}

/// A comparison of two 64-bit values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cond {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Unsigned less than.
    Ult,
    /// Unsigned less or equal.
    Ule,
    /// Unsigned greater than.
    Ugt,
    /// Unsigned greater or equal.
    Uge,
    /// Signed less than.
    Slt,
    /// Signed less or equal.
    Sle,
    /// Signed greater than.
    Sgt,
    /// Signed greater or equal.
    Sge,
    /// `lhs & rhs != 0`; its negation is [`Cond::Clear`].
    Test,
    /// `lhs & rhs == 0`.
    Clear,
}

/// The width of a memory access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Size {
    /// One byte.
    B1,
    /// Two bytes.
    B2,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}

/// What an atomic instruction does to memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AtomicOp {
    /// Add.
    Add,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Bitwise exclusive or.
    Xor,
    /// Exchange; always fetches.
    Xchg,
}

impl BinOp {
    /// The result on two numbers.
    pub fn eval(self, lhs: u64, rhs: u64) -> u64 {
        match self {
            BinOp::Add => lhs.wrapping_add(rhs),
            BinOp::Sub => lhs.wrapping_sub(rhs),
            BinOp::Mul => lhs.wrapping_mul(rhs),
            BinOp::Div => lhs.checked_div(rhs).unwrap_or(0),
            BinOp::Mod => lhs.checked_rem(rhs).unwrap_or(lhs),
            BinOp::And => lhs & rhs,
            BinOp::Or => lhs | rhs,
            BinOp::Xor => lhs ^ rhs,
            BinOp::Shl => lhs.wrapping_shl(rhs as u32),
            BinOp::Shr => lhs.wrapping_shr(rhs as u32),
            BinOp::Sar => (lhs as i64).wrapping_shr(rhs as u32) as u64,
        }
    }

    /// Whether the operands may be exchanged.
    pub fn is_commutative(self) -> bool {
        matches!(self, BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor)
    }
}

impl Cond {
    /// Whether the comparison holds for two numbers.
    pub fn eval(self, lhs: u64, rhs: u64) -> bool {
        let (slhs, srhs) = (lhs as i64, rhs as i64);
        match self {
            Cond::Eq => lhs == rhs,
            Cond::Ne => lhs != rhs,
            Cond::Ult => lhs < rhs,
            Cond::Ule => lhs <= rhs,
            Cond::Ugt => lhs > rhs,
            Cond::Uge => lhs >= rhs,
            Cond::Slt => slhs < srhs,
            Cond::Sle => slhs <= srhs,
            Cond::Sgt => slhs > srhs,
            Cond::Sge => slhs >= srhs,
            Cond::Test => lhs & rhs != 0,
            Cond::Clear => lhs & rhs == 0,
        }
    }

    /// The condition that holds exactly when this one does not.
    pub fn negate(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::Ult => Cond::Uge,
            Cond::Ule => Cond::Ugt,
            Cond::Ugt => Cond::Ule,
            Cond::Uge => Cond::Ult,
            Cond::Slt => Cond::Sge,
            Cond::Sle => Cond::Sgt,
            Cond::Sgt => Cond::Sle,
            Cond::Sge => Cond::Slt,
            Cond::Test => Cond::Clear,
            Cond::Clear => Cond::Test,
        }
    }

    /// The condition with its operands exchanged.
    pub fn swap(self) -> Cond {
        match self {
            Cond::Ult => Cond::Ugt,
            Cond::Ule => Cond::Uge,
            Cond::Ugt => Cond::Ult,
            Cond::Uge => Cond::Ule,
            Cond::Slt => Cond::Sgt,
            Cond::Sle => Cond::Sge,
            Cond::Sgt => Cond::Slt,
            Cond::Sge => Cond::Sle,
            same => same,
        }
    }
}

impl Size {
    /// All bits of that width set.
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bytes() * 8)
    }

    /// The width in bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Size::B1 => 1,
            Size::B2 => 2,
            Size::B4 => 4,
            Size::B8 => 8,
        }
    }

    /// The width of that many bytes, if there is one.
    pub fn from_bytes(bytes: u32) -> Option<Size> {
        match bytes {
            1 => Some(Size::B1),
            2 => Some(Size::B2),
            4 => Some(Size::B4),
            8 => Some(Size::B8),
            _ => None,
        }
    }
}
