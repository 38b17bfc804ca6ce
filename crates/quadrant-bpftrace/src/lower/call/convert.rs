//! Values shown in another way, clocks, byte order, address spaces.

use std::net::IpAddr;
use std::sync::Arc;

use quadrant_program::expr::{Builtin, Clock, Expr, ExprKind, Function};
use quadrant_program::ty::{Space, Type};
use quadrant_types::suggest;

use super::super::Lower;
use super::super::expr::literal_text;
use super::{Call, Called};
use crate::ast;

const CLOCKS: &[(&str, Clock)] =
    &[("monotonic", Clock::Monotonic), ("boot", Clock::Boot), ("tai", Clock::Tai), ("sw_tai", Clock::SoftwareTai)];

/// `nsecs(clock)`
pub(super) fn nsecs(lower: &mut Lower, call: Call) -> Option<Called> {
    let clock = match call.args.first() {
        None => Clock::Boot,
        Some(ast::Expr { kind: ast::ExprKind::Name(name), span, .. }) => {
            match CLOCKS.iter().find(|(clock, _)| clock == name) {
                Some((_, clock)) => *clock,
                None => {
                    let near = suggest(name, CLOCKS.iter().map(|(clock, _)| *clock));
                    return lower.error_near(*span, format!("unknown clock `{name}`"), near);
                }
            }
        }
        Some(arg) => {
            let value = lower.expr(arg)?;
            let message = format!("{} is not a clock", lower.describe(&value.ty));
            return lower.error_help(arg.span, message, "clocks: monotonic, boot, tai, sw_tai");
        }
    };
    Some(Called::Value(Expr::new(ExprKind::Builtin(Builtin::Nsecs(clock)), Type::U64, call.span)))
}

/// `strftime("format", nsecs)`
pub(super) fn strftime(lower: &mut Lower, call: Call) -> Option<Called> {
    let (format, time) = (lower.text_arg(call, 0), lower.number_arg(call, 1));
    let (format, mut time) = (format?, time?);
    if time.ty.is_signed() && matches!(time.kind, ExprKind::Int(..0)) {
        return lower.error(call.span, "strftime() does not accept negative timestamps");
    }
    // Times are shown by the boot clock; what another one says at this moment is the same time.
    if let ExprKind::Builtin(Builtin::Nsecs(clock)) = &mut time.kind {
        *clock = Clock::Boot;
    }
    Some(cast(lower, time, Type::Time(format.into()), call))
}

/// `strerror(errno)`, `syscall_name(number)`, `signal_name(number)`
pub(super) fn shown(lower: &mut Lower, call: Call) -> Option<Called> {
    let number = lower.number_arg(call, 0)?;
    let ty = match call.name {
        "strerror" => Type::Errno,
        "syscall_name" => Type::SyscallName,
        _ => Type::SignalName,
    };
    Some(Called::Value(lower.named(number, ty, call.span)))
}

/// `cgroup_path(id)`, `cgroup_path(id, "pattern")`
pub(super) fn cgroup_path(lower: &mut Lower, call: Call) -> Option<Called> {
    let pattern = match call.args.get(1) {
        Some(_) => Some(lower.text_arg(call, 1)?.into()),
        None => None,
    };
    let id = lower.number_arg(call, 0)?;
    Some(cast(lower, id, Type::CgroupPath(pattern), call))
}

fn cast(lower: &mut Lower, value: Expr, ty: Type, call: Call) -> Called {
    let wide = Type::Int { bytes: 8, signed: value.ty.is_signed() };
    let value = lower.convert(value, &wide);
    Called::Value(Expr::new(ExprKind::Cast(Box::new(value)), ty, call.span))
}

