//! Attach points, and the trait through which a front end asks for them.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quadrant_types::{DebugTypes, TypeId};

pub use crate::probe_error::{ProbeError, ProbeErrorKind};
use crate::span::Span;

/// An attach point of the program: an index into [`crate::Program::points`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PointId(pub u32);

/// One place where clauses run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where.
    pub site: Site,
    /// The full name, as the built-in `probe` prints it: `tracepoint:sched:sched_switch`.
    pub name: String,
    /// The function, as the built-in `func` prints it; empty where there is none.
    pub func: String,
}

/// By the name, which hardly two points have in common: there can be thousands of points, and their paths would be hashed piece by piece.
impl Hash for Point {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// Where, by mechanism. Everything an attacher needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// Before all others are enabled.
    Begin,
    /// After all others are disabled.
    End,
    /// Where a clause faulted: see [`crate::program::Faults::Abort`]. Nothing is attached.
    Error,
    /// When the tracer gets the signal of that number.
    Signal(i32),
    /// When the script's tests are run; the value that it has ([`crate::stmt::StmtKind::Result`]) says that it failed.
    Test,
    /// When the script is measured.
    Bench,
    /// On one CPU, every `period_ns`.
    Interval {
        /// Nanoseconds.
        period_ns: u64,
    },
    /// On every CPU.
    Profile(Rate),
    /// A tracepoint.
    Tracepoint {
        /// Subsystem: `sched`.
        category: String,
        /// Event: `sched_switch`.
        event: String,
    },
    /// A raw tracepoint with arguments by BTF.
    RawTracepoint {
        /// Event.
        event: String,
        /// Id of the typedef `btf_trace_<event>` in the kernel's BTF.
        btf_id: u32,
    },
    /// A user function's entry or any instruction.
    Uprobe {
        /// The file.
        path: PathBuf,
        /// Which file that was.
        inode: Inode,
        /// Offset in the file.
        offset: u64,
        /// Only this process.
        pid: Option<u32>,
    },
    /// A user function's return.
    Uretprobe {
        /// The file.
        path: PathBuf,
        /// Which file that was.
        inode: Inode,
        /// Offset of the function in the file.
        offset: u64,
        /// Only this process.
        pid: Option<u32>,
    },
    /// A static user probe.
    Usdt {
        /// The file.
        path: PathBuf,
        /// Which file that was.
        inode: Inode,
        /// Offset of the instruction in the file.
        offset: u64,
        /// Offset of the semaphore in the file; 0 when it has none.
        semaphore: u64,
        /// Only this process.
        pid: Option<u32>,
    },
    /// A software or hardware event of perf, on every CPU.
    PerfEvent {
        /// `perf_event_attr.type`.
        kind: u32,
        /// `perf_event_attr.config`.
        config: u64,
        /// Fires every so many events.
        period: u64,
    },
    /// A hardware breakpoint on data or code.
    Watchpoint {
        /// Virtual address.
        address: u64,
        /// 1, 2, 4 or 8 bytes.
        len: u8,
        /// On reads.
        read: bool,
        /// On writes.
        write: bool,
        /// On execution.
        execute: bool,
        /// Only this process.
        pid: Option<u32>,
    },
    /// A kernel function's entry, or an instruction in it.
    Kprobe(KernelCode),
    /// A kernel function's return.
    Kretprobe(KernelCode),
    /// A kernel function's entry, with arguments by BTF.
    Fentry(BtfFunction),
    /// A kernel function's return, with arguments and result by BTF.
    Fexit(BtfFunction),
    /// A walk over all objects of a kind that the kernel has, when everything else is attached.
    Iter {
        /// The kind: `task`, `task_file`.
        object: String,
        /// Id of the function `bpf_iter_<object>` in the kernel's BTF.
        btf_id: u32,
        /// Where it stays as a file; then the walk is made whenever the file is read.
        pin: Option<PathBuf>,
    },
}

/// The identity of a file, as stat(2) has it: its path can lead to another one later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inode {
    /// Device.
    pub device: u64,
    /// Number on the device.
    pub number: u64,
}

impl Site {
    /// Whether the tracer runs it itself, and nothing is attached.
    pub fn is_run(&self) -> bool {
        matches!(self, Site::Begin | Site::End | Site::Signal(_) | Site::Test | Site::Bench)
    }

    /// Whether nothing happens there any more once the trace has begun, until it ends.
    pub fn is_over_at_once(&self) -> bool {
        matches!(self, Site::Begin | Site::End | Site::Error | Site::Iter { .. })
    }

