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
    /// True when the table has more functions than these, or names that are not among them.
    pub cut: bool,
}

/// The functions of a Go program, stripped or not; `None` for other files.
pub fn go_functions(file: File) -> Option<GoFunctions> {
    let elf = ElfFile::open(Blob::from_file(file.into()).ok()?).ok()?;
    let table = GoTable::read(&elf)?;
    let names = table.name_bytes(&elf)?;
    let cut = table.cut || lacks_names(&table.functions, &names);
    Some(GoFunctions { functions: table.functions, names, cut })
}

/// Whether a name is not among those that were read, or not to its end.
fn lacks_names(functions: &[GoFunction], names: &[u8]) -> bool {
    let whole = names.iter().rposition(|byte| *byte == 0).map_or(0, |last| last + 1);
    functions.iter().any(|function| function.name as usize >= whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_not_read() {
        let lacks = |name| lacks_names(&[GoFunction { address: 0, size: 1, name }], b"main\0work\0cut");
        assert_eq!([0, 5, 9, 10, 13, u32::MAX].map(lacks), [false, false, false, true, true, true]);
        assert!(!lacks_names(&[], b"") && !lacks_names(&[], b"cut"));
    }
}
