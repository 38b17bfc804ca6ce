//! What is another value each time it is asked for: times and random numbers.
//!
//! Where a firing asks once, the recorder asks when the point fires, and what it runs of the script has that value, too, as the replay
//! will. Where a firing asks again, each value is learned where it is asked for.

use super::state::has_loops;
use crate::Program;
use crate::expr::Builtin;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::expr::VarId;
use crate::probe::PointId;
use crate::probe::Site;
use crate::program::Clause;
use crate::program::Variable;
use crate::rewrite;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// What the firings of which points ask for again, each with how often.
#[derive(Clone, Debug, Default)]
pub(super) struct Again(Vec<(Builtin, Vec<u32>)>);

impl Again {
    /// In a program; what faults ask for is not counted.
    pub fn of(program: &Program) -> Again {
        let mut again = Again::default();
        for clause in &program.clauses {
            let factor = if has_loops(clause) { 2 } else { 1 };
            for asked in asked(|asked| visit::clause(clause, asked)) {
                let times = again.times(asked, program.points.len());
                clause.points.iter().for_each(|point| times[point.0 as usize] += factor);
            }
        }
        again
    }

    /// Whether something in an expression is asked for again at one of the points.
    pub fn asks(&self, e: &Expr, points: &[PointId]) -> bool {
        asked(|asked| visit::expr(e, asked)).into_iter().any(|builtin| self.has(builtin, points))
    }

    fn has(&self, builtin: Builtin, points: &[PointId]) -> bool {
        let mut times = self.0.iter().filter(|(known, _)| *known == builtin);
        times.any(|(_, times)| points.iter().any(|point| times[point.0 as usize] > 1))
    }

    fn times(&mut self, builtin: Builtin, points: usize) -> &mut [u32] {
        let known = self.0.iter().position(|(known, _)| *known == builtin);
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push((builtin, vec![0; points]));
        }
        &mut self.0[index].1
    }
}

/// What of this is asked for in what is walked over, in order.
fn asked(walk: impl FnOnce(&mut Asked)) -> Vec<Builtin> {
    let mut asked = Asked(Vec::new());
    walk(&mut asked);
    asked.0
}

struct Asked(Vec<Builtin>);

impl Visitor for Asked {
    fn expr(&mut self, e: &Expr) {
        self.0.extend(changing(e));
    }
}

fn changing(e: &Expr) -> Option<Builtin> {
    match e.kind {
        ExprKind::Builtin(builtin @ (Builtin::Nsecs(_) | Builtin::Elapsed | Builtin::Rand | Builtin::Jiffies)) => {
            Some(builtin)
        }
        _ => None,
    }
}

/// Lets the clauses of a firing that asks once have the value from variables that they share with what sends it.
pub(super) fn share(program: &mut Program, again: &Again) {
    let is_of_faults = |points: &[PointId]| points.iter().any(|id| program.points[id.0 as usize].site == Site::Error);
    let (of_faults, mut clauses): (Vec<Clause>, Vec<Clause>) =
        std::mem::take(&mut program.clauses).into_iter().partition(|clause| is_of_faults(&clause.points));
    let mut asked = Vec::new();
    for (e, builtin) in several(&clauses, again) {
        let var = VarId(program.vars.len() as u32);
        program.vars.push(Variable { name: String::new(), ty: e.ty.clone(), shared: true });
        let known = Expr { kind: ExprKind::Var(var), ..e.clone() };
        let once = clauses.iter_mut().filter(|clause| !again.has(builtin, &clause.points));
        once.for_each(|clause| replace(clause, &e, &known));
        asked.push(Stmt::new(StmtKind::Assign(Place::Var(var), e), Span::default()));
    }
    if !asked.is_empty() {
        let mut points: Vec<PointId> = clauses.iter().flat_map(|clause| &clause.points).copied().collect();
        points.sort_unstable();
        points.dedup();
        let span = clauses.first().map_or(Span::default(), |clause| clause.span);
        clauses.insert(0, Clause { points, predicate: None, body: asked, span });
    }
    program.clauses = clauses.into_iter().chain(of_faults).collect();
}

fn replace(clause: &mut Clause, e: &Expr, by: &Expr) {
    rewrite::clause(clause, &mut |part| {
        if part.kind == e.kind && part.ty == e.ty {
            *part = by.clone();
        }
        true
    });
}

/// What of this stands in several places, in clauses whose firings ask once.
fn several(clauses: &[Clause], again: &Again) -> Vec<(Expr, Builtin)> {
    struct Places<'a> {
        again: &'a Again,
        points: &'a [PointId],
        found: Vec<(Expr, Builtin, u32)>,
    }
    impl Visitor for Places<'_> {
        fn expr(&mut self, e: &Expr) {
            let Some(builtin) = changing(e).filter(|builtin| !self.again.has(*builtin, self.points)) else { return };
            match self.found.iter_mut().find(|(known, ..)| known.kind == e.kind && known.ty == e.ty) {
                Some((.., times)) => *times += 1,
                None => self.found.push((e.clone(), builtin, 1)),
            }
        }
    }
    let mut places = Places { again, points: &[], found: Vec::new() };
    for clause in clauses {
        places.points = &clause.points;
        visit::clause(clause, &mut places);
    }
    places.found.into_iter().filter(|(.., times)| *times > 1).map(|(e, builtin, _)| (e, builtin)).collect()
}
