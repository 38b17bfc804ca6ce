//! Symbols of one ELF file, from wherever they are.

use std::sync::Arc;

use crate::blob::Blob;
use crate::demangle::demangle;
use crate::elf::{ElfFile, SymbolTable};
use crate::frame::{Missing, Symbol};

/// An ELF file and the symbol tables that describe it, best first.
#[derive(Debug)]
pub(crate) struct FileSymbols {
    pub(crate) elf: ElfFile,
    layers: Vec<Layer>,
    /// True when a table had more symbols than are kept.
    pub(crate) cut: bool,
}

/// A symbol table, and the file it is in when that is another one.
#[derive(Debug)]
struct Layer {
    table: SymbolTable,
    elsewhere: Option<ElfFile>,
}

impl FileSymbols {
    /// Reads the headers and the best symbol table of a file.
    pub(crate) fn open(blob: Blob) -> Result<Self, Missing> {
        let elf = ElfFile::open(blob).map_err(|why| Missing::BadFile(why.into()))?;
        let mut layers = Vec::new();
        let own = |dynamic| SymbolTable::read(&elf, dynamic).map(|table| Layer { table, elsewhere: None });
        match own(false) {
            Some(layer) => layers.push(layer),
            None => layers.extend(own(true)),
        }
        let cut = layers.iter().any(|layer| layer.table.cut);
        Ok(Self { elf, layers, cut })
    }

    /// The symbol that covers `lookup`; its offset counts from `vaddr`.
    pub(crate) fn symbol(&self, vaddr: u64, lookup: u64) -> Option<Symbol> {
        self.layers.iter().find_map(|layer| {
            let elf = layer.elsewhere.as_ref().unwrap_or(&self.elf);
            let found = layer.table.find(elf, lookup)?;
            let raw: Arc<str> = layer.table.name(elf, found).into();
            Some(Symbol {
                name: demangle(&raw).map_or_else(|| Arc::clone(&raw), Arc::from),
                raw,
                offset: vaddr.wrapping_sub(found.value),
                size: found.size,
            })
        })
    }

    /// Address and size of the symbol called `name`, in the file's own address space.
    pub(crate) fn named(&self, name: &str) -> Option<(u64, u64)> {
        self.layers.iter().find_map(|layer| {
            let elf = layer.elsewhere.as_ref().unwrap_or(&self.elf);
            let found = layer.table.named(elf, name)?;
            Some((found.value, found.size))
        })
    }

    /// Memory in use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let tables = self.layers.iter().map(|layer| layer.table.bytes());
        tables.sum::<usize>() + 4096
    }
}
