//! Decoding of stored bytes.

use std::sync::Arc;

use crate::layout;
use crate::record::CUT;
use crate::record::FAULT;
use crate::ty::RecordType;
use crate::ty::StackType;
use crate::ty::Type;

/// A decoded value; borrows the bytes it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating point number, and the bytes that it came from.
    Float(f64, &'a [u8]),
    /// True or false.
    Bool(bool),
    /// An address.
    Pointer(u64),
    /// Text, without its NUL.
    Text {
        /// Its bytes; may be invalid UTF-8, and hostile.
        bytes: &'a [u8],
        /// It was longer.
        cut: bool,
        /// It could not be read.
        fault: bool,
    },
    /// Bytes.
    Bytes(&'a [u8]),
    /// Stored elements of a tuple.
    Tuple(&'a [Type], &'a [u8]),
    /// A record in C layout.
    Record(&'a RecordType, &'a [u8]),
    /// An array in C layout: element type, bytes.
    Array(&'a Type, &'a [u8]),
    /// A stack: its kind, id and process id.
    Stack(StackType, u32, u32),
    /// A kernel address to be shown as a symbol.
    KernelSymbol(u64),
    /// A user address and process id to be shown as a symbol.
    UserSymbol(u64, u32),
    /// Address family, 4 or 16 address bytes.
    Inet(u64, &'a [u8]),
    /// A MAC address.
    Mac(&'a [u8]),
    /// An integer shown in the way that the type says (username, probe, time, errno, ...).
    Special(&'a Type, u64),
    /// Fewer bytes than the type needs.
    Malformed,
}

/// Decode a value stored as [`crate::layout`] says.
pub fn decode<'a>(ty: &'a Type, bytes: &'a [u8]) -> Value<'a> {
    let Some(bytes) = bytes.get(..layout::size(ty) as usize) else {
        return Value::Malformed;
    };
    match ty {
        Type::None => Value::Malformed,
        Type::Record(record) => Value::Record(record, bytes),
        Type::Array { elem, .. } => Value::Array(elem, &bytes[..ty.c_size().unwrap_or(0) as usize]),
        Type::String { .. } => text(bytes, false, false),
        Type::Buffer { cap } => buffer(bytes, *cap),
        Type::Tuple(parts) => Value::Tuple(parts, bytes),
        Type::Inet => Value::Inet(word(bytes), if word(bytes) == 2 { &bytes[8..12] } else { &bytes[8..24] }),
        Type::Symbol { user: true, .. } => Value::UserSymbol(word(bytes), word(&bytes[8..]) as u32),
        Type::Mac => Value::Mac(&bytes[..6]),
        Type::Float { bytes: len } => float(&bytes[..usize::from(*len)]),
        _ => scalar(ty, word(bytes)),
    }
}

/// Decode an argument of a record: `fixed` are its bytes in the fixed part, `record` the whole record.
pub fn decode_argument<'a>(ty: &'a Type, fixed: &'a [u8], record: &'a [u8]) -> Value<'a> {
    if !matches!(ty, Type::String { .. } | Type::Buffer { .. }) {
        return decode(ty, fixed);
    }
    let Some(reference) = fixed.get(..8).map(word) else {
        return Value::Malformed;
    };
    let (offset, len) = (reference as u32 as usize, (reference >> 32) as u32);
    let Some(bytes) = record.get(offset..).and_then(|rest| rest.get(..(len & !(CUT | FAULT)) as usize)) else {
        return Value::Malformed;
    };
    match ty {
        Type::String { .. } => text(bytes, len & CUT != 0, len & FAULT != 0),
        _ => Value::Bytes(bytes),
    }
}

/// Decode a value in C layout (a member or element of C memory).
pub fn decode_c<'a>(ty: &'a Type, bytes: &'a [u8]) -> Value<'a> {
    let Some(size) = ty.c_size() else {
        // What C does not have is stored in its own way, in a record of the script.
        return decode(ty, bytes);
    };
    let Some(bytes) = bytes.get(..size as usize) else {
        return Value::Malformed;
    };
    match ty {
        Type::Record(record) => Value::Record(record, bytes),
        Type::Array { elem, .. } => Value::Array(elem, bytes),
        Type::String { .. } => text(bytes, false, false),
        Type::Float { .. } => float(bytes),
        _ => scalar(ty, extend(bytes, ty.is_signed())),
    }
}

fn float(bytes: &[u8]) -> Value<'_> {
    crate::float::decode(bytes).map_or(Value::Malformed, |value| Value::Float(value, bytes))
}

/// Elements of a stored tuple.
pub fn elements<'a>(parts: &'a [Type], bytes: &'a [u8]) -> impl Iterator<Item = Value<'a>> {
    let mut at = 0usize;
    parts.iter().map(move |ty| {
        let start = at;
        at += layout::size(ty) as usize;
        bytes.get(start..at).map_or(Value::Malformed, |part| decode(ty, part))
    })
}

/// An integer of 1 to 8 little-endian bytes, extended to 64 bits.
pub fn extend(bytes: &[u8], signed: bool) -> u64 {
    let len = bytes.len().min(8);
    let mut all = [0; 8];
    all[..len].copy_from_slice(&bytes[..len]);
    let value = u64::from_le_bytes(all);
    let unused = 64 - 8 * len as u32;
    match (signed, unused) {
        (true, 1..64) => ((value << unused) as i64 >> unused) as u64,
        _ => value,
    }
}

fn scalar(ty: &Type, word: u64) -> Value<'_> {
    match ty {
        Type::Bool => Value::Bool(word != 0),
        Type::Int { signed: true, .. } => Value::Int(word as i64),
        Type::Int { signed: false, .. } => Value::Uint(word),
        Type::Pointer { .. } => Value::Pointer(word),
        Type::Stack(stack) => Value::Stack(*stack, word as u32, (word >> 32) as u32),
        Type::Symbol { .. } => Value::KernelSymbol(word),
        _ => Value::Special(ty, word),
    }
}

