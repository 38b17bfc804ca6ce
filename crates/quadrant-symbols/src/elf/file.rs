//! The headers of an ELF file.

use std::fs::File;
use std::sync::atomic::AtomicU64;

use super::contents::MAX_DENSE;
use super::field::Encoding;
use crate::blob::Blob;

/// Section and program headers beyond this many are refused.
const MAX_HEADERS: u64 = 100_000;
/// The table of section names is small.
const MAX_SECTION_NAMES: u64 = 16 << 20;

/// Where the kind of the file is, and that of programs with fixed addresses.
const KIND_AT: usize = 16;
const ET_EXEC: u16 = 2;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const PF_X: u32 = 1;
pub(super) const SHT_SYMTAB: u32 = 2;
pub(super) const SHT_NOTE: u32 = 7;
pub(super) const SHT_NOBITS: u32 = 8;
pub(super) const SHT_DYNSYM: u32 = 11;
const SHF_EXECINSTR: u64 = 4;
const SHF_COMPRESSED: u64 = 0x800;

/// How the names of sections start that older tools deflated.
const DEFLATED: &[u8] = b".zdebug_";

/// An ELF file whose headers have been read and checked.
#[derive(Debug)]
pub(crate) struct ElfFile {
    pub(super) blob: Blob,
    pub(super) encoding: Encoding,
    pub(super) sections: Vec<Section>,
    segments: Vec<Segment>,
    section_names: Vec<u8>,
    fixed: bool,
    /// Bytes that contents may still have that are packed more than is usual.
    pub(super) dense: AtomicU64,
}

/// A section header.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Section {
    name: u32,
    pub(super) kind: u32,
    flags: u64,
    addr: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) link: u32,
    pub(super) entry_size: u64,
}

/// A program header.
#[derive(Debug, Clone, Copy)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    vaddr: u64,
    file_size: u64,
}

impl ElfFile {
    /// Reads the headers. The error says what is wrong, in words that follow "the file is no
    /// usable ELF file:".
    pub(crate) fn open(blob: Blob) -> Result<Self, &'static str> {
        let mut head = [0; 64];
        let got = blob.read_some(&mut head, 0);
        let head = &head[..got];
        let encoding = encoding(head)?;
        let segments = segments(&blob, encoding, head)?;
        let (sections, names_at) = sections(&blob, encoding, head)?;
        let section_names = names_at
            .and_then(|index| sections.get(index))
            .and_then(|names| blob.read(names.offset, names.size, MAX_SECTION_NAMES))
            .unwrap_or_default();
        let fixed = encoding.u16(head, KIND_AT) == Some(ET_EXEC);
        let dense = AtomicU64::new(MAX_DENSE);
        Ok(Self { blob, encoding, sections, segments, section_names, fixed, dense })
    }

    /// The address in the file's own address space of the byte at `offset`.
    pub(crate) fn vaddr_of(&self, offset: u64) -> Option<u64> {
        let holds = |segment: &&Segment| {
            segment.kind == PT_LOAD
                && offset.checked_sub(segment.offset).is_some_and(|inside| inside < segment.file_size)
        };
        let mut holding = self.segments.iter().filter(holds);
        let first = holding.next()?;
        let code = |segment: &&Segment| segment.flags & PF_X != 0;
        let best = match code(&first) {
            true => first,
            false => holding.find(code).unwrap_or(first),
        };
        (offset - best.offset).checked_add(best.vaddr)
    }

    /// The offset in the file of the byte at address `vaddr`.
    pub(crate) fn offset_of(&self, vaddr: u64) -> Option<u64> {
        let loaded = self.segments.iter().filter(|s| s.kind == PT_LOAD);
        loaded.into_iter().find_map(|segment| {
            let inside = vaddr.checked_sub(segment.vaddr)?;
            let offset = segment.offset.checked_add(inside)?;
            (inside < segment.file_size).then_some(offset)
        })
    }

    /// The same open file for others.
    pub(crate) fn again(&self) -> Option<File> {
        self.blob.file()?.try_clone().ok()
    }

    /// The section called `name`. What older tools deflated is called `.zdebug_info` in place of `.debug_info`.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        let deflated = || self.named(&[DEFLATED, name.strip_prefix(".debug_")?.as_bytes()].concat());
        self.named(name.as_bytes()).or_else(deflated)
    }

    /// Whether a section is deflated by the convention of older tools.
    pub(super) fn is_deflated(&self, section: &Section) -> bool {
        self.name_at(section).starts_with(DEFLATED)
    }

    fn named(&self, wanted: &[u8]) -> Option<&Section> {
        let is_it = |section: &&Section| {
            self.name_at(section).strip_prefix(wanted).is_some_and(|rest| rest.first() == Some(&0))
        };
        self.sections.iter().find(is_it)
    }

    /// True when the section `name` exists and has bytes in this file.
    pub(crate) fn has_contents(&self, name: &str) -> bool {
        let section = self.section(name);
        section.is_some_and(|section| section.kind != SHT_NOBITS && section.size > 0)
    }

    /// The file is loaded at its own addresses (`ET_EXEC`).
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Length of the whole file in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.blob.len()
    }

    /// True when the most significant byte of a number comes first.
    pub(crate) fn is_big_endian(&self) -> bool {
        self.encoding.big
    }

    /// The executable section that holds address `vaddr`: its first address.
    pub(super) fn code_section_start(&self, vaddr: u64) -> Option<u64> {
        let holding = self.sections.iter().find(|section| {
            section.flags & SHF_EXECINSTR != 0
                && vaddr.checked_sub(section.addr).is_some_and(|inside| inside < section.size)
        });
        holding.map(|section| section.addr)
    }

    /// Places of notes: those of sections, or of segments when there are no sections.
    pub(super) fn note_ranges(&self) -> Vec<(u64, u64)> {
        let notes = self.sections.iter().filter(|s| s.kind == SHT_NOTE);
        let mut ranges: Vec<_> = notes.map(|s| (s.offset, s.size)).collect();
        let notes = self.segments.iter().filter(|s| s.kind == PT_NOTE);
        ranges.extend(notes.map(|s| (s.offset, s.file_size)));
        ranges
    }

    /// From the section's name on: names of a hostile file can be one inside the other, and long.
    fn name_at(&self, section: &Section) -> &[u8] {
        self.section_names.get(section.name as usize..).unwrap_or_default()
    }
}

