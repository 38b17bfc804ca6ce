//! Texts and buffers.

use quadrant_program::build::place_of;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::span::Span;
use quadrant_program::ty::{Space, Type};

use super::super::Lower;
use super::super::expr::{as_pointer, literal_text};
use super::{Call, Called};
use crate::ast::{self, BinOp};

impl Lower<'_> {
    /// The text at an address (or in a text that is there already). A length counts the NUL, as in C.
    pub(in super::super) fn text_at(&mut self, addr: Expr, space: Space, length: Option<Expr>, span: Span) -> Expr {
        let max = self.config.max_strlen;
        let cap = match &length {
            Some(Expr { kind: ExprKind::Int(length), .. }) => u32::try_from(*length).unwrap_or(max).clamp(1, max),
            _ => max,
        };
        let args = std::iter::once(addr).chain(length).collect();
        Expr::new(ExprKind::Call(Function::Str(space), args), Type::String { cap }, span)
    }

    /// A value that must be text, or a pointer to text.
    fn text_value(&mut self, call: Call, at: usize) -> Option<Expr> {
        let arg = call.args.get(at)?;
        let value = self.expr(arg)?;
        match self.as_text(value, None) {
            Ok(text) => Some(self.whole(text)),
            Err(value) => {
                let ty = self.describe(&value.ty);
                let help = "read a text from an address with str()";
                self.error_help(arg.span, format!("{}() takes a text here, and this is {ty}", call.name), help)
            }
        }
    }

    /// Text as it is, or read through a pointer; gives anything else back.
    fn as_text(&mut self, value: Expr, length: Option<Expr>) -> Result<Expr, Expr> {
        let span = value.span;
        let value = self.point_text(value);
        let value = self.name_text(value);
        match value.ty {
            Type::String { .. } => Ok(value),
            Type::Pointer { space, .. } => Ok(self.text_at(value, readable(space), length, span)),
            Type::Array { .. } => {
                let (addr, space) = place_of(value);
                Ok(self.text_at(addr, readable(space), length, span))
            }
            _ => Err(value),
        }
    }
}

/// `str(address)`, `str(address, length)`, `str($1)`
pub(super) fn str(lower: &mut Lower, call: Call) -> Option<Called> {
    let first = call.args.first()?;
    let value = match param(lower, first) {
        Some(text) => text,
        None => lower.expr(first),
    };
    let length = call.args.get(1).map(|_| lower.number_arg(call, 1));
    if let Some(extra) = call.args.get(2) {
        lower.warning(extra.span, "str() takes an address and a length: more arguments change nothing");
    }
    let value = lower.name_text(value?);
    let length = match length {
        Some(length) => Some(length_of(lower, call.name, length?)?),
        None => None,
    };
    if let (Type::String { cap }, Some(length)) = (&value.ty, &length) {
        let cap = *cap;
        return cut(lower, call, value, cap, length.clone());
    }
    if value.ty.is_number() {
        let space = lower.number_space();
        let address = lower.cast(value, &Type::U64);
        return Some(Called::Value(lower.text_at(address, space, length, call.span)));
    }
    match lower.as_text(value, length) {
        Ok(text) => Some(Called::Value(Expr { span: call.span, ..text })),
        Err(value) => {
            let ty = lower.describe(&value.ty);
            lower.error(first.span, format!("str() takes an address, and this is {ty}"))
        }
    }
}

fn length_of(lower: &mut Lower, of: &str, length: Expr) -> Option<Expr> {
    match length.kind {
        ExprKind::Int(number @ ..0) if length.ty.is_signed() => {
            lower.error(length.span, format!("the length of {of}() is not negative, and this is {number}"))
        }
        _ => Some(lower.cast(length, &Type::U64)),
    }
}

/// `str(text, length)`: the start of a text that is in memory.
fn cut(lower: &mut Lower, call: Call, value: Expr, cap: u32, length: Expr) -> Option<Called> {
    match (&value.kind, &length.kind) {
        (ExprKind::Str(text), ExprKind::Int(length)) => {
            let keep = usize::try_from(*length).unwrap_or(0).min(text.len());
            Some(Called::Value(literal_text(&text[..keep], call.span)))
        }
        (_, ExprKind::Int(length)) if *length > i64::from(cap) => Some(Called::Value(lower.whole(value))),
        (_, ExprKind::Int(length)) if *length == i64::from(cap) => Some(Called::Value(value)),
        (ExprKind::Deref { .. }, _) => {
            let (addr, space) = place_of(value);
            Some(Called::Value(lower.text_at(addr, readable(space), Some(length), call.span)))
        }
        _ => {
            let text = lower.text_at(value, Space::Program, Some(length), call.span);
            let cap = text.ty.c_size().unwrap_or(cap).min(cap);
            Some(Called::Value(Expr { ty: Type::String { cap }, ..text }))
        }
    }
}

/// `$1`, `$1 + 3` as text; nothing if it is something else.
fn param(lower: &mut Lower, ast: &ast::Expr) -> Option<Option<Expr>> {
    let (number, skip) = match &ast.kind {
        ast::ExprKind::Param(number) => (*number, 0),
        ast::ExprKind::Binary { op: BinOp::Add, left, right, .. } => match (&left.kind, &right.kind) {
            (ast::ExprKind::Param(number), ast::ExprKind::Int(skip)) => (*number, skip.value),
            _ => return None,
        },
        _ => return None,
    };
    let text = lower.param_text(number).unwrap_or("");
    let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(text.len());
    let text = text.as_bytes()[skip..].to_vec();
    if text.len() >= lower.config.max_strlen as usize {
        let message = format!("parameter `${number}` is longer than `max_strlen`");
        return Some(lower.error_help(ast.span, message, "raise it: `config = { max_strlen = ... }`"));
    }
    Some(Some(literal_text(&text, ast.span)))
}

