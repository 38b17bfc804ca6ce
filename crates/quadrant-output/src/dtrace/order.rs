//! The order of an aggregation's entries.

use std::cmp::Ordering;

use quadrant_program::map::Aggregation;

use crate::dtrace::cell::Cell;
use crate::dtrace::cell::key_parts;
use crate::dtrace::histogram;
use crate::dtrace::number;
use crate::dtrace::options::Sort;
use crate::dtrace::table::Column;
use crate::dtrace::table::Table;
use crate::order::compare_values;

/// Put the rows in the order that the options ask for.
pub(super) fn sort(table: &mut Table<'_>, by: &Sort) {
    let key = table.columns.first().and_then(|column| column.map.key.as_ref());
    let rows = std::mem::take(&mut table.rows);
    let ranks = |row: &super::table::Row| -> Vec<(i128, i128)> {
        table.columns.iter().zip(&row.words).map(|(column, words)| rank(column, words)).collect()
    };
    let mut ranked: Vec<_> = rows.into_iter().map(|row| (ranks(&row), row)).collect();
    ranked.sort_by(|(a_ranks, a), (b_ranks, b)| {
        let values = || compare_rotated(a_ranks, b_ranks, by.position, Ord::cmp);
        let keys = || compare_keys(&key_parts(key, &a.key), &key_parts(key, &b.key), by.key_position);
        let keys = || keys().then_with(|| a.key.cmp(&b.key));
        let order = if by.key { keys().then_with(values) } else { values().then_with(keys) };
        if by.reverse { order.reverse() } else { order }
    });
    table.rows = ranked.into_iter().map(|(_, row)| row).collect();
}

/// What orders values of an aggregation.
fn rank(column: &Column<'_>, words: &[u64]) -> (i128, i128) {
    let aggregation = column.aggregation;
    match (number::number(aggregation, words, 1), aggregation) {
        (Some(value), _) => (value, 0),
        (None, Aggregation::Quantize | Aggregation::LinearHist { .. } | Aggregation::LogLinear(_)) => {
            histogram::rank(aggregation, words)
        }
        (None, _) => (0, 0),
    }
}

fn compare_keys(a: &[Cell<'_>], b: &[Cell<'_>], first: usize) -> Ordering {
    compare_rotated(a, b, first, |a, b| compare_values(&a.value, &b.value))
}

/// From left to right, beginning with the part at `first`, those before it at the end.
fn compare_rotated<T>(a: &[T], b: &[T], first: usize, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
    let len = a.len().min(b.len());
    let places = (0..len).map(|i| (first % len.max(1) + i) % len);
    places.map(|i| compare(&a[i], &b[i])).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
