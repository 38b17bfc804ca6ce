//! `print()`: a value with its type, and of a struct the names of its members.
//!
//! Each member is a line `.name = (type)value,`, one blank further in than the line of what it belongs to. Members that are zero are
//! left out.

use quadrant_program::ty::RecordField;
use quadrant_program::ty::RecordType;
use quadrant_program::ty::Type;
use quadrant_program::value::Value;

use crate::dtrace::cell::Cell;
use crate::dtrace::cell::Stage;
use crate::escape;
use crate::number;
use crate::pad::blanks;
use crate::text::value::TEXT;
use crate::value::array_elements;
use crate::value::member;

/// Columns of CPU, ID and probe: values stand behind them.
const INDENT: usize = 44;
/// Values within values, at most.
const DEPTH: usize = 16;

/// Append a value whose type C writes as `type_name`; `address` is where it was, if it has a place.
pub(super) fn print(out: &mut Vec<u8>, address: Option<u64>, type_name: &str, cell: &Cell<'_>, stage: &mut Stage<'_>) {
    if let Some(address) = address {
        number::address(out, address);
        out.extend_from_slice(b" = *\n");
        blanks(out, INDENT);
    }
    let mut writer = Writer { out, stage, depth: 0, shown: 0 };
    writer.typed(type_name, cell.ty, &cell.value);
}

struct Writer<'w, 'a> {
    out: &'w mut Vec<u8>,
    stage: &'w mut Stage<'a>,
    depth: usize,
    /// Bytes of values so far.
    shown: u64,
}

impl Writer<'_, '_> {
    /// `(type)value,` and a line end.
    fn typed(&mut self, type_name: &str, ty: &Type, value: &Value<'_>) {
        self.out.push(b'(');
        escape::text(self.out, name(type_name, value).as_bytes());
        self.out.push(b')');
        if !matches!(value, Value::Record(..) | Value::Array(..)) {
            self.shown += u64::from(ty.c_size().unwrap_or(8));
        }
        match value {
            Value::Record(record, bytes) if self.depth < DEPTH => return self.record(record, bytes),
            Value::Array(elem, bytes) if self.depth < DEPTH => self.array(type_name, elem, bytes),
            Value::Text { bytes, .. } => self.text(bytes),
            Value::Record(..) | Value::Array(..) => self.out.extend_from_slice(b"..."),
            _ => self.scalar(type_name, ty, value),
        }
        self.out.extend_from_slice(b",\n");
    }

    fn record(&mut self, record: &RecordType, bytes: &[u8]) {
        self.out.extend_from_slice(b" {\n");
        self.depth += 1;
        self.members(record, bytes);
        self.depth -= 1;
        self.line_start();
        self.out.extend_from_slice(if self.depth == 0 { b"}\n" } else { b"},\n" });
    }

    fn members(&mut self, record: &RecordType, bytes: &[u8]) {
        if let Some(field) = record.variants.as_ref().and_then(|variants| variants.of(bytes)) {
            self.member(field, &member(field, bytes));
        }
        for field in &record.fields {
            let value = member(field, bytes);
            match &value {
                _ if is_zero(&value) => {}
                Value::Record(inner, part) if field.name.is_empty() => self.members(inner, part),
                _ if self.is_full() => return self.ellipsis(),
                _ => self.member(field, &value),
            }
        }
    }

    fn member(&mut self, field: &RecordField, value: &Value<'_>) {
        self.line_start();
        self.out.push(b'.');
        escape::text(self.out, field.name.as_bytes());
        self.out.extend_from_slice(b" = ");
        self.typed(&field.type_name, &field.ty, value);
    }

    /// All elements before the last that is not zero.
    fn array(&mut self, type_name: &str, elem: &Type, bytes: &[u8]) {
        self.out.extend_from_slice(b" [\n");
        self.depth += 1;
        let count = array_elements(elem, bytes).enumerate().filter(|(_, value)| !is_zero(value)).last();
        let shown = count.map_or(0, |(last, _)| last + 1);
        let element = element_name(type_name);
        for value in array_elements(elem, bytes).take(shown) {
            if self.is_full() {
                self.ellipsis();
                break;
            }
            self.line_start();
            self.typed(&element, elem, &value);
        }
        self.depth -= 1;
        self.line_start();
        self.out.push(b']');
    }

    fn text(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        escape::text(self.out, bytes);
        self.out.push(b'"');
    }

    fn scalar(&mut self, type_name: &str, ty: &Type, value: &Value<'_>) {
        match (value, Cell { ty, value: *value }.integer()) {
            (Value::Pointer(address), _) => number::address(self.out, *address),
            (Value::Int(v), _) if type_name == "char" => self.character(*v as u8),
            (Value::Int(_) | Value::Uint(_), Some(integer)) if integer.signed => {
                number::signed(self.out, integer.as_signed());
            }
            (Value::Int(_) | Value::Uint(_), Some(integer)) => number::unsigned(self.out, integer.bits()),
            _ => crate::text::value::value(self.out, value, TEXT, &mut self.stage.scene),
        }
    }

    fn character(&mut self, byte: u8) {
        self.out.push(b'\'');
        escape::text(self.out, &[byte]);
        self.out.push(b'\'');
    }

    fn line_start(&mut self) {
        blanks(self.out, INDENT + self.depth);
    }

    /// As much was shown as the option `printsize` allows.
    fn is_full(&self) -> bool {
        self.shown >= self.stage.options.printsize.into()
    }

    fn ellipsis(&mut self) {
        self.line_start();
        self.out.extend_from_slice(b"...\n");
    }
}

/// The type's name as it is shown; one that is not known is shown by what is.
fn name(type_name: &str, value: &Value<'_>) -> String {
    let name = match value {
        Value::Record(record, _) if type_name.is_empty() => &record.name,
        Value::Int(_) if type_name.is_empty() => "int",
        Value::Uint(_) if type_name.is_empty() => "unsigned int",
        _ => type_name,
    };
    let name = name.replace(" <anonymous>", "");
    match name.split_once('[') {
        Some((elem, rest)) => format!("{} [{rest}", elem.trim_end()),
        None => name,
    }
}

/// Of `int [3]` it is `int`, of `int [2][3]` it is `int [3]`; names that are no array's are kept.
fn element_name(array: &str) -> String {
    match array.split_once('[').and_then(|(elem, rest)| Some((elem, rest.split_once(']')?.1))) {
        Some((elem, "")) => elem.trim_end().to_owned(),
        Some((elem, rest)) => format!("{elem}{rest}"),
        None => array.to_owned(),
    }
}

fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Int(v) => *v == 0,
        Value::Uint(v) | Value::Pointer(v) | Value::Special(_, v) => *v == 0,
        Value::Bool(v) => !v,
        Value::Text { bytes, .. } => bytes.is_empty(),
        Value::Bytes(bytes) | Value::Record(_, bytes) | Value::Array(_, bytes) => bytes.iter().all(|byte| *byte == 0),
        _ => false,
    }
}
