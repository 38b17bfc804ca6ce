//! A map's content at one moment.

use crate::layout;
use crate::map::Map;
use crate::map::MapValue;

/// Keys and values of a map, in no order. The parts of aggregations are merged over the CPUs.
///
/// Keys stand in a row without gaps, and so do values, as [`crate::layout`] stores them: a million entries cost two allocations.
/// A map without keys has at most one entry, with an empty key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of entries.
    pub len: usize,
    /// Bytes of a key.
    pub key_size: usize,
    /// Bytes of a value: the stored value, or 8 for each word of an aggregation.
    pub value_size: usize,
    /// All keys.
    pub keys: Vec<u8>,
    /// All values.
    pub values: Vec<u8>,
}

impl Snapshot {
    /// An empty snapshot with the sizes of a map.
    pub fn of(map: &Map) -> Snapshot {
        let value_size = match &map.value {
            MapValue::Plain(ty) => layout::size(ty) as usize,
            MapValue::Aggregation(aggregation) => aggregation.words() as usize * 8,
        };
        let key_size = map.key.as_ref().map_or(0, |key| layout::size(key) as usize);
        Snapshot { key_size, value_size, ..Snapshot::default() }
    }

    /// Add an entry; key and value are cut or must have the snapshot's sizes.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.keys.extend_from_slice(&key[..self.key_size]);
        self.values.extend_from_slice(&value[..self.value_size]);
        self.len += 1;
    }

    /// The key of an entry.
    pub fn key(&self, index: usize) -> &[u8] {
        &self.keys[index * self.key_size..][..self.key_size]
    }

    /// The value of an entry.
    pub fn value(&self, index: usize) -> &[u8] {
        &self.values[index * self.value_size..][..self.value_size]
    }
}
