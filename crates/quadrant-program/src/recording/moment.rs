//! What is another value each time it is asked for: the recorder asks once in a firing, so that what it runs of the script does what the
//! replay will do with the value that is sent.

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

/// Whether clauses may draw several random numbers at a firing, each another: then none is known before it is drawn.
pub(super) fn draws_again(program: &Program) -> bool {
    let mut times = vec![0; program.points.len()];
    for clause in &program.clauses {
        let drawn = draws(|draws| visit::clause(clause, draws));
        let drawn = if has_loops(clause) { drawn * 2 } else { drawn };
        clause.points.iter().for_each(|point| times[point.0 as usize] += drawn);
    }
    times.iter().any(|times| *times > 1)
}

/// How many places draw a random number in what is walked over.
pub(super) fn draws(walk: impl FnOnce(&mut Draws)) -> u32 {
    let mut draws = Draws(0);
    walk(&mut draws);
    draws.0
}

pub(super) struct Draws(u32);

impl Visitor for Draws {
    fn expr(&mut self, e: &Expr) {
        self.0 += u32::from(e.kind == ExprKind::Builtin(Builtin::Rand));
    }
}

/// Lets the clauses of a firing have such values from variables that they share; random numbers are not among them if
/// they are drawn again and again.
pub(super) fn share(program: &mut Program, draws_again: bool) {
    let is_of_faults = |points: &[PointId]| points.iter().any(|id| program.points[id.0 as usize].site == Site::Error);
    let (of_faults, mut clauses): (Vec<Clause>, Vec<Clause>) =
        std::mem::take(&mut program.clauses).into_iter().partition(|clause| is_of_faults(&clause.points));
    let mut asked = Vec::new();
    let is_shared = |e: &Expr| !draws_again || e.kind != ExprKind::Builtin(Builtin::Rand);
    for e in several(&clauses).into_iter().filter(is_shared) {
        let var = VarId(program.vars.len() as u32);
        program.vars.push(Variable { name: String::new(), ty: e.ty.clone(), shared: true });
        let known = Expr { kind: ExprKind::Var(var), ..e.clone() };
        clauses.iter_mut().for_each(|clause| {
            rewrite::clause(clause, &mut |part| {
                if part.kind == e.kind && part.ty == e.ty {
                    *part = known.clone();
                }
                true
            });
        });
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

/// What of this stands in several places.
fn several(clauses: &[Clause]) -> Vec<Expr> {
    struct Places(Vec<(Expr, u32)>);
    impl Visitor for Places {
        fn expr(&mut self, e: &Expr) {
            if !matches!(
                e.kind,
                ExprKind::Builtin(Builtin::Nsecs(_) | Builtin::Elapsed | Builtin::Rand | Builtin::Jiffies)
            ) {
                return;
            }
            match self.0.iter_mut().find(|(known, _)| known.kind == e.kind && known.ty == e.ty) {
                Some((_, times)) => *times += 1,
                None => self.0.push((e.clone(), 1)),
            }
        }
    }
    let mut places = Places(Vec::new());
    clauses.iter().for_each(|clause| visit::clause(clause, &mut places));
    places.0.into_iter().filter(|(_, times)| *times > 1).map(|(e, _)| e).collect()
}
