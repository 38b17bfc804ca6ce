//! Maps that one firing may give more new keys than the kernel has memory for.
//!
//! A map that takes memory as keys come has a few pieces of it ready on each CPU. More come by an interrupt, at once where a program of a
//! process stores a key. But where interrupts are off (timers, events of the processor, tracepoints and functions that run in
//! interrupts), no more come before the program has ended: a loop that fills a map there would lose all keys but the first few. So the
//! memory of such maps is taken when they are made, if that is not too much. Without a loop, a firing stores few keys, and the next ones
//! find memory.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use quadrant_program::Program;
use quadrant_program::expr::Builtin;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::Place;
use quadrant_program::map::MapId;
use quadrant_program::probe::PointId;
use quadrant_program::probe::Site;
use quadrant_program::stmt::Stmt;
use quadrant_program::stmt::StmtKind;
use quadrant_program::visit;
use quadrant_program::visit::Visitor;

use super::walk;
use super::walk::Node;
use crate::object::Unit;

/// Pieces of memory that the kernel has ready for a new map.
const AT_HAND: u32 = 4;
/// Tracepoints in a process, with interrupts on.
const OF_PROCESSES: [&str; 2] = ["syscalls", "raw_syscalls"];
/// The same as raw tracepoints.
const RAW_OF_PROCESSES: [&str; 2] = ["sys_enter", "sys_exit"];

/// What stays the same while a program runs.
const OF_TASKS: [Builtin; 4] = [Builtin::Pid, Builtin::Tid, Builtin::Cpu, Builtin::Comm];

/// Maps to which the loops of one firing may give more new keys than the kernel has memory for where interrupts are off.
pub(super) fn of(program: &Program, units: &[Unit]) -> BTreeSet<MapId> {
    let in_interrupts = units.iter().filter(|unit| unit.all_points().any(|point| is_interrupt(program, point)));
    in_interrupts.flat_map(|unit| filled(program, unit)).collect()
}

/// The maps that a program fills.
fn filled(program: &Program, unit: &Unit) -> impl Iterator<Item = MapId> {
    let mut keys = Keys::default();
    for clause in unit.all_clauses().filter_map(|index| program.clauses.get(index)) {
        visit::clause(clause, &mut keys);
    }
    keys.stored.into_iter().filter(|(_, count)| *count > AT_HAND).map(|(map, _)| map)
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

/// How many keys of each map loops may store, at most [`u32::MAX`].
type Stored = BTreeMap<MapId, u32>;

/// Counts the keys that loops store.
#[derive(Default)]
struct Keys {
    stored: Stored,
    /// How often what is visited runs, by the loops around.
    rounds: Vec<u32>,
    /// Those around.
    branches: Vec<Branch>,
}

/// An `if`, of which one firing takes one branch: the greater one counts.
struct Branch {
    /// What was stored before it.
    before: Stored,
    /// What was stored at the end of its first branch.
    then: Stored,
}

impl Visitor for Keys {
    fn stmt(&mut self, stmt: &Stmt) {
        self.store(target(stmt));
        if stmt.is_loop() {
            let around = self.rounds.last().copied().unwrap_or(1);
            self.rounds.push(around.saturating_mul(times(stmt)));
        }
        if matches!(stmt.kind, StmtKind::If { .. }) {
            self.branches.push(Branch { before: self.stored.clone(), then: Stored::new() });
        }
    }

    /// Goes on from what was stored before an `if` where its other branch starts.
    fn other(&mut self, _if: &Stmt) {
        if let Some(branch) = self.branches.last_mut() {
            branch.then = mem::replace(&mut self.stored, mem::take(&mut branch.before));
        }
    }

    fn end(&mut self, stmt: &Stmt) {
        if stmt.is_loop() {
            self.rounds.pop();
        }
        if !matches!(stmt.kind, StmtKind::If { .. }) {
            return;
        }
        for (map, count) in self.branches.pop().into_iter().flat_map(|branch| branch.then) {
            let known = self.stored.entry(map).or_default();
            *known = count.max(*known);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::IncDec { target, .. } = &expr.kind {
            self.store(keyed(target));
        }
    }
}

impl Keys {
    fn store(&mut self, place: Option<(MapId, &Expr)>) {
        let (Some((map, key)), Some(around)) = (place, self.rounds.last()) else { return };
        if !is_fixed(key) {
            let known = self.stored.entry(map).or_default();
            *known = known.saturating_add(*around);
        }
    }
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
