//! Aggregations: `@x = count()` and its like.

use quadrant_program::expr::Expr;
use quadrant_program::map::{Aggregation, linear_buckets};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;

use super::super::Lower;
use super::{Call, Called, FUNCTIONS};
use crate::ast::{self, Ident};

/// The most buckets of an `lhist`.
const MAX_LINEAR_BUCKETS: i64 = 1000;

/// An aggregation where it has no meaning.
pub(super) fn misplaced(lower: &mut Lower, call: Call) -> Option<Called> {
    lower.error_help(
        call.span,
        format!("{}() has a value only in a map", call.name),
        format!("assign it: `@name = {}(...)`", call.name),
    )
}

impl Lower<'_> {
    /// `@name[key] = function(args)`
    pub(in super::super) fn aggregate(
        &mut self,
        name: &Ident,
        key: &[ast::Expr],
        at: Span,
        callee: &Ident,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<StmtKind> {
        let call = Call { name: &callee.name, args, span };
        let fed = self.fed(call);
        if fed.is_none() {
            self.set_assigned(&name.name);
        }
        let element = self.element(name, key, at);
        let ((aggregation, value), element) = (fed?, element?);
        self.set_aggregation(&element, aggregation)?;
        Some(StmtKind::Aggregate { map: element.map, key: element.key, value, weight: None })
    }

    /// The aggregation that a call stands for, and the value it is fed.
    fn fed(&mut self, call: Call) -> Option<(Aggregation, Option<Expr>)> {
        let entry = FUNCTIONS.iter().find(|entry| entry.name == call.name)?;
        self.check_arity(entry, call.args.len(), call.span)?;
        if call.name == "count" {
            return Some((Aggregation::Count, None));
        }
        let value = self.number_arg(call, 0);
        let shape = match call.name {
            "hist" => self.hist(call),
            "lhist" => self.linear_hist(call),
            _ => Some(Aggregation::Count),
        };
        let (value, shape) = (value?, shape?);
        let signed = value.ty.is_signed();
        let aggregation = match call.name {
            "sum" => Aggregation::Sum { signed },
            "min" => Aggregation::Min { signed },
            "max" => Aggregation::Max { signed },
            "avg" => Aggregation::Avg { signed },
            "stats" => Aggregation::Stats { signed },
            _ => shape,
        };
        let ty = Type::Int { bytes: 8, signed };
        Some((aggregation, Some(self.convert(value, &ty))))
    }

    fn hist(&mut self, call: Call) -> Option<Aggregation> {
        if call.args.len() < 2 {
            return Some(Aggregation::Hist { bits: 0 });
        }
        match self.constant_arg(call, 1)? {
            bits @ 0..=5 => Some(Aggregation::Hist { bits: bits as u8 }),
            bits => self.error(call.args[1].span, format!("hist() splits a power of two by 0 to 5 bits, not {bits}")),
        }
    }

    fn linear_hist(&mut self, call: Call) -> Option<Aggregation> {
        let bounds = [1, 2, 3].map(|at| self.constant_arg(call, at));
        let [Some(min), Some(max), Some(step)] = bounds else { return None };
        if min >= max {
            return self.error(call.span, format!("lhist() goes from {min} to {max}: the second must be greater"));
        }
        if step <= 0 {
            return self.error(call.args[3].span, "the step of lhist() is 1 or more");
        }
        let buckets = i64::from(linear_buckets(min, max, step));
        if buckets > MAX_LINEAR_BUCKETS {
            let message = format!("lhist() would have {buckets} buckets, more than {MAX_LINEAR_BUCKETS}");
            return self.error_help(call.span, message, "make the step larger");
        }
        Some(Aggregation::LinearHist { min, max, step })
    }
}
