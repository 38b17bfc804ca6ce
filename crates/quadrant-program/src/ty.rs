//! The types of values in a script.

use std::sync::Arc;

use quadrant_types::TypeId;

/// Where an address points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// Kernel memory: read with `bpf_probe_read_kernel`.
    Kernel,
    /// The current process's memory: read with `bpf_probe_read_user`.
    User,
    /// Either of the two: the address itself tells which (`bpf_probe_read`).
    Any,
    /// The probe's context (a tracepoint's record): read in place.
    Context,
    /// Memory that the program itself owns (stack, scratch, map value): read in place.
    Program,
}

/// The type of a value.
///
/// *Scalars* ([`Type::is_scalar`]) are held in one 64-bit register; everything else is held in memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// No value (a call used as a statement).
    None,
    /// True or false.
    Bool,
    /// An integer of 1, 2, 4 or 8 bytes. In a register it is always extended to 64 bits by its sign.
    Int {
        /// Width in bytes: 1, 2, 4 or 8.
        bytes: u8,
        /// Two's complement when true.
        signed: bool,
    },
    /// A floating point number, in C layout. Programs do no more with it than to move it and to take its whole part.
    Float {
        /// Width in bytes: 4, 8, or more for a `long double`, which is held in memory.
        bytes: u8,
    },
    /// A C enumeration: an integer whose values have names.
    Enum(Arc<EnumType>),
    /// An address of something of a C type.
    Pointer {
        /// What it points at.
        to: TypeId,
        /// Where.
        space: Space,
    },
    /// A C struct or union.
    Record(Arc<RecordType>),
    /// A C array, in C layout.
    Array {
        /// Type of the elements.
        elem: Arc<Type>,
        /// How many.
        len: u32,
    },
    /// Text of at most `cap` bytes, the terminating NUL included.
    String {
        /// Capacity in bytes, NUL included.
        cap: u32,
    },
    /// Bytes with a length.
    Buffer {
        /// Capacity in bytes.
        cap: u32,
    },
    /// Several values.
    Tuple(Arc<[Type]>),
    /// A stack trace.
    Stack(StackType),
    /// An address shown as a symbol, or as a part of what is known of it.
    Symbol {
        /// Of the process (true) or of the kernel.
        user: bool,
        /// What is shown.
        part: SymbolPart,
    },
    /// An IPv4 or IPv6 address.
    Inet,
    /// A MAC address.
    Mac,
    /// A user id shown as a name.
    Username,
    /// The name of a probe: an index into [`crate::Program::points`].
    ProbeName,
    /// The function of a probe: an index into [`crate::Program::points`].
    ProbeFunc,
    /// A point in time of the boot clock (ns) shown by this `strftime` format.
    Time(Arc<str>),
    /// An errno value shown as text.
    Errno,
    /// A system call number shown as a name.
    SyscallName,
    /// A signal number shown as a name.
    SignalName,
    /// A cgroup id shown as its path, in the hierarchies whose names match a pattern if there is one.
    CgroupPath(Option<Arc<str>>),
    /// A cgroup id shown as the container that it belongs to.
    Container,
}

impl Type {
    /// Signed 64-bit integer.
    pub const I64: Type = Type::Int { bytes: 8, signed: true };
    /// Unsigned 64-bit integer.
    pub const U64: Type = Type::Int { bytes: 8, signed: false };
    /// Unsigned 32-bit integer.
    pub const U32: Type = Type::Int { bytes: 4, signed: false };
    /// Signed 32-bit integer.
    pub const I32: Type = Type::Int { bytes: 4, signed: true };

