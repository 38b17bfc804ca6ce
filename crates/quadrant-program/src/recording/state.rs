//! What the recorder keeps of a script's state: maps that remember where something is, until it is read (`@name[tid] = args.filename` at
//! the entry, `str(@name[tid])` at the return).
//!
//! The recorder evaluates inputs when a point fires, before any clause runs. So an input may depend on a map as long as nothing at that
//! point changes it first. What changes such maps runs in the recorder as it does in the script ([`super::slice`]).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Program;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::map::MapValue;
use crate::probe::Site;
use crate::program::Clause;
use crate::record::RecordId;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// The maps that an expression reads.
pub(super) fn maps_of(e: &Expr) -> BTreeSet<MapId> {
    let mut parts = Parts::default();
    visit::expr(e, &mut parts);
    parts.maps
}

/// How many expressions there are in one, itself included.
pub(super) fn count(e: &Expr) -> usize {
    let mut parts = Parts::default();
    visit::expr(e, &mut parts);
    parts.count
}

/// Maps whose values are as they were when the point fired, in one clause.
pub(super) struct Unchanged<'p> {
    program: &'p Program,
    /// The clause itself changes these; how many of its expressions come before the first time.
    own: BTreeMap<MapId, usize>,
    /// Other clauses change these first.
    changed: BTreeSet<MapId>,
    /// User space empties these at some time.
    ordered: BTreeSet<MapId>,
    /// User space empties these while the clause may run.
    emptied: BTreeSet<MapId>,
    loops: bool,
}

impl<'p> Unchanged<'p> {
    /// For the clause at an index.
    pub fn of(program: &'p Program, index: usize) -> Unchanged<'p> {
        let clause = &program.clauses[index];
        let meets = |other: &Clause| other.points.iter().any(|point| clause.points.contains(point));
        let earlier = program.clauses[..index].iter().filter(|other| meets(other));
        let changed = earlier.flat_map(|other| {
            changes(other).into_iter().map(|(map, _)| map).chain(emptied_by(program, other)).collect::<Vec<_>>()
        });
        let changed = changed.collect();
        // What the end orders comes after all events.
        let ends = clause.points.iter().any(|point| program.points[point.0 as usize].site == Site::End);
        let orders = program.clauses.iter().filter(|other| ends || !is_at_end(program, other));
        let ordered = orders.flat_map(|other| emptied_by(program, other)).collect();
        let mut own = BTreeMap::new();
        for (map, before) in changes(clause) {
            own.entry(map).or_insert(before);
        }
        let emptied = if is_at(program, clause, &Site::Begin) { BTreeSet::new() } else { emptied_meanwhile(program) };
        Unchanged { program, own, changed, ordered, emptied, loops: has_loops(clause) }
    }

    /// Whether user space empties a map at a time that no event says.
    pub fn is_emptied(&self, map: MapId) -> bool {
        self.emptied.contains(&map)
    }

    /// Whether maps may be read for an input with which so many expressions of the clause have been walked over. Places in the text say
    /// nothing: what macros and inlines expand to stands where they are defined.
    pub fn hold(&self, maps: &BTreeSet<MapId>, walked: usize) -> bool {
        self.hold_at_start(maps, walked) && self.ordered.is_disjoint(maps)
    }

    /// The same for what decides whether the clause runs at all: of what is changed meanwhile, the value at its start counts.
    pub fn hold_at_start(&self, maps: &BTreeSet<MapId>, walked: usize) -> bool {
        let is_plain = |map: &MapId| matches!(self.program.maps[map.0 as usize].value, MapValue::Plain(_));
        let comes_first = |map: &MapId| self.own.get(map).is_some_and(|before| self.loops || *before < walked);
        maps.iter().all(|map| is_plain(map) && !self.changed.contains(map) && !comes_first(map))
    }
}

/// Whether a clause runs only at the end of the trace.
pub(super) fn is_at_end(program: &Program, clause: &Clause) -> bool {
    is_at(program, clause, &Site::End)
}

/// Whether a clause runs only there.
pub(super) fn is_at(program: &Program, clause: &Clause, site: &Site) -> bool {
    clause.points.iter().all(|point| program.points[point.0 as usize].site == *site)
}

/// The map that a record orders user space to empty.
pub(super) fn emptied(program: &Program, record: RecordId) -> Option<MapId> {
    program.records[record.0 as usize].kind.emptied()
}

/// The maps that user space is ordered to empty while events come: what the start and the end order is done before and after all of them.
fn emptied_meanwhile(program: &Program) -> BTreeSet<MapId> {
    let is_once = |clause: &&Clause| [Site::Begin, Site::End].iter().any(|site| is_at(program, clause, site));
    let clauses = program.clauses.iter().filter(|clause| !is_once(clause));
    clauses.flat_map(|clause| emptied_by(program, clause)).collect()
}

/// The maps that a clause orders user space to empty.
fn emptied_by(program: &Program, clause: &Clause) -> Vec<MapId> {
    struct Orders<'p>(&'p Program, Vec<MapId>);
    impl Visitor for Orders<'_> {
        fn stmt(&mut self, stmt: &Stmt) {
            if let StmtKind::Emit { record, .. } = &stmt.kind {
                self.1.extend(emptied(self.0, *record));
            }
        }
    }
    let mut orders = Orders(program, Vec::new());
    visit::clause(clause, &mut orders);
    orders.1
}

/// The maps that a clause changes, and how many expressions come before in a walk.
fn changes(clause: &Clause) -> Vec<(MapId, usize)> {
    let mut parts = Parts::default();
    visit::clause(clause, &mut parts);
    parts.changes
}

/// Whether something in a clause can run several times.
pub(super) fn has_loops(clause: &Clause) -> bool {
    struct Loops(bool);
    impl Visitor for Loops {
        fn stmt(&mut self, stmt: &Stmt) {
            self.0 |= stmt.is_loop();
        }
    }
    let mut loops = Loops(false);
    visit::clause(clause, &mut loops);
    loops.0
}

/// What is used and changed somewhere.
#[derive(Default)]
pub(super) struct Parts {
    pub maps: BTreeSet<MapId>,
    pub vars: BTreeSet<VarId>,
    /// There is a call of `speculation()`.
    pub speculates: bool,
    changes: Vec<(MapId, usize)>,
    /// Expressions so far.
    count: usize,
}

impl Parts {
    fn changes(&mut self, map: MapId) {
        self.maps.insert(map);
        self.changes.push((map, self.count));
    }
}

impl Visitor for Parts {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(Place::Map { map, .. }, _) | StmtKind::Update(Place::Map { map, .. }, ..) => {
                self.changes(*map);
            }
            StmtKind::ForMap { map, .. } => drop(self.maps.insert(*map)),
            _ => {}
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::MapGet { map, .. } | ExprKind::MapHas { map, .. } | ExprKind::MapLen(map) => {
                self.maps.insert(*map);
            }
            ExprKind::MapDelete { map, .. } => self.changes(*map),
            ExprKind::IncDec { target, .. } => match **target {
                Place::Map { map, .. } => self.changes(map),
                Place::Var(var) => drop(self.vars.insert(var)),
            },
            ExprKind::Var(var) => drop(self.vars.insert(*var)),
            ExprKind::Call(Function::Speculation, _) => self.speculates = true,
            _ => {}
        }
        self.count += 1;
    }
}
