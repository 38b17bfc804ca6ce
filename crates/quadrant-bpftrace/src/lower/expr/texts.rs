//! What is compared and shown as a text: C arrays of characters, and the names of probes.

use std::sync::Arc;

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function};
use quadrant_program::probe::Point;
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_syntax::chain;

use super::super::Lower;
use crate::ast::{self, BinOp};

/// The text of a tracepoint's field of varying length as what it is in C, a pointer to its first character; anything else as it is.
pub(in super::super) fn as_pointer(value: Expr) -> Expr {
    match value.kind {
        ExprKind::Call(Function::Str(Space::Kernel), mut args) if is_in_context(&args) => args.swap_remove(0),
        _ => value,
    }
}

/// Whether these arguments of a read are one address, and that is in what the kernel gives the program.
fn is_in_context(args: &[Expr]) -> bool {
    let [addr] = args else { return false };
    let mut start = addr;
    while let ExprKind::Binary(_, base, _) = &start.kind {
        start = base;
    }
    matches!(start.kind, ExprKind::DataLoc { .. } | ExprKind::ContextAddr(_))
}

impl Lower<'_> {
    /// The value of an expression as it is kept: in a variable, a key, a tuple.
    pub(in super::super) fn kept(&mut self, value: &ast::Expr) -> Option<Expr> {
        self.expr(value).map(|value| self.whole(value))
    }

    /// The same as a part of something, where a number is one even if it was said to be an address.
    pub(in super::super) fn part(&mut self, value: &ast::Expr) -> Option<Expr> {
        self.kept(value).map(|value| self.unmarked(value))
    }

    /// All of a C array of characters, of which the last need not be a NUL; anything else as it is.
    pub(in super::super) fn whole(&self, value: Expr) -> Expr {
        let (ExprKind::Deref { .. }, Type::String { cap }) = (&value.kind, &value.ty) else { return value };
        let (cap, span) = (*cap, value.span);
        if cap > self.config.max_strlen {
            return value;
        }
        let chars = Type::Array { elem: Arc::new(Type::Int { bytes: 1, signed: true }), len: cap };
        let array = Box::new(Expr { ty: chars, ..value });
        Expr::new(ExprKind::Cast(array), Type::String { cap: cap + 1 }, span)
    }

    /// Two texts to be compared, whole where their last bytes matter.
    pub(super) fn whole_sides(&self, left: Expr, right: Expr) -> (Expr, Expr) {
        let matters = |value: &Expr, other: &Expr| match (&value.ty, &other.kind) {
            (Type::String { cap }, ExprKind::Str(text)) => text.len() + 1 >= *cap as usize,
            _ => true,
        };
        let (left_matters, right_matters) = (matters(&left, &right), matters(&right, &left));
        let left = if left_matters { self.whole(left) } else { left };
        let right = if right_matters { self.whole(right) } else { right };
        (left, right)
    }

    /// Whether a probe whose name (or function) was kept is the one of this name.
    pub(super) fn is_probe(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) -> Option<Expr> {
        let negate = op == BinOp::Ne;
        let (value, text) = match (&left.kind, &right.kind) {
            (_, ExprKind::Str(text)) => (left, text),
            (ExprKind::Str(text), _) => (right, text),
            _ => return None,
        };
        let name: fn(&Point) -> &str = match value.ty {
            Type::ProbeName => |point| &point.name,
            Type::ProbeFunc => |point| &point.func,
            _ => return None,
        };
        let points = (1..).zip(&self.program.points);
        let named = points.filter(|(_, point)| name(point).as_bytes() == &**text).map(|(number, _)| number);
        let numbers: Vec<i64> = text.is_empty().then_some(0).into_iter().chain(named).collect();
        Some(self.is_among(value.clone(), &numbers, negate, span))
    }

    /// Whether a value is one of these numbers, or none of them.
    fn is_among(&mut self, value: Expr, numbers: &[i64], negate: bool, span: Span) -> Expr {
        let is_plain = numbers.len() < 2 || matches!(value.kind, ExprKind::Builtin(_) | ExprKind::Var(_));
        let (keep, value) = match is_plain {
            true => (None, value),
            false => {
                let (keep, kept) = self.keep(value);
                (Some(keep), kept)
            }
        };
        let kind = if negate { BinaryOp::Ne } else { BinaryOp::Eq };
        let is_one = |number: &i64| {
            let number = Expr::int(*number, value.ty.clone(), span);
            (span, Expr::new(ExprKind::Binary(kind, Box::new(value.clone()), Box::new(number)), Type::Bool, span))
        };
        let joined = chain::join(numbers.iter().map(is_one).collect(), &mut |lhs, _, rhs| {
            let (lhs, rhs) = (Box::new(lhs), Box::new(rhs));
            Expr::new(ExprKind::Logical { and: negate, lhs, rhs }, Type::Bool, span)
        });
        let known = joined.map_or_else(|| Expr::int(i64::from(negate), Type::Bool, span), |(_, known)| known);
        match keep {
            Some(keep) => Expr::new(ExprKind::Block(vec![keep], Box::new(known)), Type::Bool, span),
            None => known,
        }
    }
}
