//! What a clause's code depends on, of the points that it is for.
//!
//! A clause is compiled for one point, and what was asked about that point is noted. It holds for all points that would have given the
//! same answers; the others get code of their own.

use std::sync::Arc;

use quadrant_program::expr::PointPart;
use quadrant_program::probe::{Point, Site};

use crate::ast::{BinOp, Expr, ExprKind};
use crate::providers::{Layout, Probe};
use quadrant_program::span::Span;

use super::Lower;
use super::value::{Int, Value};

/// A question about a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// `arg0`, ...
    Raw(usize),
    /// What the provider's texts start from.
    Inputs,
    /// All of `args[]`.
    Args,
    /// `errno`
    Errno,
    /// The task that it speaks of.
    Thread,
    /// The name of the provider where it depends on the process.
    Provider,
    /// The condition of the provider.
    Predicate,
    /// Whether there are registers of the process.
    Registers,
    /// Whether a part of the name is a text.
    Named(PointPart, String),
}

/// Whether two points give the same answer.
pub(super) fn same(fact: &Fact, a: &Probe, b: &Probe) -> bool {
    let (x, y): (&Arc<Layout>, &Arc<Layout>) = (&a.layout, &b.layout);
    match fact {
        Fact::Registers => has_registers(&a.point) == has_registers(&b.point),
        Fact::Raw(number) => is_error(&a.point) == is_error(&b.point) && x.raw.get(*number) == y.raw.get(*number),
        Fact::Named(part, text) => (part.of(&a.point.name) == text) == (part.of(&b.point.name) == text),
        _ if Arc::ptr_eq(x, y) => true,
        Fact::Inputs => x.inputs == y.inputs,
        Fact::Args => x.args == y.args && x.args_vary == y.args_vary,
        Fact::Errno => x.errno == y.errno,
        Fact::Thread => x.thread == y.thread,
        Fact::Provider => x.provider == y.provider,
        Fact::Predicate => x.predicate == y.predicate,
    }
}

/// Whether the arguments at a point are those of a fault.
pub(super) fn is_error(point: &Point) -> bool {
    matches!(point.site, Site::Error)
}

/// Whether the context of a point is the registers of a process.
pub(super) fn has_registers(point: &Point) -> bool {
    matches!(point.site, Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. })
}

impl Lower<'_> {
    /// Notes that the code depends on the answer.
    pub(super) fn consult(&mut self, fact: Fact) {
        if !self.clause.facts.contains(&fact) {
            self.clause.facts.push(fact);
        }
    }

    /// `probefunc == "text"`, which is decided for each point.
    pub(super) fn point_comparison(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) -> Option<Value> {
        let (part, text) = match (&left.kind, &right.kind) {
            (ExprKind::Name(name), ExprKind::Str(text)) | (ExprKind::Str(text), ExprKind::Name(name)) => {
                (part_named(name)?, String::from_utf8(text.clone()).ok()?)
            }
            _ => return None,
        };
        let name = self.clause.point.clone()?;
        if part == PointPart::Provider && self.provider_text().is_some() {
            return None;
        }
        let equal = part.of(&name) == text;
        self.consult(Fact::Named(part, text));
        Some(self.number(i64::from(equal == (op == BinOp::Eq)), Int::INT, span))
    }
}

fn part_named(name: &str) -> Option<PointPart> {
    Some(match name {
        "probeprov" => PointPart::Provider,
        "probemod" => PointPart::Module,
        "probefunc" => PointPart::Function,
        "probename" => PointPart::Name,
        _ => return None,
    })
}
