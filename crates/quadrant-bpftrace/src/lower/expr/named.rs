//! Numbers that are shown as texts (errors, signals, system calls), where the program itself needs the text.

use std::borrow::Cow;

use quadrant_program::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use quadrant_program::span::Span;
use quadrant_program::ty::Type;
use quadrant_program::{errno, signals, syscalls};

use super::super::Lower;
use super::literal::{self, text};

/// The texts of one kind of number.
struct Texts {
    known: Vec<(i64, Cow<'static, str>)>,
    unknown: &'static str,
}

/// Bytes that the longest of these texts takes with its NUL, as in bpftrace's library.
const ROOM: u32 = 64;

/// Whether values of the type are shown as texts that are known beforehand.
pub(in super::super) fn is_named(ty: &Type) -> bool {
    matches!(ty, Type::Errno | Type::SignalName | Type::SyscallName)
}

/// The type of the texts of two types, of which one is text and the other is named.
pub(in super::super) fn join_named(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (named, Type::String { cap }) | (Type::String { cap }, named) if is_named(named) => {
            Some(Type::String { cap: (*cap).max(ROOM) })
        }
        (a, b) if is_named(a) && is_named(b) => Some(Type::String { cap: ROOM }),
        _ => None,
    }
}

impl Lower<'_> {
    /// The text that a number is shown as; anything else as it is.
    pub(in super::super) fn name_text(&mut self, value: Expr) -> Expr {
        let Some(texts) = texts(&value.ty) else { return value };
        let span = value.span;
        let number = self.named_number(value);
        if let ExprKind::Int(number) = number.kind {
            let known = texts.known.iter().find(|(known, _)| *known == number);
            return text(known.map_or(texts.unknown, |(_, text)| text).as_bytes(), span);
        }
        let (keep, number) = self.keep(hidden(number));
        let known = texts.known.into_iter().map(|(number, text)| (hide(number), text));
        let chosen = choice(&sorted(known), &number, texts.unknown, span);
        let ty = chosen.ty.clone();
        Expr::new(ExprKind::Block(vec![keep], Box::new(chosen)), ty, span)
    }

    /// Two sides of an operation, as texts; two names of one kind are the same if the numbers are.
    pub(super) fn named_sides(&mut self, left: Expr, right: Expr) -> (Expr, Expr) {
        if left.ty == right.ty && is_named(&left.ty) {
            return (self.named_number(left), self.named_number(right));
        }
        (self.name_text(left), self.name_text(right))
    }

    /// The number behind a name. System calls return errors as negative numbers.
    fn named_number(&mut self, value: Expr) -> Expr {
        let (is_error, span) = (value.ty == Type::Errno, value.span);
        let number = match value.kind {
            ExprKind::Cast(number) => *number,
            _ => Expr::new(ExprKind::Cast(Box::new(value)), Type::U64, span),
        };
        if !is_error {
            return self.cast(number, &Type::I64);
        }
        let number = self.cast(number, &Type::Int { bytes: 4, signed: true });
        match number.kind {
            ExprKind::Int(number) => literal::signed(number.saturating_abs(), span),
            _ => self.magnitude(number),
        }
    }

    /// The number without its sign.
    fn magnitude(&mut self, number: Expr) -> Expr {
        let span = number.span;
        let number = self.cast(number, &Type::I64);
        let (keep, number) = self.keep(number);
        let is_negative = compared(BinaryOp::Lt, &number, 0, span);
        let negated = Expr::new(ExprKind::Unary(UnaryOp::Neg, Box::new(number.clone())), Type::I64, span);
        let ternary = ternary(is_negative, negated, number, Type::I64, span);
        Expr::new(ExprKind::Block(vec![keep], Box::new(ternary)), Type::I64, span)
    }
}

fn texts(ty: &Type) -> Option<Texts> {
    let borrowed = |(number, text): (i64, &'static str)| (number, Cow::Borrowed(text));
    Some(match ty {
        Type::Errno => Texts { known: errno::messages().map(borrowed).collect(), unknown: errno::UNKNOWN },
        Type::SignalName => Texts { known: signals::all().collect(), unknown: signals::UNKNOWN },
        Type::SyscallName => Texts { known: syscalls::all().map(borrowed).collect(), unknown: syscalls::UNKNOWN },
        _ => return None,
    })
}

/// An odd number: numbers that it multiplies stay different ones.
const SPREAD: i64 = 0x1e37_79b9_7f4a_7c15;

/// A number in a form from which the verifier cannot tell what the number itself is. It would otherwise know it behind each comparison,
/// and follow the rest of the program once for each text.
fn hidden(number: Expr) -> Expr {
    let span = number.span;
    let spread = Box::new(Expr::int(SPREAD, Type::I64, span));
    Expr::new(ExprKind::Binary(BinaryOp::Mul, Box::new(number), spread), Type::I64, span)
}

fn hide(number: i64) -> i64 {
    number.wrapping_mul(SPREAD)
}

fn sorted<T>(texts: impl Iterator<Item = (i64, T)>) -> Vec<(i64, T)> {
    let mut texts: Vec<(i64, T)> = texts.collect();
    texts.sort_by_key(|(number, _)| *number);
    texts
}

/// The text of a number, found by halves.
fn choice(known: &[(i64, Cow<'static, str>)], number: &Expr, unknown: &str, span: Span) -> Expr {
    let ty = Type::String { cap: ROOM };
    match known {
        [] => text(unknown.as_bytes(), span),
        [(one, name)] => {
            let found = compared(BinaryOp::Eq, number, *one, span);
            ternary(found, text(name.as_bytes(), span), text(unknown.as_bytes(), span), ty, span)
        }
        _ => {
            let (low, high) = known.split_at(known.len() / 2);
            let is_low = compared(BinaryOp::Lt, number, high[0].0, span);
            ternary(is_low, choice(low, number, unknown, span), choice(high, number, unknown, span), ty, span)
        }
    }
}

fn compared(op: BinaryOp, number: &Expr, with: i64, span: Span) -> Expr {
    let with = Expr::int(with, Type::I64, span);
    Expr::new(ExprKind::Binary(op, Box::new(number.clone()), Box::new(with)), Type::Bool, span)
}

fn ternary(cond: Expr, then: Expr, other: Expr, ty: Type, span: Span) -> Expr {
    let (cond, then, other) = (Box::new(cond), Box::new(then), Box::new(other));
    Expr::new(ExprKind::Ternary { cond, then, other }, ty, span)
}
