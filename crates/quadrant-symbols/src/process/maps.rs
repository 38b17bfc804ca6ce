//! `/proc/PID/maps` (proc_pid_maps(5)).

use std::sync::Arc;

use super::Mapped;
use crate::text::{decimal, hex};

/// More mappings of one process are left out; the kernel's default limit is 65530.
pub(super) const MAX_MAPPINGS: usize = 1 << 18;

/// A part of a process's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    /// First address behind.
    pub(crate) end: u64,
    /// Offset in the file of the first byte.
    pub(crate) offset: u64,
    pub(crate) executable: bool,
    pub(crate) backing: Backing,
}

/// What a mapping shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backing {
    /// A file.
    File(MappedFile),
    /// The fixed page of the oldest system call entries on x86.
    Vsyscall,
    /// Memory without a file: heap, stack, code made at run time.
    Anonymous,
}

/// The file of a mapping, as the kernel names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappedFile {
    /// What tells files apart as long as one of them is open.
    pub(crate) inode: Inode,
    /// The path in the process's own mount namespace, without ` (deleted)`.
    pub(crate) path: Arc<str>,
    pub(crate) origin: Origin,
}

/// How to get at the content of a mapped file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The path leads to it.
    Path,
    /// The path no longer leads to it.
    Deleted,
    /// It is only in memory: the kernel's shared object for quick system calls.
    Vdso,
}

/// Device and inode numbers as `/proc/PID/maps` shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Inode {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) number: u64,
}

impl Mapping {
    /// A mapping that the kernel reported; `None` when its range makes no sense.
    pub(crate) fn reported(event: &Mapped<'_>) -> Option<Self> {
        let end = event.start.checked_add(event.len)?;
        let inode = Inode { major: event.device.0, minor: event.device.1, number: event.inode };
        (event.start < end).then(|| Self {
            start: event.start,
            end,
            offset: event.offset,
            executable: true,
            backing: backing(inode, event.path, None, (event.start, end)),
        })
    }

    /// True for executable memory without a file.
    pub(crate) fn is_generated(&self) -> bool {
        self.executable && self.backing == Backing::Anonymous
    }

    /// The part of it from `start` to `end`; `None` when that is empty.
    pub(crate) fn part(&self, start: u64, end: u64) -> Option<Self> {
        let offset = self.offset.wrapping_add(start.wrapping_sub(self.start));
        (start < end).then(|| Self { start, end, offset, ..self.clone() })
    }
}

/// All well-formed lines, in the order of addresses, and how many were left out.
pub(crate) fn parse(text: &[u8]) -> (Vec<Mapping>, u64) {
    let mut mappings: Vec<Mapping> = Vec::new();
    let mut left_out = 0;
    for line in text.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        match parse_line(line, mappings.last()) {
            Some(mapping) if mappings.len() < MAX_MAPPINGS => mappings.push(mapping),
            _ => left_out += 1,
        }
    }
    mappings.sort_by_key(|mapping| mapping.start);
    (mappings, left_out)
}

/// `START-END PERMS OFFSET MAJOR:MINOR INODE   PATH`.
fn parse_line(line: &[u8], before: Option<&Mapping>) -> Option<Mapping> {
    let (range, rest) = word(line)?;
    let (perms, rest) = word(rest)?;
    let (offset, rest) = word(rest)?;
    let (device, rest) = word(rest)?;
    let (inode, path) = word(rest)?;
    let (start, end) = pair(range, b'-')?;
    let (major, minor) = pair(device, b':')?;
    let inode = Inode { major: u32::try_from(major).ok()?, minor: u32::try_from(minor).ok()?, number: decimal(inode)? };
    (start < end).then_some(Mapping {
        start,
        end,
        offset: hex(offset)?,
        executable: perms.get(2) == Some(&b'x'),
        backing: backing(inode, path.trim_ascii_start(), before, (start, end)),
    })
}

fn backing(inode: Inode, path: &[u8], before: Option<&Mapping>, range: (u64, u64)) -> Backing {
    match path {
        b"[vdso]" => return vdso(range),
        b"[vsyscall]" => return Backing::Vsyscall,
        _ if inode.number == 0 || path.is_empty() => return Backing::Anonymous,
        _ => {}
    }
    let (path, origin) = match path.strip_suffix(b" (deleted)") {
        Some(path) => (path, Origin::Deleted),
        None => (path, Origin::Path),
    };
    let path = String::from_utf8_lossy(path);
    Backing::File(MappedFile { inode, path: shared(&path, before), origin })
}

