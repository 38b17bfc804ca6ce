//! Symbols of one ELF file, from wherever they are.

use std::sync::Arc;

use quadrant_types::DebugInfo;

use crate::blob::Blob;
use crate::companions::Beside;
use crate::debug_files::Finder;
use crate::demangle::demangle;
use crate::elf::{ElfFile, SymbolTable};
use crate::frame::{Missing, Symbol};

/// The largest unpacked `.gnu_debugdata`; real ones are under a megabyte.
const MAX_PACKED: u64 = 64 << 20;

/// An ELF file and the symbol tables that describe it, best first.
#[derive(Debug)]
pub(crate) struct FileSymbols {
    pub(crate) elf: ElfFile,
    pub(crate) build_id: Option<Arc<[u8]>>,
    layers: Vec<Layer>,
    /// The separate debug file, when it was needed and found.
    debug_file: Option<ElfFile>,
}

/// A symbol table and the file it is in.
#[derive(Debug)]
struct Layer {
    table: SymbolTable,
    home: Home,
}

#[derive(Debug)]
enum Home {
    /// The file itself.
    Own,
    /// Its debug file.
    Debug,
    /// The file packed into its `.gnu_debugdata`.
    Packed(Box<ElfFile>),
}

impl FileSymbols {
    /// Reads the headers and the symbol tables of a file. The debug file is looked for when
    /// the file was stripped, or when `debug_info` is wanted and not in the file.
    pub(crate) fn open(blob: Blob, finder: &Finder, debug_info: bool) -> Result<Self, Missing> {
        let elf = ElfFile::open(blob).map_err(|why| Missing::BadFile(why.into()))?;
        let full = SymbolTable::read(&elf, false);
        let wanted = full.is_none() || (debug_info && !elf.has_contents(".debug_info"));
        let debug_file = wanted.then(|| finder.debug_file(&elf)).flatten();
        let layers = match full {
            Some(table) => vec![Layer { table, home: Home::Own }],
            None => stripped_layers(&elf, debug_file.as_ref()),
        };
        Ok(Self { build_id: elf.build_id().map(Arc::from), elf, layers, debug_file })
    }

    /// The symbol that covers `lookup`; its offset counts from `vaddr`.
    pub(crate) fn symbol(&self, vaddr: u64, lookup: u64) -> Option<Symbol> {
        self.layers.iter().find_map(|layer| {
            let elf = self.home_of(layer);
            let found = layer.table.find(elf, lookup)?;
            let raw: Arc<str> = layer.table.name(elf, found).into();
            Some(Symbol { name: readable(&raw), raw, offset: vaddr.wrapping_sub(found.value), size: found.size })
        })
    }

    /// Address and size of the symbol called `name`, in the file's own address space.
    pub(crate) fn named(&self, name: &str) -> Option<(u64, u64)> {
        self.layers.iter().find_map(|layer| {
            let found = layer.table.named(self.home_of(layer), name)?;
            Some((found.value, found.size))
        })
    }

    /// The DWARF of the file or of its debug file; `Ok(None)` when there is none.
    pub(crate) fn debug_info(&self, finder: &Finder, limit: u64) -> Result<Option<DebugInfo>, String> {
        let files = [Some(&self.elf), self.debug_file.as_ref()];
        let mut with_info = files.into_iter().flatten();
        let Some(elf) = with_info.find(|elf| elf.has_contents(".debug_info")) else {
            return Ok(None);
        };
        DebugInfo::read(elf, Beside::new(finder, elf), limit, false)
    }

    /// True when a table had more symbols than are kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.layers.iter().any(|layer| layer.table.cut)
    }

    /// Memory in use, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let tables = self.layers.iter().map(|layer| layer.table.bytes());
        let packed = self.layers.iter().map(|layer| match &layer.home {
            Home::Packed(elf) => usize::try_from(elf.len()).unwrap_or(usize::MAX),
            Home::Own | Home::Debug => 0,
        });
        tables.chain(packed).sum::<usize>() + 4096
    }

    fn home_of<'a>(&'a self, layer: &'a Layer) -> &'a ElfFile {
        match (&layer.home, &self.debug_file) {
            (Home::Packed(elf), _) => elf,
            (Home::Debug, Some(elf)) => elf,
            (Home::Own | Home::Debug, _) => &self.elf,
        }
    }
}

/// The readable form of a symbol's name.
pub(crate) fn readable(raw: &Arc<str>) -> Arc<str> {
    demangle(raw).map_or_else(|| Arc::clone(raw), Arc::from)
}

/// The tables of a stripped file: what it exports, then what was stripped from it.
fn stripped_layers(elf: &ElfFile, debug_file: Option<&ElfFile>) -> Vec<Layer> {
    let exported = SymbolTable::read(elf, true);
    let mut layers: Vec<Layer> = Vec::new();
    let debug = debug_file.and_then(|elf| SymbolTable::read(elf, false));
    if let Some(table) = debug {
        layers.push(Layer { table, home: Home::Debug });
    } else if let Some(packed) = elf.packed_symbols(MAX_PACKED) {
        layers.extend(
            SymbolTable::read(&packed, false).map(|table| Layer { table, home: Home::Packed(Box::new(packed)) }),
        );
    }
    let of_go = if layers.is_empty() { SymbolTable::of_go(elf) } else { None };
    layers.extend([of_go, exported].into_iter().flatten().map(|table| Layer { table, home: Home::Own }));
    layers
}
