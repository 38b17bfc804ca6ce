//! Options that scripts set by pragmas.

use quadrant_program::diag::Diagnostic;

use crate::ast::{Pragma, PragmaKind, Script};
use crate::options::{Options, Phase};

/// What the scripts' pragmas and then the command line set. The command line was checked when it was read.
pub(super) fn collect(
    scripts: &[Script],
    given: &[(String, Option<String>)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Options {
    let mut options = Options::default();
    for pragma in scripts.iter().flat_map(|script| &script.pragmas) {
        diagnostics.extend(apply(pragma, &mut options));
    }
    for (name, value) in given {
        // What is wrong was reported where it was given.
        let _ = options.set(name, value.as_deref(), Phase::Command);
    }
    options
}

fn apply(pragma: &Pragma, options: &mut Options) -> Option<Diagnostic> {
    match &pragma.kind {
        PragmaKind::Option { name, value } => {
            let value = value.as_ref().map(|value| value.name.as_str());
            let error = options.set(&name.name, value, Phase::Compile).err()?;
            let given = value.map(|value| format!(" to '{value}'")).unwrap_or_default();
            let message = format!("failed to set option '{}'{given}: {}", name.name, error.message);
            let diagnostic = Diagnostic::error(pragma.span, message).tag("D_PRAGMA_OPTSET");
            Some(if error.help.is_empty() { diagnostic } else { diagnostic.help(error.help) })
        }
        PragmaKind::Fail(text) => Some(Diagnostic::error(pragma.span, format!("#error: {text}")).tag("D_PRAGERR")),
        _ => None,
    }
}
