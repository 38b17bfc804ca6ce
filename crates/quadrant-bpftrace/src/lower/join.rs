//! The type that holds the values of two types, and how types are named in messages.

use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::map::{Aggregation, MapValue};
use quadrant_program::series::Series;
use quadrant_program::ty::{Space, StackMode, StackType, SymbolPart, Type};
use quadrant_types::Types;

use super::expr::join_named;
use super::fields::{is_script_record, join_records};

/// The least type that holds the values of both; `None` if they have nothing in common.
pub(super) fn join(types: &Types, a: &Type, b: &Type) -> Option<Type> {
    if a == b {
        return Some(a.clone());
    }
    if a.is_integer() && b.is_integer() {
        // A truth value is none of the numbers.
        return ((*a == Type::Bool) == (*b == Type::Bool)).then(|| join_integers(a, b));
    }
    match (a, b) {
        (Type::String { cap: a }, Type::String { cap: b }) => Some(Type::String { cap: *a.max(b) }),
        (Type::Buffer { cap: a }, Type::Buffer { cap: b }) => Some(Type::Buffer { cap: *a.max(b) }),
        (Type::Pointer { to: x, space: s }, Type::Pointer { to: y, space: t }) => {
            let space = join_spaces(*s, *t)?;
            types.same(*x, *y).then_some(Type::Pointer { to: *x, space })
        }
        (Type::Tuple(x), Type::Tuple(y)) if x.len() == y.len() => {
            let parts: Option<Vec<Type>> = x.iter().zip(y.iter()).map(|(x, y)| join(types, x, y)).collect();
            Some(Type::Tuple(parts?.into()))
        }
        (Type::Record(x), Type::Record(y)) if is_script_record(x) || is_script_record(y) => join_records(types, x, y),
        (Type::Record(x), Type::Record(y)) => types.same(x.ctype, y.ctype).then(|| a.clone()),
        (Type::Array { elem: x, len: n }, Type::Array { elem: y, len: m }) => {
            (n == m && join(types, x, y).as_ref() == Some(&**x)).then(|| a.clone())
        }
        // A kernel function's name can be had by its address, too.
        (Type::Symbol { user: false, .. }, Type::ProbeFunc) | (Type::ProbeFunc, Type::Symbol { user: false, .. }) => {
            Some(Type::Symbol { user: false, part: SymbolPart::Symbol })
        }
        (Type::Stack(x), Type::Stack(y)) if x.user == y.user && x.mode == y.mode => {
            Some(Type::Stack(StackType { limit: x.limit.max(y.limit), ..*x }))
        }
        _ => join_named(a, b),
    }
}

/// The space that has the addresses of both. What is in memory of the program or in the context is read in ways of its own.
fn join_spaces(a: Space, b: Space) -> Option<Space> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Space::Any, Space::Kernel | Space::User) | (Space::Kernel | Space::User, Space::Any) => Some(Space::Any),
        _ => None,
    }
}

/// The least integer type that holds the values of both; mixed signs give a signed one,
/// of 8 bytes at most.
pub(super) fn join_integers(a: &Type, b: &Type) -> Type {
    let (x, y) = (width(a), width(b));
    match (a.is_signed(), b.is_signed()) {
        (true, true) => Type::Int { bytes: x.max(y), signed: true },
        (false, false) => Type::Int { bytes: x.max(y), signed: false },
        (true, false) => Type::Int { bytes: x.max(y * 2).min(8), signed: true },
        (false, true) => Type::Int { bytes: y.max(x * 2).min(8), signed: true },
    }
}

/// The least type that holds the numbers that are there and a new one. `loose` says that those take the sign of the other.
pub(super) fn join_numbers(types: &Types, old: &Type, loose: bool, value: &Expr) -> Option<Type> {
    match is_neutral(value) {
        true if is_unsigned(old) => join(types, old, &unsigned(&value.ty)),
        false if loose && is_unsigned(&value.ty) => join(types, &unsigned(old), &value.ty),
        _ => join(types, old, &value.ty),
    }
}

/// A constant that means the same with and without sign.
pub(super) fn is_neutral(expr: &Expr) -> bool {
    matches!((&expr.kind, &expr.ty), (ExprKind::Int(0..), Type::Int { signed: true, .. }))
}

