//! Values, with their types kept.

use quadrant_program::ty::RecordType;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::elements;

use super::number;
use super::object::Object;
use super::object::list;
use crate::escape;
use crate::float;
use crate::resolver::Frame;
use crate::text::value::JSON_TEXT;
use crate::value::Scene;
use crate::value::Variant;
use crate::value::array_elements;
use crate::value::enumerator;
use crate::value::visit_members;
use crate::value::whole_characters;

/// Append a value.
pub(super) fn value(out: &mut Vec<u8>, value: &Value<'_>, scene: &mut Scene<'_>) {
    match *value {
        Value::Int(v) => number(out, scene.signed(v).into()),
        Value::Uint(v) => number(out, scene.unsigned(v).into()),
        Value::Pointer(v) => address(out, v),
        Value::Float(v, bytes) if v.is_finite() => float::shortest(out, v, bytes),
        Value::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
        Value::Text { bytes, cut, fault } => text(out, bytes, cut, fault),
        Value::Bytes(bytes) => escape::json(out, bytes),
        Value::Tuple(parts, bytes) => values(out, elements(parts, bytes), scene),
        Value::Array(elem, bytes) => values(out, array_elements(elem, bytes), scene),
        Value::Record(ty, bytes) => record(out, ty, bytes, scene),
        Value::Stack(ty, id, pid) => stack(out, |visit| scene.resolver.stack(ty, id, pid, visit)),
        Value::KernelSymbol(address) => frame(out, &scene.resolver.kernel_frame(address)),
        Value::UserSymbol(address, pid) => frame(out, &scene.resolver.user_frame(address, pid)),
        Value::Special(ty @ Type::Enum(e), word) => match enumerator(e, word) {
            Some(name) => escape::json(out, name.as_bytes()),
            None => number(out, crate::snapshot::as_number(word, ty.is_signed())),
        },
        Value::Float(..) | Value::Inet(..) | Value::Mac(_) | Value::Special(..) => written(out, value, scene),
        Value::Malformed => out.extend_from_slice(b"null"),
    }
}

fn record(out: &mut Vec<u8>, ty: &RecordType, bytes: &[u8], scene: &mut Scene<'_>) {
    match &ty.variants {
        Some(variants) => variant(out, Variant::of(variants, bytes).as_ref(), scene),
        None => Object::write(out, |object| {
            visit_members(ty, bytes, &mut |name, member| self::value(object.member(name), &member, scene));
        }),
    }
}

/// `"None"`, or an object with one member: `{"Some":3}`.
fn variant(out: &mut Vec<u8>, variant: Option<&Variant<'_>>, scene: &mut Scene<'_>) {
    let Some(variant) = variant else { return out.extend_from_slice(b"null") };
    if variant.data.fields.is_empty() {
        return escape::json(out, variant.name.as_bytes());
    }
    Object::write(out, |object| {
        let out = object.member(variant.name);
        match (variant.is_tuple(), variant.values().as_slice()) {
            (true, [one]) => self::value(out, one, scene),
            (true, _) => values(out, variant.values().into_iter(), scene),
            (false, _) => record(out, variant.data, variant.bytes, scene),
        }
    });
}

/// Append the parts of a key.
pub(super) fn key(out: &mut Vec<u8>, key: Option<&Value<'_>>, scene: &mut Scene<'_>) {
    match key {
        Some(Value::Tuple(parts, bytes)) => values(out, elements(parts, bytes), scene),
        one => list(out, one, |out, part| value(out, part, scene)),
    }
}

/// Append values as an array.
pub(super) fn values<'a>(out: &mut Vec<u8>, parts: impl Iterator<Item = Value<'a>>, scene: &mut Scene<'_>) {
    list(out, parts, |out, part| value(out, &part, scene));
}

/// What has no form of its own in JSON is a text.
fn written(out: &mut Vec<u8>, value: &Value<'_>, scene: &mut Scene<'_>) {
    let start = out.len();
    crate::text::value::value(out, value, JSON_TEXT, scene);
    let raw = out.split_off(start);
    escape::json(out, &raw);
}

fn text(out: &mut Vec<u8>, bytes: &[u8], cut: bool, fault: bool) {
    match (fault, cut) {
        (true, _) => out.extend_from_slice(b"null"),
        (false, false) => escape::json(out, bytes),
        (false, true) => Object::write(out, |object| {
            object.text("text", whole_characters(bytes));
            object.bool("cut", true);
        }),
    }
}

/// The frames, or null for a stack that was not kept.
fn stack(out: &mut Vec<u8>, read: impl FnOnce(&mut dyn FnMut(Frame<'_>)) -> bool) {
    let start = out.len();
    let mut first = true;
    out.push(b'[');
    let known = read(&mut |one| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        frame(out, &one);
    });
    match known {
        true => out.push(b']'),
        false => {
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
    }
}

fn frame(out: &mut Vec<u8>, frame: &Frame<'_>) {
    Object::write(out, |object| {
        address(object.member("address"), frame.address);
        object.maybe_text("symbol", frame.symbol);
        object.maybe_number("offset", frame.symbol.filter(|_| !frame.inlined).map(|_| frame.offset.into()));
        object.maybe_text("module", frame.module);
        object.maybe_text("file", frame.source.map(|(file, ..)| file));
        let line = frame.source.map(|(_, line, _)| line).filter(|line| *line > 0);
        object.maybe_number("line", line.map(i128::from));
        object.bool("inlined", frame.inlined);
    });
}

/// Addresses are for comparing, not for counting.
fn address(out: &mut Vec<u8>, address: u64) {
    out.extend_from_slice(format!("\"{address:#x}\"").as_bytes());
}
