//! Relocatable ELF files of eBPF (System V ABI; machine 247).

const HEADER: usize = 64;
const SECTION_HEADER: usize = 64;
const SYMBOL: u64 = 24;
const RELOCATION: u64 = 16;

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const REL: u32 = 9;
const WRITE: u64 = 1;
const ALLOC: u64 = 2;
const EXECINSTR: u64 = 4;

const GLOBAL: u8 = 1 << 4;
const OBJECT: u8 = 1;
const FUNCTION: u8 = 2;
const SECTION: u8 = 3;

/// A file under construction.
#[derive(Default)]
pub struct File {
    pub sections: Vec<Section>,
    /// Local ones first.
    pub symbols: Vec<Symbol>,
    /// Index of a section and the records for it.
    pub relocations: Vec<(u16, Vec<u8>)>,
}

pub struct Section {
    name: String,
    kind: u32,
    flags: u64,
    align: u64,
    data: Vec<u8>,
    link: u32,
    info: u32,
    entry: u64,
}

pub struct Symbol {
    name: String,
    info: u8,
    section: u16,
    value: u64,
    size: u64,
}

impl Section {
    fn new(name: &str, kind: u32, flags: u64, align: u64, data: Vec<u8>) -> Section {
        Section { name: name.to_owned(), kind, flags, align, data, link: 0, info: 0, entry: 0 }
    }

    pub fn code(name: &str, data: Vec<u8>) -> Section {
        Section::new(name, PROGBITS, ALLOC | EXECINSTR, 8, data)
    }

    pub fn data(name: &str, data: Vec<u8>) -> Section {
        Section::new(name, PROGBITS, ALLOC | WRITE, 8, data)
    }

    pub fn information(name: &str, data: Vec<u8>) -> Section {
        Section::new(name, PROGBITS, 0, 4, data)
    }
}

impl Symbol {
    /// Found by the section's name; in the file it has none.
    pub fn section(name: &str, section: u16) -> Symbol {
        Symbol { name: name.to_owned(), info: SECTION, section, value: 0, size: 0 }
    }

    pub fn function(name: &str, section: u16, value: u32, size: u32, is_global: bool) -> Symbol {
        let info = if is_global { GLOBAL | FUNCTION } else { FUNCTION };
        Symbol { name: name.to_owned(), info, section, value: value.into(), size: size.into() }
    }

    pub fn object(name: &str, section: u16, value: u32, size: u32) -> Symbol {
        Symbol { name: name.to_owned(), info: GLOBAL | OBJECT, section, value: value.into(), size: size.into() }
    }

    pub fn is_global(&self) -> bool {
        self.info & GLOBAL != 0
    }

    fn write(&self, out: &mut Vec<u8>, strings: &mut Strings) {
        let name = if self.info == SECTION { 0 } else { strings.add(&self.name) };
        out.extend(name.to_le_bytes());
        out.extend([self.info, 0]);
        out.extend(self.section.to_le_bytes());
        out.extend(self.value.to_le_bytes());
        out.extend(self.size.to_le_bytes());
    }
}

/// Texts, each ending in a NUL; the first is empty.
struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        let at = self.0.len() as u32;
        self.0.extend(text.bytes().filter(|byte| *byte != 0));
        self.0.push(0);
        at
    }
}

impl File {
    /// The index of a section in the file, where the first one is empty.
    pub fn section(&self, name: &str) -> Option<u16> {
        Some(self.sections.iter().position(|section| section.name == name)? as u16 + 1)
    }

    /// The index of a variable's symbol (`true`), or of a section's, in the file, where the first one is empty.
    pub fn symbol(&self, name: &str, is_object: bool) -> Option<u32> {
        let kind = if is_object { GLOBAL | OBJECT } else { SECTION };
        Some(self.symbols.iter().position(|symbol| symbol.name == name && symbol.info == kind)? as u32 + 1)
    }

    /// The file: header, sections, their headers.
    pub fn into_bytes(mut self) -> Vec<u8> {
        let mut strings = Strings(vec![0]);
        self.add_tables(&mut strings);
        let names: Vec<u32> = self.sections.iter().map(|section| strings.add(&section.name)).collect();
        if let Some(last) = self.sections.last_mut() {
            last.data = strings.0;
        }
        let mut out = vec![0; HEADER];
        let mut headers = vec![0; SECTION_HEADER];
        for (section, name) in self.sections.iter().zip(names) {
            out.resize(out.len().next_multiple_of(section.align as usize), 0);
            headers.extend(section_header(section, name, out.len() as u64));
            out.extend(&section.data);
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let header = header(out.len() as u64, self.sections.len() as u16 + 1);
        out[..HEADER].copy_from_slice(&header);
        out.extend(headers);
        out
    }

    /// Relocations, symbols, and last the strings, which are filled in when all are known.
    fn add_tables(&mut self, strings: &mut Strings) {
        let symtab = (self.sections.len() + self.relocations.len()) as u32 + 1;
        for (of, records) in std::mem::take(&mut self.relocations) {
            let name = format!(".rel{}", self.sections[usize::from(of) - 1].name);
            let section = Section::new(&name, REL, 0, 8, records);
            self.sections.push(Section { link: symtab, info: of.into(), entry: RELOCATION, ..section });
        }
        let mut symbols = vec![0; SYMBOL as usize];
        self.symbols.iter().for_each(|symbol| symbol.write(&mut symbols, strings));
        let locals = self.symbols.iter().filter(|symbol| !symbol.is_global()).count() as u32 + 1;
        let section = Section::new(".symtab", SYMTAB, 0, 8, symbols);
        self.sections.push(Section { link: symtab + 1, info: locals, entry: SYMBOL, ..section });
        self.sections.push(Section::new(".strtab", STRTAB, 0, 1, Vec::new()));
    }
}

fn section_header(section: &Section, name: u32, offset: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(SECTION_HEADER);
    out.extend([name, section.kind].into_iter().flat_map(u32::to_le_bytes));
    let size = section.data.len() as u64;
    out.extend([section.flags, 0, offset, size].into_iter().flat_map(u64::to_le_bytes));
    out.extend([section.link, section.info].into_iter().flat_map(u32::to_le_bytes));
    out.extend([section.align, section.entry].into_iter().flat_map(u64::to_le_bytes));
    out
}

/// A relocatable file, 64 bits, little endian; the last section has all names.
fn header(sections_at: u64, sections: u16) -> Vec<u8> {
    const RELOCATABLE: u16 = 1;
    const BPF: u16 = 247;
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend([RELOCATABLE, BPF].into_iter().flat_map(u16::to_le_bytes));
    out.extend(1u32.to_le_bytes());
    out.extend([0, 0, sections_at].into_iter().flat_map(u64::to_le_bytes));
    out.extend(0u32.to_le_bytes());
    let sizes = [HEADER as u16, 0, 0, SECTION_HEADER as u16, sections, sections - 1];
    out.extend(sizes.into_iter().flat_map(u16::to_le_bytes));
    out
}
