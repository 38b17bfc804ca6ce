//! Probe descriptions: from the script's words to the probes that exist.

use std::collections::HashSet;

use quadrant_program::diag::Diagnostic;
use quadrant_program::probe::{ProbeError, ProbeErrorKind};
use quadrant_program::span::Span;

use super::Lower;
use super::env::SourceKind;
use crate::ast::{Clause, IdError, ProbeSpec};
use crate::desc::{Last, ProbeDesc};
use crate::providers::{Probe, spell};

impl Lower<'_> {
    /// The probes of a clause, and how many there are: probes that are in several places count once.
    pub(super) fn probes_of(&mut self, clause: &Clause, kind: SourceKind) -> (Vec<Probe>, usize) {
        let mut all: Vec<Probe> = Vec::new();
        let mut count = 0;
        for spec in &clause.probes {
            let mut found = self.probes_of_spec(spec, kind);
            count += found.iter().map(|probe| probe.id).collect::<HashSet<u32>>().len();
            // Two names of other systems may mean one probe here: `syscall::exec:return, syscall::exece:return`.
            let again = |probe: &Probe| is_alias(spec, probe) && all.iter().any(|known| known.point == probe.point);
            found.retain(|probe| !again(probe));
            all.extend(found);
        }
        (all, count)
    }

    fn probes_of_spec(&mut self, spec: &ProbeSpec, kind: SourceKind) -> Vec<Probe> {
        let found = match spec.id() {
            Some(Err(IdError { tag, message })) => {
                self.fail::<()>(spec.span, tag, message);
                return Vec::new();
            }
            Some(Ok(id)) => self.env.probes.by_id(id).map_err(|error| ProbeError {
                message: format!("invalid probe identifier {id}: Unknown probe identifier"),
                ..error
            }),
            None if self.is_no_process(spec) => return Vec::new(),
            None => match ProbeDesc::parse(&spec.text, last(kind)) {
                Ok(desc) => self.env.probes.find(&desc),
                Err(why) => {
                    self.diagnostics.push(why.of(spec));
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
        let is_number = spec.id().is_some();
        let helpless = error.kind == ProbeErrorKind::NoMatch && error.help.is_empty() && !is_number;
        let error = if helpless { error.help([ALL.to_owned()]) } else { error };
        self.diagnostics.push(no_probes(error, is_number, spec.span));
    }

    /// Reports `pid0`, which is what `pid$target` is without a process.
    fn is_no_process(&mut self, spec: &ProbeSpec) -> bool {
        if pid_of(spec) != Some("0") || self.settings.zdefs {
            return false;
        }
        let help = "`$target` is the process of `-c` or `-p`";
        self.fail_help::<()>(spec.span, "D_PROC_BADPID", "pid0 does not contain a valid pid", help);
        true
    }
}

/// What to do where no name is near.
const ALL: &str = "`dtrace -l` lists the probes that there are";

/// What is wrong with a description, or with the number of a probe.
#[must_use]
pub fn no_probes(error: ProbeError, is_number: bool, span: Span) -> Diagnostic {
    let tag = if is_number { "D_PDESC_INVAL" } else { tag_of(error.kind) };
    let help = error.help_in(spell);
    let diagnostic = Diagnostic::error(span, error.message).tag(tag);
    Diagnostic { help, ..diagnostic }
}

/// The same as programs are told that compare messages.
fn tag_of(kind: ProbeErrorKind) -> &'static str {
    match kind {
        ProbeErrorKind::NoProcess => "D_PROC_GRAB",
        ProbeErrorKind::NoFunction => "D_PROC_FUNC",
        ProbeErrorKind::NoName => "D_PROC_NAME",
        ProbeErrorKind::NoMatch | ProbeErrorKind::Refused | ProbeErrorKind::Denied | ProbeErrorKind::Invalid => {
            "D_PDESC_ZERO"
        }
    }
}

/// The process whose functions a description means.
fn pid_of(spec: &ProbeSpec) -> Option<&str> {
    let fields = spec.fields();
    let (provider, _) = fields.first().filter(|_| fields.len() == 4)?;
    let pid = provider.strip_prefix("pid")?;
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then_some(pid)
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

/// Whether a description names a function that the probe found is not in: the name is another system's.
fn is_alias(spec: &ProbeSpec, probe: &Probe) -> bool {
    let function = spec.fields().iter().rev().nth(1).map_or("", |(function, _)| *function);
    !function.is_empty()
        && !function.contains(['*', '?', '['])
        && !probe.point.func.is_empty()
        && function != probe.point.func
}
