//! Aggregations that are fed by one program at a time on each CPU, and by nothing else changed, so that adding to a CPU's part takes no
//! lock.
//!
//! The kernel passes over a run of a program where it would interrupt another (and counts it as missed). Kernel probes, perf events and
//! tracepoints by perf event keep each other out; programs of raw tracepoints and trampolines only themselves. Programs of user probes
//! are kept out by nothing: they can be preempted by another one on their CPU.
//!
//! Where user space or a program empties a map, a program that has read a part and not yet stored the sum would bring back what was
//! there, or give it to the key that has the memory now. An atomic addition cannot.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use quadrant_program::Program;
use quadrant_program::map::MapId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;

use super::globals::Usage;
use super::walk;
use super::walk::Node;
use crate::object::Context;
use crate::object::Unit;
use crate::target::Target;

/// Which runs the kernel keeps from interrupting a run of a program.
#[derive(Clone, Copy, PartialEq)]
enum Guard {
    /// Its own and those of all programs with this guard.
    Family,
    /// Its own.
    Own,
    /// None.
    Nothing,
}

/// The maps.
pub(super) fn fed_alone(program: &Program, units: &[Unit], target: &Target, usage: &Usage) -> BTreeSet<MapId> {
    let mut feeders = BTreeMap::<MapId, Vec<Guard>>::new();
    for unit in units {
        let clauses = unit.all_clauses().filter_map(|index| program.clauses.get(index));
        let guard = guard(program, unit, target);
        for map in clauses.flat_map(fed).collect::<BTreeSet<_>>() {
            feeders.entry(map).or_default().push(guard);
        }
    }
    // These clauses run in any program.
    for map in usage.on_fault.iter().flat_map(|(index, _)| fed(&program.clauses[*index])) {
        feeders.entry(map).or_default().push(Guard::Nothing);
    }
    let alone = |guards: &[Guard]| guards == [Guard::Own] || guards.iter().all(|guard| *guard == Guard::Family);
    let stays = |map: &MapId| {
        !usage.emptied.contains(map) && !usage.deleted.contains(map) && !program.maps[map.0 as usize].forgets
    };
    feeders.into_iter().filter(|(map, guards)| alone(guards) && stays(map)).map(|(map, _)| map).collect()
}

/// The maps that user space empties while programs run, by records of such kinds.
pub(super) fn emptied(program: &Program, is_meant: impl Fn(&RecordKind) -> bool) -> BTreeSet<MapId> {
    let by = |kind: &RecordKind| match kind {
        RecordKind::Firing(actions) => actions.iter().filter_map(|action| action.kind.emptied()).collect(),
        kind => Vec::from_iter(kind.emptied()),
    };
    program.records.iter().filter(|record| is_meant(&record.kind)).flat_map(|record| by(&record.kind)).collect()
}

/// The aggregations that a clause feeds, each once.
fn fed(clause: &Clause) -> BTreeSet<MapId> {
    let mut maps = BTreeSet::new();
    walk::clause(clause, &mut |node| {
        if let Node::Stmt(stmt) = node
            && let StmtKind::Aggregate { map, .. } = stmt.kind
        {
            maps.insert(map);
        }
    });
    maps
}

fn guard(program: &Program, unit: &Unit, target: &Target) -> Guard {
    match unit.context {
        Context::Tracepoint | Context::PerfEvent => Guard::Family,
        Context::Registers | Context::Session { .. } if is_in_kernel(program, unit) => Guard::Family,
        Context::RawTracepoint(_) | Context::BtfTracepoint | Context::Syscalls { .. } if target.guarded => Guard::Own,
        // It is a program for each function.
        Context::Function { .. } if target.guarded && unit.points.len() == 1 => Guard::Own,
        _ => Guard::Nothing,
    }
}

fn is_in_kernel(program: &Program, unit: &Unit) -> bool {
    let of_kernel =
        |site: &Site| matches!(site, Site::Kprobe(_) | Site::Kretprobe(_) | Site::Fentry(_) | Site::Fexit(_));
    unit.all_points().all(|id| program.points.get(id.0 as usize).is_some_and(|point| of_kernel(&point.site)))
}
