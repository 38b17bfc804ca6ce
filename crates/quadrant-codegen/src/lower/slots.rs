//! Slots for the first keys of maps whose entries stay.
//!
//! To find `@start[tid]` in the kernel's hash takes longer than all else that is done with it. So there is an array of slots for all CPUs,
//! which programs address directly: a key, and what an entry that stays has, the word and the number. The first key that comes to a slot
//! keeps it for good, so a key is either in its slot or in the map, and never in both. The key is what takes the slot, in one step; 0, by
//! which a free one is known, is in the map.

use quadrant_bpf::map::MapKind;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;

use super::front;
use super::globals::Globals;
use super::maps::Entry;
use super::stack::FACTOR;
use super::unit::Lower;
use crate::front::SLOT;
use crate::front::SLOTS;
use crate::object::MapDef;
use crate::object::MapRole;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// Offset of the word in a slot, behind the key.
const WORD: i64 = 8;

impl Globals<'_> {
    /// The slots for a map whose entries stay, if it can have some.
    pub fn slots(&mut self, id: MapId, map: &Map) -> Option<MapRef> {
        let is_word = map.key.as_ref().is_some_and(|key| front::is_plain(key) && layout::size(key) == 8);
        let can_take = self.target.atomic_fetch && !self.is_cleared_in_programs(id);
        if !self.target.fronts || !is_word || !can_take || self.budget.fronts == 0 {
            return None;
        }
        self.budget.fronts -= 1;
        let kind = MapKind::Array as u32;
        let role = MapRole::Slots(id);
        Some(self.push(MapDef { role, kind, key_size: 4, value_size: SLOTS * SLOT, max_entries: 1, flags: 0 }))
    }
}

impl Lower<'_, '_> {
    /// The address of what an entry has, in its slot or in the map; 0 when it is in neither.
    pub fn lookup_staying(&mut self, entry: Entry, slots: Option<MapRef>) -> Value {
        let Some(slots) = slots else { return self.lookup(entry) };
        let (end, found) = self.join();
        let [own, other] = [(); 2].map(|()| self.f.b.create_block());
        let (key, slot) = self.slot_of(entry, slots, other);
        let known = self.f.b.load(slot, 0, Size::B8);
        self.f.b.branch(Cond::Eq, known, key, own, &[], other, &[]);
        self.f.b.switch_to(own);
        let at = self.f.b.add(slot, WORD);
        self.f.b.jump(end, &[at]);
        self.f.b.switch_to(other);
        let at = self.lookup(entry);
        self.f.b.jump(end, &[at]);
        self.f.b.switch_to(end);
        found
    }

    /// Goes to `found` with the slot of a key that is nowhere yet, if no other key has it; or goes on.
    pub fn take_home(&mut self, entry: Entry, slots: MapRef, found: Block) {
        let [own, taken, other] = [(); 3].map(|()| self.f.b.create_block());
        let (key, slot) = self.slot_of(entry, slots, other);
        let free = self.f.b.iconst(0);
        let seen = self.f.b.cmpxchg(slot, 0, Size::B8, free, key);
        self.f.b.branch(Cond::Eq, seen, 0, own, &[], taken, &[]);
        // Another CPU may have been faster with the same key.
        self.f.b.switch_to(taken);
        self.f.b.branch(Cond::Eq, seen, key, own, &[], other, &[]);
        self.f.b.switch_to(own);
        let at = self.f.b.add(slot, WORD);
        self.f.b.jump(found, &[at]);
        self.f.b.switch_to(other);
    }

    /// A key and the address of its slot; goes to `none` if it can have none.
    fn slot_of(&mut self, entry: Entry, slots: MapRef, none: Block) -> (Value, Value) {
        let key = self.key_word(entry.key, 0, true);
        self.f.b.branch_away(Cond::Eq, key, 0, none);
        let factor = self.f.b.iconst(FACTOR);
        let offset = self.slot_offset((key, factor), SLOTS, SLOT);
        let table = self.f.b.map_value(slots, 0);
        (key, self.f.b.add(table, offset))
    }
}
