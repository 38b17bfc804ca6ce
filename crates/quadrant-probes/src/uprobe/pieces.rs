//! Values that are in several places.

use quadrant_program::probe::{Absence, MOST_WORDS, Operand, UserPlace};
use quadrant_types::{CType, Location, TypeId, Types};

use super::arguments::operand;
use crate::elf::Class;

/// Members that are looked at in one type, and how deep they may be.
const MAX_MEMBERS: usize = 4096;
const MAX_DEPTH: u8 = 20;

/// Pieces that are whole words, but for the last one. Where no member is, none need be said: compilers leave padding out.
pub(super) fn as_words(
    class: Class,
    types: &Types,
    ty: TypeId,
    pieces: &[(Location, u64)],
) -> Result<UserPlace, Absence> {
    let word_len = class.word_len() as u64;
    let size = types.size_of(ty).unwrap_or(0);
    let (last, whole) = pieces.split_last().ok_or(Absence::Optimized)?;
    let covered = pieces.iter().fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
    if covered < size && has_data(types, ty, (covered, size)) {
        return Err(Absence::Optimized);
    }
    let joined;
    let (pieces, last, whole) = match last.1 > word_len || whole.iter().any(|(_, size)| *size != word_len) {
        false => (pieces, last, whole),
        true => {
            joined = join_constants(pieces, word_len).ok_or(Absence::Unknown)?;
            let (last, whole) = joined.split_last().ok_or(Absence::Unknown)?;
            (joined.as_slice(), last, whole)
        }
    };
    if pieces.len() > MOST_WORDS || last.1 > word_len || whole.iter().any(|(_, size)| *size != word_len) {
        return Err(Absence::Unknown);
    }
    let mut words = [Operand::Const(0); MOST_WORDS];
    for (index, (word, (piece, size))) in words.iter_mut().zip(pieces).enumerate() {
        let at = index as u64 * word_len;
        *word = match operand(class, piece) {
            Err(Absence::Optimized) if !has_data(types, ty, (at, at + size)) => Operand::Const(0),
            word => word?,
        };
    }
    Ok(UserPlace::Words { words, count: size.div_ceil(word_len).clamp(1, MOST_WORDS as u64) as u8 })
}

/// Constants of other sizes as words.
fn join_constants(pieces: &[(Location, u64)], word_len: u64) -> Option<Vec<(Location, u64)>> {
    let mut bytes = Vec::new();
    for (piece, size) in pieces {
        let Location::Constant(value) = piece else { return None };
        bytes.extend(value.to_le_bytes().get(..usize::try_from(*size).ok()?)?);
    }
    let word = |bytes: &[u8]| {
        let value = bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        (Location::Constant(value), bytes.len() as u64)
    };
    Some(bytes.chunks(usize::try_from(word_len).ok()?).map(word).collect())
}

/// Whether a member has bytes from the first up to the second.
fn has_data(types: &Types, ty: TypeId, bytes: (u64, u64)) -> bool {
    let mut left = MAX_MEMBERS;
    overlaps(types, ty, 0, bytes, (MAX_DEPTH, &mut left))
}

/// What is not looked at counts as data.
fn overlaps(types: &Types, ty: TypeId, at: u64, bytes: (u64, u64), (depth, left): (u8, &mut usize)) -> bool {
    let end = at.saturating_add(types.size_of(ty).unwrap_or(0));
    if end <= bytes.0 || bytes.1 <= at {
        return false;
    }
    let (CType::Struct { .. }, Some(depth)) = (types.kind(ty), depth.checked_sub(1)) else { return true };
    let members = types.members(ty);
    *left = left.saturating_sub(members.len());
    *left == 0 || members.is_empty() || {
        members.iter().any(|member| {
            let start = at.saturating_add(member.byte_offset());
            overlaps(types, member.ty, start, bytes, (depth, left))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slice of Go: its address, its length and its capacity.
    #[test]
    fn a_value_in_three_registers() {
        let types = Types::without_btf("not needed");
        let words = |count: u64| types.array_of(types.int(8, true), count);
        let pieces = |registers: &[u16]| -> Vec<(Location, u64)> {
            registers.iter().map(|number| (Location::Register(*number), 8)).collect()
        };
        let as_words = |types: &Types, ty, pieces: &[(Location, u64)]| as_words(Class::Wide, types, ty, pieces);
        let wanted = [2, 5, 4].map(|number| operand(Class::Wide, &Location::Register(number)).unwrap());
        assert_eq!(as_words(&types, words(3), &pieces(&[2, 5, 4])), Ok(UserPlace::Words { words: wanted, count: 3 }));
        assert_eq!(as_words(&types, words(4), &pieces(&[2, 5, 4, 8])), Err(Absence::Unknown));
        assert_eq!(as_words(&types, words(3), &pieces(&[2, 5])), Err(Absence::Optimized));
    }

    /// `{3, 'c'}`, as clang has it where all callers hand over the same; and a number of 128 bits in a program of 32.
    #[test]
    fn constants_of_any_size_are_words() {
        let types = Types::without_btf("not needed");
        let constants = |pieces: &[(u64, u64)]| -> Vec<(Location, u64)> {
            pieces.iter().map(|(value, size)| (Location::Constant(*value), *size)).collect()
        };
        let long = types.int(8, true);
        let wide = as_words(Class::Wide, &types, long, &constants(&[(3, 4), (99, 4)]));
        let words = |words: [i64; MOST_WORDS], count| Ok(UserPlace::Words { words: words.map(Operand::Const), count });
        assert_eq!(wide, words([99 << 32 | 3, 0, 0], 1));
        let narrow = as_words(Class::Narrow, &types, long, &constants(&[(3, 2), (0, 2), (u64::MAX, 4)]));
        assert_eq!(narrow, words([3, 0xffff_ffff, 0], 2));
        let mixed = [(Location::Constant(3), 4), (Location::Register(5), 4)];
        assert_eq!(as_words(Class::Wide, &types, long, &mixed), Err(Absence::Unknown));
    }
}
