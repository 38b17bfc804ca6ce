//! From points and clauses to eBPF programs: which clauses share a program, and on which mechanism it runs.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use functions::FunctionMeans;
use quadrant_bpf::cgroup::Subtree;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::object::Context;
use quadrant_codegen::object::RawRead;
use quadrant_codegen::object::Unit;
use quadrant_probes::attach::Means;
use quadrant_program::Program;
use quadrant_program::probe::BtfOwner;
use quadrant_program::probe::KernelCode;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::syscalls;

use crate::uses;
use crate::uses::ContextUse;
use crate::uses::asks_for_point;

mod functions;
mod session;
#[cfg(test)]
mod tests;

pub use quadrant_program::program::KprobeMeans;

/// What the kernel can do, as far as it decides how programs are attached. Asked only when it matters.
pub trait Abilities {
    /// A program of a kind can ask for its attach cookie, and so serve several points.
    fn attach_cookie(&self, kind: ProgramKind) -> bool;
    /// The same of programs at functions by trampoline, tried on the function with that id in the kernel's BTF.
    fn fentry_cookie(&self, function: u32) -> bool;
    /// An event of tracefs was made by somebody, of a probe or of other events: it is no tracepoint, whatever its name.
    fn is_made(&self, category: &str, event: &str) -> bool;
    /// The id of a raw tracepoint's type, by which programs see the types of its arguments.
    fn typed_tracepoint(&self, name: &str) -> Option<u32>;
    /// Many places of a file with one link.
    fn uprobe_multi(&self) -> bool;
    /// Programs of user probes may wait for pages of memory.
    fn sleepable_uprobe(&self) -> bool;
    /// Many kernel functions with one link.
    fn kprobe_multi(&self) -> bool;
    /// Kernel functions as perf events.
    fn kprobe_event(&self) -> bool;
    /// The kernel does not tell how many returns of functions such events, and multi-links, missed.
    fn hides_misses(&self) -> bool;
    /// Entry and return of kernel functions with one program.
    fn kprobe_session(&self) -> bool;
    /// Links to functions keep track of a limited number of calls under way, a few for each CPU, and skip the others, at the
    /// return and, in sessions, at the entry (before Linux 6.14).
    fn limits_returns(&self) -> bool;
    /// The function tracer knows a function; asked only of functions whose points do not say so.
    fn is_traceable(&self, function: &KernelCode) -> bool;
}

/// What the kernel allows, and what the user forced.
#[derive(Clone, Copy)]
pub struct PlanOptions<'a> {
    /// What the kernel can do.
    pub abilities: &'a dyn Abilities,
    /// A tracepoint may run as a raw tracepoint when that means the same.
    pub raw_tracepoints: bool,
    /// Timers on every CPU and counters are for this process only.
    pub pid: Option<u32>,
    /// Tracepoints and kernel functions are for this process only: one of the user's, never a command that was started.
    pub process: Option<u32>,
    /// Programs are for the tasks in these control groups only, but those of BEGIN, END, intervals and walks.
    pub cgroup: Option<Subtree>,
    /// How kernel probes are made; `None` chooses.
    pub kprobes: Option<KprobeMeans>,
    /// Calls of a function that may be under way at once, for its return probe; `None` lets the kernel choose.
    pub maxactive: Option<u32>,
    /// Points of which the kernel's stacks leave the caller out.
    pub lacking_caller: &'a HashSet<PointId>,
}

impl PlanOptions<'_> {
    /// The user wants something that only kernel probes do.
    fn forces_kprobes(&self) -> bool {
        self.kprobes.is_some() || self.maxactive.is_some()
    }
}

/// A program to make, and how it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The program.
    pub unit: Unit,
    /// How.
    pub means: Means,
    /// The program asks which point it is.
    pub cookies: bool,
}

/// From this many tracepoints of single system calls on, one raw tracepoint program that looks at the number serves them all.
///
/// Closing one such tracepoint takes about 70 ms, so a wildcard over all of them would take half a minute; the raw tracepoint
/// closes at once but fires on every system call, which is dearer when only a few are asked for.
const MANY_SYSCALLS: usize = 8;

