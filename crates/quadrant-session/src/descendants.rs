//! Clauses that ask for a process's descendants (`progenyof`) beside others at the same place, where a trace is for one process: the place
//! is probed for all processes, by one program, so that its clauses run in the order of the script, and the others test the process
//! themselves.

use std::collections::HashMap;

use quadrant_program::Program;
use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind};
use quadrant_program::probe::{PointId, Site};
use quadrant_program::program::Clause;
use quadrant_program::ty::Type;

use crate::plan::limit;
use crate::uses::asks_for_descendants;

/// Prepares a program for a trace that is limited to a process: `pid`, which may be that of a command, and `process` if it is one of the
/// user's (see [`crate::plan::PlanOptions`]).
pub fn share_places(program: &mut Program, pid: Option<u32>, process: Option<u32>) {
    if pid.is_none() || !program.clauses.iter().any(asks_for_descendants) {
        return;
    }
    let limits = limits(program, pid, process);
    move_to_shared(program);
    let shared: Vec<PointId> =
        program.clauses.iter().filter(|clause| asks_for_descendants(clause)).flat_map(|it| it.points.clone()).collect();
    for (clause, limit) in program.clauses.iter_mut().zip(limits) {
        if !asks_for_descendants(clause) && clause.points.iter().any(|point| shared.contains(point)) {
            limit.into_iter().for_each(|pid| limit_to(clause, pid));
        }
    }
}

/// The process that each clause is for, by its first point: all points of a clause are of a kind.
fn limits(program: &Program, pid: Option<u32>, process: Option<u32>) -> Vec<Option<u32>> {
    let of = |clause: &Clause| limit(&program.points[clause.points.first()?.0 as usize].site, pid, process);
    program.clauses.iter().map(of).collect()
}

/// Points for one process become those for all processes at the same place, where there are such.
fn move_to_shared(program: &mut Program) {
    let ids = || (0..).map(PointId);
    let open: HashMap<Site, PointId> = program.points.iter().zip(ids()).map(|(at, id)| (at.site.clone(), id)).collect();
    let moved: Vec<PointId> = program
        .points
        .iter()
        .zip(ids())
        .map(|(point, id)| for_all(&point.site).and_then(|site| open.get(&site).copied()).unwrap_or(id))
        .collect();
    for point in program.clauses.iter_mut().flat_map(|clause| &mut clause.points) {
        *point = moved[point.0 as usize];
    }
}

/// The same place for all processes, if it is that of one.
fn for_all(site: &Site) -> Option<Site> {
    let mut site = site.clone();
    site.process_mut()?.take().map(|_| site)
}

fn limit_to(clause: &mut Clause, pid: u32) {
    let span = clause.span;
    let own = Expr::new(ExprKind::Builtin(Builtin::Pid), Type::U32, span);
    let wanted = Expr::int(i64::from(pid), Type::U32, span);
    let is_it = Expr::new(ExprKind::Binary(BinaryOp::Eq, Box::new(own), Box::new(wanted)), Type::Bool, span);
    clause.predicate = Some(match clause.predicate.take() {
        Some(other) => {
            let both = ExprKind::Logical { and: true, lhs: Box::new(is_it), rhs: Box::new(other) };
            Expr::new(both, Type::Bool, span)
        }
        None => is_it,
    });
}
