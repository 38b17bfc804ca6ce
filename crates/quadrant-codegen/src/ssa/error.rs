//! What can go wrong between the builder and the final code.

use std::fmt;

use super::ir::{Block, Value};

/// Why a function could not be built or turned into code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SsaError {
    /// The function.
    pub func: String,
    /// What is wrong with it.
    pub kind: SsaErrorKind,
}

/// The kinds of [`SsaError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SsaErrorKind {
    /// A jump leads to a block that was already started: the graph would not be acyclic in build order.
    JumpToStartedBlock(Block),
    /// A jump does not give as many arguments as the block has parameters.
    ArgumentCount(Block),
    /// A parameter was added to a block that has jumps to it or instructions in it.
    LateParameter(Block),
    /// A block has no terminator.
    OpenBlock(Block),
    /// A call has more than five arguments.
    TooManyArguments,
    /// A parameter number at or beyond the function's count, or more than five parameters.
    NoSuchParameter(u8),
    /// A value is used where its definition need not have happened.
    UndefinedValue(Value, Block),
    /// An entity (block, variable, slot) that does not belong to the function.
    Foreign(&'static str, u32),
    /// A width that the instruction does not have.
    BadWidth(Value),
    /// A slot with alignment that is not 1, 2, 4 or 8.
    BadAlignment(u32),
    /// An address offset beyond 32 bits.
    OffsetOverflow(Value),
    /// No register could be found for a value; a defect of the register allocator.
    NoRegister(Value),
    /// The stack frame needs so many bytes, more than the kernel's 512.
    FrameTooBig(u32),
    /// Calls nest deeper than the kernel's eight frames, or a function calls itself.
    TooManyFrames,
    /// A call or reference to a function that was never defined.
    UndefinedFunction(u32),
    /// The code has more instructions than any kernel takes.
    TooLong(usize),
}

impl fmt::Display for SsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function '{}': {}", self.func, self.kind)
    }
}

impl fmt::Display for SsaErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JumpToStartedBlock(block) => write!(f, "jump back to b{}: loops must be callbacks", block.0),
            Self::ArgumentCount(block) => write!(f, "wrong number of arguments in a jump to b{}", block.0),
            Self::LateParameter(block) => write!(f, "parameter added too late to b{}", block.0),
            Self::OpenBlock(block) => write!(f, "b{} has no terminator", block.0),
            Self::TooManyArguments => write!(f, "call with more than five arguments"),
            Self::NoSuchParameter(index) => write!(f, "no function parameter {index}"),
            Self::UndefinedValue(value, block) => {
                write!(f, "v{} is not defined on every way to its use in b{}", value.0, block.0)
            }
            Self::Foreign(what, index) => write!(f, "{what} {index} belongs to another function"),
            Self::BadWidth(value) => write!(f, "v{} has a width its instruction does not have", value.0),
            Self::BadAlignment(align) => write!(f, "stack slot with alignment {align}"),
            Self::OffsetOverflow(value) => write!(f, "address offset of v{} beyond 32 bits", value.0),
            Self::NoRegister(value) => write!(f, "no register for v{} (a defect of this program)", value.0),
            Self::FrameTooBig(bytes) => write!(f, "needs {bytes} bytes of stack, the kernel has 512"),
            Self::TooManyFrames => write!(f, "calls nest deeper than eight frames"),
            Self::UndefinedFunction(index) => write!(f, "function {index} is referred to but not defined"),
            Self::TooLong(insns) => write!(f, "{insns} instructions, the kernel takes 1000000"),
        }
    }
}

impl std::error::Error for SsaError {}
