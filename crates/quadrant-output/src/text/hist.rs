//! Histograms as text: one row a bucket, with a bar.

use quadrant_program::map::Aggregation;

use crate::hist::Row;
use crate::hist::rows;
use crate::number;
use crate::pad::pad_left;
use crate::pad::pad_right;

/// Width of the greatest row's bar.
const BAR: u64 = 52;
/// Columns of a row's label.
const LABEL: usize = 16;
/// Columns of a row's count, at least.
const COUNT: usize = 8;
/// Units of 1024, as letters.
const UNITS: &[u8] = b"KMGTPE";

/// Append the rows of a histogram.
pub(crate) fn histogram(out: &mut Vec<u8>, agg: &Aggregation, counts: &[u64], div: u64) {
    draw(out, agg, &rows(agg, counts, div));
}

/// Append rows; the aggregation says how bounds are written.
pub(crate) fn draw(out: &mut Vec<u8>, agg: &Aggregation, rows: &[Row]) {
    let greatest = rows.iter().map(|r| r.count).max().unwrap_or(0).max(1);
    for row in rows {
        label(out, agg, row);
        count(out, row.count);
        bar(out, row.count, greatest);
    }
}

fn label(out: &mut Vec<u8>, agg: &Aggregation, row: &Row) {
    let start = out.len();
    match (row.low, row.end) {
        (None, Some(end)) => between(out, agg, b"(..., ", Some(end), b")"),
        (Some(low), None) => between(out, agg, b"[", Some(low), b", ...)"),
        (Some(low), Some(end)) if end - low == 1 => between(out, agg, b"[", Some(low), b"]"),
        (Some(low), Some(end)) => {
            between(out, agg, b"[", Some(low), b", ");
            between(out, agg, b"", Some(end), b")");
        }
        (None, None) => {}
    }
    pad_right(out, start, LABEL);
}

fn between(out: &mut Vec<u8>, agg: &Aggregation, before: &[u8], bound_at: Option<i128>, after: &[u8]) {
    out.extend_from_slice(before);
    if let Some(value) = bound_at {
        bound(out, agg, value);
    }
    out.extend_from_slice(after);
}

/// A bound with a unit: exact, and for `hist` in the unit that all bounds near it can be written in.
fn bound(out: &mut Vec<u8>, agg: &Aggregation, value: i128) {
    let zeros = match agg {
        Aggregation::Hist { bits } => value.checked_ilog2().unwrap_or(0).saturating_sub((*bits).into()),
        _ if value == 0 => 0,
        _ => value.trailing_zeros(),
    };
    let unit = (zeros / 10).min(UNITS.len() as u32);
    if value < 0 {
        out.push(b'-');
    }
    number::unsigned(out, (value.unsigned_abs() >> (10 * unit)) as u64);
    out.extend(unit.checked_sub(1).map(|i| UNITS[i as usize]));
}

fn count(out: &mut Vec<u8>, count: u64) {
    let start = out.len();
    number::unsigned(out, count);
    pad_left(out, start, COUNT);
}

fn bar(out: &mut Vec<u8>, count: u64, greatest: u64) {
    let filled = (u128::from(count) * u128::from(BAR) / u128::from(greatest)) as usize;
    out.extend_from_slice(b" |");
    let start = out.len();
    out.resize(start + filled, b'@');
    pad_right(out, start, BAR as usize);
    out.extend_from_slice(b"|\n");
}