/// The programs to make, in the order of their first point.
pub fn plan(program: &Program, options: PlanOptions) -> Vec<Planned> {
    let mut groups = Groups::default();
    let by_point = clauses_by_point(program);
    let many = syscall_points(program, options);
    let functions = functions::choose(program, &by_point, &options);
    for (point, clauses) in by_point {
        let site = &program.points[point.0 as usize].site;
        let mechanism = match functions.get(&point) {
            Some(means) => kernel_function(site, *means),
            None => mechanism(program, point, site, &clauses, &many, options),
        };
        groups.add((mechanism, clauses), point);
    }
    let groups = session::pair(program, groups.groups, &options);
    groups.into_iter().flat_map(|group| finish(program, group, options)).collect()
}

/// For each point in order of first use: the clauses that run there, in source order.
fn clauses_by_point(program: &Program) -> Vec<(PointId, Vec<usize>)> {
    let mut order: Vec<(PointId, Vec<usize>)> = Vec::new();
    let mut seen: HashMap<PointId, usize> = HashMap::new();
    for (index, clause) in program.clauses.iter().enumerate() {
        // Clauses of ERROR are part of the programs whose clauses fault.
        let attached = |point: &&PointId| program.points[point.0 as usize].site != Site::Error;
        for point in clause.points.iter().filter(attached) {
            let slot = *seen.entry(*point).or_insert_with(|| {
                order.push((*point, Vec::new()));
                order.len() - 1
            });
            if order[slot].1.last() != Some(&index) {
                order[slot].1.push(index);
            }
        }
    }
    order
}

/// What points must have in common to share a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mechanism {
    /// Each has a run of its own.
    Run(PointId),
    Tracepoint,
    RawTracepoint(RawFields),
    Syscalls {
        exit: bool,
    },
    BtfTracepoint(u32),
    Uprobe {
        ret: bool,
        file: u64,
        /// The only process: a program looks for one.
        pid: Option<u32>,
        /// Stacks lack the caller.
        lacks_caller: bool,
    },
    Kprobe {
        ret: bool,
        means: KprobeMeans,
    },
    Function {
        exit: bool,
        words: u8,
    },
    PerfEvent,
    Interval,
    Iter {
        id: u32,
        waits: bool,
        pinned: bool,
    },
}

/// The iterator that cannot go on with a walk that was stopped.
const CGROUPS: &str = "cgroup";

/// Which record layout a raw tracepoint stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum RawFields {
    None,
    SysEnter,
    SysExit,
}

/// Points with the same mechanism and the same clauses share a program.
type Key = (Mechanism, Vec<usize>);

fn mechanism(
    program: &Program,
    point: PointId,
    site: &Site,
    clauses: &[usize],
    many: &[PointId],
    options: PlanOptions,
) -> Mechanism {
    match site {
        Site::Begin | Site::End | Site::Error | Site::Signal(_) | Site::Test | Site::Bench => Mechanism::Run(point),
        Site::Tracepoint { event, .. } if many.binary_search(&point).is_ok() => {
            Mechanism::Syscalls { exit: event.starts_with("sys_exit_") }
        }
        Site::Tracepoint { category, event } if options.raw_tracepoints => {
            let fields = raw_fields(program, category, event, clauses);
            let fields = fields.filter(|_| !options.abilities.is_made(category, event));
            fields.map_or(Mechanism::Tracepoint, Mechanism::RawTracepoint)
        }
        Site::Tracepoint { .. } => Mechanism::Tracepoint,
        Site::RawTracepoint { btf_id, .. } => Mechanism::BtfTracepoint(*btf_id),
        Site::Uprobe { path, pid, .. } | Site::Usdt { path, pid, .. } => {
            let lacks_caller = options.lacking_caller.contains(&point);
            Mechanism::Uprobe { ret: false, file: file_key(path), pid: *pid, lacks_caller }
        }
        Site::Uretprobe { path, pid, .. } => {
            Mechanism::Uprobe { ret: true, file: file_key(path), pid: *pid, lacks_caller: false }
        }
        Site::Kprobe(_) | Site::Kretprobe(_) => kernel_function(site, FunctionMeans::Kprobe(KprobeMeans::Perf)),
        Site::Fentry(_) | Site::Fexit(_) => kernel_function(site, FunctionMeans::Trampoline),
        Site::Interval { .. } => Mechanism::Interval,
        Site::Iter { object, btf_id, pin } => {
            Mechanism::Iter { id: *btf_id, waits: object != CGROUPS, pinned: pin.is_some() }
        }
        Site::Profile(_) | Site::PerfEvent { .. } | Site::Watchpoint { .. } => Mechanism::PerfEvent,
    }
}

