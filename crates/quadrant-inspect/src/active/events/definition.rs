//! Lines of tracefs's `dynamic_events`, `kprobe_events` and `uprobe_events` (Documentation/trace/kprobetrace.rst,
//! uprobetracer.rst).

/// An event as it was defined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The first letter: `p` and `r` for probes and returns; others for further kinds.
    pub letter: u8,
    pub group: String,
    pub name: String,
    pub place: Place,
}

/// What it probes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// `[module:]function[+offset]`.
    Kernel { function: String, offset: u64 },
    /// An address in the kernel.
    Address(u64),
    /// A place in a file.
    File { path: Vec<u8>, offset: u64, semaphore: Option<u64> },
    /// Of another kind: the words as they are.
    Other(Vec<u8>),
}

impl Definition {
    /// One line, such as `p:kprobes/open do_sys_openat2+0 name=+0(%si)`.
    pub fn parse(line: &[u8]) -> Option<Definition> {
        let (head, rest) = split_once(line, b' ').unwrap_or((line, b""));
        let letter = *head.first()?;
        // Between the letter and the colon may be the number of returns that are followed at once.
        let (_, event) = split_once(head, b':')?;
        let (group, name) = split_once(event, b'/')?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(Definition { letter, group: text(group), name: text(name), place: place(letter, rest) })
    }

    /// Whether it fires at a return.
    pub fn on_return(&self) -> bool {
        self.letter == b'r'
    }
}

fn place(letter: u8, rest: &[u8]) -> Place {
    if letter != b'p' && letter != b'r' {
        return Place::Other(rest.to_vec());
    }
    file(rest).or_else(|| kernel(rest)).unwrap_or_else(|| Place::Other(rest.to_vec()))
}

/// Digits of an offset in a file: the kernel pads to the size of a pointer.
const DIGITS: usize = 2 * size_of::<usize>();

/// `PATH:0xOFFSET` or `PATH:0xOFFSET(0xSEMAPHORE)`; the path may hold blanks and colons.
fn file(rest: &[u8]) -> Option<Place> {
    let (at, offset) = (0..rest.len()).find_map(|at| Some((at, offset_at(rest.get(at..)?)?)))?;
    let after = rest.get(at + 3 + DIGITS..)?;
    let semaphore = after.strip_prefix(b"(").and_then(|text| hex(text.split(|byte| *byte == b')').next()?));
    let path = rest.get(..at).filter(|path| path.starts_with(b"/"))?.to_vec();
    Some(Place::File { path, offset, semaphore })
}

/// The number behind `:0x`, if it has as many digits as the kernel writes and nothing else follows.
fn offset_at(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b":0x")?;
    let ended = matches!(digits.get(DIGITS), None | Some(b' ' | b'('));
    ended.then(|| hex(digits.get(..DIGITS)?))?
}

fn kernel(rest: &[u8]) -> Option<Place> {
    let word = rest.split(|byte| *byte == b' ').next().filter(|word| !word.is_empty())?;
    if let Some(address) = word.strip_prefix(b"0x") {
        return Some(Place::Address(hex(address)?));
    }
    let (function, offset) = split_once(word, b'+').unwrap_or((word, b"0"));
    let offset = std::str::from_utf8(offset).ok()?;
    let offset = match offset.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => offset.parse().ok()?,
    };
    Some(Place::Kernel { function: String::from_utf8_lossy(function).into_owned(), offset })
}

fn hex(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits.strip_prefix(b"0x").unwrap_or(digits)).ok()?;
    u64::from_str_radix(text, 16).ok()
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Definition {
        Definition::parse(line.as_bytes()).unwrap()
    }

    fn kernel(function: &str, offset: u64) -> Place {
        Place::Kernel { function: function.to_owned(), offset }
    }

    #[test]
    fn kernel_probes() {
        let event = parse("p:kprobes/open do_sys_openat2+0 name=+0(%si):string");
        assert_eq!((event.letter, &event.group[..], &event.name[..]), (b'p', "kprobes", "open"));
        assert_eq!(event.place, kernel("do_sys_openat2", 0));
        let event = parse("r16:g/m ext4:ext4_file_open+0x1c $retval");
        assert!(event.on_return());
        assert_eq!(event.place, kernel("ext4:ext4_file_open", 0x1c));
        assert_eq!(parse("p:g/m 0xffffffff81000000").place, Place::Address(0xffff_ffff_8100_0000));
        assert_eq!(parse("p:g/m vfs_read+12").place, kernel("vfs_read", 12));
    }

    #[test]
    fn places_in_files() {
        let place = |line| parse(line).place;
        let file = |path: &str, offset, semaphore| Place::File { path: path.into(), offset, semaphore };
        assert_eq!(place("p:uprobes/x /bin/bash:0x0000000000021a50 a=%di"), file("/bin/bash", 0x21a50, None));
        assert_eq!(place("p:u/x /a b:c:0x0000000000000010(0x40)"), file("/a b:c", 0x10, Some(0x40)));
        assert_eq!(place("p:u/x /bin/bash:0x10"), kernel_words("/bin/bash:0x10"));
    }

    fn kernel_words(text: &str) -> Place {
        kernel(text, 0)
    }

    #[test]
    fn other_kinds_and_nonsense() {
        let event = parse("e:eprobes/x syscalls.sys_enter_openat file=+0($filename)");
        assert_eq!(event.place, Place::Other(b"syscalls.sys_enter_openat file=+0($filename)".to_vec()));
        for line in ["", "p", "p:", "p:x", ":/", "p:g/m +", "\u{ff}"] {
            Definition::parse(line.as_bytes());
        }
    }
}
