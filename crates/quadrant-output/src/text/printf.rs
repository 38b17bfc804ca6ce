//! printf: a parsed format and the bytes of a record to text, without allocation in the common cases.
//!
//! Conversions mean what they mean in C, with two differences: a number that needs 64 bits is printed whole, with or without a length
//! modifier (one that fits in 32 bits is treated as C treats an `int`, so `%d` of 0xffffffff is -1 and `%x` of -1 is ffffffff); and
//! `%s` shows a value of any type.

use quadrant_program::format::Conversion;
use quadrant_program::format::Count;
use quadrant_program::format::Flag;
use quadrant_program::format::Format;
use quadrant_program::format::Piece;
use quadrant_program::value::Value;

use crate::arguments::Arguments;
use crate::conversion::Spec;
use crate::escape;
use crate::float;
use crate::number;
use crate::text::value::OWN;
use crate::text::value::Style;
use crate::text::value::text;
use crate::text::value::value;
use crate::value::Scene;
use crate::value::buffer;
use crate::value::hex_pairs;
use crate::value::whole_characters;

/// Append a format with its arguments. Arguments that are missing show as malformed.
pub(crate) fn printf(
    out: &mut Vec<u8>,
    format: &Format,
    args: &mut Arguments<'_>,
    style: Style,
    scene: &mut Scene<'_>,
) {
    for piece in &format.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Conversion(c) => conversion(out, c, args, style, scene),
        }
    }
}

fn conversion(out: &mut Vec<u8>, c: &Conversion, args: &mut Arguments<'_>, style: Style, scene: &mut Scene<'_>) {
    let spec = spec(c, args);
    let style = if c.own { OWN } else { style };
    let argument = args.next().unwrap_or(Value::Malformed);
    let start = out.len();
    match c.kind.as_bytes() {
        b"s" => string(out, &argument, &spec, style, scene),
        b"r" | b"rx" | b"rh" => raw(out, &argument, &c.kind, style, scene),
        b"gr" => match number_of(&argument) {
            Some(word) => flags(out, word, &c.flags),
            None => value(out, &argument, style, scene),
        },
        [.., b'e' | b'E' | b'f' | b'F' | b'g' | b'G'] => return floating(out, &argument, &spec, style, scene),
        kind => match (number_of(&argument), kind) {
            (None, _) => value(out, &argument, style, scene),
            (Some(word), b"c") => style.foreign(out, &[word as u8]),
            (Some(word), _) => return integer(out, word, &argument, &spec),
        },
    }
    spec.pad(out, start);
}

/// Widths and precisions may come as arguments.
fn spec<'a>(c: &'a Conversion, args: &mut Arguments<'_>) -> Spec<'a> {
    let width = count(c.width, args);
    Spec::new(c, width, count(c.precision, args))
}

/// A width or precision, possibly from the next argument.
fn count(count: Option<Count>, args: &mut Arguments<'_>) -> Option<i64> {
    match count? {
        Count::Fixed(n) => Some(n.into()),
        Count::Argument => args.next().and_then(|v| number_of(&v)).map(|word| word as i64),
    }
}

/// The 64 bits of a value that is a number or shown in place of one.
fn number_of(value: &Value<'_>) -> Option<u64> {
    match *value {
        Value::Int(v) => Some(v as u64),
        Value::Uint(v) | Value::Pointer(v) | Value::Special(_, v) => Some(v),
        Value::KernelSymbol(v) | Value::UserSymbol(v, _) => Some(v),
        Value::Bool(v) => Some(v.into()),
        _ => None,
    }
}

fn string(out: &mut Vec<u8>, argument: &Value<'_>, spec: &Spec<'_>, style: Style, scene: &mut Scene<'_>) {
    match (argument, spec.precision) {
        (Value::Text { bytes, fault: false, .. }, Some(limit)) if limit < bytes.len() => {
            style.foreign(out, whole_characters(&bytes[..limit]));
        }
        (Value::Text { bytes, cut, fault }, _) => text(out, bytes, *cut, *fault, style, scene),
        _ => value(out, argument, style, scene),
    }
}

/// `%r`: printable bytes as they are; `%rx`: every byte as `\xNN`; `%rh`: pairs of digits.
fn raw(out: &mut Vec<u8>, argument: &Value<'_>, kind: &str, style: Style, scene: &mut Scene<'_>) {
    match (argument, kind) {
        (Value::Bytes(bytes) | Value::Text { bytes, .. }, "rx") => bytes.iter().for_each(|b| escape::hex_byte(out, *b)),
        (Value::Bytes(bytes) | Value::Text { bytes, .. }, "rh") => hex_pairs(out, bytes, b' '),
        (Value::Bytes(bytes) | Value::Text { bytes, .. }, _) => buffer(out, bytes),
        _ => value(out, argument, style, scene),
    }
}

/// Names of the bits of a number, those without a name together as a number.
fn flags(out: &mut Vec<u8>, word: u64, flags: &[Flag]) {
    let start = out.len();
    let mut rest = word;
    for flag in flags.iter().filter(|flag| flag.bits != 0) {
        if rest & flag.bits == flag.bits {
            rest &= !flag.bits;
            separate(out, start);
            out.extend_from_slice(flag.name.as_bytes());
        }
    }
    if rest != 0 {
        separate(out, start);
        out.extend_from_slice(b"0x");
        number::power_of_two(out, rest, 4);
    } else if word == 0 {
        out.push(b'0');
    }
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b'|');
    }
}

/// Numbers without a fraction are shown, too, with one of zeros.
fn floating(out: &mut Vec<u8>, argument: &Value<'_>, spec: &Spec<'_>, style: Style, scene: &mut Scene<'_>) {
    let kind = spec.conversion.kind.bytes().last().unwrap_or(b'g');
    match *argument {
        Value::Float(number, _) => float::float(out, number, kind, spec),
        Value::Int(number) => float::float(out, number as f64, kind, spec),
        _ => match number_of(argument) {
            Some(word) => float::float(out, word as f64, kind, spec),
            None => value(out, argument, style, scene),
        },
    }
}

fn integer(out: &mut Vec<u8>, word: u64, argument: &Value<'_>, spec: &Spec<'_>) {
    let c = spec.conversion;
    match c.kind.as_bytes() {
        b"d" | b"i" => spec.signed(out, narrow_signed(word, argument, &c.length)),
        kind => spec.unsigned(out, narrow_unsigned(word, argument, &c.length, kind), kind),
    }
}

/// What C's type for the length modifier would hold; without one, 64-bit numbers stay whole.
fn narrow_signed(word: u64, argument: &Value<'_>, length: &str) -> i64 {
    match (length, argument) {
        ("hh", _) => (word as i8).into(),
        ("h", _) => (word as i16).into(),
        ("", Value::Int(v)) => *v,
        ("", _) if word <= u32::MAX.into() => (word as i32).into(),
        _ => word as i64,
    }
}

/// The same of conversions without a sign; an address always has 64 bits.
fn narrow_unsigned(word: u64, argument: &Value<'_>, length: &str, kind: &[u8]) -> u64 {
    match (length, argument) {
        ("hh", _) => (word as u8).into(),
        ("h", _) => (word as u16).into(),
        ("", Value::Int(v)) if kind != b"p" && i32::try_from(*v).is_ok() => (word as u32).into(),
        _ => word,
    }
}
