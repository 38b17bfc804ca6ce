//! Typed expressions.

use std::sync::Arc;

use crate::map::MapId;
use crate::probe::ArgLoc;
use crate::program::Fault;
use crate::record::RecordId;
use crate::span::Span;
use crate::ty::Space;
use crate::ty::StackType;
use crate::ty::Type;

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of the result.
    pub ty: Type,
    /// Where it stands in the script.
    pub span: Span,
}

impl Expr {
    /// An expression.
    pub fn new(kind: ExprKind, ty: Type, span: Span) -> Expr {
        Expr { kind, ty, span }
    }

    /// An integer constant of type `ty`.
    pub fn int(value: i64, ty: Type, span: Span) -> Expr {
        Expr::new(ExprKind::Int(value), ty, span)
    }
}

/// A script variable (`$x`): an index into [`crate::Program::vars`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

/// What an expression computes.
///
/// Operands have been converted: both sides of a binary operator have the same width and signedness unless said.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A constant, already extended to 64 bits.
    Int(i64),
    /// A constant that the loader adjusts.
    Core(Arc<crate::core::Relocation>),
    /// Constant text, without the terminating NUL. Type: `String { cap: len + 1 }`.
    Str(Arc<[u8]>),
    /// A variable.
    Var(VarId),
    /// The value of a map; zero or empty when there is none. For an aggregation: count, sum, minimum, maximum or average so far.
    MapGet {
        /// The map.
        map: MapId,
        /// The key; `None` for a map without keys.
        key: Option<Box<Expr>>,
    },
    /// Whether a key is there.
    MapHas {
        /// The map.
        map: MapId,
        /// The key; `None` for a map without keys.
        key: Option<Box<Expr>>,
    },
    /// How many keys a map has.
    MapLen(MapId),
    /// Remove a key; the value is whether it was there. Usable as a statement.
    MapDelete {
        /// The map.
        map: MapId,
        /// The key; `None` for a map without keys.
        key: Option<Box<Expr>>,
    },
    /// Something known of the current task, CPU or time.
    Builtin(Builtin),
    /// The `n`-th argument in the calling convention (uprobe, kprobe: registers, then stack; raw tracepoint: context words).
    Arg(u8),
    /// The value that the function returned.
    Retval,
    /// A register of the interrupted context: byte offset in `struct pt_regs`.
    Reg(u16),
    /// An argument with a described place (USDT).
    ArgAt(ArgLoc),
    /// The address of the context plus an offset. Type: `Pointer` in [`Space::Context`].
    ContextAddr(u32),
    /// The address of a tracepoint's `__data_loc` field whose word is at `offset`: context + (word & 0xffff).
    DataLoc {
        /// Offset of the 32-bit word in the context.
        offset: u32,
        /// Whether the place is relative to the end of the word (`__rel_loc`).
        relative: bool,
    },
    /// What is stored at an address. For a scalar type: a load of its C width, extended by its sign.
    /// Otherwise the memory itself; it is copied only when it is stored somewhere.
    Deref {
        /// The address, a scalar.
        addr: Box<Expr>,
        /// Where it points.
        space: Space,
    },
    /// The address of an operand that is held in memory of the program ([`Space::Program`]).
    AddrOf(Box<Expr>),
    /// Bits of an integer: `(value >> shift)` cut to `width` bits and extended by the sign of the type.
    Bits {
        /// The loaded container.
        value: Box<Expr>,
        /// Lowest bit.
        shift: u8,
        /// Number of bits.
        width: u8,
    },
    /// One operand.
    Unary(UnaryOp, Box<Expr>),
    /// Two scalars.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a && b` or `a || b`, short-circuit.
    Logical {
        /// True for `&&`.
        and: bool,
        /// Left side.
        lhs: Box<Expr>,
        /// Right side, evaluated only when needed.
        rhs: Box<Expr>,
    },
    /// Equality (`negate`: inequality) of two values held in memory: strings by text, others by bytes.
    MemEq {
        /// Left side.
        lhs: Box<Expr>,
        /// Right side.
        rhs: Box<Expr>,
        /// True for `!=`.
        negate: bool,
    },
    /// `cond ? then : other`.
    Ternary {
        /// Condition.
        cond: Box<Expr>,
        /// When it is not zero.
        then: Box<Expr>,
        /// When it is zero.
        other: Box<Expr>,
    },
    /// Conversion to the type of the expression.
    Cast(Box<Expr>),
    /// `++` and `--` on a variable or a map; atomic on a map.
    IncDec {
        /// What changes.
        target: Box<Place>,
        /// +1 (or -1), times the pointee's size for pointers.
        delta: i64,
        /// The value is the one from before.
        post: bool,
    },
    /// Several values.
    Tuple(Vec<Expr>),
    /// An element of a tuple.
    TupleField(Box<Expr>, u32),
    /// A function of the language.
    Call(Function, Vec<Expr>),
    /// Statements run first, then the value.
    Block(Vec<crate::stmt::Stmt>, Box<Expr>),
}

