//! Functions on maps.

use quadrant_program::diag::Diagnostic;
use quadrant_program::expr::{Expr, ExprKind, Function};
use quadrant_program::map::MapValue;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;

use super::super::Lower;
use super::{Call, Called};
use crate::ast::{self, Ident};

/// How the functions that look for a key are called.
const USAGE: &str = "usage: delete(@map, key), has_key(@map, key)";

/// `clear(@map)`, `zero(@map)`
pub(super) fn clear(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.map_arg(call, 0)?;
    let map = lower.whole_map(name)?;
    let kind = if call.name == "clear" { RecordKind::Clear(map) } else { RecordKind::Zero(map) };
    Some(Called::Effect(lower.emit(kind, Vec::new(), call.span)))
}

/// `delete(@map, key)`, `delete(@map)`; the old `delete(@map[key])`
pub(super) fn delete(lower: &mut Lower, call: Call) -> Option<Called> {
    let (name, key): (&Ident, &[ast::Expr]) = match call.args {
        [ast::Expr { kind: ast::ExprKind::Map { name, key }, .. }] => (name, key),
        [ast::Expr { kind: ast::ExprKind::Map { name, key: none }, .. }, key @ ..] if none.is_empty() => (name, key),
        [_, rest, ..] if matches!(rest.kind, ast::ExprKind::Map { .. }) => {
            let message = "delete() removes one key of one map";
            return lower.error_help(call.span, message, "write a delete() for each");
        }
        [_, ..] => return no_map(lower, call),
        [] => return None,
    };
    if key.is_empty() && lower.is_keyed(&name.name) == Some(true) {
        let message = format!("`@{}` has keys: which one is to be deleted?", name.name);
        return lower.error_help(call.span, message, "usage: delete(@map, key); clear(@map) deletes all");
    }
    if key.is_empty() {
        lower.defined_for(name, call.name, call.span)?;
    } else {
        has_keys(lower, name, call)?;
    }
    let element = lower.element(name, key, call.span)?;
    lower.whole_map(name)?;
    let kind = ExprKind::MapDelete { map: element.map, key: element.key.map(Box::new) };
    Some(Called::Value(Expr::new(kind, Type::Bool, call.span)))
}

/// `has_key(@map, key)`
pub(super) fn has_key(lower: &mut Lower, call: Call) -> Option<Called> {
    let ast::ExprKind::Map { name, key: none } = &call.args.first()?.kind else { return no_map(lower, call) };
    if !none.is_empty() {
        return no_map(lower, call);
    }
    has_keys(lower, name, call)?;
    let element = lower.element_with_key(name, call.args.get(1)?, call.span)?;
    lower.whole_map(name)?;
    let kind = ExprKind::MapHas { map: element.map, key: element.key.map(Box::new) };
    Some(Called::Value(Expr::new(kind, Type::Bool, call.span)))
}

/// `find(@map, key, $variable)`: whether the key is there, and its value in the variable if it is.
pub(super) fn find(lower: &mut Lower, call: Call) -> Option<Called> {
    let name = lower.map_arg(call, 0)?;
    let ast::ExprKind::Var(var) = &call.args[2].kind else {
        return lower.error(call.args[2].span, "find() puts the value into a variable: `$value`");
    };
    let element = lower.element_with_key(name, &call.args[1], call.span)?;
    lower.whole_map(name)?;
    let (keep_key, key) = lower.keep(element.key.clone()?);
    let ty = match lower.map_value(&name.name)? {
        MapValue::Plain(ty) => ty,
        MapValue::Aggregation(aggregation) => lower.aggregated(&aggregation, &element)?,
    };
    let (map, key) = (element.map, Some(Box::new(key)));
    let value = Expr::new(ExprKind::MapGet { map, key: key.clone() }, ty, call.span);
    let assign = lower.assign_value(var, call.args[2].span, Some(value), call.span)?;
    let has = Expr::new(ExprKind::MapHas { map, key }, Type::Bool, call.span);
    let (keep_has, has) = lower.keep(has);
    let then = vec![Stmt::new(assign, call.span)];
    let take = Stmt::new(StmtKind::If { cond: has.clone(), then, other: Vec::new() }, call.span);
    let kind = ExprKind::Block(vec![keep_key, keep_has, take], Box::new(has));
    Some(Called::Value(Expr::new(kind, Type::Bool, call.span)))
}

/// `len(kstack)`, `len($stack)`
fn frames(lower: &mut Lower, arg: &ast::Expr, call: Call) -> Option<Called> {
    let value = lower.expr(arg)?;
    let kind = match (&value.kind, &value.ty) {
        // Nothing need be kept of a stack that is only counted.
        (ExprKind::Call(Function::Stack, _), Type::Stack(stack)) => {
            ExprKind::Call(Function::Frames(*stack), Vec::new())
        }
        (_, Type::Stack(stack)) => ExprKind::Call(Function::FramesOf(*stack), vec![value]),
        (_, ty) => {
            let ty = lower.describe(ty);
            return lower.error(arg.span, format!("len() takes a map or a stack, and this is {ty}"));
        }
    };
    Some(Called::Value(Expr::new(kind, Type::U64, call.span)))
}

/// `len(@map)`, `len(kstack)`
pub(super) fn len(lower: &mut Lower, call: Call) -> Option<Called> {
    let arg = call.args.first()?;
    let name = match &arg.kind {
        ast::ExprKind::Map { name, key } if key.is_empty() => name,
        _ => return frames(lower, arg, call),
    };
    lower.defined_for(name, call.name, call.span)?;
    let map = lower.whole_map(name)?;
    if lower.is_keyed(&name.name) == Some(false) {
        return lower.error(arg.span, format!("`@{}` has no keys to count", name.name));
    }
    Some(Called::Value(Expr::new(ExprKind::MapLen(map), Type::U64, call.span)))
}

/// Says that what was to be a map is none.
fn no_map<T>(lower: &mut Lower, call: Call) -> Option<T> {
    let first = call.args.first().map_or(call.span, |first| first.span);
    let message = Diagnostic::error(call.span, format!("{}() looks for a key in a map, and this is none", call.name));
    lower.report(message.place(first, format!("`{}` takes a map first, without a key", call.name)).help(USAGE));
    None
}

/// Refuses the key of a map that has none.
fn has_keys(lower: &mut Lower, name: &Ident, call: Call) -> Option<()> {
    if lower.is_keyed(&name.name) != Some(false) {
        return Some(());
    }
    lower.error(call.span, format!("{}() takes the key of a map, and `@{}` has none", call.name, name.name))
}
