//! Where the maps of the script are kept: in which kind of map of the kernel, or in the data section.

use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::flags;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::ty::Type;

use super::Globals;
use super::push;
use crate::lower::front::Front;
use crate::lower::stays;
use crate::object::MapDef;
use crate::object::MapRole;
use crate::ssa::MapRef;

/// Largest value of a per-CPU map (`PCPU_MIN_UNIT_SIZE` of the kernel).
const PERCPU_VALUE_MAX: u32 = 32 << 10;
/// Greatest number of keys with a part for each CPU: each part is memory of its own, which the kernel finds slowly (a new key takes 14
/// microseconds, 1 with one part), and where there are so many keys, hardly two CPUs have the same at once.
const PERCPU_KEYS_MAX: u32 = 1 << 17;
/// Bytes of a part from which on the kernel may have no memory for a new key: programs take per-CPU memory from what was set aside before,
/// and of parts of this size that is few.
const BIG_PART: u32 = 256;
/// Most memory that a map with a limit beyond that takes at creation, in bytes: a new key then costs half.
const TAKEN_AT_ONCE_MAX: u64 = 256 << 20;
/// The same of a map by stacks with any limit, while the [budget](super::Budget) lasts: many samples come with a key that is new.
const TAKEN_FOR_STACKS_MAX: u64 = 8 << 20;
/// Most aggregations without keys that have a map each. A program can use 64 maps; with more than these, those of equal size share one.
const SEPARATE_CELLS: usize = 24;
/// Most memory that a map takes at creation because it gets many keys at once where no memory comes.
const TAKEN_FOR_BURSTS_MAX: u64 = 32 << 20;
/// Bytes of an entry of a hash besides key and value.
const ENTRY: u64 = 48;

/// Where a map of the script is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lower) enum MapPlace {
    /// In the data section: a presence word at this offset, then the value.
    Slot(u32),
    /// One part for each CPU, in a per-CPU array, at this index.
    Cell(MapRef, u32),
    /// One part for all CPUs, addressed directly in an array.
    SharedCell(MapRef),
    /// By key.
    Keyed {
        /// The map.
        map: MapRef,
        /// The map of its short keys.
        short: Option<MapRef>,
        /// Where keys are kept for which the kernel has no memory on each CPU.
        overflow: Option<MapRef>,
        /// Keys are removed by programs, so that a key is mostly new when it is stored.
        churns: bool,
        /// All CPUs share a value.
        shared: bool,
        /// The table in front of it.
        front: Option<Front>,
        /// The slots for its first keys.
        slots: Option<MapRef>,
        /// Entries stay when their keys are removed; where they are counted in the data section.
        stays: Option<u32>,
    },
}

