//! Clauses: for which probes, under which condition, and the pieces of the body.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use quadrant_program::diag::Severity;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::probe::PointId;
use quadrant_program::program::Clause;
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;

use super::Lower;
use super::action;
use super::facts::{self, Fact, same};
use super::segment::Segment;
use crate::ast;
use crate::desc::{Last, ProbeDesc};
use crate::providers::{Layout, Probe};

/// Tags of messages about variables to which nothing was assigned yet.
const UNKNOWN: [&str; 2] = ["D_VAR_UNDEF", "D_IDENT_UNDEF"];

/// What surrounds the statement at hand.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub layout: Option<Arc<Layout>>,
    /// The name of the point for which the clause is compiled.
    pub point: Option<String>,
    /// Its name, if the clause has no other point.
    pub only_point: Option<String>,
    /// The first description of the clause, in full.
    pub described: String,
    registers: bool,
    /// The arguments are those of a fault.
    pub at_error: bool,
    /// What was asked about the point.
    pub facts: Vec<Fact>,
    pub in_body: bool,
    /// The predicate is read again, behind the body.
    pub behind_body: bool,
    /// Variables that the predicate names, to which nothing was assigned yet, as the only operand of an operator.
    pub counted: Vec<(ast::Scope, String)>,
    /// Statements before all others of the body.
    pub prelude: Vec<Stmt>,
    pub once: HashMap<&'static str, Expr>,
    pub segment: Segment,
}

impl Scope {
    /// Whether the context is the registers of a process.
    pub fn has_registers(&self) -> bool {
        self.registers
    }
}

