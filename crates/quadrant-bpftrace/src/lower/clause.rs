//! Clauses: one body over points for which it means the same, and its variables.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use quadrant_program::expr::{Expr, ExprKind, VarId};
use quadrant_program::probe::{Args, Point, PointId, ProbeKind, Site};
use quadrant_program::program::{Clause, Variable};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};

use super::Lower;
use super::expand::{expansion, plain};
use super::expr::as_pointer;
use super::function::Frame;
use super::infer::VarKey;
use super::join::{describe, describe_value, join};
use super::map::whole_map;
use crate::ast::{Ident, Probe};

/// A probe's body and points for which it means the same.
#[derive(Debug)]
pub(super) struct Variant<'s> {
    pub probe: &'s Probe,
    pub kind: ProbeKind,
    /// The arguments; `None` if they are not known because the probe was not found.
    pub args: Option<Arc<Args>>,
    /// The executable that the points are in.
    pub path: Option<PathBuf>,
    /// How often the probe has named these points before.
    pub again: u32,
    /// The body is lowered for other points of the probe, too.
    pub one_of_many: bool,
    pub points: Vec<PointId>,
}

/// What surrounds the statement at hand.
#[derive(Debug)]
pub(super) struct Scope {
    pub clause: usize,
    pub kind: ProbeKind,
    pub args: Option<Arc<Args>>,
    pub path: Option<PathBuf>,
    /// The name of a point of the clause.
    pub point: String,
    /// That point's function; empty where there is none.
    pub func: String,
    /// The clause has no other point.
    pub is_only_point: bool,
    /// Where in the executable it fires.
    pub fires_at: Option<u64>,
    /// The body is lowered for other points of the probe, too.
    pub one_of_many: bool,
    pub around: Around,
    /// Rounds of the `unroll`s around, multiplied.
    pub unrolled: i64,
    /// Variables by name, innermost block last.
    blocks: Vec<HashMap<String, Local>>,
    /// The macros, functions and `#define`s that are being expanded: their names, and where they are defined.
    pub expanding: Vec<Ident>,
    /// The number of the call of a macro that is being expanded; 0 for none.
    pub expansion: u32,
    /// The call of a function that is being put into its place.
    pub frame: Option<Frame>,
}

/// The loops around a statement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    /// How many, with `unroll`s.
    pub loops: u32,
    /// One of them is a loop that `break` ends.
    pub is_in_loop: bool,
    /// The innermost is an `unroll`.
    pub is_unrolled: bool,
    /// Something in that `unroll` so far leaves the round of the loop around it.
    pub is_left: bool,
}

/// A variable in scope.
#[derive(Debug, Clone)]
pub(super) struct Local {
    /// Its number; `None` before its type is known.
    pub id: Option<VarId>,
    /// Where it was declared; its key from round to round.
    pub declared: Span,
    /// Its type was declared and does not follow from uses.
    pub fixed: bool,
    /// Something was assigned, though perhaps of unknown type.
    pub assigned: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            clause: 0,
            kind: ProbeKind::Begin,
            args: None,
            path: None,
            point: String::new(),
            func: String::new(),
            is_only_point: true,
            fires_at: None,
            one_of_many: false,
            around: Around::default(),
            unrolled: 1,
            blocks: Vec::new(),
            expanding: Vec::new(),
            expansion: 0,
            frame: None,
        }
    }
}

