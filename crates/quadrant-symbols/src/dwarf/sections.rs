//! Loading the sections that are needed.

use std::sync::Arc;

use gimli::{RunTimeEndian, SectionId};

use super::Reader;
use crate::elf::ElfFile;

/// Sections for which there is a use here; the others stay in the file.
const WANTED: &[SectionId] = &[
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// The sections of `elf` and of its supplement, and how many bytes they are.
pub(super) fn load(
    elf: &ElfFile,
    supplement: impl Fn(&ElfFile) -> Option<ElfFile>,
    limit: u64,
) -> Result<Option<(gimli::Dwarf<Reader>, usize)>, String> {
    let mut loader = Loader {
        left: limit,
        endian: match elf.is_big_endian() {
            true => RunTimeEndian::Big,
            false => RunTimeEndian::Little,
        },
    };
    if !elf.has_contents(SectionId::DebugInfo.name()) {
        return Ok(None);
    }
    let mut dwarf = gimli::Dwarf::load(|id| loader.section(elf, id))?;
    if let Some(elf) = supplement(elf) {
        dwarf.load_sup(|id| loader.section(&elf, id))?;
    }
    // Units that share abbreviations parse them once.
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    let used = usize::try_from(limit - loader.left).unwrap_or(usize::MAX);
    Ok(Some((dwarf, used)))
}

struct Loader {
    left: u64,
    endian: RunTimeEndian,
}

impl Loader {
    fn section(&mut self, elf: &ElfFile, id: SectionId) -> Result<Reader, String> {
        let mut contents = None;
        if WANTED.contains(&id) {
            let found = elf.contents(id.name(), self.left);
            contents = found.map_err(|why| format!("{} {why}", id.name()))?;
        }
        let contents = contents.unwrap_or_else(|| Arc::from([]));
        self.left -= contents.len() as u64;
        Ok(Reader::new(contents, self.endian))
    }
}
