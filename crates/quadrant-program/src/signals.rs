//! Descriptions of signals, as the C library words them.

use std::borrow::Cow;

/// The description of a signal of Linux.
pub fn describe(number: i64) -> Cow<'static, str> {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    match (DESCRIPTIONS.get(index), number) {
        (Some(text), _) => (*text).into(),
        // The C library's own.
        (None, 0..FIRST_REAL_TIME) => format!("Unknown signal {number}").into(),
        (None, FIRST_REAL_TIME..=LAST_REAL_TIME) => format!("Real-time signal {}", number - FIRST_REAL_TIME).into(),
        _ => UNKNOWN.into(),
    }
}

/// All descriptions, each with its number.
pub fn all() -> impl Iterator<Item = (i64, Cow<'static, str>)> {
    (0..=LAST_REAL_TIME).map(|number| (number, describe(number)))
}

/// The description of a number that is no signal's.
pub const UNKNOWN: &str = "N/A";

/// The real-time signals that the C library leaves to programs.
const FIRST_REAL_TIME: i64 = 34;
const LAST_REAL_TIME: i64 = 64;

/// By number; the numbers of x86-64, arm64 and most others.
const DESCRIPTIONS: &[&str] = &[
    "Unknown signal 0",
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown() {
        assert_eq!([0, 1, 9, 31].map(describe), ["Unknown signal 0", "Hangup", "Killed", "Bad system call"]);
        assert_eq!([34, 64].map(describe), ["Real-time signal 0", "Real-time signal 30"]);
        assert_eq!([32, 33].map(describe), ["Unknown signal 32", "Unknown signal 33"]);
        assert_eq!([65, -1, i64::MAX].map(describe), ["N/A"; 3]);
        assert!(all().all(|(_, text)| text != UNKNOWN));
    }
}
