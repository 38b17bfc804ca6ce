//! Histograms in one line each (`aggpack`): all keys over the same range, a column a bucket.

use crate::dtrace::aggregation::keys;
use crate::dtrace::aggregation::trim;
use crate::dtrace::cell::Stage;
use crate::dtrace::histogram;
use crate::dtrace::histogram::Bucket;
use crate::dtrace::histogram::Label;
use crate::dtrace::histogram::buckets;
use crate::dtrace::table::Column;
use crate::dtrace::table::Row;
use crate::number;
use crate::pad::blanks;
use crate::pad::pad_left;
use crate::pad::pad_right;

/// Columns of a key.
const KEY: usize = 21;
/// Columns of the label of the first bucket.
const FIRST: usize = 5;
/// Columns of the label of the last bucket.
const LAST: usize = 6;
/// From nothing to all.
const HEIGHTS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Append all rows. A column is as high as its share of the row, with `zoom` of the row's greatest.
pub(super) fn pack(out: &mut Vec<u8>, column: &Column<'_>, rows: &[Row], stage: &mut Stage<'_>) {
    let all: Vec<Vec<Bucket>> = rows.iter().map(|row| buckets(column.aggregation, &row.words[0])).collect();
    let Some((first, last)) = range(&all) else { return };
    heading(out, last - first + 1);
    for (row, buckets) in rows.iter().zip(&all) {
        let start = out.len();
        keys(out, std::slice::from_ref(column), row, stage);
        trim(out, start);
        pad_left(out, start, KEY);
        line(out, &buckets[first..=last], column.factor, stage.options.zoom);
    }
}

/// From one before the first bucket that is not empty in all rows to one after the last.
fn range(all: &[Vec<Bucket>]) -> Option<(usize, usize)> {
    let filled = |bucket: &Bucket| bucket.count != 0;
    let first = all.iter().filter_map(|buckets| buckets.iter().position(filled)).min();
    let last = all.iter().filter_map(|buckets| buckets.iter().rposition(filled)).max();
    let len = all.first()?.len();
    let (first, last) = first.zip(last).unwrap_or((len / 2, len / 2));
    Some((first.saturating_sub(1), (last + 1).min(len.checked_sub(1)?)))
}

fn heading(out: &mut Vec<u8>, columns: usize) {
    out.push(b'\n');
    blanks(out, KEY - 3);
    out.extend_from_slice(b"key  min .");
    out.resize(out.len() + columns, b'-');
    out.extend_from_slice(b". max    | count\n");
}

fn line(out: &mut Vec<u8>, buckets: &[Bucket], factor: u64, zoom: bool) {
    let sizes = || buckets.iter().map(|bucket| u128::from(bucket.count.unsigned_abs()));
    let whole = if zoom { sizes().max() } else { Some(sizes().sum()) }.unwrap_or(0).max(1);
    end(out, buckets.first(), FIRST, true);
    out.extend_from_slice(b" :");
    for size in sizes() {
        let height = (size * 8).div_ceil(whole).min(8) as usize;
        out.extend_from_slice(HEIGHTS[height].as_bytes());
    }
    out.extend_from_slice(b": ");
    end(out, buckets.last(), LAST, false);
    out.extend_from_slice(b" | ");
    let count: i128 = buckets.iter().map(|bucket| i128::from(bucket.count)).sum();
    number::signed(out, (count / i128::from(factor.max(1))) as i64);
    out.push(b'\n');
}

fn end(out: &mut Vec<u8>, bucket: Option<&Bucket>, width: usize, right: bool) {
    let start = out.len();
    histogram::label(out, bucket.map_or(Label::Value(0), |bucket| bucket.label));
    if right { pad_left(out, start, width) } else { pad_right(out, start, width) }
}
