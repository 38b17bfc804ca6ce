//! Expressions and types in prefix form, on one line.

use crate::ast::{Block, Expr, ExprKind, Ident, IfExpr, TypeArg, TypeExpr, TypeKind};

/// An expression.
pub(super) fn expr(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Error => "<error>".to_owned(),
        ExprKind::Int(literal) if literal.duration => format!("{}ns", literal.value),
        ExprKind::Int(literal) if literal.unsigned => format!("{}u", literal.value),
        ExprKind::Int(literal) => literal.value.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Str(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        ExprKind::Param(number) => format!("${number}"),
        ExprKind::ParamCount => "$#".to_owned(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Tagged(tag, name) => format!("{} {name}", tag.word()),
        ExprKind::Var(name) => format!("${name}"),
        ExprKind::Map { name, key } if key.is_empty() => format!("@{}", name.name),
        ExprKind::Map { name, key } => format!("(@{} [{}])", name.name, joined(key)),
        ExprKind::Call { callee, args } => format!("({}!{})", callee.name, spaced(args)),
        ExprKind::Sizeof(arg) => format!("(sizeof {})", type_arg(arg)),
        ExprKind::Typeof(arg) => format!("(typeof {})", type_arg(arg)),
        ExprKind::Typeinfo(arg) => format!("(typeinfo {})", type_arg(arg)),
        ExprKind::Offsetof { of, path } => format!("(offsetof {} {})", type_arg(of), dotted(path)),
        ExprKind::HasField { of, path } => format!("(has_field {} {})", type_arg(of), dotted(path)),
        kind => compound(kind),
    }
}

/// Expressions in parentheses.
pub(super) fn list(items: &[Expr]) -> String {
    format!("({})", joined(items))
}

/// A type.
pub(super) fn ty(of: &TypeExpr) -> String {
    match &of.kind {
        TypeKind::Error => "<error>".to_owned(),
        TypeKind::Named(name) => name.clone(),
        TypeKind::Tagged(tag, name) => format!("{} {name}", tag.word()),
        TypeKind::Pointer(inner) => format!("{}*", ty(inner)),
        TypeKind::Array(inner, size) => {
            let size = size.as_ref().map(|size| expr(size)).unwrap_or_default();
            format!("{}[{size}]", ty(inner))
        }
        TypeKind::Typeof(arg) => format!("typeof({})", type_arg(arg)),
        TypeKind::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(ty).collect();
            format!("({})", parts.join(", "))
        }
    }
}

fn compound(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Field { base, name } => format!("(. {} {})", expr(base), name.name),
        ExprKind::TupleField { base, index } => format!("(. {} {index})", expr(base)),
        ExprKind::Index { base, index } => format!("([] {} {})", expr(base), expr(index)),
        ExprKind::Unary { op, operand } => format!("({} {})", op.symbol(), expr(operand)),
        ExprKind::IncDec { increment, prefix, target } => {
            let op = if *increment { "++" } else { "--" };
            match prefix {
                true => format!("({op}_ {})", expr(target)),
                false => format!("(_{op} {})", expr(target)),
            }
        }
        ExprKind::Binary { op, left, right, .. } => {
            format!("({} {} {})", op.symbol(), expr(left), expr(right))
        }
        ExprKind::Ternary { cond, then, other } => {
            let then = then.as_ref().map_or("-".to_owned(), |then| expr(then));
            format!("(? {} {then} {})", expr(cond), expr(other))
        }
        ExprKind::Cast { ty: to, operand } => format!("(cast {} {})", ty(to), expr(operand)),
        ExprKind::Tuple(parts) => format!("(tuple{})", spaced(parts)),
        ExprKind::Record(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!(" {}={}", name.name, expr(value))).collect();
            format!("(record{})", fields.concat())
        }
        ExprKind::If(parts) => if_expr(parts),
        ExprKind::Block(inner) => block(inner),
        ExprKind::Comptime(inner) => format!("(comptime {})", expr(inner)),
        ExprKind::Given { inner, .. } => expr(inner),
        _ => String::new(),
    }
}

fn if_expr(parts: &IfExpr) -> String {
    let arms = parts.arms.iter().map(|(cond, body)| format!("if {} {}", expr(cond), block(body)));
    let other = parts.other.as_ref().map(block);
    let all: Vec<String> = arms.chain(other).collect();
    format!("({})", all.join(" else "))
}

fn block(inner: &Block) -> String {
    let mut parts: Vec<String> = inner.stmts.iter().map(|stmt| format!("{};", super::stmt_line(stmt))).collect();
    parts.extend(inner.tail.as_ref().map(|tail| expr(tail)));
    format!("{{ {} }}", parts.join(" "))
}

fn type_arg(arg: &TypeArg) -> String {
    match arg {
        TypeArg::Type(of) => format!("<{}>", ty(of)),
        TypeArg::Expr(of) => expr(of),
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
