//! What a probe's arguments are, and where programs find them.

use quadrant_types::TypeId;

/// What a probe offers as arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Args {
    /// Named fields (`args.x`).
    pub fields: Vec<Field>,
    /// Numbered arguments with described places (`argN` of USDT); empty where the calling convention says where they are.
    pub numbered: Vec<ArgLoc>,
    /// The struct that the context is, where the kernel describes it (`ctx` of iterators).
    pub context: Option<TypeId>,
    /// It is in a program of 32 bits: words have four bytes, and the calling convention is i386's.
    pub narrow: bool,
}

/// A named argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its C type.
    pub ty: TypeId,
    /// Where it is.
    pub place: FieldPlace,
    /// Whether pointers in it point to user memory (system call arguments).
    pub user: bool,
}

/// Where a named argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldPlace {
    /// In the context at this offset, `size` bytes.
    Context {
        /// Bytes from the start.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// A `__data_loc` (or `__rel_loc`) field: its word is at this offset.
    DataLoc {
        /// Bytes from the start.
        offset: u32,
        /// Relative to the end of the word.
        relative: bool,
    },
    /// The `n`-th argument.
    Arg(u8),
    /// The function's result.
    Result,
    /// In a user program, where its debug information says.
    User(UserPlace),
}

/// The most words that a value in registers has.
pub const MOST_WORDS: usize = 3;

/// Where a value of a user program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserPlace {
    /// In up to three words, lowest first: a number, or a struct that is handed over in registers. C has two; Go's slices have three.
    Words {
        /// The words.
        words: [Operand; MOST_WORDS],
        /// How many count.
        count: u8,
    },
    /// In memory, at an offset from what a register (byte offset in `struct pt_regs`) holds.
    Memory {
        /// The register.
        base: u16,
        /// Bytes from there.
        disp: i64,
        /// What is there is the address of the value.
        indirect: bool,
    },
    /// Nowhere that a program can read.
    Absent(Absence),
}

/// Why a value of a user program cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Absence {
    /// It is in a vector or floating point register, which eBPF has no access to.
    Vector,
    /// The compiler threw it away.
    Optimized,
    /// It, or an argument before it, is of a class of C++ that may be handed over by its address or as it is.
    Class,
    /// It, or an argument before it, is of a type with more members, or deeper ones, than are looked at.
    Nested,
    /// The debug information does not say where it is, or in a way that is not understood.
    Unknown,
}

impl Absence {
    /// Why, in words that follow the name of the value and a colon.
    pub fn reason(self) -> &'static str {
        match self {
            Absence::Vector => "floating point values are handed over in XMM or x87 registers, which eBPF cannot read",
            Absence::Optimized => "the compiler has optimized it out",
            Absence::Class => {
                "the debug information does not tell whether a C++ class that is handed over here goes by its address"
            }
            Absence::Nested => {
                "a type that is handed over here has too many members, or too deep ones, to tell which registers it takes"
            }
            Absence::Unknown => "the debug information does not say where it is here",
        }
    }
}

/// Where a USDT argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArgLoc {
    /// Size in bytes: 1, 2, 4, 8.
    pub bytes: u8,
    /// Extends by its sign.
    pub signed: bool,
    /// A floating point number; its bits are there.
    pub float: bool,
    /// The operand.
    pub operand: Operand,
}

/// An operand of a USDT argument. Registers are byte offsets in `struct pt_regs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A constant.
    Const(i64),
    /// A register, shifted right by `shift` bits first (8 for `%ah`).
    Reg {
        /// Offset in `struct pt_regs`.
        reg: u16,
        /// Bits.
        shift: u8,
    },
    /// What a register holds plus a constant.
    Sum {
        /// Offset in `struct pt_regs`.
        reg: u16,
        /// The constant.
        add: i64,
    },
    /// User memory at `base + index * scale + disp`.
    Mem {
        /// Base register.
        base: Option<u16>,
        /// Index register.
        index: Option<u16>,
        /// 1, 2, 4 or 8.
        scale: u8,
        /// Displacement.
        disp: i64,
        /// Addresses have 32 bits: what is beyond counts from 0.
        narrow: bool,
    },
    /// A struct of any size in user memory at `base + index * scale + disp`: the argument is its address.
    Address {
        /// Base register.
        base: Option<u16>,
        /// Index register.
        index: Option<u16>,
        /// 1, 2, 4 or 8.
        scale: u8,
        /// Displacement.
        disp: i64,
        /// Addresses have 32 bits: what is beyond counts from 0.
        narrow: bool,
    },
    /// In a place that no program can read, such as a vector register: using the argument is an error.
    Unavailable,
}
