//! By which of the kernel's means functions of the kernel are probed.

use std::collections::{HashMap, HashSet};

use quadrant_program::Program;
use quadrant_program::expr::{Builtin, Expr, ExprKind};
use quadrant_program::probe::{BtfFunction, BtfOwner, KernelCode, PointId, Site};
use quadrant_program::program::{Clause, KprobeMeans};
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

use super::{Abilities, PlanOptions};

/// By which means a function is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FunctionMeans {
    Kprobe(KprobeMeans),
    Trampoline,
}

/// From this many functions on, one link is taken instead of a trampoline for each where it means the same: every trampoline has a
/// program of its own to be verified.
const MANY_TRAMPOLINES: usize = 8;

/// The means for each point in the kernel's functions.
pub(super) fn choose(
    program: &Program,
    clauses: &[(PointId, Vec<usize>)],
    options: &PlanOptions<'_>,
) -> HashMap<PointId, FunctionMeans> {
    let [entries, returns] = [false, true].map(|on_return| Group::new(program, clauses, on_return));
    let chooser = |group: &Group, site: &Site| match site {
        Site::Kprobe(code) | Site::Kretprobe(code) => {
            Some(FunctionMeans::Kprobe(kprobe(code, group, options, matches!(site, Site::Kretprobe(_)))))
        }
        Site::Fentry(_) | Site::Fexit(_) => Some(FunctionMeans::Trampoline),
        _ => None,
    };
    let registers: Vec<bool> = program.clauses.iter().map(wants_registers).collect();
    let mut chosen = HashMap::new();
    for (point, clauses) in clauses {
        let site = &program.points[point.0 as usize].site;
        let group = if is_return(site) { &returns } else { &entries };
        let many = group.like_kprobes.contains(point) && group.like_kprobes.len() >= MANY_TRAMPOLINES;
        let means = match asked_kprobe(site) {
            Some(code) if options.forces_kprobes() || clauses.iter().any(|clause| registers[*clause]) => {
                Some(FunctionMeans::Kprobe(kprobe(code, group, options, is_return(site))))
            }
            None if many && options.abilities.kprobe_multi() => Some(FunctionMeans::Kprobe(KprobeMeans::Multi)),
            _ => chooser(group, site),
        };
        chosen.extend(means.map(|means| (*point, means)));
    }
    chosen
}

fn kprobe(code: &KernelCode, group: &Group, options: &PlanOptions<'_>, on_return: bool) -> KprobeMeans {
    let abilities = options.abilities;
    match options.kprobes {
        Some(forced @ (KprobeMeans::Multi | KprobeMeans::Perf | KprobeMeans::Tracefs)) => forced,
        // Where perf events and links do not tell what they missed, tracefs does.
        _ if on_return && abilities.hides_misses() => KprobeMeans::Tracefs,
        _ if on_return && options.maxactive.is_some() => KprobeMeans::Tracefs,
        _ if group.kprobes > 1 && is_entry(code) && abilities.kprobe_multi() => KprobeMeans::Multi,
        _ if on_return && sees_all_returns(code, abilities) => KprobeMeans::Multi,
        _ if abilities.kprobe_event() => KprobeMeans::Perf,
        _ => KprobeMeans::Tracefs,
    }
}

/// A link to the function is better than an event, which keeps track of a limited number of calls under way.
fn sees_all_returns(code: &KernelCode, abilities: &dyn Abilities) -> bool {
    let can_link = abilities.kprobe_multi() && !abilities.limits_returns();
    can_link && code.address.is_some() && (code.traceable || abilities.is_traceable(code))
}

/// What of one time, entry or return, can be attached to together.
struct Group {
    /// How many kprobes.
    kprobes: usize,
    /// Points of trampolines whose clauses mean the same in a kprobe.
    like_kprobes: HashSet<PointId>,
}

impl Group {
    fn new(program: &Program, clauses: &[(PointId, Vec<usize>)], on_return: bool) -> Group {
        let mut group = Group { kprobes: 0, like_kprobes: HashSet::new() };
        let fits: Vec<Fit> = program.clauses.iter().map(|clause| Fit::of(clause, on_return)).collect();
        for (point, clauses) in clauses {
            match &program.points[point.0 as usize].site {
                site if is_return(site) != on_return => {}
                Site::Kprobe(code) | Site::Kretprobe(code) if is_entry(code) => group.kprobes += 1,
                Site::Fentry(function) | Site::Fexit(function)
                    if is_entry_of(function) && clauses.iter().all(|clause| fits[*clause].is_for(function)) =>
                {
                    group.like_kprobes.insert(*point);
                }
                _ => {}
            }
        }
        group
    }
}

pub(super) fn is_return(site: &Site) -> bool {
    matches!(site, Site::Kretprobe(_) | Site::Fexit(_))
}

/// A function that the kernel can attach to together with others.
fn is_entry(code: &KernelCode) -> bool {
    code.traceable && code.offset == 0 && code.address.is_some()
}

fn is_entry_of(function: &BtfFunction) -> bool {
    !matches!(function.owner, BtfOwner::Program(_)) && function.code.as_ref().is_some_and(is_entry)
}

/// The code of a kernel probe that runs in another way.
fn asked_kprobe(site: &Site) -> Option<&KernelCode> {
    match site {
        Site::Fentry(function) | Site::Fexit(function) if function.kprobe => function.code.as_ref(),
        _ => None,
    }
}

/// A clause that only a kernel probe can serve.
fn wants_registers(clause: &Clause) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn expr(&mut self, expr: &Expr) {
            self.0 |= matches!(expr.kind, ExprKind::Reg(_) | ExprKind::Builtin(Builtin::Context));
        }
    }
    let mut finder = Finder(false);
    visit::clause(clause, &mut finder);
    finder.0
}

/// For which functions a clause means the same in a kprobe as by trampoline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    None,
    /// Arguments in registers are the same in both ways; at a return a kprobe has none any more.
    Plain,
    /// It asks for nothing that the function is given or gives.
    All,
}

impl Fit {
    fn of(clause: &Clause, on_return: bool) -> Fit {
        struct Finder {
            words: u8,
            result: bool,
        }
        impl Visitor for Finder {
            fn expr(&mut self, expr: &Expr) {
                match expr.kind {
                    ExprKind::Arg(index) => self.words = self.words.max(index + 1),
                    ExprKind::Retval => self.result = true,
                    _ => {}
                }
            }
        }
        let mut finder = Finder { words: 0, result: false };
        visit::clause(clause, &mut finder);
        let registers = quadrant_program::arch::native().arguments.len();
        match usize::from(finder.words) {
            0 if !finder.result => Fit::All,
            words if words <= if on_return { 0 } else { registers } => Fit::Plain,
            _ => Fit::None,
        }
    }

    fn is_for(self, function: &BtfFunction) -> bool {
        self == Fit::All || self == Fit::Plain && function.is_plain
    }
}
