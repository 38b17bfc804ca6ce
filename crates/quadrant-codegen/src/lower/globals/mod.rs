//! What all programs of one object share: maps, the data section, counters of losses.

mod places;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::flags;
use quadrant_program::Program;
use quadrant_program::clears;
use quadrant_program::core::Relocation;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::probe::Point;
use quadrant_program::probe::PointId;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;

pub(super) use places::MapPlace;
pub(crate) use places::value_size;

use super::alone;
use super::bursts;
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

/// The part of the data section that programs only read: exit flag and start time, alone in a cache line.
const READ_MOSTLY: u32 = 64;
/// Nesting levels that scratch memory serves on each CPU: task, soft interrupt, interrupt, NMI.
pub(super) const SCRATCH_LEVELS: u32 = 4;

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
    /// What may still be spent to save time.
    pub budget: Budget,
    short_full: BTreeMap<u8, Option<u32>>,
    scratch_size: u32,
    alike: [Option<Rc<[u32]>>; 2],
    core: Vec<Arc<Relocation>>,
}

/// What may still be spent to save time.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Bytes that maps by stacks may take for their keys at creation.
    pub keys: u64,
    /// Limits of stacks whose short ones are kept apart.
    pub limits: u32,
    /// Maps whose first keys are in arrays.
    pub fronts: u32,
}

impl Budget {
    /// Of a script: with 2 MB for the short stacks of each limit, 32 MB; and 32 KB on each CPU for each table in front.
    const WHOLE: Budget = Budget { keys: 24 << 20, limits: 4, fronts: 8 };
    /// Of one that has more maps than a program can use: none is there only to save time, and those that are alike are so in all.
    const NONE: Budget = Budget { keys: 0, limits: 0, fronts: 0 };
}

/// What a program does that decides how it is compiled.
#[derive(Default)]
pub(super) struct Usage {
    /// Maps whose value programs read back.
    pub read: BTreeSet<MapId>,
    /// Maps of which programs ask whether they have a key.
    pub asked: BTreeSet<MapId>,
    /// Maps from which programs remove keys.
    pub deleted: BTreeSet<MapId>,
    /// Maps that are used in other ways than that values are stored, read and removed by their keys.
    pub otherwise: BTreeSet<MapId>,
    /// Maps to which one firing may give many new keys where interrupts are off.
    pub bursts: BTreeSet<MapId>,
    /// Maps whose keys programs count.
    pub counted: BTreeSet<MapId>,
    /// Maps that user space empties while programs run.
    pub emptied: BTreeSet<MapId>,
    /// Those of them that it does not clear as a whole.
    pub zeroed: BTreeSet<MapId>,
    /// Orders to clear maps that are carried out at once ([`clears::at_once`]).
    pub clears: BTreeSet<RecordId>,
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
        usage.emptied = alone::emptied(program, |_| true);
        usage.zeroed = alone::emptied(program, |kind| matches!(kind, RecordKind::Zero(_) | RecordKind::Firing(_)));
        usage.otherwise = stays::used_otherwise(program);
        usage.clears = clears::at_once(program);
        usage
    }

    /// Whether programs do more with a map than to store.
    pub fn is_looked_at(&self, id: MapId) -> bool {
        [&self.read, &self.deleted, &self.counted, &self.asked].iter().any(|maps| maps.contains(&id))
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
            ExprKind::MapHas { map, .. } => drop(self.asked.insert(map)),
            ExprKind::MapDelete { map, .. } => drop(self.deleted.insert(map)),
            ExprKind::MapLen(map) => drop(self.counted.insert(map)),
            _ => {}
        }
    }
}

impl<'a> Globals<'a> {
    /// Lays out the maps of a program.
    pub fn new(program: &'a Program, units: &[Unit], target: &'a Target) -> Globals<'a> {
        Globals::within(Budget::WHOLE, program, units, target)
    }

    /// The same for a program that would name too many maps: those that are alike are in groups.
    pub fn grouped(program: &'a Program, units: &[Unit], target: &'a Target) -> Globals<'a> {
        let mut globals = Globals::within(Budget::NONE, program, units, target);
        globals.groups = Groups::of(&mut globals.maps);
        globals
    }

    fn within(budget: Budget, program: &'a Program, units: &[Unit], target: &'a Target) -> Globals<'a> {
        let usage = Usage { bursts: bursts::of(program, units), ..Usage::of(program) };
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
            budget,
            short_full: BTreeMap::new(),
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

    /// Where a map is kept; `None` for an id that the program does not have.
    pub fn map_place(&self, id: MapId) -> Option<MapPlace> {
        self.places.get(id.0 as usize).copied()
    }

    /// How many keys a map of the kernel has room for.
    pub fn room(&self, map: MapRef) -> u32 {
        self.maps.get(map.0 as usize).map_or(u32::MAX, |def| def.max_entries)
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

    /// Offset of a word that is not 0 once there was no room for a short stack of this limit.
    pub fn short_stacks_full(&mut self, limit: u8) -> u32 {
        self.reserve_once(|globals| globals.short_full.entry(limit).or_default(), 8)
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

    /// Whether the map of a role has been wanted.
    pub fn has_map(&self, role: MapRole) -> bool {
        self.lazy.contains_key(&role)
    }

    /// Adds a map.
    pub fn push(&mut self, def: MapDef) -> MapRef {
        push(&mut self.maps, def)
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
}

/// A map of one perf buffer for each CPU.
fn events(role: MapRole, cpus: u32) -> MapDef {
    MapDef { role, kind: MapKind::PerfEventArray as u32, key_size: 4, value_size: 4, max_entries: cpus, flags: 0 }
}

fn push(maps: &mut Vec<MapDef>, def: MapDef) -> MapRef {
    maps.push(def);
    MapRef(maps.len() as u32 - 1)
}
