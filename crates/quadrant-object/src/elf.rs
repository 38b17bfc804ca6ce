//! The parts of an ELF file that matter: sections, symbols, relocations.

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _};

use crate::error::{Error, Result};

const EM_NONE: u16 = 0;
const EM_BPF: u16 = 247;
const ET_REL: u16 = 1;
/// Largest section without content (`.bss`), in bytes: its zeros are made here.
const MAX_ZEROS: u64 = 256 << 20;

/// A parsed file. Sections and symbols are named by their index in the file's tables.
pub(crate) struct Elf<'a> {
    pub sections: Vec<Section<'a>>,
    pub symbols: Vec<Symbol<'a>>,
}

pub(crate) struct Section<'a> {
    pub name: &'a str,
    /// Empty for sections without content.
    pub data: &'a [u8],
    /// Bytes.
    pub size: u64,
    pub is_code: bool,
    /// Part of the running program's memory.
    pub is_allocated: bool,
    /// Has no content in the file: all zeros.
    pub is_zero: bool,
    /// Ordered by place.
    pub relocations: Vec<Relocation>,
}

/// A place in a section that refers to a symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relocation {
    /// Bytes from the start of the section.
    pub offset: u64,
    /// Index of the symbol.
    pub symbol: usize,
}

pub(crate) struct Symbol<'a> {
    pub name: &'a str,
    /// Index of the section that it is defined in; `None` for one that is elsewhere.
    pub section: Option<usize>,
    pub value: u64,
    pub size: u64,
    pub kind: SymbolKind,
    pub is_local: bool,
    pub is_weak: bool,
    /// Global, but only within the file.
    pub is_hidden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Function,
    Section,
    /// Variables and everything else.
    Other,
}

/// How ELF files of 64 bits begin whose numbers have the highest byte first (ELFCLASS64, ELFDATA2MSB).
const OF_OTHER_ORDER: [u8; 6] = *b"\x7fELF\x02\x02";

impl<'a> Elf<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Elf<'a>> {
        if bytes.starts_with(&OF_OTHER_ORDER) {
            let why = "it is made for machines of the other byte order (-target bpfeb): compile with `-target bpf`";
            return Err(Error::new("cannot use the object", why));
        }
        if !bytes.starts_with(b"\x7fELF") {
            let why = if bytes.is_empty() { "the file is empty" } else { "the file is no ELF file" };
            return Err(Error::new("cannot use the object", why));
        }
        let file = ElfFile64::<LittleEndian>::parse(bytes).map_err(|error| Error::malformed(error.to_string()))?;
        let header = file.elf_header();
        let (machine, kind) = (header.e_machine.get(LittleEndian), header.e_type.get(LittleEndian));
        if ![EM_NONE, EM_BPF].contains(&machine) || kind != ET_REL {
            let why = "the file is an ELF file, but no BPF object (a relocatable file for machine 247)";
            return Err(Error::new("cannot use the object", why));
        }
        Ok(Elf { sections: sections(&file)?, symbols: symbols(&file) })
    }

    /// The first section of that name, and its index.
    pub fn section(&self, name: &str) -> Option<(usize, &Section<'a>)> {
        self.sections.iter().enumerate().find(|(_, section)| section.name == name)
    }
}

fn sections<'a>(file: &ElfFile64<'a, LittleEndian>) -> Result<Vec<Section<'a>>> {
    let mut sections = Vec::new();
    for section in file.sections() {
        // The first section of a file is none, and not listed.
        sections.resize_with(section.index().0, Section::none);
        sections.push(read_section(&section)?);
    }
    Ok(sections)
}

fn read_section<'a>(section: &object::read::elf::ElfSection64<'a, '_, LittleEndian>) -> Result<Section<'a>> {
    const SHT_NOBITS: u32 = 8;
    const SHF_ALLOC: u64 = 2;
    const SHF_EXECINSTR: u64 = 4;
    let header = section.elf_section_header();
    let flags = header.sh_flags.get(LittleEndian);
    let is_zero = header.sh_type.get(LittleEndian) == SHT_NOBITS;
    let name = section.name().map_err(|_| Error::malformed("the name of a section is no text"))?;
    if is_zero && section.size() > MAX_ZEROS {
        return Err(Error::malformed(format!("the section {name} has {} bytes", section.size())));
    }
    let cut = |_| Error::malformed(format!("the section {name} reaches beyond the file"));
    Ok(Section {
        name,
        data: if is_zero { &[] } else { section.data().map_err(cut)? },
        size: section.size(),
        is_code: flags & SHF_EXECINSTR != 0,
        is_allocated: flags & SHF_ALLOC != 0,
        is_zero,
        relocations: relocations(section),
    })
}

fn relocations(section: &object::read::elf::ElfSection64<'_, '_, LittleEndian>) -> Vec<Relocation> {
    let symbol = |relocation: &object::Relocation| match relocation.target() {
        object::RelocationTarget::Symbol(index) => Some(index.0),
        _ => None,
    };
    let relocations = section.relocations();
    let found = relocations.filter_map(|(offset, entry)| Some(Relocation { offset, symbol: symbol(&entry)? }));
    let mut found: Vec<Relocation> = found.collect();
    found.sort_by_key(|relocation| relocation.offset);
    found
}

fn symbols<'a>(file: &ElfFile64<'a, LittleEndian>) -> Vec<Symbol<'a>> {
    let mut symbols = Vec::new();
    for symbol in file.symbols() {
        symbols.resize_with(symbol.index().0, Symbol::none);
        symbols.push(read_symbol(&symbol));
    }
    symbols
}

fn read_symbol<'a>(symbol: &object::read::elf::ElfSymbol64<'a, '_, LittleEndian>) -> Symbol<'a> {
    const STV_HIDDEN: u8 = 2;
    const STV_INTERNAL: u8 = 1;
    let kind = match symbol.kind() {
        object::SymbolKind::Text => SymbolKind::Function,
        object::SymbolKind::Section => SymbolKind::Section,
        _ => SymbolKind::Other,
    };
    let visibility = symbol.elf_symbol().st_other & 3;
    Symbol {
        name: symbol.name().unwrap_or_default(),
        section: symbol.section_index().map(|index| index.0),
        value: symbol.address(),
        size: symbol.size(),
        kind,
        is_local: symbol.is_local(),
        is_weak: symbol.is_weak(),
        is_hidden: [STV_HIDDEN, STV_INTERNAL].contains(&visibility),
    }
}

impl Section<'_> {
    fn none() -> Self {
        Section {
            name: "",
            data: &[],
            size: 0,
            is_code: false,
            is_allocated: false,
            is_zero: false,
            relocations: Vec::new(),
        }
    }
}

impl Symbol<'_> {
    fn none() -> Self {
        Symbol {
            name: "",
            section: None,
            value: 0,
            size: 0,
            kind: SymbolKind::Other,
            is_local: true,
            is_weak: false,
            is_hidden: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_byte_order_is_told() {
        let error = Elf::parse(b"\x7fELF\x02\x02\x01").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("other byte order"), "{error}");
    }
}
