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
}
