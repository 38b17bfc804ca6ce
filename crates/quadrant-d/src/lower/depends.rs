//! `#pragma D depends_on`: what scripts and libraries say that they need.

use std::path::Path;

use quadrant_program::diag::Diagnostic;
use quadrant_program::span::Span;

use super::env::{Env, Library};
use crate::ast::{Dependency, PragmaKind, Script};
use crate::{library, providers};

/// Messages about what is not there.
pub(super) fn unmet(scripts: &[Script], env: &Env) -> Vec<Diagnostic> {
    let reasons = scripts.iter().flat_map(needs).filter_map(|(span, kind, name)| {
        let reason = match kind {
            Dependency::Library => "main program may not explicitly depend on a library".to_owned(),
            _ => format!("program requires {}", missing(kind, name, env)?),
        };
        Some((span, reason))
    });
    reasons.map(|(span, reason)| Diagnostic::error(span, reason).tag("D_PRAGMA_DEPEND")).collect()
}

/// The first that a library needs and that is not there: then it is as if the library was not there, either.
pub(super) fn unmet_by_library(library: &Library, script: &Script, env: &Env) -> Option<String> {
    let missing = needs(script).find_map(|(_, kind, name)| missing(kind, name, env))?;
    Some(format!("{} requires {missing}, which is not here", library.name))
}

fn needs(script: &Script) -> impl Iterator<Item = (Span, Dependency, &str)> {
    script.pragmas.iter().filter_map(|pragma| match &pragma.kind {
        PragmaKind::DependsOn { kind, name } => Some((pragma.span, *kind, name.name.as_str())),
        _ => None,
    })
}

fn missing(kind: Dependency, name: &str, env: &Env) -> Option<String> {
    let is_there = match kind {
        Dependency::Library => is_library(name, env),
        Dependency::Provider => providers::is_provider(name),
        Dependency::Module => env.symbols.has_module(name),
    };
    (!is_there).then(|| format!("{} {name}", kind.word()))
}

/// Libraries are named by their files, without the folder.
fn is_library(name: &str, env: &Env) -> bool {
    let is_own = |library: &Library| Path::new(&library.name).file_name().is_some_and(|file| file == name);
    library::is_file(name) || env.libraries.iter().any(is_own)
}