/// Something that can be assigned to.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A variable.
    Var(VarId),
    /// A map's value.
    Map {
        /// The map.
        map: MapId,
        /// The key; `None` for a map without keys.
        key: Option<Expr>,
    },
}

/// One-operand operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-x`
    Neg,
    /// `~x`
    BitNot,
    /// `!x`: 1 when zero.
    Not,
}

/// Two-operand operators. Comparisons give 0 or 1. Signedness is the operands' ([`Type::is_signed`]); shifts take the left side's.
/// Division and remainder by zero give [`crate::program::Config::by_zero`] and are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// What is known without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Process id (thread group id), in the namespace of the tracer.
    Pid,
    /// Thread id, in the namespace of the tracer.
    Tid,
    /// Process id, in the initial namespace.
    InitialPid,
    /// Thread id, in the initial namespace.
    InitialTid,
    /// User id.
    Uid,
    /// Group id.
    Gid,
    /// Name of the current thread; a `String { cap: 16 }`.
    Comm,
    /// Nanoseconds of a clock.
    Nsecs(Clock),
    /// Nanoseconds since the trace started.
    Elapsed,
    /// CPU number.
    Cpu,
    /// Number of possible CPUs.
    Ncpus,
    /// Cgroup v2 id.
    Cgroup,
    /// Address of the current `task_struct`.
    Curtask,
    /// Random 32-bit number.
    Rand,
    /// NUMA node.
    NumaNode,
    /// Jiffies (64 bit).
    Jiffies,
    /// The index of the point that fired; one more as a name (types `ProbeName`, `ProbeFunc`), so that the 0 of what was never set
    /// is no point's name.
    Point,
    /// The address of the kernel function of the point that fired, by its site; 0 if it is not known.
    Function,
    /// The address of the context.
    Context,
    /// A part of the name of the point that fired, as text.
    PointText(PointPart),
    /// The number of the point that fired, of [`crate::Program::point_ids`].
    PointId,
}

/// Parts of a D point's name, which is `provider:module:function:name`; the function may have colons, as those of C++ do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointPart {
    /// `probeprov`
    Provider,
    /// `probemod`
    Module,
    /// `probefunc`
    Function,
    /// `probename`
    Name,
}

impl PointPart {
    /// This part of a point's name; empty when there is none.
    pub fn of(self, name: &str) -> &str {
        Self::all_of(name)[self as usize]
    }

    /// All parts in their order.
    pub fn all_of(name: &str) -> [&str; 4] {
        let mut parts = name.splitn(3, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (provider, module, rest) = (next(), next(), next());
        let (function, name) = rest.rsplit_once(':').unwrap_or((rest, ""));
        [provider, module, function, name]
    }
}

/// Clocks of `nsecs(...)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// CLOCK_MONOTONIC.
    Monotonic,
    /// CLOCK_BOOTTIME.
    Boot,
    /// CLOCK_TAI.
    Tai,
    /// CLOCK_TAI computed from the boot clock and an offset taken at start.
    SoftwareTai,
}