impl Lower<'_> {
    /// Compiles a clause for its probes. A probe that is listed twice fires twice.
    pub(super) fn clause(&mut self, clause: &ast::Clause, probes: Vec<Probe>) {
        let Some(any) = probes.first().cloned() else { return self.unmatched(clause) };
        let mut rest = probes;
        let mut runs = false;
        // One description names each point once.
        while clause.probes.len() > 1 && !rest.is_empty() {
            let (first, again) = distinct(rest);
            runs |= self.variants(clause, first);
            rest = again;
        }
        runs |= self.variants(clause, rest);
        if !runs {
            self.never(clause, &any);
        }
    }

    /// A clause that has no probes: its variables have types all the same, and its mistakes are told. What depends on the probe is unknown.
    fn unmatched(&mut self, clause: &ast::Clause) {
        self.clause = scope(clause, None, false);
        let before = self.diagnostics.len();
        if self.settings.zdefs {
            self.checked_predicate(clause, None, false);
        }
        if self.diagnostics.len() == before {
            self.clause.in_body = true;
            self.body(clause);
        }
        if self.clause.facts.iter().any(|fact| matches!(fact, Fact::Args | Fact::Registers)) {
            self.diagnostics.truncate(before);
        }
    }

    /// A clause whose predicate is false wherever it is: its mistakes are told, and its variables have types, all the same.
    fn never(&mut self, clause: &ast::Clause, probe: &Probe) {
        self.clause = Scope { in_body: true, ..scope(clause, Some(probe), false) };
        self.body(clause);
    }

    /// Code for points, each once: one piece for all that give the same answers. Says whether it runs at any of them.
    fn variants(&mut self, clause: &ast::Clause, probes: Vec<Probe>) -> bool {
        let mut runs = false;
        let mut rest = probes;
        while let Some(first) = rest.first().cloned() {
            let body = self.body_for(clause, Some(&first), rest.len() == 1);
            let facts = std::mem::take(&mut self.clause.facts);
            let (alike, others): (Vec<Probe>, Vec<Probe>) =
                rest.into_iter().partition(|probe| facts.iter().all(|fact| same(fact, &first, probe)));
            rest = others;
            if let Some((predicate, body)) = body {
                runs = true;
                let points = alike.into_iter().map(|probe| self.point(probe)).collect();
                self.program.clauses.push(Clause { points, predicate, body, span: clause.span });
            }
        }
        runs
    }

    fn point(&mut self, probe: Probe) -> PointId {
        let mut hasher = DefaultHasher::new();
        probe.point.hash(&mut hasher);
        let known = self.points.entry(hasher.finish()).or_default();
        if let Some(id) = known.iter().find(|id| self.program.points[id.0 as usize] == probe.point) {
            return *id;
        }
        let id = PointId(self.program.points.len() as u32);
        known.push(id);
        self.program.points.push(probe.point);
        self.program.point_ids.push(probe.id);
        id
    }

    /// Predicate and body for one point; nothing if it never runs there.
    fn body_for(
        &mut self,
        clause: &ast::Clause,
        probe: Option<&Probe>,
        alone: bool,
    ) -> Option<(Option<Expr>, Vec<Stmt>)> {
        let predicate = self.checked_predicate(clause, probe, alone)?;
        if matches!(predicate, Some(Expr { kind: ExprKind::Int(0), .. })) {
            return None;
        }
        let predicate = predicate.filter(|predicate| !matches!(predicate.kind, ExprKind::Int(_)));
        self.clause.in_body = true;
        let stmts = self.body(clause);
        Some((predicate, stmts))
    }

    /// The predicate; nothing if the body is wrong that it depends on.
    fn checked_predicate(&mut self, clause: &ast::Clause, probe: Option<&Probe>, alone: bool) -> Option<Option<Expr>> {
        self.clause = scope(clause, probe, alone);
        let before = self.diagnostics.len();
        let predicate = self.predicate(clause);
        let told = self.diagnostics.split_off(before);
        if !told.iter().any(|message| message.tag.is_some_and(|tag| UNKNOWN.contains(&tag))) {
            self.diagnostics.extend(told);
            return Some(predicate);
        }
        self.declare_by_body(clause)?;
        self.clause = Scope { behind_body: true, ..scope(clause, probe, alone) };
        Some(self.predicate(clause))
    }

    /// A variable in a predicate may have its type from the body: `/!self->seen/ { self->seen = 1; }`.
    /// What is wrong with the body is told instead of what was told about the predicate: the variable may lack its type for no
    /// other reason, and a second reading would take what the first one declared too late.
    fn declare_by_body(&mut self, clause: &ast::Clause) -> Option<()> {
        self.clause.in_body = true;
        let before = self.diagnostics.len();
        self.body(clause);
        if self.diagnostics[before..].iter().any(|message| message.severity == Severity::Error) {
            return None;
        }
        self.diagnostics.truncate(before);
        Some(())
    }

    /// The provider's condition, then the clause's.
    fn predicate(&mut self, clause: &ast::Clause) -> Option<Expr> {
        self.consult(Fact::Predicate);
        let own = self.clause.layout.as_ref().and_then(|layout| layout.predicate.clone());
        let own = own.and_then(|text| self.layout_text(&text, clause.span)).map(|value| value.expr);
        let written = clause.predicate.as_ref().and_then(|predicate| {
            self.condition(&predicate.expr, "D_PRED_SCALAR", "predicate result must be of scalar type")
        });
        match (own, written) {
            (Some(a), Some(b)) => match (&a.kind, &b.kind) {
                (ExprKind::Int(0), _) | (_, ExprKind::Int(0)) => Some(Expr::int(0, Type::I32, clause.span)),
                (ExprKind::Int(_), _) => Some(b),
                (_, ExprKind::Int(_)) => Some(a),
                _ => {
                    let kind = ExprKind::Logical { and: true, lhs: Box::new(a), rhs: Box::new(b) };
                    Some(Expr::new(kind, Type::I32, clause.span))
                }
            },
            (one, other) => one.or(other),
        }
    }

    fn body(&mut self, clause: &ast::Clause) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        let block = clause.body.as_ref();
        if let Some(block) = block {
            self.statements(block, &mut stmts);
        }
        let empty = block.is_none_or(|block| block.stmts.is_empty());
        stmts.extend(self.end_segment(empty, clause.span));
        let mut all = std::mem::take(&mut self.clause.prelude);
        all.extend(stmts);
        all
    }

    /// The statements of a block; the last piece is still open.
    fn statements(&mut self, block: &ast::Block, into: &mut Vec<Stmt>) {
        for stmt in &block.stmts {
            match &stmt.kind {
                ast::StmtKind::Error => {}
                ast::StmtKind::Expr(expr) => self.expression(expr, into),
                ast::StmtKind::If { cond, then, other } => {
                    into.extend(self.end_segment(false, stmt.span));
                    self.branch(cond, then, other.as_ref(), stmt.span, into);
                }
            }
        }
    }

    /// An expression as a statement. Scripts choose between actions by `?:`, which is an `if` then; where the choice is known, as it is for
    /// options that are inlines, nothing else is left of it.
    fn expression(&mut self, expr: &ast::Expr, into: &mut Vec<Stmt>) {
        let ast::ExprKind::Ternary { cond, then, other } = &expr.kind else { return self.statement(expr) };
        if !action::acts(then) && !action::acts(other) {
            return self.statement(expr);
        }
        let before = self.diagnostics.len();
        let known = self.expr(cond).and_then(|value| value.constant());
        self.diagnostics.truncate(before);
        match known {
            Some(value) => self.chosen(if value != 0 { then } else { other }, into),
            None => {
                into.extend(self.end_segment(false, expr.span));
                let [then, other] = [then, other].map(|side| block_of(side));
                self.branch(cond, &then, Some(&other), expr.span, into);
            }
        }
    }

    /// The side of a `?:` that was chosen; the other one is often just a number.
    fn chosen(&mut self, side: &ast::Expr, into: &mut Vec<Stmt>) {
        if !matches!(side.kind, ast::ExprKind::Int(_)) {
            self.expression(side, into);
        }
    }

    fn branch(
        &mut self,
        cond: &ast::Expr,
        then: &ast::Block,
        other: Option<&ast::Block>,
        span: Span,
        into: &mut Vec<Stmt>,
    ) {
        let Some(cond) = self.condition(cond, "D_PRED_SCALAR", "condition of if must be of scalar type") else {
            return;
        };
        if let ExprKind::Int(value) = cond.kind {
            let (taken, never) = if value != 0 { (Some(then), other) } else { (other, Some(then)) };
            into.extend(taken.into_iter().flat_map(|block| self.piece(block)));
            // What is wrong there is told all the same.
            never.into_iter().for_each(|block| drop(self.piece(block)));
            return;
        }
        let then = self.piece(then);
        let other = other.map_or_else(Vec::new, |block| self.piece(block));
        into.push(Stmt::new(StmtKind::If { cond, then, other }, span));
    }

    /// A branch, whose record is its own. What it speculates or commits does not concern what is outside.
    fn piece(&mut self, block: &ast::Block) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        let before = std::mem::take(&mut self.clause.segment);
        self.clause.segment = before.branch();
        self.statements(block, &mut stmts);
        stmts.extend(self.end_segment(false, block.span));
        self.clause.segment = before;
        stmts
    }
}

