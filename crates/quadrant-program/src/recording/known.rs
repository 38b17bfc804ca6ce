//! What the variables of a clause stand for.

use std::collections::HashMap;

use super::learn::has_effect;
use super::state::count;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::expr::VarId;
use crate::program::Clause;
use crate::rewrite;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::visit;
use crate::visit::Visitor;

/// What a clause's variables stand for, as far as that comes from outside, or from what the script remembers of it.
pub(super) struct Known<'a> {
    values: HashMap<VarId, Meaning>,
    text: &'a dyn Fn(Span) -> String,
}

struct Meaning {
    expr: Expr,
    name: String,
    /// Nothing in it comes from maps.
    outside: bool,
}

impl<'a> Known<'a> {
    pub fn of(clause: &Clause, text: &'a dyn Fn(Span) -> String) -> Known<'a> {
        let mut assigned = Assigned::default();
        visit::clause(clause, &mut assigned);
        let mut known = Known { values: HashMap::new(), text };
        for (var, value, place) in &assigned.values {
            if assigned.is_fixed(*var, place) && known.is_given(value, true) {
                let outside = known.is_outside(value);
                let (expr, name) = (known.plain(value), known.name(value));
                known.values.insert(*var, Meaning { expr, name, outside });
            }
        }
        known
    }

    /// Whether nothing in it comes from the script's own state.
    pub fn is_outside(&self, e: &Expr) -> bool {
        self.is_given(e, false)
    }

    /// Whether it can be evaluated when the point fires: nothing in it comes from the script's own state, but for values of maps, if they
    /// are allowed.
    pub fn is_given(&self, e: &Expr, maps: bool) -> bool {
        struct Inside<'k, 'a>(&'k Known<'a>, bool, bool);
        impl Visitor for Inside<'_, '_> {
            fn expr(&mut self, e: &Expr) {
                self.1 |= match &e.kind {
                    ExprKind::Var(var) => !self.0.values.get(var).is_some_and(|value| value.outside || self.2),
                    ExprKind::MapGet { .. } | ExprKind::MapHas { .. } => !self.2,
                    ExprKind::MapLen(_)
                    | ExprKind::MapDelete { .. }
                    | ExprKind::IncDec { .. }
                    | ExprKind::AddrOf(_)
                    | ExprKind::Block(..) => true,
                    ExprKind::Call(function, _) => has_effect(*function),
                    _ => false,
                };
            }
        }
        let mut inside = Inside(self, false, maps);
        visit::expr(e, &mut inside);
        !inside.1
    }

    /// The expression with what its variables stand for in their place.
    pub fn plain(&self, e: &Expr) -> Expr {
        let mut plain = e.clone();
        rewrite::expr(&mut plain, &mut |part| {
            if let ExprKind::Var(var) = part.kind
                && let Some(value) = self.values.get(&var)
            {
                *part = value.expr.clone();
                return false;
            }
            true
        });
        plain
    }

    /// As the script writes it, with blanks as one, and variables by what they were assigned.
    pub fn name(&self, e: &Expr) -> String {
        let mut variables: Vec<(Span, &str)> = Vec::new();
        struct Variables<'k, 'v, 'a>(&'k Known<'a>, &'v mut Vec<(Span, &'k str)>);
        impl Visitor for Variables<'_, '_, '_> {
            fn expr(&mut self, e: &Expr) {
                if let ExprKind::Var(var) = e.kind
                    && let Some(value) = self.0.values.get(&var)
                {
                    self.1.push((e.span, &value.name));
                }
            }
        }
        visit::expr(e, &mut Variables(self, &mut variables));
        let mut name = (self.text)(e.span);
        variables.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        variables.dedup();
        for (span, value) in variables {
            let range =
                span.start.saturating_sub(e.span.start) as usize..span.end.saturating_sub(e.span.start) as usize;
            if name.get(range.clone()).is_some() {
                name.replace_range(range, &format!("({value})"));
            }
        }
        name.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What must all hold for a condition, in its order, each with how many expressions of the condition come before it.
pub(super) fn conjuncts(condition: &Expr) -> Vec<(usize, &Expr)> {
    let ExprKind::Logical { and: true, lhs, rhs } = &condition.kind else { return vec![(0, condition)] };
    let behind = |before: usize| move |(at, part)| (before + at, part);
    let (lhs_parts, rhs_parts) = (conjuncts(lhs).into_iter(), conjuncts(rhs).into_iter());
    lhs_parts.map(behind(1)).chain(rhs_parts.map(behind(1 + count(lhs)))).collect()
}

/// How often variables are assigned, and what, in order, and where they are used.
#[derive(Default)]
struct Assigned {
    times: HashMap<VarId, u32>,
    values: Vec<(VarId, Expr, Vec<usize>)>,
    uses: Vec<(VarId, Vec<usize>)>,
    /// The statements around the one at hand that may not run, by their numbers.
    inside: Vec<usize>,
    count: usize,
}

impl Assigned {
    /// Whether a variable that is assigned there is that wherever it is used.
    fn is_fixed(&self, var: VarId, place: &[usize]) -> bool {
        let mut uses = self.uses.iter().filter(|(used, _)| *used == var);
        self.times.get(&var) == Some(&1) && uses.all(|(_, at)| at.starts_with(place))
    }

    fn assigned(&mut self, var: VarId) {
        *self.times.entry(var).or_default() += 1;
    }

    fn changes(&mut self, var: VarId) {
        *self.times.entry(var).or_default() += 2;
    }
}

fn may_not_run(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::If { .. } | StmtKind::While { .. } | StmtKind::ForRange { .. } | StmtKind::ForMap { .. }
    )
}

impl Visitor for Assigned {
    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Assign(Place::Var(var), value) => {
                self.assigned(*var);
                self.values.push((*var, value.clone(), self.inside.clone()));
            }
            StmtKind::Update(Place::Var(var), ..) | StmtKind::ForRange { var, .. } | StmtKind::ForMap { var, .. } => {
                self.changes(*var);
            }
            _ => {}
        }
        if may_not_run(stmt) {
            self.count += 1;
            self.inside.push(self.count);
        }
    }

    fn end(&mut self, stmt: &Stmt) {
        if may_not_run(stmt) {
            self.inside.pop();
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Var(var) => self.uses.push((*var, self.inside.clone())),
            ExprKind::IncDec { target, .. } => {
                if let Place::Var(var) = **target {
                    self.changes(var);
                }
            }
            ExprKind::AddrOf(inner) => {
                if let ExprKind::Var(var) = inner.kind {
                    self.changes(var);
                }
            }
            _ => {}
        }
    }
}
