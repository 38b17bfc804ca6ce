//! Attach points, and the trait through which a front end asks for them.

mod args;
mod error;
mod source;

use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use crate::span::Span;
pub use args::{Absence, ArgLoc, Args, Field, FieldPlace, MOST_WORDS, Operand, UserPlace};
pub use error::{ProbeError, ProbeErrorKind};
pub use source::{Found, ProbeCatalog, ProbeSource};

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
