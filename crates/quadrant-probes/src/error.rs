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
    let is_invalid = inner.errno().is_some_and(Errno::is_invalid);
    error(message).kind(if is_invalid { ProbeErrorKind::Invalid } else { ProbeErrorKind::Refused }).help(help)
}

/// What the type store said.
pub(crate) fn from_types(inner: &quadrant_types::TypeError) -> ProbeError {
    error(inner.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_takes_for_invalid_is_a_kind_of_its_own() {
        let said = |number| {
            let inner = std::io::Error::from_raw_os_error(number);
            from_kernel(&quadrant_bpf::Error::io("EINVAL in words", &inner)).kind
        };
        assert_eq!((said(22), said(1)), (ProbeErrorKind::Invalid, ProbeErrorKind::Refused));
    }
}
