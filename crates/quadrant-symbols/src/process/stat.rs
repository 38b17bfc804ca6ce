//! Which process a pid means now: `/proc/PID/stat` and `/proc/PID/status`.

use std::fs;

use crate::text::decimal;

/// The part of `/proc/PID/stat` that tells processes and their programs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// When the process started, in clock ticks since boot (field 22). Together with the pid
    /// this names the process for ever.
    pub(crate) start_time: u64,
    /// Size of the address space in bytes (field 23). Changes when something is mapped.
    pub(crate) memory: u64,
    /// Where the code and the stack of the program start (fields 26 and 28). They change when
    /// the process executes another program. Zero when the reader may not see them.
    pub(crate) image: (u64, u64),
}

/// What a perf map must fit to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// Real, effective, saved and file system user id.
    pub(crate) uids: Vec<u32>,
    /// The pid in the process's own (innermost) pid namespace.
    pub(crate) inner_pid: u32,
}

impl Stat {
    /// Of a process that exists; zombies still have one.
    pub(crate) fn read(pid: u32) -> Option<Self> {
        parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }
}

impl Status {
    /// Of a process that exists.
    pub(crate) fn read(pid: u32) -> Option<Self> {
        parse_status(&fs::read(format!("/proc/{pid}/status")).ok()?, pid)
    }
}

/// The second field is the name in parentheses, which may itself hold blanks and
/// parentheses: the last `)` ends it.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = text.get(end + 1..)?;
    let fields: Vec<&[u8]> = rest.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect();
    // The first field here is number 3 of proc_pid_stat(5).
    let field = |number: usize| decimal(fields.get(number - 3)?);
    Some(Stat { start_time: field(22)?, memory: field(23)?, image: (field(26)?, field(28)?) })
}

fn parse_status(text: &[u8], pid: u32) -> Option<Status> {
    let values = |key: &[u8]| {
        let mut lines = text.split(|byte| *byte == b'\n');
        let line = lines.find_map(|line| line.strip_prefix(key))?;
        let words = line.split(u8::is_ascii_whitespace);
        let numbers = words.filter(|word| !word.is_empty()).map(decimal);
        let numbers: Option<Vec<u64>> = numbers.collect();
        let narrow = numbers?.into_iter().map(|number| u32::try_from(number).ok());
        narrow.collect::<Option<Vec<u32>>>()
    };
    let inner = values(b"NSpid:").and_then(|pids| pids.last().copied());
    Some(Status { uids: values(b"Uid:")?, inner_pid: inner.unwrap_or(pid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let text =
            b"7 (a) R (b\n) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 555 4096 99 1844 94001 94002 9777 0 0\n";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat.start_time, 555);
        assert_eq!(stat.memory, 4096);
        assert_eq!(stat.image, (94001, 9777));
        assert_eq!(parse_stat(b"7 (a) S 1 2"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn ids_inside_and_outside() {
        let text = b"Name:\tx\nUid:\t1000\t1001\t1002\t1003\nNSpid:\t77\t12\t3\n";
        let status = parse_status(text, 77).unwrap();
        assert_eq!(status.uids, [1000, 1001, 1002, 1003]);
        assert_eq!(status.inner_pid, 3);
        let old = parse_status(b"Uid:\t0\t0\t0\t0\n", 77).unwrap();
        assert_eq!(old.inner_pid, 77);
        assert_eq!(parse_status(b"Name:\tx\n", 77), None);
    }

    #[test]
    fn reads_this_process() {
        let pid = std::process::id();
        let (first, second) = (Stat::read(pid).unwrap(), Stat::read(pid).unwrap());
        assert_eq!(first.start_time, second.start_time);
        assert_eq!(first.image, second.image);
        assert!(Status::read(pid).is_some());
    }
}
