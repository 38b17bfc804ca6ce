//! Loading the sections that are needed.

use std::fmt;
use std::sync::Arc;

use gimli::{RunTimeEndian, SectionId};

use super::Reader;

/// A file with debug information.
pub trait Sections: fmt::Debug {
    /// The contents of a section, decompressed; `Ok(None)` when the file has none of that name, or nothing of it.
    ///
    /// # Errors
    /// It is damaged or has more than `limit` bytes, in words that follow the name of the section.
    fn section(&self, name: &str, limit: u64) -> Result<Option<Arc<[u8]>>, String>;

    /// True when the most significant byte of a number comes first.
    fn is_big_endian(&self) -> bool;
}

/// Finds the files that debug information refers to.
pub trait Companions: fmt::Debug + Send {
    /// The file to which dwz moved what several files have in common.
    fn alternate(&self) -> Option<Box<dyn Sections>>;

    /// The package (`.dwp`) of all split debug information of the program.
    fn package(&self) -> Option<Box<dyn Sections>>;

    /// The file with the split debug information (`.dwo`) of one unit, by its name and the directory it was compiled in.
    fn split(&self, directory: &str, name: &str) -> Option<Box<dyn Sections>>;
}

/// Sections for which there is a use here; the others stay in the file.
const WANTED: &[SectionId] = &[
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugCuIndex,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// The sections of a file and of its supplement, and how many bytes they are.
pub(super) fn load(
    file: &dyn Sections,
    companions: &dyn Companions,
    limit: u64,
    places: bool,
) -> Result<Option<(gimli::Dwarf<Reader>, usize)>, String> {
    let mut loader = Loader::new(file, limit);
    let info = loader.section(file, SectionId::DebugInfo.name())?;
    if info.is_empty() {
        return Ok(None);
    }
    let mut dwarf = gimli::Dwarf::load(|id| match id {
        SectionId::DebugInfo => Ok(loader.reader(Arc::clone(&info))),
        SectionId::DebugLoc | SectionId::DebugLocLists if !places => Ok(loader.reader(Arc::from([]))),
        id => loader.wanted(file, id, id.name()),
    })?;
    if let Some(alternate) = companions.alternate() {
        dwarf.load_sup(|id| loader.wanted(&*alternate, id, id.name()))?;
    }
    // Units that share abbreviations parse them once.
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    let used = usize::try_from(limit - loader.left).unwrap_or(usize::MAX);
    Ok(Some((dwarf, used)))
}

/// Reads sections as long as there is room.
pub(super) struct Loader {
    pub(super) left: u64,
    endian: RunTimeEndian,
}

impl Loader {
    pub(super) fn new(file: &dyn Sections, limit: u64) -> Self {
        let endian = if file.is_big_endian() { RunTimeEndian::Big } else { RunTimeEndian::Little };
        Self { left: limit, endian }
    }

    /// A section under the name that it has in split files; empty if it has none there.
    pub(super) fn split(&mut self, file: &dyn Sections, id: SectionId) -> Result<Reader, String> {
        match (id, id.dwo_name()) {
            (SectionId::DebugCuIndex, _) => self.wanted(file, id, id.name()),
            (_, Some(name)) => self.wanted(file, id, name),
            (_, None) => Ok(self.reader(Arc::from([]))),
        }
    }

    fn wanted(&mut self, file: &dyn Sections, id: SectionId, name: &str) -> Result<Reader, String> {
        let contents = if WANTED.contains(&id) { self.section(file, name)? } else { Arc::from([]) };
        Ok(self.reader(contents))
    }

    fn section(&mut self, file: &dyn Sections, name: &str) -> Result<Arc<[u8]>, String> {
        let contents = file.section(name, self.left).map_err(|why| format!("{name} {why}"))?;
        let contents = contents.unwrap_or_else(|| Arc::from([]));
        self.left = self.left.saturating_sub(contents.len() as u64);
        Ok(contents)
    }

    pub(super) fn reader(&self, contents: Arc<[u8]>) -> Reader {
        Reader::new(contents, self.endian)
    }
}
