//! What the survey finds.

use std::time::Duration;

/// Everything that is attached.
#[derive(Clone, Debug, Default)]
pub struct Active {
    /// Sorted by kind and target.
    pub attachments: Vec<Attachment>,
    /// Whether the kernel counts runs of programs.
    pub statistics: Statistics,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
}

/// Whether the kernel counts runs of programs and their time.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum Statistics {
    /// No: counts are those of earlier times when it did.
    #[default]
    Off,
    /// Yes, for whoever asked for it.
    On,
    /// It was made to for so long; all counts are those of this time.
    Measured(Duration),
}

/// Something that is attached.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// To what.
    pub kind: Kind,
    /// By what.
    pub via: Via,
    /// Where exactly, as far as the kernel tells.
    pub targets: Vec<Target>,
    /// How many places there are; more than `targets` if the kernel does not tell them all.
    pub target_count: u64,
    /// It fires only in this process.
    pub only_pid: Option<u32>,
    /// The link's number.
    pub link: Option<u32>,
    /// The program.
    pub program: Option<Program>,
    /// The event of tracefs: `group/name`.
    pub event: Option<String>,
    /// Whether the event of tracefs is switched on for the trace buffer.
    pub enabled: Option<bool>,
    /// The instance of tracefs whose buffer it fills, if that is not the first.
    pub instance: Option<String>,
    /// A tracer made the event of tracefs and died without removing it.
    pub orphan: bool,
    /// How often it fired; `None` if nobody counts.
    pub hits: Option<u64>,
    /// What `hits` counts.
    pub hits_of: HitsOf,
    /// How often it was skipped; `None` if nobody counts.
    pub misses: Option<u64>,
    /// Nanoseconds for one run of the program; `None` if nobody measured.
    pub mean_ns: Option<f64>,
    /// Processes that hold it.
    pub owners: Vec<Owner>,
    /// Paths at which it is pinned in a BPF file system.
    pub pins: Vec<Vec<u8>>,
    /// The kernel's own entries for these places in its list of kernel probes.
    pub kprobes: Vec<KprobeState>,
}

/// What [`Attachment::hits`] counts.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum HitsOf {
    /// This attachment alone.
    Attachment,
    /// The program, wherever it is attached.
    Program,
}

/// One place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// How it is shown: `sched:sched_switch`, `vfs_read+0x4`, `/bin/bash:readline`.
    pub text: Vec<u8>,
    /// The file.
    pub path: Option<Vec<u8>>,
    /// The function, if it is known.
    pub function: Option<String>,
    /// Bytes after the start of the function, or of the file if there is a path.
    pub offset: Option<u64>,
    /// The address in the kernel.
    pub address: Option<u64>,
    /// What the program gets as its cookie.
    pub cookie: Option<u64>,
    /// Offset in the file of the USDT semaphore that it raises.
    pub semaphore: Option<u64>,
}

/// A loaded program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// The kernel's number.
    pub id: u32,
    /// Chosen by who loaded it.
    pub name: Vec<u8>,
    /// As bpftool spells it.
    pub kind: String,
    /// A hash of its instructions.
    pub tag: u64,
    /// Who loaded it.
    pub uid: u32,
    /// When, in nanoseconds since boot.
    pub load_time_ns: u64,
    /// Runs while statistics were on.
    pub run_cnt: u64,
    /// Nanoseconds of these runs together.
    pub run_time_ns: u64,
    /// Runs that were skipped because a program was already running there; `None` before Linux 5.12.
    pub recursion_misses: Option<u64>,
}

/// A process that holds an attachment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// Its name, which it chooses itself.
    pub comm: Vec<u8>,
}

/// An entry of the kernel's list of kernel probes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KprobeState {
    /// The address; 0 if the kernel hides it.
    pub address: u64,
    /// `FTRACE`, `OPTIMIZED`, `DISABLED`, `GONE`.
    pub flags: Vec<String>,
}

