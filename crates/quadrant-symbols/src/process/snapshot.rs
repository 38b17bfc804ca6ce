//! What a process mapped at one moment, with the files held open.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};

use super::calls;
use super::maps::{self, Backing, Inode, MAX_MAPPINGS, MappedFile, Mapping};
use super::pin::{Owner, pin};
use crate::clock;
use crate::error::errno_name;
use crate::frame::Missing;
use crate::pins::{FileId, Pins};
use crate::place::Lookup;
use crate::warnings::Warnings;

/// A longer `/proc/PID/maps` is cut.
const MAX_MAPS: u64 = 256 << 20;

/// The mappings of a process at one moment, or from then on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    /// By their first address; they do not overlap.
    mappings: BTreeMap<u64, Mapping>,
    /// The open file of every inode that has executable mappings, or why there is none.
    files: HashMap<Inode, Result<FileId, Missing>>,
    /// The last time that anything was seen to be mapped, by the boot clock.
    pub(super) seen: u64,
}

impl Snapshot {
    /// Reads the mappings of a running process and opens its executable files.
    pub(crate) fn take(pid: u32, pins: &mut Pins, log: &mut Warnings) -> Result<Self, Missing> {
        let seen = clock::boot_ns();
        let (reader, text) = read_maps(pid)?;
        let (mappings, left_out) = maps::parse(&text);
        log.add_many("lines of /proc/PID/maps were not understood", left_out);
        let mut snapshot = Self { seen, ..Self::default() };
        mappings.into_iter().for_each(|mapping| snapshot.put(mapping));
        snapshot.open_files(reader, pins);
        Ok(snapshot)
    }

    /// Adds a mapping that was made at a time, in the place of what was there before. False when there are too many.
    pub(crate) fn map(&mut self, mapping: Mapping, owner: Owner, time: u64, pins: &mut Pins) -> bool {
        self.seen = self.seen.max(time);
        if self.mappings.get(&mapping.start) == Some(&mapping) && self.is_open(&mapping, pins) {
            return true;
        }
        if self.mappings.len() >= MAX_MAPPINGS {
            return false;
        }
        self.open_file(&mapping, owner, pins);
        self.put(mapping);
        true
    }

    /// How many mappings there are.
    pub(crate) fn len(&self) -> usize {
        self.mappings.len()
    }

    /// The mapping that covers `addr`.
    pub(crate) fn find(&self, addr: u64) -> Option<&Mapping> {
        let (_, last) = self.mappings.range(..=addr).next_back()?;
        (addr < last.end).then_some(last)
    }

    /// How many of the addresses that are returned to follow a call.
    pub(super) fn calls(&self, lookups: &[Lookup], pins: &mut Pins) -> usize {
        lookups.iter().filter(|lookup| lookup.is_return && self.follows_call(**lookup, pins)).count()
    }

    fn follows_call(&self, lookup: Lookup, pins: &mut Pins) -> bool {
        let Some(mapping) = self.find(lookup.call()) else { return false };
        let Backing::File(file) = &mapping.backing else { return false };
        let Some(Ok(id)) = self.files.get(&file.inode) else { return false };
        let Some(pin) = pins.get(*id) else { return false };
        let end = lookup.addr.wrapping_sub(mapping.start).wrapping_add(mapping.offset);
        let Some(from) = end.checked_sub(calls::LONGEST as u64) else { return false };
        let mut before = [0; calls::LONGEST];
        pin.blob.read_some(&mut before, from) == before.len() && calls::end_in_call(&before)
    }

    /// The open file of a mapping. Data files are not opened.
    pub(crate) fn file(&self, file: &MappedFile) -> Option<Result<FileId, Missing>> {
        self.files.get(&file.inode).cloned()
    }

    /// The open files that are mapped executable, each once, in the order of addresses.
    pub(crate) fn code_files(&self) -> impl Iterator<Item = (&MappedFile, FileId)> {
        let mut seen = HashSet::new();
        let code = self.mappings.values().filter(|mapping| mapping.executable);
        code.filter_map(move |mapping| {
            let Backing::File(file) = &mapping.backing else {
                return None;
            };
            let id = self.files.get(&file.inode)?.clone().ok()?;
            seen.insert(id).then_some((file, id))
        })
    }

    /// Where the byte at `offset` of a file is in memory.
    pub(crate) fn addr_of(&self, file: &MappedFile, offset: u64) -> Option<u64> {
        self.mappings.values().find_map(|mapping| {
            let Backing::File(mapped) = &mapping.backing else {
                return None;
            };
            let inside = offset.checked_sub(mapping.offset)?;
            let holds = mapped.inode == file.inode && inside < mapping.end - mapping.start;
            holds.then_some(mapping.start + inside)
        })
    }

    /// True when there is executable memory without a file: code made at run time.
    pub(crate) fn has_generated_code(&self) -> bool {
        self.mappings.values().any(Mapping::is_generated)
    }

    /// Adds those mappings of an older snapshot that nothing new overlaps: code that was
    /// unloaded since, but that earlier stacks may lead to.
    pub(crate) fn keep_unloaded(&mut self, older: &Self) {
        let gone = |old: &&Mapping| old.executable && self.overlapping(old.start, old.end).is_none();
        let kept: Vec<Mapping> = older.mappings.values().filter(gone).cloned().collect();
        self.mappings.extend(kept.into_iter().map(|mapping| (mapping.start, mapping)));
        for (inode, file) in &older.files {
            self.files.entry(*inode).or_insert_with(|| file.clone());
        }
    }

    /// The file mapped at `addr` that was closed to make room for others.
    pub(crate) fn closed_at(&self, addr: u64, pins: &Pins) -> Option<(&Mapping, &MappedFile)> {
        let mapping = self.find(addr)?;
        let Backing::File(file) = &mapping.backing else { return None };
        let Some(Ok(id)) = self.files.get(&file.inode) else { return None };
        (!pins.holds(*id)).then_some((mapping, file))
    }

