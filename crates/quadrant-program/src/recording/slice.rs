//! The part of a script that the recorder runs: what decides the content of some maps, and nothing else.
//!
//! Whatever sends a record is left out, since numbers of records are not the same in the recorder. What it changes on the way is kept:
//! of `printf("%d", @n++)` that is `@n++`.

use std::collections::BTreeSet;

use super::state::Parts;
use super::state::emptied_by;
use super::state::is_at_end;
use crate::Program;
use crate::diag::Diagnostic;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::map::MapId;
use crate::program::Clause;
use crate::rewrite;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// The program's clauses with nothing in them but what decides the content of some maps, with their indices.
///
/// # Errors
/// Something outside of the clauses decides it, too.
pub(super) fn clauses(program: &Program, maps: BTreeSet<MapId>) -> Result<Vec<(usize, Clause)>, Box<Diagnostic>> {
    if maps.is_empty() {
        return Ok(Vec::new());
    }
    let mut slice = Slice { maps, vars: BTreeSet::new() };
    loop {
        let before = (slice.maps.len(), slice.vars.len());
        let all = program.clauses.iter().enumerate();
        let kept: Vec<(usize, Clause)> =
            all.filter_map(|(index, clause)| Some((index, slice.clause(clause)?))).collect();
        if before == (slice.maps.len(), slice.vars.len()) {
            return slice.refusal(program, &kept).map_or(Ok(kept), |refusal| Err(Box::new(refusal)));
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
        if !self.changes(|targets| visit::clause(clause, targets)) {
            return None;
        }
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
                kept.push(Stmt::new(StmtKind::Return, stmt.span));
                return kept;
            }
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

    /// Whether what follows a loop, or the maps, depend on it.
    fn counts(&self, stmt: &Stmt) -> bool {
        let mut ends = Ends(false);
        visit::stmt(stmt, &mut ends);
        ends.0 || self.changes(|targets| visit::stmt(stmt, targets))
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
                self.maps.insert(*map);
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
        let (mut effects, mut is_whole) = (Vec::new(), true);
        rewrite::expr(&mut e.clone(), &mut |part| {
            if !std::mem::take(&mut is_whole) {
                effects.extend(self.effects(part));
                return false;
            }
            true
        });
        effects
    }

    /// Whether something that is walked over changes what counts.
    fn changes(&self, walk: impl FnOnce(&mut Targets)) -> bool {
        let mut targets = Targets::default();
        walk(&mut targets);
        targets.maps.iter().any(|map| self.maps.contains(map)) || targets.vars.iter().any(|var| self.vars.contains(var))
    }

    fn need(&mut self, walk: impl FnOnce(&mut Parts)) {
        let mut parts = Parts::default();
        walk(&mut parts);
        self.maps.extend(parts.maps);
        self.vars.extend(parts.vars);
    }

    /// Why the recorder cannot know the maps.
    fn refusal(&self, program: &Program, kept: &[(usize, Clause)]) -> Option<Diagnostic> {
        // The end's clauses have no inputs that depend on what these empty.
        let emptied = program.clauses.iter().filter(|clause| !is_at_end(program, clause));
        let mut emptied = emptied.flat_map(|clause| emptied_by(program, clause));
        if let Some((_, span)) = emptied.find(|(map, _)| self.maps.contains(map)) {
            return Some(refusal(span, "this cannot be recorded: it empties a map that decides where memory is read"));
        }
        let mut speculations = Speculations(None);
        kept.iter().for_each(|(_, clause)| visit::clause(clause, &mut speculations));
        let why = "this cannot be recorded: the number of a speculation decides where memory is read";
        speculations.0.map(|span| refusal(span, why))
    }
}

fn refusal(span: Span, why: &str) -> Diagnostic {
    Diagnostic::error(span, why).help("read the memory where its address comes from the probe, and keep what was read")
}

/// Whether something ends the clause.
struct Ends(bool);

impl Visitor for Ends {
    fn stmt(&mut self, stmt: &Stmt) {
        self.0 |= matches!(stmt.kind, StmtKind::Return | StmtKind::Exit { .. });
    }
}

/// A call of `speculation()`.
struct Speculations(Option<Span>);

impl Visitor for Speculations {
    fn expr(&mut self, e: &Expr) {
        if matches!(e.kind, ExprKind::Call(Function::Speculation, _)) {
            self.0.get_or_insert(e.span);
        }
    }
}

/// What statements and expressions change.
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
        match &stmt.kind {
            StmtKind::Assign(place, _) | StmtKind::Update(place, ..) => self.place(place),
            StmtKind::Aggregate { map, .. } => self.maps.push(*map),
            // Into a variable, or into scratch memory that one leads to.
            StmtKind::Store { addr, .. } => {
                let mut parts = Parts::default();
                visit::expr(addr, &mut parts);
                self.vars.extend(parts.vars);
            }
            _ => {}
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
