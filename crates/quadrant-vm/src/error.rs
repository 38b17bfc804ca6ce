//! Why a program was stopped.

use std::fmt;

/// A program did something that the kernel would refuse or that would hurt it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VmError {
    /// Index of the instruction.
    pub at: usize,
    /// What it did.
    pub kind: VmErrorKind,
}

/// The kinds of [`VmError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VmErrorKind {
    /// Access of so many bytes at an address near 0.
    NullAccess(u64, usize),
    /// Access of so many bytes at an address that is in no live region, or reaches beyond its region.
    BadAccess(u64, usize),
    /// Write to read-only memory.
    ReadOnly(u64),
    /// Read of stack bytes, or of a register, that were never written.
    Uninitialized(String),
    /// Jump or fall to a place that is not an instruction of the program.
    BadJump(i64),
    /// An instruction with that operation code that does not exist here.
    BadInstruction(u8),
    /// Write to the frame pointer.
    FramePointer,
    /// A helper or kernel function that does not exist here.
    UnknownFunction(u32),
    /// An argument of a helper that is not what it must be.
    BadArgument(&'static str),
    /// More frames than the kernel allows.
    TooDeep,
    /// More instructions than the run was given.
    OutOfBudget,
    /// Reserved records that were neither submitted nor discarded.
    LeakedReservations(usize),
}

impl fmt::Display for VmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}: {}", self.at, self.kind)
    }
}

impl fmt::Display for VmErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullAccess(addr, len) => write!(f, "access of {len} bytes through a null pointer ({addr:#x})"),
            Self::BadAccess(addr, len) => write!(f, "access of {len} bytes at {addr:#x}, outside of any region"),
            Self::ReadOnly(addr) => write!(f, "write to read-only memory at {addr:#x}"),
            Self::Uninitialized(what) => write!(f, "read of {what} that was never written"),
            Self::BadJump(to) => write!(f, "jump to {to}, which is no instruction"),
            Self::BadInstruction(code) => write!(f, "no instruction has code {code:#04x}"),
            Self::FramePointer => write!(f, "write to r10"),
            Self::UnknownFunction(number) => write!(f, "call of unknown function {number}"),
            Self::BadArgument(what) => write!(f, "bad argument: {what}"),
            Self::TooDeep => write!(f, "more than {} nested calls", crate::MAX_FRAMES),
            Self::OutOfBudget => write!(f, "instruction budget used up"),
            Self::LeakedReservations(count) => write!(f, "{count} reserved records never submitted nor discarded"),
        }
    }
}

impl std::error::Error for VmError {}

/// Result of something that has no instruction index yet.
pub(crate) type Step<T> = Result<T, VmErrorKind>;
