//! The content of aggregations by key: those that are printed together side by side, keys that look the same in one.

use std::collections::HashMap;

use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::program::Program;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;

use crate::dtrace::cell::key_parts;
use crate::dtrace::cell::parts;
use crate::dtrace::symbol;
use crate::dtrace::value::part;
use crate::resolver::Resolver;
use crate::snapshot::Content;
use crate::snapshot::words;

/// An aggregation's function, its factor of normalization, its content.
pub(super) struct Column<'a> {
    pub map: &'a Map,
    pub aggregation: &'a Aggregation,
    pub factor: u64,
}

impl<'a> Column<'a> {
    /// `None` for a map that is no aggregation.
    pub fn of(program: &'a Program, id: MapId, factor: u64) -> Option<Column<'a>> {
        let map = program.maps.get(id.0 as usize)?;
        match &map.value {
            MapValue::Aggregation(aggregation) => Some(Column { map, aggregation, factor }),
            MapValue::Plain(_) => None,
        }
    }
}

/// Whether a part of the keys is a text of the script itself. A row's key can be that of any of the aggregations.
pub(super) fn is_own(columns: &[Column<'_>], part: usize) -> bool {
    columns.iter().all(|column| column.map.own.keys.get(part) == Some(&true))
}

/// Aggregations with the same key.
pub(super) struct Table<'a> {
    pub columns: Vec<Column<'a>>,
    pub rows: Vec<Row>,
}

/// A key and a value of each aggregation, zero where it has none.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// As stored; of keys that look the same the first.
    pub key: Vec<u8>,
    /// The stored keys, where they are several.
    pub others: Vec<Vec<u8>>,
    /// The words of each aggregation.
    pub words: Vec<Vec<u64>>,
}

impl<'a> Table<'a> {
    /// The content of these aggregations.
    pub fn new(columns: Vec<Column<'a>>, snapshots: &[Snapshot], resolver: &mut dyn Resolver) -> Table<'a> {
        let mut table = Table { columns, rows: Vec::new() };
        let Some(key) = table.columns.first().map(|column| column.map.key.as_ref()) else {
            return table;
        };
        let mut names = Names::new(key);
        let unique = snapshots.len() == 1 && names.symbols.is_empty();
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        for (at, snapshot) in snapshots.iter().enumerate().take(table.columns.len()) {
            let content = Content { map: table.columns[at].map, snapshot };
            for entry in 0..content.len() {
                let stored = content.key_bytes(entry);
                let row = if unique {
                    table.push(stored.to_vec())
                } else {
                    let canonical = names.canonical(stored, resolver);
                    *known.entry(canonical).or_insert_with(|| table.push(stored.to_vec()))
                };
                table.add(row, at, stored, &words(content.value_bytes(entry)));
            }
        }
        table
    }

    /// A new row without values.
    fn push(&mut self, key: Vec<u8>) -> usize {
        let words = self.columns.iter().map(|column| vec![0; column.aggregation.words() as usize]).collect();
        self.rows.push(Row { key, others: Vec::new(), words });
        self.rows.len() - 1
    }

    fn add(&mut self, row: usize, column: usize, stored: &[u8], words: &[u64]) {
        let aggregation = self.columns[column].aggregation;
        let row = &mut self.rows[row];
        if row.key != stored {
            row.others.push(stored.to_vec());
        }
        let into = &mut row.words[column];
        if words.len() >= into.len() {
            let len = into.len();
            aggregation.merge(into, &words[..len]);
        }
    }
}

/// Symbols in keys: the first address of each name stands for all of that name.
struct Names<'a> {
    key: Option<&'a Type>,
    /// Which parts of the key are symbols by name, and where.
    symbols: Vec<(usize, std::ops::Range<usize>)>,
    first: HashMap<(usize, Vec<u8>), Vec<u8>>,
    /// By stored part, so that an address is looked up once.
    seen: HashMap<Vec<u8>, Vec<u8>>,
}

impl<'a> Names<'a> {
    fn new(key: Option<&'a Type>) -> Names<'a> {
        let by_name = |ty: &Type| matches!(ty, Type::Symbol { .. }) && part(ty) != SymbolPart::Address;
        let places = parts(key).into_iter().enumerate().filter(|(_, (ty, _))| by_name(ty));
        let symbols = places.map(|(i, (_, place))| (i, place)).collect();
        Names { key, symbols, first: HashMap::new(), seen: HashMap::new() }
    }

    /// The key with each symbol as the first address of its name.
    fn canonical(&mut self, stored: &[u8], resolver: &mut dyn Resolver) -> Vec<u8> {
        let mut key = stored.to_vec();
        for (i, place) in self.symbols.clone() {
            let Some(bytes) = stored.get(place.clone()) else { continue };
            let first = match self.seen.get(bytes) {
                Some(first) => first.clone(),
                None => self.look_up(i, stored, bytes, resolver),
            };
            key[place].copy_from_slice(&first);
        }
        key
    }

    fn look_up(&mut self, i: usize, stored: &[u8], bytes: &[u8], resolver: &mut dyn Resolver) -> Vec<u8> {
        use quadrant_program::value::Value;
        let cells = key_parts(self.key, stored);
        let Some(cell) = cells.get(i) else { return bytes.to_vec() };
        let (frame, user) = match cell.value {
            Value::UserSymbol(address, pid) => (resolver.user_frame(address, pid), true),
            Value::KernelSymbol(address) => (resolver.kernel_frame(address), false),
            _ => return bytes.to_vec(),
        };
        let part = part(cell.ty);
        let first = if symbol::is_known(&frame, user, part) {
            let mut name = Vec::new();
            symbol::name(&mut name, &frame, user, part);
            self.first.entry((i, name)).or_insert_with(|| bytes.to_vec()).clone()
        } else {
            bytes.to_vec()
        };
        self.seen.insert(bytes.to_vec(), first.clone());
        first
    }
}