impl Globals<'_> {
    /// Chooses where a map is kept, and makes what it needs.
    pub(super) fn place(&mut self, id: MapId, map: &Map) -> MapPlace {
        let size = value_size(map);
        match (&map.key, &map.value) {
            (None, MapValue::Plain(_)) => {
                let at = self.reserve(8 + size);
                self.data.scalars.push((id, at));
                MapPlace::Slot(at)
            }
            (None, MapValue::Aggregation(_)) => self.cell(id, size),
            (Some(key), value) => {
                let key_size = layout::size(key);
                let aggregation = matches!(value, MapValue::Aggregation(_));
                self.keyed(id, map, key_size, size, aggregation)
            }
        }
    }

    fn cell(&mut self, id: MapId, size: u32) -> MapPlace {
        if self.is_shared(id, size) {
            return MapPlace::SharedCell(push(&mut self.maps, script_map(id, MapKind::Array, 4, size, 1, 0)));
        }
        let def = script_map(id, MapKind::PercpuArray, 4, size, 1, 0);
        match self.program.maps.iter().filter(|map| is_cell(map)).count() > SEPARATE_CELLS {
            true => self.cell_among_others(id, MapDef { role: MapRole::Cells, ..def }),
            false => MapPlace::Cell(push(&mut self.maps, def), 0),
        }
    }

    /// The next entry of the map of all aggregations of that size.
    fn cell_among_others(&mut self, id: MapId, def: MapDef) -> MapPlace {
        let alike = |known: &MapDef| known.role == MapRole::Cells && known.value_size == def.value_size;
        let (map, index) = match self.maps.iter().position(alike) {
            Some(map) => (map, self.maps[map].max_entries),
            None => (push(&mut self.maps, def).0 as usize, 0),
        };
        self.maps[map].max_entries = index + 1;
        self.data.cells.push((id, map, index));
        MapPlace::Cell(MapRef(map as u32), index)
    }

    fn keyed(&mut self, id: MapId, declared: &Map, key_size: u32, size: u32, aggregation: bool) -> MapPlace {
        let entries = declared.max_entries.or(self.program.config.max_map_keys).unwrap_or(self.target.map_keys);
        let are_many = entries > PERCPU_KEYS_MAX;
        let adds = only_adds(&declared.value) && (are_many || declared.key.as_ref().is_some_and(is_dear));
        let all = u64::from(entries) * (ENTRY + u64::from(key_size) + u64::from(size));
        let bursts = self.bursts(id, declared, all);
        let shared = !aggregation || adds || bursts || self.is_shared(id, size);
        let kind = match (shared, declared.forgets) {
            (true, false) => MapKind::Hash,
            (false, false) => MapKind::PercpuHash,
            (true, true) => MapKind::LruHash,
            (false, true) => MapKind::LruPercpuHash,
        };
        let by_stacks = adds && declared.key.as_ref().is_some_and(is_of_stacks);
        // The kernel refuses the flag for maps that forget.
        let at_once = declared.forgets || bursts || (shared && self.is_taken_at_once(all, are_many, by_stacks));
        let flags = if self.target.no_prealloc && !at_once { flags::NO_PREALLOC } else { 0 };
        let stays = (!bursts && self.entries_stay(id, declared)).then(|| self.reserve(8));
        // Those that stay take no room from keys that are there.
        let (size, entries) = if stays.is_some() { (stays::SIZE, entries + stays::MOST) } else { (size, entries) };
        let def = script_map(id, kind, key_size, size, entries, flags);
        let map = push(&mut self.maps, def);
        let short = self.short_key(declared).filter(|_| !bursts).map(|key| {
            let def = script_map(id, kind, layout::size(&key), size, entries, flags);
            push(&mut self.maps, MapDef { role: MapRole::Short(id), ..def })
        });
        let overflows = !shared && flags == flags::NO_PREALLOC && size >= BIG_PART && only_adds(&declared.value);
        let overflow = (overflows && !self.usage.counted.contains(&id)).then(|| {
            let def = script_map(id, MapKind::Hash, key_size, size, entries, flags);
            push(&mut self.maps, MapDef { role: MapRole::Overflow(id), ..def })
        });
        let has_front = kind == MapKind::PercpuHash && short.is_none() && !self.is_limited(declared);
        let front = has_front.then(|| self.front(id, declared)).flatten();
        let slots = stays.and_then(|_| self.slots(id, declared));
        MapPlace::Keyed { map, short, overflow, front, slots, churns: self.usage.deleted.contains(&id), shared, stays }
    }

    /// Whether the memory for all keys of a map with one part, so many bytes, is taken at creation.
    fn is_taken_at_once(&mut self, bytes: u64, are_many: bool, by_stacks: bool) -> bool {
        if are_many {
            return bytes <= TAKEN_AT_ONCE_MAX;
        }
        let is_taken = by_stacks && bytes <= TAKEN_FOR_STACKS_MAX.min(self.budget.keys);
        if is_taken {
            self.budget.keys -= bytes;
        }
        is_taken
    }

    /// Whether a map that grows would have no memory for the keys that come at once, and all of it, so many bytes, is taken before.
    fn bursts(&self, id: MapId, declared: &Map, bytes: u64) -> bool {
        let grows = self.target.no_prealloc && !declared.forgets;
        grows && self.usage.bursts.contains(&id) && bytes <= TAKEN_FOR_BURSTS_MAX
    }

    /// Whether entries of a map stay when their keys are removed: a map of numbers without a limit of its own, which takes memory
    /// as keys come.
    fn entries_stay(&self, id: MapId, map: &Map) -> bool {
        let number = matches!(&map.value, MapValue::Plain(ty) if ty.is_integer() || matches!(ty, Type::Pointer { .. }));
        let comes_and_goes = self.usage.deleted.contains(&id) && !self.usage.otherwise.contains(&id);
        number && comes_and_goes && !self.is_limited(map) && self.short_key(map).is_none()
    }

    /// Whether the script or its settings say how many keys a map may have, or all its memory is taken at once.
    fn is_limited(&self, map: &Map) -> bool {
        map.forgets
            || map.max_entries.is_some()
            || self.program.config.max_map_keys.is_some()
            || !self.target.no_prealloc
    }

    /// The type of the short keys of a map that keeps them apart: one without a limit of its own, which takes memory as keys come.
    fn short_key(&self, map: &Map) -> Option<Type> {
        map.key.as_ref().filter(|_| !self.is_limited(map)).and_then(layout::short_key)
    }

    /// Whether an aggregation has one part for all CPUs: programs read it, or a part is too big for per-CPU memory.
    fn is_shared(&self, id: MapId, size: u32) -> bool {
        self.usage.read.contains(&id) || size > PERCPU_VALUE_MAX
    }
}

/// An aggregation to whose words numbers are added: all CPUs can do that at once, and none has to try again.
fn only_adds(value: &MapValue) -> bool {
    matches!(value, MapValue::Aggregation(aggregation) if aggregation.only_adds())
}

/// Whether a map is an aggregation without keys.
fn is_cell(map: &Map) -> bool {
    map.key.is_none() && matches!(map.value, MapValue::Aggregation(_))
}

/// Whether a key is dearer to make than an addition that all CPUs do in one place, and mostly one of many: a stack, or a long text.
fn is_dear(key: &Type) -> bool {
    match key {
        Type::Stack(_) => true,
        Type::Tuple(parts) => parts.iter().any(is_dear),
        _ => layout::short_key(key).is_some(),
    }
}

/// Whether a key has a stack, so that many events come with a new one, and no long text, for which there would be another map.
fn is_of_stacks(key: &Type) -> bool {
    let has_stack = match key {
        Type::Tuple(parts) => parts.iter().any(|part| matches!(part, Type::Stack(_))),
        _ => matches!(key, Type::Stack(_)),
    };
    has_stack && layout::short_key(key).is_none()
}

fn script_map(id: MapId, kind: MapKind, key_size: u32, value_size: u32, max_entries: u32, flags: u32) -> MapDef {
    MapDef { role: MapRole::Script(id), kind: kind as u32, key_size, value_size, max_entries, flags }
}

/// Bytes of a map's stored value; an aggregation without a key has one word more ("fed").
pub(crate) fn value_size(map: &Map) -> u32 {
    match &map.value {
        MapValue::Plain(ty) => layout::size(ty),
        MapValue::Aggregation(kind) => 8 * (kind.words() + u32::from(map.key.is_none())),
    }
}
