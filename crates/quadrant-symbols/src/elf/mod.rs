//! ELF files read as hostile input: headers, symbol tables, notes, sections.
//!
//! Both classes and both byte orders. Every offset is checked against the file, every count
//! against a limit; reading happens by position (see [`crate::blob`]).

mod contents;
mod field;
mod file;
mod golang;
mod links;
mod notes;
mod symbols;

pub(crate) use file::ElfFile;
pub use golang::GoFunction;
pub(crate) use golang::GoTable;
pub use notes::build_id;
pub(crate) use notes::build_id_of_notes;
pub(crate) use symbols::SymbolTable;
