//! `/etc/ld.so.cache`: which file a library's name means.
//!
//! The format is glibc's (elf/cache.c): `glibc-ld.so.cache1.1`, a header of 48 bytes, entries of 24 bytes that refer to strings by
//! offset. Files made for old programs too have another table before it.

use super::root::Root;
use crate::elf::Class;
use std::path::{Path, PathBuf};

const CACHE: &str = "/etc/ld.so.cache";
/// Real ones have some hundred KiB.
const MAX_LEN: u64 = 64 << 20;
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const HEADER_LEN: usize = 48;
const ENTRY_LEN: usize = 24;
const OLD_HEADER_LEN: usize = 16;
const OLD_ENTRY_LEN: usize = 12;
/// Flags of an entry: an ELF library of glibc, for i386, for x86-64.
const FLAGS: [u32; 2] = [0x0003, 0x0303];

/// A library: its name as programs ask for it, and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Library {
    pub name: String,
    pub path: PathBuf,
}

/// The libraries of a root's cache for such programs; none if there is no readable cache.
pub(crate) fn read(root: &Root, class: Class) -> Vec<Library> {
    let data = root.open(Path::new(CACHE)).and_then(|file| file.read(0, file.len().min(MAX_LEN)));
    data.map(|data| parse(&data, class)).unwrap_or_default()
}

/// The libraries for such programs, in the cache's order: newer versions come first.
fn parse(data: &[u8], class: Class) -> Vec<Library> {
    let Some(table) = new_table(data) else { return Vec::new() };
    let count = crate::elf::u32_at(table, MAGIC.len()).unwrap_or(0) as usize;
    let entries = table.get(HEADER_LEN..).unwrap_or_default().chunks_exact(ENTRY_LEN);
    entries.take(count).filter_map(|entry| parse_entry(table, entry, class)).collect()
}

/// The start of the new format, which string offsets count from.
fn new_table(data: &[u8]) -> Option<&[u8]> {
    if data.starts_with(MAGIC) {
        return Some(data);
    }
    let count = data.starts_with(OLD_MAGIC).then(|| crate::elf::u32_at(data, OLD_HEADER_LEN - 4))?? as usize;
    let end = count.checked_mul(OLD_ENTRY_LEN)?.checked_add(OLD_HEADER_LEN)?;
    let table = data.get(end.checked_next_multiple_of(8)?..)?;
    table.starts_with(MAGIC).then_some(table)
}

fn parse_entry(table: &[u8], entry: &[u8], class: Class) -> Option<Library> {
    let word = |at| crate::elf::u32_at(entry, at);
    if word(0)? & 0xffff != class.of(FLAGS) {
        return None;
    }
    let name = text(table, word(4)?)?;
    let path = text(table, word(8)?)?;
    Some(Library { name: name.to_owned(), path: PathBuf::from(path) })
}

fn text(table: &[u8], at: u32) -> Option<&str> {
    let tail = table.get(at as usize..)?;
    let end = tail.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(&tail[..end]).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cache(libraries: &[(&str, &str, u32)]) -> Vec<u8> {
        let mut data = MAGIC.to_vec();
        data.extend((libraries.len() as u32).to_le_bytes());
        data.resize(HEADER_LEN, 0);
        let mut strings: Vec<u8> = Vec::new();
        let strings_at = HEADER_LEN + libraries.len() * ENTRY_LEN;
        for (name, path, flags) in libraries {
            let name_at = (strings_at + strings.len()) as u32;
            strings.extend(name.as_bytes().iter().chain(b"\0"));
            let path_at = (strings_at + strings.len()) as u32;
            strings.extend(path.as_bytes().iter().chain(b"\0"));
            for word in [*flags, name_at, path_at, 0, 0, 0] {
                data.extend(word.to_le_bytes());
            }
        }
        data.extend(strings);
        data
    }

    #[test]
    fn own_entries_only() {
        let data = cache(&[("libc.so.6", "/lib/libc.so.6", 0x0303), ("libc.so.6", "/lib32/libc.so.6", 0x0003)]);
        let wanted = |path: &str| [Library { name: "libc.so.6".into(), path: path.into() }];
        assert_eq!(parse(&data, Class::Wide), wanted("/lib/libc.so.6"));
        assert_eq!(parse(&data, Class::Narrow), wanted("/lib32/libc.so.6"));
    }

    #[test]
    fn behind_an_old_table() {
        let mut data = OLD_MAGIC.to_vec();
        data.resize(OLD_HEADER_LEN - 4, 0);
        data.extend(1_u32.to_le_bytes());
        data.resize(32, 0);
        data.extend(cache(&[("libm.so.6", "/lib/libm.so.6", 0x0303)]));
        assert_eq!(parse(&data, Class::Wide).len(), 1);
    }

    #[test]
    fn this_machines_cache() {
        if !Path::new(CACHE).exists() {
            eprintln!("skipped: no {CACHE}");
            return;
        }
        assert!(read(&Root::own(), Class::Wide).iter().any(|library| library.name == "libc.so.6"));
    }

    proptest! {
        #[test]
        fn corrupted(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut data = cache(&[("libc.so.6", "/lib/libc.so.6", 0x0303), ("a", "b", 0x0303)]);
            let at = at.index(data.len());
            data[at] = byte;
            data.truncate(cut.index(data.len()) + 1);
            parse(&data, Class::Wide);
        }
    }
}
