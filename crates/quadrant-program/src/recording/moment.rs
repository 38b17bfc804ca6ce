//! What is another value each time it is asked for: times and random numbers.
//!
//! Where a firing asks once, the recorder asks when the point fires, and what it runs of the script has that value, too, as the replay
//! will. Where a firing asks again, each value is learned where it is asked for. That cannot be where one of the places is in a loop over
//! a map whose order a replay cannot know ([`walk::can_be_told`]): there all are one value.

use super::walk;
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

/// How the firings of which points ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Again(Vec<(Builtin, Vec<Asked>)>);

/// How the firings of a point ask for something.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    /// How often: in a loop it is twice.
    times: u32,
    /// Somewhere in a loop whose order a replay cannot know.
    untold: bool,
}

impl Again {
    /// In a program; what faults ask for is not counted.
    pub fn of(program: &Program) -> Again {
        let mut again = Again::default();
        for clause in &program.clauses {
            let mut places = Places { program, loops: 0, untold: 0, found: Vec::new() };
            visit::clause(clause, &mut places);
            for (builtin, asked) in places.found {
                let all = again.all(builtin, program.points.len());
                clause.points.iter().for_each(|point| all[point.0 as usize].add(asked));
            }
        }
        again
    }

    /// Whether something in an expression is asked for again at one of the points.
    pub fn asks(&self, e: &Expr, points: &[PointId]) -> bool {
        struct Finds<'a>(&'a Again, &'a [PointId], bool);
        impl Visitor for Finds<'_> {
            fn expr(&mut self, e: &Expr) {
                self.2 |= changing(e).is_some_and(|builtin| self.0.has(builtin, self.1));
            }
        }
        let mut finds = Finds(self, points, false);
        visit::expr(e, &mut finds);
        finds.2
    }

    fn has(&self, builtin: Builtin, points: &[PointId]) -> bool {
        let mut all = self.0.iter().filter(|(known, _)| *known == builtin);
        all.any(|(_, all)| points.iter().any(|point| all[point.0 as usize].is_again()))
    }

    fn all(&mut self, builtin: Builtin, points: usize) -> &mut [Asked] {
        let known = self.0.iter().position(|(known, _)| *known == builtin);
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push((builtin, vec![Asked::default(); points]));
        }
        &mut self.0[index].1
    }
}

impl Asked {
    fn add(&mut self, other: Asked) {
        self.times += other.times;
        self.untold |= other.untold;
    }

    fn is_again(self) -> bool {
        self.times > 1 && !self.untold
    }
}

/// The places of a clause where something of this is asked for.
struct Places<'p> {
    program: &'p Program,
    /// How many loops are around, and how many of them have an order that a replay cannot know.
    loops: usize,
    untold: usize,
    found: Vec<(Builtin, Asked)>,
}

impl Places<'_> {
    fn is_untold(&self, stmt: &Stmt) -> bool {
        matches!(stmt.kind, StmtKind::ForMap { map, .. } if !walk::can_be_told(self.program, map))
    }
}

impl Visitor for Places<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        self.loops += usize::from(stmt.is_loop());
        self.untold += usize::from(self.is_untold(stmt));
    }

    fn end(&mut self, stmt: &Stmt) {
        self.loops -= usize::from(stmt.is_loop());
        self.untold -= usize::from(self.is_untold(stmt));
    }

    fn expr(&mut self, e: &Expr) {
        let asked = Asked { times: if self.loops > 0 { 2 } else { 1 }, untold: self.untold > 0 };
        self.found.extend(changing(e).map(|builtin| (builtin, asked)));
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
    struct Shared<'a> {
        again: &'a Again,
        points: &'a [PointId],
        found: Vec<(Expr, Builtin, u32)>,
    }
    impl Visitor for Shared<'_> {
        fn expr(&mut self, e: &Expr) {
            let Some(builtin) = changing(e).filter(|builtin| !self.again.has(*builtin, self.points)) else { return };
            match self.found.iter_mut().find(|(known, ..)| known.kind == e.kind && known.ty == e.ty) {
                Some((.., times)) => *times += 1,
                None => self.found.push((e.clone(), builtin, 1)),
            }
        }
    }
    let mut places = Shared { again, points: &[], found: Vec::new() };
    for clause in clauses {
        places.points = &clause.points;
        visit::clause(clause, &mut places);
    }
    places.found.into_iter().filter(|(.., times)| *times > 1).map(|(e, builtin, _)| (e, builtin)).collect()
}
