//! A symbol table as a sorted index: 16 bytes a symbol, names stay in the file.

use super::field::Encoding;
use super::file::{ElfFile, SHT_DYNSYM, SHT_SYMTAB, Section};
use super::golang::{GoFunction, GoTable};
use crate::blob::Blob;

/// Further rows of one table are left out (and the table says so).
const MAX_SYMBOLS: u64 = 8_000_000;
/// How many symbols before an address are looked at for one that covers it.
const MAX_STEPS: usize = 64;
/// Longer names are cut.
const MAX_NAME: usize = 64 * 1024;
/// Symbols read at a time.
const BATCH: u64 = 16 * 1024;
/// A size that does not fit in the index; such a symbol reaches to this far.
const MAX_SIZE: u32 = u32::MAX >> RANK_BITS;
const RANK_BITS: u32 = 3;

const STT_OBJECT: u8 = 1;
const STT_FUNC: u8 = 2;
const STT_GNU_IFUNC: u8 = 10;
const STB_LOCAL: u8 = 0;
const SHN_UNDEF: u16 = 0;
const SHN_ABS: u16 = 0xfff1;
const SHN_COMMON: u16 = 0xfff2;

/// The symbols of one table that have an address, sorted by it.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    entries: Vec<Entry>,
    /// Offset and size of the names in the file.
    names: (u64, u64),
    /// True when the file has more symbols than are kept.
    pub(crate) cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    value: u64,
    name: u32,
    /// The size shifted left, and the rank: 0 is the best of several at one address.
    size_and_rank: u32,
}

/// A symbol that was found; its name is read separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SymbolRef {
    pub(crate) value: u64,
    pub(crate) size: u64,
    name: u32,
}

impl SymbolTable {
    /// Reads `.symtab` (all symbols) or `.dynsym` (exported ones) of a file.
    pub(crate) fn read(file: &ElfFile, dynamic: bool) -> Option<Self> {
        let kind = if dynamic { SHT_DYNSYM } else { SHT_SYMTAB };
        let table = file.sections.iter().find(|section| section.kind == kind)?;
        let names = file.sections.get(table.link as usize)?;
        let row = if file.encoding.wide { 24 } else { 16 };
        if table.entry_size != row {
            return None;
        }
        let (mut entries, cut) = read_entries(file, table, row)?;
        entries.sort_unstable_by_key(|entry| (entry.value, entry.rank(), entry.name));
        entries.shrink_to_fit();
        Some(Self { entries, names: (names.offset, names.size), cut })
    }

    /// The functions of a Go program without a symbol table.
    pub(crate) fn of_go(file: &ElfFile) -> Option<Self> {
        let table = GoTable::read(file)?;
        let entry = |function: &GoFunction| {
            let size = u32::try_from(function.size).unwrap_or(u32::MAX).min(MAX_SIZE);
            Entry { value: function.address, name: function.name, size_and_rank: size << RANK_BITS }
        };
        let mut entries: Vec<Entry> = table.functions.iter().map(entry).collect();
        entries.sort_unstable_by_key(|entry| entry.value);
        Some(Self { entries, names: table.names, cut: table.cut })
    }

    /// The symbol that covers `vaddr`: the nearest one before it whose size reaches that far,
    /// or the nearest one when it has no size (assembly) and is in the same section.
    pub(crate) fn find(&self, file: &ElfFile, vaddr: u64) -> Option<SymbolRef> {
        let after = self.entries.partition_point(|entry| entry.value <= vaddr);
        let before = &self.entries[..after];
        let covering = before.iter().rev().take(MAX_STEPS).find(|e| e.covers(vaddr));
        let start = match covering {
            Some(entry) => entry.value,
            None => self.sizeless(file, before, vaddr)?,
        };
        let best = self.best_at(file, start, vaddr, covering.is_some())?;
        Some(best.found())
    }

    /// The first symbol called `name`, in the order of addresses.
    pub(crate) fn named(&self, file: &ElfFile, name: &str) -> Option<SymbolRef> {
        let wanted = name.as_bytes();
        let names = file.blob.read(self.names.0, self.names.1, 1 << 30)?;
        let is_it = |entry: &&Entry| {
            let rest = names.get(entry.name as usize..).unwrap_or_default();
            rest.strip_prefix(wanted).is_some_and(|rest| rest.first() == Some(&0))
        };
        self.entries.iter().find(is_it).map(|entry| entry.found())
    }

    /// The name of a symbol, cut at a sane length.
    pub(crate) fn name(&self, file: &ElfFile, symbol: SymbolRef) -> String {
        let bytes = read_name(&file.blob, self.names, symbol.name);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Memory in use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>()
    }

