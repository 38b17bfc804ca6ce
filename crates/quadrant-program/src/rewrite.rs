//! Changing expressions in place, wherever they stand.

use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Place;
use crate::program::Clause;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;

/// Sees expressions, outer ones before inner ones; the parts of one for which it answers `false` are left alone.
pub type Change<'a> = &'a mut dyn FnMut(&mut Expr) -> bool;

/// Changes a clause: its predicate, then its body.
pub fn clause(clause: &mut Clause, change: Change) {
    clause.predicate.iter_mut().for_each(|e| expr(e, change));
    stmts(&mut clause.body, change);
}

fn stmts(list: &mut [Stmt], change: Change) {
    list.iter_mut().for_each(|s| stmt(s, change));
}

/// Changes a statement's expressions, also those of statements in it.
pub fn stmt(stmt: &mut Stmt, change: Change) {
    match &mut stmt.kind {
        StmtKind::Expr(e)
        | StmtKind::Signal { signal: e, .. }
        | StmtKind::Exit { code: e, .. }
        | StmtKind::EndSpeculation { id: e }
        | StmtKind::Result(e) => expr(e, change),
        StmtKind::Assign(target, value) | StmtKind::Update(target, _, value) => {
            place(target, change);
            expr(value, change);
        }
        StmtKind::Aggregate { key, value, weight, .. } => {
            key.iter_mut().chain(value).chain(weight).for_each(|e| expr(e, change));
        }
        StmtKind::Store { addr, value } => {
            expr(addr, change);
            expr(value, change);
        }
        StmtKind::Emit { args, .. } => args.iter_mut().for_each(|e| expr(e, change)),
        StmtKind::If { cond, then, other } => {
            expr(cond, change);
            stmts(then, change);
            stmts(other, change);
        }
        StmtKind::While { cond, body } => {
            expr(cond, change);
            stmts(body, change);
        }
        StmtKind::ForRange { start, end, body, .. } => {
            expr(start, change);
            expr(end, change);
            stmts(body, change);
        }
        StmtKind::Unroll { body, .. } | StmtKind::ForMap { body, .. } | StmtKind::Block(body) => stmts(body, change),
        StmtKind::Break | StmtKind::Continue | StmtKind::Return | StmtKind::Stop => {}
    }
}

/// Changes an expression and its parts.
pub fn expr(e: &mut Expr, change: Change) {
    if change(e) {
        parts(e, change);
    }
}

/// Changes the parts of an expression, but not itself.
pub fn parts(e: &mut Expr, change: Change) {
    match &mut e.kind {
        ExprKind::MapGet { key, .. } | ExprKind::MapHas { key, .. } | ExprKind::MapDelete { key, .. } => {
            key.iter_mut().for_each(|k| expr(k, change));
        }
        ExprKind::Deref { addr: inner, .. }
        | ExprKind::AddrOf(inner)
        | ExprKind::Bits { value: inner, .. }
        | ExprKind::Unary(_, inner)
        | ExprKind::Cast(inner)
        | ExprKind::TupleField(inner, _) => expr(inner, change),
        ExprKind::Binary(_, lhs, rhs) | ExprKind::Logical { lhs, rhs, .. } | ExprKind::MemEq { lhs, rhs, .. } => {
            expr(lhs, change);
            expr(rhs, change);
        }
        ExprKind::Ternary { cond, then, other } => [cond, then, other].into_iter().for_each(|p| expr(p, change)),
        ExprKind::IncDec { target, .. } => place(target, change),
        ExprKind::Tuple(parts) | ExprKind::Call(_, parts) => parts.iter_mut().for_each(|p| expr(p, change)),
        ExprKind::Block(body, value) => {
            stmts(body, change);
            expr(value, change);
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

fn place(place: &mut Place, change: Change) {
    if let Place::Map { key: Some(key), .. } = place {
        expr(key, change);
    }
}
