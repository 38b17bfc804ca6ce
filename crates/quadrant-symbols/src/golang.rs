//! What is known of a Go program without its symbol table.

use std::fs::File;

use crate::blob::Blob;
use crate::elf::{ElfFile, GoTable};

pub use crate::elf::GoFunction;

/// The functions of a Go program, as its runtime knows them.
#[derive(Debug, Clone)]
pub struct GoFunctions {
    /// In the order of their addresses.
    pub functions: Vec<GoFunction>,
    /// Their names, each with a NUL at its end.
    pub names: Vec<u8>,
    /// True when the table has more functions than these.
    pub cut: bool,
}

/// The functions of a Go program, stripped or not; `None` for other files.
pub fn go_functions(file: File) -> Option<GoFunctions> {
    let elf = ElfFile::open(Blob::from_file(file.into()).ok()?).ok()?;
    let table = GoTable::read(&elf)?;
    let names = table.name_bytes(&elf)?;
    Some(GoFunctions { functions: table.functions, names, cut: table.cut })
}
