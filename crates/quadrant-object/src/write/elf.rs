//! Relocatable ELF files of eBPF.

use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};

use super::{Function, INSN, Variable};
use crate::error::{Error, Result};

/// A file under construction.
pub struct File(Object<'static>);

impl File {
    /// A file without anything in it.
    pub fn new() -> File {
        File(Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little))
    }

    /// A section of functions.
    pub fn code(&mut self, name: &str, data: Vec<u8>) -> SectionId {
        self.section(name, SectionKind::Text, data)
    }

    /// Any section.
    pub fn section(&mut self, name: &str, kind: SectionKind, data: Vec<u8>) -> SectionId {
        let id = self.0.add_section(Vec::new(), name.into(), kind);
        self.0.set_section_data(id, data, INSN.into());
        id
    }

    /// A variable that libbpf can find by its name, or the definition of a map.
    pub fn variable(&mut self, section: SectionId, variable: &Variable) -> SymbolId {
        self.0.add_symbol(symbol(&variable.name, section, variable.offset, variable.size, SymbolKind::Data))
    }

    /// A function that starts at these bytes of its section. Only programs are seen from outside.
    pub fn function(&mut self, section: SectionId, function: &Function, start: u32) {
        let size = function.insns.len() as u32 * INSN;
        let symbol = symbol(&function.name, section, start, size, SymbolKind::Text);
        let scope = if function.section.is_some() { symbol.scope } else { SymbolScope::Compilation };
        self.0.add_symbol(Symbol { scope, ..symbol });
    }

    /// The symbol that stands for a section's first byte.
    pub fn start(&mut self, section: SectionId) -> SymbolId {
        self.0.section_symbol(section)
    }

    /// The instruction at these bytes of a section refers to a symbol, by a kind of relocation.
    ///
    /// # Errors
    /// The relocation does not fit.
    pub fn refer(&mut self, section: SectionId, at: u32, symbol: SymbolId, kind: u32) -> Result<()> {
        let relocation =
            Relocation { offset: at.into(), symbol, addend: 0, flags: RelocationFlags::Elf { r_type: kind } };
        self.0.add_relocation(section, relocation).map_err(unwritten)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Something in it is too large.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        self.0.write().map_err(unwritten)
    }
}

fn symbol(name: &str, section: SectionId, value: u32, size: u32, kind: SymbolKind) -> Symbol {
    Symbol {
        name: name.into(),
        value: value.into(),
        size: size.into(),
        kind,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    }
}

fn unwritten(why: object::write::Error) -> Error {
    Error::new("cannot write the object", why.to_string())
}
