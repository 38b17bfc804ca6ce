//! Types and declarations on one line: the base, then what is wrapped around it from the inside out.

use super::expr::expr;
use crate::ast::{Declaration, Param, Scope, ScopedName, TagBody, TypeExpr, TypeSpec, TypeSpecKind, Wrap};

/// A type.
pub(super) fn type_expr(ty: &TypeExpr) -> String {
    wrapped(&spec(&ty.base), &ty.wraps)
}

/// Parameters between commas.
pub(super) fn params(all: &[Param]) -> String {
    let all: Vec<String> = all.iter().map(param).collect();
    all.join(", ")
}

/// A parameter.
pub(super) fn param(param: &Param) -> String {
    let name = param.name.as_ref().map(|name| format!(" {}", name.name)).unwrap_or_default();
    format!("{}{name}", type_expr(&param.ty))
}

/// A name with its scope.
pub(super) fn scoped_name(name: &ScopedName) -> String {
    match &name.scope {
        Some(scope) => format!("{scope}`{}", name.name),
        None => name.name.clone(),
    }
}

/// A declaration, one line for what defines a type and one for each declarator.
pub(super) fn declaration_lines(declaration: &Declaration) -> Vec<String> {
    let storage = declaration.storage.map(|storage| format!("{} ", storage.word())).unwrap_or_default();
    let scope = match declaration.scope {
        Scope::Global => "",
        Scope::Thread => "self ",
        Scope::Clause => "this ",
    };
    let base = spec(&declaration.base);
    if declaration.declared.is_empty() {
        return vec![format!("declare {storage}{scope}{base}")];
    }
    let lines = declaration.declared.iter().map(|declared| {
        let name = declared.name.as_ref().map_or("-", |name| name.name.as_str());
        let bits = declared.bits.as_ref().map(|bits| format!(" : {}", expr(bits))).unwrap_or_default();
        format!("declare {storage}{scope}{name}{bits} <{}>", wrapped(&base, &declared.wraps))
    });
    lines.collect()
}

fn wrapped(base: &str, wraps: &[Wrap]) -> String {
    wraps.iter().fold(base.to_owned(), |inner, wrap| match wrap {
        Wrap::Pointer => format!("{inner}*"),
        Wrap::Array(None) => format!("{inner}[]"),
        Wrap::Array(Some(size)) => format!("{inner}[{}]", expr(size)),
        Wrap::Assoc(keys) => format!("{inner}[<{}>]", params(keys)),
        Wrap::Function { params: all, variadic } => {
            let more = if *variadic { " ..." } else { "" };
            format!("{inner}({}{more})", params(all))
        }
    })
}

fn spec(spec: &TypeSpec) -> String {
    match &spec.kind {
        TypeSpecKind::Error => "<error>".to_owned(),
        TypeSpecKind::Words(words) => words.clone(),
        TypeSpecKind::Named(name) => scoped_name(name),
        TypeSpecKind::Tagged { tag, name, body } => {
            let name = name.as_ref().map(|name| format!(" {}", scoped_name(name))).unwrap_or_default();
            let body = body.as_ref().map(tag_body).unwrap_or_default();
            format!("{}{name}{body}", tag.word())
        }
    }
}

fn tag_body(body: &TagBody) -> String {
    let parts: Vec<String> = match body {
        TagBody::Members(members) => members.iter().flat_map(declaration_lines).collect(),
        TagBody::Values(values) => {
            let value = |value: &Option<_>| value.as_ref().map(|value| format!(" = {}", expr(value)));
            values.iter().map(|v| format!("{}{}", v.name.name, value(&v.value).unwrap_or_default())).collect()
        }
    };
    format!(" {{ {} }}", parts.join("; "))
}