    /// Whether a process comes there by an instruction that traps.
    pub fn traps(&self) -> bool {
        matches!(self, Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. })
    }

    /// The process that a place in a program is for, `None` in it for all; `None` for other places.
    pub fn process_mut(&mut self) -> Option<&mut Option<u32>> {
        match self {
            Site::Uprobe { pid, .. } | Site::Uretprobe { pid, .. } | Site::Usdt { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// The place in the kernel's code, of a point in a kernel function.
    pub fn kernel_code(&self) -> Option<&KernelCode> {
        match self {
            Site::Kprobe(code) | Site::Kretprobe(code) => Some(code),
            Site::Fentry(function) | Site::Fexit(function) => function.code.as_ref(),
            _ => None,
        }
    }
}

/// A place in the kernel's code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KernelCode {
    /// The module; `None` is the kernel image, or not known.
    pub module: Option<String>,
    /// The function; empty when only the address is known.
    pub symbol: String,
    /// Bytes after the function's start.
    pub offset: u64,
    /// The address of the place, where it is known. It counts when several functions have the name.
    pub address: Option<u64>,
    /// Other functions have the same name: only the address tells them apart.
    pub ambiguous: bool,
    /// The kernel's function tracer knows the function, so it can be attached to together with others.
    pub traceable: bool,
}

/// A function that BTF describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BtfFunction {
    /// Whose BTF it is in.
    pub owner: BtfOwner,
    /// Its name.
    pub name: String,
    /// Its id in that BTF.
    pub btf_id: u32,
    /// The words that its arguments take; the result is in the next one.
    pub words: u8,
    /// Each argument is one word: registers hold them under the same numbers.
    pub is_plain: bool,
    /// The code, for attaching in another way; `None` for eBPF programs.
    pub code: Option<KernelCode>,
    /// The script asks for a kernel probe: this is another way to make it.
    pub kprobe: bool,
}

/// Whose functions a BTF describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BtfOwner {
    /// The kernel image.
    Kernel,
    /// A module.
    Module(String),
    /// A loaded eBPF program, by its number.
    Program(u32),
}

/// How often a timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// Times a second.
    Hertz(u64),
    /// Every so many nanoseconds.
    PeriodNs(u64),
}

impl Rate {
    /// Nanoseconds from one firing to the next.
    pub fn period_ns(self) -> u64 {
        const SECOND_NS: u64 = 1_000_000_000;
        match self {
            Rate::Hertz(hertz) => SECOND_NS / hertz.max(1),
            Rate::PeriodNs(ns) => ns,
        }
    }
}

/// A probe as the script names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSpec {
    /// Its kind, aliases resolved.
    pub kind: ProbeKind,
    /// What follows the kind, split at colons, quotes removed, parameters expanded: `["syscalls", "sys_enter_*"]`.
    pub parts: Vec<String>,
    /// Where it stands in the script.
    pub span: Span,
}

/// The kinds of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeKind {
    /// `begin`
    Begin,
    /// `end`
    End,
    /// `interval`
    Interval,
    /// `profile`
    Profile,
    /// `tracepoint`
    Tracepoint,
    /// `rawtracepoint`
    RawTracepoint,
    /// `uprobe`
    Uprobe,
    /// `uretprobe`
    Uretprobe,
    /// `usdt`
    Usdt,
    /// `software`
    Software,
    /// `hardware`
    Hardware,
    /// `watchpoint`
    Watchpoint,
    /// `kprobe`
    Kprobe,
    /// `kretprobe`
    Kretprobe,
    /// `fentry`
    Fentry,
    /// `fexit`
    Fexit,
    /// `iter`
    Iter,
    /// `self`
    Own,
    /// `test`
    Test,
    /// `bench`
    Bench,
}

impl ProbeKind {
    /// All kinds.
    const ALL: [ProbeKind; 20] = [
        ProbeKind::Begin,
        ProbeKind::End,
        ProbeKind::Interval,
        ProbeKind::Profile,
        ProbeKind::Tracepoint,
        ProbeKind::RawTracepoint,
        ProbeKind::Uprobe,
        ProbeKind::Uretprobe,
        ProbeKind::Usdt,
        ProbeKind::Software,
        ProbeKind::Hardware,
        ProbeKind::Watchpoint,
        ProbeKind::Kprobe,
        ProbeKind::Kretprobe,
        ProbeKind::Fentry,
        ProbeKind::Fexit,
        ProbeKind::Iter,
        ProbeKind::Own,
        ProbeKind::Test,
        ProbeKind::Bench,
    ];

    /// The kind of that [`ProbeKind::name`].
    pub fn of_name(name: &str) -> Option<ProbeKind> {
        ProbeKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name that listings and `probe` show.
    pub fn name(self) -> &'static str {
        match self {
            ProbeKind::Begin => "begin",
            ProbeKind::End => "end",
            ProbeKind::Interval => "interval",
            ProbeKind::Profile => "profile",
            ProbeKind::Tracepoint => "tracepoint",
            ProbeKind::RawTracepoint => "rawtracepoint",
            ProbeKind::Uprobe => "uprobe",
            ProbeKind::Uretprobe => "uretprobe",
            ProbeKind::Usdt => "usdt",
            ProbeKind::Software => "software",
            ProbeKind::Hardware => "hardware",
            ProbeKind::Watchpoint => "watchpoint",
            ProbeKind::Kprobe => "kprobe",
            ProbeKind::Kretprobe => "kretprobe",
            ProbeKind::Fentry => "fentry",
            ProbeKind::Fexit => "fexit",
            ProbeKind::Iter => "iter",
            ProbeKind::Own => "self",
            ProbeKind::Test => "test",
            ProbeKind::Bench => "bench",
        }
    }
}

