//! What compilation takes and gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use quadrant_bpf::cgroup::Subtree;
use quadrant_program::Program;
use quadrant_program::core::Relocation;
use quadrant_program::map::MapId;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::span::Span;

use crate::ssa::Code;

/// One eBPF program to be made: the clauses that share attach points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What the program gets in r1.
    pub context: Context,
    /// Indices of [`quadrant_program::Program::clauses`], in source order.
    pub clauses: Vec<usize>,
    /// Where it will be attached. With more than one, the attach cookie is the index into this list.
    pub points: Vec<PointId>,
    /// Run only in this process (thread group id).
    pub pid: Option<u32>,
    /// Run only for tasks in these control groups.
    pub cgroup: Option<Subtree>,
    /// The program may wait for pages of user memory that are not present; it is loaded as one that sleeps.
    pub sleepable: bool,
    /// All points are at the first instruction of functions, where the frame is still the caller's: the stack that the kernel walks of the
    /// process leaves the caller out.
    pub lacks_caller: bool,
}

impl Unit {
    /// One that runs for every task and does not sleep.
    pub fn new(context: Context, clauses: Vec<usize>, points: Vec<PointId>) -> Unit {
        Unit { context, clauses, points, pid: None, cgroup: None, sleepable: false, lacks_caller: false }
    }

    /// All clauses, those at the return of functions included.
    pub fn all_clauses(&self) -> impl Iterator<Item = usize> {
        let at_return = match &self.context {
            Context::Session { clauses, .. } => clauses.as_slice(),
            _ => &[],
        };
        self.clauses.iter().chain(at_return).copied()
    }

    /// All points, the returns of functions included.
    pub fn all_points(&self) -> impl Iterator<Item = PointId> {
        let at_return = match &self.context {
            Context::Session { points, .. } => points.as_slice(),
            _ => &[],
        };
        self.points.iter().chain(at_return).copied()
    }
}

/// What a program gets in r1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// Nothing of interest (BEGIN and END, run as raw tracepoint programs by BPF_PROG_TEST_RUN).
    Run,
    /// A tracepoint's record, as its format file describes it.
    Tracepoint,
    /// Arguments of a raw tracepoint as 64-bit words, for a script that is written for the tracepoint's record:
    /// offsets in the record, and what stands for them.
    RawTracepoint(BTreeMap<u32, RawRead>),
    /// Arguments of a raw tracepoint as 64-bit words, typed by BTF.
    BtfTracepoint,
    /// Arguments of a kernel function as 64-bit words, typed by BTF (fentry, fexit).
    Function {
        /// Words that the arguments take.
        words: u8,
        /// At the function's exit: its result is in the word after the arguments.
        exit: bool,
    },
    /// `struct pt_regs` (uprobe, uretprobe, USDT, kprobe, kretprobe).
    Registers,
    /// `struct pt_regs` at the entry and at the return of kernel functions, of a program for both (Linux 6.10): the unit's
    /// own clauses and points are those at the entry.
    Session {
        /// Indices of the clauses that run at the return, in source order.
        clauses: Vec<usize>,
        /// The returns, in the order of the unit's points.
        points: Vec<PointId>,
    },
    /// `struct bpf_perf_event_data`: registers first.
    PerfEvent,
    /// `struct bpf_iter__*`: 64-bit words, the first about the walk, the second the object; it is null when the walk is over.
    Iter {
        /// The kernel shows an object again if it is asked to, so a program can wait for room for its records.
        waits: bool,
        /// What the program prints is what a file shows that stays when the tracer is gone.
        pinned: bool,
    },
    /// The raw tracepoint `sys_enter` or `sys_exit`, for many system calls' tracepoints: the index into the unit's points by
    /// system call number; other numbers do nothing.
    Syscalls {
        /// `sys_exit` instead of `sys_enter`.
        exit: bool,
        /// System call number to index in [`Unit::points`].
        points: BTreeMap<u32, u32>,
        /// Id of the tracepoint's typedef in the kernel's BTF, by which the program is loaded: it then reads the saved registers
        /// without a call.
        btf_id: Option<u32>,
    },
}

