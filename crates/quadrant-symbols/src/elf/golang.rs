//! The functions of a Go program, from the table that its runtime finds them by. Stripping leaves it.

use super::file::{ElfFile, Section};

/// Go's linker puts the table into one of these.
const SECTIONS: [&str; 2] = [".gopclntab", ".data.rel.ro.gopclntab"];
/// Magic number, two zeros, the least size of an instruction, the size of a pointer.
const HEAD: u64 = 8;
/// Longest header: eight pointers.
const MAX_HEAD: u64 = HEAD + 8 * 8;
/// How much of a table is read; that of a program of 100 MB has 20.
const MAX_TABLE: u64 = 64 << 20;
/// Further functions are left out; large programs have a few hundred thousand.
const MAX_FUNCTIONS: u64 = 1_000_000;

/// The functions, and where their names are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GoTable {
    /// In the order of their addresses.
    pub(crate) functions: Vec<GoFunction>,
    /// Offset and size of the names in the file.
    pub(crate) names: (u64, u64),
    /// True when the table has more functions than are kept: too many, or entries that make no sense.
    pub(crate) cut: bool,
}

/// A function of a Go program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoFunction {
    /// Where it starts, in the file's own address space.
    pub address: u64,
    /// Bytes up to the next one.
    pub size: u64,
    /// Where its name starts among the names.
    pub name: u32,
}

/// How versions of Go write the table.
struct Layout {
    functions: u64,
    /// Bytes of an address and an offset.
    field: usize,
    /// What addresses count from.
    text: u64,
    /// Where names start, and the addresses of the functions, from the start of the table.
    names: u64,
    index: u64,
    /// What the offsets of functions count from.
    base: u64,
}

impl GoTable {
    /// Reads the table. `None` where there is none, or none that is understood: in a program that can be loaded anywhere the linker may
    /// have left the start of the code to the loader.
    pub(crate) fn read(file: &ElfFile) -> Option<Self> {
        let section = SECTIONS.iter().find_map(|name| file.section(name))?;
        let layout = Layout::read(file, section)?;
        let size = section.size.checked_sub(layout.index)?.min(MAX_TABLE);
        let table = file.blob.read(section.offset.checked_add(layout.index)?, size, MAX_TABLE)?;
        let count = layout.functions.min(MAX_FUNCTIONS).min(size / (2 * layout.field as u64));
        let functions: Vec<GoFunction> = (0..count).filter_map(|at| layout.function(file, &table, at)).collect();
        file.code_section_start(functions.first()?.address)?;
        let names = (section.offset.checked_add(layout.names)?, section.size.checked_sub(layout.names)?);
        let cut = functions.len() as u64 != layout.functions;
        Some(Self { functions, names, cut })
    }

    /// The text in which the functions' names are.
    pub(crate) fn name_bytes(&self, file: &ElfFile) -> Option<Vec<u8>> {
        file.blob.read(self.names.0, self.names.1.min(MAX_TABLE), MAX_TABLE)
    }
}

impl Layout {
    fn read(file: &ElfFile, section: &Section) -> Option<Self> {
        let head = file.blob.read(section.offset, section.size.min(MAX_HEAD), MAX_HEAD)?;
        let pointer = if file.encoding.wide { 8 } else { 4 };
        if head.get(7).copied() != Some(pointer) {
            return None;
        }
        let word = |at: usize| file.encoding.word(&head, 8 + 4 * at, 8 + 8 * at);
        let plain = Self {
            functions: word(0)?,
            field: pointer.into(),
            text: 0,
            names: 0,
            index: HEAD + u64::from(pointer),
            base: 0,
        };
        match file.encoding.u32(&head, 0)? {
            // From Go 1.2, 1.16, 1.18 and 1.20 on.
            0xffff_fffb => Some(plain),
            0xffff_fffa => Some(Self { names: word(2)?, index: word(6)?, base: word(6)?, ..plain }),
            0xffff_fff0 | 0xffff_fff1 => {
                Some(Self { field: 4, text: word(2)?, names: word(3)?, index: word(7)?, base: word(7)?, ..plain })
            }
            _ => None,
        }
    }

    /// A function, of a table of which `index` is the start.
    fn function(&self, file: &ElfFile, table: &[u8], at: u64) -> Option<GoFunction> {
        let pair = usize::try_from(at).ok()?.checked_mul(2)?;
        let field = |at: usize| self.number(file, table, at.checked_mul(self.field)?);
        let (start, details, end) = (field(pair)?, field(pair + 1)?, field(pair + 2)?);
        let details = usize::try_from(details.checked_add(self.base)?.checked_sub(self.index)?).ok()?;
        Some(GoFunction {
            address: self.text.checked_add(start)?,
            size: end.checked_sub(start)?,
            name: file.encoding.u32(table, details.checked_add(self.field)?)?,
        })
    }

    fn number(&self, file: &ElfFile, table: &[u8], at: usize) -> Option<u64> {
        match self.field {
            4 => file.encoding.u32(table, at).map(u64::from),
            _ => file.encoding.u64(table, at),
        }
    }
}
