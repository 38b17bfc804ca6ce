//! Probe descriptions: from the script's words to the probes that exist.

use std::collections::HashSet;

use quadrant_program::diag::Diagnostic;
use quadrant_program::probe::ProbeError;

use super::Lower;
use super::env::SourceKind;
use crate::ast::{Clause, ProbeSpec};
use crate::desc::{Last, ProbeDesc};
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
            None => match ProbeDesc::parse(&spec.text, last(kind)) {
                Ok(desc) => self.env.probes.find(&desc),
                Err(why) => {
                    let message = format!("invalid probe description \"{}\": {why}", spec.text);
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

/// The part that the last word of a description is.
fn last(kind: SourceKind) -> Last {
    match kind {
        SourceKind::Provider => Last::Provider,
        SourceKind::Module => Last::Module,
        SourceKind::Function => Last::Function,
        SourceKind::Script | SourceKind::Name | SourceKind::Id => Last::Name,
    }
}
