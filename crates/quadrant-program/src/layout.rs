//! How values are stored in keys, map values and records.
//!
//! Every part starts at a multiple of 8. Scalars take 8 bytes, extended by their sign. A text takes its cap rounded up, filled with NULs.
//! A buffer is a 64-bit length, then its cap rounded up. C records and arrays keep their C layout, rounded up. A tuple is its elements in a row.
//! A stack is `u32` id (see [`STACK_SECOND`]) and `u32` process id. A user symbol is an address and a process id. An address (`Inet`) is a
//! 64-bit family, then 16 bytes. Padding is zero, so that equal values have equal bytes.

use crate::ty::Type;

/// Bit of a stored stack id: it is in the second stack map, for stacks whose place in the first was taken.
pub const STACK_SECOND: u32 = 1 << 30;
/// A stored stack id of a stack that could not be taken.
pub const STACK_LOST: u32 = u32::MAX;

/// A stored stack id of a stack without frames: the user stack of a kernel thread, the kernel stack of code that runs for the process.
pub const STACK_EMPTY: u32 = u32::MAX - 1;

/// Bytes that a value takes, a multiple of 8.
pub fn size(ty: &Type) -> u32 {
    match ty {
        Type::None => 0,
        Type::Record(r) => round_up(r.size),
        Type::Array { .. } => round_up(ty.c_size().unwrap_or(0)),
        Type::String { cap } => round_up(*cap),
        Type::Buffer { cap } => 8 + round_up(*cap),
        Type::Tuple(parts) => parts.iter().map(size).sum(),
        Type::Symbol { user: true } => 16,
        Type::Inet => 24,
        _ => 8,
    }
}

/// Offset of an element in a stored tuple.
pub fn tuple_offset(parts: &[Type], index: u32) -> u32 {
    parts.iter().take(index as usize).map(size).sum()
}

/// Bytes of an argument's fixed part in a record.
pub fn record_size(ty: &Type) -> u32 {
    match ty {
        Type::String { .. } | Type::Buffer { .. } => 8,
        _ => size(ty),
    }
}

/// Offsets of the fixed parts of a record's arguments, and the size of the whole fixed part, header included.
pub fn record_offsets(args: &[Type]) -> (Vec<u32>, u32) {
    let mut at = crate::record::HEADER;
    let mut offsets = Vec::with_capacity(args.len());
    for ty in args {
        offsets.push(at);
        at += record_size(ty);
    }
    (offsets, at)
}

/// Round up to a multiple of 8.
pub fn round_up(bytes: u32) -> u32 {
    bytes.next_multiple_of(8)
}
