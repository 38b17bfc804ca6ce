//! Walking over the words of a probe's predicate and body.

use quadrant_program::span::Span;

use crate::ast::{Block, Expr, ExprKind, ForIter, IfExpr, Probe, Stmt, StmtKind, TypeArg, TypeExpr, TypeKind, UnOp};

/// What a walk shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    /// Any expression, before what it is.
    Expr(&'a Expr),
    /// Any statement, before what is in it.
    Stmt(&'a Stmt),
    /// A bare word.
    Name(&'a str),
    /// A call: its function's name and its arguments.
    Call(&'a str, &'a [Expr]),
    /// A cast.
    Cast,
    /// A type that is written by its name, somewhere in a cast or in a question about a type.
    NamedType,
    /// `*x`
    Deref,
    /// An operator between two operands, where it stands, and those.
    Infix(Span, [&'a Expr; 2]),
    /// A variable, and where it stands.
    Var(&'a str, Span),
    /// What an assignment puts something into.
    Assign(&'a Expr),
    /// What `++` or `--` changes.
    Counted(&'a Expr),
    /// `&x`
    Address(&'a Expr),
    /// A block, before what is in it.
    Block(&'a Block),
    /// Anything else.
    Other,
}

/// How many expressions an expression has, itself included.
pub(crate) fn size(of: &Expr) -> usize {
    let mut count = 0;
    walk_expr(of, &mut |node| count += usize::from(matches!(node, Node::Expr(_))));
    count
}

/// How many expressions a block has.
pub(crate) fn size_of_block(of: &Block) -> usize {
    let mut count = 0;
    walk_block(of, &mut |node| count += usize::from(matches!(node, Node::Expr(_))));
    count
}

/// Shows every word of a probe's predicate and body.
pub(crate) fn walk_probe<'a>(probe: &'a Probe, see: &mut dyn FnMut(Node<'a>)) {
    if let Some(predicate) = &probe.predicate {
        walk_expr(&predicate.expr, see);
    }
    walk_block(&probe.body, see);
}

/// Shows every word of a block.
pub(crate) fn walk_block<'a>(of: &'a Block, see: &mut dyn FnMut(Node<'a>)) {
    see(Node::Block(of));
    of.stmts.iter().for_each(|inner| stmt(inner, see));
    of.tail.iter().for_each(|inner| walk_expr(inner, see));
}

fn stmt<'a>(of: &'a Stmt, see: &mut dyn FnMut(Node<'a>)) {
    see(Node::Stmt(of));
    match &of.kind {
        StmtKind::Expr(inner) | StmtKind::Return(Some(inner)) => walk_expr(inner, see),
        StmtKind::Assign { target, value, .. } => {
            see(Node::Assign(target));
            walk_expr(target, see);
            walk_expr(value, see);
        }
        StmtKind::Let { ty, value, .. } => {
            ty.iter().for_each(|inner| written_type(inner, see));
            value.iter().for_each(|inner| walk_expr(inner, see));
        }
        StmtKind::If(parts) => if_expr(parts, see),
        StmtKind::While { cond: head, body } | StmtKind::Unroll { count: head, body } => {
            walk_expr(head, see);
            walk_block(body, see);
        }
        StmtKind::For { iter, body, .. } => {
            match iter {
                ForIter::Over(over) => walk_expr(over, see),
                ForIter::Range(from, to) => [from, to].into_iter().for_each(|inner| walk_expr(inner, see)),
            }
            walk_block(body, see);
        }
        StmtKind::Block(inner) => walk_block(inner, see),
        StmtKind::Error | StmtKind::Break | StmtKind::Continue | StmtKind::Return(None) => {}
    }
}

fn if_expr<'a>(of: &'a IfExpr, see: &mut dyn FnMut(Node<'a>)) {
    for (cond, body) in &of.arms {
        walk_expr(cond, see);
        walk_block(body, see);
    }
    of.other.iter().for_each(|body| walk_block(body, see));
}

/// Shows every word of an expression.
pub(crate) fn walk_expr<'a>(of: &'a Expr, see: &mut dyn FnMut(Node<'a>)) {
    see(Node::Expr(of));
    match &of.kind {
        ExprKind::Name(name) => see(Node::Name(name)),
        ExprKind::Tagged(..) => see(Node::NamedType),
        ExprKind::Var(name) => see(Node::Var(name, of.span)),
        ExprKind::Call { callee, args } => see(Node::Call(&callee.name, args)),
        ExprKind::Cast { ty, .. } => {
            see(Node::Cast);
            written_type(ty, see);
        }
        ExprKind::Unary { op: UnOp::Deref, .. } => see(Node::Deref),
        ExprKind::Unary { op: UnOp::AddrOf, operand } => see(Node::Address(operand)),
        ExprKind::IncDec { target, .. } => see(Node::Counted(target)),
        ExprKind::Index { .. } => see(Node::Deref),
        ExprKind::Binary { op_span, left, right, .. } => see(Node::Infix(*op_span, [left, right])),
        ExprKind::If(parts) => if_expr(parts, see),
        ExprKind::Block(inner) => walk_block(inner, see),
        ExprKind::Sizeof(arg) | ExprKind::Typeof(arg) | ExprKind::Typeinfo(arg) => type_arg(arg, see),
        ExprKind::Offsetof { of, .. } | ExprKind::HasField { of, .. } => type_arg(of, see),
        _ => see(Node::Other),
    }
    children(&of.kind).into_iter().for_each(|inner| walk_expr(inner, see));
}

fn type_arg<'a>(of: &'a TypeArg, see: &mut dyn FnMut(Node<'a>)) {
    match of {
        TypeArg::Expr(inner) => walk_expr(inner, see),
        TypeArg::Type(ty) => written_type(ty, see),
    }
}

fn written_type<'a>(of: &'a TypeExpr, see: &mut dyn FnMut(Node<'a>)) {
    match &of.kind {
        TypeKind::Named(_) | TypeKind::Tagged(..) => see(Node::NamedType),
        TypeKind::Typeof(arg) => type_arg(arg, see),
        TypeKind::Pointer(inner) => written_type(inner, see),
        TypeKind::Array(inner, size) => {
            written_type(inner, see);
            size.iter().for_each(|size| walk_expr(size, see));
        }
        TypeKind::Tuple(parts) => parts.iter().for_each(|part| written_type(part, see)),
        TypeKind::Error => {}
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
