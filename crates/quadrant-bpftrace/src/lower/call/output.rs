//! Functions that print, and `exit`.

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::map::{Aggregation, MapValue};
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, Type};

use super::super::Lower;
use super::super::map::is_storable;
use super::{Call, Called};
use crate::ast::{self, Ident};

/// Bytes that the texts of a join may have together.
const JOIN_BYTES: u32 = 4096;

/// `printf("format", ...)` and its like.
pub(super) fn printf(lower: &mut Lower, call: Call) -> Option<Called> {
    if call.name == "system" && !lower.env.allow_unsafe {
        return lower.error_help(
            call.span,
            "system() runs commands, which is not allowed without a word from you",
            "run again with `--unsafe`",
        );
    }
    let (format, args) = lower.format(call)?;
    let kind = match call.name {
        "printf" => RecordKind::Printf(format),
        "errorf" => RecordKind::Errorf(format),
        "warnf" => RecordKind::Warnf(format),
        "system" => RecordKind::System(format),
        _ => RecordKind::Cat(format),
    };
    Some(Called::Effect(lower.emit(kind, args, call.span)))
}

/// `print(value)`, `print(@map, top, divisor)`
pub(super) fn print(lower: &mut Lower, call: Call) -> Option<Called> {
    let first = call.args.first()?;
    if let ast::ExprKind::Map { name, key } = &first.kind
        && key.is_empty()
    {
        return print_map(lower, call, name);
    }
    if let Some(extra) = call.args.get(1) {
        let number = call.args.len();
        let message = format!("only the print() of a whole map takes more than one argument, and {number} are given");
        return lower.error(extra.span, message);
    }
    let value = lower.expr(first)?;
    let value = lower.unmarked(lower.whole(value));
    if let ExprKind::Str(text) = value.kind {
        return Some(Called::Effect(lower.emit(RecordKind::PrintText(text), Vec::new(), call.span)));
    }
    if !is_storable(&value.ty) {
        return lower.error(first.span, "this has no value to print");
    }
    Some(Called::Effect(lower.emit(RecordKind::Print, vec![value], call.span)))
}

fn print_map(lower: &mut Lower, call: Call, name: &Ident) -> Option<Called> {
    let map = lower.whole_map(name);
    let top = number(lower, call, 1);
    let div = divisor(lower, call, 2);
    // As in bpftrace, less than none is all.
    let (map, top, div) = (map?, u64::try_from(top?).unwrap_or(0), div?);
    if let (Some(MapValue::Aggregation(Aggregation::Stats { .. })), Some(first)) =
        (lower.map_value(&name.name), call.args.get(1))
    {
        lower.style(first.span, "stats() divides its averages alone");
    }
    Some(Called::Effect(lower.emit(RecordKind::PrintMap { map, top, div, take: false }, Vec::new(), call.span)))
}

/// An optional number, 0 if it is not there.
fn number(lower: &mut Lower, call: Call, at: usize) -> Option<i64> {
    call.args.get(at).map_or(Some(0), |_| lower.constant_arg(call, at))
}

fn divisor(lower: &mut Lower, call: Call, at: usize) -> Option<u64> {
    match u64::try_from(number(lower, call, at)?) {
        Ok(value) => Some(value),
        Err(_) => lower.error(call.args[at].span, "this cannot be negative"),
    }
}

/// `time("format")`
pub(super) fn time(lower: &mut Lower, call: Call) -> Option<Called> {
    let format = match call.args {
        [] => "%H:%M:%S\n".to_owned(),
        _ => lower.text_arg(call, 0)?,
    };
    Some(Called::Effect(lower.emit(RecordKind::Time(format), Vec::new(), call.span)))
}

/// `join(argv, "separator")`
pub(super) fn join(lower: &mut Lower, call: Call) -> Option<Called> {
    let argv = lower.expr(call.args.first()?);
    let separator = match call.args.get(1) {
        Some(_) => lower.text_arg(call, 1),
        None => Some(" ".to_owned()),
    };
    let (argv, separator) = (argv?, separator?);
    let (argv, space) = match &argv.ty {
        Type::Pointer { space: Space::Context | Space::Program, .. } => (argv, Space::Kernel),
        Type::Pointer { space, .. } => {
            let space = *space;
            (argv, space)
        }
        ty if ty.is_integer() => (argv, lower.number_space()),
        Type::Array { elem, .. } if elem.c_size() == Some(8) => place_of(argv),
        ty => {
            let ty = lower.describe(ty);
            return lower.error(call.args[0].span, format!("join() takes an array of texts, and this is {ty}"));
        }
    };
    let texts =
        Expr::new(ExprKind::Call(Function::JoinArgs(space), vec![argv]), Type::Buffer { cap: JOIN_BYTES }, call.span);
    Some(Called::Effect(lower.emit(RecordKind::Join(separator.into_bytes()), vec![texts], call.span)))
}

/// `exit(status)`
pub(super) fn exit(lower: &mut Lower, call: Call) -> Option<Called> {
    let code = match call.args {
        [] => Expr::int(0, Type::I64, call.span),
        _ => {
            let code = lower.number_arg(call, 0)?;
            lower.cast(code, &Type::I64)
        }
    };
    let record = lower.record(RecordKind::Exit, vec![Type::I64], call.span);
    Some(Called::Effect(StmtKind::Exit { record, code }))
}