    /// Held in one register.
    pub fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Type::None
                | Type::Record(_)
                | Type::Array { .. }
                | Type::String { .. }
                | Type::Buffer { .. }
                | Type::Tuple(_)
                | Type::Inet
                | Type::Float { bytes: 9.. }
                | Type::Symbol { user: true, .. }
        )
    }

    /// An integer, enumeration or truth value.
    pub fn is_integer(&self) -> bool {
        matches!(self, Type::Bool | Type::Int { .. } | Type::Enum(_))
    }

    /// An integer that is no truth value.
    pub fn is_number(&self) -> bool {
        self.is_integer() && *self != Type::Bool
    }

    /// Compares, divides and shifts as a signed number.
    pub fn is_signed(&self) -> bool {
        match self {
            Type::Int { signed, .. } => *signed,
            Type::Enum(e) => e.signed,
            _ => false,
        }
    }

    /// Bytes that a value takes in C memory; `None` for types that C does not have.
    pub fn c_size(&self) -> Option<u32> {
        match self {
            Type::Bool => Some(1),
            Type::Int { bytes, .. } | Type::Float { bytes } => Some((*bytes).into()),
            Type::Enum(e) => Some(e.bytes.into()),
            Type::Pointer { .. } => Some(8),
            Type::Record(r) => Some(r.size),
            Type::Array { elem, len } => elem.c_size()?.checked_mul(*len),
            Type::String { cap } => Some(*cap),
            _ => None,
        }
    }
}

/// What is shown of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SymbolPart {
    /// The symbol, in the way of the language.
    #[default]
    Symbol,
    /// The function: D's `func()`, `ufunc()`; offsets within it do not count, also not for telling keys apart.
    Function,
    /// The module or file: D's `mod()`, `umod()`; nothing else counts for telling keys apart.
    Module,
    /// The symbol with the offset: D's `uaddr()`.
    Address,
}

/// A C enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    /// Its tag; empty when it has none.
    pub name: String,
    /// Width in bytes.
    pub bytes: u8,
    /// Whether values are signed.
    pub signed: bool,
    /// Names and values.
    pub values: Vec<(String, i64)>,
}

/// A C struct or union.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordType {
    /// As C writes it: `struct task_struct`.
    pub name: String,
    /// The type it came from.
    pub ctype: TypeId,
    /// Size in bytes.
    pub size: u32,
    /// Members for printing; empty unless the script prints the whole record.
    pub fields: Vec<RecordField>,
    /// Instead of members, for printing: of an enumeration with data.
    pub variants: Option<Arc<RecordVariants>>,
}

/// The variants of an enumeration with data, for printing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordVariants {
    /// Offset in bytes of the number that tells which variant it is.
    pub tag_offset: u32,
    /// Its width in bytes; 0 if there is one variant.
    pub tag_bytes: u8,
    /// Values of the number, and the variant as a member: its type is a record of its data. The variant without value is meant by all
    /// other values.
    pub cases: Vec<(Option<u64>, RecordField)>,
}

impl RecordVariants {
    /// The variant that the bytes of a value are; `None` if they are none.
    pub fn of(&self, bytes: &[u8]) -> Option<&RecordField> {
        let start = self.tag_offset as usize;
        let tag = bytes.get(start..start.checked_add(self.tag_bytes.into())?)?;
        let is_it = |value: u64| tag == &value.to_le_bytes()[..tag.len()];
        let named = self.cases.iter().find(|(value, _)| value.is_some_and(is_it));
        named.or_else(|| self.cases.iter().find(|(value, _)| value.is_none())).map(|(_, field)| field)
    }
}

/// A member of a record, for printing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordField {
    /// Its name; empty when anonymous.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its type as C writes it: `pid_t`, `char [16]`; empty where no output shows it.
    pub type_name: String,
    /// Offset in bits from the start of the record.
    pub bit_offset: u32,
    /// Width in bits when it is a bit-field.
    pub bit_width: Option<u8>,
}

/// A stack trace's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StackType {
    /// Of the process (true) or of the kernel.
    pub user: bool,
    /// At most so many frames, 1 to 127.
    pub limit: u8,
    /// How it is printed.
    pub mode: StackMode,
}

/// How a stack trace is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StackMode {
    /// `symbol+offset`, one frame a line, with inlined frames.
    #[default]
    Bpftrace,
    /// `address symbol+offset (module)`, as perf prints it.
    Perf,
    /// Addresses only.
    Raw,
    /// Build id and file offset.
    BuildId,
    /// ``module`symbol+offset``, as DTrace prints it.
    Dtrace,
}