/// Functions that have a value. Arguments are given in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `str(address[, length])`: NUL-terminated text at an address; the type's cap limits it. Space of the first argument.
    Str(Space),
    /// `buf(address, length)`: bytes at an address.
    Buf(Space),
    /// `strlen(text)`.
    Strlen,
    /// `strncmp(a, b, n)`: 0 when the first `n` (a constant) bytes are equal, else 1.
    Strncmp,
    /// `memcmp(a, b, n)`: 0 when the first `n` (a constant) bytes are equal, else the first one that differs less the one beside it.
    Memcmp,
    /// `strcontains(text, part)`: 1 when `part` is in `text`.
    Strcontains,
    /// `strstr(text, part)`: where `part` starts in `text`, or -2 (ENOENT).
    Strstr,
    /// `str_concat(a, b)`: both texts, one after the other. The type's cap has room for both.
    Concat,
    /// `len(kstack)`: how many frames a stack of that type has.
    Frames(StackType),
    /// `len($stack)`: how many frames a stack of that type has that was kept.
    FramesOf(StackType),
    /// Stack trace; the kind is in the type.
    Stack,
    /// Address to symbol; user symbols add the process id.
    Symbol,
    /// `ntop([family,] address)`: family as an integer (AF_INET, AF_INET6), then an integer or a 4- or 16-byte array.
    Ntop,
    /// `macaddr(bytes)`: from a 6-byte array.
    Mac,
    /// `bswap(x)`: by the width of its type.
    Bswap,
    /// Order of two texts, as C's `strcmp`: -1, 0 or 1.
    Strcmp,
    /// A function of texts that D has.
    Text(TextFunction),
    /// `alloca(size)`: the address, as a number, of `size` bytes of scratch memory, zeroed, that live until the clause ends. They can be
    /// read as [`Space::Kernel`] and written by [`crate::stmt::StmtKind::Store`] and `Copy`. Faults when there is no room; with the
    /// given fault, and the size as its address, if that is more than a clause can have at all.
    Alloca(Fault),
    /// `copy(from, to, size)` (D's `copyinto`, `bcopy`): bytes from an address in the given space into scratch memory of `Alloca`.
    /// Faults if `to` is not wholly in it. No value.
    Copy(Space),
    /// `copyout(from, to, size)`: bytes from kernel memory to an address of the process. Faults if that fails. No value.
    CopyOut,
    /// `write_user(to, value)`: the value, a number or a buffer, to an address of the process; a failure is counted. No value.
    WriteUser,
    /// `override(result)`: the function that fired does not run, and returns this. No value.
    Override,
    /// `skboutput(file, packet, length, offset)`: sends the first so many bytes of a `struct sk_buff` that is an argument of the
    /// probe, to be written from an offset on; 0, or a negative error number.
    PacketOutput(RecordId),
    /// `socket_cookie(socket)`: the cookie of a `struct sock` that is an argument of the probe.
    SocketCookie,
    /// `comm(number)`: the name of the task with that number of the whole machine; empty when there is none.
    NameOf {
        /// The kernel's function that finds and holds a task, by its number in the kernel's type information.
        find: u32,
        /// The one that lets it go.
        release: u32,
        /// Where in a task its name is.
        at: u32,
    },
    /// A function of the kernel by the number that its type information has for it; arguments are numbers and addresses.
    Kernel(u32),
    /// A function in C by its number in [`crate::program::Program::imports`]; arguments are numbers and addresses.
    Imported(u32),
    /// `debugf("format", numbers...)`: a line in the kernel's trace log. The format is a constant `Str`; at most three numbers, addresses
    /// or texts. No value.
    Debug,
    /// `copyoutstr(text, to, max)`: text with its NUL to an address of the process. Faults if that fails. No value.
    CopyOutText,
    /// `progenyof(pid)`: 1 when the current process is that process or a descendant.
    ProgenyOf,
    /// `speculation()`: the number of an idle speculation buffer, which is active from now on; 0, counted, when none is idle.
    Speculation,
    /// `[index, length]`: the index. One that is not below the length, which is a constant, is a fault
    /// ([`crate::program::Fault::BadIndex`]), or counted where there are none.
    Within,
    /// A text that has to be there. The value of a key that its map does not have, and the empty result of a search, are faults of
    /// address 0.
    Present,
    /// `chill(ns)`: spin. At most 500 ms a second on a CPU. No value.
    Chill,
    /// Where the firing code is: address in the kernel (`false`; 0 when it was in user mode) or in the process (`true`; 0 in the kernel).
    InstructionPointer(bool),
    /// How many numbers an aggregation of `stats()` was fed: its only argument is the `MapGet` of it.
    FedNumber,
    /// The sum of the numbers that an aggregation of `stats()` was fed, in the same way.
    FedSum,
    /// Frames of the current stack of the user (`true`) or the kernel (`false`).
    StackDepth(bool),
    /// The address of the caller of the firing function, of the user (`true`) or the kernel (`false`).
    Caller(bool),
    /// `joined(address, length)`: that many bytes of the process at an address, NULs shown as blanks (`pr_psargs`); the type's cap
    /// limits it.
    Args(Space),
    /// The text of `join(argv)`: up to 32 strings of a NULL-terminated array of pointers to text in the given space;
    /// each is stored with its NUL. Only as an argument of a `Join` record.
    JoinArgs(Space),
    /// A value, whether or not it can be had, in programs whose faults end the clause: a tuple of the [`crate::program::Fault`] that
    /// evaluating it is, or 0, the address of that, and the value, which is zero then.
    Caught,
    /// `raise(kind, address)`: that fault, unless the kind is 0, in programs whose faults end the clause. No value.
    Raise,
}

