//! `dtrace -G`: a relocatable ELF object with the counters of all probes.

use object::write::{Object, Result, SectionId, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};
use quadrant_program::arch::{AARCH64, Arch};

use super::ProviderFile;

/// Bytes of a counter.
const COUNTER: usize = 2;

/// The object's bytes. Each counter is a hidden symbol `PROVIDER_PROBE_semaphore` of two bytes in the section `.probes`. The
/// section `.note.quadrant` has a note for each provider: owner `quadrant`, type 1, in it the definition's text.
///
/// # Errors
/// Something in it is too large for a file.
pub fn object(file: &ProviderFile, machine: &Arch) -> Result<Vec<u8>> {
    let is_arm = *machine == AARCH64;
    let architecture = if is_arm { Architecture::Aarch64 } else { Architecture::X86_64 };
    let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
    let names = semaphores(file);
    let probes = section(&mut object, ".probes", SectionKind::Data, vec![0; names.len() * COUNTER], COUNTER);
    for (at, name) in names.iter().enumerate() {
        object.add_symbol(counter(name, at, probes));
    }
    allow_hardening(&mut object, is_arm);
    let definitions = file.providers.iter().flat_map(|provider| definition(&provider.text)).collect();
    section(&mut object, ".note.quadrant", SectionKind::Note, definitions, 4);
    section(&mut object, ".note.GNU-stack", SectionKind::Metadata, Vec::new(), 1);
    object.write()
}

fn section(object: &mut Object<'_>, name: &str, kind: SectionKind, data: Vec<u8>, align: usize) -> SectionId {
    let id = object.add_section(Vec::new(), name.into(), kind);
    object.set_section_data(id, data, align as u64);
    id
}

/// The counter at this place of the section, seen in the program that it is linked into only.
fn counter(name: &str, at: usize, section: SectionId) -> Symbol {
    Symbol {
        name: name.into(),
        value: (at * COUNTER) as u64,
        size: COUNTER as u64,
        kind: SymbolKind::Data,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    }
}

/// The property "of all objects linked", and that without code nothing speaks against hardened calls and jumps (IBT and SHSTK; BTI and
/// PAC; the psABI's supplements): without it the linker would not mark the program.
fn allow_hardening(object: &mut Object<'_>, is_arm: bool) {
    const BOTH: u32 = 3;
    let property = if is_arm {
        object::elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND
    } else {
        object::elf::GNU_PROPERTY_X86_FEATURE_1_AND
    };
    object.add_elf_gnu_property_u32(property, BOTH);
}

fn semaphores(file: &ProviderFile) -> Vec<String> {
    let providers = file.providers.iter();
    let mut names: Vec<String> =
        providers.flat_map(|provider| provider.probes.iter().map(|probe| probe.semaphore(&provider.name))).collect();
    names.sort();
    names.dedup();
    names
}

fn definition(text: &str) -> Vec<u8> {
    const OWNER: &[u8] = b"quadrant\0\0\0\0";
    let mut note: Vec<u8> = [9, text.len() as u32, 1].into_iter().flat_map(u32::to_le_bytes).collect();
    note.extend(OWNER);
    note.extend(text.as_bytes());
    note.resize(note.len().next_multiple_of(4), 0);
    note
}