macro_rules! kinds {
    ($(#[$doc:meta])* $enum:ident { $($(#[$row:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $enum { $($(#[$row])* $name,)* }

        impl $enum {
            /// All of them, in order.
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            /// The name, which stays the same in all versions.
            pub fn name(self) -> &'static str {
                match self { $($enum::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// To what something is attached.
    Kind {
        /// A tracepoint by its record.
        Tracepoint = "tracepoint",
        /// A tracepoint by its raw arguments, with or without BTF.
        RawTracepoint = "rawtracepoint",
        /// A kernel function's entry, or any instruction of the kernel.
        Kprobe = "kprobe",
        /// A kernel function's return.
        Kretprobe = "kretprobe",
        /// A kernel function's entry, by trampoline.
        Fentry = "fentry",
        /// A kernel function's exit, by trampoline.
        Fexit = "fexit",
        /// A kernel function whose result may be changed.
        FmodRet = "fmod_ret",
        /// A security hook.
        Lsm = "lsm",
        /// A function of another program, replaced.
        Freplace = "freplace",
        /// An instruction of a user program.
        Uprobe = "uprobe",
        /// A user function's return.
        Uretprobe = "uretprobe",
        /// An event that the kernel counts.
        Software = "software",
        /// An event that the processor counts.
        Hardware = "hardware",
        /// A place in memory.
        Watchpoint = "watchpoint",
        /// A perf event that the kernel does not describe.
        PerfEvent = "perf_event",
        /// An iterator over objects of the kernel.
        Iterator = "iter",
        /// Another event made in tracefs: event probe, function probe, synthetic event.
        DynamicEvent = "dynamic_event",
        /// Functions, by one of the kernel's own tracers.
        Ftrace = "ftrace",
        /// A control group.
        Cgroup = "cgroup",
        /// A network namespace.
        NetNamespace = "netns",
        /// A network interface, at its driver.
        Xdp = "xdp",
        /// A network interface, at traffic control.
        Tcx = "tcx",
        /// A netkit interface.
        Netkit = "netkit",
        /// The packet filter.
        Netfilter = "netfilter",
        /// A map of sockets.
        SockMap = "sockmap",
        /// Operations that the kernel calls.
        StructOps = "struct_ops",
        /// A kind of link that this version does not know.
        Other = "other",
        /// A program that no link and no perf event holds: attached in an older way, or only loaded.
        Program = "program",
    }
}

kinds! {
    /// By what something is attached.
    Via {
        /// A BPF link of its own kind.
        Link = "link",
        /// A BPF link to a perf event.
        PerfLink = "perf_link",
        /// A BPF link to many functions or places.
        MultiLink = "multi_link",
        /// A perf event that holds the program itself, or has none.
        PerfEvent = "perf_event",
        /// Something written to tracefs; it outlives its maker.
        Tracefs = "tracefs",
        /// The kernel's list of probes shows it, and nothing else does: a module's probe, or one of perf without BPF.
        Kernel = "kernel",
        /// Nothing that could be seen.
        Loaded = "loaded",
    }
}

impl Attachment {
    /// An attachment of which nothing more is known.
    pub(super) fn new(kind: Kind, via: Via) -> Attachment {
        Attachment {
            kind,
            via,
            targets: Vec::new(),
            target_count: 0,
            only_pid: None,
            link: None,
            program: None,
            event: None,
            enabled: None,
            instance: None,
            orphan: false,
            hits: None,
            hits_of: HitsOf::Attachment,
            misses: None,
            mean_ns: None,
            owners: Vec::new(),
            pins: Vec::new(),
            kprobes: Vec::new(),
        }
    }

    /// With its places, which are all of them.
    pub(super) fn at(self, targets: Vec<Target>) -> Attachment {
        Attachment { target_count: targets.len() as u64, targets, ..self }
    }
}

impl Target {
    /// A place that is a name.
    pub(super) fn named(text: impl Into<Vec<u8>>) -> Target {
        Target { text: text.into(), ..Target::default() }
    }

    /// With a cookie; 0 is none.
    pub(super) fn with_cookie(self, cookie: u64) -> Target {
        Target { cookie: (cookie != 0).then_some(cookie), ..self }
    }
}
