//! The crate's error: what failed, the kernel's answer by name, why, and what to do.

use crate::errno::Errno;
use crate::explain::{self, Operation};

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Something that the kernel, or this crate on its behalf, refused.
///
/// Shown as one line, `what: ERRNO: why; hint`; the parts are there for callers with their own layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    what: String,
    errno: Option<Errno>,
    why: String,
    hint: String,
    log: Option<Box<str>>,
}

impl Error {
    /// A refusal that needs no system call to be known.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error { what: what.into(), errno: None, why: why.into(), hint: String::new(), log: None }
    }

    /// The kernel's answer to a system call, with the explanation that fits the operation and this machine.
    pub fn os(what: impl Into<String>, operation: Operation, errno: Errno) -> Error {
        let explanation = explain::explain(operation, errno);
        let error = Error::new(what, explanation.why).with_hint(explanation.hint);
        Error { errno: Some(errno), ..error }
    }

    /// A failed operation on a file.
    pub fn io(what: impl Into<String>, error: &std::io::Error) -> Error {
        match error.raw_os_error() {
            Some(number) => Error::os(what, Operation::File, Errno::new(number)),
            None => Error::new(what, error.to_string()),
        }
    }

    /// Says what the user can do about it.
    pub fn with_hint(self, hint: impl Into<String>) -> Error {
        Error { hint: hint.into(), ..self }
    }

    /// Replaces the reason by one that knows more.
    pub fn because(self, why: impl Into<String>) -> Error {
        Error { why: why.into(), ..self }
    }

    /// Adds the verifier's log.
    pub fn with_log(self, log: String) -> Error {
        Error { log: Some(log.into_boxed_str()), ..self }
    }

    /// What was tried, such as `cannot create map "counts"`.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The kernel's answer, if it was the kernel that refused.
    pub fn errno(&self) -> Option<Errno> {
        self.errno
    }

    /// The reason; may be empty.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do about it; may be empty.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The verifier's log, of a program that was loaded with one.
    pub fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// Whether the kernel answered with that constant of errno.h.
    pub fn is(&self, number: i32) -> bool {
        self.errno.is_some_and(|errno| errno.is(number))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        if let Some(errno) = self.errno {
            write!(f, ": {errno}")?;
        }
        if !self.why.is_empty() {
            write!(f, ": {}", self.why)?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_every_part_once() {
        let error = Error::new("cannot do it", "it is closed").with_hint("open it");
        assert_eq!(error.to_string(), "cannot do it: it is closed; open it");
        let error = Error::os("cannot do it", Operation::File, Errno::new(libc::ENOENT));
        assert_eq!(error.to_string(), "cannot do it: ENOENT: No such file or directory");
        assert!(error.is(libc::ENOENT));
    }
}
