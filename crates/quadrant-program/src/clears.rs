//! Where maps are cleared at once, whatever the size of their tables.

use std::collections::BTreeSet;

use crate::Program;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::map::MapId;
use crate::program::Clause;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// The orders to clear a map in clauses that walk over all of it or count its keys: to clear it there takes no longer than that. In
/// clauses that the tracer runs itself, where nobody waits for them, also those behind which such a clause uses the map: what it stores
/// then is to stay.
pub fn at_once(program: &Program) -> BTreeSet<RecordId> {
    let found = program.clauses.iter().flat_map(|clause| in_clause(program, clause));
    let used = used_afterwards(program);
    found.chain(used).chain(program.clears_at_once.iter().copied()).collect()
}

fn in_clause(program: &Program, clause: &Clause) -> Vec<RecordId> {
    let mut uses = Uses { program, walked: BTreeSet::new(), cleared: Vec::new() };
    visit::clause(clause, &mut uses);
    let Uses { walked, cleared, .. } = uses;
    cleared.into_iter().filter(|(map, _)| walked.contains(map)).map(|(_, record)| record).collect()
}

struct Uses<'p> {
    program: &'p Program,
    walked: BTreeSet<MapId>,
    cleared: Vec<(MapId, RecordId)>,
}

impl Visitor for Uses<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        match stmt.kind {
            StmtKind::ForMap { map, .. } => drop(self.walked.insert(map)),
            StmtKind::Emit { record, .. } => {
                self.cleared.extend(cleared(self.program, record).map(|map| (map, record)));
            }
            _ => {}
        }
    }

    fn expr(&mut self, e: &Expr) {
        if let ExprKind::MapLen(map) = e.kind {
            self.walked.insert(map);
        }
    }
}

fn used_afterwards(program: &Program) -> BTreeSet<RecordId> {
    let is_run = |clause: &&Clause| {
        clause.points.iter().all(|point| program.points.get(point.0 as usize).is_some_and(|point| point.site.is_run()))
    };
    let mut order = Order { program, loops: 0, cleared: Vec::new(), used: BTreeSet::new() };
    program.clauses.iter().filter(is_run).for_each(|clause| visit::clause(clause, &mut order));
    order.used
}

/// What comes behind what, in the clauses that the tracer runs.
struct Order<'p> {
    program: &'p Program,
    loops: u32,
    cleared: Vec<(MapId, RecordId)>,
    used: BTreeSet<RecordId>,
}

impl Order<'_> {
    fn clear(&mut self, map: MapId, record: RecordId) {
        self.cleared.push((map, record));
        // The next round may use it.
        if self.loops > 0 {
            self.used.insert(record);
        }
    }

    fn touch(&mut self, map: MapId) {
        let before = self.cleared.iter().filter(|(cleared, _)| *cleared == map);
        self.used.extend(before.map(|(_, record)| *record));
    }

    fn touch_place(&mut self, place: &Place) {
        if let Place::Map { map, .. } = place {
            self.touch(*map);
        }
    }
}

impl Visitor for Order<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        self.loops += u32::from(stmt.is_loop());
        match &stmt.kind {
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => self.touch_place(place),
            StmtKind::Aggregate { map, .. } => self.touch(*map),
            StmtKind::Emit { record, .. } => {
                if let Some(map) = cleared(self.program, *record) {
                    self.clear(map, *record);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, stmt: &Stmt) {
        self.loops -= u32::from(stmt.is_loop());
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::MapGet { map, .. } | ExprKind::MapHas { map, .. } => self.touch(*map),
            ExprKind::IncDec { target, .. } => self.touch_place(target),
            _ => {}
        }
    }
}

fn cleared(program: &Program, record: RecordId) -> Option<MapId> {
    match program.records.get(record.0 as usize)?.kind {
        RecordKind::Clear(map) => Some(map),
        _ => None,
    }
}
