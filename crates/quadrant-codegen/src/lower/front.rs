//! A small table in front of the map of an aggregation.
//!
//! To find a key in the kernel's hash takes longer than all else that `@[comm] = count()` does. So each CPU has a table of slots, where
//! a key that is the first to come to its slot stays, and is found by a multiplication and a comparison. The other keys, and what comes
//! while a slot is being taken, are fed to the map. A key can be in both, and in the tables of several CPUs; its value is all together.
//!
//! No key ever leaves its slot, as programs and user space could meet there: it is done for aggregations that are only fed and shown.
//! One that is cleared, too, must only grow: user space then remembers what is in the slots, and shows the difference.
//! Keys are short, so that comparing them costs less than the kernel's function does.

use quadrant_bpf::map::MapKind;
use quadrant_program::map::Aggregation;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::Type;

use super::globals::Globals;
use super::maps::Entry;
use super::memory::Mem;
use super::stack::FACTOR;
use super::unit::Lower;
use crate::front::BUSY;
use crate::front::FREE;
use crate::front::Shape;
use crate::front::TAKEN;
use crate::object::MapDef;
use crate::object::MapRole;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::Size;
use crate::ssa::Value;

/// Most bytes of a key.
const KEY_MAX: u32 = 32;
/// Fewest slots that are worth it.
const SLOTS_MIN: u32 = 16;
/// Most bytes of a table on all CPUs.
const TABLE_MAX: u64 = 4 << 20;

/// A map's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front {
    /// The kernel's map.
    pub map: MapRef,
    /// What is in a slot.
    pub shape: Shape,
    /// Part of the key is an address, with which the verifier allows no arithmetic.
    has_address: bool,
}

impl Globals<'_> {
    /// The table for a map that is kept by key and CPU, if it can have one.
    pub fn front(&mut self, id: MapId, map: &Map) -> Option<Front> {
        let shape = Shape::of(map);
        let is_short = shape.key <= KEY_MAX && map.key.as_ref().is_some_and(is_plain);
        let size = shape.slots() * shape.slot();
        let is_small = shape.slots() >= SLOTS_MIN && u64::from(size) * u64::from(self.target.ncpus) <= TABLE_MAX;
        let fits = is_small && !matches!(map.value, MapValue::Aggregation(Aggregation::Series(_)));
        let is_only_fed = !self.usage.is_looked_at(id) && self.is_only_cleared(id, map);
        // Without an atomic exchange, two programs of a CPU could take one slot.
        let can_take = self.target.atomic_fetch || self.alone.contains(&id);
        if !self.target.fronts || !is_short || !fits || !is_only_fed || !can_take || self.budget.fronts == 0 {
            return None;
        }
        self.budget.fronts -= 1;
        let kind = MapKind::PercpuArray as u32;
        let role = MapRole::Front(id);
        let def = MapDef { role, kind, key_size: 4, value_size: size, max_entries: 1, flags: 0 };
        let has_address = map.key.as_ref().is_some_and(has_address);
        Some(Front { map: self.push(def), shape, has_address })
    }

    /// Whether user space empties a map by no more than that it forgets what was there.
    fn is_only_cleared(&self, id: MapId, map: &Map) -> bool {
        let is_cleared =
            always_grows(&map.value) && !self.usage.zeroed.contains(&id) && !self.is_cleared_in_programs(id);
        is_cleared || !self.usage.emptied.contains(&id)
    }

    /// Whether a program clears a map itself.
    pub fn is_cleared_in_programs(&self, id: MapId) -> bool {
        let kind = |record: &RecordId| self.program.records.get(record.0 as usize).map(|record| &record.kind);
        self.usage.clears.iter().any(|record| kind(record) == Some(&RecordKind::Clear(id)))
    }
}

/// Whether each feeding leaves more than there was. A sum can be as before, and would be hidden by what is remembered of it.
fn always_grows(value: &MapValue) -> bool {
    match value {
        MapValue::Aggregation(Aggregation::Sum { .. }) | MapValue::Plain(_) => false,
        MapValue::Aggregation(aggregation) => aggregation.only_adds(),
    }
}

