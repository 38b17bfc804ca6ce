//! How values are stored in keys, map values and records.
//!
//! Every part starts at a multiple of 8. Scalars take 8 bytes, extended by their sign; of a `float` they are its bits. A text takes its
//! cap rounded up, filled with NULs. A buffer is a 64-bit length, then its cap rounded up. C records and arrays keep their C layout,
//! rounded up. A tuple is its elements in a row. A stack is `u32` id and `u32` process id. A user symbol is an address and a process id.
//! An address (`Inet`) is a 64-bit family, then 16 bytes. Padding is zero, so that equal values have equal bytes.

use crate::ty::Type;

/// Bytes of a kept stack before its frames: a word of the program's own.
pub const STACK_FRAMES_AT: u32 = 8;

/// The most frames of a stack that is kept with the short ones.
pub const SHORT_STACK: u8 = 55;

/// Set in the id of a short stack, whether it is kept with the short ones or, because there was no room, with the others.
pub const STACK_IS_SHORT: u32 = 1 << 30;

/// A stored stack id of a stack that could not be taken or kept.
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
        Type::Symbol { user: true, .. } => 16,
        Type::Inet => 24,
        Type::Float { bytes: bytes @ 9.. } => round_up((*bytes).into()),
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

/// Cap of the texts in short keys.
pub const SHORT_CAP: u32 = 96;

/// The type of a map's short keys: those whose texts all fit into [`SHORT_CAP`]. They may be kept in a map of their own, because a
/// look-up costs by the byte of the key and most texts are short. `None` when the key's texts are short anyway, and for keys that
/// refer to processes.
pub fn short_key(key: &Type) -> Option<Type> {
    match key {
        Type::String { cap } if *cap > SHORT_CAP + 64 => Some(Type::String { cap: SHORT_CAP }),
        Type::Tuple(parts) if !parts.iter().any(refers_to_process) => {
            let short: Vec<Option<Type>> = parts.iter().map(short_key).collect();
            let any = short.iter().any(Option::is_some);
            any.then(|| Type::Tuple(short.into_iter().zip(parts.iter()).map(|(s, p)| s.unwrap_or(p.clone())).collect()))
        }
        _ => None,
    }
}

fn refers_to_process(ty: &Type) -> bool {
    match ty {
        Type::Stack(_) | Type::Symbol { .. } => true,
        Type::Tuple(parts) => parts.iter().any(refers_to_process),
        _ => false,
    }
}

/// Add to `into` a key of type `key` that was stored as its [`short_key`].
pub fn widen_key(key: &Type, short: &[u8], into: &mut Vec<u8>) {
    match (key, short_key(key)) {
        (Type::Tuple(parts), Some(_)) => {
            let mut rest = short;
            for part in parts.iter() {
                let len = short_key(part).map_or_else(|| size(part), |short| size(&short)) as usize;
                let (head, tail) = rest.split_at(len.min(rest.len()));
                widen_key(part, head, into);
                rest = tail;
            }
        }
        _ => {
            let end = into.len() + size(key) as usize;
            into.extend_from_slice(short);
            into.resize(end, 0);
        }
    }
}

/// Add to `into` the [`short_key`] of a key of type `key`; a text that does not fit is cut, as none is that is stored so.
pub fn shorten_key(key: &Type, wide: &[u8], into: &mut Vec<u8>) {
    match (key, short_key(key)) {
        (Type::Tuple(parts), Some(_)) => {
            let mut rest = wide;
            for part in parts.iter() {
                let (head, tail) = rest.split_at((size(part) as usize).min(rest.len()));
                shorten_key(part, head, into);
                rest = tail;
            }
        }
        (_, short) => {
            let len = size(short.as_ref().unwrap_or(key)) as usize;
            into.extend_from_slice(&wide[..len.min(wide.len())]);
        }
    }
}

/// Round up to a multiple of 8.
pub fn round_up(bytes: u32) -> u32 {
    bytes.next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ty::SymbolPart;

    #[test]
    fn short_keys_become_wide_again() {
        let text = Type::String { cap: 1024 };
        let key = Type::Tuple([Type::U64, text.clone(), Type::Tuple([text, Type::U64].into())].into());
        let short = short_key(&key).expect("long texts");
        assert_eq!(size(&short), 8 + 96 + 96 + 8);
        let mut bytes = vec![0; size(&short) as usize];
        (bytes[0], bytes[8], bytes[104], bytes[200]) = (1, b'a', b'b', 2);
        let mut wide = Vec::new();
        widen_key(&key, &bytes, &mut wide);
        assert_eq!(wide.len(), size(&key) as usize);
        assert_eq!((wide[0], wide[8], wide[8 + 1024], wide[8 + 2048]), (1, b'a', b'b', 2));
        assert_eq!(wide.iter().filter(|byte| **byte != 0).count(), 4);
        let mut again = Vec::new();
        shorten_key(&key, &wide, &mut again);
        assert_eq!(again, bytes);
    }

    #[test]
    fn other_keys_have_no_short_form() {
        assert_eq!(short_key(&Type::String { cap: 64 }), None);
        assert_eq!(short_key(&Type::U64), None);
        let symbol = Type::Symbol { user: true, part: SymbolPart::Symbol };
        assert_eq!(short_key(&Type::Tuple([symbol, Type::String { cap: 1024 }].into())), None);
    }
}
