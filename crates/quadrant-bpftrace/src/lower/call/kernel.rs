//! Functions of the kernel's own things: files, sockets, variables of a processor, its log.

use quadrant_program::build::place_of;
use quadrant_program::expr::{BinaryOp, Builtin, Expr, ExprKind, Function, TextFunction};
use quadrant_program::format::{Conversion, Count, Format, Piece};
use quadrant_program::probe::ProbeKind;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, Type};

use super::super::Lower;
use super::{Call, Called};

/// Probes whose arguments are pointers that the kernel trusts.
pub(super) const TYPED: &[ProbeKind] = &[ProbeKind::Fentry, ProbeKind::Fexit, ProbeKind::RawTracepoint];

/// `path(&file.f_path)`, `path(path, length)`: the name of a file.
pub(super) fn path(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let value = lower.expr(arg);
    let cap = match call.args.get(1) {
        Some(_) => limit(lower, call)?,
        None => lower.config.max_strlen,
    };
    let value = value?;
    let wanted = lower.env.types.lookup_struct("path");
    let address = match &value.ty {
        Type::Pointer { to, .. } if wanted.is_none_or(|wanted| lower.env.types.same(wanted, *to)) => value,
        Type::Record(record) if wanted.is_none_or(|wanted| lower.env.types.same(wanted, record.ctype)) => {
            place_of(value).0
        }
        ty => {
            let ty = lower.describe(ty);
            let message = format!("path() takes a `struct path`, or a pointer to one, and this is {ty}");
            return lower.error_help(arg.span, message, "a file has one: path(file.f_path)");
        }
    };
    let address = lower.cast(address, &Type::U64);
    let kind = ExprKind::Call(Function::Text(TextFunction::DPath), vec![address]);
    Some(Called::Value(Expr::new(kind, Type::String { cap }, call.span)))
}

/// The room for a text, its NUL included.
fn limit(lower: &mut Lower, call: Call) -> Option<u32> {
    let max = lower.config.max_strlen;
    match u32::try_from(lower.constant_arg(call, 1)?) {
        Ok(length @ 1..) => Some(length.min(max)),
        _ => lower.error(call.args[1].span, "a length is 1 or more"),
    }
}

/// `socket_cookie(socket)`
pub(super) fn socket_cookie(lower: &mut Lower, call: Call) -> Option<Called> {
    let socket = trusted(lower, call, 0, "sock")?;
    let kind = ExprKind::Call(Function::SocketCookie, vec![socket]);
    Some(Called::Value(Expr::new(kind, Type::U64, call.span)))
}

/// `skboutput("file", packet, length, offset)`: the packet's bytes from the offset up to the length go to a file.
pub(super) fn skboutput(lower: &mut Lower, call: Call) -> Option<Called> {
    let file = lower.text_arg(call, 0);
    let packet = trusted(lower, call, 1, "sk_buff");
    let [length, offset] = [2, 3].map(|at| lower.number_arg(call, at));
    let (file, packet, length, offset) = (file?, packet?, length?, offset?);
    if file.is_empty() {
        return lower.error(call.args[0].span, "the name of the file is empty");
    }
    let record = lower.record(RecordKind::Packet(file.into()), Vec::new(), call.span);
    let numbers = [length, offset].map(|number| lower.cast(number, &Type::U64));
    let args = std::iter::once(packet).chain(numbers).collect();
    let kind = ExprKind::Call(Function::PacketOutput(record), args);
    Some(Called::Value(Expr::new(kind, Type::I64, call.span)))
}

/// An argument of the probe that is a pointer to a struct of the kernel: programs may hand it back to the kernel.
pub(super) fn trusted(lower: &mut Lower, call: Call, at: usize, tag: &str) -> Option<Expr> {
    if !TYPED.contains(&lower.scope.kind) {
        let kind = lower.scope.kind.name();
        return lower.error_help(
            call.span,
            format!("{}() cannot be used in a probe of type `{kind}`", call.name),
            "the kernel allows it in `fentry`, `fexit` and `rawtracepoint`",
        );
    }
    let arg = call.args.get(at)?;
    let value = lower.expr(arg)?;
    let wanted = lower.env.types.lookup_struct(tag);
    let points =
        matches!(&value.ty, Type::Pointer { to, .. } if wanted.is_some_and(|wanted| lower.env.types.same(wanted, *to)));
    if !points {
        let ty = lower.describe(&value.ty);
        return lower.error(arg.span, format!("{}() takes a `struct {tag} *` here, and this is {ty}", call.name));
    }
    if !is_argument(&value) {
        return lower.error_help(
            arg.span,
            format!("{}() takes an argument of the probe as it is: the kernel trusts no other pointer", call.name),
            "write it here: `args.name`",
        );
    }
    Some(value)
}

fn is_argument(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Arg(_) | ExprKind::Retval => true,
        ExprKind::Cast(inner) => is_argument(inner),
        _ => false,
    }
}