fn kernel_function(site: &Site, means: FunctionMeans) -> Mechanism {
    match (site, means) {
        (Site::Fentry(function), FunctionMeans::Trampoline) => {
            Mechanism::Function { exit: false, words: function.words }
        }
        (Site::Fexit(function), FunctionMeans::Trampoline) => Mechanism::Function { exit: true, words: function.words },
        (_, FunctionMeans::Kprobe(means)) => Mechanism::Kprobe { ret: functions::is_return(site), means },
        (_, FunctionMeans::Trampoline) => {
            Mechanism::Kprobe { ret: functions::is_return(site), means: KprobeMeans::Perf }
        }
    }
}

/// Uprobes of one file are attached by one system call, so files do not share programs.
fn file_key(path: &std::path::Path) -> u64 {
    use std::hash::BuildHasher;
    // A path would be hashed piece by piece, for each of thousands of points.
    std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().hash_one(path.as_os_str())
}

/// Whether the clauses mean the same on the raw tracepoint, and by which fields.
fn raw_fields(program: &Program, category: &str, event: &str, clauses: &[usize]) -> Option<RawFields> {
    let fields = match (category, event) {
        ("syscalls", _) => return None,
        ("raw_syscalls", "sys_enter") => RawFields::SysEnter,
        ("raw_syscalls", "sys_exit") => RawFields::SysExit,
        _ => RawFields::None,
    };
    reads_only(program, clauses, &reads(fields)).then_some(fields)
}

fn reads_only(program: &Program, clauses: &[usize], known: &BTreeMap<u32, RawRead>) -> bool {
    clauses.iter().all(|index| match ContextUse::of(&program.clauses[*index]) {
        ContextUse::Fields(offsets) => offsets.iter().all(|offset| known.contains_key(offset)),
        ContextUse::Whole => false,
    })
}

/// Record offsets of `raw_syscalls`, and the arguments that hold the same: `sys_enter(regs, id)`, `sys_exit(regs, ret)`.
fn reads(fields: RawFields) -> BTreeMap<u32, RawRead> {
    match fields {
        RawFields::None => BTreeMap::new(),
        RawFields::SysEnter => {
            let arguments = (0..6).map(|i| (16 + 8 * u32::from(i), RawRead::SyscallArg(i)));
            arguments.chain([(8, RawRead::Arg(1))]).collect()
        }
        RawFields::SysExit => BTreeMap::from([(16, RawRead::Arg(1))]),
    }
}

/// The points that one program on `sys_enter` or `sys_exit` serves: single system calls' tracepoints, when they are many. Sorted.
fn syscall_points(program: &Program, options: PlanOptions) -> Vec<PointId> {
    if !options.raw_tracepoints {
        return Vec::new();
    }
    let servable = |exit: bool| {
        let mut points: Vec<PointId> = clauses_by_point(program)
            .into_iter()
            .filter(|(point, clauses)| is_syscall(program, *point, exit) && syscall_fields_only(program, clauses))
            .map(|(point, _)| point)
            .collect();
        points.sort();
        if points.len() < MANY_SYSCALLS { Vec::new() } else { points }
    };
    let mut points = [servable(false), servable(true)].concat();
    points.sort();
    points
}

fn is_syscall(program: &Program, point: PointId, exit: bool) -> bool {
    match &program.points[point.0 as usize].site {
        Site::Tracepoint { category, event } if category == "syscalls" => {
            let name = event.strip_prefix(if exit { "sys_exit_" } else { "sys_enter_" });
            name.and_then(syscalls::number).is_some()
        }
        _ => false,
    }
}

fn syscall_fields_only(program: &Program, clauses: &[usize]) -> bool {
    clauses.iter().all(|index| match ContextUse::of(&program.clauses[*index]) {
        ContextUse::Fields(offsets) => offsets.iter().all(|o| *o >= 8 && *o < 64 && o % 8 == 0),
        ContextUse::Whole => false,
    })
}

/// Points that share a program.
struct Group {
    mechanism: Mechanism,
    clauses: Vec<usize>,
    points: Vec<PointId>,
    /// What runs at the returns of the functions at whose entries the points are: clauses, and points in the same order.
    returns: Option<(Vec<usize>, Vec<PointId>)>,
}

/// Units under construction, in order of first appearance.
#[derive(Default)]
struct Groups {
    groups: Vec<Group>,
    index: HashMap<Key, usize>,
}

