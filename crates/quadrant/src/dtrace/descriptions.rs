//! The probe descriptions of a program, macro variables replaced.

use quadrant_d::ast::IdError;
use quadrant_d::ast::Item;
use quadrant_d::ast::ProbeSpec;
use quadrant_d::desc::Last;
use quadrant_d::desc::ProbeDesc;
use quadrant_d::lower::SourceKind;
use quadrant_d::macros;
use quadrant_d::macros::Macros;
use quadrant_program::diag::Diagnostic;
use quadrant_program::diag::Severity;
use quadrant_program::span::Span;

use super::report;
use super::sources::Loaded;
use crate::failure::Failure;

/// What a description means.
pub enum Meant {
    /// The probes that match, and where the program says so.
    Matching(ProbeDesc, Span),
    /// The probe of a number.
    Numbered(u32, Span),
}

/// All descriptions of a program, in order. `tags`: errors have them.
///
/// # Errors
/// A mistake in the text, a macro variable that is not defined, a description with too many parts.
pub fn of(loaded: &Loaded, macros: &Macros, tags: bool) -> Result<Vec<Meant>, Failure> {
    let parsed = loaded.parsed();
    let mut script = parsed.script;
    let mistakes = parsed.diagnostics.into_iter().filter(|found| found.severity == Severity::Error);
    if let Some(problem) = mistakes.chain(macros::expand(&mut script, macros)).next() {
        let problem = &problem;
        return Err(Failure::rendered(report::message(loaded, problem, problem.span, tags)));
    }
    let clauses = script.items.iter().filter_map(|item| match item {
        Item::Clause(clause) => Some(clause),
        _ => None,
    });
    clauses.flat_map(|clause| &clause.probes).map(|spec| meant(spec, loaded, tags)).collect()
}

fn meant(spec: &ProbeSpec, loaded: &Loaded, tags: bool) -> Result<Meant, Failure> {
    if let Some(id) = spec.id() {
        return id.map(|id| Meant::Numbered(id, spec.span)).map_err(|IdError { tag, message }| {
            let problem = Diagnostic::error(spec.span, message).tag(tag);
            Failure::rendered(report::message(loaded, &problem, spec.span, tags))
        });
    }
    let desc = ProbeDesc::parse(&spec.text, last(loaded.source.kind))
        .map_err(|why| Failure::rendered(report::message(loaded, &why.of(spec), spec.span, tags)))?;
    Ok(Meant::Matching(desc, spec.span))
}

/// The part that the last word of a description is.
fn last(kind: SourceKind) -> Last {
    match kind {
        SourceKind::Provider => Last::Provider,
        SourceKind::Module => Last::Module,
        SourceKind::Function => Last::Function,
        SourceKind::Name | SourceKind::Id | SourceKind::Script => Last::Name,
    }
}
