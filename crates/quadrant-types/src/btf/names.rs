//! Finding records by name.
//!
//! A first few look-ups search the strings for the name and then walk the
//! records for that string's offset (a tenth of a millisecond on a real kernel);
//! only a script that asks for many names pays for an index of all (five milliseconds).

use super::record::{Record, u32_at};
use super::{Btf, BtfKind};
use memchr::memmem;
use std::cell::{OnceCell, RefCell};

/// Names looked up by walking before the index is built.
const WALKS: usize = 48;
/// Strings that end in the wanted name; more and the walk is given up.
const MAX_SPELLINGS: usize = 512;

#[derive(Default)]
pub(super) struct NameIndex {
    walked: RefCell<Vec<Walked>>,
    /// `hash << 32 | id` of each named record, sorted.
    hashes: OnceCell<Vec<u64>>,
    enums: OnceCell<Vec<u32>>,
}

/// What a walk found. Compilers ask for the same few names again and again.
struct Walked {
    name: String,
    kinds: Vec<BtfKind>,
    found: Option<u32>,
}

impl Btf {
    /// The first record called `name` whose kind is one of `kinds`.
    /// Only this blob is searched, not its base.
    pub fn find(&self, name: &str, kinds: &[BtfKind]) -> Option<u32> {
        if name.is_empty() || name.contains('\0') {
            return None;
        }
        if self.names.hashes.get().is_some() {
            return self.find_indexed(name, kinds);
        }
        let mut walked = self.names.walked.borrow_mut();
        if let Some(known) = walked.iter().find(|known| known.name == name && known.kinds == kinds) {
            return known.found;
        }
        let spellings = if walked.len() < WALKS { self.string_offsets(name) } else { None };
        let Some(spellings) = spellings else { return self.find_indexed(name, kinds) };
        let found = self.walk(&spellings, kinds);
        walked.push(Walked { name: name.to_owned(), kinds: kinds.to_vec(), found });
        found
    }

    /// All records called `name` whose kind is one of `kinds`, of this blob alone. Builds the index of names.
    pub fn find_all(&self, name: &str, kinds: &[BtfKind]) -> Vec<u32> {
        if name.is_empty() || name.contains('\0') { Vec::new() } else { self.indexed(name, kinds).collect() }
    }

    /// The enumeration constant called `name`: its ENUM or ENUM64 record, and its value.
    pub fn find_enumerator(&self, name: &str) -> Option<(u32, i64)> {
        if name.is_empty() || name.contains('\0') {
            return None;
        }
        let spellings = self.string_offsets(name);
        let is_called = |at: u32| match &spellings {
            Some(offsets) => offsets.binary_search(&at).is_ok(),
            None => self.string_equals(at, name),
        };
        if spellings.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        self.enum_ids().iter().find_map(|&id| {
            let mut constants = self.record(id)?.enumerators();
            let (_, value) = constants.find(|&(at, _)| is_called(at))?;
            Some((id, value))
        })
    }

    /// The names of all enumeration constants.
    pub fn enumerator_names(&self) -> impl Iterator<Item = &str> {
        self.enum_ids()
            .iter()
            .filter_map(|&id| self.record(id))
            .flat_map(|record| record.enumerators())
            .map(|(name_off, _)| self.string(name_off))
    }

    fn enum_ids(&self) -> &[u32] {
        self.names.enums.get_or_init(|| {
            let bytes = self.bytes();
            let is_enum = |start: u32| Record::kind_at(bytes, start as usize).is_some_and(is_enum);
            let records = self.offsets.iter().zip(self.first_id..);
            records.filter(|(start, _)| is_enum(**start)).map(|(_, id)| id).collect()
        })
    }

    /// Offsets at which the string table reads `name`, ascending; `None` if too many.
    fn string_offsets(&self, name: &str) -> Option<Vec<u32>> {
        let mut found = match &self.base {
            Some(base) => base.string_offsets(name)?,
            None => Vec::new(),
        };
        let needle = [name.as_bytes(), b"\0"].concat();
        for at in memmem::find_iter(self.string_section(), &needle) {
            if found.len() == MAX_SPELLINGS {
                return None;
            }
            found.push(self.string_base.saturating_add(u32::try_from(at).ok()?));
        }
        Some(found)
    }

    fn walk(&self, spellings: &[u32], kinds: &[BtfKind]) -> Option<u32> {
        if spellings.is_empty() {
            return None;
        }
        // Of nearly all records only the name is read.
        let bytes = self.bytes();
        let is_meant = |start: u32| {
            u32_at(bytes, start as usize).is_some_and(|name_off| spellings.binary_search(&name_off).is_ok())
        };
        let meant = self.offsets.iter().zip(self.first_id..).filter(|(start, _)| is_meant(**start));
        meant.map(|(_, id)| id).find(|&id| self.kind(id).is_some_and(|kind| kinds.contains(&kind)))
    }

    fn find_indexed(&self, name: &str, kinds: &[BtfKind]) -> Option<u32> {
        self.indexed(name, kinds).next()
    }

    fn indexed(&self, name: &str, kinds: &[BtfKind]) -> impl Iterator<Item = u32> {
        let hashes = self.names.hashes.get_or_init(|| self.hash_names());
        let hash = hash(name);
        let start = hashes.partition_point(|&entry| (entry >> 32) < u64::from(hash));
        hashes[start..]
            .iter()
            .take_while(move |&&entry| entry >> 32 == u64::from(hash))
            .map(|&entry| entry as u32)
            .filter(move |&id| self.kind(id).is_some_and(|k| kinds.contains(&k)) && self.name(id) == name)
    }

    fn hash_names(&self) -> Vec<u64> {
        let mut hashes: Vec<u64> = self
            .iter()
            .filter(|(.., name)| !name.is_empty())
            .map(|(id, _, name)| u64::from(hash(name)) << 32 | u64::from(id))
            .collect();
        hashes.sort_unstable();
        hashes
    }

    /// Compares without looking for the end of the string first.
    fn string_equals(&self, offset: u32, name: &str) -> bool {
        if offset < self.string_base {
            return self.base.as_ref().is_some_and(|base| base.string_equals(offset, name));
        }
        let start = (offset - self.string_base) as usize;
        let tail = self.string_section().get(start..).unwrap_or_default();
        tail.starts_with(name.as_bytes()) && tail.get(name.len()) == Some(&0)
    }
}

fn is_enum(kind: BtfKind) -> bool {
    matches!(kind, BtfKind::Enum | BtfKind::Enum64)
}

/// FNV-1a.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
