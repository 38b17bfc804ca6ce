//! Questions about types, and promises about values.

use quadrant_program::expr::{BinaryOp, Expr, ExprKind};
use quadrant_program::format::Format;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_types::BtfKind;

use super::super::Lower;
use super::super::expr::literal_int;
use super::{Call, Called};
use crate::ast;

/// The lowest address that stands for an error: -4095.
const FIRST_ERROR: i64 = -4095;

/// `is_str(value)` and its like: known before the trace starts.
pub(super) fn is_type(lower: &mut Lower, call: Call) -> Option<Called> {
    let value = lower.expr(call.args.first()?)?;
    let holds = match call.name {
        "is_str" => matches!(value.ty, Type::String { .. }),
        "is_ptr" => matches!(value.ty, Type::Pointer { .. }),
        "is_array" => matches!(value.ty, Type::Array { .. }),
        "is_integer" => matches!(value.ty, Type::Int { .. } | Type::Enum(_)),
        "is_unsigned_integer" => matches!(value.ty, Type::Int { .. } | Type::Enum(_)) && !value.ty.is_signed(),
        _ => matches!(value.kind, ExprKind::Int(_) | ExprKind::Str(_)),
    };
    Some(Called::Value(Expr::int(i64::from(holds), Type::Bool, call.span)))
}

/// `is_err(pointer)`: whether it is one of the kernel's error numbers.
pub(super) fn is_err(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let value = lower.expr(arg)?;
    if !value.ty.is_integer() && !matches!(value.ty, Type::Pointer { .. }) {
        let ty = lower.describe(&value.ty);
        return lower.error(arg.span, format!("is_err() takes a pointer, and this is {ty}"));
    }
    let address = Box::new(lower.cast(value, &Type::U64));
    let first = Box::new(Expr::int(FIRST_ERROR, Type::U64, call.span));
    Some(Called::Value(Expr::new(ExprKind::Binary(BinaryOp::Ge, address, first), Type::Bool, call.span)))
}

/// `strcap(text)`: how many bytes there is room for, the NUL included.
pub(super) fn strcap(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    match lower.expr(arg)?.ty {
        Type::String { cap } => Some(Called::Value(literal_int(cap.into(), call.span))),
        ty => {
            let ty = lower.describe(&ty);
            lower.error(arg.span, format!("strcap() takes a text, and this is {ty}"))
        }
    }
}

/// `container_of(pointer, type, member)`: the record that a member is in.
pub(super) fn container_of(lower: &mut Lower, call: Call) -> Option<Called> {
    let [pointer, of, member] = call.args else { return None };
    let (Some(kind), Some(path)) = (type_kind(of), member_path(member)) else {
        return lower.error_help(
            call.span,
            "this is no type with a member",
            "usage: container_of(pointer, type, member)",
        );
    };
    let value = lower.expr(pointer);
    let of = ast::TypeExpr::new(of.span, kind);
    let offset = lower.offsetof(&ast::TypeArg::Type(Box::new(of.clone())), &path, call.span)?;
    let ty = lower.type_of(&ast::TypeExpr::new(of.span, ast::TypeKind::Pointer(Box::new(of))))?;
    let value = value?;
    let (Type::Pointer { space, .. }, Type::Pointer { to, .. }) = (value.ty.clone(), ty) else {
        let ty = lower.describe(&value.ty);
        return lower.error(pointer.span, format!("container_of() takes a pointer, and this is {ty}"));
    };
    let (address, offset) = (lower.cast(value, &Type::U64), lower.cast(offset, &Type::U64));
    let start = ExprKind::Binary(BinaryOp::Sub, Box::new(address), Box::new(offset));
    let start = Expr::new(start, Type::U64, call.span);
    Some(Called::Value(lower.cast(start, &Type::Pointer { to, space })))
}

/// `task_struct`, `struct task_struct`
fn type_kind(of: &ast::Expr) -> Option<ast::TypeKind> {
    match &of.kind {
        ast::ExprKind::Name(name) => Some(ast::TypeKind::Named(name.clone())),
        ast::ExprKind::Tagged(tag, name) => Some(ast::TypeKind::Tagged(*tag, name.clone())),
        _ => None,
    }
}

