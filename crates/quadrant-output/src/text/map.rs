//! Maps as text.

use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::value::Value;
use quadrant_program::value::decode;

use crate::number;
use crate::order::order;
use crate::series::graph;
use crate::snapshot::Content;
use crate::snapshot::as_number;
use crate::snapshot::average;
use crate::snapshot::word;
use crate::snapshot::words;
use crate::text::hist::histogram;
use crate::text::value::OWN;
use crate::text::value::Style;
use crate::text::value::TEXT;
use crate::text::value::key;
use crate::text::value::value;
use crate::value::Scene;

/// Append a map, one entry a line (histograms: a block an entry).
pub(crate) fn map(out: &mut Vec<u8>, content: &Content<'_>, top: u64, div: u64, scene: &mut Scene<'_>) {
    for index in order(content, top) {
        out.extend_from_slice(content.map.name.as_bytes());
        if let Some(k) = content.key(index) {
            bracketed(out, &k, style(content.map.own.whole_keys()), scene);
        }
        entry(out, content.map, content.value_bytes(index), div, scene);
    }
}

/// How texts are shown: the script's own stay as they are.
pub(crate) fn style(own: bool) -> Style {
    if own { OWN } else { TEXT }
}

fn bracketed(out: &mut Vec<u8>, k: &Value<'_>, style: Style, scene: &mut Scene<'_>) {
    out.push(b'[');
    key(out, k, style, scene);
    out.push(b']');
}

fn entry(out: &mut Vec<u8>, map: &Map, bytes: &[u8], div: u64, scene: &mut Scene<'_>) {
    match map.value {
        MapValue::Aggregation(Aggregation::Hist { .. } | Aggregation::LinearHist { .. } | Aggregation::Series(_)) => {
            out.extend_from_slice(b":\n")
        }
        _ => out.extend_from_slice(b": "),
    }
    map_value(out, map, bytes, div, scene);
    out.push(b'\n');
}

/// Append the value of an entry; of a histogram its rows, each with a line end.
pub(crate) fn map_value(out: &mut Vec<u8>, map: &Map, bytes: &[u8], div: u64, scene: &mut Scene<'_>) {
    match &map.value {
        MapValue::Plain(ty) => {
            let style = style(map.own.values);
            scene.divided(div, |scene| value(out, &decode(ty, bytes), style, scene));
        }
        MapValue::Aggregation(Aggregation::Stats { signed }) => stats(out, bytes, *signed, div),
        MapValue::Aggregation(agg @ (Aggregation::Hist { .. } | Aggregation::LinearHist { .. })) => {
            histogram(out, agg, &words(bytes), div);
        }
        MapValue::Aggregation(Aggregation::Series(series)) => graph(out, series, &words(bytes), div, scene.zone()),
        MapValue::Aggregation(agg) => decimal(out, aggregate(agg, bytes, div)),
    }
}

/// The number that an aggregation comes to; not for statistics and histograms.
pub(crate) fn aggregate(agg: &Aggregation, bytes: &[u8], div: u64) -> i128 {
    match agg {
        Aggregation::Avg { signed } => average(word(bytes, 0), word(bytes, 1), *signed, div),
        Aggregation::Sum { signed } | Aggregation::Min { signed } | Aggregation::Max { signed } => {
            as_number(word(bytes, 0), *signed) / i128::from(div.max(1))
        }
        _ => i128::from(word(bytes, 0) / div.max(1)),
    }
}

fn stats(out: &mut Vec<u8>, bytes: &[u8], signed: bool, div: u64) {
    let (sum, n) = (word(bytes, 0), word(bytes, 1));
    out.extend_from_slice(b"{ .count = ");
    number::unsigned(out, n);
    out.extend_from_slice(b", .average = ");
    decimal(out, average(sum, n, signed, div));
    out.extend_from_slice(b", .total = ");
    decimal(out, as_number(sum, signed));
    out.extend_from_slice(b" }");
}

/// Append a number that fits in 64 bits, signed or not.
pub(crate) fn decimal(out: &mut Vec<u8>, value: i128) {
    if value < 0 {
        out.push(b'-');
    }
    number::unsigned(out, value.unsigned_abs() as u64);
}
