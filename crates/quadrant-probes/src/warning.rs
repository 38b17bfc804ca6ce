//! What the user should know of probes that were found.

use std::fmt;

/// Something that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What there is to know.
    pub message: String,
    /// What to write instead, in bpftrace's language.
    pub in_bpftrace: Option<String>,
}

impl From<String> for Warning {
    fn from(message: String) -> Self {
        Self { message, in_bpftrace: None }
    }
}

/// For those who write bpftrace's language.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.in_bpftrace.iter().try_for_each(|advice| write!(f, ": {advice}"))
    }
}