impl Context {
    /// What a program gets that is attached to a site alone, in the way that the site is named after.
    pub fn of(site: &Site) -> Context {
        match site {
            Site::Begin | Site::End | Site::Error | Site::Signal(_) | Site::Test | Site::Bench => Context::Run,
            Site::Tracepoint { .. } => Context::Tracepoint,
            Site::RawTracepoint { .. } => Context::BtfTracepoint,
            Site::Fentry(function) => Context::Function { words: function.words, exit: false },
            Site::Fexit(function) => Context::Function { words: function.words, exit: true },
            Site::Interval { .. } | Site::Profile(_) | Site::PerfEvent { .. } | Site::Watchpoint { .. } => {
                Context::PerfEvent
            }
            Site::Iter { pin, .. } => Context::Iter { waits: false, pinned: pin.is_some() },
            Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. } => Context::Registers,
            Site::Kprobe(_) | Site::Kretprobe(_) => Context::Registers,
        }
    }
}

/// What stands for a field of a tracepoint's record when the program runs on the raw tracepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawRead {
    /// The `n`-th argument word.
    Arg(u8),
    /// The `n`-th system call argument, from the `struct pt_regs` that the first word points at.
    SyscallArg(u8),
}

/// A compiled script.
#[derive(Clone, Debug)]
pub struct Object {
    /// Maps to create; relocations refer to them by index.
    pub maps: Vec<MapDef>,
    /// Maps whose values are maps, with those.
    pub groups: Vec<Group>,
    /// Programs, one for each unit, in order.
    pub programs: Vec<Code>,
    /// What is where in the data section.
    pub data: Data,
    /// Numbers that the loader adjusts; relocations refer to them by index.
    pub core: Vec<Arc<Relocation>>,
}

/// Maps that programs find in another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The index of the map that they stand in.
    pub outer: usize,
    /// The indices of those at its indices 0, 1, and so on. They come before it.
    pub members: Vec<usize>,
}

/// A map to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDef {
    /// What it is for.
    pub role: MapRole,
    /// `enum bpf_map_type`.
    pub kind: u32,
    /// Bytes.
    pub key_size: u32,
    /// Bytes.
    pub value_size: u32,
    /// Entries (bytes for a ring buffer).
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub flags: u32,
}

/// What a map is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapRole {
    /// The data section: one entry, mapped into user space; see [`Data`].
    Data,
    /// Per-CPU scratch memory.
    Scratch,
    /// Records to user space (ring buffer, or perf event array).
    Records,
    /// Packets to user space (perf event array: the kernel copies packets nowhere else).
    Packets,
    /// A map of the script that is not in the data section.
    Script(MapId),
    /// The short keys of a map of the script: its keys are those that [`quadrant_program::layout::short_key`] describes, and none of
    /// them is in the other one. The map's content is both together.
    Short(MapId),
    /// What is fed to keys of an aggregation of the script while the kernel has no memory for a part on each CPU: one part for all. A
    /// key can be in both maps; its value is both together.
    Overflow(MapId),
    /// A table in front of an aggregation of the script, see [`mod@crate::front`]. A key can be in both maps, and in the tables of
    /// several CPUs; its value is all together.
    Front(MapId),
    /// The first keys of a map of the script whose entries stay, see [`mod@crate::front`]. No key is in both maps.
    Slots(MapId),
    /// Parts of many aggregations without keys, see [`Data::cells`].
    Cells,
    /// Maps of the script, see [`Object::groups`].
    Group,
    /// Stack traces of at most `limit` frames by their number: a word for the compiler's use, then the frames.
    Stacks {
        /// Frames.
        limit: u8,
    },
    /// The first of these stacks that have few frames, by their number in the same form.
    ShortStacks {
        /// Frames of those that may be longer.
        limit: u8,
    },
    /// A map, or a section of variables, of a file in C: the index of the file, and of its maps and then its sections.
    Import(u32, u32),
}

impl MapRole {
    /// Of the kernel's maps that a map of the script with keys may be.
    pub fn of_script(id: MapId) -> [MapRole; 3] {
        [MapRole::Script(id), MapRole::Short(id), MapRole::Overflow(id)]
    }
}

