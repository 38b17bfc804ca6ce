//! What all programs of one object share: maps, the data section, counters of losses.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::flags;
use quadrant_program::Program;
use quadrant_program::core::Relocation;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::map::MapValue;
use quadrant_program::probe::Point;
use quadrant_program::probe::PointId;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;

use super::alone;
use super::fault;
use super::groups::Groups;
use super::stays;
use super::walk;
use super::walk::Node;
use crate::object::Data;
use crate::object::Loss;
use crate::object::MapDef;
use crate::object::MapRole;
use crate::object::Object;
use crate::object::SKIP_STRIDE;
use crate::object::Sampling;
use crate::object::Unit;
use crate::ssa::Code;
use crate::ssa::CoreRef;
use crate::ssa::MapRef;
use crate::target::Target;

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
/// The same of a map by stacks with any limit: many samples come with a key that is new.
const TAKEN_FOR_STACKS_MAX: u64 = 8 << 20;
/// Most aggregations without keys that have a map each. A program can use 64 maps; with more than these, those of equal size share one.
const SEPARATE_CELLS: usize = 24;
/// Bytes of an entry of a hash besides key and value.
const ENTRY: u64 = 48;
/// The part of the data section that programs only read: exit flag and start time, alone in a cache line.
const READ_MOSTLY: u32 = 64;
/// Nesting levels that scratch memory serves on each CPU: task, soft interrupt, interrupt, NMI.
pub(super) const SCRATCH_LEVELS: u32 = 4;

/// Where a map of the script is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapPlace {
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
        /// Entries stay when their keys are removed; where they are counted in the data section.
        stays: Option<u32>,
    },
}

/// The object under construction.
pub(super) struct Globals<'a> {
    /// The typed program.
    pub program: &'a Program,
    /// The kernel and the machine.
    pub target: &'a Target,
    /// What the program does with its maps.
    pub usage: Usage,
    /// Maps that stand in another one.
    pub groups: Groups,
    /// Aggregations that are fed by one program at a time on each CPU.
    pub alone: BTreeSet<MapId>,
    maps: Vec<MapDef>,
    data: Data,
    data_map: Option<MapRef>,
    constants: BTreeMap<Vec<u8>, u32>,
    losses: BTreeMap<Loss, u32>,
    lazy: HashMap<MapRole, MapRef>,
    places: Vec<MapPlace>,
    zeros: Option<u32>,
    chills: Option<u32>,
    /// A word that is not 0 when short stacks have found no room.
    pub short_full: Option<u32>,
    scratch_size: u32,
    alike: [Option<Rc<[u32]>>; 2],
    core: Vec<Arc<Relocation>>,
}

/// What a program does that decides how it is compiled.
#[derive(Default)]
pub(super) struct Usage {
    /// Maps whose value programs read back.
    pub read: BTreeSet<MapId>,
    /// Maps from which programs remove keys.
    pub deleted: BTreeSet<MapId>,
    /// Maps that are used in other ways than that values are stored, read and removed by their keys.
    pub otherwise: BTreeSet<MapId>,
    /// Maps whose keys programs count.
    pub counted: BTreeSet<MapId>,
    /// Whether the script can end itself.
    pub exits: bool,
    /// The clauses that run when another one faults, with their point.
    pub on_fault: Rc<[(usize, PointId)]>,
}

impl Usage {
    fn of(program: &Program) -> Usage {
        let mut usage = Usage { on_fault: fault::error_clauses(program).into(), ..Usage::default() };
        for clause in &program.clauses {
            walk::clause(clause, &mut |node| usage.note(node));
        }
        usage.otherwise = stays::used_otherwise(program);
        usage
    }

    fn note(&mut self, node: Node<'_>) {
        match node {
            Node::Stmt(stmt) => match stmt.kind {
                StmtKind::ForMap { map, .. } => drop(self.read.insert(map)),
                StmtKind::Exit { .. } | StmtKind::Stop => self.exits = true,
                _ => {}
            },
            Node::Expr(expr) => self.note_expr(expr),
            Node::End(_) => {}
        }
    }

    fn note_expr(&mut self, expr: &Expr) {
        match expr.kind {
            ExprKind::MapGet { map, .. } => drop(self.read.insert(map)),
            // Other CPUs' parts can only be seen or removed when there are none.
            ExprKind::MapHas { map, key: None } | ExprKind::MapDelete { map, key: None } => drop(self.read.insert(map)),
            ExprKind::MapDelete { map, .. } => drop(self.deleted.insert(map)),
            ExprKind::MapLen(map) => drop(self.counted.insert(map)),
            _ => {}
        }
    }
}

