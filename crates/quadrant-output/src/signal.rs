//! Descriptions of signals, as the C library words them.

use crate::number;

/// Append the description of a signal of Linux.
pub(crate) fn describe(out: &mut Vec<u8>, number: i64) {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    match (DESCRIPTIONS.get(index), number) {
        (Some(text), _) => out.extend_from_slice(text.as_bytes()),
        (None, FIRST_REAL_TIME..=LAST_REAL_TIME) => {
            out.extend_from_slice(b"Real-time signal ");
            number::signed(out, number - FIRST_REAL_TIME);
        }
        _ => out.extend_from_slice(b"N/A"),
    }
}

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
        let shown = |number| {
            let mut out = Vec::new();
            describe(&mut out, number);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([0, 1, 9, 31].map(shown), ["Unknown signal 0", "Hangup", "Killed", "Bad system call"]);
        assert_eq!([34, 64].map(shown), ["Real-time signal 0", "Real-time signal 30"]);
        assert_eq!([32, 65, -1, i64::MAX].map(shown), ["N/A"; 4]);
    }
}
