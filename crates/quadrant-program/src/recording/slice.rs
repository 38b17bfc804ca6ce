//! The part of a script that the recorder runs: what decides the content of some maps, and nothing else.
//!
//! Records that print are left out, but what they change on the way is kept: of `printf("%d", @n++)` that is `@n++`. Where a fault ends
//! the clause, what can fault is evaluated, too, as it stands before what is kept.

use std::collections::BTreeSet;

use super::faulting::can_fault;
use super::faulting::clause_can_fault;
use super::faulting::stmt_can_fault;
use super::own::Own;
use super::state::Parts;
use super::state::emptied;
use super::state::is_at;
use super::targets::Targets;
use crate::Program;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::VarId;
use crate::map::MapId;
use crate::probe::Site;
use crate::program::Clause;
use crate::program::Faults;
use crate::record::RecordId;
use crate::rewrite;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// The clauses of a program whose own records are marked, with nothing in them but what the recorder needs, with their indices: what
/// decides the content of some maps, where values are sent and where the trace ends.
pub(super) fn clauses(program: &Program, own: Own, maps: BTreeSet<MapId>) -> Vec<(usize, Clause)> {
    let aborts = matches!(program.faults, Faults::Abort(_));
    let needs = Needs { maps, ..Needs::default() };
    let mut slice = Slice { program, own, aborts, needs };
    loop {
        let before = slice.needs.clone();
        let all = program.clauses.iter().enumerate();
        let kept = all.filter_map(|(index, clause)| Some((index, slice.clause(clause)?))).collect();
        if before == slice.needs {
            return kept;
        }
    }
}

/// What counts so far: what is kept may need more.
#[derive(Clone, Default, PartialEq)]
struct Needs {
    maps: BTreeSet<MapId>,
    vars: BTreeSet<VarId>,
    /// Which speculations are under way.
    speculations: bool,
    /// Faults in all clauses: what is kept of ERROR runs then.
    faults: bool,
}

struct Slice<'p> {
    program: &'p Program,
    own: Own,
    /// Faults end the clause.
    aborts: bool,
    needs: Needs,
}