/// `buf(address, length)`, `buf(array)`
pub(super) fn buf(lower: &mut Lower, call: Call) -> Option<Called> {
    bytes(lower, call, 0).map(Called::Value)
}

/// The bytes at the address that argument `at` is, as many as the next one says.
pub(super) fn bytes(lower: &mut Lower, call: Call, at: usize) -> Option<Expr> {
    let first = call.args.get(at)?;
    let value = lower.expr(first);
    let length = match call.args.get(at + 1) {
        Some(_) => Some(lower.number_arg(call, at + 1)?),
        None => None,
    };
    let value = as_pointer(value?);
    let size = value.ty.c_size().filter(|_| !value.ty.is_number());
    let ty = value.ty.clone();
    let (addr, space) = match value.ty {
        Type::Pointer { space, .. } => (value, space),
        Type::Array { .. } | Type::String { .. } | Type::Record(_) => place_of(value),
        ref ty if ty.is_number() => {
            let space = lower.number_space();
            (lower.cast(value, &Type::U64), space)
        }
        ref ty => {
            let ty = lower.describe(ty);
            return lower
                .error(first.span, format!("{}() takes an address or an array here, and this is {ty}", call.name));
        }
    };
    let length = match (length, size) {
        (Some(length), _) => length_of(lower, call.name, length)?,
        (None, Some(size)) if !matches!(addr.kind, ExprKind::Builtin(_)) && !is_pointer_value(&addr, size) => {
            Expr::int(i64::from(size), Type::U64, call.span)
        }
        _ => {
            let message = format!("{}() needs a length: {} has none", call.name, lower.describe(&ty));
            return lower.error_help(call.span, message, format!("write it: {}(address, length)", call.name));
        }
    };
    let max = lower.config.max_strlen;
    let cap = match length.kind {
        ExprKind::Int(length) => u32::try_from(length).unwrap_or(max).clamp(1, max),
        _ => max,
    };
    let kind = ExprKind::Call(Function::Buf(readable(space)), vec![addr, length]);
    Some(Expr::new(kind, Type::Buffer { cap }, call.span))
}

/// `strlen(text)`
pub(super) fn strlen(lower: &mut Lower, call: Call) -> Option<Called> {
    let text = lower.text_value(call, 0)?;
    if let ExprKind::Str(text) = &text.kind {
        return Some(Called::Value(Expr::int(text.len() as i64, Type::U64, call.span)));
    }
    Some(value(Function::Strlen, vec![text], Type::U64, call.span))
}

/// `strncmp(a, b, length)`
pub(super) fn strncmp(lower: &mut Lower, call: Call) -> Option<Called> {
    first_bytes(lower, call, Function::Strncmp, Type::I64)
}

/// `memcmp(a, b, length)`
pub(super) fn memcmp(lower: &mut Lower, call: Call) -> Option<Called> {
    first_bytes(lower, call, Function::Memcmp, Type::Int { bytes: 4, signed: true })
}

fn first_bytes(lower: &mut Lower, call: Call, function: Function, ty: Type) -> Option<Called> {
    let (a, b) = (lower.text_value(call, 0), lower.text_value(call, 1));
    let length = lower.constant_arg(call, 2);
    let (a, b, length) = (a?, b?, length?);
    if length < 0 {
        return lower.error(call.args[2].span, format!("{}() compares 0 bytes or more", call.name));
    }
    let length = Expr::int(length, Type::U64, call.args[2].span);
    Some(value(function, vec![a, b, length], ty, call.span))
}

/// `strcontains(text, part)`
pub(super) fn strcontains(lower: &mut Lower, call: Call) -> Option<Called> {
    let (text, part) = (lower.text_value(call, 0), lower.text_value(call, 1));
    Some(value(Function::Strcontains, vec![text?, part?], Type::Bool, call.span))
}

/// `strstr(text, part)`
pub(super) fn strstr(lower: &mut Lower, call: Call) -> Option<Called> {
    let (text, part) = (lower.text_value(call, 0), lower.text_value(call, 1));
    Some(value(Function::Strstr, vec![text?, part?], Type::I64, call.span))
}

/// `str_concat(a, b)`
pub(super) fn str_concat(lower: &mut Lower, call: Call) -> Option<Called> {
    let (a, b) = (lower.text_value(call, 0), lower.text_value(call, 1));
    let (a, b) = (a?, b?);
    if let (ExprKind::Str(a), ExprKind::Str(b)) = (&a.kind, &b.kind) {
        let both = [&**a, &**b].concat();
        return lower.string(&both, call.span).map(Called::Value);
    }
    let (Type::String { cap: first }, Type::String { cap: second }) = (&a.ty, &b.ty) else { return None };
    let cap = match lower.grows {
        // A text that is put together with itself may become as long as any.
        true => lower.config.max_strlen.max(*first).max(*second),
        false => (first + second).saturating_sub(1).max(1),
    };
    Some(value(Function::Concat, vec![a, b], Type::String { cap }, call.span))
}

fn value(function: Function, args: Vec<Expr>, ty: Type, span: Span) -> Called {
    Called::Value(Expr::new(ExprKind::Call(function, args), ty, span))
}

/// The context is kernel memory: helpers read it as such.
fn readable(space: Space) -> Space {
    if space == Space::Context { Space::Kernel } else { space }
}

fn is_pointer_value(addr: &Expr, size: u32) -> bool {
    matches!(addr.ty, Type::Pointer { .. }) && size == 8
}