impl Section {
    /// True when the section holds a compression header and compressed bytes.
    pub(crate) fn is_compressed(&self) -> bool {
        self.flags & SHF_COMPRESSED != 0
    }
}

fn encoding(head: &[u8]) -> Result<Encoding, &'static str> {
    let [0x7f, b'E', b'L', b'F', class, order, ..] = head else {
        return Err("it does not start with the ELF magic number");
    };
    let wide = match class {
        1 => false,
        2 => true,
        _ => return Err("its class is neither 32 nor 64 bits"),
    };
    let big = match order {
        1 => false,
        2 => true,
        _ => return Err("its byte order is neither little nor big endian"),
    };
    Ok(Encoding { wide, big })
}

fn segments(blob: &Blob, enc: Encoding, head: &[u8]) -> Result<Vec<Segment>, &'static str> {
    const CUT: &str = "its program headers are cut off";
    let offset = enc.word(head, 28, 32).ok_or(CUT)?;
    let (size_at, count_at) = if enc.wide { (54, 56) } else { (42, 44) };
    let size = u64::from(enc.u16(head, size_at).ok_or(CUT)?);
    let count = u64::from(enc.u16(head, count_at).ok_or(CUT)?);
    let table = header_table(blob, offset, size, count).ok_or(CUT)?;
    let rows = table.chunks_exact(size.max(1) as usize);
    Ok(rows.filter_map(|row| segment(enc, row)).collect())
}

fn segment(enc: Encoding, row: &[u8]) -> Option<Segment> {
    Some(Segment {
        kind: enc.u32(row, 0)?,
        flags: enc.half(row, 24, 4)?,
        offset: enc.word(row, 4, 8)?,
        vaddr: enc.word(row, 8, 16)?,
        file_size: enc.word(row, 16, 32)?,
    })
}

/// The section headers and the index of the section with their names.
fn sections(blob: &Blob, enc: Encoding, head: &[u8]) -> Result<(Vec<Section>, Option<usize>), &'static str> {
    const CUT: &str = "its section headers are cut off";
    let offset = enc.word(head, 32, 40).ok_or(CUT)?;
    let (size_at, count_at, names_at) = if enc.wide { (58, 60, 62) } else { (46, 48, 50) };
    let size = u64::from(enc.u16(head, size_at).ok_or(CUT)?);
    let mut count = u64::from(enc.u16(head, count_at).ok_or(CUT)?);
    let mut names = u32::from(enc.u16(head, names_at).ok_or(CUT)?);
    if offset == 0 {
        return Ok((Vec::new(), None));
    }
    // Large files keep the real numbers in the first header (elf(5), e_shnum and e_shstrndx).
    let first = header_table(blob, offset, size, 1).ok_or(CUT)?;
    let first = section(enc, &first).ok_or(CUT)?;
    if count == 0 {
        count = first.size;
    }
    if names == 0xffff {
        names = first.link;
    }
    let table = header_table(blob, offset, size, count).ok_or(CUT)?;
    let rows = table.chunks_exact(size.max(1) as usize);
    let sections = rows.filter_map(|row| section(enc, row)).collect();
    Ok((sections, usize::try_from(names).ok()))
}

fn section(enc: Encoding, row: &[u8]) -> Option<Section> {
    Some(Section {
        name: enc.u32(row, 0)?,
        kind: enc.u32(row, 4)?,
        flags: enc.word(row, 8, 8)?,
        addr: enc.word(row, 12, 16)?,
        offset: enc.word(row, 16, 24)?,
        size: enc.word(row, 20, 32)?,
        link: enc.half(row, 24, 40)?,
        entry_size: enc.word(row, 36, 56)?,
    })
}

fn header_table(blob: &Blob, offset: u64, size: u64, count: u64) -> Option<Vec<u8>> {
    if count > MAX_HEADERS {
        return None;
    }
    blob.read(offset, size * count, MAX_HEADERS * 64)
}
