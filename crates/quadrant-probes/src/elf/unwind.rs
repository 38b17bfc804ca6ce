//! Where functions start in a stripped file: `.eh_frame_hdr` has a table of them for stack unwinding.
//!
//! The format is the Linux Standard Base's: four bytes (version and three encodings), the address of `.eh_frame`, the number of
//! entries, and then sorted pairs of 32-bit offsets from the section's own start, the first of each being a function.

use super::{Elf, Symbol, SymbolKind, u32_at};

const SECTION: &str = ".eh_frame_hdr";
const VERSION: u8 = 1;
/// Encodings that all linkers use: 32 bits unsigned, and 32 bits signed from the section's start.
const COUNT_ENCODING: u8 = 0x03;
const TABLE_ENCODING: u8 = 0x3b;
const TABLE_AT: usize = 12;
const ENTRY_LEN: usize = 8;

impl Elf {
    /// The nameless piece of code that `address` is in, up to where the next one starts.
    pub fn unwind_range(&self, address: u64) -> Option<Symbol<'static>> {
        let starts = self.unwind_starts()?;
        let after = starts.partition_point(|start| *start <= address);
        let start = *starts.get(after.checked_sub(1)?)?;
        let end = starts.get(after).copied().or_else(|| self.code_end(start))?;
        let size = end.checked_sub(start).filter(|size| address - start < *size)?;
        Some(Symbol { name: "", address: start, size, kind: SymbolKind::Function, global: false })
    }

    /// Where pieces of code start, sorted.
    pub fn unwind_starts(&self) -> Option<Vec<u64>> {
        let section = self.section(SECTION)?;
        parse(&self.data(section).ok()?, section.address)
    }
}

fn parse(data: &[u8], base: u64) -> Option<Vec<u64>> {
    if data.first() != Some(&VERSION) || data.get(2..4) != Some(&[COUNT_ENCODING, TABLE_ENCODING]) {
        return None;
    }
    let count = u32_at(data, TABLE_AT - 4)? as usize;
    let entries = data.get(TABLE_AT..)?.chunks_exact(ENTRY_LEN).take(count);
    let starts = entries.filter_map(|entry| Some(base.wrapping_add_signed(i64::from(u32_at(entry, 0)? as i32))));
    let mut starts: Vec<u64> = starts.collect();
    starts.sort_unstable();
    Some(starts)
}
