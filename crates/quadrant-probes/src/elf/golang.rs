//! Programs built by Go move their stacks: a return probe would crash them.

use super::{Elf, SECTION_EXECUTABLE};
use quadrant_symbols::{GoFunctions, go_functions};

/// Sections that only Go's linker makes.
const MARKS: [&str; 3] = [".go.buildinfo", ".gopclntab", ".note.go.buildid"];

impl Elf {
    /// Whether the file was built by Go.
    pub fn is_go(&self) -> bool {
        MARKS.iter().any(|mark| self.section(mark).is_some()) || self.section(".data.rel.ro.gopclntab").is_some()
    }

    /// The functions by the table of Go's runtime.
    pub(super) fn go_functions(&self) -> Option<GoFunctions> {
        if self.is_go() { go_functions(self.file.again().ok()?) } else { None }
    }

    /// The same as a symbol table and its names.
    pub(super) fn go_symbols(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        /// A function that other files may call, as ELF has it.
        const GLOBAL_FUNCTION: u8 = 0x12;
        let go = self.go_functions()?;
        let code = self.sections.iter().position(|section| section.flags & SECTION_EXECUTABLE != 0)?;
        let code = u16::try_from(code).ok()?.to_le_bytes();
        let entry = |function: &quadrant_symbols::GoFunction| {
            let (name, kind) = (function.name.to_le_bytes(), [GLOBAL_FUNCTION, 0]);
            let (address, size) = (function.address.to_le_bytes(), function.size.to_le_bytes());
            [&name[..], &kind, &code, &address, &size].concat()
        };
        Some((go.functions.iter().flat_map(entry).collect(), go.names))
    }
}
