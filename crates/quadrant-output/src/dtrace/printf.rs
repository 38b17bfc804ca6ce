//! D's printf: conversions that know the width of their argument.

use quadrant_program::format::Conversion;
use quadrant_program::format::Count;
use quadrant_program::format::Format;
use quadrant_program::format::Piece;
use quadrant_program::ty::SymbolPart;
use quadrant_program::value::Value;
use quadrant_program::value::extend;

use crate::arguments::Arguments;
use crate::conversion::Spec;
use crate::dtrace::cell::Cell;
use crate::dtrace::cell::Integer;
use crate::dtrace::cell::Stage;
use crate::dtrace::stack;
use crate::dtrace::stack::Lines;
use crate::dtrace::symbol;
use crate::dtrace::value::symbol_of;
use crate::escape;
use crate::float;
use crate::number;
use crate::text::value::TEXT;
use crate::time;
use crate::value::FAULT;
use crate::value::whole_characters;

/// How text of arguments gets into the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Escaped, for people.
    People,
    /// As it is, for commands and names of files.
    System,
}

impl Audience {
    /// As it is, if it is a text of the script itself.
    pub fn unless_own(self, own: bool) -> Audience {
        if own { Audience::System } else { self }
    }
}

/// Append a format with arguments of a record.
pub(super) fn printf(
    out: &mut Vec<u8>,
    format: &Format,
    args: &mut Arguments<'_>,
    audience: Audience,
    stage: &mut Stage<'_>,
) {
    for piece in &format.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Conversion(c) => {
                let spec = spec(c, || Cell::next(args));
                let cell = Cell::next(args);
                convert(out, &spec, kind(c), &cell, audience.unless_own(c.own), stage);
            }
        }
    }
}

/// How a conversion is filled; the width and precision are possibly the next arguments. In D a precision of 0 is none.
pub(super) fn spec<'c, 'v>(c: &'c Conversion, mut next: impl FnMut() -> Cell<'v>) -> Spec<'c> {
    let mut count = |count: Option<Count>| match count? {
        Count::Fixed(n) => Some(n.into()),
        Count::Argument => next().integer().map(Integer::as_signed),
    };
    let width = count(c.width);
    Spec::new(c, width, count(c.precision).filter(|precision| *precision != 0))
}

/// The letter that decides: without the `@` of aggregations and the `w` of wide characters, which say nothing here.
pub(super) fn kind(c: &Conversion) -> u8 {
    c.kind.bytes().last().unwrap_or(b's')
}

/// Append one value by a conversion.
pub(super) fn convert(
    out: &mut Vec<u8>,
    spec: &Spec<'_>,
    kind: u8,
    cell: &Cell<'_>,
    audience: Audience,
    stage: &mut Stage<'_>,
) {
    let start = out.len();
    match (kind, cell.value, cell.integer()) {
        (_, Value::Stack(ty, id, pid), _) => {
            let lines = Lines { indent: 0, width: spec.width, left: spec.left };
            return stack::stack(out, ty, (id, pid), lines, stage.scene.resolver);
        }
        (b'a', _, Some(address)) => kernel_address(out, cell, address.bits(), stage),
        (b'A', _, Some(address)) => user_address(out, cell, address.bits(), stage),
        (b'e' | b'E' | b'f' | b'g' | b'G', ..) => return floating(out, spec, kind, cell, stage),
        (b'c', _, Some(integer)) => match wide(spec.conversion, integer) {
            Some(c) => single(out, c.encode_utf8(&mut [0; 4]).as_bytes(), audience),
            None => single(out, &[integer.bits() as u8], audience),
        },
        (b'C', _, Some(integer)) => character(out, integer.bits() as u8),
        (b'Y', _, Some(time)) => date(out, "%Y %b %e %H:%M:%S", time.as_signed(), stage),
        (b'T', _, Some(time)) => date(out, "%a, %d %b %Y %T %Z", time.as_signed(), stage),
        (b's' | b'S', ..) => string(out, spec, kind, cell, audience, stage),
        (_, _, Some(integer)) => return integral(out, spec, kind, integer),
        _ => other(out, cell, audience, stage),
    }
    spec.pad(out, start);
}

/// A character. Scripts end lines by it, too, and take texts apart; alone, these two do nothing to a terminal.
fn single(out: &mut Vec<u8>, bytes: &[u8], audience: Audience) {
    match bytes {
        b"\n" | b"\t" => out.extend_from_slice(bytes),
        _ => foreign(out, bytes, audience),
    }
}

/// The character of `%wc` and `%lc`.
fn wide(c: &Conversion, integer: Integer) -> Option<char> {
    u32::try_from(integer.bits()).ok().filter(|_| c.is_wide()).and_then(char::from_u32)
}