impl Lower<'_> {
    /// Lowers a variant; nothing if it has no points.
    pub(super) fn clause(&mut self, number: usize, variant: &Variant) -> Option<Clause> {
        self.scope = Scope {
            clause: number,
            kind: variant.kind,
            args: variant.args.clone(),
            path: variant.path.clone(),
            point: self.first_point(variant).map(|point| point.name.clone()).unwrap_or_default(),
            func: self.first_point(variant).map(|point| point.func.clone()).unwrap_or_default(),
            is_only_point: variant.points.len() <= 1,
            one_of_many: variant.one_of_many,
            fires_at: self.first_point(variant).and_then(|point| fires_at(&point.site)),
            ..Scope::default()
        };
        self.scope.blocks.push(HashMap::new());
        self.hoist(variant.probe);
        self.habits(variant.probe);
        let predicate = variant.probe.predicate.as_ref().and_then(|predicate| self.condition(&predicate.expr));
        let body = self.block(&variant.probe.body);
        self.scope.blocks.pop();
        let points = variant.points.clone();
        (!points.is_empty()).then_some(Clause { points, predicate, body, span: variant.probe.span })
    }

    fn first_point(&self, variant: &Variant) -> Option<&Point> {
        variant.points.first().and_then(|id| self.program.points.get(id.0 as usize))
    }

    /// Runs `inner` in a block of its own.
    pub(super) fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.blocks.push(HashMap::new());
        let result = inner(self);
        self.scope.blocks.pop();
        result
    }

    /// The variable of that name that is in scope.
    pub(super) fn local(&self, name: &str) -> Option<&Local> {
        self.scope.blocks.iter().rev().find_map(|block| block.get(name))
    }

    /// Names of all variables in scope.
    pub(super) fn local_names(&self) -> Vec<String> {
        self.scope.blocks.iter().flat_map(|block| block.keys().cloned()).collect()
    }

    /// Makes a variable in the innermost block. Without a type it has none until one is assigned.
    pub(super) fn declare(&mut self, name: &str, declared: Span, ty: Option<Type>, fixed: bool) -> Option<VarId> {
        let key = self.key_of_var(name, declared);
        let known = self.inferred.var(key).cloned();
        let ty = match (known, ty) {
            (known, None) => known,
            (Some(known), Some(ty)) if !fixed => Some(join(self.env.types, &known, &ty).unwrap_or(known)),
            (_, ty) => ty,
        };
        let id = ty.map(|ty| {
            self.inferred.set_var(key, &ty);
            self.new_var(name, ty)
        });
        if let (Some(id), false) = (id, fixed) {
            self.keys_of_vars.insert(id, key);
        }
        let local = Local { id, declared, fixed, assigned: false };
        if let Some(block) = self.scope.blocks.last_mut() {
            block.insert(name.to_owned(), local);
        }
        id
    }

    /// A variable that only lowering knows of.
    pub(super) fn temporary(&mut self, ty: Type) -> VarId {
        self.new_var("", ty)
    }

    fn new_var(&mut self, name: &str, ty: Type) -> VarId {
        self.program.vars.push(Variable { name: format!("${}", plain(name)), ty, shared: false });
        VarId(self.program.vars.len() as u32 - 1)
    }

    /// The type of a variable.
    pub(super) fn var_type(&self, id: VarId) -> Type {
        self.program.vars.get(id.0 as usize).map_or(Type::None, |var| var.ty.clone())
    }

    pub(super) fn key_of_var(&self, name: &str, declared: Span) -> VarKey {
        (self.scope.clause, declared.start, expansion(name))
    }

    /// Whether a variable may hold numbers though it has held truth values only.
    pub(super) fn takes_numbers(&self, name: &str) -> bool {
        self.local(name)
            .is_some_and(|local| !local.fixed && self.inferred.so_far(self.key_of_var(name, local.declared)).compared)
    }

    /// Widens a variable, if need be, so that it can hold a value.
    pub(super) fn widen_var(&mut self, name: &str, value: &Expr, span: Span) -> Option<VarId> {
        let local = self.local(name)?.clone();
        let key = self.key_of_var(name, local.declared);
        let (ty, is_loose) = (&value.ty, self.is_loose(value));
        if local.fixed || self.is_plain_truth(value) {
            self.inferred.note_truth(key);
        }
        let so_far = self.inferred.so_far(key);
        self.inferred.note_value(key, false, is_loose);
        let Some(id) = local.id else {
            let id = self.new_var(name, ty.clone());
            self.inferred.note_value(key, true, is_loose);
            self.inferred.set_var(key, ty);
            self.update_local(name, |local| local.id = Some(id));
            self.keys_of_vars.insert(id, key);
            return Some(id);
        };
        let old = self.var_type(id);
        let Some(joined) = self.join_value(&old, so_far, value) else {
            let (old, new) = (describe(self.env.types, &old), describe(self.env.types, ty));
            return self.error_help(
                span,
                format!("`${}` holds {old}, and this is {new}", plain(name)),
                "a variable has one type: use another variable",
            );
        };
        if joined != old && !local.fixed {
            self.inferred.set_var(key, &joined);
            if let Some(var) = self.program.vars.get_mut(id.0 as usize) {
                var.ty = joined;
            }
        }
        Some(id)
    }

    /// Changes what is known of a variable in scope.
    pub(super) fn update_local(&mut self, name: &str, change: impl FnOnce(&mut Local)) {
        if let Some(local) = self.scope.blocks.iter_mut().rev().find_map(|block| block.get_mut(name)) {
            change(local);
        }
    }

    /// An expression that must be true or false.
    pub(super) fn condition(&mut self, ast: &crate::ast::Expr) -> Option<Expr> {
        if let Some((name, value)) = self.several_numbers(ast) {
            let (value, help) = (describe_value(self.env.types, &value), whole_map(name));
            return self.error_help(ast.span, format!("{value} is neither true nor false"), help);
        }
        let value = self.expr(ast)?;
        self.truth(value)
    }

    /// Whether a value counts as true: a number that is not 0, a text of the script that is not empty.
    pub(super) fn truth(&mut self, value: Expr) -> Option<Expr> {
        let value = as_pointer(value);
        if value.ty.is_integer() || matches!(value.ty, Type::Pointer { .. }) {
            return Some(value);
        }
        let span = value.span;
        match (&value.kind, &value.ty) {
            (ExprKind::Str(text), _) => Some(Expr::int(i64::from(!text.is_empty()), Type::Bool, span)),
            (_, ty) => {
                let help = match ty {
                    Type::String { .. } => "compare it: `x != \"\"`",
                    Type::Float { .. } => "take its whole part: `(int64)...`",
                    _ => "a condition is a number, a truth value or a pointer",
                };
                let ty = describe(self.env.types, ty);
                self.error_help(span, format!("{ty} is neither true nor false"), help)
            }
        }
    }

    /// Where a pointer of the probe's own data points, by the kind of probe.
    pub(super) fn default_space(&self) -> Space {
        match self.scope.kind {
            ProbeKind::Uprobe | ProbeKind::Uretprobe | ProbeKind::Usdt | ProbeKind::Watchpoint => Space::User,
            _ => Space::Kernel,
        }
    }

    /// Where an address points that is a mere number: in the kernel's probes it may be an address of either (a system call's argument, a
    /// register).
    pub(super) fn number_space(&self) -> Space {
        match self.default_space() {
            Space::Kernel => Space::Any,
            space => space,
        }
    }
}

/// The offset in its file of the instruction at which a user probe fires.
fn fires_at(site: &Site) -> Option<u64> {
    match site {
        Site::Uprobe { offset, .. } | Site::Usdt { offset, .. } => Some(*offset),
        _ => None,
    }
}
