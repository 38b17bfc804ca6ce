//! Making [`ProbeError`]s: the one error type of this crate, which the program model defines.

use quadrant_bpf::errno::Errno;
use quadrant_program::advice::Advice;
use quadrant_program::probe::{ProbeError, ProbeErrorKind};
use quadrant_types::suggest_many;

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, ProbeError>;

/// Nearest names that are shown.
const MOST_NAMES: usize = 3;

/// An error without advice.
pub(crate) fn error(message: impl Into<String>) -> ProbeError {
    ProbeError::new(message)
}

/// An error with one piece of advice.
pub(crate) fn advise(message: impl Into<String>, help: impl Into<Advice>) -> ProbeError {
    error(message).help([help.into()])
}

/// Nothing matches: the nearest of the names that there are.
pub(crate) fn no_match<'a>(
    message: impl Into<String>,
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> ProbeError {
    let near = suggest_many(wanted, names, MOST_NAMES);
    let mut error = error(message);
    if !near.is_empty() {
        let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        error.help.push(format!("did you mean {}?", quoted.join(" or ")).into());
    }
    error
}

/// What the kernel's door said.
pub(crate) fn from_kernel(inner: &quadrant_bpf::Error) -> ProbeError {
    let mut message = inner.what().to_owned();
    if let Some(errno) = inner.errno() {
        message.push_str(&format!(": {errno}"));
    }
    if !inner.why().is_empty() {
        message.push_str(&format!(": {}", inner.why()));
    }
    let help = Some(inner.hint()).filter(|hint| !hint.is_empty()).map(str::to_owned);
    error(message).kind(inner.errno().map_or(ProbeErrorKind::Refused, kind_of)).help(help)
}

/// What is wrong by what the kernel answered.
pub(crate) fn kind_of(errno: Errno) -> ProbeErrorKind {
    match () {
        () if errno.is_denied() => ProbeErrorKind::Denied,
        () if errno.is_invalid() => ProbeErrorKind::Invalid,
        () => ProbeErrorKind::Refused,
    }
}

/// What the type store said.
pub(crate) fn from_types(inner: &quadrant_types::TypeError) -> ProbeError {
    error(inner.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_of_what_the_kernel_answered_and_not_of_words() {
        let said = |number| {
            let inner = std::io::Error::from_raw_os_error(number);
            from_kernel(&quadrant_bpf::Error::io("EINVAL and : EPERM in words", &inner)).kind
        };
        assert_eq!(said(22), ProbeErrorKind::Invalid);
        assert_eq!([1, 13].map(said), [ProbeErrorKind::Denied; 2]);
        assert_eq!(said(2), ProbeErrorKind::Refused);
    }
}