/// What surrounds a clause that is compiled for a probe.
fn scope(clause: &ast::Clause, probe: Option<&Probe>, alone: bool) -> Scope {
    let name = probe.map(|probe| probe.point.name.clone());
    Scope {
        layout: probe.map(|probe| probe.layout.clone()),
        only_point: name.clone().filter(|_| alone),
        point: name,
        described: described(clause),
        at_error: probe.is_some_and(|probe| facts::is_error(&probe.point)),
        registers: probe.is_some_and(|probe| facts::has_registers(&probe.point)),
        ..Scope::default()
    }
}

/// The first description of a clause with all its parts, those that were left out empty.
fn described(clause: &ast::Clause) -> String {
    let text = clause.probes.first().map_or("", |spec| spec.text.as_str());
    ProbeDesc::parse(text, Last::Name).map_or_else(|_| text.to_owned(), |desc| desc.to_string())
}

/// A side of a `?:` between actions as a block.
fn block_of(side: &ast::Expr) -> ast::Block {
    let empty = matches!(side.kind, ast::ExprKind::Int(_));
    let stmt = ast::Stmt { span: side.span, kind: ast::StmtKind::Expr(side.clone()) };
    ast::Block::new(side.span, if empty { Vec::new() } else { vec![stmt] })
}

/// Each point once, and the rest.
fn distinct(probes: Vec<Probe>) -> (Vec<Probe>, Vec<Probe>) {
    let mut seen = std::collections::HashSet::new();
    probes.into_iter().partition(|probe| seen.insert(probe.point.clone()))
}