fn text(bytes: &[u8], cut: bool, fault: bool) -> Value<'_> {
    let len = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    Value::Text { bytes: &bytes[..len], cut, fault }
}

fn buffer(bytes: &[u8], cap: u32) -> Value<'_> {
    let len = word(bytes).min(cap.into()) as usize;
    bytes[8..].get(..len).map_or(Value::Malformed, Value::Bytes)
}

fn word(bytes: &[u8]) -> u64 {
    extend(bytes.get(..8).unwrap_or(bytes), false)
}

/// An [`Arc`] of types, for building tuples.
pub fn tuple(parts: Vec<Type>) -> Type {
    Type::Tuple(Arc::from(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_know_their_sign() {
        let minus_one = [0xff; 8];
        assert_eq!(decode(&Type::I64, &minus_one), Value::Int(-1));
        assert_eq!(decode(&Type::U64, &minus_one), Value::Uint(u64::MAX));
        assert_eq!(decode_c(&Type::Int { bytes: 2, signed: true }, &[0xfe, 0xff]), Value::Int(-2));
        assert_eq!(decode(&Type::I64, &[1, 2]), Value::Malformed);
    }

    #[test]
    fn members_that_c_does_not_have_are_stored_in_their_own_way() {
        let ty = Type::Tuple([Type::I64, Type::Mac].into());
        assert_eq!(decode_c(&ty, &[0; 16]), decode(&ty, &[0; 16]));
        assert_eq!(decode_c(&Type::Mac, &[1, 2, 3]), Value::Malformed);
    }

    #[test]
    fn texts_of_records_are_bounded_by_the_record() {
        let ty = Type::String { cap: 16 };
        let mut record = vec![0; 16];
        record[8..12].copy_from_slice(&16u32.to_le_bytes());
        record[12..16].copy_from_slice(&(3 | CUT).to_le_bytes());
        record.extend(b"abc");
        let value = decode_argument(&ty, &record[8..16], &record);
        assert_eq!(value, Value::Text { bytes: b"abc", cut: true, fault: false });
        record.pop();
        assert_eq!(decode_argument(&ty, &record[8..16], &record), Value::Malformed);
    }

    #[test]
    fn tuples_are_walked_in_order() {
        let parts = [Type::I64, Type::String { cap: 3 }];
        let mut bytes = 7i64.to_le_bytes().to_vec();
        bytes.extend(b"hi\0\0\0\0\0\0");
        let values: Vec<Value> = elements(&parts, &bytes).collect();
        assert_eq!(values, [Value::Int(7), Value::Text { bytes: b"hi", cut: false, fault: false }]);
    }
}
