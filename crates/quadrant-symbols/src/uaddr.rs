//! Addresses of user symbols by name.

use crate::blob::Blob;
use crate::debug_files::Finder;
use crate::error::Error;
use crate::files::FileSymbols;
use crate::frame::Missing;
use crate::open;
use crate::process::{MappedFile, Snapshot};

/// Where a symbol is in an ELF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileAddr {
    /// The address that the file itself gives the symbol. In a process the file may lie
    /// elsewhere (position-independent code).
    pub vaddr: u64,
    /// Offset of that place in the file; `None` for zero-initialized data, which is not in it.
    pub file_offset: Option<u64>,
    /// Size of the symbol in bytes; 0 when unknown.
    pub size: u64,
    /// Programs have the file at its own addresses: they are those of each process.
    pub fixed: bool,
}

/// A symbol of the file at `path`.
pub(crate) fn in_file(path: &str, symbol: &str) -> Result<FileAddr, Error> {
    address(&open(path)?, path, symbol)
}

/// A symbol of the file at `path`, and how far it is behind the code at `offset`: as far as in each process.
pub(crate) fn behind(path: &str, symbol: &str, offset: u64) -> Result<(FileAddr, i64), Error> {
    let symbols = open(path)?;
    let found = address(&symbols, path, symbol)?;
    let outside = || Error::malformed(path, format!("no code is at offset {offset:#x}"));
    let code = symbols.elf.vaddr_of(offset).ok_or_else(outside)?;
    Ok((found, found.vaddr.wrapping_sub(code) as i64))
}

fn open(path: &str) -> Result<FileSymbols, Error> {
    let file = open::regular(path).map_err(|e| Error::io(format!("open {path}"), &e))?;
    let blob = Blob::from_file(file.into()).map_err(|e| Error::io(format!("read {path}"), &e))?;
    let finder = Finder::new(path, None);
    FileSymbols::open(blob, &finder, false).map_err(|why| Error::malformed(path, why.to_string()))
}

fn address(symbols: &FileSymbols, path: &str, symbol: &str) -> Result<FileAddr, Error> {
    let found = symbols.named(symbol);
    let (vaddr, size) = found.ok_or_else(|| no_such(symbol, path.to_owned()))?;
    Ok(FileAddr { vaddr, file_offset: symbols.elf.offset_of(vaddr), size, fixed: symbols.elf.is_fixed() })
}

/// The address of a symbol of a mapped file.
pub(crate) fn in_snapshot(
    snapshot: &Snapshot,
    file: &MappedFile,
    symbols: &Result<FileSymbols, Missing>,
    symbol: &str,
) -> Option<u64> {
    let symbols = symbols.as_ref().ok()?;
    let (vaddr, _) = symbols.named(symbol)?;
    let offset = symbols.elf.offset_of(vaddr)?;
    snapshot.addr_of(file, offset)
}

/// Whether a user who writes `module` means the file at `path`.
pub(crate) fn is_called(path: &str, module: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let short = name.split(".so").next().unwrap_or(name);
    [path, name, short].contains(&module)
}

/// Nothing was found; `unmapped` is the module when no file was called so.
pub(crate) fn not_found(pid: u32, unmapped: Option<&str>, symbol: &str) -> Error {
    match unmapped {
        Some(module) => Error::NotMapped { pid, what: module.to_owned() },
        None => no_such(symbol, format!("the files that process {pid} maps")),
    }
}

fn no_such(name: &str, place: String) -> Error {
    Error::NoSuchSymbol { name: name.to_owned(), place }
}
