//! Stacks and symbols.

use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::ty::{StackMode, SymbolPart, Type};

use super::super::Lower;
use super::super::config::stack_mode;
use super::super::names::MAX_STACK;
use super::{Call, Called};
use crate::ast;

/// `kstack(mode, limit)`, `ustack(mode, limit)`
pub(super) fn stack(lower: &mut Lower, call: Call) -> Option<Called> {
    let user = call.name == "ustack";
    let mode = match call.args.first() {
        Some(arg) => mode_arg(arg),
        None => None,
    };
    if mode == Some(StackMode::BuildId) && !user {
        let help = "stacks of the kernel have the modes bpftrace, perf and raw";
        return lower.error_help(call.args.first()?.span, "only files of programs have build IDs", help);
    }
    let limit = match (call.args, mode) {
        ([], _) | ([_], Some(_)) => None,
        ([first], None) => Some(only_limit(lower, call, first)?),
        (_, Some(_)) => Some(limit(lower, call, 1)?),
        ([first, ..], None) if !matches!(first.kind, ast::ExprKind::Name(_)) => {
            let help = format!("usage: {}([mode,] [limit])", call.name);
            return lower.error_help(
                call.span,
                format!("the first of two arguments of {}() is a mode", call.name),
                help,
            );
        }
        ([first, ..], None) => return unknown_mode(lower, call, first),
    };
    lower.stack(user, mode, limit, call.span).map(Called::Value)
}

fn mode_arg(arg: &ast::Expr) -> Option<StackMode> {
    match &arg.kind {
        ast::ExprKind::Name(name) => stack_mode(name),
        _ => None,
    }
}

fn unknown_mode<T>(lower: &mut Lower, call: Call, mode: &ast::Expr) -> Option<T> {
    lower.error_help(
        mode.span,
        format!("unknown stack mode of {}()", call.name),
        "modes are: bpftrace, perf, raw, build_id",
    )
}

/// The only argument: a word that means nothing else was to be a mode.
fn only_limit(lower: &mut Lower, call: Call, arg: &ast::Expr) -> Option<u8> {
    let before = lower.messages.len();
    let limit = limit(lower, call, 0);
    if limit.is_none() && matches!(arg.kind, ast::ExprKind::Name(_)) {
        lower.messages.take_back(before);
        return unknown_mode(lower, call, arg);
    }
    limit
}

fn limit(lower: &mut Lower, call: Call, at: usize) -> Option<u8> {
    if let Some(mode) = call.args[at..].first().filter(|arg| mode_arg(arg).is_some()) {
        return lower.error(mode.span, format!("the limit of {}() is no mode", call.name));
    }
    let value = lower.constant_arg(call, at)?;
    match u8::try_from(value) {
        Ok(limit @ 0..=MAX_STACK) => Some(limit),
        _ if value > i64::from(MAX_STACK) => {
            let message = format!("a stack has at most {MAX_STACK} frames: no more are kept");
            lower.warning(call.args[at].span, message);
            Some(MAX_STACK)
        }
        _ => lower.error(call.args[at].span, format!("a {} has 0 to {MAX_STACK} frames", call.name)),
    }
}

/// `ksym(address)`, `usym(address)`
pub(super) fn symbol(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let address = lower.expr(arg)?;
    let address = lower.as_number(address, &Type::U64);
    if !address.ty.is_number() && !matches!(address.ty, Type::Pointer { .. }) {
        let ty = lower.describe(&address.ty);
        return lower.error(arg.span, format!("{}() takes an address, and this is {ty}", call.name));
    }
    let address = lower.cast(address, &Type::U64);
    let ty = Type::Symbol { user: call.name == "usym", part: SymbolPart::Symbol };
    Some(Called::Value(Expr::new(ExprKind::Call(Function::Symbol, vec![address]), ty, call.span)))
}
