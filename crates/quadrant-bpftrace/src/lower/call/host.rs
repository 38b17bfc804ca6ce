//! Functions about the machine: addresses by name, registers.

use quadrant_program::arch;
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function};
use quadrant_program::probe::ProbeKind;
use quadrant_program::record::RecordKind;
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};
use quadrant_types::suggest;

use super::super::Lower;
use super::super::env::{UserAddress, UserPlace};
use super::super::expr::{literal_int, literal_number, literal_text};
use super::super::version::number;
use super::{Call, Called};

/// `kaddr("symbol")`
pub(super) fn kaddr(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let found = lower.env.symbols.kernel_address(&name);
    address(lower, call, found)
}

/// `KERNEL_VERSION(5, 4, 0)`
pub(super) fn version(lower: &mut Lower, call: Call) -> Option<Called> {
    let [major, patch_level, sublevel] = [0, 1, 2].map(|at| lower.constant_arg(call, at));
    let number = number([major?, patch_level?, sublevel?]);
    Some(Called::Value(literal_int(number.cast_unsigned(), call.span)))
}

/// `uaddr("symbol")`: a pointer to as many bytes as the symbol has.
pub(super) fn uaddr(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let Some(path) = lower.scope.path.clone() else {
        return lower.error(call.span, "uaddr() needs a probe in an executable: `uprobe`, `uretprobe` or `usdt`");
    };
    let place = UserPlace { point: &lower.scope.point, path: &path, fires_at: lower.scope.fires_at };
    let found = match lower.env.symbols.user_symbol(place, &name) {
        Ok(found) => found,
        Err(why) => return lower.error(call.args.first().map_or(call.span, |arg| arg.span), why),
    };
    let address = match found.address {
        UserAddress::Fixed(address) => Expr::int(address as i64, Type::U64, call.span),
        UserAddress::BehindProbe(distance) => behind_probe(distance, call.span),
    };
    let bytes = [1, 2, 4].into_iter().find(|bytes| u64::from(*bytes) == found.size).unwrap_or(8);
    let pointer = Type::Pointer { to: lower.env.types.int(bytes, false), space: Space::User };
    Some(Called::Value(lower.cast(address, &pointer)))
}

/// The address so many bytes behind the instruction that was to be executed next.
fn behind_probe(distance: i64, span: Span) -> Expr {
    let next = Box::new(Expr::new(ExprKind::Reg(arch::native().instruction_pointer), Type::U64, span));
    let distance = Box::new(Expr::int(distance, Type::U64, span));
    Expr::new(ExprKind::Binary(BinaryOp::Add, next, distance), Type::U64, span)
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
    if !matches!(default.kind, ExprKind::Int(_) | ExprKind::Str(_)) {
        return lower.error(default.span, "the default of getopt() is a constant");
    }
    lower.same_default(&name, &default, call.span)?;
    let Some(given) = lower.option(&name) else { return Some(Called::Value(default)) };
    let value = match (&default.ty, &default.kind) {
        (Type::Bool, _) => match given.as_deref() {
            None | Some("true" | "1") => Some(Expr::int(1, Type::Bool, call.span)),
            Some("false" | "0") => Some(Expr::int(0, Type::Bool, call.span)),
            Some(_) => None,
        },
        (Type::String { .. }, _) => given.as_ref().map(|given| literal_text(given.as_bytes(), call.span)),
        _ => given.as_ref().and_then(|given| literal_number(given, call.span)),
    };
    match value {
        Some(value) => Some(Called::Value(value)),
        None => {
            let wanted = lower.describe(&default.ty);
            match given {
                Some(given) => {
                    let message = format!("`--{name}={}` is not a value of type {wanted}", given.escape_debug());
                    lower.error(call.span, message)
                }
                None => lower.error_help(
                    call.span,
                    format!("`--{name}` needs a value of type {wanted}"),
                    format!("give one: `--{name}=...`"),
                ),
            }
        }
    }
}

impl Lower<'_> {
    /// Takes note of an option's default; another one than before would make the option's value depend on where it is asked for.
    fn same_default(&mut self, name: &str, default: &Expr, span: Span) -> Option<()> {
        let (_, first) = self.options.entry(name.to_owned()).or_insert_with(|| (span, default.clone()));
        if first.kind == default.kind && first.ty == default.ty {
            return Some(());
        }
        let first = first.span;
        let value = self.text(first).to_owned();
        let line = self.line(self.options.get(name)?.0);
        self.error_help(
            span,
            format!("the option `{name}` has another default in line {line}: {value}"),
            "an option has one default, and so one type",
        )
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

/// `progenyof(pid)`: whether the current process is that one or descends from it.
pub(super) fn progenyof(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let value = lower.expr(arg)?;
    if !value.ty.is_integer() {
        let ty = lower.describe(&value.ty);
        return lower.error(arg.span, format!("progenyof() takes the number of a process, and this is {ty}"));
    }
    if lower.env.portable {
        return lower.unsupported(call.span, "progenyof() in a program for other kernels", "compare with `ppid`");
    }
    if !lower.env.symbols.numbers_as_the_machine() {
        let message =
            "progenyof() takes the numbers that the whole machine has for processes, and the tracer sees others";
        return lower.error_help(call.span, message, "run it outside of the pid namespace (container) that it is in");
    }
    let pid = lower.convert(value, &Type::I64);
    let kind = ExprKind::Call(Function::ProgenyOf, vec![pid]);
    Some(Called::Value(Expr::new(kind, Type::Bool, call.span)))
}

/// `unwatch(address)`
pub(super) fn unwatch(lower: &mut Lower, call: Call) -> Option<Called> {
    let span = call.args.first()?.span;
    let address = lower.expr(call.args.first()?)?;
    if !address.ty.is_integer() && !matches!(address.ty, Type::Pointer { .. }) {
        let ty = lower.describe(&address.ty);
        return lower.error(span, format!("unwatch() takes a number here, and this is {ty}"));
    }
    let address = lower.cast(address, &Type::U64);
    Some(Called::Effect(lower.emit(RecordKind::Unwatch, vec![address], call.span)))
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
