//! Scripts with more maps than a program can use.
//!
//! A program names at most 64 maps of the kernel. A map that is found in another one does not count, so where a program would name
//! more, the maps with keys that are alike stand in an array of maps, and programs look there before each use. To user space they are
//! maps as ever: what is read, cleared and counted is the same.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use quadrant_bpf::helper;
use quadrant_bpf::map::MapKind;

use super::unit::Lower;
use crate::object::Group;
use crate::object::MapDef;
use crate::object::MapRole;
use crate::ssa::Code;
use crate::ssa::Cond;
use crate::ssa::MapRef;
use crate::ssa::RelocKind;
use crate::ssa::Value;

/// Maps that a program can name (`MAX_USED_MAPS` of the kernel).
const MOST: usize = 64;
/// -ENOENT.
const NO_ENTRY: i64 = -2;

/// Which maps stand in another one.
#[derive(Default)]
pub(super) struct Groups {
    places: BTreeMap<u32, (MapRef, u32)>,
    /// The groups.
    pub all: Vec<Group>,
}

impl Groups {
    /// Puts maps that are alike together, and adds the maps in which they stand.
    pub fn of(maps: &mut Vec<MapDef>) -> Groups {
        let mut groups = Groups::default();
        alike(maps).into_iter().filter(|members| members.len() > 1).for_each(|members| groups.add(members, maps));
        groups
    }

    /// The map in which another one stands, and its index there.
    pub fn place(&self, map: MapRef) -> Option<(MapRef, u32)> {
        self.places.get(&map.0).copied()
    }

    fn add(&mut self, members: Vec<usize>, maps: &mut Vec<MapDef>) {
        let outer = MapRef(maps.len() as u32);
        maps.push(MapDef {
            role: MapRole::Group,
            kind: MapKind::ArrayOfMaps as u32,
            key_size: 4,
            value_size: 4,
            max_entries: members.len() as u32,
            flags: 0,
        });
        self.places.extend(members.iter().zip(0..).map(|(member, index)| (*member as u32, (outer, index))));
        self.all.push(Group { outer: outer.index(), members });
    }
}

/// Whether a program names more maps than it can.
pub(super) fn names_too_many(code: &Code) -> bool {
    let map = |kind: RelocKind| match kind {
        RelocKind::Map(map) | RelocKind::MapValue(map) => Some(map.index()),
        _ => None,
    };
    code.relocs.iter().filter_map(|reloc| map(reloc.kind)).collect::<BTreeSet<_>>().len() > MOST
}

/// The maps with keys, by what the kernel wants to be equal in an array of maps.
fn alike(maps: &[MapDef]) -> Vec<Vec<usize>> {
    let mut kinds = BTreeMap::<_, Vec<usize>>::new();
    for (index, def) in maps.iter().enumerate() {
        if [MapKind::Array, MapKind::PercpuArray].iter().all(|kind| *kind as u32 != def.kind) {
            kinds.entry((def.kind, def.key_size, def.value_size, def.flags)).or_default().push(index);
        }
    }
    kinds.into_values().collect()
}

impl Lower<'_, '_> {
    /// Looks up a key, given by its address.
    pub fn lookup_in(&mut self, map: MapRef, key: Value) -> Value {
        self.with_map(map, 0, |lower, map| lower.f.b.call(helper::MAP_LOOKUP_ELEM, &[map, key]))
    }

    /// Removes a key, given by its address; 0 if it was there.
    pub fn delete_in(&mut self, map: MapRef, key: Value) -> Value {
        self.with_map(map, NO_ENTRY, |lower, map| lower.f.b.call(helper::MAP_DELETE_ELEM, &[map, key]))
    }

    /// Stores a value, both given by their addresses; 0 or an error.
    pub fn update_in(&mut self, map: MapRef, (key, value): (Value, Value), flags: i64) -> Value {
        self.with_map(map, NO_ENTRY, |lower, map| {
            let flags = lower.f.b.iconst(flags);
            lower.f.b.call(helper::MAP_UPDATE_ELEM, &[map, key, value, flags])
        })
    }

    /// Does something with a map. `none` would be its result if the map did not stand where it does: only the verifier asks.
    pub fn with_map(&mut self, map: MapRef, none: i64, action: impl FnOnce(&mut Self, Value) -> Value) -> Value {
        let Some((outer, index)) = self.g.groups.place(map) else {
            let map = self.f.b.map_ptr(map);
            return action(self, map);
        };
        let (end, result) = self.join();
        let found = self.f.b.create_block();
        // Not the word on the stack: that may be the value to store.
        let index = self.g.constant(index.to_ne_bytes().to_vec(), 4);
        let index = self.data(index);
        let (outer, index) = (self.f.b.map_ptr(outer), self.address(index));
        let map = self.f.b.call(helper::MAP_LOOKUP_ELEM, &[outer, index]);
        let none = self.f.b.iconst(none);
        self.f.b.branch(Cond::Eq, map, 0, end, &[none], found, &[]);
        self.f.b.switch_to(found);
        let value = action(self, map);
        self.f.b.jump(end, &[value]);
        self.f.b.switch_to(end);
        result
    }
}
