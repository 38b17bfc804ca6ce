//! Whether firings may be left out at random: what is then counted is too low, but what is shown of each firing is still true.
//!
//! That does not hold where one firing goes on with what another has left behind: the time between an entry that was left out and a
//! return that was not is no time of anything.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Program;
use crate::action::ActionKind;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::map::MapId;
use crate::probe::Site;
use crate::program::Clause;
use crate::record::RecordId;
use crate::record::RecordKind;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// Why no firing may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// This map carries something from one firing to another.
    Map(MapId),
    /// A speculation does.
    Speculation,
    /// Every clause does something that must not be left out.
    Effects,
}

/// What stands in the way of leaving out firings of a program, if something does.
pub fn obstacle(program: &Program) -> Option<Obstacle> {
    let mut uses = Uses::default();
    let mut any = false;
    for clause in &program.clauses {
        uses.sampled = is_sampled(program, clause);
        any |= uses.sampled;
        visit::clause(clause, &mut uses);
    }
    if uses.speculates {
        return Some(Obstacle::Speculation);
    }
    let state = uses.fed.intersection(&uses.read()).next().copied();
    state.map(Obstacle::Map).or((!any).then_some(Obstacle::Effects))
}

/// Whether a program with only such clauses may leave out firings: it does nothing but answer.
pub fn are_sampled(program: &Program, clauses: impl IntoIterator<Item = usize>) -> bool {
    clauses.into_iter().all(|index| program.clauses.get(index).is_some_and(|clause| is_sampled(program, clause)))
}

fn is_sampled(program: &Program, clause: &Clause) -> bool {
    let mut effects = Effects { program, found: false };
    visit::clause(clause, &mut effects);
    let sites = clause.points.iter().filter_map(|id| program.points.get(id.0 as usize));
    !effects.found && sites.map(|point| &point.site).all(|site| !is_of_the_script(site))
}

/// The script's own course: its start and end, its clock, walks of which each object counts.
fn is_of_the_script(site: &Site) -> bool {
    site.is_run() || matches!(site, Site::Interval { .. })
}

/// Finds what must happen whenever it is asked for.
struct Effects<'p> {
    program: &'p Program,
    found: bool,
}

impl Effects<'_> {
    fn is_order(&self, record: RecordId) -> bool {
        let kind = self.program.records.get(record.0 as usize).map(|record| &record.kind);
        match kind {
            Some(RecordKind::Firing(actions)) => actions.iter().any(|action| !is_answer(&action.kind)),
            Some(
                RecordKind::System(_)
                | RecordKind::PrintMap { .. }
                | RecordKind::Clear(_)
                | RecordKind::Zero(_)
                | RecordKind::Exit
                | RecordKind::Unwatch,
            ) => true,
            _ => false,
        }
    }
}

fn is_answer(action: &ActionKind) -> bool {
    matches!(
        action,
        ActionKind::Trace
            | ActionKind::TraceOwn
            | ActionKind::Say(_)
            | ActionKind::Tracemem
            | ActionKind::Print(_)
            | ActionKind::Printf(_)
            | ActionKind::Pcap
    )
}

impl Visitor for Effects<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        self.found |= match &stmt.kind {
            StmtKind::Exit { .. } | StmtKind::Stop | StmtKind::Signal { .. } | StmtKind::Result(_) => true,
            StmtKind::Emit { record, .. } => self.is_order(*record),
            _ => false,
        };
    }

    fn expr(&mut self, expr: &Expr) {
        use Function::{Chill, CopyOut, CopyOutText, Override, WriteUser};
        self.found |= matches!(expr.kind, ExprKind::Call(CopyOut | CopyOutText | WriteUser | Override | Chill, _));
    }
}

/// Which maps clauses feed and read.
#[derive(Default)]
struct Uses {
    /// The clause that is visited may be left out.
    sampled: bool,
    /// Maps that such clauses change.
    fed: BTreeSet<MapId>,
    /// Maps whose values a clause reads, or whose keys it asks for or removes.
    read: BTreeSet<MapId>,
    /// `@x++`, and how often of those the value is not used.
    steps: BTreeMap<MapId, i32>,
    speculates: bool,
}

impl Uses {
    fn read(&self) -> BTreeSet<MapId> {
        let stepped = self.steps.iter().filter(|(_, used)| **used > 0).map(|(map, _)| *map);
        self.read.iter().copied().chain(stepped).collect()
    }

    fn feed(&mut self, map: MapId) {
        if self.sampled {
            self.fed.insert(map);
        }
    }

    fn change(&mut self, place: &Place) {
        if let Place::Map { map, .. } = place {
            self.feed(*map);
        }
    }
}

impl Visitor for Uses {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => self.change(place),
            StmtKind::Aggregate { map, .. } => self.feed(*map),
            StmtKind::ForMap { map, .. } => drop(self.read.insert(*map)),
            StmtKind::EndSpeculation { .. } => self.speculates = true,
            StmtKind::Expr(Expr { kind: ExprKind::IncDec { target, .. }, .. }) => {
                if let Place::Map { map, .. } = &**target {
                    *self.steps.entry(*map).or_default() -= 1;
                }
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::MapGet { map, .. } | ExprKind::MapHas { map, .. } | ExprKind::MapLen(map) => {
                self.read.insert(*map);
            }
            ExprKind::MapDelete { map, .. } => {
                self.feed(*map);
                self.read.insert(*map);
            }
            ExprKind::IncDec { target, .. } => {
                self.change(target);
                if let Place::Map { map, .. } = &**target {
                    *self.steps.entry(*map).or_default() += 1;
                }
            }
            ExprKind::Call(Function::Speculation, _) => self.speculates = true,
            _ => {}
        }
    }
}
