//! Values as text.

use quadrant_program::ty::RecordType;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;
use quadrant_program::value::elements;

use crate::escape;
use crate::float;
use crate::number;
use crate::text::stack;
use crate::value::FAULT;
use crate::value::MALFORMED;
use crate::value::NO_VARIANT;
use crate::value::Scene;
use crate::value::Variant;
use crate::value::array_elements;
use crate::value::buffer;
use crate::value::hex_pairs;
use crate::value::inet;
use crate::value::visit_members;
use crate::value::whole_characters;

/// Small differences between the places where values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// No blanks between parts, no indentation (keys of JSON).
    pub compact: bool,
    /// Escape text; keys of JSON are escaped as a whole later.
    pub escape: bool,
}

/// How text output shows values.
pub(crate) const TEXT: Style = Style { compact: false, escape: true };
/// How text output shows values whose texts are the script's own.
pub(crate) const OWN: Style = Style { compact: false, escape: false };
/// Text inside JSON strings, which are escaped as a whole.
pub(crate) const JSON_TEXT: Style = Style { compact: false, escape: false };
/// How keys of JSON objects show values.
pub(crate) const JSON_KEY: Style = Style { compact: true, escape: false };

impl Style {
    /// Text that the traced program chose.
    pub fn foreign(self, out: &mut Vec<u8>, bytes: &[u8]) {
        match self.escape {
            true => escape::text(out, bytes),
            false => out.extend_from_slice(bytes),
        }
    }

    fn comma(self) -> &'static [u8] {
        if self.compact { b"," } else { b", " }
    }
}

/// Append a value.
pub(crate) fn value(out: &mut Vec<u8>, value: &Value<'_>, style: Style, scene: &mut Scene<'_>) {
    match *value {
        Value::Int(v) => number::signed(out, scene.signed(v)),
        Value::Uint(v) => number::unsigned(out, scene.unsigned(v)),
        Value::Float(v, bytes) => float::shortest(out, v, bytes),
        Value::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
        Value::Pointer(v) => number::address(out, v),
        Value::Text { bytes, cut, fault } => text(out, bytes, cut, fault, style, scene),
        Value::Bytes(bytes) => buffer(out, bytes),
        Value::Tuple(parts, bytes) => tuple(out, parts, bytes, style, scene),
        Value::Record(ty, bytes) => record(out, ty, bytes, style, scene),
        Value::Array(elem, bytes) => array(out, elem, bytes, style, scene),
        Value::Stack(ty, id, pid) => stack::stack(out, ty, id, pid, style, scene.resolver),
        Value::KernelSymbol(address) => stack::symbol(out, address, scene.resolver.kernel_symbol(address), style),
        Value::UserSymbol(address, pid) => stack::symbol(out, address, scene.resolver.user_symbol(address, pid), style),
        Value::Inet(family, bytes) => inet(out, family, bytes),
        Value::Mac(bytes) => hex_pairs(out, bytes, b':'),
        Value::Special(ty, word) => special(out, ty, word, style, scene),
        Value::Malformed => out.extend_from_slice(MALFORMED),
    }
}

/// Append a key: the parts of a tuple without its parentheses.
pub(crate) fn key(out: &mut Vec<u8>, key: &Value<'_>, style: Style, scene: &mut Scene<'_>) {
    match *key {
        Value::Tuple(parts, bytes) => parts_in_a_row(out, parts, bytes, style, scene),
        _ => value(out, key, style, scene),
    }
}

/// Append text: escaped, with the trailer when it was cut.
pub(crate) fn text(out: &mut Vec<u8>, bytes: &[u8], cut: bool, fault: bool, style: Style, scene: &Scene<'_>) {
    if fault {
        return out.extend_from_slice(FAULT);
    }
    if !cut {
        return style.foreign(out, bytes);
    }
    style.foreign(out, whole_characters(bytes));
    out.extend_from_slice(scene.program.config.cut_trailer.as_bytes());
}

fn tuple(out: &mut Vec<u8>, parts: &[Type], bytes: &[u8], style: Style, scene: &mut Scene<'_>) {
    out.push(b'(');
    parts_in_a_row(out, parts, bytes, style, scene);
    out.push(b')');
}

fn parts_in_a_row(out: &mut Vec<u8>, parts: &[Type], bytes: &[u8], style: Style, scene: &mut Scene<'_>) {
    in_a_row(out, elements(parts, bytes), style, scene);
}

fn in_a_row<'a>(out: &mut Vec<u8>, values: impl IntoIterator<Item = Value<'a>>, style: Style, scene: &mut Scene<'_>) {
    for (i, part) in values.into_iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(style.comma());
        }
        value(out, &part, style, scene);
    }
}

/// As Rust writes it: `Some(3)`, `None`.
fn variant(out: &mut Vec<u8>, variant: Option<&Variant<'_>>, style: Style, scene: &mut Scene<'_>) {
    let Some(variant) = variant else { return out.extend_from_slice(NO_VARIANT) };
    style.foreign(out, variant.name.as_bytes());
    if variant.is_tuple() {
        out.push(b'(');
        in_a_row(out, variant.values(), style, scene);
        out.push(b')');
    } else if !variant.data.fields.is_empty() {
        out.extend_from_slice(if style.compact { b"" } else { b" " });
        record(out, variant.data, variant.bytes, style, scene);
    }
}

fn record(out: &mut Vec<u8>, ty: &RecordType, bytes: &[u8], style: Style, scene: &mut Scene<'_>) {
    if let Some(variants) = &ty.variants {
        return variant(out, Variant::of(variants, bytes).as_ref(), style, scene);
    }
    let blank: &[u8] = if style.compact { b"" } else { b" " };
    let mut first = true;
    out.push(b'{');
    visit_members(ty, bytes, &mut |name, member| {
        out.extend_from_slice(if first { blank } else { style.comma() });
        first = false;
        out.push(b'.');
        style.foreign(out, name.as_bytes());
        out.extend_from_slice(if style.compact { b"=" } else { b" = " });
        value(out, &member, style, scene);
    });
    out.extend_from_slice(blank);
    out.push(b'}');
}

fn array(out: &mut Vec<u8>, elem: &Type, bytes: &[u8], style: Style, scene: &mut Scene<'_>) {
    out.push(b'[');
    for (i, part) in array_elements(elem, bytes).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        value(out, &part, style, scene);
    }
    out.push(b']');
}

/// Names may be chosen by others (functions of a binary, cgroups, users): they are escaped after they are written.
fn special(out: &mut Vec<u8>, ty: &Type, word: u64, style: Style, scene: &mut Scene<'_>) {
    let start = out.len();
    scene.special(out, ty, word);
    let written = &out[start..];
    if style.escape && !matches!(ty, Type::Time(_)) && !written.iter().all(|b| matches!(b, b' '..=b'~')) {
        let raw = written.to_vec();
        out.truncate(start);
        escape::text(out, &raw);
    }
}