fn is_unsigned(ty: &Type) -> bool {
    matches!(ty, Type::Int { signed: false, .. })
}

fn unsigned(ty: &Type) -> Type {
    Type::Int { bytes: width(ty), signed: false }
}

/// Bytes of an integer type.
pub(super) fn width(ty: &Type) -> u8 {
    match ty {
        Type::Int { bytes, .. } => *bytes,
        Type::Enum(of) => of.bytes,
        Type::Bool => 1,
        _ => 8,
    }
}

/// The aggregation that takes both; `None` if they are not of one kind.
pub(super) fn join_aggregations(a: &Aggregation, b: &Aggregation) -> Option<Aggregation> {
    use Aggregation::{Avg, Max, Min, Stats, Sum};
    match (a, b) {
        (Sum { signed: x }, Sum { signed: y }) => Some(Sum { signed: x | y }),
        (Min { signed: x }, Min { signed: y }) => Some(Min { signed: x | y }),
        (Max { signed: x }, Max { signed: y }) => Some(Max { signed: x | y }),
        (Avg { signed: x }, Avg { signed: y }) => Some(Avg { signed: x | y }),
        (Stats { signed: x }, Stats { signed: y }) => Some(Stats { signed: x | y }),
        (Aggregation::Series(x), Aggregation::Series(y)) => {
            let signed = x.signed | y.signed;
            let same = Series { signed, ..*x } == Series { signed, ..*y };
            same.then_some(Aggregation::Series(Series { signed, ..*x }))
        }
        _ => (a == b).then(|| a.clone()),
    }
}

/// How a type is named in messages.
pub(super) fn describe(types: &Types, ty: &Type) -> String {
    match ty {
        Type::None => "nothing".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int { bytes, signed } => format!("{}int{}", if *signed { "" } else { "u" }, u32::from(*bytes) * 8),
        Type::Float { bytes: 4 } => "float".to_owned(),
        Type::Float { bytes: 8 } => "double".to_owned(),
        Type::Float { .. } => "long double".to_owned(),
        Type::Enum(of) if of.name.is_empty() => "enum".to_owned(),
        Type::Enum(of) => format!("enum {}", of.name),
        Type::Pointer { to, .. } => types.display(types.pointer_to(*to)),
        Type::Record(of) => of.name.clone(),
        Type::Array { elem, len } => format!("{}[{len}]", describe(types, elem)),
        Type::String { cap } => format!("string[{cap}]"),
        Type::Buffer { cap } => format!("buffer[{cap}]"),
        Type::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| describe(types, part)).collect();
            format!("({})", parts.join(","))
        }
        Type::Stack(stack) => describe_stack(*stack),
        _ => simple(ty).to_owned(),
    }
}

/// How what a map holds is named in messages.
pub(super) fn describe_value(types: &Types, value: &MapValue) -> String {
    match value {
        MapValue::Plain(ty) => describe(types, ty),
        MapValue::Aggregation(aggregation) => format!("{}()", aggregation.function()),
    }
}

fn describe_stack(stack: StackType) -> String {
    let side = if stack.user { "ustack" } else { "kstack" };
    let mode = match stack.mode {
        StackMode::Bpftrace => "bpftrace",
        StackMode::Perf => "perf",
        StackMode::Raw => "raw",
        StackMode::BuildId => "build_id",
        StackMode::Dtrace => "dtrace",
    };
    format!("{side}({mode}, {})", stack.limit)
}

fn simple(ty: &Type) -> &'static str {
    match ty {
        Type::Symbol { user: true, .. } => "usym",
        Type::Symbol { user: false, .. } => "ksym",
        Type::Inet => "inet",
        Type::Mac => "macaddr",
        Type::Username => "username",
        Type::ProbeName => "probe name",
        Type::ProbeFunc => "function name",
        Type::Time(_) => "timestamp",
        Type::Errno => "error text",
        Type::SyscallName => "system call name",
        Type::SignalName => "signal name",
        Type::CgroupPath(_) => "cgroup path",
        Type::Container => "container",
        _ => "value",
    }
}
