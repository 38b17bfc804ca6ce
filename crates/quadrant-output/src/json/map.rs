//! Maps as JSON.

use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapValue;
use quadrant_program::value::decode;

use crate::hist::Row;
use crate::hist::rows;
use crate::json;
use crate::json::value::key;
use crate::json::value::number;
use crate::json::value::value;
use crate::order::order;
use crate::series;
use crate::snapshot::Content;
use crate::snapshot::as_number;
use crate::snapshot::average;
use crate::snapshot::word;
use crate::snapshot::words;
use crate::text::map::aggregate;
use crate::value::Scene;

/// Append a map as one object; nothing for a map without entries, unless it averages, as in bpftrace.
pub(crate) fn map(out: &mut Vec<u8>, content: &Content<'_>, top: u64, div: u64, scene: &mut Scene<'_>) {
    let is_empty = content.len() == 0;
    if is_empty && kind(content.map) != "stats" {
        return;
    }
    json::object(out, kind(content.map), |out| {
        out.push(b'{');
        json::name(out, content.map.name.as_bytes());
        if is_empty {
            out.extend_from_slice(b"{}")
        } else {
            contents(out, content, top, div, scene)
        }
        out.push(b'}');
    });
}

fn kind(map: &Map) -> &'static str {
    match map.value {
        MapValue::Aggregation(Aggregation::Hist { .. } | Aggregation::LinearHist { .. }) => "hist",
        MapValue::Aggregation(Aggregation::Series(_)) => "tseries",
        MapValue::Aggregation(Aggregation::Stats { .. } | Aggregation::Avg { .. }) => "stats",
        _ => "map",
    }
}

fn contents(out: &mut Vec<u8>, content: &Content<'_>, top: u64, div: u64, scene: &mut Scene<'_>) {
    let each = |out: &mut Vec<u8>, index: usize, scene: &mut Scene<'_>| {
        map_value(out, &content.map.value, content.value_bytes(index), div, scene);
    };
    if content.map.key.is_none() {
        return each(out, 0, scene);
    }
    out.push(b'{');
    json::separated(out, order(content, top), b", ", |out, index| {
        if let Some(k) = content.key(index) {
            key(out, &k, scene);
        }
        out.extend_from_slice(b": ");
        each(out, index, scene);
    });
    out.push(b'}');
}

/// Append the value of an entry.
pub(crate) fn map_value(out: &mut Vec<u8>, ty: &MapValue, bytes: &[u8], div: u64, scene: &mut Scene<'_>) {
    match ty {
        MapValue::Plain(ty) => scene.divided(div, |scene| value(out, &decode(ty, bytes), scene)),
        MapValue::Aggregation(agg @ (Aggregation::Hist { .. } | Aggregation::LinearHist { .. })) => {
            out.push(b'[');
            json::separated(out, rows(agg, &words(bytes), div).iter(), b",", row);
            out.push(b']');
        }
        MapValue::Aggregation(Aggregation::Stats { signed }) => stats(out, bytes, *signed, div),
        MapValue::Aggregation(Aggregation::Series(of)) => {
            out.push(b'[');
            json::separated(out, series::values(of, &words(bytes), div), b",", |out, (start_ns, value)| {
                out.extend_from_slice(b"{\"interval_start\":\"");
                series::start(out, start_ns, scene.zone());
                out.extend_from_slice(b"\",\"value\":");
                number(out, value);
                out.push(b'}');
            });
            out.push(b']');
        }
        MapValue::Aggregation(agg) => number(out, aggregate(agg, bytes, div)),
    }
}

/// Bounds are inclusive; the rows without a lower or upper end have no such member.
fn row(out: &mut Vec<u8>, row: &Row) {
    out.push(b'{');
    if let Some(low) = row.low {
        out.extend_from_slice(b"\"min\": ");
        number(out, low);
        out.extend_from_slice(b", ");
    }
    if let Some(end) = row.end {
        out.extend_from_slice(b"\"max\": ");
        number(out, end - 1);
        out.extend_from_slice(b", ");
    }
    out.extend_from_slice(b"\"count\": ");
    number(out, row.count.into());
    out.push(b'}');
}

fn stats(out: &mut Vec<u8>, bytes: &[u8], signed: bool, div: u64) {
    let (sum, n) = (word(bytes, 0), word(bytes, 1));
    out.extend_from_slice(b"{\"count\": ");
    number(out, n.into());
    out.extend_from_slice(b", \"average\": ");
    number(out, average(sum, n, signed, div));
    out.extend_from_slice(b", \"total\": ");
    number(out, as_number(sum, signed));
    out.push(b'}');
}
