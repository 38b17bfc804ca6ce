//! The one error type of this crate.

use std::fmt;

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with an object, or why it does not fit a kernel: `what: why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    what: String,
    why: String,
}

impl Error {
    /// Something failed, and why.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error { what: what.into(), why: why.into() }
    }

    /// The file is not what it should be.
    pub(crate) fn malformed(why: impl Into<String>) -> Error {
        Error::new("malformed BPF object", why)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl std::error::Error for Error {}
