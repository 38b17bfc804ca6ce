//! Numbers that are shown as texts (errors, signals, system calls), where the program itself needs the text.

use std::borrow::Cow;
use std::sync::LazyLock;

use quadrant_program::build::{offset, place_of};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function, UnaryOp};
use quadrant_program::span::Span;
use quadrant_program::stmt::Stmt;
use quadrant_program::ty::Type;
use quadrant_program::{errno, signals, syscalls};

use super::super::Lower;
use super::literal::text;
use crate::ast::BinOp;

/// The texts of one kind of number, by number; none is below 0.
struct Texts {
    known: Vec<(i64, Cow<'static, str>)>,
    unknown: &'static str,
}

/// Bytes that the longest of these texts takes with its NUL, as in bpftrace's library.
const ROOM: u32 = 64;

/// What no name has as its number.
const NO_NAME: i64 = -1;

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
    /// A number that is shown as a text. What has no text of its own becomes one number, as its text is one: it is equal, and one key.
    pub(in super::super) fn named(&mut self, number: Expr, ty: Type, span: Span) -> Expr {
        let number = if ty == Type::Errno { self.magnitude(number) } else { self.cast(number, &Type::I64) };
        let number = match texts(&ty) {
            Some(texts) => self.known_or_one(number, texts),
            None => number,
        };
        Expr::new(ExprKind::Cast(Box::new(number)), ty, span)
    }

    /// The text that a number is shown as; anything else as it is.
    pub(in super::super) fn name_text(&mut self, value: Expr) -> Expr {
        let Some(texts) = texts(&value.ty) else { return value };
        let span = value.span;
        let number = self.named_number(value);
        match number.kind {
            ExprKind::Int(number) => text(texts.of(number).as_bytes(), span),
            _ => in_table(number, texts, span),
        }
    }

    /// Two sides of an operation as texts; where it asks whether they are the same, as numbers if that answers it.
    pub(super) fn named_sides(&mut self, op: BinOp, left: Expr, right: Expr) -> (Expr, Expr) {
        if !matches!(op, BinOp::Eq | BinOp::Ne) {
            return (self.name_text(left), self.name_text(right));
        }
        match (texts(&left.ty), texts(&right.ty)) {
            (Some(_), Some(_)) if left.ty == right.ty => (self.named_number(left), self.named_number(right)),
            (Some(texts), None) if let Some(number) = texts.number(&right) => (self.named_number(left), number),
            (None, Some(texts)) if let Some(number) = texts.number(&left) => (number, self.named_number(right)),
            _ => (self.name_text(left), self.name_text(right)),
        }
    }

    /// The number behind a name.
    fn named_number(&mut self, value: Expr) -> Expr {
        let span = value.span;
        match value.kind {
            ExprKind::Cast(number) => self.cast(*number, &Type::I64),
            _ => Expr::new(ExprKind::Cast(Box::new(value)), Type::I64, span),
        }
    }

    /// An error's number without its sign: system calls return it as a negative one.
    fn magnitude(&mut self, number: Expr) -> Expr {
        let span = number.span;
        let number = self.cast(number, &Type::Int { bytes: 4, signed: true });
        let number = self.cast(number, &Type::I64);
        if let ExprKind::Int(number) = number.kind {
            return Expr::int(number.saturating_abs(), Type::I64, span);
        }
        let (keep, number) = self.keep(number);
        let is_negative = compared(BinaryOp::Lt, number.clone(), 0, span);
        let negated = Expr::new(ExprKind::Unary(UnaryOp::Neg, Box::new(number.clone())), Type::I64, span);
        block(keep, ternary(is_negative, negated, number, span), span)
    }

    /// A number that has a text, or the one that stands for all others.
    fn known_or_one(&mut self, number: Expr, texts: &Texts) -> Expr {
        let span = number.span;
        if let ExprKind::Int(number) = number.kind {
            return Expr::int(texts.known_or_one(number), Type::I64, span);
        }
        let (keep, number) = self.keep(number);
        let other = Expr::int(texts.other(), Type::I64, span);
        let is_known =
            texts.ranges().into_iter().map(|range| is_in(&number, range, span)).reduce(|a, b| or(a, b, span));
        match is_known {
            Some(is_known) => block(keep, ternary(is_known, number, other, span), span),
            None => other,
        }
    }
}

/// The texts of a type, listed at their first use.
fn texts(ty: &Type) -> Option<&'static Texts> {
    static ERRORS: LazyLock<Texts> = LazyLock::new(|| Texts::new(errno::messages().map(borrowed), errno::UNKNOWN));
    static SIGNALS: LazyLock<Texts> = LazyLock::new(|| Texts::new(signals::all(), signals::UNKNOWN));
    static CALLS: LazyLock<Texts> = LazyLock::new(|| Texts::new(syscalls::all().map(borrowed), syscalls::UNKNOWN));
    match ty {
        Type::Errno => Some(&ERRORS),
        Type::SignalName => Some(&SIGNALS),
        Type::SyscallName => Some(&CALLS),
        _ => None,
    }
}