/// `ntop(address)`, `ntop(family, address)`
pub(super) fn ntop(lower: &mut Lower, call: Call) -> Option<Called> {
    let family = match call.args.len() {
        2 => Some(lower.number_arg(call, 0)?),
        _ => None,
    };
    let last = call.args.last()?;
    let address = lower.expr(last)?;
    let address = lower.as_number(address, &Type::U32);
    let known = address.ty.is_number() || matches!(address.ty.c_size(), Some(4 | 16)) && !address.ty.is_scalar();
    if !known {
        let ty = lower.describe(&address.ty);
        return lower.error(last.span, format!("ntop() takes a number or 4 or 16 bytes, and this is {ty}"));
    }
    let address = match address.ty.is_integer() {
        true => lower.cast(address, &Type::U32),
        false => address,
    };
    let args = family.into_iter().chain([address]).collect();
    Some(Called::Value(Expr::new(ExprKind::Call(Function::Ntop, args), Type::Inet, call.span)))
}

/// `pton("address")`: the bytes of an address that is known now.
pub(super) fn pton(lower: &mut Lower, call: Call) -> Option<Called> {
    let text = lower.text_arg(call, 0)?;
    let bytes = match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.octets().to_vec(),
        Ok(IpAddr::V6(address)) => address.octets().to_vec(),
        Err(_) => {
            let message = format!("`{}` is not an IPv4 or IPv6 address", text.escape_debug());
            return lower.error(call.args[0].span, message);
        }
    };
    let elem = Arc::new(Type::Int { bytes: 1, signed: false });
    let ty = Type::Array { elem, len: bytes.len() as u32 };
    let constant = literal_text(&bytes, call.span);
    Some(Called::Value(lower.reinterpret(constant, ty)))
}

/// `macaddr(bytes)`; the bytes may be those of a number, lowest first.
pub(super) fn macaddr(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let bytes = lower.expr(arg)?;
    if bytes.ty.is_integer() {
        let bytes = lower.cast(bytes, &Type::U64);
        return Some(Called::Value(Expr::new(ExprKind::Call(Function::Mac, vec![bytes]), Type::Mac, call.span)));
    }
    if bytes.ty.is_scalar() || bytes.ty.c_size() != Some(6) {
        let ty = lower.describe(&bytes.ty);
        return lower.error(arg.span, format!("macaddr() takes an array of 6 bytes, and this is {ty}"));
    }
    Some(Called::Value(Expr::new(ExprKind::Call(Function::Mac, vec![bytes]), Type::Mac, call.span)))
}

/// `bswap(number)`
pub(super) fn bswap(lower: &mut Lower, call: Call) -> Option<Called> {
    let number = lower.number_arg(call, 0)?;
    let ty = match number.ty {
        Type::Int { bytes, .. } => Type::Int { bytes, signed: false },
        ref ty => Type::Int { bytes: super::super::join::width(ty), signed: false },
    };
    let number = lower.cast(number, &ty);
    Some(Called::Value(Expr::new(ExprKind::Call(Function::Bswap, vec![number]), ty, call.span)))
}

/// `kptr(pointer)`, `uptr(pointer)`
pub(super) fn space(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let pointer = lower.expr(arg)?;
    let space = if call.name == "kptr" { Space::Kernel } else { Space::User };
    let to = match pointer.ty {
        Type::Pointer { to, .. } => to,
        ref ty if ty.is_integer() => lower.env.types.word(),
        ref ty => {
            let ty = lower.describe(ty);
            return lower.error(arg.span, format!("{}() takes a pointer, and this is {ty}", call.name));
        }
    };
    let ty = Type::Pointer { to, space };
    Some(Called::Value(lower.cast(pointer, &ty)))
}

impl Lower<'_> {
    /// A number that was said to be an address, as the number; anything else as it is.
    pub(in super::super) fn unmarked(&mut self, value: Expr) -> Expr {
        match (value.kind, &value.ty) {
            (ExprKind::Cast(number), Type::Pointer { to, .. })
                if *to == self.env.types.word() && number.ty.is_integer() =>
            {
                *number
            }
            (kind, _) => Expr { kind, ..value },
        }
    }
}
