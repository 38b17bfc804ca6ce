//! The order in which a map's entries are shown: ascending by value where values are numbers, then by key.

use std::cmp::Ordering;

use quadrant_program::layout;
use quadrant_program::map::Aggregation;
use quadrant_program::map::MapValue;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::decode;
use quadrant_program::value::elements;

use crate::snapshot::Content;
use crate::snapshot::as_number;
use crate::snapshot::average;
use crate::snapshot::word;

/// An entry and what decides its place in most cases, so that sorting a million entries seldom decodes them.
#[derive(Clone, Copy)]
struct Place {
    /// From the value.
    rank: u64,
    /// From the start of the key.
    prefix: u64,
    index: u32,
}

/// Indices of the entries in the order to show; with `top` (not 0), only of the greatest so many.
pub(crate) fn order(content: &Content<'_>, top: u64) -> impl Iterator<Item = usize> + use<> {
    let mut places: Vec<Place> = (0..content.len()).map(|index| Place::new(content, index)).collect();
    let compare = |a: &Place, b: &Place| a.compare(b, content);
    let shown = if top == 0 { usize::MAX } else { usize::try_from(top).unwrap_or(usize::MAX) };
    let skip = places.len().saturating_sub(shown);
    if skip > 0 {
        places.select_nth_unstable_by(skip, compare);
    }
    places[skip..].sort_unstable_by(compare);
    places.into_iter().skip(skip).map(|place| place.index as usize)
}

impl Place {
    fn new(content: &Content<'_>, index: usize) -> Place {
        let rank = rank(&content.map.value, content.value_bytes(index));
        let prefix = content.map.key.as_ref().map_or(0, |ty| prefix(ty, content.key_bytes(index)));
        Place { rank, prefix, index: index as u32 }
    }

    fn compare(&self, other: &Place, content: &Content<'_>) -> Ordering {
        let places = (self.rank, self.prefix).cmp(&(other.rank, other.prefix));
        places.then_with(|| compare_keys(content, self.index as usize, other.index as usize))
    }
}

/// A word that orders values as they are ordered, equal for values that are no numbers.
fn rank(value: &MapValue, bytes: &[u8]) -> u64 {
    match value {
        MapValue::Plain(ty) if matches!(ty, Type::Int { .. } | Type::Enum(_)) => {
            unsigned(word(bytes, 0), ty.is_signed())
        }
        MapValue::Plain(ty @ Type::Float { .. }) => match decode(ty, bytes) {
            Value::Float(number, _) => in_order(number),
            _ => 0,
        },
        MapValue::Plain(_) => 0,
        MapValue::Aggregation(agg) => rank_aggregation(agg, bytes),
    }
}

fn rank_aggregation(agg: &Aggregation, bytes: &[u8]) -> u64 {
    match agg {
        Aggregation::Count => word(bytes, 0),
        Aggregation::Sum { signed } | Aggregation::Min { signed } | Aggregation::Max { signed } => {
            unsigned(word(bytes, 0), *signed)
        }
        Aggregation::Avg { signed } | Aggregation::Stats { signed } => {
            unsigned(average(word(bytes, 0), word(bytes, 1), *signed, 1) as u64, *signed)
        }
        Aggregation::Stddev => word(bytes, 0),
        Aggregation::Series(_) => 0,
        Aggregation::Hist { .. }
        | Aggregation::LinearHist { .. }
        | Aggregation::Quantize
        | Aggregation::LogLinear(_) => (0..bytes.len() / 8).fold(0, |sum: u64, i| sum.saturating_add(word(bytes, i))),
    }
}

/// A number as an unsigned one of the same order.
fn unsigned(word: u64, signed: bool) -> u64 {
    if signed { word ^ 1 << 63 } else { word }
}

/// A word that orders numbers by size, from the negative infinity on.
fn in_order(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// A word from the start of a stored key: where it differs between two keys, it orders them as [`compare_values`] does.
fn prefix(ty: &Type, bytes: &[u8]) -> u64 {
    match ty {
        Type::Int { .. } | Type::Enum(_) => unsigned(word(bytes, 0), ty.is_signed()),
        Type::Pointer { .. } => word(bytes, 0),
        Type::String { .. } => text_prefix(bytes),
        Type::Tuple(parts) => match parts.iter().find(|part| layout::size(part) > 0) {
            Some(first) => prefix(first, bytes),
            None => 0,
        },
        _ => 0,
    }
}

/// The first eight bytes of a text, those from its NUL on as zeros.
fn text_prefix(bytes: &[u8]) -> u64 {
    let text = bytes.iter().take(8).take_while(|b| **b != 0);
    text.enumerate().fold(0, |prefix, (i, b)| prefix | u64::from(*b) << (56 - 8 * i))
}

fn compare_keys(content: &Content<'_>, a: usize, b: usize) -> Ordering {
    match (content.key(a), content.key(b)) {
        (Some(x), Some(y)) => compare_values(&x, &y).then_with(|| content.key_bytes(a).cmp(content.key_bytes(b))),
        _ => Ordering::Equal,
    }
}

/// Order of two values of the same type: numbers by size, text by bytes, parts from left to right.
pub(crate) fn compare_values(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) | (Value::Pointer(a), Value::Pointer(b)) => a.cmp(b),
        (Value::Special(ty, a), Value::Special(_, b)) => {
            as_number(*a, ty.is_signed()).cmp(&as_number(*b, ty.is_signed()))
        }
        (Value::Float(a, _), Value::Float(b, _)) => a.total_cmp(b),
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
