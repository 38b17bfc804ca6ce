//! Probe descriptions.

/// A probe description, each part a pattern; an empty one matches anything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProbeDesc {
    /// The provider.
    pub provider: String,
    /// The module.
    pub module: String,
    /// The function.
    pub function: String,
    /// The name.
    pub name: String,
}

impl ProbeDesc {
    /// The description of one probe by its full name.
    pub fn exactly(name: &str) -> Self {
        let mut parts = name.splitn(4, ':').map(|part| part.replace(['*', '?', '[', '\\'], "?"));
        let mut next = || parts.next().unwrap_or_default();
        Self { provider: next(), module: next(), function: next(), name: next() }
    }
}
