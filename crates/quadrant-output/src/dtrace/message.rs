//! Messages around a trace, for standard error.

use quadrant_program::signals;

use crate::escape;
use crate::number;

/// What was given to find probes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A probe description (`-n`, `-f`, `-m`, `-P`, `-i`).
    Description,
    /// A file (`-s`).
    Script,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Well, or nobody knows.
    Exited,
    /// With a status that is not 0.
    Status(i32),
    /// By a signal.
    Signal(i32),
}

/// Append how many probes a description or script matched.
pub fn matched(err: &mut Vec<u8>, what: What, name: &str, probes: u64) {
    err.extend_from_slice(match what {
        What::Description => b"dtrace: description '",
        What::Script => b"dtrace: script '",
    });
    escape::text(err, name.as_bytes());
    err.extend_from_slice(b"' matched ");
    number::unsigned(err, probes);
    err.extend_from_slice(if probes == 1 { b" probe\n" } else { b" probes\n" });
}

/// Append that destructive actions are allowed.
pub fn destructive(err: &mut Vec<u8>) {
    err.extend_from_slice(b"dtrace: allowing destructive actions\n");
}

/// Append that a process that was watched has ended.
pub fn exited(err: &mut Vec<u8>, pid: u32, how: Ended) {
    err.extend_from_slice(b"dtrace: pid ");
    number::unsigned(err, pid.into());
    match how {
        Ended::Exited => err.extend_from_slice(b" has exited"),
        Ended::Status(status) => {
            err.extend_from_slice(b" exited with status ");
            number::signed(err, status.into());
        }
        Ended::Signal(signal) => {
            err.extend_from_slice(b" terminated by signal ");
            number::signed(err, signal.into());
            err.extend_from_slice(b" (");
            err.extend_from_slice(signals::describe(signal.into()).as_bytes());
            err.push(b')');
        }
    }
    err.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut err = Vec::new();
        write(&mut err);
        String::from_utf8(err).unwrap()
    }

    #[test]
    fn banners() {
        assert_eq!(
            shown(|err| matched(err, What::Description, "syscall:::entry ", 1)),
            "dtrace: description 'syscall:::entry ' matched 1 probe\n"
        );
        assert_eq!(
            shown(|err| matched(err, What::Script, "a\x1b.d", 0)),
            "dtrace: script 'a\\x1b.d' matched 0 probes\n"
        );
    }

    #[test]
    fn ends_of_processes() {
        assert_eq!(shown(|err| exited(err, 7, Ended::Exited)), "dtrace: pid 7 has exited\n");
        assert_eq!(shown(|err| exited(err, 7, Ended::Status(3))), "dtrace: pid 7 exited with status 3\n");
        assert_eq!(shown(|err| exited(err, 7, Ended::Signal(9))), "dtrace: pid 7 terminated by signal 9 (Killed)\n");
    }
}
