//! Where a replayed program has its inputs: a word that is a number or an address, then one with a length, or in its highest byte the
//! kind of fault that the input was.

use super::FAULT_SHIFT;
use super::FIRST_SLOT;
use super::SLOT;
use crate::expr::BinaryOp;
use crate::expr::Expr;
use crate::expr::ExprKind;
use crate::expr::Function;
use crate::expr::Place;
use crate::expr::VarId;
use crate::span::Span;
use crate::stmt::Stmt;
use crate::stmt::StmtKind;
use crate::ty::Space;
use crate::ty::Type;

/// A place of an input.
#[derive(Clone, Copy)]
pub(super) enum Cell {
    /// A slot of the context.
    Context(usize),
    /// The next of a list.
    Next {
        /// The slot that has its address.
        slot: usize,
        /// How many were read, with this one.
        times: VarId,
    },
}

impl Cell {
    /// The input that stands there for an expression; evaluating it faults if it is a fault.
    pub fn given(self, e: &Expr, caught: bool) -> Expr {
        let step: Vec<Stmt> = self.step(e.span).into_iter().collect();
        if !caught {
            // Not around all of it: what sends a text looks whether that is cut as it reads it.
            return self.value(e, after(step, self.word(0, e.span)));
        }
        let fault = Stmt::new(StmtKind::Expr(self.fault(e.span)), e.span);
        after([step, vec![fault]].concat(), self.value(e, self.word(0, e.span)))
    }

    /// The same where the replay has a value of its own, which it takes from an event without a list; it is in a variable then.
    pub fn seen(self, e: &Expr, own: VarId) -> Expr {
        let (span, ty) = (e.span, e.ty.clone());
        let kept = Stmt::new(StmtKind::Assign(Place::Var(own), e.clone()), span);
        let other = Box::new(Expr::new(ExprKind::Var(own), ty.clone(), span));
        let (cond, then) = (Box::new(self.is_there(span)), Box::new(self.given(e, false)));
        after(vec![kept], Expr::new(ExprKind::Ternary { cond, then, other }, ty, span))
    }

    fn is_there(self, span: Span) -> Expr {
        let (Cell::Context(slot) | Cell::Next { slot, .. }) = self;
        let is = ExprKind::Binary(
            BinaryOp::Ne,
            Box::new(context_word(slot, 0, span)),
            Box::new(Expr::int(0, Type::U64, span)),
        );
        Expr::new(is, Type::Bool, span)
    }

    fn value(self, e: &Expr, first: Expr) -> Expr {
        let span = e.span;
        let kind = match e.ty {
            Type::String { .. } => ExprKind::Call(Function::Str(Space::Kernel), vec![first]),
            Type::Buffer { .. } => ExprKind::Call(Function::Buf(Space::Kernel), vec![first, self.word(8, span)]),
            Type::Record(_) | Type::Array { .. } | Type::Float { bytes: 9.. } => {
                ExprKind::Deref { addr: Box::new(first), space: Space::Kernel }
            }
            _ => ExprKind::Cast(Box::new(first)),
        };
        Expr::new(kind, e.ty.clone(), span)
    }

    fn fault(self, span: Span) -> Expr {
        let shift = Expr::int(FAULT_SHIFT.into(), Type::U64, span);
        let kind = binary(BinaryOp::Shr, self.word(8, span), shift);
        Expr::new(ExprKind::Call(Function::Raise, vec![kind, self.word(0, span)]), Type::None, span)
    }

    /// Goes on to the next of a list.
    fn step(self, span: Span) -> Option<Stmt> {
        let Cell::Next { times, .. } = self else { return None };
        let one = Expr::int(1, Type::U64, span);
        Some(Stmt::new(StmtKind::Update(Place::Var(times), BinaryOp::Add, one), span))
    }

    fn word(self, offset: u32, span: Span) -> Expr {
        match self {
            Cell::Context(slot) => context_word(slot, offset, span),
            Cell::Next { slot, times } => {
                let times = Expr::new(ExprKind::Var(times), Type::U64, span);
                let size = Expr::int(SLOT.into(), Type::U64, span);
                let behind = binary(BinaryOp::Add, context_word(slot, 0, span), binary(BinaryOp::Mul, times, size));
                let before = Expr::int(i64::from(SLOT - offset), Type::U64, span);
                let addr = Box::new(binary(BinaryOp::Sub, behind, before));
                Expr::new(ExprKind::Deref { addr, space: Space::Kernel }, Type::U64, span)
            }
        }
    }
}

/// A value behind statements.
fn after(before: Vec<Stmt>, value: Expr) -> Expr {
    if before.is_empty() {
        return value;
    }
    let (ty, span) = (value.ty.clone(), value.span);
    Expr::new(ExprKind::Block(before, Box::new(value)), ty, span)
}

fn context_word(slot: usize, offset: u32, span: Span) -> Expr {
    let at = FIRST_SLOT + slot as u32 * SLOT + offset;
    let addr = Box::new(Expr::new(ExprKind::ContextAddr(at), Type::U64, span));
    Expr::new(ExprKind::Deref { addr, space: Space::Context }, Type::U64, span)
}

fn binary(op: BinaryOp, lhs: Expr, rhs: Expr) -> Expr {
    let span = lhs.span;
    Expr::new(ExprKind::Binary(op, Box::new(lhs), Box::new(rhs)), Type::U64, span)
}