impl Groups {
    fn add(&mut self, key: Key, point: PointId) {
        match self.index.get(&key) {
            Some(slot) => self.groups[*slot].points.push(point),
            None => {
                self.index.insert(key.clone(), self.groups.len());
                let (mechanism, clauses) = key;
                self.groups.push(Group { mechanism, clauses, points: vec![point], returns: None });
            }
        }
    }
}

/// One unit for all points, or one for each where programs cannot tell points apart.
fn finish(program: &Program, group: Group, options: PlanOptions) -> Vec<Planned> {
    if let Some((returns, places)) = group.returns {
        return vec![both(program, group.clauses, group.points, (returns, places), options)];
    }
    let Group { mechanism, clauses, points, .. } = group;
    // Without cookies all points can share a program that does not ask which one it is.
    let cookies = clauses.iter().any(|clause| asks_for_point(program, &program.clauses[*clause]));
    let together = points.len() == 1 || !cookies || mechanism.tells_points_apart(program, &points, options);
    let shares: Vec<Vec<PointId>> = match together {
        true => each_place_once(program, points),
        false => points.into_iter().map(|point| vec![point]).collect(),
    };
    let unit = |points: Vec<PointId>| Unit {
        context: mechanism.context(program, &points, options),
        clauses: clauses.clone(),
        pid: pid(program, &clauses, &points, options),
        cgroup: options.cgroup.filter(|_| runs_for_tasks(program, &points)),
        sleepable: mechanism.may_sleep(program, &clauses, options),
        lacks_caller: matches!(mechanism, Mechanism::Uprobe { lacks_caller: true, .. }),
        points,
    };
    let means = mechanism.means(options);
    shares.into_iter().map(|points| Planned { unit: unit(points), means, cookies }).collect()
}

/// The points in as few lists as have no place twice: D has several probes at one tracepoint, and the kernel runs a program once at a
/// place, however often it is put there.
fn each_place_once(program: &Program, points: Vec<PointId>) -> Vec<Vec<PointId>> {
    let mut earlier: HashMap<&Site, usize> = HashMap::new();
    let mut shares: Vec<Vec<PointId>> = Vec::new();
    for point in points {
        let times = earlier.entry(&program.points[point.0 as usize].site).or_default();
        match shares.get_mut(*times) {
            Some(share) => share.push(point),
            None => shares.push(vec![point]),
        }
        *times += 1;
    }
    shares
}

/// One unit for entries and returns.
fn both(
    program: &Program,
    clauses: Vec<usize>,
    points: Vec<PointId>,
    (returns, places): (Vec<usize>, Vec<PointId>),
    options: PlanOptions,
) -> Planned {
    let asks = |index: &usize| asks_for_point(program, &program.clauses[*index]);
    let cookies = clauses.iter().chain(&returns).any(asks);
    let context = Context::Session { clauses: returns, points: places };
    Planned {
        unit: Unit {
            context,
            clauses,
            points,
            pid: options.process,
            cgroup: options.cgroup,
            sleepable: false,
            lacks_caller: false,
        },
        means: Means::KprobeSession,
        cookies,
    }
}

/// Whether programs run because of what a task does, not by themselves.
fn runs_for_tasks(program: &Program, points: &[PointId]) -> bool {
    let site = &program.points[points[0].0 as usize].site;
    !site.is_run() && !matches!(site, Site::Error | Site::Interval { .. } | Site::Iter { .. })
}

/// The process that a program is for. Clauses that ask for a process's descendants are for these, too; others at the same place then test
/// the process themselves ([`mod@crate::descendants`]).
fn pid(program: &Program, clauses: &[usize], points: &[PointId], options: PlanOptions) -> Option<u32> {
    let site = &program.points[points[0].0 as usize].site;
    let for_descendants = || clauses.iter().any(|clause| uses::asks_for_descendants(&program.clauses[*clause]));
    limit(site, options.pid, options.process).filter(|_| site.traps() || !for_descendants())
}

/// The process that a place is probed for. User probes are tested in programs, too: the kernel's own filter means one thread in some
/// versions of multi-links, and for a perf event always.
pub(crate) fn limit(site: &Site, pid: Option<u32>, process: Option<u32>) -> Option<u32> {
    match site {
        Site::Uprobe { pid, .. } | Site::Uretprobe { pid, .. } | Site::Usdt { pid, .. } => *pid,
        Site::Profile(_) | Site::PerfEvent { .. } => pid,
        Site::Tracepoint { .. }
        | Site::RawTracepoint { .. }
        | Site::Kprobe(_)
        | Site::Kretprobe(_)
        | Site::Fentry(_)
        | Site::Fexit(_) => process,
        _ => None,
    }
}