    /// The file is open again.
    pub(crate) fn opened(&mut self, inode: Inode, id: FileId) {
        self.files.insert(inode, Ok(id));
    }

    /// Puts a mapping in the place of whatever was there.
    fn put(&mut self, mapping: Mapping) {
        while let Some(start) = self.overlapping(mapping.start, mapping.end) {
            let Some(old) = self.mappings.remove(&start) else { return };
            let rests = [old.part(old.start, mapping.start), old.part(mapping.end, old.end)];
            self.mappings.extend(rests.into_iter().flatten().map(|rest| (rest.start, rest)));
        }
        self.mappings.insert(mapping.start, mapping);
    }

    /// Where the last mapping starts that lies in a range.
    fn overlapping(&self, start: u64, end: u64) -> Option<u64> {
        let (at, last) = self.mappings.range(..end).next_back()?;
        (last.end > start).then_some(*at)
    }

    fn is_open(&self, mapping: &Mapping, pins: &Pins) -> bool {
        match &mapping.backing {
            Backing::File(file) => matches!(self.files.get(&file.inode), Some(Ok(id)) if pins.holds(*id)),
            Backing::Anonymous | Backing::Vsyscall => true,
        }
    }

    fn open_files(&mut self, reader: u32, pins: &mut Pins) {
        let code: Vec<Mapping> = self.mappings.values().filter(|mapping| mapping.executable).cloned().collect();
        for mapping in code {
            let known = matches!(&mapping.backing, Backing::File(file) if self.files.contains_key(&file.inode));
            if !known {
                self.open_file(&mapping, Owner::running(reader), pins);
            }
        }
    }

    fn open_file(&mut self, mapping: &Mapping, owner: Owner, pins: &mut Pins) {
        if let Backing::File(file) = &mapping.backing {
            self.files.insert(file.inode, pin(owner, mapping, file, pins));
        }
    }
}

/// The text of the maps file and the thread id it was read through. The main thread may have
/// ended while others run: it then has no memory any more, but they do.
fn read_maps(pid: u32) -> Result<(u32, Vec<u8>), Missing> {
    let text = read_file(&format!("/proc/{pid}/maps"))?;
    if !text.is_empty() {
        return Ok((pid, text));
    }
    let reader = reader_of(pid).ok_or(Missing::NoMemory)?;
    let text = read_file(&format!("/proc/{reader}/maps"))?;
    Ok((reader, text))
}

/// A thread of the process that still has its memory.
pub(crate) fn reader_of(pid: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let ids = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.into_iter().find(|tid: &u32| {
        let first = File::open(format!("/proc/{tid}/maps")).and_then(|mut maps| maps.read(&mut [0]));
        first.is_ok_and(|read| read > 0)
    })
}

fn read_file(path: &str) -> Result<Vec<u8>, Missing> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_MAPS).read_to_end(&mut text)).map_err(|error| missing(&error))?;
    Ok(text)
}

fn missing(error: &io::Error) -> Missing {
    match errno_name(error) {
        gone if gone == "ENOENT" || gone == "ESRCH" => Missing::ProcessGone,
        errno => Missing::NoAccess(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mapped;
    use super::*;

    fn anonymous(start: u64, end: u64) -> Mapping {
        Mapping { start, end, offset: 0, executable: true, backing: Backing::Anonymous }
    }

    fn ranges(snapshot: &Snapshot) -> Vec<(u64, u64, u64)> {
        snapshot.mappings.values().map(|m| (m.start, m.end, m.offset)).collect()
    }

    #[test]
    fn a_new_mapping_takes_the_place_of_old_ones() {
        let mut snapshot = Snapshot::default();
        for (start, end) in [(0x1000, 0x4000), (0x4000, 0x5000), (0x6000, 0x9000)] {
            snapshot.put(anonymous(start, end));
        }
        snapshot.put(anonymous(0x3000, 0x7000));
        assert_eq!(ranges(&snapshot), [(0x1000, 0x3000, 0), (0x3000, 0x7000, 0), (0x7000, 0x9000, 0x1000)]);
        snapshot.put(anonymous(0x4000, 0x5000));
        assert_eq!(snapshot.len(), 5);
        assert_eq!(snapshot.find(0x4fff).map(|m| m.start), Some(0x4000));
        assert_eq!(snapshot.find(0x5000).map(|m| m.end), Some(0x7000));
        assert!(snapshot.find(0xfff).is_none() && snapshot.find(0x9000).is_none());
    }

    #[test]
    fn what_is_left_of_a_file_keeps_its_offsets() {
        let event = Mapped { start: 0x1000, len: 0x3000, offset: 0x100, inode: 7, path: b"/x", ..Mapped::default() };
        let mut snapshot = Snapshot::default();
        snapshot.put(Mapping::reported(&event).unwrap());
        snapshot.put(anonymous(0x2000, 0x3000));
        assert_eq!(ranges(&snapshot), [(0x1000, 0x2000, 0x100), (0x2000, 0x3000, 0), (0x3000, 0x4000, 0x2100)]);
    }

    #[test]
    fn unloaded_code_stays_known_where_nothing_new_is() {
        let (mut old, mut new) = (Snapshot::default(), Snapshot::default());
        old.put(anonymous(0x1000, 0x2000));
        old.put(anonymous(0x5000, 0x7000));
        new.put(anonymous(0x6000, 0x8000));
        new.keep_unloaded(&old);
        assert_eq!(ranges(&new), [(0x1000, 0x2000, 0), (0x6000, 0x8000, 0)]);
    }
}
