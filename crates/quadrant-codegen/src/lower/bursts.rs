//! Maps that one firing may give more new keys than the kernel has memory for.
//!
//! A map that takes memory as keys come has a few pieces of it ready on each CPU. More come by an interrupt, at once where a program of a
//! process stores a key. But where interrupts are off (timers, events of the processor, tracepoints and functions that run in
//! interrupts), no more come before the program has ended: a loop that fills a map there would lose all keys but the first few. So the
//! memory of such maps is taken when they are made.

use std::collections::BTreeMap;

use quadrant_program::Program;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Place;
use quadrant_program::map::MapId;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::program::Clause;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;

use super::walk;
use super::walk::Node;
use crate::object::Unit;

/// Pieces of memory that the kernel has ready for a new map, and of how many bytes at most; of larger ones it has one.
const AT_HAND: u32 = 4;
const SMALL: u64 = 256;
/// Tracepoints in a process, with interrupts on.
const OF_PROCESSES: [&str; 2] = ["syscalls", "raw_syscalls"];
/// The same as raw tracepoints.
const RAW_OF_PROCESSES: [&str; 2] = ["sys_enter", "sys_exit"];

/// What stays the same while a program runs.
const OF_TASKS: [Builtin; 4] = [Builtin::Pid, Builtin::Tid, Builtin::Cpu, Builtin::Comm];

/// How many new keys of each map one firing may store where interrupts are off, at most [`u32::MAX`].
pub(super) fn of(program: &Program, units: &[Unit]) -> BTreeMap<MapId, u32> {
    let mut most = BTreeMap::<MapId, u32>::new();
    for unit in units.iter().filter(|unit| unit.all_points().any(|point| is_interrupt(program, point))) {
        let mut stored = BTreeMap::new();
        for clause in unit.all_clauses().filter_map(|index| program.clauses.get(index)) {
            count(clause, &mut stored);
        }
        for (map, count) in stored {
            let known = most.entry(map).or_default();
            *known = count.max(*known);
        }
    }
    most
}

/// Whether the kernel may lack memory for so many new keys, in entries of so many bytes.
pub(super) fn is_too_many(keys: u32, entry: u64) -> bool {
    keys > if entry > SMALL { 1 } else { AT_HAND }
}

/// Whether a point can fire while interrupts are off.
fn is_interrupt(program: &Program, point: PointId) -> bool {
    match program.points.get(point.0 as usize).map(|point| &point.site) {
        None | Some(Site::Begin | Site::End | Site::Signal(_) | Site::Test | Site::Bench | Site::Iter { .. }) => false,
        Some(Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. }) => false,
        Some(Site::Tracepoint { category, .. }) => !OF_PROCESSES.contains(&category.as_str()),
        Some(Site::RawTracepoint { event, .. }) => !RAW_OF_PROCESSES.contains(&event.as_str()),
        Some(_) => true,
    }
}

/// Adds the keys that a clause may store.
fn count(clause: &Clause, stored: &mut BTreeMap<MapId, u32>) {
    let mut rounds = vec![1_u32];
    let mut store = |place: Option<(MapId, &Expr)>, around: u32| {
        let Some((map, key)) = place else { return };
        let known = stored.entry(map).or_default();
        *known = known.saturating_add(if is_fixed(key) { 1 } else { around });
    };
    walk::clause(clause, &mut |node| {
        let around = rounds.last().copied().unwrap_or(1);
        match node {
            Node::Stmt(stmt) => {
                store(target(stmt), around);
                if stmt.is_loop() {
                    rounds.push(around.saturating_mul(times(stmt)));
                }
            }
            Node::Expr(Expr { kind: ExprKind::IncDec { target, .. }, .. }) => store(keyed(target), around),
            Node::End(stmt) if stmt.is_loop() => drop(rounds.pop()),
            Node::Expr(_) | Node::End(_) => {}
        }
    });
}

/// The map and key at which a statement stores something.
fn target(stmt: &Stmt) -> Option<(MapId, &Expr)> {
    match &stmt.kind {
        StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => keyed(place),
        StmtKind::Aggregate { map, key: Some(key), .. } => Some((*map, key)),
        _ => None,
    }
}

fn keyed(place: &Place) -> Option<(MapId, &Expr)> {
    match place {
        Place::Map { map, key: Some(key) } => Some((*map, key)),
        _ => None,
    }
}

fn times(stmt: &Stmt) -> u32 {
    match stmt.kind {
        StmtKind::Unroll { count, .. } => count,
        _ => u32::MAX,
    }
}

/// Whether a key is the same in each round of a loop: it has only what a firing is about.
fn is_fixed(key: &Expr) -> bool {
    let mut fixed = true;
    walk::expr(key, &mut |node| {
        if let Node::Expr(expr) = node {
            fixed &= match &expr.kind {
                ExprKind::Int(_) | ExprKind::Str(_) | ExprKind::Tuple(_) | ExprKind::Cast(_) | ExprKind::Arg(_) => true,
                ExprKind::Builtin(builtin) => OF_TASKS.contains(builtin),
                _ => false,
            };
        }
    });
    fixed
}