impl Slice<'_> {
    fn clause(&mut self, clause: &Clause) -> Option<Clause> {
        let faults = self.needs.faults && clause_can_fault(clause);
        if !faults && !self.changes(|targets| visit::clause(clause, targets)) {
            return None;
        }
        self.needs.faults |= self.aborts && is_at(self.program, clause, &Site::Error);
        let predicate = clause.predicate.as_ref().map(|predicate| self.kept(predicate));
        Some(Clause { predicate, body: self.stmts(&clause.body), ..clause.clone() })
    }

    fn stmts(&mut self, list: &[Stmt]) -> Vec<Stmt> {
        list.iter().flat_map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &Stmt) -> Vec<Stmt> {
        let kind = match &stmt.kind {
            StmtKind::If { cond, then, other } => {
                let (then, other) = (self.stmts(then), self.stmts(other));
                return self.branch(cond, then, other, stmt.span);
            }
            StmtKind::Block(body) => return self.stmts(body),
            StmtKind::Exit { .. } => {
                let mut kept = self.effects_in(stmt);
                kept.push(Stmt::new(self.own.exit(stmt.span), stmt.span));
                return kept;
            }
            StmtKind::Stop => return self.own.stop(stmt.span),
            StmtKind::EndSpeculation { id } if self.needs.speculations => {
                let id = self.kept(id);
                return self.own.end_speculation(id, stmt.span);
            }
            StmtKind::Emit { record, .. } if !self.own.is_sent(*record) => return self.order(stmt, *record),
            StmtKind::Return | StmtKind::Break | StmtKind::Continue => stmt.kind.clone(),
            StmtKind::While { .. } | StmtKind::Unroll { .. } | StmtKind::ForRange { .. } | StmtKind::ForMap { .. } => {
                match self.counts(stmt) {
                    true => self.a_loop(&stmt.kind),
                    false => return Vec::new(),
                }
            }
            _ if self.changes(|targets| targets.stmt(stmt)) => return vec![self.whole(stmt)],
            _ => return self.effects_in(stmt),
        };
        vec![Stmt::new(kind, stmt.span)]
    }

    /// A record of the script: only what empties a map that counts is sent.
    fn order(&mut self, stmt: &Stmt, record: RecordId) -> Vec<Stmt> {
        let mut kept = self.effects_in(stmt);
        if emptied(self.program, record).is_some_and(|map| self.needs.maps.contains(&map)) {
            kept.push(Stmt::new(StmtKind::Emit { record, args: Vec::new() }, stmt.span));
        }
        kept
    }

    /// Whether what follows a loop, or the maps, depend on it.
    fn counts(&self, stmt: &Stmt) -> bool {
        let mut ends = Ends(false);
        visit::stmt(stmt, &mut ends);
        ends.0 || self.aborts && stmt_can_fault(stmt) || self.changes(|targets| visit::stmt(stmt, targets))
    }

    fn a_loop(&mut self, kind: &StmtKind) -> StmtKind {
        match kind {
            StmtKind::While { cond, body } => StmtKind::While { cond: self.kept(cond), body: self.stmts(body) },
            StmtKind::Unroll { count, body } => StmtKind::Unroll { count: *count, body: self.stmts(body) },
            StmtKind::ForRange { var, start, end, body } => {
                let (start, end) = (self.kept(start), self.kept(end));
                StmtKind::ForRange { var: *var, start, end, body: self.stmts(body) }
            }
            StmtKind::ForMap { var, map, body } => {
                self.needs.maps.insert(*map);
                StmtKind::ForMap { var: *var, map: *map, body: self.stmts(body) }
            }
            other => other.clone(),
        }
    }

    fn branch(&mut self, cond: &Expr, then: Vec<Stmt>, other: Vec<Stmt>, span: Span) -> Vec<Stmt> {
        if then.is_empty() && other.is_empty() {
            return self.effects(cond);
        }
        vec![Stmt::new(StmtKind::If { cond: self.kept(cond), then, other }, span)]
    }

    /// A statement whose values are needed.
    fn whole(&mut self, stmt: &Stmt) -> Stmt {
        let mut stmt = stmt.clone();
        rewrite::stmt(&mut stmt, &mut |part| self.strip(part));
        self.need(|parts| visit::stmt(&stmt, parts));
        stmt
    }

    /// An expression whose value is needed.
    fn kept(&mut self, e: &Expr) -> Expr {
        let mut e = e.clone();
        rewrite::expr(&mut e, &mut |part| self.strip(part));
        self.need(|parts| visit::expr(&e, parts));
        e
    }

    /// Slices the statements in an expression; whether to look at its parts.
    fn strip(&mut self, e: &mut Expr) -> bool {
        let ExprKind::Block(body, value) = &mut e.kind else { return true };
        *body = self.stmts(body);
        rewrite::expr(value, &mut |part| self.strip(part));
        false
    }

    /// What a statement whose values are not needed changes all the same.
    fn effects_in(&mut self, stmt: &Stmt) -> Vec<Stmt> {
        let mut effects = Vec::new();
        rewrite::stmt(&mut stmt.clone(), &mut |part| {
            effects.extend(self.effects(part));
            false
        });
        effects
    }

    /// The same for an expression.
    fn effects(&mut self, e: &Expr) -> Vec<Stmt> {
        // A fault would end the clause before what comes behind.
        if self.aborts && can_fault(e) {
            return vec![Stmt::new(StmtKind::Expr(self.kept(e)), e.span)];
        }
        if !self.changes(|targets| visit::expr(e, targets)) {
            return Vec::new();
        }
        match &e.kind {
            _ if self.changes(|targets| targets.expr(e)) => vec![Stmt::new(StmtKind::Expr(self.kept(e)), e.span)],
            ExprKind::Logical { and, lhs, rhs } => {
                let (then, other) = (self.effects(rhs), Vec::new());
                let (then, other) = if *and { (then, other) } else { (other, then) };
                self.branch(lhs, then, other, e.span)
            }
            ExprKind::Ternary { cond, then, other } => {
                let (then, other) = (self.effects(then), self.effects(other));
                self.branch(cond, then, other, e.span)
            }
            ExprKind::Block(body, value) => {
                let mut kept = self.stmts(body);
                kept.extend(self.effects(value));
                kept
            }
            _ => self.effects_of_parts(e),
        }
    }

    fn effects_of_parts(&mut self, e: &Expr) -> Vec<Stmt> {
        let mut effects = Vec::new();
        rewrite::parts(&mut e.clone(), &mut |part| {
            effects.extend(self.effects(part));
            false
        });
        effects
    }

    /// Whether something that is walked over changes what counts.
    fn changes(&self, walk: impl FnOnce(&mut Targets)) -> bool {
        let mut targets = Targets::new(self.program, &self.own);
        walk(&mut targets);
        let Needs { maps, vars, speculations, .. } = &self.needs;
        targets.own
            || *speculations && targets.ends_speculation
            || targets.maps.iter().any(|map| maps.contains(map))
            || targets.vars.iter().any(|var| vars.contains(var))
    }

    fn need(&mut self, walk: impl FnOnce(&mut Parts)) {
        let mut parts = Parts::default();
        walk(&mut parts);
        self.needs.maps.extend(parts.maps);
        self.needs.vars.extend(parts.vars);
        self.needs.speculations |= parts.speculates;
    }
}

/// Whether something ends the clause.
struct Ends(bool);

impl Visitor for Ends {
    fn stmt(&mut self, stmt: &Stmt) {
        self.0 |= matches!(stmt.kind, StmtKind::Return | StmtKind::Exit { .. });
    }
}
