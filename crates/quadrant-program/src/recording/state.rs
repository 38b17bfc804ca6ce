//! What the recorder keeps of a script's state: maps that remember where something is, until it is read (`@name[tid] = args.filename` at
//! the entry, `str(@name[tid])` at the return).
//!
//! The recorder evaluates inputs when a point fires, before any clause runs. So an input may depend on a map as long as nothing at that
//! point changes it first. The statements that change such maps run in the recorder as they do in the script; all others are left out.

use std::collections::BTreeSet;

use crate::Program;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::map::MapValue;
use crate::program::Clause;
use crate::record::RecordKind;
use crate::span::Span;
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

/// Maps whose values are as they were when the point fired, in one clause.
pub(super) struct Unchanged<'p> {
    program: &'p Program,
    clause: &'p Clause,
    /// Other clauses change these first, or user space does at some time.
    changed: BTreeSet<MapId>,
    loops: bool,
}

impl<'p> Unchanged<'p> {
    /// For the clause at an index.
    pub fn of(program: &'p Program, index: usize) -> Unchanged<'p> {
        let clause = &program.clauses[index];
        let meets = |other: &Clause| other.points.iter().any(|point| clause.points.contains(point));
        let earlier = program.clauses[..index].iter().map(|other| (other, changes(other)));
        let earlier = earlier.filter(|(other, changes)| !changes.is_empty() && meets(other));
        let mut changed: BTreeSet<MapId> =
            earlier.flat_map(|(_, changes)| changes.into_iter().map(|(map, _)| map)).collect();
        let orders = program.records.iter().filter_map(|record| match record.kind {
            RecordKind::Clear(map) | RecordKind::Zero(map) => Some(map),
            _ => None,
        });
        changed.extend(orders);
        Unchanged { program, clause, changed, loops: has_loops(&clause.body) }
    }

    /// Whether maps may be read for an input that stands there.
    pub fn hold(&self, maps: &BTreeSet<MapId>, at: Span) -> bool {
        let own = changes(self.clause);
        let is_plain = |map: &MapId| matches!(self.program.maps[map.0 as usize].value, MapValue::Plain(_));
        let comes_first = |map: &MapId| own.iter().any(|(own, by)| own == map && (self.loops || by.start < at.start));
        maps.iter().all(|map| is_plain(map) && !self.changed.contains(map) && !comes_first(map))
    }
}

/// The maps that a clause changes, and where.
fn changes(clause: &Clause) -> Vec<(MapId, Span)> {
    let mut parts = Parts::default();
    visit::clause(clause, &mut parts);
    parts.changes
}

fn has_loops(body: &[Stmt]) -> bool {
    struct Loops(bool);
    impl Visitor for Loops {
        fn stmt(&mut self, stmt: &Stmt) {
            self.0 |= matches!(
                stmt.kind,
                StmtKind::While { .. } | StmtKind::Unroll { .. } | StmtKind::ForRange { .. } | StmtKind::ForMap { .. }
            );
        }
    }
    let mut loops = Loops(false);
    visit::stmts(body, &mut loops);
    loops.0
}

/// What is read and changed somewhere.
#[derive(Default)]
struct Parts {
    maps: BTreeSet<MapId>,
    vars: BTreeSet<VarId>,
    changes: Vec<(MapId, Span)>,
}

impl Visitor for Parts {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(Place::Map { map, .. }, _) | StmtKind::Update(Place::Map { map, .. }, ..) => {
                self.changes.push((*map, stmt.span));
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
            ExprKind::MapDelete { map, .. } => self.changes.push((*map, e.span)),
            ExprKind::IncDec { target, .. } => match **target {
                Place::Map { map, .. } => self.changes.push((map, e.span)),
                Place::Var(var) => drop(self.vars.insert(var)),
            },
            ExprKind::Var(var) => drop(self.vars.insert(*var)),
            _ => {}
        }
    }
}

/// The program's clauses with nothing in them but what decides the content of some maps.
pub(super) fn clauses(program: &Program, maps: BTreeSet<MapId>) -> Vec<Clause> {
    if maps.is_empty() {
        return Vec::new();
    }
    let mut slice = Slice { maps, vars: BTreeSet::new() };
    loop {
        let before = (slice.maps.len(), slice.vars.len());
        let kept: Vec<Clause> = program.clauses.iter().filter_map(|clause| slice.clause(clause)).collect();
        if before == (slice.maps.len(), slice.vars.len()) {
            return kept;
        }
    }
}

/// What counts so far: what is kept may need more.
struct Slice {
    maps: BTreeSet<MapId>,
    vars: BTreeSet<VarId>,
}

impl Slice {
    fn clause(&mut self, clause: &Clause) -> Option<Clause> {
        let body = self.stmts(&clause.body);
        if !body.iter().any(|stmt| !matches!(stmt.kind, StmtKind::Return)) {
            return None;
        }
        clause.predicate.iter().for_each(|predicate| self.need(predicate));
        Some(Clause { body, ..clause.clone() })
    }

    fn need(&mut self, e: &Expr) {
        let mut parts = Parts::default();
        visit::expr(e, &mut parts);
        self.maps.extend(parts.maps);
        self.vars.extend(parts.vars);
    }

    fn stmts(&mut self, list: &[Stmt]) -> Vec<Stmt> {
        list.iter().filter_map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &Stmt) -> Option<Stmt> {
        let kind = match &stmt.kind {
            StmtKind::If { cond, then, other } => {
                let (then, other) = (self.stmts(then), self.stmts(other));
                if then.is_empty() && other.is_empty() {
                    return None;
                }
                self.need(cond);
                StmtKind::If { cond: cond.clone(), then, other }
            }
            StmtKind::Block(body) => StmtKind::Block(Some(self.stmts(body)).filter(|body| !body.is_empty())?),
            StmtKind::Return | StmtKind::Break | StmtKind::Continue => stmt.kind.clone(),
            kind if self.counts(stmt) => kind.clone(),
            _ => return None,
        };
        let kept = Stmt::new(kind, stmt.span);
        if !matches!(kept.kind, StmtKind::If { .. } | StmtKind::Block(_)) {
            self.need_all(&kept);
        }
        Some(kept)
    }

    /// Whether a statement changes what counts. A loop does it as a whole.
    fn counts(&self, stmt: &Stmt) -> bool {
        if matches!(stmt.kind, StmtKind::Emit { .. } | StmtKind::Exit { .. } | StmtKind::Aggregate { .. }) {
            return false;
        }
        let mut targets = Targets::default();
        visit::stmt(stmt, &mut targets);
        targets.maps.iter().any(|map| self.maps.contains(map)) || targets.vars.iter().any(|var| self.vars.contains(var))
    }

    fn need_all(&mut self, stmt: &Stmt) {
        let mut parts = Parts::default();
        visit::stmt(stmt, &mut parts);
        self.maps.extend(parts.maps);
        self.vars.extend(parts.vars);
    }
}

/// What statements change.
#[derive(Default)]
struct Targets {
    maps: Vec<MapId>,
    vars: Vec<VarId>,
}

impl Targets {
    fn place(&mut self, place: &Place) {
        match place {
            Place::Var(var) => self.vars.push(*var),
            Place::Map { map, .. } => self.maps.push(*map),
        }
    }
}

impl Visitor for Targets {
    fn stmt(&mut self, stmt: &Stmt) {
        if let StmtKind::Assign(place, _) | StmtKind::Update(place, ..) = &stmt.kind {
            self.place(place);
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::MapDelete { map, .. } => self.maps.push(*map),
            ExprKind::IncDec { target, .. } => self.place(target),
            _ => {}
        }
    }
}