/// The data section: a row of bytes that programs read and write without helper calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Size in bytes; 0 when the script needs none.
    pub size: u32,
    /// 64-bit word that is not zero once the script has called exit(): programs then do nothing. Its upper half is the status, where that
    /// is a constant.
    pub exit_flag: Option<u32>,
    /// 64-bit word for the result of the test that ran last; the session sets it to 0 before each.
    pub result: Option<u32>,
    /// 64-bit word for the boot clock (ns) at the start, which `elapsed` counts from; the session writes it.
    pub start_ns: Option<u32>,
    /// 64-bit word of the speculation with number 1, followed by those of the others: 0 idle, 1 active, 2 ending.
    pub speculations: Option<u32>,
    /// Maps without keys: a presence word at this offset, then the stored value.
    pub scalars: Vec<(MapId, u32)>,
    /// Aggregations without keys that share maps: of each the index in [`Object::maps`] and in that map.
    pub cells: Vec<(MapId, usize, u32)>,
    /// Counters of what was lost: 64-bit words.
    pub losses: Vec<(Loss, u32)>,
    /// Counters of what was lost on which CPU: the first CPU's 64-bit word, which those of the others follow.
    pub losses_by_cpu: Vec<(Loss, u32)>,
    /// CPUs that have a word in each of these.
    pub cpus: u32,
    /// Counters of runs: the unit's index, and a 64-bit word. Of the units at perf events only, whose firings the kernel may pass over
    /// without a word.
    pub runs: Vec<(usize, u32)>,
    /// What the sampled programs use, if there are any.
    pub sampling: Option<Sampling>,
    /// Bytes to write before the start.
    pub init: Vec<(u32, Vec<u8>)>,
}

impl Data {
    /// The place of an aggregation without keys that shares a map: the map's index, and its key there.
    pub fn cell(&self, id: MapId) -> Option<(usize, [u8; 4])> {
        let (_, map, index) = self.cells.iter().find(|(cell, ..)| *cell == id)?;
        Some((*map, index.to_ne_bytes()))
    }

    /// The words that count losses: of what, on which CPU where that is counted, and the offset. Those of one loss follow each other.
    pub fn loss_words(&self) -> impl Iterator<Item = (Loss, Option<u32>, u32)> {
        let whole = self.losses.iter().map(|(loss, at)| (*loss, None, *at));
        let of_cpus = |(loss, first): &(Loss, u32)| {
            let (loss, first) = (*loss, *first);
            (0..self.cpus).map(move |cpu| (loss, Some(cpu), first + 8 * cpu))
        };
        whole.chain(self.losses_by_cpu.iter().flat_map(of_cpus))
    }

    /// Where the word of a speculation is, if a program has one of that number.
    pub fn speculation(&self, program: &Program, number: u64) -> Option<u32> {
        let count = u64::from(program.config.speculations);
        let first = self.speculations.filter(|_| (1..=count).contains(&number))?;
        Some(first + 8 * (number as u32 - 1))
    }
}

/// What programs that can leave out firings have in the data section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// 64-bit word: a random number's bits that must be zero for a firing to count; 0 lets all count.
    pub mask: u32,
    /// Counters of firings that were left out: one word for each CPU, [`SKIP_STRIDE`] apart.
    pub skipped: Vec<(Loss, u32)>,
}

/// Bytes from a CPU's counter to that of the next one: they share no cache line.
pub const SKIP_STRIDE: u32 = 64;

/// Something that was lost or cut, counted where it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Loss {
    /// What.
    pub kind: LossKind,
    /// In which clause of the program.
    pub clause: u32,
    /// The statement or expression.
    pub span: Span,
}

/// Kinds of losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossKind {
    /// No room for a record.
    Record,
    /// No room for a key of this map.
    Key(MapId),
    /// No memory at hand for a key of this map, which has room and of which the program frees keys.
    Unready(MapId),
    /// A text was longer than its cap.
    Cut,
    /// Memory could not be read; 0 or `<fault>` was used.
    Read,
    /// A stack could not be taken, or there was no room to keep it.
    Stack,
    /// Scratch memory was in use by programs that this one interrupted: the clause did not run.
    Scratch,
    /// Division or remainder by zero; 0 was used.
    Division,
    /// An index was outside of its array; what lies there was read.
    Outside,
    /// A loop reached the limit and was left.
    Loop,
    /// Memory of a process could not be written.
    Write,
    /// A signal could not be sent.
    Signal,
    /// A fault in a clause that handles faults: it ended that clause.
    Fault,
    /// All speculations were active.
    NoSpeculation,
    /// Speculations were ending, and the others active.
    BusySpeculation,
    /// The firing was left out, to spare the machine.
    Skipped,
}