fn integral(out: &mut Vec<u8>, spec: &Spec<'_>, kind: u8, integer: Integer) {
    match kind {
        b'd' | b'i' if integer.signed => spec.signed(out, integer.as_signed()),
        // Without the `0x` of C's `%p`: that is what `#` is for.
        b'p' => spec.unsigned(out, integer.bits(), b"x"),
        kind => spec.unsigned(out, integer.bits(), &[kind]),
    }
}

/// A symbol that says how it is shown is shown that way.
fn kernel_address(out: &mut Vec<u8>, cell: &Cell<'_>, address: u64, stage: &mut Stage<'_>) {
    match cell.value {
        Value::KernelSymbol(_) | Value::UserSymbol(..) => symbol_of(out, cell, stage),
        _ => symbol::name(out, &stage.scene.resolver.kernel_frame(address), false, SymbolPart::Address),
    }
}

fn user_address(out: &mut Vec<u8>, cell: &Cell<'_>, address: u64, stage: &mut Stage<'_>) {
    match (cell.value, stage.options.target) {
        (Value::KernelSymbol(_) | Value::UserSymbol(..), _) => symbol_of(out, cell, stage),
        (_, Some(pid)) => symbol::name(out, &stage.scene.resolver.user_frame(address, pid), true, SymbolPart::Address),
        (_, None) => number::address(out, address),
    }
}

fn floating(out: &mut Vec<u8>, spec: &Spec<'_>, kind: u8, cell: &Cell<'_>, stage: &mut Stage<'_>) {
    let number = match (cell.value, cell.integer()) {
        (Value::Array(_, bytes) | Value::Bytes(bytes), _) => quadrant_program::float::decode(bytes),
        (Value::Float(value, _), _) => Some(value),
        (_, Some(integer)) if integer.signed => Some(integer.as_signed() as f64),
        (_, Some(integer)) => Some(integer.bits() as f64),
        _ => None,
    };
    match number {
        Some(number) => float::float(out, number, kind, spec),
        None => other(out, cell, Audience::People, stage),
    }
}

fn date(out: &mut Vec<u8>, format: &str, unix_ns: i64, stage: &Stage<'_>) {
    time::strftime(out, format, unix_ns, stage.scene.zone());
}

fn string(out: &mut Vec<u8>, spec: &Spec<'_>, kind: u8, cell: &Cell<'_>, audience: Audience, stage: &mut Stage<'_>) {
    let wide = match cell.value {
        Value::Array(elem, bytes) if elem.c_size() == Some(WIDE) => wide_text(bytes),
        _ => Vec::new(),
    };
    let bytes = match cell.value {
        Value::Text { fault: true, .. } => return out.extend_from_slice(FAULT),
        Value::Array(elem, _) if elem.c_size() == Some(WIDE) => &wide,
        Value::Text { bytes, .. } | Value::Bytes(bytes) | Value::Array(_, bytes) => bytes,
        _ => return other(out, cell, audience, stage),
    };
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or(bytes);
    let text = match spec.precision {
        Some(limit) if limit < text.len() => whole_characters(&text[..limit]),
        _ => text,
    };
    match kind {
        b'S' => text.iter().for_each(|byte| escaped(out, *byte)),
        _ => foreign(out, text, audience),
    }
}

/// Bytes of C's `wchar_t`.
const WIDE: u32 = 4;

/// The text of an array of wide characters, up to its zero.
fn wide_text(bytes: &[u8]) -> Vec<u8> {
    let words = bytes.chunks_exact(WIDE as usize).map(|word| extend(word, false) as u32).take_while(|word| *word != 0);
    words.map(|word| char::from_u32(word).unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes()
}

/// What no conversion fits: symbols by name, others in the way of their type.
fn other(out: &mut Vec<u8>, cell: &Cell<'_>, audience: Audience, stage: &mut Stage<'_>) {
    match cell.value {
        Value::KernelSymbol(_) | Value::UserSymbol(..) => symbol_of(out, cell, stage),
        Value::Text { bytes, fault: false, .. } => foreign(out, bytes, audience),
        _ => crate::text::value::value(out, &cell.value, TEXT, &mut stage.scene),
    }
}

fn foreign(out: &mut Vec<u8>, bytes: &[u8], audience: Audience) {
    match audience {
        Audience::People => escape::text(out, bytes),
        Audience::System => out.extend_from_slice(bytes),
    }
}

/// `%C`: what C would write between single quotes, but a quote or backslash as it is.
fn character(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b' '..=b'~' => out.push(byte),
        _ => escaped(out, byte),
    }
}

/// A byte as C writes it in a text.
fn escaped(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        0x07 => b'a',
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x0b => b'v',
        0 => b'0',
        b'"' | b'\\' => byte,
        b' '..=b'~' => return out.push(byte),
        _ => {
            let digit = |shift: u32| b'0' + (byte >> shift & 7);
            return out.extend_from_slice(&[b'\\', digit(6), digit(3), digit(0)]);
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}