/// The kernel has one shared object for each kind of program, and they differ in size: that
/// and the half of the address space stand for the inode that it does not have.
fn vdso((start, end): (u64, u64)) -> Backing {
    let inode = Inode { major: u32::MAX, minor: u32::from(start >> 32 == 0), number: end - start };
    Backing::File(MappedFile { inode, path: Arc::from("[vdso]"), origin: Origin::Vdso })
}

/// Mappings of one file follow each other: they share the text of the path.
fn shared(path: &str, before: Option<&Mapping>) -> Arc<str> {
    match before.map(|mapping| &mapping.backing) {
        Some(Backing::File(file)) if &*file.path == path => Arc::clone(&file.path),
        _ => Arc::from(path),
    }
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b' ');
    let (word, rest) = match end {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &text[text.len()..]),
    };
    (!word.is_empty()).then_some((word, rest))
}

fn pair(text: &[u8], between: u8) -> Option<(u64, u64)> {
    let at = text.iter().position(|byte| *byte == between)?;
    Some((hex(&text[..at])?, hex(&text[at + 1..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mapping: &Mapping) -> &MappedFile {
        match &mapping.backing {
            Backing::File(file) => file,
            other => panic!("not a file: {other:?}"),
        }
    }

    #[test]
    fn takes_all_kinds_of_lines() {
        let text = b"55d0a000-55d0b000 r-xp 00001000 fd:01 1234                       /usr/bin/a b\n\
            7f00000000-7f00001000 r--p 00000000 fd:01 99 /tmp/x.so (deleted)\n\
            7f00001000-7f00002000 rwxp 00000000 00:00 0 \n\
            7f00002000-7f00003000 rw-p 00000000 00:00 0                          [heap]\n\
            7ffd0000-7ffd1000 r-xp 00000000 00:00 0                              [vdso]\n\
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0              [vsyscall]\n";
        let (mappings, left_out) = parse(text);
        assert_eq!((mappings.len(), left_out), (6, 0));
        assert_eq!(&*file(&mappings[0]).path, "/usr/bin/a b");
        assert_eq!((mappings[0].start, mappings[0].end), (0x55d0_a000, 0x55d0_b000));
        assert_eq!((mappings[0].offset, mappings[0].executable), (0x1000, true));
        assert_eq!(file(&mappings[0]).inode.number, 1234);
        let deleted = mappings.iter().find(|m| m.start == 0x7f_0000_0000).unwrap();
        assert_eq!(&*file(deleted).path, "/tmp/x.so");
        assert_eq!(file(deleted).origin, Origin::Deleted);
        let kinds = |kind: &Backing| mappings.iter().filter(|m| m.backing == *kind).count();
        assert_eq!(kinds(&Backing::Anonymous), 2);
        let vdso = mappings.iter().find(|m| m.start == 0x7ffd_0000).unwrap();
        assert_eq!(file(vdso).origin, Origin::Vdso);
        assert_eq!(kinds(&Backing::Vsyscall), 1);
    }

    #[test]
    fn reported_mappings_are_as_those_of_lines() {
        let text = b"1000-3000 r-xp 00001000 fd:01 1234 /usr/bin/a\n3000-4000 r-xp 00000000 fd:01 9 /x (deleted)\n\
            5000-6000 r-xp 00000000 00:00 0 \n7fff00000000-7fff00001000 r-xp 00000000 00:00 0 [vdso]\n";
        let file = |start, len, offset, inode, path| Mapped { start, len, offset, inode, path, ..Mapped::default() };
        let events = [
            Mapped { device: (0xfd, 1), ..file(0x1000, 0x2000, 0x1000, 1234, b"/usr/bin/a") },
            Mapped { device: (0xfd, 1), ..file(0x3000, 0x1000, 0, 9, b"/x (deleted)") },
            // The kernel gives the address as the offset of memory without a file.
            file(0x5000, 0x1000, 0, 0, b"//anon"),
            file(0x7fff_0000_0000, 0x1000, 0, 0, b"[vdso]"),
        ];
        let reported: Vec<Mapping> = events.iter().filter_map(Mapping::reported).collect();
        assert_eq!(reported, parse(text).0);
        assert_eq!(Mapping::reported(&file(u64::MAX, 2, 0, 0, b"")), None);
        assert_eq!(Mapping::reported(&file(0x1000, 0, 0, 0, b"")), None);
    }

    #[test]
    fn other_lines_are_counted() {
        let text = b"nonsense\n1000-1000 r-xp 0 0:0 0\n2000-1000 r-xp 0 0:0 0\n1000-2000 r-xp 0 0:0\n";
        assert_eq!(parse(text), (Vec::new(), 4));
    }
}
