//! Where maps are cleared beside a walk over them.

use std::collections::BTreeSet;

use crate::Program;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::map::MapId;
use crate::program::Clause;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// The orders to clear a map in clauses that walk over all of it or count its keys: to clear it there takes no longer than that.
pub fn beside_walks(program: &Program) -> BTreeSet<RecordId> {
    let found = program.clauses.iter().flat_map(|clause| in_clause(program, clause));
    found.chain(program.clears_beside_walks.iter().copied()).collect()
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
                let kind = self.program.records.get(record.0 as usize).map(|record| &record.kind);
                self.cleared.extend(kind.and_then(cleared).map(|map| (map, record)));
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

fn cleared(kind: &RecordKind) -> Option<MapId> {
    if let RecordKind::Clear(map) = kind { Some(*map) } else { None }
}
