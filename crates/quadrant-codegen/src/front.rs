//! The layouts of what is in front of maps.
//!
//! [`MapRole::Front`](crate::MapRole::Front): for each CPU a row of slots, each a word, a key, and a part.
//! [`MapRole::Slots`](crate::MapRole::Slots): for all CPUs [`SLOTS`] of [`SLOT`] bytes, each a key that is not 0, a word that is not 0 if
//! the key is there, and a number.

use quadrant_program::layout;
use quadrant_program::map::Map;

use crate::lower::value_size;

/// Most slots of a CPU.
const SLOTS_MAX: u32 = 256;
/// Most bytes of a CPU's slots: of a per-CPU array's value (`PCPU_MIN_UNIT_SIZE` of the kernel).
const BYTES_MAX: u32 = 32 << 10;
/// Slots of a map whose entries stay, a power of two.
pub const SLOTS: u32 = 4096;
/// Bytes of one: with what comes behind the number, none lies in two cache lines.
pub const SLOT: u32 = 32;
/// A cache line.
const LINE: u32 = 64;

/// The word of a slot that has no key.
pub(crate) const FREE: i64 = 0;
/// Of one that is being taken.
pub(crate) const BUSY: i64 = 1;
/// Of one that has a key, for good.
pub(crate) const TAKEN: i64 = 2;

/// The sizes of a slot's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of a key.
    pub key: u32,
    /// Bytes of a part of the aggregation.
    pub part: u32,
}

impl Shape {
    /// Of a map of the script.
    pub fn of(map: &Map) -> Shape {
        Shape { key: map.key.as_ref().map_or(0, layout::size), part: value_size(map) }
    }

    /// Offset of the part, which stands behind the key.
    pub fn part_at(self) -> u32 {
        8 + self.key
    }

    /// Bytes of a slot. Small ones do not lie in two cache lines.
    pub fn slot(self) -> u32 {
        let bytes = self.part_at() + self.part;
        if bytes < LINE { bytes.next_power_of_two() } else { bytes.next_multiple_of(LINE) }
    }

    /// Slots of a CPU, a power of two; 0 when they are too big.
    pub fn slots(self) -> u32 {
        (BYTES_MAX / self.slot()).min(SLOTS_MAX).checked_ilog2().map_or(0, |power| 1 << power)
    }

    /// The keys and parts in what all CPUs have. A key's bytes may be seen later than the word that says they are there, by a reader on
    /// another CPU: so the words are those of an earlier reading.
    pub fn entries<'e>(self, earlier: &'e [u8], now: &'e [u8]) -> impl Iterator<Item = (&'e [u8], &'e [u8])> {
        let slots = |bytes: &'e [u8]| bytes.chunks_exact(self.slot() as usize);
        let taken = |slot: &[u8]| slot.starts_with(&TAKEN.to_ne_bytes());
        let (key, part) = (8..self.part_at() as usize, self.part_at() as usize..(self.part_at() + self.part) as usize);
        let both = slots(earlier).zip(slots(now)).filter(move |(earlier, _)| taken(earlier));
        both.map(move |(_, now)| (&now[key.clone()], &now[part.clone()]))
    }
}

/// The keys and numbers in the slots of a map whose entries stay.
pub fn entries_there(slots: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let there = |slot: &&[u8]| slot[8..16] != [0; 8];
    slots.chunks_exact(SLOT as usize).filter(there).map(|slot| (&slot[..8], &slot[16..24]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_taken_is_there() {
        let shape = Shape { key: 8, part: 8 };
        let slot = |words: [u64; 4]| words.map(u64::to_ne_bytes).concat();
        let earlier = [slot([2, 0, 0, 0]), slot([1, 7, 0, 0]), slot([0; 4])].concat();
        let now = [slot([2, 5, 6, 0]), slot([2, 7, 8, 0]), slot([0; 4])].concat();
        let found: Vec<_> = shape.entries(&earlier, &now).collect();
        assert_eq!(found, [(&5u64.to_ne_bytes()[..], &6u64.to_ne_bytes()[..])]);
        let of = |key, part| (Shape { key, part }.slot(), Shape { key, part }.slots());
        assert_eq!([of(16, 8), of(8, 520), of(8, 40 << 10)], [(32, 256), (576, 32), ((40 << 10) + 64, 0)]);
    }
}
