//! Values as JSON.

use quadrant_program::ty::RecordType;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::elements;

use crate::escape;
use crate::float;
use crate::json;
use crate::number;
use crate::snapshot::as_number;
use crate::text::value::JSON_KEY;
use crate::text::value::JSON_TEXT;
use crate::value::Scene;
use crate::value::Variant;
use crate::value::array_elements;
use crate::value::visit_members;

/// Append a value.
pub(crate) fn value(out: &mut Vec<u8>, value: &Value<'_>, scene: &mut Scene<'_>) {
    match *value {
        Value::Int(v) => number(out, scene.signed(v).into()),
        Value::Uint(v) => number(out, scene.unsigned(v).into()),
        Value::Pointer(v) => number(out, v.into()),
        Value::Float(v, bytes) if v.is_finite() => float::shortest(out, v, bytes),
        Value::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
        Value::Special(ty @ Type::Enum(_), word) => number(out, as_number(word, ty.is_signed())),
        Value::Bytes(bytes) => {
            out.push(b'[');
            json::separated(out, bytes.iter(), b",", |out, byte| number(out, (*byte).into()));
            out.push(b']');
        }
        Value::Tuple(parts, bytes) => list(out, elements(parts, bytes), scene),
        Value::Array(elem, bytes) => list(out, array_elements(elem, bytes), scene),
        Value::Record(ty, bytes) => record(out, ty, bytes, scene),
        Value::Malformed => out.extend_from_slice(b"null"),
        Value::Text { bytes, cut: false, fault: false } => escape::json(out, bytes),
        _ => quoted(out, |raw| crate::text::value::value(raw, value, JSON_TEXT, scene)),
    }
}

/// Append a key as a JSON string.
pub(crate) fn key(out: &mut Vec<u8>, key: &Value<'_>, scene: &mut Scene<'_>) {
    quoted(out, |raw| crate::text::value::key(raw, key, JSON_KEY, scene));
}

/// Append a number: as a string of digits when a double cannot hold it.
pub(crate) fn number(out: &mut Vec<u8>, value: i128) {
    let exact = value as f64 as i128 == value;
    if !exact {
        out.push(b'"');
    }
    if value < 0 {
        out.push(b'-');
    }
    number::unsigned(out, value.unsigned_abs() as u64);
    if !exact {
        out.push(b'"');
    }
}

/// Append as a JSON string what `write` writes.
fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let raw = out.split_off(start);
    escape::json(out, &raw);
}

fn list<'a>(out: &mut Vec<u8>, parts: impl Iterator<Item = Value<'a>>, scene: &mut Scene<'_>) {
    out.push(b'[');
    json::separated(out, parts, b",", |out, part| value(out, &part, scene));
    out.push(b']');
}

/// `"None"`, or an object with one member: `{"Some": 3}`.
fn variant(out: &mut Vec<u8>, variant: Option<&Variant<'_>>, scene: &mut Scene<'_>) {
    let Some(variant) = variant else { return out.extend_from_slice(b"null") };
    if variant.data.fields.is_empty() {
        return escape::json(out, variant.name.as_bytes());
    }
    out.push(b'{');
    json::name(out, variant.name.as_bytes());
    match (variant.is_tuple(), variant.values().as_slice()) {
        (true, [one]) => value(out, one, scene),
        (true, _) => list(out, variant.values().into_iter(), scene),
        (false, _) => record(out, variant.data, variant.bytes, scene),
    }
    out.push(b'}');
}

fn record(out: &mut Vec<u8>, ty: &RecordType, bytes: &[u8], scene: &mut Scene<'_>) {
    if let Some(variants) = &ty.variants {
        return variant(out, Variant::of(variants, bytes).as_ref(), scene);
    }
    let mut first = true;
    out.push(b'{');
    visit_members(ty, bytes, &mut |name, member| {
        if !std::mem::take(&mut first) {
            out.extend_from_slice(b", ");
        }
        json::name(out, name.as_bytes());
        value(out, &member, scene);
    });
    out.push(b'}');
}
