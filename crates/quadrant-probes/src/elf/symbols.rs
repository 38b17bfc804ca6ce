//! `.symtab` and `.dynsym`, kept as the bytes they are: a name is text only while it is looked at.

use super::{Class, Elf, MAX_NAME, SECTION_EXECUTABLE, SECTION_NO_BITS, bytes_at, u32_at};
use crate::error::Result;
use std::cell::{Cell, OnceCell};
use std::cmp::Reverse;
use std::rc::Rc;

/// `SHT_SYMTAB`, `SHT_DYNSYM`.
const TABLE_KINDS: [u32; 2] = [2, 11];
/// Further symbols of a table are left out.
const MAX_SYMBOLS: u64 = 8_000_000;
/// Bytes of the names of a file's symbols, one by one; symbols from there on are left out. Real names take as much as their
/// table or little more; those of a hostile file are one inside the other.
const MAX_TEXT: usize = 512 << 20;
/// Where a symbol's type and its reach are.
const INFO: super::class::At = [12, 4];
/// Section indexes from here on are no sections (`SHN_LORESERVE`).
const RESERVED: u16 = 0xff00;

/// The symbols of a file.
pub(crate) struct Symbols {
    tables: Vec<Table>,
    starts: OnceCell<Vec<u64>>,
    /// Where functions start that other files may call.
    public: OnceCell<Vec<u64>>,
    /// Whether some were left out.
    are_cut: Cell<bool>,
    /// Whether they are those that Go's runtime knows.
    are_of_go: bool,
}

struct Table {
    class: Class,
    entries: Vec<u8>,
    names: Vec<u8>,
    /// Whether each section of the file holds code.
    code: Rc<[bool]>,
}

/// A symbol with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol<'a> {
    /// Name, without the version that the static table appends (`@@GLIBC_2.2.5`).
    pub name: &'a str,
    pub address: u64,
    /// Bytes; 0 if it is not known (functions written in assembly).
    pub size: u64,
    pub kind: SymbolKind,
    /// Visible to other files.
    pub global: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Function,
    /// `STT_GNU_IFUNC`: chooses the function when the program is loaded.
    Indirect,
    Data,
    /// Used here, defined in another file.
    Imported,
}

impl<'a> Symbol<'a> {
    /// Of several names of one address the smallest is the one that programs use: public names first, those without
    /// underscores first, short ones first.
    pub fn rank(&self) -> (bool, bool, usize, &'a str) {
        (!self.global, self.name.starts_with('_'), self.name.len(), self.name)
    }

    /// The function of which this is code that the compiler put elsewhere because it seldom runs.
    pub fn cold_part_of(&self) -> Option<&'a str> {
        self.name.split_once(".cold").map(|(function, _)| function)
    }
}

impl Symbols {
    pub(super) fn read(elf: &Elf) -> Result<Self> {
        let (mut tables, mut are_cut) = match elf.separate() {
            Some(separate) => Self::read(separate).map(|symbols| (symbols.tables, symbols.are_cut.get()))?,
            None => Default::default(),
        };
        let code: Rc<[bool]> = elf.sections.iter().map(|section| section.flags & SECTION_EXECUTABLE != 0).collect();
        // ELF has one of each kind: more of them would only be more memory.
        let mut kinds = TABLE_KINDS.to_vec();
        for section in elf.sections.iter().filter(|section| TABLE_KINDS.contains(&section.kind)) {
            let Some(at) = kinds.iter().position(|kind| *kind == section.kind) else {
                are_cut = true;
                continue;
            };
            kinds.remove(at);
            let entries = elf.start_of(section, MAX_SYMBOLS * elf.class.symbol_len() as u64)?;
            let names = elf.sections.get(section.link as usize).map(|names| elf.data(names)).transpose()?;
            are_cut |= (entries.len() as u64) < section.size() && section.kind != SECTION_NO_BITS;
            tables.push(Table { class: elf.class, entries, names: names.unwrap_or_default(), code: Rc::clone(&code) });
        }
        let is_bare = !elf.has_symbols() && elf.separate().is_none();
        let go = if is_bare { elf.go_symbols() } else { None };
        let are_of_go = go.is_some();
        are_cut |= go.as_ref().is_some_and(|go| go.cut);
        tables.extend(go.map(|go| Table { class: Class::Wide, entries: go.entries, names: go.names, code }));
        Ok(Self { tables, starts: OnceCell::new(), public: OnceCell::new(), are_cut: Cell::new(are_cut), are_of_go })
    }