    /// Address of the nearest symbol when that is one without a size.
    fn sizeless(&self, file: &ElfFile, before: &[Entry], vaddr: u64) -> Option<u64> {
        let last = before.last()?;
        let same_section = || {
            let start = file.code_section_start(vaddr)?;
            (last.value >= start).then_some(())
        };
        (last.size() == 0).then_some(())?;
        same_section()?;
        Some(last.value)
    }

    /// Of the symbols at `start`: best rank, then fewest leading underscores.
    fn best_at(&self, file: &ElfFile, start: u64, vaddr: u64, sized: bool) -> Option<Entry> {
        let from = self.entries.partition_point(|entry| entry.value < start);
        let same = self.entries[from..].iter();
        let mut same =
            same.take_while(|entry| entry.value == start).filter(|entry| !sized || entry.covers(vaddr)).take(MAX_STEPS);
        let first = *same.next()?;
        let tied: Vec<Entry> = same.take_while(|entry| entry.rank() == first.rank()).copied().collect();
        let underscores = |entry: &Entry| {
            let name = read_name(&file.blob, self.names, entry.name);
            name.iter().take_while(|byte| **byte == b'_').count()
        };
        let all = std::iter::once(first).chain(tied.iter().copied());
        match tied.is_empty() {
            true => Some(first),
            false => all.min_by_key(underscores),
        }
    }
}

impl Entry {
    fn size(self) -> u64 {
        u64::from(self.size_and_rank >> RANK_BITS)
    }

    fn rank(self) -> u32 {
        self.size_and_rank & ((1 << RANK_BITS) - 1)
    }

    fn covers(self, vaddr: u64) -> bool {
        vaddr.wrapping_sub(self.value) < self.size()
    }

    fn found(self) -> SymbolRef {
        SymbolRef { value: self.value, size: self.size(), name: self.name }
    }
}

fn read_entries(file: &ElfFile, table: &Section, row: u64) -> Option<(Vec<Entry>, bool)> {
    let all = table.size / row;
    let count = all.min(MAX_SYMBOLS);
    // The table must lie in the file before memory is set aside for it.
    if table.offset.checked_add(table.size)? > file.blob.len() {
        return None;
    }
    let mut entries = Vec::new();
    let mut at = 0;
    while at < count {
        let rows = BATCH.min(count - at);
        let bytes = file.blob.read(table.offset + at * row, rows * row, rows * row)?;
        let rows_of = bytes.chunks_exact(row as usize);
        entries.extend(rows_of.filter_map(|bytes| entry(file.encoding, bytes)));
        at += rows;
    }
    Some((entries, count < all))
}

/// One row, when it names a place in the file's memory.
fn entry(enc: Encoding, row: &[u8]) -> Option<Entry> {
    let (info_at, section_at) = if enc.wide { (4, 6) } else { (12, 14) };
    let info = *row.get(info_at)?;
    let section = enc.u16(row, section_at)?;
    let value = enc.word(row, 4, 8)?;
    let size = enc.word(row, 8, 16)?;
    let name = enc.u32(row, 0)?;
    let rank = rank(info, size)?;
    let placed = section != SHN_UNDEF && section != SHN_ABS && section != SHN_COMMON;
    if !placed || value == 0 || name == 0 {
        return None;
    }
    let size = u32::try_from(size).unwrap_or(u32::MAX).min(MAX_SIZE);
    Some(Entry { value, name, size_and_rank: size << RANK_BITS | rank })
}

/// Functions before plain labels before objects, sized before sizeless, others before local
/// ones. `None` for sections, file names and thread-local offsets.
fn rank(info: u8, size: u64) -> Option<u32> {
    let kind = match info & 0xf {
        STT_FUNC | STT_GNU_IFUNC => 0,
        0 => 1,
        STT_OBJECT => 2,
        _ => return None,
    };
    let local = u32::from(info >> 4 == STB_LOCAL);
    let sizeless = u32::from(size == 0);
    Some(kind * 2 + local + 2 * sizeless)
}

/// The zero-terminated name at `at`, read in steps so that short names cost little.
fn read_name(blob: &Blob, (start, size): (u64, u64), at: u32) -> Vec<u8> {
    let mut name = Vec::new();
    let mut at = u64::from(at);
    while at < size && name.len() < MAX_NAME {
        let mut step = [0; 256];
        let len = (size - at).min(step.len() as u64) as usize;
        let got = blob.read_some(&mut step[..len], start.saturating_add(at));
        let step = &step[..got];
        match step.iter().position(|byte| *byte == 0) {
            Some(end) => {
                name.extend_from_slice(&step[..end]);
                return name;
            }
            None => name.extend_from_slice(step),
        }
        if got == 0 {
            return name;
        }
        at += got as u64;
    }
    name
}
