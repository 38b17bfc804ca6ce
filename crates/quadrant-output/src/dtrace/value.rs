//! Values in rows (`trace()`) and in keys of aggregations.

use quadrant_program::ty::SymbolPart;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;

use crate::dtrace::bytes;
use crate::dtrace::cell::Cell;
use crate::dtrace::cell::Integer;
use crate::dtrace::cell::Stage;
use crate::dtrace::stack;
use crate::dtrace::stack::Lines;
use crate::dtrace::symbol;
use crate::escape;
use crate::number;
use crate::pad::pad_left;
use crate::pad::pad_right;
use crate::text::value::TEXT;
use crate::value::FAULT;

/// Columns of values in one kind of place.
pub(super) struct Columns {
    /// Of texts and dumps.
    pub text: usize,
    /// Of numbers of 1, 2, 4 and 8 bytes.
    pub numbers: [usize; 4],
    /// Of unsigned numbers of 8 bytes.
    pub unsigned: usize,
}

/// In rows.
pub(super) const ROW: Columns = Columns { text: 33, numbers: [3, 5, 10, 19], unsigned: 20 };
/// In keys.
pub(super) const KEY: Columns = Columns { text: 50, numbers: [3, 5, 8, 16], unsigned: 16 };
/// Of symbols, in rows and keys.
const SYMBOL: usize = 50;

/// Append what `trace()` shows.
pub(super) fn trace(out: &mut Vec<u8>, cell: &Cell<'_>, stage: &mut Stage<'_>) {
    value(out, cell, &ROW, stage.options.quiet, stage);
}

/// Append a text of the script that a variable held.
pub(super) fn trace_own(out: &mut Vec<u8>, cell: &Cell<'_>, stage: &mut Stage<'_>) {
    match cell.value {
        Value::Text { bytes, fault: false, .. } => say(out, bytes, stage),
        _ => trace(out, cell, stage),
    }
}

/// Append a text of the script.
pub(super) fn say(out: &mut Vec<u8>, text: &[u8], stage: &Stage<'_>) {
    match (stage.options.rawbytes, stage.options.quiet) {
        (true, _) => bytes::dump(out, text),
        (false, true) => out.extend_from_slice(text),
        (false, false) => unescaped(out, text, &ROW),
    }
}

/// Append a part of a key; `own` if it is a text of the script.
pub(super) fn key(out: &mut Vec<u8>, (cell, own): (&Cell<'_>, bool), stage: &mut Stage<'_>) {
    match cell.value {
        Value::Text { bytes, fault: false, .. } if own && !stage.options.rawbytes => unescaped(out, bytes, &KEY),
        _ => value(out, cell, &KEY, false, stage),
    }
}

fn unescaped(out: &mut Vec<u8>, text: &[u8], columns: &Columns) {
    out.extend_from_slice(b"  ");
    let start = out.len();
    out.extend_from_slice(text);
    pad_right(out, start, columns.text);
}

fn value(out: &mut Vec<u8>, cell: &Cell<'_>, columns: &Columns, bare: bool, stage: &mut Stage<'_>) {
    match cell.value {
        Value::Stack(ty, id, pid) => {
            let lines = Lines { indent: stage.options.stackindent as usize, ..Lines::default() };
            stack::stack(out, ty, (id, pid), lines, stage.scene.resolver);
        }
        Value::KernelSymbol(_) | Value::UserSymbol(..) => {
            out.extend_from_slice(b"  ");
            let start = out.len();
            symbol_of(out, cell, stage);
            pad_right(out, start, SYMBOL);
        }
        Value::Text { bytes, fault, .. } => text(out, bytes, fault, columns, bare, stage),
        Value::Bytes(bytes) | Value::Record(_, bytes) => characters(out, bytes, columns, bare, stage),
        Value::Array(_, bytes) => characters(out, bytes, columns, bare, stage),
        _ => match cell.integer() {
            Some(integer) => number(out, integer, columns, bare),
            None => crate::text::value::value(out, &cell.value, TEXT, &mut stage.scene),
        },
    }
}

/// Append the name of a symbol's value.
pub(super) fn symbol_of(out: &mut Vec<u8>, cell: &Cell<'_>, stage: &mut Stage<'_>) {
    let part = part(cell.ty);
    match cell.value {
        Value::KernelSymbol(address) => {
            symbol::name(out, &stage.scene.resolver.kernel_frame(address), false, part);
        }
        Value::UserSymbol(address, pid) => {
            symbol::name(out, &stage.scene.resolver.user_frame(address, pid), true, part);
        }
        _ => {}
    }
}

/// What a type shows of an address.
pub(super) fn part(ty: &Type) -> SymbolPart {
    match ty {
        Type::Symbol { part: SymbolPart::Symbol, .. } => SymbolPart::Function,
        Type::Symbol { part, .. } => *part,
        _ => SymbolPart::Address,
    }
}

fn text(out: &mut Vec<u8>, content: &[u8], fault: bool, columns: &Columns, bare: bool, stage: &Stage<'_>) {
    match (fault, stage.options.rawbytes) {
        (true, _) => padded(out, FAULT, columns, bare),
        (false, true) => bytes::dump(out, content),
        (false, false) => padded(out, content, columns, bare),
    }
}

/// Bytes are text if they look like it. What has no NUL at its end is set in columns wherever it stands.
fn characters(out: &mut Vec<u8>, content: &[u8], columns: &Columns, bare: bool, stage: &Stage<'_>) {
    match bytes::as_text(content) {
        Some(text) if !stage.options.rawbytes => padded(out, text, columns, bare && text.len() < content.len()),
        _ => bytes::dump(out, content),
    }
}

fn padded(out: &mut Vec<u8>, content: &[u8], columns: &Columns, bare: bool) {
    if bare {
        return escape::text(out, content);
    }
    out.extend_from_slice(b"  ");
    let start = out.len();
    escape::text(out, content);
    pad_right(out, start, columns.text);
}

fn number(out: &mut Vec<u8>, integer: Integer, columns: &Columns, bare: bool) {
    if !bare {
        out.push(b' ');
    }
    let start = out.len();
    match integer.signed {
        true => number::signed(out, integer.as_signed()),
        false => number::unsigned(out, integer.bits()),
    }
    if !bare {
        pad_left(out, start, width(integer, columns));
    }
}

fn width(integer: Integer, columns: &Columns) -> usize {
    match (integer.bytes, integer.signed) {
        (1, _) => columns.numbers[0],
        (2, _) => columns.numbers[1],
        (4, _) => columns.numbers[2],
        (_, true) => columns.numbers[3],
        (_, false) => columns.unsigned,
    }
}
