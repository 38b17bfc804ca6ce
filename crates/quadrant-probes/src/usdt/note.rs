//! `.note.stapsdt`: one note for each place of a probe.
//!
//! Written by `<sys/sdt.h>`, described in SystemTap's wiki (UserSpaceProbeImplementation): owner `stapsdt`, type 3, and in it three
//! addresses (the probe's instruction, what `.stapsdt.base` was when linked, the semaphore or 0) and three strings
//! (provider, name, arguments).

use crate::elf::{Class, Elf, Section, u32_at};
use crate::error::Result;

const NOTES: &str = ".note.stapsdt";
const BASE: &str = ".stapsdt.base";
const OWNER: &[u8] = b"stapsdt\0";
const TYPE: u32 = 3;
const HEAD_LEN: usize = 12;
/// How many addresses are in a note.
const ADDRESSES: usize = 3;
/// Places in one file; the largest real programs have thousands.
const MAX_NOTES: usize = 1 << 20;

/// Where `dtrace -G` puts definitions of providers: owner, type 1, and in it D text.
const DEFINITIONS: &str = ".note.quadrant";
const DEFINITIONS_OWNER: &[u8] = b"quadrant\0";
const DEFINITION: u32 = 1;
/// Longest definition that is believed, in bytes.
const MAX_DEFINITION: usize = 1 << 20;

/// A place of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub provider: String,
    pub name: String,
    /// The arguments' places, as text: see [`super::operand`].
    pub arguments: String,
    /// The probe's instruction.
    pub address: u64,
    /// The counter that the program looks at to know whether it is traced.
    pub semaphore: Option<u64>,
}

/// The notes of a file, and how many of them are malformed.
pub(super) fn read(elf: &Elf) -> Result<(Vec<Note>, usize)> {
    let base = elf.section(BASE).map(|section| section.address);
    let (mut notes, mut malformed) = (Vec::new(), 0);
    for section in elf.sections().iter().filter(|section: &&Section| section.name == NOTES) {
        malformed += parse(elf.class(), &elf.data(section)?, base, &mut notes);
    }
    Ok((notes, malformed))
}

/// The definitions of providers in a file; what is malformed counts as not there, because the probes work without.
pub(crate) fn definitions(elf: &Elf) -> Vec<String> {
    let mut found = Vec::new();
    for section in elf.sections().iter().filter(|section| section.name == DEFINITIONS) {
        let Ok(data) = elf.data(section) else { continue };
        let mut rest: &[u8] = &data;
        while let Some((raw, tail)) = RawNote::split(rest).filter(|_| found.len() < MAX_NOTES) {
            rest = tail;
            let ours = raw.owner == DEFINITIONS_OWNER && raw.kind == DEFINITION;
            let text = std::str::from_utf8(raw.content).ok().filter(|text| ours && text.len() <= MAX_DEFINITION);
            found.extend(text.map(str::to_owned));
        }
    }
    found
}

/// Appends the notes of a section; returns how many are malformed. Stops where the rest cannot be parted.
pub(super) fn parse(class: Class, section: &[u8], base: Option<u64>, notes: &mut Vec<Note>) -> usize {
    let mut rest = section;
    let mut malformed = 0;
    while !rest.is_empty() && notes.len() + malformed < MAX_NOTES {
        let Some((raw, tail)) = RawNote::split(rest) else { return malformed + 1 };
        rest = tail;
        if raw.owner != OWNER || raw.kind != TYPE {
            continue;
        }
        match parse_content(class, raw.content, base) {
            Some(note) => notes.push(note),
            None => malformed += 1,
        }
    }
    malformed
}

/// An ELF note.
struct RawNote<'a> {
    kind: u32,
    owner: &'a [u8],
    content: &'a [u8],
}

impl<'a> RawNote<'a> {
    /// The first note of a section, and what follows it.
    fn split(section: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let owner_len = u32_at(section, 0)? as usize;
        let content_len = u32_at(section, 4)? as usize;
        let owner = section.get(HEAD_LEN..HEAD_LEN.checked_add(owner_len)?)?;
        let start = HEAD_LEN.checked_add(owner_len)?.checked_next_multiple_of(4)?;
        let end = start.checked_add(content_len)?;
        let content = section.get(start..end)?;
        let next = end.checked_next_multiple_of(4)?.min(section.len());
        Some((Self { kind: u32_at(section, 8)?, owner, content }, section.get(next..)?))
    }
}

fn parse_content(class: Class, content: &[u8], base: Option<u64>) -> Option<Note> {
    let word = |index: usize| class.word_at(content, index * class.word_len());
    // A file that was prelinked or otherwise moved after linking has its base elsewhere.
    let moved = base.map_or(0, |base| base.wrapping_sub(word(1).unwrap_or(base)));
    let placed = |address: u64| class.address(address.wrapping_add(moved));
    let (address, semaphore) = (placed(word(0)?), word(2)?);
    let mut texts = content.get(ADDRESSES * class.word_len()..)?.split(|byte| *byte == 0);
    let mut text = || Some(std::str::from_utf8(texts.next()?).ok()?.to_owned());
    let (provider, name, arguments) = (text()?, text()?, text()?);
    if provider.is_empty() || name.is_empty() {
        return None;
    }
    let semaphore = (semaphore != 0).then(|| placed(semaphore));
    Some(Note { provider, name, arguments, address, semaphore })
}
