//! `#pragma D depends_on`: what scripts say that they need.

use quadrant_program::diag::Diagnostic;

use super::env::Env;
use crate::ast::{Dependency, Ident, PragmaKind, Script};
use crate::providers;

/// Messages about what is not there.
pub(super) fn unmet(scripts: &[Script], env: &Env) -> Vec<Diagnostic> {
    let pragmas = scripts.iter().flat_map(|script| &script.pragmas);
    let reasons = pragmas.filter_map(|pragma| match &pragma.kind {
        PragmaKind::DependsOn { kind, name } => Some((pragma.span, reason(*kind, name, env)?)),
        _ => None,
    });
    reasons.map(|(span, reason)| Diagnostic::error(span, reason).tag("D_PRAGMA_DEPEND")).collect()
}

fn reason(kind: Dependency, Ident { name, .. }: &Ident, env: &Env) -> Option<String> {
    match kind {
        Dependency::Library => Some("main program may not explicitly depend on a library".to_owned()),
        Dependency::Provider if !providers::is_provider(name) => Some(format!("program requires provider {name}")),
        Dependency::Module if !env.symbols.has_module(name) => Some(format!("program requires module {name}")),
        _ => None,
    }
}
