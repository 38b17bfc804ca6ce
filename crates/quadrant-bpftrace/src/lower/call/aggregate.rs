//! Aggregations: `@x = count()` and its like.

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::map::{Aggregation, linear_buckets};
use quadrant_program::series::{SLOT_WORDS, Series, SeriesKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;

use super::super::Lower;
use super::super::unstable::Feature;
use super::{Call, Called, FUNCTIONS};
use crate::ast::{self, Ident};

/// The most buckets of an `lhist`.
const MAX_LINEAR_BUCKETS: i64 = 1000;

/// The most intervals of a `tseries`: the kernel gives 32 KiB to what a processor has of a value.
const MAX_INTERVALS: i64 = (32 << 10) / (8 * SLOT_WORDS as i64);

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
        let (fed, element) = (self.fed(call), self.element(name, key, at));
        if fed.is_none() || element.is_none() {
            self.set_assigned(&name.name);
        }
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
            "tseries" => self.unstable(Feature::Tseries, call.span).and_then(|()| self.series(call)),
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
            _ => match shape {
                Aggregation::Series(series) => Aggregation::Series(Series { signed, ..series }),
                shape => shape,
            },
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
            bits => self.error(call.args[1].span, format!("hist: bits {bits} must be 0..5")),
        }
    }

    /// A number that says how an aggregation is built, and has to be in the script.
    fn fixed_number(&mut self, call: Call, at: usize, name: &str) -> Option<i64> {
        let value = self.expr(call.args.get(at)?)?;
        match value.kind {
            ExprKind::Int(number) if name != "min" && number < 0 => {
                self.error(value.span, format!("the {name} of {}() is below 0", call.name))
            }
            ExprKind::Int(number) => Some(number),
            _ => {
                let message = format!("the {name} of {}() is not known before the trace starts", call.name);
                self.error_help(value.span, message, "write it as a number, or give it as a parameter (`$1`)")
            }
        }
    }

    /// The sign is not known yet.
    fn series(&mut self, call: Call) -> Option<Aggregation> {
        let (interval, count) =
            (self.fixed_number(call, 1, "interval_ns"), self.fixed_number(call, 2, "num_intervals"));
        let kind = match call.args.len() {
            4 => self.series_kind(call),
            _ => Some(SeriesKind::Last),
        };
        let (interval, count, kind) = (interval?, count?, kind?);
        let Some(interval_ns) = u64::try_from(interval).ok().filter(|ns| *ns >= 1) else {
            let message = format!("tseries() interval_ns must be >= 1 ({interval} provided)");
            return self.error(call.args[1].span, message);
        };
        if count < 1 {
            return self.error(call.args[2].span, format!("tseries() num_intervals must be >= 1 ({count} provided)"));
        }
        if count > MAX_INTERVALS {
            let message = format!("tseries() num_intervals must be <= {MAX_INTERVALS} ({count} provided)");
            let help =
                "their slots fill the 32 KiB that the kernel gives to a value of each CPU: make the intervals longer";
            return self.error_help(call.args[2].span, message, help);
        }
        Some(Aggregation::Series(Series { interval_ns, count: count as u32, kind, signed: false }))
    }

    fn series_kind(&mut self, call: Call) -> Option<SeriesKind> {
        match self.text_arg(call, 3)?.as_str() {
            "avg" => Some(SeriesKind::Avg),
            "max" => Some(SeriesKind::Max),
            "min" => Some(SeriesKind::Min),
            "sum" => Some(SeriesKind::Sum),
            other => {
                let message = format!(
                    "tseries() expects one of the following aggregation functions: avg, max, min, sum (\"{}\" provided)",
                    other.escape_debug()
                );
                self.error(call.args[3].span, message)
            }
        }
    }

    fn linear_hist(&mut self, call: Call) -> Option<Aggregation> {
        let bounds = [(1, "min"), (2, "max"), (3, "step")].map(|(at, name)| self.fixed_number(call, at, name));
        let [Some(min), Some(max), Some(step)] = bounds else { return None };
        if min >= max {
            return self
                .error(call.span, format!("lhist() min must be less than max (provided min {min} and max {max})"));
        }
        if step <= 0 {
            return self.error(call.args[3].span, format!("lhist() step must be >= 1 ({step} provided)"));
        }
        let range = max.saturating_sub(min);
        if step > range {
            let message =
                format!("lhist() step is too large for the given range (provided step {step} for range {range})");
            return self.error(call.args[3].span, message);
        }
        let buckets = i64::from(linear_buckets(min, max, step));
        if buckets > MAX_LINEAR_BUCKETS {
            let message = format!("lhist() too many buckets, must be <= {MAX_LINEAR_BUCKETS} (would need {buckets})");
            return self.error_help(call.span, message, "make the step larger");
        }
        Some(Aggregation::LinearHist { min, max, step })
    }
}
