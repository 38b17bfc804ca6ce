//! Programs built by Go move their stacks: a return probe would crash them.

use super::Elf;

/// Sections that only Go's linker makes.
const MARKS: [&str; 3] = [".go.buildinfo", ".gopclntab", ".note.go.buildid"];

impl Elf {
    /// Whether the file was built by Go.
    pub fn is_go(&self) -> bool {
        MARKS.iter().any(|mark| self.section(mark).is_some()) || self.section(".data.rel.ro.gopclntab").is_some()
    }
}
