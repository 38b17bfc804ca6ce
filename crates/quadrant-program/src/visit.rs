//! Walking over expressions and statements.

use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::program::Clause;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;

/// Sees every statement and expression of a clause, outer ones before inner ones, in source order.
pub trait Visitor {
    /// Called for each statement before its parts.
    fn stmt(&mut self, _stmt: &Stmt) {}

    /// Called for each statement after its parts.
    fn end(&mut self, _stmt: &Stmt) {}

    /// Called between the branches of an `if`.
    fn other(&mut self, _if: &Stmt) {}

    /// Called for each expression before its parts.
    fn expr(&mut self, _expr: &Expr) {}
}

/// Walk a clause: its predicate, then its body.
pub fn clause(clause: &Clause, visitor: &mut dyn Visitor) {
    clause.predicate.iter().for_each(|e| expr(e, visitor));
    stmts(&clause.body, visitor);
}

/// Walk statements.
pub fn stmts(list: &[Stmt], visitor: &mut dyn Visitor) {
    list.iter().for_each(|s| stmt(s, visitor));
}

/// Walk a statement.
pub fn stmt(stmt: &Stmt, visitor: &mut dyn Visitor) {
    visitor.stmt(stmt);
    match &stmt.kind {
        StmtKind::Expr(e) | StmtKind::Signal { signal: e, .. } | StmtKind::Exit { code: e, .. } => expr(e, visitor),
        StmtKind::Assign(target, value) | StmtKind::Update(target, _, value) => {
            place(target, visitor);
            expr(value, visitor);
        }
        StmtKind::Aggregate { key, value, weight, .. } => {
            key.iter().chain(value).chain(weight).for_each(|e| expr(e, visitor));
        }
        StmtKind::Store { addr, value } => {
            expr(addr, visitor);
            expr(value, visitor);
        }
        StmtKind::EndSpeculation { id } => expr(id, visitor),
        StmtKind::Result(value) => expr(value, visitor),
        StmtKind::Emit { args, .. } => args.iter().for_each(|e| expr(e, visitor)),
        StmtKind::If { cond, then, other } => {
            expr(cond, visitor);
            stmts(then, visitor);
            visitor.other(stmt);
            stmts(other, visitor);
        }
        StmtKind::While { cond, body } => {
            expr(cond, visitor);
            stmts(body, visitor);
        }
        StmtKind::ForRange { start, end, body, .. } => {
            expr(start, visitor);
            expr(end, visitor);
            stmts(body, visitor);
        }
        StmtKind::Unroll { body, .. } | StmtKind::ForMap { body, .. } | StmtKind::Block(body) => stmts(body, visitor),
        StmtKind::Break | StmtKind::Continue | StmtKind::Return | StmtKind::Stop => {}
    }
    visitor.end(stmt);
}

/// Walk an expression.
pub fn expr(e: &Expr, visitor: &mut dyn Visitor) {
    visitor.expr(e);
    match &e.kind {
        ExprKind::MapGet { key, .. } | ExprKind::MapHas { key, .. } | ExprKind::MapDelete { key, .. } => {
            key.iter().for_each(|k| expr(k, visitor));
        }
        ExprKind::Deref { addr: inner, .. }
        | ExprKind::AddrOf(inner)
        | ExprKind::Bits { value: inner, .. }
        | ExprKind::Unary(_, inner)
        | ExprKind::Cast(inner)
        | ExprKind::TupleField(inner, _) => expr(inner, visitor),
        ExprKind::Binary(_, lhs, rhs) | ExprKind::Logical { lhs, rhs, .. } | ExprKind::MemEq { lhs, rhs, .. } => {
            expr(lhs, visitor);
            expr(rhs, visitor);
        }
        ExprKind::Ternary { cond, then, other } => [cond, then, other].into_iter().for_each(|p| expr(p, visitor)),
        ExprKind::IncDec { target, .. } => place(target, visitor),
        ExprKind::Tuple(parts) | ExprKind::Call(_, parts) => parts.iter().for_each(|p| expr(p, visitor)),
        ExprKind::Block(body, value) => {
            stmts(body, visitor);
            expr(value, visitor);
        }
        ExprKind::Int(_)
        | ExprKind::Core(_)
        | ExprKind::Str(_)
        | ExprKind::Var(_)
        | ExprKind::MapLen(_)
        | ExprKind::Builtin(_)
        | ExprKind::Arg(_)
        | ExprKind::Retval
        | ExprKind::Reg(_)
        | ExprKind::ArgAt(_)
        | ExprKind::ContextAddr(_)
        | ExprKind::DataLoc { .. } => {}
    }
}

fn place(place: &Place, visitor: &mut dyn Visitor) {
    if let Place::Map { key: Some(key), .. } = place {
        expr(key, visitor);
    }
}
