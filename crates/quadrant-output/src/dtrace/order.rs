//! The order of an aggregation's entries.

use std::cmp::Ordering;
use std::ops::Range;

use quadrant_program::ty::Type;
use quadrant_program::value::decode;

use crate::dtrace::cell::parts;
use crate::dtrace::histogram;
use crate::dtrace::number;
use crate::dtrace::options::Sort;
use crate::dtrace::table::Column;
use crate::dtrace::table::Row;
use crate::dtrace::table::Table;
use crate::order::compare_values;

/// Put the rows in the order that the options ask for.
pub(super) fn sort(table: &mut Table<'_>, by: &Sort) {
    let key = parts(table.columns.first().and_then(|column| column.map.key.as_ref()));
    let ranks = |row: &Row| -> Vec<Rank> {
        table.columns.iter().zip(&row.words).map(|(column, words)| rank(column, words)).collect()
    };
    let mut ranked: Vec<(Vec<Rank>, Row)> =
        std::mem::take(&mut table.rows).into_iter().map(|row| (ranks(&row), row)).collect();
    ranked.sort_unstable_by(|(a_ranks, a), (b_ranks, b)| {
        let values = || rotated(a_ranks.len(), by.position, |i| a_ranks[i].cmp(&b_ranks[i]));
        let keys = || compare_keys(&key, &a.key, &b.key, by.key_position);
        let order = if by.key { keys().then_with(values) } else { values().then_with(keys) };
        if by.reverse { order.reverse() } else { order }
    });
    table.rows = ranked.into_iter().map(|(_, row)| row).collect();
}

/// What orders values: of histograms two numbers, see [`histogram::rank`].
type Rank = (i128, i128);

fn rank(column: &Column<'_>, words: &[u64]) -> Rank {
    match number::number(column.aggregation, words, 1) {
        Some(value) => (value, 0),
        None => histogram::rank(column.aggregation, words),
    }
}

/// By the parts of two stored keys. Parts without an order of their own (stacks) are compared as stored. Keys of different lengths,
/// which could only be those of a wrong program, are kept apart, so that this is an order in any case.
fn compare_keys(parts: &[(&Type, Range<usize>)], a: &[u8], b: &[u8], first: usize) -> Ordering {
    let order = rotated(parts.len(), first, |i| {
        let (ty, place) = &parts[i];
        let value = |key| decode(ty, <[u8]>::get(key, place.clone()).unwrap_or(&[]));
        compare_values(&value(a), &value(b))
    });
    a.len().cmp(&b.len()).then(order).then_with(|| a.cmp(b))
}

/// From left to right, beginning with the part at `first`, those before it at the end. One that is not there is the leftmost.
fn rotated(len: usize, first: usize, compare: impl Fn(usize) -> Ordering) -> Ordering {
    let first = if first < len { first } else { 0 };
    let places = (0..len).map(|i| (first + i) % len);
    places.map(compare).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
