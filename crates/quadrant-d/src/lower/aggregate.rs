//! Aggregations: `@name[keys] = function(arguments)`.

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::log_linear::LogLinear;
use quadrant_program::map::{Aggregation, MapId, MapValue};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_types::CType;

use super::Lower;
use super::call::Call;
use super::value::{Int, Ty, Value};
use super::vars::{key_as, tuple};
use crate::ast::{self, Ident};
use crate::message::counted;

/// The aggregating functions, with the least and the greatest number of their arguments.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("avg", 1, 1),
    ("count", 0, 0),
    ("llquantize", 5, 6),
    ("lquantize", 3, 5),
    ("max", 1, 1),
    ("min", 1, 1),
    ("quantize", 1, 2),
    ("stddev", 1, 1),
    ("sum", 1, 1),
];

/// What steps must be.
const POSITIVE: &str = "a non-zero positive integer constant";

/// What the factor of llquantize() must be.
const FACTORS: &str = "an unsigned 16-bit quantity greater than or equal to 2";

/// The most levels of lquantize().
const MAX_LEVELS: i64 = 65535;

/// An aggregation, as it was first used.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub map: MapId,
    pub keys: Vec<Ty>,
    /// The function that feeds it; none before it was assigned.
    pub function: Option<String>,
    kind: Aggregation,
    span: Span,
}

/// Whether a name is an aggregating function's.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, ..)| *known == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// The name of an aggregation in messages, which have one for that without a name, too.
pub(super) fn told(name: &str) -> &str {
    if name.is_empty() { "_" } else { name }
}