    /// Whether they are those that Go's runtime knows.
    pub fn are_of_go(&self) -> bool {
        self.are_of_go
    }

    /// Whether some were left out, as far as they were looked at.
    pub fn are_cut(&self) -> bool {
        self.are_cut.get()
    }

    /// All named symbols, those of the static table first. The same symbol may come twice.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'_>> {
        let mut left = MAX_TEXT;
        let all = self.tables.iter().flat_map(|table| table.symbols().map(move |entry| (table, entry)));
        let all = all.filter_map(|(table, entry)| Some((table.kind_of(entry)?, table.name_of(entry), table, entry)));
        let fits = move |(_, name, ..): &(SymbolKind, &[u8], &Table, &[u8])| {
            let rest = left.checked_sub(name.len());
            self.are_cut.set(self.are_cut.get() || rest.is_none());
            rest.inspect(|rest| left = *rest).is_some()
        };
        all.take_while(fits).filter_map(|(kind, name, table, entry)| parse(table.class, kind, name, entry))
    }

    /// Functions that have code in this file.
    pub fn functions(&self) -> impl Iterator<Item = Symbol<'_>> {
        self.iter().filter(|symbol| symbol.kind == SymbolKind::Function)
    }

    /// All symbols called `name`.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Symbol<'a>> {
        self.iter().filter(move |symbol| symbol.name == name)
    }

    /// The function that `address` is in, by its size or, where that is not known, up to the next one.
    pub fn function_around(&self, address: u64) -> Option<Symbol<'_>> {
        let before = self.functions().filter(|symbol| symbol.address <= address);
        let nearest = before.max_by_key(|symbol| (symbol.address, Reverse(symbol.rank())))?;
        (nearest.size == 0 || address - nearest.address < nearest.size).then_some(nearest)
    }

    /// The first function that starts after `address`.
    pub fn next_start(&self, address: u64) -> Option<u64> {
        let starts = self.starts.get_or_init(|| addresses(self.functions()));
        starts.get(starts.partition_point(|start| *start <= address)).copied()
    }

    /// Whether a function starts at `address` that other files may call.
    pub fn is_public(&self, address: u64) -> bool {
        let public = self.public.get_or_init(|| addresses(self.functions().filter(|symbol| symbol.global)));
        public.binary_search(&address).is_ok()
    }
}

fn addresses<'a>(symbols: impl Iterator<Item = Symbol<'a>>) -> Vec<u64> {
    let mut addresses: Vec<u64> = symbols.map(|symbol| symbol.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

impl Table {
    fn symbols(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.chunks_exact(self.class.symbol_len())
    }

    fn kind_of(&self, entry: &[u8]) -> Option<SymbolKind> {
        self.kind(entry.get(self.class.of(INFO))? & 0xf, self.class.short(entry, [14, 6])?)
    }

    fn name_of(&self, entry: &[u8]) -> &[u8] {
        u32_at(entry, 0).map_or(&[], |at| bytes_at(&self.names, at, MAX_NAME))
    }

    /// `STT_*` and the section to a kind. Functions written in assembly often have no type.
    fn kind(&self, kind: u8, section: u16) -> Option<SymbolKind> {
        let in_code = section < RESERVED && self.code.get(usize::from(section)).copied().unwrap_or(false);
        match (kind, section) {
            (0..=2 | 6 | 10, 0) => Some(SymbolKind::Imported),
            (2, _) => Some(SymbolKind::Function),
            (10, _) => Some(SymbolKind::Indirect),
            (0, _) if in_code => Some(SymbolKind::Function),
            (1 | 6, _) => Some(SymbolKind::Data),
            _ => None,
        }
    }
}

fn parse<'a>(class: Class, kind: SymbolKind, name: &'a [u8], entry: &[u8]) -> Option<Symbol<'a>> {
    let name = std::str::from_utf8(name).ok()?;
    let name = name.find('@').map_or(name, |at| &name[..at]);
    if name.is_empty() {
        return None;
    }
    let global = entry.get(class.of(INFO))? >> 4 != 0;
    Some(Symbol { name, address: class.word(entry, [4, 8])?, size: class.word(entry, [8, 16])?, kind, global })
}