/// Functions of texts that D has. Texts are at most as long as the type of the result; what is cut is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFunction {
    /// `strchr(s, c)`, `strrchr(s, c)`: the rest of the text from the first (or last) `c` on; empty when there is none.
    Strchr {
        /// Look from the end.
        last: bool,
    },
    /// `strstr(s, part)` as text: the rest from `part` on; empty when it is not there.
    Strstr,
    /// `index(s, part[, start])`, `rindex(s, part[, start])`: -1 when there is none.
    Index {
        /// Look from the end.
        last: bool,
    },
    /// `substr(s, start[, length])`; a negative start counts from the end, a negative length leaves so many off at the end.
    Substr,
    /// `strtok(s, separators)`; an empty constant `Str` with type `String { cap: 0 }` as the first argument means: go on.
    /// Its state belongs to the clause.
    Strtok,
    /// `basename(s)`
    Basename,
    /// `dirname(s)`
    Dirname,
    /// `cleanpath(s)`
    Cleanpath,
    /// `lltostr(n[, base])`: base 2 to 36, constant.
    Lltostr,
    /// `strtoll(s[, base])`: base 2 to 36, constant.
    Strtoll,
    /// `toupper(s)`
    Upper,
    /// `tolower(s)`
    Lower,
    /// `inet_ntop(family, address)`, `inet_ntoa(address)` as text: family, then address in kernel memory.
    Ntop,
    /// `inet_ntoa6(address)` as text: an IPv4 address in it is all that is shown.
    Ntoa6,
    /// `link_ntop(type, address)` as text: the address, then its number of bytes.
    LinkNtop,
    /// `json(s, path)`: the element as text; empty when there is none.
    Json,
    /// `d_path(path)`: the address of a `struct path`.
    DPath,
    /// The path in its file system: the address of a `struct dentry`.
    DentryPath,
}
