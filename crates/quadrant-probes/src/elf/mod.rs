//! Just enough of ELF: segments, sections, symbols of little-endian files, of this machine and of i386 on x86-64. All input is hostile.

mod class;
mod code;
mod flow;
mod golang;
pub(crate) mod harm;
pub(crate) mod nop;
mod symbols;
#[cfg(test)]
mod tests;
mod unwind;

pub(crate) use class::Class;
pub(crate) use symbols::{Symbol, SymbolKind, Symbols};

use crate::error::Result;
use crate::target::TargetFile;
use std::cell::OnceCell;
use std::ffi::CStr;

/// Longest header, of the wide class.
const HEADER_LEN: u64 = 64;
/// Bytes of a header that tell class and machine in both classes.
const HEAD_LEN: usize = 20;
/// `e_machine` of i386's files.
const I386: u16 = 3;
/// Real files have dozens; an object file with a section for each function has more.
const MAX_SECTIONS: u64 = 1 << 20;
/// Longer names are cut. Names of a hostile file can be one inside the other, so many of them have more text than the file.
const MAX_NAME: usize = 16 << 10;
/// Longer names of sections are cut: none that is looked for is as long.
const MAX_SECTION_NAME: usize = 64;

const SEGMENT_LOAD: u32 = 1;
const SEGMENT_EXECUTABLE: u32 = 1;
const SECTION_EXECUTABLE: u64 = 4;
/// `SHT_NOBITS`: no bytes in the file.
const SECTION_NO_BITS: u32 = 8;

/// An ELF file.
pub(crate) struct Elf {
    file: TargetFile,
    class: Class,
    entry: u64,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    symbols: OnceCell<Symbols>,
    separate: Separate,
}

/// Looks for the file with the symbols of another.
type Find = dyn Fn(&Elf) -> Option<Elf>;

/// Of a stripped file, the one with its symbols, looked for when they are wanted.
#[derive(Default)]
struct Separate {
    find: Option<Box<Find>>,
    found: OnceCell<Option<Box<Elf>>>,
}

/// A part of the file that is mapped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    executable: bool,
    offset: u64,
    address: u64,
    file_size: u64,
}

/// A section.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub name: String,
    pub kind: u32,
    flags: u64,
    pub address: u64,
    offset: u64,
    size: u64,
    link: u32,
}

impl Section {
    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Elf {
    pub fn parse(file: TargetFile) -> Result<Self> {
        let header = Header::read(&file)?;
        let segments = read_segments(&file, &header)?;
        let sections = read_sections(&file, &header)?;
        Ok(Self {
            file,
            class: header.class,
            entry: header.entry,
            segments,
            sections,
            symbols: OnceCell::new(),
            separate: Separate::default(),
        })
    }

    /// How wide the words of a file's program are, by its header alone.
    pub fn class_in(file: &TargetFile) -> Result<Class> {
        Header::read(file).map(|header| header.class)
    }

    /// How wide the program's words are.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whether the program starts at an address. Nobody calls what is there: the stack holds its arguments, and no address to
    /// return to.
    pub fn starts_at(&self, address: u64) -> bool {
        self.entry != 0 && self.entry == address
    }

    /// With the symbols of another file, which is looked for when this one turns out to be stripped.
    pub fn with_symbols_of(self, find: impl Fn(&Elf) -> Option<Elf> + 'static) -> Self {
        Self { separate: Separate { find: Some(Box::new(find)), found: OnceCell::new() }, ..self }
    }

    /// Whether only the functions that others may call have names.
    pub fn is_stripped(&self) -> bool {
        let has_go = || self.symbols().is_ok_and(Symbols::are_of_go);
        !self.has_symbols() && self.separate().is_none() && !has_go()
    }

    /// Whether functions are missing among the symbols, as far as those were read.
    pub fn is_cut(&self) -> bool {
        self.symbols.get().is_some_and(Symbols::are_cut)
    }

    /// Whether the file itself has a table of all its functions.
    fn has_symbols(&self) -> bool {
        self.section(".symtab").is_some_and(|section| section.kind != SECTION_NO_BITS)
    }

    /// The file with the symbols of this one, if it is stripped and they are somewhere.
    fn separate(&self) -> Option<&Elf> {
        let find = || if self.has_symbols() { None } else { self.separate.find.as_ref()?(self) };
        self.separate.found.get_or_init(|| find().map(Box::new)).as_deref()
    }

    pub fn file(&self) -> &TargetFile {
        &self.file
    }

    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The bytes of a section; none for one that has none in the file.
    pub fn data(&self, section: &Section) -> Result<Vec<u8>> {
        if section.kind == SECTION_NO_BITS {
            return Ok(Vec::new());
        }
        self.file.read(section.offset, section.size)
    }

    /// The first bytes of a section, no more than `most`.
    fn start_of(&self, section: &Section, most: u64) -> Result<Vec<u8>> {
        self.data(&Section { size: section.size.min(most), ..section.clone() })
    }

    /// Where in the file the byte is that is mapped at `address`.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| segment.offset_of(address))
    }