/// `percpu_kaddr("symbol")`, `percpu_kaddr("symbol", cpu)`: the address that a variable has on a processor; 0 if there is no such
/// processor. The kernel keeps how far the variables of each are from where its symbols say they are.
pub(super) fn percpu_kaddr(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let span = call.span;
    let cpu = match call.args.get(1) {
        Some(_) => lower.number_arg(call, 1)?,
        None => Expr::new(ExprKind::Builtin(Builtin::Cpu), Type::U32, span),
    };
    let first = call.args.first()?.span;
    let known = |symbol: &str| lower.env.symbols.kernel_address(symbol);
    let (variable, offsets) = match (known(&name), known("__per_cpu_offset")) {
        (Ok(variable), Ok(offsets)) => (variable, offsets),
        (Err(why), _) | (_, Err(why)) => {
            let help = "the kernel lists its variables if it was built with CONFIG_KALLSYMS_ALL";
            return lower.error_help(first, format!("percpu_kaddr(): {why}"), help);
        }
    };
    let cpu = lower.cast(cpu, &Type::U64);
    let (keep, cpu) = lower.keep(cpu);
    let number = |value: u64| Box::new(Expr::int(value as i64, Type::U64, span));
    let binary = |op, lhs, rhs| Expr::new(ExprKind::Binary(op, lhs, rhs), Type::U64, span);
    let place = binary(BinaryOp::Mul, Box::new(cpu.clone()), number(8));
    let place = binary(BinaryOp::Add, number(offsets), Box::new(place));
    let distance = ExprKind::Deref { addr: Box::new(place), space: Space::Kernel };
    let distance = Expr::new(distance, Type::U64, span);
    let there = binary(BinaryOp::Add, number(variable), Box::new(distance));
    let count = Expr::new(ExprKind::Builtin(Builtin::Ncpus), Type::U32, span);
    let count = lower.cast(count, &Type::U64);
    let exists = Expr::new(ExprKind::Binary(BinaryOp::Lt, Box::new(cpu), Box::new(count)), Type::Bool, span);
    let chosen = ExprKind::Ternary { cond: Box::new(exists), then: Box::new(there), other: number(0) };
    let chosen = Expr::new(chosen, Type::U64, span);
    let address = Expr::new(ExprKind::Block(vec![keep], Box::new(chosen)), Type::U64, span);
    let to = lower.env.types.int(8, false);
    Some(Called::Value(lower.cast(address, &Type::Pointer { to, space: Space::Kernel })))
}

/// Most values of `debugf`.
const DEBUG_VALUES: usize = 3;

/// `debugf("format", values...)`: a line in the kernel's log of traces.
pub(super) fn debugf(lower: &mut Lower, call: Call) -> Option<Called> {
    lower.style(
        call.span,
        "debugf() is for finding mistakes, not for daily use: its lines go to a log that all programs share",
    );
    let (format, values) = lower.format(call)?;
    if values.len() > DEBUG_VALUES {
        return lower.error_help(
            call.span,
            format!("debugf() takes at most {DEBUG_VALUES} values, and {} are given", values.len()),
            "printf() takes any number",
        );
    }
    let format = kernel_format(lower, call, &format)?;
    let mut args = vec![super::super::expr::literal_text(&format, call.span)];
    args.extend(values);
    let line = Expr::new(ExprKind::Call(Function::Debug, args), Type::None, call.span);
    Some(Called::Effect(StmtKind::Expr(line)))
}

/// The format as the kernel wants it: all numbers have 64 bits.
fn kernel_format(lower: &mut Lower, call: Call, format: &Format) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for piece in &format.pieces {
        match piece {
            Piece::Text(part) => part.iter().for_each(|byte| match byte {
                b'%' => text.extend(b"%%"),
                byte => text.push(*byte),
            }),
            Piece::Conversion(conversion) => text.extend(kernel_conversion(lower, call, conversion)?.into_bytes()),
        }
    }
    Some(text)
}

fn kernel_conversion(lower: &mut Lower, call: Call, conversion: &Conversion) -> Option<String> {
    let long = match conversion.kind.as_str() {
        "d" | "i" | "u" | "x" | "X" => "ll",
        "s" | "p" => "",
        kind => return lower.error(call.span, format!("the kernel's log has no conversion `%{kind}`")),
    };
    let width = match (conversion.width, conversion.precision) {
        (Some(Count::Argument), _) | (_, Some(_)) => {
            return lower.error(call.span, "the kernel's log has no precision, and no width that is given as a value");
        }
        (Some(Count::Fixed(width)), None) => width.to_string(),
        (None, None) => String::new(),
    };
    let flag = |set: bool, flag: &str| if set { flag.to_owned() } else { String::new() };
    let flags = [
        flag(conversion.left, "-"),
        flag(conversion.plus, "+"),
        flag(conversion.space, " "),
        flag(conversion.alternate, "#"),
        flag(conversion.zero, "0"),
    ];
    Some(format!("%{}{width}{long}{}", flags.concat(), conversion.kind))
}