fn borrowed((number, text): (i64, &'static str)) -> (i64, Cow<'static, str>) {
    (number, Cow::Borrowed(text))
}

impl Texts {
    fn new(known: impl Iterator<Item = (i64, Cow<'static, str>)>, unknown: &'static str) -> Texts {
        let mut known: Vec<_> = known.collect();
        known.sort_by_key(|(number, _)| *number);
        Texts { known, unknown }
    }

    /// The number that stands for all that have no text of their own.
    fn other(&self) -> i64 {
        self.known.last().map_or(0, |(last, _)| last + 1)
    }

    fn known_or_one(&self, number: i64) -> i64 {
        if self.known.iter().any(|(known, _)| *known == number) { number } else { self.other() }
    }

    fn of(&self, number: i64) -> &str {
        let known = self.known.iter().find(|(known, _)| *known == number);
        known.map_or(self.unknown, |(_, text)| text)
    }

    /// The number behind a text that stands in the script.
    fn number(&self, value: &Expr) -> Option<Expr> {
        let ExprKind::Str(wanted) = &value.kind else { return None };
        let known = self.known.iter().find(|(_, text)| text.as_bytes() == &wanted[..]).map(|(number, _)| *number);
        let number = known.or_else(|| (self.unknown.as_bytes() == &wanted[..]).then(|| self.other()));
        Some(Expr::int(number.unwrap_or(NO_NAME), Type::I64, value.span))
    }

    /// The first and the last of numbers in a row that all have texts.
    fn ranges(&self) -> Vec<(i64, i64)> {
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for (number, _) in &self.known {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == *number => *last = *number,
                _ => ranges.push((*number, *number)),
            }
        }
        ranges
    }

    /// All texts from that of 0 to that of the number for all others, and the bytes that each takes.
    fn table(&self) -> (Vec<u8>, usize) {
        let longest = self.known.iter().map(|(_, text)| text.len()).max().unwrap_or(0).max(self.unknown.len());
        let mut table = Vec::new();
        for number in 0..=self.other() {
            table.extend_from_slice(self.of(number).as_bytes());
            table.resize((number as usize + 1) * (longest + 1), 0);
        }
        (table, longest + 1)
    }
}

/// The text of a number that [`Lower::named`] made. The verifier would follow comparisons with each number, but a place in a table is one.
fn in_table(number: Expr, texts: &Texts, span: Span) -> Expr {
    let (table, each) = texts.table();
    let (start, space) = place_of(text(&table, span));
    let skip = binary(BinaryOp::Mul, number, each as i64, Type::I64, span);
    let addr = offset(start, false, skip, span);
    Expr::new(ExprKind::Call(Function::Str(space), vec![addr]), Type::String { cap: ROOM }, span)
}

fn is_in(number: &Expr, (first, last): (i64, i64), span: Span) -> Expr {
    if first == last {
        return compared(BinaryOp::Eq, number.clone(), first, span);
    }
    let number = Expr::new(ExprKind::Cast(Box::new(number.clone())), Type::U64, span);
    // Smaller numbers become large ones.
    let above = if first == 0 { number } else { binary(BinaryOp::Sub, number, first, Type::U64, span) };
    compared(BinaryOp::Le, above, last - first, span)
}

fn or(lhs: Expr, rhs: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::Logical { and: false, lhs: Box::new(lhs), rhs: Box::new(rhs) }, Type::Bool, span)
}

fn compared(op: BinaryOp, number: Expr, with: i64, span: Span) -> Expr {
    binary(op, number, with, Type::Bool, span)
}

fn binary(op: BinaryOp, left: Expr, right: i64, ty: Type, span: Span) -> Expr {
    let right = Expr::int(right, left.ty.clone(), span);
    Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), ty, span)
}

fn ternary(cond: Expr, then: Expr, other: Expr, span: Span) -> Expr {
    let (cond, then, other) = (Box::new(cond), Box::new(then), Box::new(other));
    Expr::new(ExprKind::Ternary { cond, then, other }, Type::I64, span)
}

fn block(keep: Stmt, value: Expr, span: Span) -> Expr {
    Expr::new(ExprKind::Block(vec![keep], Box::new(value)), Type::I64, span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Type; 3] = [Type::Errno, Type::SignalName, Type::SyscallName];

    #[test]
    fn a_text_belongs_to_one_number() {
        for texts in KINDS.iter().filter_map(texts) {
            for (number, name) in &texts.known {
                let found = texts.number(&text(name.as_bytes(), Span::default())).map(|found| found.kind);
                assert_eq!(found, Some(ExprKind::Int(*number)), "{name}");
            }
        }
    }

    #[test]
    fn tables_and_ranges_have_what_is_known() {
        for texts in KINDS.iter().filter_map(texts) {
            let (table, each) = texts.table();
            assert!(each <= ROOM as usize);
            for number in 0..=texts.other() {
                let entry = &table[number as usize * each..][..each];
                assert_eq!(entry.split(|byte| *byte == 0).next(), Some(texts.of(number).as_bytes()));
                let is_known = texts.ranges().iter().any(|(first, last)| (*first..=*last).contains(&number));
                assert_eq!(is_known, texts.known_or_one(number) == number && number != texts.other());
            }
        }
    }
}