    /// As [`offset_of`](Self::offset_of), for code only.
    pub fn code_offset_of(&self, address: u64) -> Option<u64> {
        self.segments.iter().filter(|segment| segment.executable).find_map(|segment| segment.offset_of(address))
    }

    /// Where the code at an offset in the file is mapped: the opposite of [`code_offset_of`](Self::code_offset_of).
    pub fn code_address_of(&self, offset: u64) -> Option<u64> {
        let code = self.segments.iter().filter(|segment| segment.executable);
        let mut inside = code.filter_map(|segment| Some((segment, offset.checked_sub(segment.offset)?)));
        let (segment, into) = inside.find(|(segment, into)| *into < segment.file_size)?;
        segment.address.checked_add(into)
    }

    /// The symbol tables, read on first use.
    pub fn symbols(&self) -> Result<&Symbols> {
        if let Some(symbols) = self.symbols.get() {
            return Ok(symbols);
        }
        let symbols = Symbols::read(self)?;
        Ok(self.symbols.get_or_init(|| symbols))
    }

    /// The end of the executable section that `address` is in.
    fn code_end(&self, address: u64) -> Option<u64> {
        let code = self.sections.iter().filter(|section| section.flags & SECTION_EXECUTABLE != 0);
        code.filter_map(|section| Some((section.address, section.address.checked_add(section.size)?)))
            .find(|(start, end)| (*start..*end).contains(&address))
            .map(|(_, end)| end)
    }
}

impl Segment {
    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside = address.checked_sub(self.address)?;
        (inside < self.file_size).then(|| self.offset.checked_add(inside))?
    }
}

/// What the file header says of the program's start and of the two tables.
struct Header {
    class: Class,
    entry: u64,
    segments_at: u64,
    segments: u64,
    sections_at: u64,
    sections: u64,
    names: u32,
}

impl Header {
    fn read(file: &TargetFile) -> Result<Self> {
        let bytes = file.read(0, HEADER_LEN.min(file.len()))?;
        if bytes.len() < HEAD_LEN {
            return Err(file.malformed("it is not an ELF file"));
        }
        if !bytes.starts_with(b"\x7fELF") {
            return Err(file.malformed("it is not an ELF file (a script's interpreter is the program to trace)"));
        }
        let class = class_of(&bytes).map_err(|why| file.malformed(why))?;
        Self::fields(class, &bytes).ok_or_else(|| file.malformed("its ELF header is cut short"))
    }

    fn fields(class: Class, bytes: &[u8]) -> Option<Self> {
        Some(Self {
            class,
            entry: class.word(bytes, [24, 24])?,
            segments_at: class.word(bytes, [28, 32])?,
            segments: class.short(bytes, [44, 56])?.into(),
            sections_at: class.word(bytes, [32, 40])?,
            sections: class.short(bytes, [48, 60])?.into(),
            names: class.short(bytes, [50, 62])?.into(),
        })
    }
}

