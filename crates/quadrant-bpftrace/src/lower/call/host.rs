//! Functions about the machine: addresses by name, registers, signals.

use quadrant_program::arch;
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::probe::ProbeKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;
use quadrant_types::suggest;

use super::super::Lower;
use super::super::expr::{literal_number, literal_text};
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

/// `kaddr("symbol")`
pub(super) fn kaddr(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let found = lower.env.symbols.kernel_address(&name);
    address(lower, call, found)
}

/// `uaddr("symbol")`
pub(super) fn uaddr(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let Some(path) = lower.scope.path.clone() else {
        return lower.error(call.span, "uaddr() needs a probe in an executable: `uprobe`, `uretprobe` or `usdt`");
    };
    let found = lower.env.symbols.user_address(&path, &name);
    address(lower, call, found)
}

/// `cgroupid("/path")`
pub(super) fn cgroupid(lower: &mut Lower, call: Call) -> Option<Called> {
    let path = lower.text_arg(call, 0)?;
    let found = lower.env.symbols.cgroup_id(&path);
    address(lower, call, found)
}

fn address(lower: &mut Lower, call: Call, found: Result<u64, String>) -> Option<Called> {
    match found {
        Ok(address) => Some(Called::Value(Expr::int(address as i64, Type::U64, call.span))),
        Err(why) => lower.error(call.args.first().map_or(call.span, |arg| arg.span), why),
    }
}

/// `getopt("name", default, "help")`: the value of `--name=value` among the script's parameters.
pub(super) fn getopt(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let default = match call.args.get(1) {
        Some(default) => lower.expr(default)?,
        None => Expr::int(0, Type::Bool, call.span),
    };
    let Some(given) = lower.option(&name) else { return Some(Called::Value(default)) };
    let value = match (&default.ty, &default.kind) {
        (Type::Bool, _) => match given.as_deref() {
            None | Some("true" | "1") => Some(Expr::int(1, Type::Bool, call.span)),
            Some("false" | "0") => Some(Expr::int(0, Type::Bool, call.span)),
            Some(_) => None,
        },
        (Type::String { .. }, _) => given.as_ref().map(|given| literal_text(given.as_bytes(), call.span)),
        (_, ExprKind::Int(_)) => given.as_ref().and_then(|given| literal_number(given, call.span)),
        _ => return lower.error(call.span, "the default of getopt() is a constant"),
    };
    match value {
        Some(value) => Some(Called::Value(value)),
        None => {
            let wanted = lower.describe(&default.ty);
            let given = given.unwrap_or_default();
            lower.error(call.span, format!("`--{name}={}` is not a value of type {wanted}", given.escape_debug()))
        }
    }
}

/// Probes whose context is the registers of the interrupted code.
const WITH_REGISTERS: &[ProbeKind] = &[
    ProbeKind::Uprobe,
    ProbeKind::Uretprobe,
    ProbeKind::Usdt,
    ProbeKind::Kprobe,
    ProbeKind::Kretprobe,
    ProbeKind::Profile,
    ProbeKind::Software,
    ProbeKind::Hardware,
    ProbeKind::Watchpoint,
];

impl Lower<'_> {
    /// Whether the probe at hand has registers.
    pub(in super::super) fn has_registers(&self) -> bool {
        WITH_REGISTERS.contains(&self.scope.kind)
    }
}

/// `reg("name")`
pub(super) fn reg(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    if !lower.has_registers() {
        let kind = lower.scope.kind.name();
        return lower.error(call.span, format!("a probe of type `{kind}` has no registers"));
    }
    let span = call.args.first()?.span;
    let registers = arch::native().registers;
    match registers.iter().find(|(register, _)| *register == name) {
        Some((_, offset)) => Some(Called::Value(Expr::new(ExprKind::Reg(*offset), Type::U64, call.span))),
        None => {
            let near = suggest(&name, registers.iter().map(|(register, _)| *register));
            lower.error_near(span, format!("there is no register `{}`", name.escape_debug()), near)
        }
    }
}

/// `signal(number)`, `signal("name")`, `signal_thread(...)`
pub(super) fn signal(lower: &mut Lower, call: Call) -> Option<Called> {
    if !lower.env.allow_unsafe {
        return lower.error_help(
            call.span,
            format!("{}() changes the traced program, which is not allowed without a word from you", call.name),
            "run again with `--unsafe`",
        );
    }
    if matches!(lower.scope.kind, ProbeKind::Begin | ProbeKind::End | ProbeKind::Interval) {
        let kind = lower.scope.kind.name();
        return lower.error(call.span, format!("a probe of type `{kind}` does not run in a process to signal"));
    }
    let arg = call.args.first()?;
    let signal = match &arg.kind {
        ast::ExprKind::Str(_) => {
            let name = lower.text_arg(call, 0)?;
            let bare = name.strip_prefix("SIG").unwrap_or(&name);
            match SIGNALS.iter().find(|(signal, _)| *signal == bare) {
                Some((_, number)) => Expr::int(*number, Type::I32, arg.span),
                None => {
                    let near = suggest(bare, SIGNALS.iter().map(|(signal, _)| *signal));
                    return lower.error_near(arg.span, format!("there is no signal `{}`", name.escape_debug()), near);
                }
            }
        }
        _ => lower.number_arg(call, 0)?,
    };
    if matches!(signal.kind, ExprKind::Int(number) if !(1..=64).contains(&number)) {
        return lower.error(arg.span, "signals are numbered 1 to 64");
    }
    let signal = lower.cast(signal, &Type::I32);
    Some(Called::Effect(StmtKind::Signal { signal, thread: call.name == "signal_thread" }))
}
