//! A map's contents at one time, and the order in which they are shown.

use std::cmp::Ordering;

use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::decode;
use quadrant_program::value::elements;

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

    fn key_bytes(&self, index: usize) -> &'a [u8] {
        part(&self.snapshot.keys, index, self.snapshot.key_size)
    }

    /// Indices of the entries in the order to show: ascending by value where values are numbers, then by key.
    /// With `top`, only the greatest so many.
    pub fn order(&self, top: u64) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        let compare = |a: &u32, b: &u32| self.compare(*a as usize, *b as usize);
        let skip = usize::try_from(top).map_or(0, |top| if top == 0 { 0 } else { order.len().saturating_sub(top) });
        if skip > 0 {
            order.select_nth_unstable_by(skip, compare);
            order.drain(..skip);
        }
        order.sort_unstable_by(compare);
        order
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let rank = |i| rank(&self.map.value, self.value_bytes(i));
        rank(a).cmp(&rank(b)).then_with(|| self.compare_keys(a, b))
    }

    fn compare_keys(&self, a: usize, b: usize) -> Ordering {
        match (self.key(a), self.key(b)) {
            (Some(x), Some(y)) => compare_values(&x, &y).then_with(|| self.key_bytes(a).cmp(self.key_bytes(b))),
            _ => Ordering::Equal,
        }
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

/// Where a value stands among others; equal for values that are no numbers.
fn rank(value: &MapValue, bytes: &[u8]) -> i128 {
    match value {
        MapValue::Plain(ty) if matches!(ty, Type::Int { .. } | Type::Enum(_)) => {
            as_number(word(bytes, 0), ty.is_signed())
        }
        MapValue::Plain(_) => 0,
        MapValue::Aggregation(agg) => rank_aggregation(agg, bytes),
    }
}

fn rank_aggregation(agg: &Aggregation, bytes: &[u8]) -> i128 {
    match agg {
        Aggregation::Count => word(bytes, 0).into(),
        Aggregation::Sum { signed } | Aggregation::Min { signed } | Aggregation::Max { signed } => {
            as_number(word(bytes, 0), *signed)
        }
        Aggregation::Avg { signed } | Aggregation::Stats { signed } => {
            average(word(bytes, 0), word(bytes, 1), *signed, 1)
        }
        Aggregation::Hist { .. } | Aggregation::LinearHist { .. } => {
            (0..bytes.len() / 8).map(|i| i128::from(word(bytes, i))).sum()
        }
    }
}

/// A word as the number that it stands for.
pub(crate) fn as_number(word: u64, signed: bool) -> i128 {
    if signed { i128::from(word as i64) } else { word.into() }
}

/// The average of a sum over a number of values, then divided, rounded towards zero; 0 when there are no values.
pub(crate) fn average(sum: u64, n: u64, signed: bool, div: u64) -> i128 {
    as_number(sum, signed).checked_div(n.into()).unwrap_or(0) / i128::from(div.max(1))
}

/// Order of two values of the same type: numbers by size, text by bytes, parts from left to right.
fn compare_values(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) | (Value::Pointer(a), Value::Pointer(b)) => a.cmp(b),
        (Value::Special(ty, a), Value::Special(_, b)) => {
            as_number(*a, ty.is_signed()).cmp(&as_number(*b, ty.is_signed()))
        }
        (Value::Text { bytes: a, .. }, Value::Text { bytes: b, .. }) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) | (Value::Inet(_, a), Value::Inet(_, b)) => a.cmp(b),
        (Value::KernelSymbol(a), Value::KernelSymbol(b)) => a.cmp(b),
        (Value::UserSymbol(a, p), Value::UserSymbol(b, q)) => (p, a).cmp(&(q, b)),
        (Value::Tuple(types, a), Value::Tuple(_, b)) => {
            let parts = elements(types, a).zip(elements(types, b));
            parts.map(|(x, y)| compare_values(&x, &y)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        }
        // Arrays, records, stacks: the caller compares their bytes.
        _ => Ordering::Equal,
    }
}