impl<'a> Globals<'a> {
    /// Lays out the maps of a program.
    pub fn new(program: &'a Program, units: &[Unit], target: &'a Target) -> Globals<'a> {
        let usage = Usage::of(program);
        let mut globals = Globals {
            program,
            target,
            groups: Groups::default(),
            alone: alone::fed_alone(program, units, target, &usage),
            usage,
            maps: Vec::new(),
            data: Data::default(),
            data_map: None,
            constants: BTreeMap::new(),
            losses: BTreeMap::new(),
            lazy: HashMap::new(),
            places: Vec::new(),
            zeros: None,
            chills: None,
            short_full: None,
            scratch_size: 0,
            alike: [None, None],
            core: Vec::new(),
        };
        if globals.usage.exits {
            globals.data.exit_flag = Some(0);
            globals.data.size = READ_MOSTLY;
        }
        for (index, map) in program.maps.iter().enumerate() {
            let place = globals.place(MapId(index as u32), map);
            globals.places.push(place);
        }
        globals
    }

    /// With maps that are alike in groups.
    pub fn grouped(mut self) -> Globals<'a> {
        self.groups = Groups::of(&mut self.maps);
        self
    }

    /// Where a map is kept; `None` for an id that the program does not have.
    pub fn map_place(&self, id: MapId) -> Option<MapPlace> {
        self.places.get(id.0 as usize).copied()
    }

    /// A map as the script declares it.
    pub fn map(&self, id: MapId) -> Option<&'a Map> {
        self.program.maps.get(id.0 as usize)
    }

    /// The data section.
    pub fn data_map(&mut self) -> MapRef {
        *self.data_map.get_or_insert_with(|| {
            let def = MapDef {
                role: MapRole::Data,
                kind: MapKind::Array as u32,
                key_size: 4,
                value_size: 0,
                max_entries: 1,
                flags: flags::MMAPABLE,
            };
            push(&mut self.maps, def)
        })
    }

    /// Offset of the exit flag, when the script can end itself.
    pub fn exit_flag(&self) -> Option<u32> {
        self.data.exit_flag
    }

    /// For each point of the program the first that is shown like it, by name or (`by_func`) by function.
    pub fn points_alike(&mut self, by_func: bool) -> Rc<[u32]> {
        let points = &self.program.points;
        let shown = |point: &'a Point| if by_func { point.func.as_str() } else { point.name.as_str() };
        let find = || {
            let mut first = HashMap::new();
            points.iter().zip(0..).map(|(point, index)| *first.entry(shown(point)).or_insert(index)).collect()
        };
        Rc::clone(self.alike[usize::from(by_func)].get_or_insert_with(find))
    }

    /// Offset of the time of the start.
    pub fn start_ns(&mut self) -> u32 {
        self.data.size = self.data.size.max(READ_MOSTLY);
        *self.data.start_ns.get_or_insert(8)
    }

    /// Offset of the result of a test.
    pub fn result(&mut self) -> u32 {
        self.reserve_once(|globals| &mut globals.data.result, 8)
    }

    /// The number of something that the loader adjusts; equal ones have one.
    pub fn core(&mut self, relocation: &Arc<Relocation>) -> CoreRef {
        let known = self.core.iter().position(|known| known == relocation);
        let at = known.unwrap_or_else(|| {
            self.core.push(Arc::clone(relocation));
            self.core.len() - 1
        });
        CoreRef(at as u32)
    }

    /// Offset of the counter of a loss.
    pub fn loss(&mut self, loss: Loss) -> u32 {
        if let Some(at) = self.losses.get(&loss) {
            return *at;
        }
        let at = self.reserve(8);
        self.losses.insert(loss, at);
        at
    }

    /// Offset of a loss's counter for the first CPU, and the power of two of CPUs that there is room for.
    pub fn loss_by_cpu(&mut self, loss: Loss) -> (u32, u32) {
        let span = self.target.ncpus.max(1).next_power_of_two();
        if let Some((_, at)) = self.data.losses_by_cpu.iter().find(|(known, _)| *known == loss) {
            return (*at, span);
        }
        let at = self.reserve(8 * span);
        self.data.losses_by_cpu.push((loss, at));
        self.data.cpus = self.target.ncpus.max(1);
        (at, span)
    }

    /// Offset of the counter of a unit's runs.
    pub fn runs(&mut self, unit: usize) -> u32 {
        if let Some((_, at)) = self.data.runs.iter().find(|(known, _)| *known == unit) {
            return *at;
        }
        let at = self.reserve(8);
        self.data.runs.push((unit, at));
        at
    }

    /// Offset of the words of speculations, and the power of two of them that there is room for.
    pub fn speculations(&mut self) -> (u32, u32) {
        let span = self.program.config.speculations.max(1).next_power_of_two();
        (self.reserve_once(|globals| &mut globals.data.speculations, 8 * span), span)
    }

    /// Offset of two words for each CPU that account for `chill`, and the power of two of CPUs that there is room for.
    pub fn chills(&mut self) -> (u32, u32) {
        let span = self.target.ncpus.max(1).next_power_of_two();
        (self.reserve_once(|globals| &mut globals.chills, 16 * span), span)
    }

    /// Offset of the mask of programs that may leave out firings.
    pub fn sample_mask(&mut self) -> u32 {
        self.sampling().mask
    }

    fn sampling(&mut self) -> &mut Sampling {
        self.data.size = self.data.size.max(READ_MOSTLY);
        self.data.sampling.get_or_insert_with(|| Sampling { mask: 16, skipped: Vec::new() })
    }

    /// Offset of a counter of firings left out, one for each CPU, and the power of two of CPUs that there is room for.
    pub fn skipped(&mut self, loss: Loss) -> (u32, u32) {
        let span = self.target.ncpus.max(1).next_power_of_two();
        if let Some((_, at)) = self.sampling().skipped.iter().find(|(known, _)| *known == loss) {
            return (*at, span);
        }
        self.data.size = self.data.size.next_multiple_of(SKIP_STRIDE);
        let at = self.reserve(SKIP_STRIDE * span);
        self.sampling().skipped.push((loss, at));
        (at, span)
    }

    /// Offset of constant bytes, filled with zeros to `len`.
    pub fn constant(&mut self, mut bytes: Vec<u8>, len: u32) -> u32 {
        bytes.resize(bytes.len().max(len as usize), 0);
        if let Some(at) = self.constants.get(&bytes) {
            return *at;
        }
        let at = self.reserve(bytes.len() as u32);
        self.data.init.push((at, bytes.clone()));
        self.constants.insert(bytes, at);
        at
    }

    /// Offset of zeros, as many as the largest value of a map has.
    pub fn zeros(&mut self) -> u32 {
        if let Some(at) = self.zeros {
            return at;
        }
        let len = self.program.maps.iter().map(value_size).max().unwrap_or(0);
        let at = self.reserve(len);
        self.zeros = Some(at);
        at
    }

    /// Where records go.
    pub fn records(&mut self) -> MapRef {
        let target = self.target;
        self.lazy(MapRole::Records, || match target.ring_buffer {
            true => MapDef {
                role: MapRole::Records,
                kind: MapKind::RingBuffer as u32,
                key_size: 0,
                value_size: 0,
                max_entries: target.ring_bytes,
                flags: 0,
            },
            false => events(MapRole::Records, target.ncpus),
        })
    }

    /// Where packets go.
    pub fn packets(&mut self) -> MapRef {
        let ncpus = self.target.ncpus;
        self.lazy(MapRole::Packets, || events(MapRole::Packets, ncpus))
    }

    /// Scratch memory: [`SCRATCH_LEVELS`] entries a CPU.
    pub fn scratch(&mut self) -> MapRef {
        let entries = self.target.ncpus.saturating_mul(SCRATCH_LEVELS);
        self.lazy(MapRole::Scratch, || MapDef {
            role: MapRole::Scratch,
            kind: MapKind::Array as u32,
            key_size: 4,
            value_size: 0,
            max_entries: entries,
            flags: 0,
        })
    }

    /// A program uses that many bytes of an entry of scratch memory.
    pub fn grow_scratch(&mut self, bytes: u32) {
        self.scratch_size = self.scratch_size.max(bytes);
    }

    /// The finished object.
    pub fn finish(mut self, programs: Vec<Code>) -> Object {
        self.data.losses = std::mem::take(&mut self.losses).into_iter().collect();
        if self.data.size > 0 && self.data_map.is_none() {
            // The session still finds its words there.
            self.data_map();
        }
        for def in &mut self.maps {
            match def.role {
                MapRole::Data => def.value_size = self.data.size,
                // Entries of different CPUs share no cache line.
                MapRole::Scratch => def.value_size = self.scratch_size.next_multiple_of(64),
                _ => {}
            }
        }
        Object { maps: self.maps, groups: self.groups.all, programs, data: self.data, core: self.core }
    }

    /// The map of a role, made when it is first wanted.
    pub fn lazy(&mut self, role: MapRole, def: impl FnOnce() -> MapDef) -> MapRef {
        if let Some(map) = self.lazy.get(&role) {
            return *map;
        }
        let map = push(&mut self.maps, def());
        self.lazy.insert(role, map);
        map
    }

    /// Offset of so many bytes of the data section that nobody else has.
    pub fn reserve(&mut self, bytes: u32) -> u32 {
        // The first line is left to what is only read.
        let at = self.data.size.max(READ_MOSTLY);
        self.data.size = at + layout::round_up(bytes);
        at
    }

    /// Room that is asked for many times, and reserved once.
    fn reserve_once(&mut self, slot: impl Fn(&mut Self) -> &mut Option<u32>, bytes: u32) -> u32 {
        if let Some(at) = *slot(self) {
            return at;
        }
        let at = self.reserve(bytes);
        *slot(self).insert(at)
    }

    fn place(&mut self, id: MapId, map: &Map) -> MapPlace {
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
        let shared = !aggregation || adds || self.is_shared(id, size);
        let kind = match (shared, declared.forgets) {
            (true, false) => MapKind::Hash,
            (false, false) => MapKind::PercpuHash,
            (true, true) => MapKind::LruHash,
            (false, true) => MapKind::LruPercpuHash,
        };
        // The kernel refuses the flag for maps that forget.
        let all = u64::from(entries) * (ENTRY + u64::from(key_size) + u64::from(size));
        let most = match adds && declared.key.as_ref().is_some_and(is_of_stacks) {
            _ if are_many => TAKEN_AT_ONCE_MAX,
            true => TAKEN_FOR_STACKS_MAX,
            false => 0,
        };
        let at_once = declared.forgets || (shared && all <= most);
        let flags = if self.target.no_prealloc && !at_once { flags::NO_PREALLOC } else { 0 };
        let stays = self.entries_stay(id, declared).then(|| self.reserve(8));
        // Those that stay take no room from keys that are there.
        let (size, entries) = if stays.is_some() { (stays::SIZE, entries + stays::MOST) } else { (size, entries) };
        let def = script_map(id, kind, key_size, size, entries, flags);
        let map = push(&mut self.maps, def);
        let short = self.short_key(declared).map(|key| {
            let def = script_map(id, kind, layout::size(&key), size, entries, flags);
            push(&mut self.maps, MapDef { role: MapRole::Short(id), ..def })
        });
        let overflows = !shared && flags == flags::NO_PREALLOC && size >= BIG_PART && only_adds(&declared.value);
        let overflow = (overflows && !self.usage.counted.contains(&id)).then(|| {
            let def = script_map(id, MapKind::Hash, key_size, size, entries, flags);
            push(&mut self.maps, MapDef { role: MapRole::Overflow(id), ..def })
        });
        MapPlace::Keyed { map, short, overflow, churns: self.usage.deleted.contains(&id), shared, stays }
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

/// A map of one perf buffer for each CPU.
fn events(role: MapRole, cpus: u32) -> MapDef {
    MapDef { role, kind: MapKind::PerfEventArray as u32, key_size: 4, value_size: 4, max_entries: cpus, flags: 0 }
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

fn push(maps: &mut Vec<MapDef>, def: MapDef) -> MapRef {
    maps.push(def);
    MapRef(maps.len() as u32 - 1)
}

fn script_map(id: MapId, kind: MapKind, key_size: u32, value_size: u32, max_entries: u32, flags: u32) -> MapDef {
    MapDef { role: MapRole::Script(id), kind: kind as u32, key_size, value_size, max_entries, flags }
}

/// Bytes of a map's stored value; an aggregation without a key has one word more ("fed").
pub(super) fn value_size(map: &Map) -> u32 {
    match &map.value {
        MapValue::Plain(ty) => layout::size(ty),
        MapValue::Aggregation(kind) => 8 * (kind.words() + u32::from(map.key.is_none())),
    }
}