impl Lower<'_, '_> {
    /// Goes to `hit` with the part of a key that has a slot or gets one, or goes on.
    pub fn find_in_front(&mut self, front: Front, key: Mem, alone: bool, hit: Block) {
        let [other, taken, unsure, free] = [(); 4].map(|()| self.f.b.create_block());
        let slot = self.slot(front, key, other);
        let word = self.f.b.load(slot, 0, Size::B8);
        self.f.b.branch(Cond::Eq, word, TAKEN, taken, &[], unsure, &[]);
        self.f.b.switch_to(taken);
        for at in (0..front.shape.key as i32).step_by(8) {
            let own = self.key_word(key, at, front.has_address);
            let known = self.f.b.load(slot, 8 + at, Size::B8);
            self.f.b.branch_away(Cond::Ne, known, own, other);
        }
        let part = self.f.b.add(slot, i64::from(front.shape.part_at()));
        self.f.b.jump(hit, &[part]);

        self.f.b.switch_to(unsure);
        self.f.b.branch(Cond::Eq, word, FREE, free, &[], other, &[]);
        self.f.b.switch_to(free);
        self.take_slot(slot, alone, other);
        self.copy(Mem { base: slot, off: 8 }, key, front.shape.key);
        self.f.b.store(slot, 0, Size::B8, TAKEN);
        let part = self.f.b.add(slot, i64::from(front.shape.part_at()));
        self.f.b.jump(hit, &[part]);
        self.f.b.switch_to(other);
    }

    /// The address of the slot of a key; goes to `none` if the kernel gives no table.
    fn slot(&mut self, front: Front, key: Mem, none: Block) -> Value {
        let first = self.word();
        self.f.b.store(first.base, first.off, Size::B4, 0);
        let table = self.lookup(Entry { map: front.map, key: first });
        self.f.b.branch_away(Cond::Eq, table, 0, none);
        let factor = self.f.b.iconst(FACTOR);
        let mut hash = self.key_word(key, 0, front.has_address);
        for at in (8..front.shape.key as i32).step_by(8) {
            let word = self.key_word(key, at, front.has_address);
            let mixed = self.f.b.mul(hash, factor);
            hash = self.f.b.add(mixed, word);
        }
        let offset = self.slot_offset((hash, factor), front.shape.slots(), front.shape.slot());
        self.f.b.add(table, offset)
    }

    /// How far from the first one the slot of a number is, of so many slots of so many bytes: multiplied by [`FACTOR`], numbers that follow
    /// each other are spread over all.
    pub fn slot_offset(&mut self, (number, factor): (Value, Value), slots: u32, size: u32) -> Value {
        let hash = self.f.b.mul(number, factor);
        let index = self.f.b.shr(hash, i64::from(u64::BITS - slots.ilog2()));
        self.f.b.mul(index, i64::from(size))
    }

    /// A word of a key, as a number.
    pub fn key_word(&mut self, key: Mem, at: i32, may_be_address: bool) -> Value {
        let word = self.f.b.load(key.base, key.off + at, Size::B8);
        if may_be_address { self.forget_pointer(word) } else { word }
    }

    /// Takes a free slot, before any other program does that runs on this CPU meanwhile; else goes to `other`.
    fn take_slot(&mut self, slot: Value, alone: bool, other: Block) {
        if alone {
            return;
        }
        let [free, busy] = [FREE, BUSY].map(|word| self.f.b.iconst(word));
        let seen = self.f.b.cmpxchg(slot, 0, Size::B8, free, busy);
        self.f.b.branch_away(Cond::Ne, seen, FREE, other);
    }
}

fn has_address(key: &Type) -> bool {
    match key {
        Type::Tuple(parts) => parts.iter().any(has_address),
        Type::Pointer { .. } | Type::Symbol { .. } => true,
        _ => false,
    }
}

/// Whether a key says all by its bytes: nothing of it is looked up while it is in the map.
pub(super) fn is_plain(key: &Type) -> bool {
    match key {
        Type::Tuple(parts) => parts.iter().all(is_plain),
        Type::Bool
        | Type::Int { .. }
        | Type::Enum(_)
        | Type::Pointer { .. }
        | Type::String { .. }
        | Type::Symbol { user: false, .. }
        | Type::Inet
        | Type::Mac
        | Type::ProbeName
        | Type::ProbeFunc
        | Type::Errno
        | Type::SyscallName
        | Type::SignalName => true,
        _ => false,
    }
}
