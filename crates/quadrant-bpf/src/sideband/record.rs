//! The records of side-band events (linux/perf_event.h, `enum perf_event_type`).
//!
//! Paths and names in them are chosen by the processes.

use super::{Event, Mapped, What};
use crate::perf_ring::HEADER;

/// Kinds of record.
const LOST: u32 = 2;
const COMM: u32 = 3;
const FORK: u32 = 7;
const MMAP2: u32 = 10;

/// Flag of a record: the new name is that of a program that was executed.
const MISC_COMM_EXEC: u16 = 1 << 13;
/// Flag of a record: it has a build id in place of the file's number.
const MISC_BUILD_ID: u16 = 1 << 14;

/// Bytes of an MMAP2 record before the path, without the header.
const BEFORE_PATH: usize = 64;
/// Bytes at the end of every record: its time.
const TRAILER: usize = 8;

/// A record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Record {
    /// Something happened.
    Event(Event),
    /// So many records had no room.
    Lost(u64),
    /// Something that nobody asked for: a thread, a thread's new name, a process outside the pid namespace.
    Other,
}

/// Takes a record apart; `None` when it is shorter than its kind allows.
pub(super) fn parse(bytes: &[u8]) -> Option<Record> {
    let (kind, flags) = (u32_at(bytes, 0)?, u32_at(bytes, 4)? as u16);
    let body = bytes.get(HEADER..bytes.len().checked_sub(TRAILER)?)?;
    let time = u64::from_ne_bytes(*bytes.last_chunk()?);
    let what = match kind {
        LOST => return u64_at(body, 8).map(Record::Lost),
        FORK => forked(body)?,
        COMM if flags & MISC_COMM_EXEC != 0 => Some(What::Executed),
        MMAP2 if flags & MISC_BUILD_ID == 0 => Some(What::Mapped(mapped(body)?)),
        _ => None,
    };
    let pid = u32_at(body, 0)?;
    Some(match what {
        Some(what) if is_visible(pid) => Record::Event(Event { pid, time, what }),
        _ => Record::Other,
    })
}

/// `pid, ppid, tid, ptid, time`; the pids are equal when a thread is new.
fn forked(body: &[u8]) -> Option<Option<What>> {
    let (pid, parent) = (u32_at(body, 0)?, u32_at(body, 4)?);
    Some((pid != parent).then_some(What::Forked { parent }))
}

/// `pid, tid, addr, len, pgoff, maj, min, ino, ino_generation, prot, flags, filename`.
fn mapped(body: &[u8]) -> Option<Mapped> {
    let path = body.get(BEFORE_PATH..)?;
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    Some(Mapped {
        start: u64_at(body, 8)?,
        len: u64_at(body, 16)?,
        offset: u64_at(body, 24)?,
        device: (u32_at(body, 32)?, u32_at(body, 36)?),
        inode: u64_at(body, 40)?,
        path: path[..end].to_vec(),
    })
}

/// The kernel gives 0 or -1 for processes that have no number in this pid namespace, or none any more.
fn is_visible(pid: u32) -> bool {
    pid != 0 && pid != u32::MAX
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with that body, whose time is 77.
    fn record(kind: u32, flags: u16, body: &[u8]) -> Vec<u8> {
        let len = (HEADER + body.len() + TRAILER) as u16;
        let header = [&kind.to_ne_bytes()[..], &flags.to_ne_bytes(), &len.to_ne_bytes()].concat();
        [&header, body, &77u64.to_ne_bytes()].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn mmap2(path: &[u8]) -> Vec<u8> {
        let numbers: Vec<u8> = [0x1000u64, 0x2000, 0x3000].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let file = [words(&[8, 1]), 99u64.to_ne_bytes().to_vec(), words(&[3, 0])].concat();
        record(MMAP2, 0, &[&words(&[7, 8])[..], &numbers, &file, &words(&[5, 2]), path].concat())
    }

    fn event(pid: u32, what: What) -> Option<Record> {
        Some(Record::Event(Event { pid, time: 77, what }))
    }

    #[test]
    fn takes_records_apart() {
        assert_eq!(parse(&record(FORK, 0, &words(&[7, 6, 7, 6, 0, 0]))), event(7, What::Forked { parent: 6 }));
        assert_eq!(parse(&record(COMM, MISC_COMM_EXEC, &words(&[7, 7, 0, 0]))), event(7, What::Executed));
        let mapped =
            Mapped { start: 0x1000, len: 0x2000, offset: 0x3000, device: (8, 1), inode: 99, path: b"/bin/a".to_vec() };
        assert_eq!(parse(&mmap2(b"/bin/a\0\0")), event(7, What::Mapped(mapped)));
        assert_eq!(parse(&record(LOST, 0, &words(&[1, 0, 5, 0]))), Some(Record::Lost(5)));
    }

    #[test]
    fn leaves_out_what_nobody_asked_for() {
        assert_eq!(parse(&record(FORK, 0, &words(&[7, 7, 8, 7, 0, 0]))), Some(Record::Other));
        assert_eq!(parse(&record(FORK, 0, &words(&[0, 7, 0, 7, 0, 0]))), Some(Record::Other));
        assert_eq!(parse(&record(FORK, 0, &words(&[u32::MAX, 7, 8, 7, 0, 0]))), Some(Record::Other));
        assert_eq!(parse(&record(COMM, 0, &words(&[7, 7, 0, 0]))), Some(Record::Other));
        assert_eq!(parse(&record(1234, 0, &words(&[7, 7, 0, 0]))), Some(Record::Other));
    }

    #[test]
    fn short_records_are_refused() {
        for whole in [mmap2(b""), record(FORK, 0, &words(&[7, 6])), record(COMM, MISC_COMM_EXEC, &words(&[7]))] {
            assert!(parse(&whole).is_some());
            for len in 0..whole.len() - 8 {
                assert_eq!(parse(&whole[..len]), None, "{len} of {}", whole.len());
            }
        }
    }

    #[test]
    fn a_path_needs_no_end() {
        let Some(Record::Event(Event { what: What::Mapped(mapped), .. })) = parse(&mmap2(b"12345678")) else {
            panic!("it is a mapping");
        };
        assert_eq!(mapped.path, b"12345678");
    }
}