/// A point that was found, with what is known of its arguments.
#[derive(Clone, Debug)]
pub struct Found {
    /// The point.
    pub point: Point,
    /// Its named and numbered arguments; the same `Arc` or equal content for points that can share code.
    pub args: Arc<Args>,
}

/// What a probe offers as arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Args {
    /// Named fields (`args.x`).
    pub fields: Vec<Field>,
    /// Numbered arguments with described places (`argN` of USDT); empty where the calling convention says where they are.
    pub numbered: Vec<ArgLoc>,
    /// The struct that the context is, where the kernel describes it (`ctx` of iterators).
    pub context: Option<TypeId>,
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
            Absence::Vector => "floating point values are handed over in XMM registers, which eBPF cannot read",
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
    },
    /// In a place that no program can read, such as a vector register: using the argument is an error.
    Unavailable,
}

/// Answers a front end's questions about probes.
pub trait ProbeSource {
    /// All points that a spec means, in a stable order, at least one.
    ///
    /// # Errors
    /// No match (with the nearest names as help), or a probe that cannot be used here and why.
    fn find(&self, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError>;

    /// The script says itself how many points one wildcard may mean.
    fn allow(&self, points: u32) {
        let _ = points;
    }

    /// The named arguments of a user function, or, of a point at its return, the result (`retval`), by the debug information of
    /// its file. [`ProbeSource::find`] leaves them out, since they cost time.
    ///
    /// # Errors
    /// There is no debug information, or it does not describe this function.
    fn user_arguments(&self, point: &Point) -> Result<Arc<Args>, ProbeError> {
        let message = format!("nothing is known of the arguments of `{}`", point.name);
        Err(ProbeError::new(message))
    }

    /// The types that the debug information of a file describes, if there is some.
    fn user_types(&self, path: &Path) -> Option<DebugTypes> {
        let _ = path;
        None
    }

    /// Why there is no debug information of a file; `None` if there is some.
    fn why_no_user_types(&self, path: &Path) -> Option<ProbeError> {
        let message = format!("nothing is known of the types of {}", path.display());
        Some(ProbeError::new(message))
    }
}

/// A source of probes that can also tell which there are.
pub trait ProbeCatalog: ProbeSource {
    /// As [`ProbeSource::find`], for user probes in the files that one process has mapped, and in that process alone. A file is named
    /// by its path, its name, the beginning of its name up to a dot, or a pattern.
    ///
    /// # Errors
    /// As `find`; there is no such process, or its files cannot be read.
    fn find_in(&self, pid: u32, spec: &ProbeSpec) -> Result<Vec<Found>, ProbeError>;

    /// The full names of all probes of a kind whose parts match, sorted: `tracepoint:sched:sched_switch`, `kprobe:vmlinux:vfs_read`,
    /// `rawtracepoint:vmlinux:sched_switch`. Nothing is read that only [`ProbeSource::find`] needs.
    ///
    /// # Errors
    /// What the names come from cannot be read.
    fn list(&self, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>, ProbeError>;

    /// Has `look` list names that only resemble what was asked for: what would be said of them is not.
    fn unsaid(&self, look: &mut dyn FnMut());

    /// As [`ProbeCatalog::list`], in the files that one process has mapped.
    ///
    /// # Errors
    /// There is no such process, or its files cannot be read.
    fn list_in(&self, pid: u32, kind: ProbeKind, parts: &[String]) -> Result<Vec<String>, ProbeError>;

    /// The number by which the kernel knows a tracepoint; `None` if there is none of that name.
    fn event_number(&self, category: &str, event: &str) -> Option<u32>;

    /// The program that a process runs, by its path.
    fn program_of(&self, pid: u32) -> Option<PathBuf>;

    /// The processes that run, in ascending order.
    fn processes(&self) -> Vec<u32>;

    /// A program's own file and those of the libraries that are loaded with it, by what the files say: for a command that has not
    /// started. What cannot be found is left out.
    fn libraries_of(&self, program: &Path) -> Vec<PathBuf>;

    /// What a program or library says of its static probes beyond their notes: definitions of providers in D (`.note.quadrant`).
    fn provider_definitions(&self, path: &Path) -> Vec<String>;

    /// The function that the code at an offset in a program or library belongs to.
    fn user_function_at(&self, path: &Path, offset: u64) -> Option<String>;
}
