//! `#pragma D attributes` and `binding`: whether there is what they speak of.

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::distinct;
use crate::ast::{
    AttributeTarget, Declaration, Ident, Item, PragmaKind, Scope, Script, Storage, TagBody, TypeSpecKind, Wrap,
};
use crate::providers;

/// Messages about pragmas for what the scripts do not declare.
pub(super) fn aimless(scripts: &[Script]) -> Vec<Diagnostic> {
    let pragmas = scripts.iter().flat_map(|script| script.pragmas.iter().map(move |pragma| (script, pragma)));
    pragmas.filter_map(|(script, pragma)| message(script, &pragma.kind, pragma.span)).collect()
}

fn message(script: &Script, kind: &PragmaKind, span: Span) -> Option<Diagnostic> {
    let (pragma, name) = match kind {
        PragmaKind::Attributes { target: AttributeTarget::Provider { provider, .. }, .. } => {
            return (!has_provider(script, provider, span)).then(|| unused("attributes", span));
        }
        PragmaKind::Attributes { target: AttributeTarget::Name(name), .. } => ("attributes", &name.name),
        PragmaKind::Binding { name, .. } => ("binding", &name.name),
        _ => return None,
    };
    if script.items.iter().any(|item| declares(item, name)) {
        return None;
    }
    if distinct::is_builtin(name) {
        let message = format!("#pragma {pragma} cannot modify entity defined outside program scope");
        return Some(Diagnostic::error(span, message).tag("D_PRAGMA_SCOPE"));
    }
    Some(unused(pragma, span))
}

fn unused(pragma: &str, span: Span) -> Diagnostic {
    let help = "it is for a global variable, an inline or an enumerator that the script declares";
    Diagnostic::error(span, format!("unused #pragma {pragma}")).tag("D_PRAGMA_UNUSED").help(help)
}

/// A provider of the system, or one that stands before the pragma.
fn has_provider(script: &Script, provider: &Ident, span: Span) -> bool {
    let is_own = |item: &Item| matches!(item, Item::Provider(own) if own.name.name == provider.name && own.span.start < span.start);
    providers::is_provider(&provider.name) || script.items.iter().any(is_own)
}

fn declares(item: &Item, name: &str) -> bool {
    match item {
        Item::Inline(inline) => inline.name.name == name,
        Item::Declaration(declaration) => declares_variable(declaration, name) || declares_constant(declaration, name),
        Item::Translator(_) | Item::Provider(_) | Item::Clause(_) => false,
    }
}

fn declares_variable(declaration: &Declaration, name: &str) -> bool {
    let is_variable = declaration.scope == Scope::Global && declaration.storage != Some(Storage::Typedef);
    let mut declared = declaration.declared.iter();
    is_variable
        && declared.any(|declared| {
            let is_function = matches!(declared.wraps.last(), Some(Wrap::Function { .. }));
            !is_function && declared.name.as_ref().is_some_and(|declared| declared.name == name)
        })
}

fn declares_constant(declaration: &Declaration, name: &str) -> bool {
    let TypeSpecKind::Tagged { body: Some(TagBody::Values(values)), .. } = &declaration.base.kind else {
        return false;
    };
    values.iter().any(|value| value.name.name == name)
}