/// The class of a program that this machine runs; the error says why it is none of these.
fn class_of(header: &[u8]) -> std::result::Result<Class, &'static str> {
    const OTHER: &str = "it is for another processor than this machine's";
    let native = quadrant_program::arch::native();
    let machine = u16_at(header, 18);
    let is_native = machine == Some(native.elf_machine);
    match header.get(4..6) {
        Some([2, 1]) if is_native => Ok(Class::Wide),
        Some([1, 1]) if native.runs_i386 && machine == Some(I386) => Ok(Class::Narrow),
        Some([1, 1]) if is_native => {
            Err("it is a program for the x32 ABI, which hardly any kernel runs: it is not supported")
        }
        Some([1 | 2, 1]) => Err(OTHER),
        _ => Err("only little-endian programs of 32 or 64 bits are supported"),
    }
}

fn read_segments(file: &TargetFile, header: &Header) -> Result<Vec<Segment>> {
    let len = header.class.segment_len();
    let table = file.read(header.segments_at, header.segments * len)?;
    let segments = table.chunks_exact(len as usize);
    let segments = segments.filter(|entry| u32_at(entry, 0) == Some(SEGMENT_LOAD));
    Ok(segments.filter_map(|entry| parse_segment(header.class, entry)).collect())
}

fn parse_segment(class: Class, entry: &[u8]) -> Option<Segment> {
    Some(Segment {
        executable: class.half(entry, [24, 4])? & SEGMENT_EXECUTABLE != 0,
        offset: class.word(entry, [4, 8])?,
        address: class.word(entry, [8, 16])?,
        file_size: class.word(entry, [16, 32])?,
    })
}

/// A file without section table has none; one with a broken table is refused.
fn read_sections(file: &TargetFile, header: &Header) -> Result<Vec<Section>> {
    if header.sections_at == 0 {
        return Ok(Vec::new());
    }
    let (class, len) = (header.class, header.class.section_len());
    // More than 65,279 sections: the first, otherwise unused, entry holds the number and the names' section.
    let first = parse_section(class, &file.read(header.sections_at, len)?).map(|(_, section)| section);
    let (size, link) = first.map_or((0, 0), |first| (first.size, first.link));
    let count = if header.sections == 0 { size } else { header.sections };
    let names = if header.names == 0xffff { link } else { header.names };
    if count > MAX_SECTIONS {
        return Err(file.malformed("it has too many sections"));
    }
    let table = file.read(header.sections_at, count * len)?;
    let entries = table.chunks_exact(len as usize).filter_map(|entry| parse_section(class, entry));
    let entries: Vec<(u32, Section)> = entries.collect();
    let name_table = match entries.get(names as usize) {
        Some((_, section)) => file.read(section.offset, section.size)?,
        None => Vec::new(),
    };
    Ok(entries.into_iter().map(|(name, section)| Section { name: text_at(&name_table, name), ..section }).collect())
}

fn parse_section(class: Class, entry: &[u8]) -> Option<(u32, Section)> {
    let section = Section {
        name: String::new(),
        kind: u32_at(entry, 4)?,
        flags: class.word(entry, [8, 8])?,
        address: class.word(entry, [12, 16])?,
        offset: class.word(entry, [16, 24])?,
        size: class.word(entry, [20, 32])?,
        link: class.half(entry, [24, 40])?,
    };
    Some((u32_at(entry, 0)?, section))
}

/// The name of a section at an offset; empty if there is none.
fn text_at(table: &[u8], at: u32) -> String {
    String::from_utf8_lossy(bytes_at(table, at, MAX_SECTION_NAME)).into_owned()
}

/// The NUL-terminated bytes at an offset, no more than `most`.
fn bytes_at(table: &[u8], at: u32, most: usize) -> &[u8] {
    let tail = table.get(at as usize..).unwrap_or_default();
    let tail = tail.get(..most).unwrap_or(tail);
    CStr::from_bytes_until_nul(tail).map_or(tail, CStr::to_bytes)
}

pub(crate) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(crate) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
