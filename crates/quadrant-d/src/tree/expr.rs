//! Expressions in prefix form, on one line.

use super::types::{scoped_name, type_expr};
use crate::ast::{Expr, ExprKind, Ident, IntLiteral, MacroVar, Scope, TypeArg};

/// An expression.
pub(super) fn expr(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Error => "<error>".to_owned(),
        ExprKind::Int(literal) => int(literal),
        ExprKind::Char(value) => format!("char({value})"),
        ExprKind::Str(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        ExprKind::Macro(MacroVar::Arg(number)) => format!("${number}"),
        ExprKind::Macro(MacroVar::ArgText(number)) => format!("$${number}"),
        ExprKind::Macro(MacroVar::NamedText(name)) => format!("$${name}"),
        ExprKind::Macro(MacroVar::Named(name)) => format!("${name}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Scoped { scope, name } => {
            let word = if *scope == Scope::Thread { "self" } else { "this" };
            format!("{word}->{}", name.name)
        }
        ExprKind::Symbol(name) => scoped_name(name),
        ExprKind::Agg { name, keys } if keys.is_empty() => format!("@{}", name.name),
        ExprKind::Agg { name, keys } => format!("(@{} [{}])", name.name, joined(keys)),
        ExprKind::Call { callee, args } => format!("({}!{})", callee.name, spaced(args)),
        kind => compound(kind),
    }
}

fn int(literal: &IntLiteral) -> String {
    let unsigned = if literal.unsigned { "u" } else { "" };
    let longs = "l".repeat(literal.longs.into());
    match literal.decimal {
        true => format!("{}{unsigned}{longs}", literal.value),
        false => format!("{:#x}{unsigned}{longs}", literal.value),
    }
}

fn compound(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Index { base, keys } => format!("([] {} {})", expr(base), joined(keys)),
        ExprKind::Field { base, arrow, name } => {
            let op = if *arrow { "->" } else { "." };
            format!("({op} {} {})", expr(base), name.name)
        }
        ExprKind::Unary { op, operand } => format!("({} {})", op.symbol(), expr(operand)),
        ExprKind::IncDec { increment, prefix, target } => {
            let op = if *increment { "++" } else { "--" };
            match prefix {
                true => format!("({op}_ {})", expr(target)),
                false => format!("(_{op} {})", expr(target)),
            }
        }
        ExprKind::Binary { op, left, right, .. } => format!("({} {} {})", op.symbol(), expr(left), expr(right)),
        ExprKind::Assign { op, target, value, .. } => {
            let op = op.map_or("", |op| op.symbol());
            format!("({op}= {} {})", expr(target), expr(value))
        }
        ExprKind::Ternary { cond, then, other } => format!("(? {} {} {})", expr(cond), expr(then), expr(other)),
        ExprKind::Comma(parts) => format!("(,{})", spaced(parts)),
        ExprKind::Cast { ty, operand } => format!("(cast <{}> {})", type_expr(ty), expr(operand)),
        ExprKind::Sizeof(TypeArg::Type(ty)) => format!("(sizeof <{}>)", type_expr(ty)),
        ExprKind::Sizeof(TypeArg::Expr(inner)) => format!("(sizeof {})", expr(inner)),
        ExprKind::Offsetof { ty, path } => format!("(offsetof <{}> {})", type_expr(ty), dotted(path)),
        ExprKind::Stringof(inner) => format!("(stringof {})", expr(inner)),
        ExprKind::Xlate { ty, operand } => format!("(xlate <{}> {})", type_expr(ty), expr(operand)),
        _ => String::new(),
    }
}

fn dotted(path: &[Ident]) -> String {
    let names: Vec<&str> = path.iter().map(|ident| ident.name.as_str()).collect();
    names.join(".")
}

fn joined(items: &[Expr]) -> String {
    let items: Vec<String> = items.iter().map(expr).collect();
    items.join(", ")
}

fn spaced(items: &[Expr]) -> String {
    items.iter().map(|item| format!(" {}", expr(item))).collect()
}
