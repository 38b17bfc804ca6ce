//! Maps, and values of aggregations.

use quadrant_program::map::Aggregation;
use quadrant_program::map::MapValue;
use quadrant_program::value::decode;

use super::Header;
use super::instant;
use super::line;
use super::number;
use super::object::Object;
use super::object::list;
use super::value::key;
use super::value::value;
use crate::hist::rows;
use crate::order::order;
use crate::series;
use crate::snapshot::Content;
use crate::snapshot::as_number;
use crate::snapshot::average;
use crate::snapshot::word;
use crate::snapshot::words;
use crate::text::map::aggregate;
use crate::value::Scene;

/// Append a map as one line; `sampled` when firings were left out that it would have counted.
pub(super) fn map(
    out: &mut Vec<u8>,
    header: &Header<'_>,
    (content, sampled): (&Content<'_>, bool),
    top: u64,
    div: u64,
    scene: &mut Scene<'_>,
) {
    line(out, "map", header, |object| {
        object.text("name", content.map.name.as_bytes());
        object.text("kind", kind(&content.map.value).as_bytes());
        object.list("entries", order(content, top), |out, index| {
            Object::write(out, |entry| {
                key(entry.member("key"), content.key(index).as_ref(), scene);
                map_value(entry.member("value"), &content.map.value, content.value_bytes(index), div, scene);
            });
        });
        object.bool("sampled", sampled);
    });
}

/// What fills a map: `value` for assignments, else the function that feeds it.
fn kind(value: &MapValue) -> &'static str {
    match value {
        MapValue::Plain(_) => "value",
        MapValue::Aggregation(aggregation) => aggregation.function(),
    }
}

/// Append the value of an entry.
pub(super) fn map_value(out: &mut Vec<u8>, ty: &MapValue, bytes: &[u8], div: u64, scene: &mut Scene<'_>) {
    match ty {
        MapValue::Plain(ty) => scene.divided(div, |scene| value(out, &decode(ty, bytes), scene)),
        MapValue::Aggregation(agg @ (Aggregation::Hist { .. } | Aggregation::LinearHist { .. })) => {
            list(out, rows(agg, &words(bytes), div), |out, row| {
                Object::write(out, |object| {
                    object.maybe_number("min", row.low);
                    object.maybe_number("max", row.end.map(|end| end - 1));
                    object.number("count", row.count.into());
                });
            });
        }
        MapValue::Aggregation(Aggregation::Stats { signed } | Aggregation::Avg { signed }) => {
            statistics(out, bytes, *signed, div);
        }
        MapValue::Aggregation(Aggregation::Series(of)) => {
            list(out, series::values(of, &words(bytes), div), |out, (start_ns, value)| {
                Object::write(out, |object| {
                    object.text("start", instant(start_ns).as_bytes());
                    object.number("value", value);
                });
            });
        }
        MapValue::Aggregation(agg) => number(out, aggregate(agg, bytes, div)),
    }
}

fn statistics(out: &mut Vec<u8>, bytes: &[u8], signed: bool, div: u64) {
    let (sum, n) = (word(bytes, 0), word(bytes, 1));
    Object::write(out, |object| {
        object.number("count", n.into());
        object.number("average", average(sum, n, signed, div));
        object.number("total", as_number(sum, signed));
    });
}
