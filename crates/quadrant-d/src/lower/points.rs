//! Probe descriptions: from the script's words to the probes that exist.

use std::collections::HashSet;

use quadrant_program::diag::Diagnostic;
use quadrant_program::probe::ProbeError;

use super::Lower;
use super::env::SourceKind;
use crate::ast::{Clause, ProbeSpec};
use crate::desc::ProbeDesc;
use crate::providers::Probe;

impl Lower<'_> {
    /// The probes of a clause, and how many there are: probes that are in several places count once.
    pub(super) fn probes_of(&mut self, clause: &Clause, kind: SourceKind) -> (Vec<Probe>, usize) {
        let mut all = Vec::new();
        let mut count = 0;
        for spec in &clause.probes {
            let found = self.probes_of_spec(spec, kind);
            count += found.iter().map(|probe| probe.id).collect::<HashSet<u32>>().len();
            all.extend(found);
        }
        (all, count)
    }

    fn probes_of_spec(&mut self, spec: &ProbeSpec, kind: SourceKind) -> Vec<Probe> {
        let found = match spec.id() {
            Some(id) => self.env.probes.by_id(id),
            None => match description(spec, kind) {
                Some(desc) => self.env.probes.find(&desc),
                None => {
                    let message = format!("invalid probe description \"{}\": too many fields", spec.text);
                    self.fail::<()>(spec.span, "D_PDESC_INVAL", message);
                    return Vec::new();
                }
            },
        };
        found.unwrap_or_else(|error| {
            self.no_probes(spec, error);
            Vec::new()
        })
    }

    fn no_probes(&mut self, spec: &ProbeSpec, error: ProbeError) {
        if self.settings.zdefs {
            return;
        }
        let mut diagnostic = Diagnostic::error(spec.span, error.message).tag("D_PDESC_ZERO");
        diagnostic.help = error.help;
        self.diagnostics.push(diagnostic);
    }
}

/// The description that a specifier means: its fields are the last ones that there can be, as far as they go.
fn description(spec: &ProbeSpec, kind: SourceKind) -> Option<ProbeDesc> {
    let most = match kind {
        SourceKind::Provider => 1,
        SourceKind::Module => 2,
        SourceKind::Function => 3,
        SourceKind::Script | SourceKind::Name | SourceKind::Id => 4,
    };
    let fields: Vec<&str> = spec.text.split(':').map(str::trim).collect();
    let skipped = usize::checked_sub(most, fields.len())?;
    let field = |at: usize| {
        usize::checked_sub(at, skipped)
            .and_then(|at| fields.get(at))
            .map_or_else(String::new, |field| (*field).to_owned())
    };
    Some(ProbeDesc { provider: field(0), module: field(1), function: field(2), name: field(3) })
}
