//! `dtrace -G`: a relocatable ELF object with the counters of all probes.
//!
//! Formats: ELF-64 (System V ABI), GNU property notes (the psABI's supplements).

use quadrant_program::arch::{AARCH64, Arch};

use super::ProviderFile;

/// The object's bytes. Each counter is a hidden symbol `PROVIDER_PROBE_semaphore` of two bytes in the section `.probes`. The
/// section `.note.quadrant` has a note for each provider: owner `quadrant`, type 1, in it the definition's text.
pub fn object(file: &ProviderFile, machine: &Arch) -> Vec<u8> {
    let names = semaphores(file);
    let (symbols, strings) = symbol_table(&names);
    let sections = [
        Section::new(".probes", PROGBITS, WRITE | ALLOC, 2, vec![0; names.len() * COUNTER]),
        Section::new(".note.gnu.property", NOTE, ALLOC, 8, property_note(machine)),
        Section::new(".note.quadrant", NOTE, 0, 4, file.providers.iter().flat_map(|p| definition(&p.text)).collect()),
        Section::new(".note.GNU-stack", PROGBITS, 0, 1, Vec::new()),
        Section { link: 6, info: 1, entry: SYMBOL as u64, ..Section::new(".symtab", SYMTAB, 0, 8, symbols) },
        Section::new(".strtab", STRTAB, 0, 1, strings),
    ];
    write(&sections, machine)
}

const HEADER: usize = 64;
const SECTION_HEADER: usize = 64;
const SYMBOL: usize = 24;
/// Bytes of a counter.
const COUNTER: usize = 2;

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const NOTE: u32 = 7;
const WRITE: u64 = 1;
const ALLOC: u64 = 2;
/// `STB_GLOBAL`, `STT_OBJECT`
const GLOBAL_OBJECT: u8 = 1 << 4 | 1;
const HIDDEN: u8 = 2;
/// The section of the counters.
const PROBES: u16 = 1;

struct Section {
    name: &'static str,
    kind: u32,
    flags: u64,
    align: u64,
    data: Vec<u8>,
    link: u32,
    info: u32,
    entry: u64,
}

impl Section {
    fn new(name: &'static str, kind: u32, flags: u64, align: u64, data: Vec<u8>) -> Section {
        Section { name, kind, flags, align, data, link: 0, info: 0, entry: 0 }
    }
}

fn semaphores(file: &ProviderFile) -> Vec<String> {
    let providers = file.providers.iter();
    let mut names: Vec<String> =
        providers.flat_map(|provider| provider.probes.iter().map(|probe| probe.semaphore(&provider.name))).collect();
    names.sort();
    names.dedup();
    names
}

/// The table and its strings; the first symbol is the null one.
fn symbol_table(names: &[String]) -> (Vec<u8>, Vec<u8>) {
    let (mut symbols, mut strings) = (vec![0; SYMBOL], vec![0]);
    for (at, name) in names.iter().enumerate() {
        symbols.extend((strings.len() as u32).to_le_bytes());
        symbols.extend([GLOBAL_OBJECT, HIDDEN]);
        symbols.extend(PROBES.to_le_bytes());
        symbols.extend(((at * COUNTER) as u64).to_le_bytes());
        symbols.extend((COUNTER as u64).to_le_bytes());
        strings.extend(name.as_bytes());
        strings.push(0);
    }
    (symbols, strings)
}

fn definition(text: &str) -> Vec<u8> {
    const OWNER: &[u8] = b"quadrant\0\0\0\0";
    let mut note: Vec<u8> = [9, text.len() as u32, 1].into_iter().flat_map(u32::to_le_bytes).collect();
    note.extend(OWNER);
    note.extend(text.as_bytes());
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

/// The property "of all objects linked", and that without code nothing speaks against hardened calls and jumps (IBT and SHSTK; BTI and
/// PAC): without it the linker would not mark the program.
fn property_note(machine: &Arch) -> Vec<u8> {
    let kind = if *machine == AARCH64 { 0xc000_0000 } else { 0xc000_0002 };
    let words = [4, 16, 5, u32::from_le_bytes(*b"GNU\0"), kind, 4, 3, 0];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// The file: header, data of the sections and of their names, section headers.
fn write(sections: &[Section], machine: &Arch) -> Vec<u8> {
    let mut out = vec![0; HEADER];
    let mut headers = vec![0; SECTION_HEADER];
    let mut names = vec![0];
    for section in sections {
        align(&mut out, section.align);
        headers.extend(section_header(section, names.len() as u32, out.len() as u64));
        out.extend(&section.data);
        names.extend(section.name.as_bytes());
        names.push(0);
    }
    let own = names.len() as u32;
    names.extend(b".shstrtab\0");
    let strings = Section::new("", STRTAB, 0, 1, names);
    headers.extend(section_header(&strings, own, out.len() as u64));
    out.extend(strings.data);
    align(&mut out, 8);
    let header = file_header(machine, out.len() as u64, sections.len() as u16 + 2);
    out[..HEADER].copy_from_slice(&header);
    out.extend(headers);
    out
}

fn align(out: &mut Vec<u8>, to: u64) {
    out.resize(out.len().next_multiple_of(to as usize), 0);
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

/// A relocatable file, 64 bits, little endian; the last section has the sections' names.
fn file_header(machine: &Arch, sections_at: u64, sections: u16) -> [u8; HEADER] {
    let mut out = Vec::with_capacity(HEADER);
    out.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    out.extend([1, machine.elf_machine].into_iter().flat_map(u16::to_le_bytes));
    out.extend(1u32.to_le_bytes());
    out.extend([0, 0, sections_at].into_iter().flat_map(u64::to_le_bytes));
    out.extend(0u32.to_le_bytes());
    let sizes = [HEADER as u16, 0, 0, SECTION_HEADER as u16, sections, sections - 1];
    out.extend(sizes.into_iter().flat_map(u16::to_le_bytes));
    let mut header = [0; HEADER];
    header.copy_from_slice(&out);
    header
}