impl Lower<'_> {
    /// `@name[keys] = function(arguments)`
    pub(super) fn aggregate(&mut self, name: &Ident, keys: &[ast::Expr], value: &ast::Expr, span: Span) -> Option<()> {
        let ast::ExprKind::Call { callee, args } = &value.kind else {
            self.expr(value)?;
            return self.not_aggregating(name, value.span);
        };
        let call = Call { name: &callee.name, args, span: value.span };
        let Some((function, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == call.name) else {
            if !Lower::is_subroutine(call.name) && !super::action::is_action(call.name) {
                return self.unknown_function(callee);
            }
            return self.not_aggregating(name, callee.span);
        };
        self.count_args(&call, *least, *most)?;
        self.check_aggregating(span);
        let kind = self.kind_of(&call)?;
        let (fed, weight) = self.fed(&call)?;
        let keys = self.aggregation_keys(keys);
        let known = self.known(name, keys?, span, Some((function, kind.clone())))?;
        let key = self.aggregation_key(name, known.1, &known.0, span)?;
        self.same_scale(&known.0.kind, &kind, function, span)?;
        let stmt = StmtKind::Aggregate { map: known.0.map, key, value: fed, weight };
        self.push([Stmt::new(stmt, span)]);
        Some(())
    }

    fn not_aggregating<T>(&mut self, name: &Ident, span: Span) -> Option<T> {
        let name = told(&name.name);
        self.fail(span, "D_AGG_FUNC", format!("@{name} must be assigned the result of an aggregating function"))
    }

    /// An aggregation as the argument of an action; it may be fed later in the script.
    pub(super) fn aggregation_named(&mut self, name: &Ident) -> MapId {
        if let Some(known) = self.aggregations.get(&name.name) {
            return known.map;
        }
        let map = self.new_map(format!("@{}", name.name), None, MapValue::Aggregation(Aggregation::Count), name.span);
        let known = Known { map, keys: Vec::new(), function: None, kind: Aggregation::Count, span: name.span };
        self.aggregations.insert(name.name.clone(), known);
        map
    }

    /// `@name` where a value is wanted.
    pub(super) fn aggregation_value(&mut self, name: &Ident, span: Span) -> Option<Value> {
        if self.aggregations.get(&name.name).is_none_or(|known| known.function.is_none()) {
            let name = told(&name.name);
            let message = format!("failed to resolve @{name}: Unknown variable name");
            return self.fail(span, "D_IDENT_UNDEF", message);
        }
        Some(Value { expr: Expr::new(ExprKind::Int(0), Type::None, span), ty: Ty::Aggregation })
    }

    fn aggregation_keys(&mut self, keys: &[ast::Expr]) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            self.check_key(key, at + 1, "aggregation")?;
            let value = self.recorded(key)?;
            if matches!(self.kind(&value.ty), Some(CType::Void)) {
                let message = format!("void expression may not be used as aggregation index: key #{}", at + 1);
                return self.fail(key.span, "D_KEY_TYPE", message);
            }
            let value = self.decayed(value);
            let fits = match &value.ty {
                Ty::Text | Ty::Special(_) => true,
                Ty::C(_) => self.is_scalar(&value.ty),
                Ty::Aggregation | Ty::Xlated(_) => false,
            };
            if !fits {
                let ty = self.type_name(&value.ty);
                return self.fail(
                    key.span,
                    "D_KEY_TYPE",
                    format!("expression of type {ty} may not be used as an aggregation key"),
                );
            }
            values.push(value);
        }
        Some(values)
    }

    /// The aggregation of that name, made now if it is new, and the values of the keys.
    fn known(
        &mut self,
        name: &Ident,
        keys: Vec<Value>,
        span: Span,
        fed: Option<(&str, Aggregation)>,
    ) -> Option<(Known, Vec<Value>)> {
        let (function, kind) = fed?;
        let map = self.aggregation_named(name);
        let known = self.aggregations.get(&name.name)?.clone();
        if let Some(before) = &known.function {
            if before != function {
                let line = self.texts.place(known.span).line;
                let name = told(&name.name);
                return self.fail(
                    span,
                    "D_AGG_REDEF",
                    format!(
                        "aggregation redefined: @{name}\n\t current: @{name} = {function}( )\n\
                         \tprevious: @{name} = {before}( ) : line {line}"
                    ),
                );
            }
            return Some((known, keys));
        }
        let types: Vec<Ty> = keys.iter().map(|key| key.ty.clone()).collect();
        let mut parts = Vec::new();
        for ty in &types {
            parts.push(self.model(ty, span)?);
        }
        if let Some(entry) = self.program.maps.get_mut(map.0 as usize) {
            entry.value = MapValue::Aggregation(kind.clone());
            entry.key = match parts.len() {
                0 => None,
                1 => parts.pop(),
                _ => Some(Type::Tuple(parts.into())),
            };
        }
        let known = Known { map, keys: types, function: Some(function.to_owned()), kind, span };
        self.aggregations.insert(name.name.clone(), known.clone());
        Some((known, keys))
    }

    /// The key, with the types that it had at first.
    fn aggregation_key(&mut self, name: &Ident, keys: Vec<Value>, known: &Known, span: Span) -> Option<Option<Expr>> {
        if keys.len() != known.keys.len() {
            let (got, wanted) = (keys.len(), known.keys.len());
            let name = told(&name.name);
            return self.fail(
                span,
                "D_PROTO_LEN",
                format!("@{name}[ ] prototype mismatch: {} passed, {wanted} expected", counted(got, "key")),
            );
        }
        let mut parts = Vec::new();
        for (at, (key, ty)) in keys.into_iter().zip(&known.keys).enumerate() {
            let Some(fitting) = self.compatible(key.clone(), ty) else {
                let (wanted, got) = (self.type_name(ty), self.type_name(&key.ty));
                return self.fail(
                    key.expr.span,
                    "D_PROTO_ARG",
                    format!(
                        "@{}[ ] key #{} is incompatible with prototype:\n\tprototype: {wanted}\n\t      key: {got}",
                        told(&name.name),
                        at + 1
                    ),
                );
            };
            parts.push(self.present(fitting.expr));
        }
        let stored = self.program.maps.get(known.map.0 as usize).and_then(|map| map.key.clone());
        Some(key_as(tuple(parts, span), stored))
    }

    /// The value that is fed, and how often it counts.
    fn fed(&mut self, call: &Call) -> Option<(Option<Expr>, Option<Expr>)> {
        if call.name == "count" {
            return Some((None, None));
        }
        let arg = &call.args[0];
        let no_scalar = format!("{}( ) argument #1 must be of scalar type", call.name);
        if self.no_value(arg)?.is_some() {
            return self.fail(arg.span, "D_AGG_SCALAR", no_scalar);
        }
        let value = self.expr(arg)?;
        if !self.is_scalar(&value.ty) {
            return self.fail(arg.span, "D_AGG_SCALAR", no_scalar);
        }
        let value = self.cut(value.expr, Int::LONG);
        let at = match call.name {
            "quantize" => 1,
            "lquantize" => 4,
            "llquantize" => 5,
            _ => usize::MAX,
        };
        let weight = match call.args.get(at) {
            None => None,
            Some(arg) => {
                let weight = self.expr(arg)?;
                if !self.is_scalar(&weight.ty) {
                    let (name, number) = (call.name, at + 1);
                    let message = format!("{name}( ) increment value (argument #{number}) must be of scalar type");
                    return self.fail(arg.span, "D_PROTO_ARG", message);
                }
                Some(self.cut(weight.expr, Int::LONG))
            }
        };
        Some((Some(value), weight))
    }

    fn kind_of(&mut self, call: &Call) -> Option<Aggregation> {
        Some(match call.name {
            "count" => Aggregation::Count,
            "sum" => Aggregation::Sum { signed: true },
            "min" => Aggregation::Min { signed: true },
            "max" => Aggregation::Max { signed: true },
            "avg" => Aggregation::Avg { signed: true },
            "stddev" => Aggregation::Stddev,
            "quantize" => Aggregation::Quantize,
            "lquantize" => self.linear(call)?,
            _ => self.log_linear(call)?,
        })
    }

    /// A parameter: an integer constant.
    fn parameter(&mut self, call: &Call, number: usize, (tag, what): (&'static str, &str)) -> Option<i64> {
        let arg = &call.args[number - 1];
        let value = self.expr(arg)?;
        // What is wrong with a step is that it is no constant.
        let is_step = call.name == "lquantize" && number == 4;
        if self.int_of(&value.ty).is_none() && !is_step {
            return self.bad_arg(call, number, "int32_t", &value);
        }
        match value.constant().filter(|_| self.int_of(&value.ty).is_some()) {
            Some(value) => Some(value),
            None => self.bad_parameter(call, number, tag, what),
        }
    }

    fn bad_parameter<T>(&mut self, call: &Call, number: usize, tag: &'static str, what: &str) -> Option<T> {
        // Counted from the first argument after the value, as DTrace counts them.
        let message = format!("{}( ) argument #{} must be {what}", call.name, number - 1);
        self.fail(call.args[number - 1].span, tag, message)
    }

    fn linear(&mut self, call: &Call) -> Option<Aggregation> {
        let min = self.parameter(call, 2, ("D_LQUANT_BASETYPE", "an integer constant"))?;
        let max = self.parameter(call, 3, ("D_LQUANT_LIMTYPE", "an integer constant"))?;
        let step = match call.args.len() {
            0..=3 => 1,
            _ => self.parameter(call, 4, ("D_LQUANT_STEPTYPE", POSITIVE))?,
        };
        if i32::try_from(min).is_err() {
            return self.bad_parameter(call, 2, "D_LQUANT_BASEVAL", "a 32-bit quantity");
        }
        if i32::try_from(max).is_err() {
            return self.bad_parameter(call, 3, "D_LQUANT_LIMVAL", "a 32-bit quantity");
        }
        if step <= 0 {
            return self.bad_parameter(call, 4, "D_LQUANT_STEPTYPE", POSITIVE);
        }
        self.levels(call.span, min, max, step)
    }

    fn levels(&mut self, span: Span, min: i64, max: i64, step: i64) -> Option<Aggregation> {
        if max <= min {
            return self.fail(
                span,
                "D_LQUANT_MISMATCH",
                "lquantize( ) base (argument #1) must be less than limit (argument #2)",
            );
        }
        if step > MAX_LEVELS {
            return self.fail(span, "D_LQUANT_STEPVAL", "lquantize( ) argument #3 must be a 16-bit quantity");
        }
        let levels = (max - min) / step;
        if levels == 0 {
            return self.fail(
                span,
                "D_LQUANT_STEPLARGE",
                "lquantize( ) step (argument #3) too large: must have at least one quantization level",
            );
        }
        if levels > MAX_LEVELS {
            return self.fail(
                span,
                "D_LQUANT_STEPSMALL",
                "lquantize( ) step (argument #3) too small: number of quantization levels must be a 16-bit quantity",
            );
        }
        // What is above the last whole level is above the range.
        Some(Aggregation::LinearHist { min, max: min + levels * step, step })
    }

    fn log_linear(&mut self, call: &Call) -> Option<Aggregation> {
        let factor = self.small(call, 2, ("D_LLQUANT_FACTORTYPE", "D_LLQUANT_FACTORVAL"))?;
        let low = self.small(call, 3, ("D_LLQUANT_LMAGTYPE", "D_LLQUANT_LMAGVAL"))?;
        let high = self.small(call, 4, ("D_LLQUANT_HMAGTYPE", "D_LLQUANT_HMAGVAL"))?;
        let steps = self.parameter(call, 5, ("D_LLQUANT_STEPTYPE", POSITIVE))?;
        if steps <= 0 {
            return self.bad_parameter(call, 5, "D_LLQUANT_STEPTYPE", POSITIVE);
        }
        let Ok(steps) = u16::try_from(steps) else {
            return self.bad_parameter(call, 5, "D_LLQUANT_STEPVAL", "an unsigned 16-bit quantity");
        };
        let span = call.span;
        if factor < 2 {
            return self.bad_parameter(call, 2, "D_LLQUANT_FACTORVAL", FACTORS);
        }
        if high < low {
            let message = "llquantize( ) argument #3 (high magnitude) must be at least argument #2 (low magnitude)";
            return self.fail(span, "D_LLQUANT_HMAGVAL", message);
        }
        if u64::from(factor).checked_pow(u32::from(high) + 1).is_none() {
            let message = "llquantize( ) argument #3 (high magnitude) will cause overflow of 64 bits";
            return self.fail(span, "D_LLQUANT_HMAGVAL", message);
        }
        if let Some(rule) = broken_rule(factor.into(), low, steps.into()) {
            return self.fail(span, "D_LLQUANT_STEPVAL", format!("llquantize() argument #4 (steps) must {rule}"));
        }
        Some(Aggregation::LogLinear(LogLinear { factor, low, high, steps }))
    }

    fn small(&mut self, call: &Call, number: usize, tags: (&'static str, &'static str)) -> Option<u16> {
        let value = self.parameter(call, number, (tags.0, "an integer constant"))?;
        match u16::try_from(value) {
            Ok(value) => Some(value),
            Err(_) if number == 2 => self.bad_parameter(call, number, tags.1, FACTORS),
            Err(_) => self.bad_parameter(call, number, tags.1, "an unsigned 16-bit quantity"),
        }
    }

    /// The parameters of one aggregation are the same wherever it is fed.
    fn same_scale(&mut self, old: &Aggregation, new: &Aggregation, function: &str, span: Span) -> Option<()> {
        let (tag, what, expected, found) = match (old, new) {
            (Aggregation::LinearHist { min, max, step }, Aggregation::LinearHist { min: b, max: l, step: s }) => {
                match () {
                    () if min != b => ("D_LQUANT_MATCHBASE", "base (argument #1)", *min, *b),
                    () if max != l => ("D_LQUANT_MATCHLIM", "limit (argument #2)", *max, *l),
                    () if step != s => ("D_LQUANT_MATCHSTEP", "step (argument #3)", *step, *s),
                    () => return Some(()),
                }
            }
            (Aggregation::LogLinear(a), Aggregation::LogLinear(b)) => match () {
                () if a.factor != b.factor => {
                    ("D_LLQUANT_MATCHFACTOR", "factor (argument #1)", a.factor.into(), b.factor.into())
                }
                () if a.low != b.low => ("D_LLQUANT_MATCHLMAG", "lmag (argument #2)", a.low.into(), b.low.into()),
                () if a.high != b.high => ("D_LLQUANT_MATCHHMAG", "hmag (argument #3)", a.high.into(), b.high.into()),
                () if a.steps != b.steps => {
                    ("D_LLQUANT_MATCHSTEPS", "steps (argument #4)", a.steps.into(), b.steps.into())
                }
                () => return Some(()),
            },
            _ => return Some(()),
        };
        let expected: i64 = expected;
        // DTrace writes the newest one without a blank.
        let blank = if function == "llquantize" { "" } else { " " };
        let message = format!(
            "{function}({blank}) {what} doesn't match previous declaration: expected {expected}, found {found}"
        );
        self.fail(span, tag, message)
    }
}

/// What llquantize() asks of the number of steps, so that every step begins at a whole number, if that is not so.
fn broken_rule(factor: u64, low: u16, steps: u64) -> Option<&'static str> {
    let divides = |number: u64| steps != 0 && number.is_multiple_of(steps);
    if steps < factor {
        return (!divides(factor)).then_some("evenly divide argument #1 (factor) when steps<factor");
    }
    if !steps.is_multiple_of(factor) {
        return Some("be a multiple of argument #1 (factor) when steps>factor");
    }
    match low {
        _ if steps == factor => None,
        0 => (!divides(factor * factor))
            .then_some("evenly divide the square of argument #1 (factor) when steps>factor and lmag==0"),
        _ => (!divides(factor.pow(u32::from(low) + 1)))
            .then_some("evenly divide pow(argument #1 (factor), lmag (argument #2) + 1) when steps>factor and lmag>0"),
    }
}
