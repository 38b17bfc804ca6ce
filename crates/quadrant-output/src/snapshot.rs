//! A map's content at one time, and the numbers in it.

use quadrant_program::map::Map;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::value::Value;
use quadrant_program::value::decode;

/// A map and what it held; entries that the rows of bytes do not have are left out.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    pub map: &'a Map,
    pub snapshot: &'a Snapshot,
}

impl<'a> Content<'a> {
    /// Number of whole entries.
    pub fn len(&self) -> usize {
        let Snapshot { len, key_size, value_size, keys, values } = self.snapshot;
        let whole = |bytes: &[u8], size: usize| bytes.len().checked_div(size).unwrap_or(usize::MAX);
        (*len).min(whole(keys, *key_size)).min(whole(values, *value_size))
    }

    /// The key of an entry; `None` for a map without keys.
    pub fn key(&self, index: usize) -> Option<Value<'a>> {
        self.map.key.as_ref().map(|ty| decode(ty, self.key_bytes(index)))
    }

    /// The stored bytes of an entry's value.
    pub fn value_bytes(&self, index: usize) -> &'a [u8] {
        part(&self.snapshot.values, index, self.snapshot.value_size)
    }

    /// The stored bytes of an entry's key.
    pub fn key_bytes(&self, index: usize) -> &'a [u8] {
        part(&self.snapshot.keys, index, self.snapshot.key_size)
    }
}

fn part(bytes: &[u8], index: usize, size: usize) -> &[u8] {
    index.checked_mul(size).and_then(|start| bytes.get(start..start.checked_add(size)?)).unwrap_or(&[])
}

/// The `i`-th 64-bit word of stored bytes; 0 beyond the end.
pub(crate) fn word(bytes: &[u8], i: usize) -> u64 {
    bytes.get(i * 8..i * 8 + 8).and_then(|w| w.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// All words of stored bytes.
pub(crate) fn words(bytes: &[u8]) -> Vec<u64> {
    (0..bytes.len() / 8).map(|i| word(bytes, i)).collect()
}

/// A word as the number that it stands for.
pub(crate) fn as_number(word: u64, signed: bool) -> i128 {
    if signed { i128::from(word as i64) } else { word.into() }
}

/// The average of a sum over a number of values, then divided, rounded towards zero; 0 when there are no values.
pub(crate) fn average(sum: u64, n: u64, signed: bool, div: u64) -> i128 {
    as_number(sum, signed).checked_div(n.into()).unwrap_or(0) / i128::from(div.max(1))
}
