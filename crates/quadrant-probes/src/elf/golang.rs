//! Programs built by Go move their stacks: a return probe would crash them.

use super::{Class, Elf, SECTION_EXECUTABLE};
use quadrant_symbols::go_functions;

/// Sections that only Go's linker makes.
const MARKS: [&str; 3] = [".go.buildinfo", ".gopclntab", ".note.go.buildid"];

/// The functions of a Go program in the form of ELF, of the wide class.
pub(super) struct GoSymbols {
    pub entries: Vec<u8>,
    pub names: Vec<u8>,
    /// The table has more.
    pub cut: bool,
}

impl Elf {
    /// Whether the file was built by Go.
    pub fn is_go(&self) -> bool {
        MARKS.iter().any(|mark| self.section(mark).is_some()) || self.section(".data.rel.ro.gopclntab").is_some()
    }

    /// The functions by the table of Go's runtime, as a symbol table and its names.
    pub(super) fn go_symbols(&self) -> Option<GoSymbols> {
        /// A function that other files may call, as ELF has it.
        const GLOBAL_FUNCTION: u8 = 0x12;
        let go = if self.is_go() { go_functions(self.file.again().ok()?)? } else { return None };
        let code = self.sections.iter().position(|section| section.flags & SECTION_EXECUTABLE != 0)?;
        let code = u16::try_from(code).ok()?.to_le_bytes();
        let mut entries = Vec::with_capacity(go.functions.len() * Class::Wide.symbol_len());
        for function in &go.functions {
            entries.extend_from_slice(&function.name.to_le_bytes());
            entries.extend_from_slice(&[GLOBAL_FUNCTION, 0]);
            entries.extend_from_slice(&code);
            entries.extend_from_slice(&function.address.to_le_bytes());
            entries.extend_from_slice(&function.size.to_le_bytes());
        }
        Some(GoSymbols { entries, names: go.names, cut: go.cut })
    }
}
