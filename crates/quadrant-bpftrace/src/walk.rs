//! Walking over the words of a probe's predicate and body.

use crate::ast::{Block, Expr, ExprKind, ForIter, IfExpr, Probe, Stmt, StmtKind, TypeArg, TypeKind, UnOp};

/// What a walk shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    /// A bare word.
    Name(&'a str),
    /// A call: its function's name and its arguments.
    Call(&'a str, &'a [Expr]),
    /// A cast.
    Cast,
    /// `*x`
    Deref,
    /// Anything else.
    Other,
}

/// How many expressions an expression has, itself included.
pub(crate) fn size(of: &Expr) -> usize {
    let mut count = 0;
    expr(of, &mut |_| count += 1);
    count
}

/// Shows every word of a probe's predicate and body.
pub(crate) fn walk_probe<'a>(probe: &'a Probe, see: &mut dyn FnMut(Node<'a>)) {
    if let Some(predicate) = &probe.predicate {
        expr(&predicate.expr, see);
    }
    block(&probe.body, see);
}

fn block<'a>(of: &'a Block, see: &mut dyn FnMut(Node<'a>)) {
    of.stmts.iter().for_each(|inner| stmt(inner, see));
    of.tail.iter().for_each(|inner| expr(inner, see));
}

fn stmt<'a>(of: &'a Stmt, see: &mut dyn FnMut(Node<'a>)) {
    match &of.kind {
        StmtKind::Expr(inner) | StmtKind::Return(Some(inner)) => expr(inner, see),
        StmtKind::Assign { target, value, .. } => {
            expr(target, see);
            expr(value, see);
        }
        StmtKind::Let { value, .. } => value.iter().for_each(|inner| expr(inner, see)),
        StmtKind::If(parts) => if_expr(parts, see),
        StmtKind::While { cond: head, body } | StmtKind::Unroll { count: head, body } => {
            expr(head, see);
            block(body, see);
        }
        StmtKind::For { iter, body, .. } => {
            match iter {
                ForIter::Over(over) => expr(over, see),
                ForIter::Range(from, to) => [from, to].into_iter().for_each(|inner| expr(inner, see)),
            }
            block(body, see);
        }
        StmtKind::Block(inner) => block(inner, see),
        StmtKind::Error | StmtKind::Break | StmtKind::Continue | StmtKind::Return(None) => {}
    }
}

fn if_expr<'a>(of: &'a IfExpr, see: &mut dyn FnMut(Node<'a>)) {
    for (cond, body) in &of.arms {
        expr(cond, see);
        block(body, see);
    }
    of.other.iter().for_each(|body| block(body, see));
}

fn expr<'a>(of: &'a Expr, see: &mut dyn FnMut(Node<'a>)) {
    match &of.kind {
        ExprKind::Name(name) => see(Node::Name(name)),
        ExprKind::Call { callee, args } => see(Node::Call(&callee.name, args)),
        ExprKind::Cast { ty, .. } => {
            see(Node::Cast);
            if let TypeKind::Typeof(arg) = &ty.kind {
                type_arg(arg, see);
            }
        }
        ExprKind::Unary { op: UnOp::Deref, .. } => see(Node::Deref),
        ExprKind::Index { .. } => see(Node::Deref),
        ExprKind::If(parts) => if_expr(parts, see),
        ExprKind::Block(inner) => block(inner, see),
        ExprKind::Sizeof(arg) | ExprKind::Typeof(arg) | ExprKind::Typeinfo(arg) => type_arg(arg, see),
        ExprKind::Offsetof { of, .. } => type_arg(of, see),
        _ => see(Node::Other),
    }
    children(&of.kind).into_iter().for_each(|inner| expr(inner, see));
}

fn type_arg<'a>(of: &'a TypeArg, see: &mut dyn FnMut(Node<'a>)) {
    if let TypeArg::Expr(inner) = of {
        expr(inner, see);
    }
}

/// The expressions directly below one.
fn children(kind: &ExprKind) -> Vec<&Expr> {
    match kind {
        ExprKind::Map { key: parts, .. } | ExprKind::Call { args: parts, .. } | ExprKind::Tuple(parts) => {
            parts.iter().collect()
        }
        ExprKind::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
        ExprKind::Field { base: inner, .. }
        | ExprKind::TupleField { base: inner, .. }
        | ExprKind::Unary { operand: inner, .. }
        | ExprKind::IncDec { target: inner, .. }
        | ExprKind::Cast { operand: inner, .. }
        | ExprKind::Comptime(inner)
        | ExprKind::Given { inner, .. } => vec![inner],
        ExprKind::Index { base: a, index: b } | ExprKind::Binary { left: a, right: b, .. } => vec![a, b],
        ExprKind::Ternary { cond, then, other } => {
            [Some(cond), then.as_ref(), Some(other)].into_iter().flatten().map(|inner| &**inner).collect()
        }
        _ => Vec::new(),
    }
}
