//! How each program is attached, in words.

use quadrant_codegen::object::Context;
use quadrant_probes::attach::Means;
use quadrant_program::probe::PointId;

use crate::plan::Planned;
use crate::trace::Compiled;

/// How some points are attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// Index of the unit.
    pub unit: usize,
    /// The name of the first point.
    pub first: String,
    /// How many points there are.
    pub points: usize,
    /// How, in words.
    pub how: String,
    /// Why not in another way.
    pub why: &'static str,
}

impl Compiled {
    /// How each program is attached; those that run without a probe are left out.
    pub fn chosen(&self) -> Vec<Mechanism> {
        let attached = self.units.iter().enumerate().filter(|(_, planned)| planned.unit.context != Context::Run);
        attached.map(|(unit, planned)| self.mechanism(unit, planned)).collect()
    }

    fn mechanism(&self, unit: usize, planned: &Planned) -> Mechanism {
        let points: Vec<PointId> = planned.unit.all_points().collect();
        let first = points.first().and_then(|point| self.program.points.get(point.0 as usize));
        let first = first.map_or(String::new(), |point| point.name.clone());
        Mechanism { unit, points: points.len(), how: self.how(planned, &points), why: reason(planned, &first), first }
    }

    /// In words, with what is special about its points.
    fn how(&self, planned: &Planned, points: &[PointId]) -> String {
        let moved = points.iter().filter(|point| self.moved.contains(&point.0)).count();
        let words = words(planned);
        match (moved, points.len()) {
            (0, _) => words,
            (moved, all) => {
                let which = if moved == all { String::new() } else { format!(" of {moved} of them") };
                format!("{words}, behind the first instruction{which}, which the kernel would execute in single step")
            }
        }
    }

    /// A line for each program that is attached: its first point, how many more it has, and how.
    pub fn mechanisms(&self) -> Vec<String> {
        self.chosen().iter().map(Mechanism::line).collect()
    }
}

impl Mechanism {
    fn line(&self) -> String {
        let Mechanism { first, how, .. } = self;
        match self.points {
            0 | 1 => format!("{first}: {how}"),
            count => format!("{first} and {} more: {how}", count - 1),
        }
    }
}

/// Why the planner chose it.
fn reason(planned: &Planned, first: &str) -> &'static str {
    match (planned.means, &planned.unit.context) {
        (Means::UprobeMulti, _) => "many places of one file are attached to, and left, in one step",
        (Means::UprobeSession | Means::KprobeSession, _) => {
            "the same functions have an entry and a return: one probe in each instead of two"
        }
        (Means::KprobeMulti, _) => {
            "all functions are attached to, and left, in one step, and a hit costs less than a perf event's"
        }
        (Means::Tracefs { maxactive: Some(_) }, _) => "only there the calls under way can be given room",
        (Means::Tracefs { .. }, _) => "it was asked for, or this kernel has no other way",
        (Means::Syscalls { .. }, _) => "one program instead of hundreds, each of which takes the kernel 70 ms to leave",
        (Means::Each, Context::RawTracepoint(_)) => {
            "the script reads nothing that raw tracepoints lack, and they are cheaper to hit and to leave"
        }
        (Means::Each, Context::BtfTracepoint) => "its arguments have types, and are read without calls",
        (Means::Each, Context::Function { .. }) => {
            "the function calls the program, without an exception; arguments have types"
        }
        (Means::Each, Context::Iter { .. }) => "that is what iterators are",
        (Means::Each, Context::Tracepoint) if first.starts_with("tracepoint:syscalls:") => {
            "the raw tracepoint of system calls would run the program at every one of them"
        }
        (Means::Each, Context::Tracepoint) => "the script reads what only the tracepoint's record has",
        (Means::Each, _) => "this kernel offers nothing cheaper for it",
    }
}

fn words(planned: &Planned) -> String {
    let words = match (planned.means, &planned.unit.context) {
        (Means::UprobeMulti, _) => "one link for all places of the file (uprobe_multi)",
        (Means::UprobeSession, _) => "one program and one link for entries and returns (uprobe_session)",
        (Means::KprobeSession, _) => "one program and one link for entries and returns (kprobe_session)",
        (Means::KprobeMulti, _) => "one link for all functions (kprobe_multi)",
        (Means::Tracefs { maxactive: None }, _) => "events of tracefs",
        (Means::Tracefs { maxactive: Some(calls) }, _) => return format!("events of tracefs, maxactive {calls}"),
        (Means::Syscalls { .. }, _) => "one raw tracepoint for all system calls",
        (Means::Each, Context::RawTracepoint(_)) => "raw tracepoints",
        (Means::Each, Context::BtfTracepoint) => "raw tracepoint with types",
        (Means::Each, Context::Function { .. }) => "a trampoline for each function",
        (Means::Each, Context::Iter { pinned: true, .. }) => "an iterator of the kernel that stays as a file",
        (Means::Each, Context::Iter { .. }) => "an iterator of the kernel, read once",
        (Means::Each, Context::Tracepoint) => "perf events of tracepoints",
        (Means::Each, _) => "perf events",
    };
    words.to_owned()
}