impl Mechanism {
    /// Whether programs are to wait for pages of user memory: those of user probes that read it, where nothing forbids it.
    fn may_sleep(self, program: &Program, clauses: &[usize], options: PlanOptions) -> bool {
        let any = |is: fn(&Clause) -> bool| clauses.iter().any(|clause| is(&program.clauses[*clause]));
        let of_error =
            |clause: &&Clause| clause.points.iter().any(|id| program.points[id.0 as usize].site == Site::Error);
        matches!(self, Mechanism::Uprobe { .. })
            && any(uses::reads_user)
            && !any(uses::takes_stacks)
            && !program.clauses.iter().filter(of_error).any(uses::takes_stacks)
            && options.abilities.sleepable_uprobe()
    }

    fn tells_points_apart(self, program: &Program, points: &[PointId], options: PlanOptions) -> bool {
        let attach_cookie = |kind| options.abilities.attach_cookie(kind);
        match self {
            Mechanism::Run(_) => true,
            Mechanism::Syscalls { .. } => true,
            Mechanism::Tracepoint => attach_cookie(ProgramKind::Tracepoint),
            Mechanism::RawTracepoint(_) => attach_cookie(ProgramKind::RawTracepoint),
            // The kernel checks the program against one tracepoint's arguments.
            Mechanism::BtfTracepoint(_) | Mechanism::Iter { .. } => false,
            // Multi-links have had cookies from the first.
            Mechanism::Kprobe { means: KprobeMeans::Multi, .. } => true,
            Mechanism::Function { .. } => {
                tried_function(program, points).is_some_and(|id| options.abilities.fentry_cookie(id))
            }
            Mechanism::Uprobe { .. } | Mechanism::Kprobe { .. } => attach_cookie(ProgramKind::Kprobe),
            Mechanism::PerfEvent | Mechanism::Interval => attach_cookie(ProgramKind::PerfEvent),
        }
    }

    fn means(self, options: PlanOptions) -> Means {
        match self {
            Mechanism::Syscalls { exit } => Means::Syscalls { exit },
            Mechanism::Uprobe { .. } if options.abilities.uprobe_multi() => Means::UprobeMulti,
            Mechanism::Kprobe { means: KprobeMeans::Multi, .. } => Means::KprobeMulti,
            Mechanism::Kprobe { means: KprobeMeans::Tracefs, .. } => Means::Tracefs { maxactive: options.maxactive },
            _ => Means::Each,
        }
    }

    fn context(self, program: &Program, points: &[PointId], options: PlanOptions) -> Context {
        match self {
            Mechanism::Run(_) => Context::Run,
            Mechanism::Tracepoint => Context::Tracepoint,
            Mechanism::RawTracepoint(fields) => Context::RawTracepoint(reads(fields)),
            Mechanism::BtfTracepoint(_) => Context::BtfTracepoint,
            Mechanism::Uprobe { .. } | Mechanism::Kprobe { .. } => Context::Registers,
            Mechanism::PerfEvent | Mechanism::Interval => Context::PerfEvent,
            Mechanism::Iter { waits, pinned, .. } => Context::Iter { waits, pinned },
            Mechanism::Function { exit, words } => Context::Function { words, exit },
            Mechanism::Syscalls { exit } => {
                let btf_id = options.abilities.typed_tracepoint(if exit { "sys_exit" } else { "sys_enter" });
                Context::Syscalls { exit, points: numbers(program, points, exit), btf_id }
            }
        }
    }
}

/// A function of the kernel image among the points.
fn tried_function(program: &Program, points: &[PointId]) -> Option<u32> {
    points.iter().find_map(|point| match &program.points[point.0 as usize].site {
        Site::Fentry(function) | Site::Fexit(function) if function.owner == BtfOwner::Kernel => Some(function.btf_id),
        _ => None,
    })
}

fn numbers(program: &Program, points: &[PointId], exit: bool) -> BTreeMap<u32, u32> {
    let prefix = if exit { "sys_exit_" } else { "sys_enter_" };
    let number = |point: &PointId| match &program.points[point.0 as usize].site {
        Site::Tracepoint { event, .. } => event.strip_prefix(prefix).and_then(syscalls::number),
        _ => None,
    };
    points.iter().zip(0..).filter_map(|(point, index)| Some((number(point)?, index))).collect()
}