/// `a`, `a.b`
fn member_path(member: &ast::Expr) -> Option<Vec<ast::Ident>> {
    match &member.kind {
        ast::ExprKind::Name(name) => Some(vec![ast::Ident { name: name.clone(), span: member.span }]),
        ast::ExprKind::Field { base, name } => {
            let mut path = member_path(base)?;
            path.push(name.clone());
            Some(path)
        }
        _ => None,
    }
}

/// `kfunc_exist("name")`: whether the kernel's types have a function of that name.
pub(super) fn kfunc_exist(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let exists = lower.env.types.lookup_name_with_kind(&name, &[BtfKind::Func]).is_some();
    Some(Called::Value(Expr::int(i64::from(exists), Type::Bool, call.span)))
}

/// `kfunc_allowed("name")`: whether programs of this kind of probe may call it.
pub(super) fn kfunc_allowed(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.text_arg(call, 0)?;
    let function = lower.env.types.btf_func(&name);
    let allowed = function.is_ok_and(|function| lower.may_call(&function));
    Some(Called::Value(Expr::int(i64::from(allowed), Type::Bool, call.span)))
}

/// `default_str_length()`
pub(super) fn default_str_length(lower: &mut Lower, call: Call) -> Option<Called> {
    Some(Called::Value(literal_int(lower.config.max_strlen.into(), call.span)))
}

/// `fail("format", constants...)`: an error if it is not left out by `if comptime`.
pub(super) fn fail(lower: &mut Lower, call: Call) -> Option<Called> {
    let format = lower.text_arg(call, 0);
    let values: Option<Vec<String>> = call.args[1..].iter().map(|arg| constant_text(lower, arg)).collect();
    let message = filled(&format?, &values?);
    lower.error(call.span, message)
}

fn constant_text(lower: &mut Lower, arg: &ast::Expr) -> Option<String> {
    match lower.expr(arg)?.kind {
        ExprKind::Int(number) => Some(number.to_string()),
        ExprKind::Str(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => lower.error(arg.span, "fail() speaks before the trace starts, and this is not known then"),
    }
}

/// A format with each conversion replaced by the next value.
fn filled(format: &str, values: &[String]) -> String {
    let (mut values, mut text) = (values.iter(), String::new());
    let mut rest = format.chars();
    while let Some(letter) = rest.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        match rest.find(|letter| matches!(letter, 'd' | 'i' | 'u' | 'x' | 'p' | 's' | 'c' | '%')) {
            Some('%') | None => text.push('%'),
            Some(_) => text.extend(values.next().map(String::as_str)),
        }
    }
    text
}

/// `assert_str(text)`: an error if it is no text.
pub(super) fn assert_str(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    match lower.expr(arg)?.ty {
        Type::String { .. } => Some(Called::Effect(StmtKind::Block(Vec::new()))),
        ty => {
            let ty = lower.describe(&ty);
            lower.error(arg.span, format!("this must be a text, and it is {ty}"))
        }
    }
}

/// `static_assert(condition, "message")`
pub(super) fn static_assert(lower: &mut Lower, call: Call) -> Option<Called> {
    let (cond, message) = (lower.comptime(call.args.first()?), lower.text_arg(call, 1));
    match (cond?.kind, message?) {
        (ExprKind::Int(0), message) => lower.error(call.span, message),
        _ => Some(Called::Effect(StmtKind::Block(Vec::new()))),
    }
}

/// `assert(condition, "message")`: the message and the end of the trace with status 1 if it does not hold.
pub(super) fn assert(lower: &mut Lower, call: Call) -> Option<Called> {
    let (cond, message) = (lower.condition(call.args.first()?), lower.text_arg(call, 1));
    let (cond, message) = (cond?, message?);
    let span = call.span;
    let format = match Format::parse(format!("assert failed: {}", message.replace("%", "%%")).as_bytes(), &[]) {
        Ok(format) => format,
        Err(_) => return lower.error(call.args[1].span, "this text cannot be a message"),
    };
    let say = Stmt::new(lower.emit(RecordKind::Errorf(format), Vec::new(), span), span);
    let record = lower.record(RecordKind::Exit, vec![Type::I64], span);
    let end = Stmt::new(StmtKind::Exit { record, code: Expr::int(1, Type::I64, span) }, span);
    Some(Called::Effect(StmtKind::If { cond, then: Vec::new(), other: vec![say, end] }))
}
