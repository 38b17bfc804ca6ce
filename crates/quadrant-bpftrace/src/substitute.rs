//! Replacing names in a block: how a macro's body becomes the code at its call.

use std::collections::HashMap;

use quadrant_program::span::Span;

use crate::ast::{Block, Expr, ExprKind, ForIter, Ident, IfExpr, Stmt, StmtKind, TypeArg, TypeExpr, TypeKind};

/// What replaces what. Variables that are not listed are the body's own.
#[derive(Debug, Default)]
pub(crate) struct Substitution {
    /// Variables of the body that are the caller's.
    pub vars: HashMap<String, String>,
    /// Maps of the body that are the caller's.
    pub maps: HashMap<String, String>,
    /// Bare words that stand for the caller's expressions.
    pub exprs: HashMap<String, Given>,
    /// Appended to the names of the body's own variables, so that they are nobody else's.
    pub suffix: String,
    /// Maps that the body names, and the caller did not give.
    pub strays: Vec<Ident>,
    /// How many expressions the result may still have; zero when it was too few.
    pub budget: usize,
}

/// An expression that replaces a word.
#[derive(Debug)]
pub(crate) struct Given {
    /// The expression.
    pub expr: Expr,
    /// How many expressions it has.
    pub size: usize,
}

impl Substitution {
    /// Replaces names everywhere in a block.
    pub(crate) fn block(&mut self, block: &mut Block) {
        block.stmts.iter_mut().for_each(|stmt| self.stmt(stmt));
        block.tail.iter_mut().for_each(|tail| self.expr(tail));
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        match &mut stmt.kind {
            StmtKind::Expr(expr) | StmtKind::Return(Some(expr)) => self.expr(expr),
            StmtKind::Assign { target, value, .. } => {
                self.expr(target);
                self.expr(value);
            }
            StmtKind::Let { var, ty, value } => {
                self.var(&mut var.name);
                ty.iter_mut().for_each(|ty| self.type_expr(ty));
                value.iter_mut().for_each(|value| self.expr(value));
            }
            StmtKind::If(parts) => self.if_expr(parts),
            StmtKind::While { cond: head, body } | StmtKind::Unroll { count: head, body } => {
                self.expr(head);
                self.block(body);
            }
            StmtKind::For { var, iter, body } => {
                self.var(&mut var.name);
                match iter {
                    ForIter::Over(over) => self.expr(over),
                    ForIter::Range(from, to) => [from, to].into_iter().for_each(|bound| self.expr(bound)),
                }
                self.block(body);
            }
            StmtKind::Block(block) => self.block(block),
            StmtKind::Error | StmtKind::Break | StmtKind::Continue | StmtKind::Return(None) => {}
        }
    }

    fn if_expr(&mut self, parts: &mut IfExpr) {
        for (cond, body) in &mut parts.arms {
            self.expr(cond);
            self.block(body);
        }
        parts.other.iter_mut().for_each(|body| self.block(body));
    }

    fn var(&mut self, name: &mut String) {
        match self.vars.get(name) {
            Some(caller) => name.clone_from(caller),
            None => name.push_str(&self.suffix),
        }
    }

    fn map(&mut self, map: &mut Ident) {
        match self.maps.get(&map.name) {
            Some(caller) => map.name.clone_from(caller),
            None => self.strays.push(map.clone()),
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        self.budget = self.budget.saturating_sub(1);
        match &mut expr.kind {
            ExprKind::Name(name) => {
                if let Some(given) = self.exprs.get(name) {
                    self.budget = self.budget.saturating_sub(given.size);
                    if self.budget > 0 {
                        *expr = stands_at(expr.span, given.expr.clone());
                    }
                }
            }
            ExprKind::Var(name) => self.var(name),
            ExprKind::Map { name, key } => {
                self.map(name);
                key.iter_mut().for_each(|part| self.expr(part));
            }
            ExprKind::Call { args: parts, .. } | ExprKind::Tuple(parts) => {
                parts.iter_mut().for_each(|part| self.expr(part));
            }
            ExprKind::Record(fields) => fields.iter_mut().for_each(|(_, value)| self.expr(value)),
            kind => self.compound(kind),
        }
    }

    fn compound(&mut self, kind: &mut ExprKind) {
        match kind {
            ExprKind::Field { base: inner, .. }
            | ExprKind::TupleField { base: inner, .. }
            | ExprKind::Unary { operand: inner, .. }
            | ExprKind::IncDec { target: inner, .. }
            | ExprKind::Comptime(inner)
            | ExprKind::Given { inner, .. } => self.expr(inner),
            ExprKind::Index { base: a, index: b } | ExprKind::Binary { left: a, right: b, .. } => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Ternary { cond, then, other } => {
                self.expr(cond);
                then.iter_mut().for_each(|then| self.expr(then));
                self.expr(other);
            }
            ExprKind::Cast { ty, operand } => {
                self.type_expr(ty);
                self.expr(operand);
            }
            ExprKind::Sizeof(arg) | ExprKind::Typeof(arg) | ExprKind::Typeinfo(arg) => self.type_arg(arg),
            ExprKind::Offsetof { of, .. } | ExprKind::HasField { of, .. } => self.type_arg(of),
            ExprKind::If(parts) => self.if_expr(parts),
            ExprKind::Block(block) => self.block(block),
            _ => {}
        }
    }

    fn type_arg(&mut self, arg: &mut TypeArg) {
        match arg {
            TypeArg::Type(ty) => self.type_expr(ty),
            TypeArg::Expr(expr) => self.expr(expr),
        }
    }

    fn type_expr(&mut self, ty: &mut TypeExpr) {
        match &mut ty.kind {
            TypeKind::Pointer(inner) => self.type_expr(inner),
            TypeKind::Array(inner, size) => {
                self.type_expr(inner);
                size.iter_mut().for_each(|size| self.expr(size));
            }
            TypeKind::Typeof(arg) => self.type_arg(arg),
            TypeKind::Tuple(parts) => parts.iter_mut().for_each(|part| self.type_expr(part)),
            TypeKind::Named(name) => {
                if let Some(given) = self.exprs.get(name) {
                    ty.kind = type_given(&given.expr);
                }
            }
            TypeKind::Error | TypeKind::Tagged(..) => {}
        }
    }
}

/// An argument where it stands in the macro: what is wrong with its use is wrong there. A name has its own place, where it means what
/// it means.
fn stands_at(place: Span, mut given: Expr) -> Expr {
    use ExprKind::{Bool, Given, Int, Param, Str};
    if let Given { .. } | Str(_) | Int(_) | Bool(_) | Param(_) = given.kind {
        given.span = place;
    }
    given
}

/// The type that a macro's argument is, or has.
fn type_given(expr: &Expr) -> TypeKind {
    match &expr.kind {
        ExprKind::Name(name) => TypeKind::Named(name.clone()),
        ExprKind::Tagged(tag, name) => TypeKind::Tagged(*tag, name.clone()),
        _ => TypeKind::Typeof(TypeArg::Expr(Box::new(expr.clone()))),
    }
}
