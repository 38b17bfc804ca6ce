//! `printa()` with a format.

use quadrant_program::format::Format;
use quadrant_program::format::Piece;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;

use crate::conversion::Spec;
use crate::dtrace::cell::Cell;
use crate::dtrace::cell::Stage;
use crate::dtrace::cell::key_parts;
use crate::dtrace::histogram;
use crate::dtrace::number;
use crate::dtrace::order;
use crate::dtrace::printf::Audience;
use crate::dtrace::printf::convert;
use crate::dtrace::printf::kind;
use crate::dtrace::printf::spec;
use crate::dtrace::table::Column;
use crate::dtrace::table::Row;
use crate::dtrace::table::Table;
use crate::dtrace::table::is_own;

/// Append each entry by a format: conversions and each `*` take the parts of the key in
/// turn, those with `@` the values of the aggregations.
pub(super) fn printa(out: &mut Vec<u8>, format: &Format, table: &mut Table<'_>, stage: &mut Stage<'_>) {
    order::sort(table, &stage.options.sort);
    for row in &table.rows {
        entry(out, format, &table.columns, row, stage);
    }
}

fn entry(out: &mut Vec<u8>, format: &Format, columns: &[Column<'_>], row: &Row, stage: &mut Stage<'_>) {
    let key = columns.first().and_then(|column| column.map.key.as_ref());
    let cells = key_parts(key, &row.key);
    let mut parts = cells.into_iter().enumerate();
    let mut part = || parts.next().unwrap_or((usize::MAX, Cell::malformed()));
    let mut values = 0;
    for piece in &format.pieces {
        let c = match piece {
            Piece::Text(text) => {
                out.extend_from_slice(text);
                continue;
            }
            Piece::Conversion(c) => c,
        };
        let spec = spec(c, || part().1);
        if !c.kind.starts_with('@') {
            let (at, cell) = part();
            convert(out, &spec, kind(c), &cell, Audience::People.unless_own(is_own(columns, at)), stage);
            continue;
        }
        // With more conversions than aggregations, the last is shown again.
        let at = values.min(columns.len().saturating_sub(1));
        values += 1;
        if let (Some(column), Some(words)) = (columns.get(at), row.words.get(at)) {
            value(out, &spec, column, words, stage);
        }
    }
}

fn value(out: &mut Vec<u8>, spec: &Spec<'_>, column: &Column<'_>, words: &[u64], stage: &mut Stage<'_>) {
    let Some(number) = number::number(column.aggregation, words, column.factor) else {
        return histogram::histogram(out, column.aggregation, words, column.factor, stage.options.zoom);
    };
    let (ty, value) = match number::is_unsigned(column.aggregation) {
        true => (Type::U64, Value::Uint(number as u64)),
        false => (Type::I64, Value::Int(number as i64)),
    };
    convert(out, spec, kind(spec.conversion), &Cell { ty: &ty, value }, Audience::People, stage);
}
