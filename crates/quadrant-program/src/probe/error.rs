//! Why there is no probe.

use crate::advice::{self, Advice, Spelling};

/// Why a probe was not found or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeError {
    /// What is wrong, for those who treat some of it in another way.
    pub kind: ProbeErrorKind,
    /// One line.
    pub message: String,
    /// Nearest names, the command or flag that helps.
    pub help: Vec<Advice>,
}

/// What is wrong with a description of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeErrorKind {
    /// There is a probe and it cannot be used, or probes cannot be looked for.
    Refused,
    /// The kernel does not let this process look or attach (EPERM, EACCES).
    Denied,
    /// The kernel takes what was to be attached for invalid there (EINVAL).
    Invalid,
    /// No probe matches.
    NoMatch,
    /// There is no process to look in.
    NoProcess,
    /// The process, or a file of it, has no such function.
    NoFunction,
    /// A function has no probe of such a name.
    NoName,
}

impl ProbeErrorKind {
    /// Whether there may be a probe, and it cannot be used.
    pub fn is_refusal(self) -> bool {
        matches!(self, ProbeErrorKind::Refused | ProbeErrorKind::Denied | ProbeErrorKind::Invalid)
    }
}

impl ProbeError {
    /// A refusal without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: ProbeErrorKind::Refused, message: message.into(), help: Vec::new() }
    }

    /// The same with another kind.
    pub fn kind(self, kind: ProbeErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// The same with advice behind what it has.
    pub fn help<A: Into<Advice>>(mut self, help: impl IntoIterator<Item = A>) -> Self {
        self.help.extend(help.into_iter().map(A::into));
        self
    }

    /// The advice in a language.
    pub fn help_in(&self, spelling: Spelling) -> Vec<String> {
        advice::spelled(&self.help, spelling)
    }
}
