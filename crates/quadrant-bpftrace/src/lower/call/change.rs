//! Functions that change what is traced: only with `--unsafe`.

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::probe::ProbeKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, Type};
use quadrant_types::suggest;

use super::super::Lower;
use super::{Call, Called};
use crate::ast;

/// Signals by name, without `SIG`; Linux on most machines.
const SIGNALS: &[(&str, i64)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The number of a signal by its name without `SIG`.
pub(in super::super) fn signal_number(name: &str) -> Option<i64> {
    SIGNALS.iter().find(|(signal, _)| *signal == name).map(|(_, number)| *number)
}

/// Probes that do not run in a process of the user's: all but `interval` run in the tracer itself.
const OUTSIDE: &[ProbeKind] = &[
    ProbeKind::Begin,
    ProbeKind::End,
    ProbeKind::Interval,
    ProbeKind::Iter,
    ProbeKind::Own,
    ProbeKind::Test,
    ProbeKind::Bench,
];

/// Nothing if the user did not allow changes.
fn allowed(lower: &mut Lower, call: Call) -> Option<()> {
    if lower.env.allow_unsafe {
        return Some(());
    }
    lower.error_help(
        call.span,
        format!("{}() changes the traced program, which is not allowed without a word from you", call.name),
        "run again with `--unsafe`",
    )
}

/// Nothing if the probe does not run in a process of the user's.
fn in_process(lower: &mut Lower, call: Call, to: &str) -> Option<()> {
    if !OUTSIDE.contains(&lower.scope.kind) {
        return Some(());
    }
    let kind = lower.scope.kind.name();
    lower.error(call.span, format!("a probe of type `{kind}` does not run in a process to {to}"))
}

/// `signal(number)`, `signal("name")`, `signal_thread(...)`
pub(super) fn signal(lower: &mut Lower, call: Call) -> Option<Called> {
    let to = if call.name == "signal_thread" { "signal one thread of" } else { "signal" };
    let arg = call.args.first()?;
    // A name that there is not is wrong in any probe.
    let named = match &arg.kind {
        ast::ExprKind::Str(_) => Some(named_signal(lower, call)?),
        _ => None,
    };
    let (here, may) = (in_process(lower, call, to), allowed(lower, call));
    here.and(may)?;
    let signal = match named {
        Some(number) => Expr::int(number, Type::I32, arg.span),
        None => lower.number_arg(call, 0)?,
    };
    if matches!(signal.kind, ExprKind::Int(number) if !(1..=64).contains(&number)) {
        return lower.error(arg.span, "signals are numbered 1 to 64");
    }
    let signal = lower.cast(signal, &Type::I32);
    Some(Called::Effect(StmtKind::Signal { signal, thread: call.name == "signal_thread" }))
}

/// `write_user(address, value)`, `write_user(address, source, length)`
pub(super) fn write_user(lower: &mut Lower, call: Call) -> Option<Called> {
    allowed(lower, call)?;
    in_process(lower, call, "write to")?;
    let to = address(lower, call, 0);
    let value = match call.args.len() {
        2 => written(lower, call),
        _ => super::text::bytes(lower, call, 1),
    };
    let (to, value) = (to?, value?);
    let write = Expr::new(ExprKind::Call(Function::WriteUser, vec![to, value]), Type::None, call.span);
    Some(Called::Effect(StmtKind::Expr(write)))
}

/// A value that is written whole: a number, or what has a size.
fn written(lower: &mut Lower, call: Call) -> Option<Expr> {
    let arg = call.args.get(1)?;
    let value = lower.expr(arg)?;
    match value.ty {
        Type::Int { .. } | Type::Enum(_) | Type::Bool | Type::Buffer { .. } => Some(value),
        Type::Array { .. } | Type::Record(_) | Type::String { .. } => super::text::bytes(lower, call, 1),
        _ => lower.error_help(arg.span, "how many bytes?", "usage: write_user(address, source, length)"),
    }
}

/// An argument that is an address of the process.
fn address(lower: &mut Lower, call: Call, at: usize) -> Option<Expr> {
    let arg = call.args.get(at)?;
    let value = lower.expr(arg)?;
    match value.ty {
        Type::Pointer { space: Space::User | Space::Kernel | Space::Any, .. } => Some(lower.cast(value, &Type::U64)),
        ref ty if ty.is_integer() => Some(lower.cast(value, &Type::U64)),
        ref ty => {
            let ty = lower.describe(ty);
            lower.error(arg.span, format!("{}() takes an address of the process here, and this is {ty}", call.name))
        }
    }
}

fn named_signal(lower: &mut Lower, call: Call) -> Option<i64> {
    let name = lower.text_arg(call, 0)?;
    let bare = name.strip_prefix("SIG").unwrap_or(&name);
    signal_number(bare).or_else(|| {
        let near = suggest(bare, SIGNALS.iter().map(|(signal, _)| *signal));
        lower.error_near(call.args[0].span, format!("there is no signal `{}`", name.escape_debug()), near)
    })
}

/// `override(result)`
pub(super) fn override_result(lower: &mut Lower, call: Call) -> Option<Called> {
    if lower.scope.kind != ProbeKind::Kprobe {
        let kind = lower.scope.kind.name();
        return lower.error_help(
            call.span,
            format!("a probe of type `{kind}` cannot override a result"),
            "override() is for `kprobe`, in functions that allow error injection",
        );
    }
    allowed(lower, call)?;
    let result = lower.number_arg(call, 0)?;
    let result = lower.cast(result, &Type::U64);
    let call_it = Expr::new(ExprKind::Call(Function::Override, vec![result]), Type::None, call.span);
    Some(Called::Effect(StmtKind::Expr(call_it)))
}
