//! Aggregations in their own form: keys in columns, then the values, one entry a line.

use crate::dtrace::cell::Stage;
use crate::dtrace::cell::key_parts;
use crate::dtrace::histogram;
use crate::dtrace::histogram::Scale;
use crate::dtrace::number;
use crate::dtrace::order;
use crate::dtrace::pack;
use crate::dtrace::table::Column;
use crate::dtrace::table::Row;
use crate::dtrace::table::Table;
use crate::dtrace::table::is_own;
use crate::dtrace::value;
use crate::pad::pad_left;
use crate::text::map::decimal;

/// Columns of a value.
const VALUE: usize = 16;

/// Append all entries, in the order that the options ask for.
pub(super) fn aggregation(out: &mut Vec<u8>, table: &mut Table<'_>, stage: &mut Stage<'_>) {
    order::sort(table, &stage.options.sort);
    let all_numbers = table.columns.iter().all(|column| number::number(column.aggregation, &[], 1).is_some());
    match table.columns.as_slice() {
        [column] if stage.options.hist && all_numbers && column.map.key.is_some() => bars(out, table, stage),
        [column] if stage.options.pack && !all_numbers => pack::pack(out, column, &table.rows, stage),
        _ => table.rows.iter().for_each(|row| line(out, &table.columns, row, stage)),
    }
}

fn line(out: &mut Vec<u8>, columns: &[Column<'_>], row: &Row, stage: &mut Stage<'_>) {
    keys(out, columns, row, stage);
    for (column, words) in columns.iter().zip(&row.words) {
        value(out, column, words, stage);
    }
    out.push(b'\n');
}

/// Append the parts of a row's key.
pub(super) fn keys(out: &mut Vec<u8>, columns: &[Column<'_>], row: &Row, stage: &mut Stage<'_>) {
    let Some(first) = columns.first() else { return };
    for (at, part) in key_parts(first.map.key.as_ref(), &row.key).iter().enumerate() {
        value::key(out, (part, is_own(columns, at)), stage);
    }
}

fn value(out: &mut Vec<u8>, column: &Column<'_>, words: &[u64], stage: &Stage<'_>) {
    match number::number(column.aggregation, words, column.factor) {
        Some(number) => {
            out.push(b' ');
            let start = out.len();
            decimal(out, number);
            pad_left(out, start, VALUE);
        }
        None => histogram::histogram(out, column.aggregation, words, column.factor, stage.options.zoom),
    }
}

/// Append the entries of numbers as one histogram, a row an entry.
fn bars(out: &mut Vec<u8>, table: &Table<'_>, stage: &mut Stage<'_>) {
    let Some(column) = table.columns.first() else { return };
    let count = |row: &Row| number::number(column.aggregation, &row.words[0], 1).unwrap_or(0) as i64;
    let scale = Scale::of(table.rows.iter().map(count), stage.options.zoom);
    histogram::heading(out, b"key");
    for row in &table.rows {
        let start = out.len();
        keys(out, std::slice::from_ref(column), row, stage);
        trim(out, start);
        pad_left(out, start, histogram::LABEL);
        histogram::row(out, count(row), column.factor, &scale);
    }
}

/// Remove blanks around what was written since `start`, and make several between two parts one.
pub(super) fn trim(out: &mut Vec<u8>, start: usize) {
    let words: Vec<&[u8]> = out[start..].split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let trimmed = words.join(&b' ');
    out.truncate(start);
    out.extend_from_slice(&trimmed);
}
