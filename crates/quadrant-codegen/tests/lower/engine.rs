//! Runs compiled programs, in the user-space machine or in the kernel, and collects what they did.

use std::collections::BTreeMap;

use quadrant_bpf::btf::{Function, Linkage};
use quadrant_bpf::features::Features;
use quadrant_bpf::map::{Map, MapKind, MapSpec, Update};
use quadrant_bpf::prog::{LogLevel, Program as Loaded, ProgramKind, ProgramSpec};
use quadrant_bpf::ringbuf::RingBuffer;
use quadrant_codegen::front::{Shape, entries_there};
use quadrant_codegen::{
    Code, Context, FuncInfo, Group, LossKind, MapDef, MapRole, Object, RelocKind, Target, Unit, compile,
};
use quadrant_program::map::{MapId, MapValue};
use quadrant_vm::{FakeEnv, Vm};

use crate::build::{Script, target};

/// One firing: which unit, and the words of its context.
pub type Firing = (usize, Vec<u64>);

/// What programs left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Maps in the data section: present, value.
    pub scalars: BTreeMap<u32, (bool, Vec<u8>)>,
    /// Keyed maps and aggregations: key, value (parts of CPUs merged).
    pub maps: BTreeMap<u32, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Losses by kind.
    pub losses: BTreeMap<LossKind, u64>,
    /// Records without the CPU number.
    pub records: Vec<Vec<u8>>,
    /// Whether the exit flag is set.
    pub exited: bool,
}

impl Seen {
    /// The number in a map of the data section.
    pub fn number(&self, map: MapId) -> Option<u64> {
        let (present, value) = self.scalars.get(&map.0)?;
        present.then(|| word(value))
    }

    /// Adds entries. What the kernel had no memory for on each CPU is a part of the same key.
    fn add(&mut self, script: &Script, id: MapId, entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let map = self.maps.entry(id.0).or_default();
        for (key, value) in entries {
            let whole = match map.remove(&key) {
                Some(part) => merge(script, id, &[part, value]),
                None => value,
            };
            map.insert(key, whole);
        }
    }

    /// The words of a key.
    pub fn words(&self, map: MapId, key: &[u8]) -> Option<Vec<u64>> {
        let value = self.maps.get(&map.0)?.get(key)?;
        Some(value.chunks(8).map(word).collect())
    }

    /// The number of a key that is a number.
    pub fn at(&self, map: MapId, key: u64) -> Option<u64> {
        self.words(map, &key.to_ne_bytes())?.first().copied()
    }

    /// The words of an aggregation without a key.
    pub fn cell(&self, map: MapId) -> Vec<u64> {
        self.words(map, &0u32.to_ne_bytes()).unwrap_or_default()
    }

    pub fn lost(&self, kind: LossKind) -> u64 {
        self.losses.get(&kind).copied().unwrap_or(0)
    }
}

/// A word of a value.
pub fn word(bytes: &[u8]) -> u64 {
    bytes.get(..8).map_or(0, |bytes| u64::from_ne_bytes(bytes.try_into().expect("8 bytes")))
}

/// Compiles, which must succeed.
pub fn object_for(script: &Script, target: &Target) -> Object {
    compile(&script.program, &script.units, target).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs in the user-space machine.
pub fn in_machine(script: &Script, env: FakeEnv, firings: &[Firing]) -> Seen {
    Machine::new(script, env).run(script, firings)
}

/// The user-space machine with a script's maps.
pub struct Machine {
    pub vm: Vm<FakeEnv>,
    object: Object,
    pub maps: Vec<i32>,
}

impl Machine {
    pub fn new(script: &Script, env: FakeEnv) -> Machine {
        Machine::with_target(script, env, &target())
    }

    pub fn with_target(script: &Script, env: FakeEnv, target: &Target) -> Machine {
        let mut object = object_for(script, target);
        let mut vm = Vm::new(env, target.ncpus as usize);
        let maps: Vec<i32> = object.maps.iter().map(|def| vm.add_map(spec(def))).collect();
        for group in &object.groups {
            vm.put_maps(maps[group.outer], group.members.iter().map(|map| maps[*map]));
        }
        object.programs.iter_mut().for_each(|code| relocate(code, &maps));
        for (at, def) in object.maps.iter().enumerate() {
            if def.role == MapRole::Data {
                vm.update(maps[at], &0u32.to_ne_bytes(), &initial(&object), 0);
            }
        }
        Machine { vm, object, maps }
    }

    /// The map of a role.
    pub fn map(&self, role: MapRole) -> i32 {
        self.maps[self.object.maps.iter().position(|def| def.role == role).expect("a map of that role")]
    }

    /// From now on one in so many firings counts.
    pub fn sample(&mut self, every: u64) {
        let at = self.object.data.sampling.as_ref().expect("programs that can be sampled").mask as usize;
        let (data, _) =
            self.maps.iter().zip(&self.object.maps).find(|(_, def)| def.role == MapRole::Data).expect("data");
        let mut bytes = self.vm.lookup(*data, &0u32.to_ne_bytes(), 0).expect("arrays are full");
        bytes[at..at + 8].copy_from_slice(&(every - 1).to_ne_bytes());
        self.vm.update(*data, &0u32.to_ne_bytes(), &bytes, 0);
    }

    pub fn run(&mut self, script: &Script, firings: &[Firing]) -> Seen {
        for (unit, words) in firings {
            let ctx: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            let code = &self.object.programs[*unit];
            let outcome = self.vm.run(&code.insns, &ctx);
            outcome.unwrap_or_else(|error| panic!("{error}\n{code}"));
        }
        self.look(script)
    }

    fn look(&mut self, script: &Script) -> Seen {
        let mut seen = Seen::default();
        for (at, def) in self.object.maps.clone().iter().enumerate() {
            let map = self.maps[at];
            match def.role {
                MapRole::Data => {
                    let data = self.vm.lookup(map, &0u32.to_ne_bytes(), 0).expect("arrays are full");
                    look_at_data(&mut seen, script, &self.object, &data);
                }
                MapRole::Records => seen.records = self.vm.take_records(map).into_iter().map(without_cpu).collect(),
                MapRole::Script(id) | MapRole::Short(id) | MapRole::Overflow(id) => {
                    let values = self.vm.keys(map).into_iter().map(|key| {
                        let parts = self.vm.lookup_all(map, &key);
                        let whole = merge(script, id, &parts);
                        (whole_key(script, id, def, key), whole)
                    });
                    seen.add(script, id, values);
                }
                MapRole::Slots(id) => {
                    let slots = self.vm.lookup(map, &0u32.to_ne_bytes(), 0).expect("arrays are full");
                    seen.add(script, id, in_slots(&slots));
                }
                MapRole::Front(id) => {
                    let slots = self.vm.lookup_all(map, &0u32.to_ne_bytes()).concat();
                    seen.add(script, id, in_front(script, id, &slots));
                }
                MapRole::Cells => {
                    look_at_cells(&mut seen, script, &self.object, def, |key| self.vm.lookup_all(map, key))
                }
                MapRole::Scratch => check_free(def, |key| self.vm.lookup(map, key, 0)),
                MapRole::Stacks { .. }
                | MapRole::ShortStacks { .. }
                | MapRole::Packets
                | MapRole::Group
                | MapRole::Import(..) => {}
            }
        }
        seen
    }
}

/// Runs in the kernel; `None` with a printed reason where programs cannot be loaded.
pub fn in_kernel(script: &Script, firings: &[Firing]) -> Option<Seen> {
    let kernel = Kernel::new(script)?;
    Some(kernel.run(script, firings))
}

/// A target without what the running kernel lacks.
pub fn limited(target: &Target) -> Target {
    quadrant_bpf::limits::bump_memlock();
    let features = Features::new();
    Target {
        ring_buffer: target.ring_buffer && features.ring_buffer(),
        bpf_loop: target.bpf_loop && features.bpf_loop(),
        for_each_map_elem: target.for_each_map_elem && features.for_each_map_elem(),
        no_prealloc: target.no_prealloc && features.growing_hash(),
        ktime_tai: target.ktime_tai && features.helper(ProgramKind::Kprobe, quadrant_bpf::helper::KTIME_GET_TAI_NS),
        atomic_fetch: target.atomic_fetch && features.atomic_fetch(),
        ..target.clone()
    }
}

/// Compiled programs in the kernel.
pub struct Kernel {
    pub object: Object,
    pub maps: Vec<Map>,
    pub programs: Vec<Loaded>,
}

impl Kernel {
    pub fn new(script: &Script) -> Option<Kernel> {
        Kernel::with_target(script, &target())
    }

    /// For the running kernel as if it lacked what the target lacks.
    pub fn with_target(script: &Script, target: &Target) -> Option<Kernel> {
        let mut object = match compile(&script.program, &script.units, &limited(target)) {
            Ok(object) => object,
            Err(error) if error.message.contains("this kernel") => {
                eprintln!("skipped: {error}");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        let mut maps = Vec::new();
        for (at, def) in object.maps.iter().enumerate() {
            let group = object.groups.iter().find(|group| group.outer == at);
            match group.map_or_else(|| Map::create(&spec(def)), |group| outer(def, group, &maps)) {
                Ok(map) => maps.push(map),
                Err(error) => {
                    eprintln!("skipped: no access to bpf(2): {error}");
                    return None;
                }
            }
        }
        let data = initial(&object);
        let descriptors: Vec<i32> = maps.iter().map(Map::raw_fd).collect();
        object.programs.iter_mut().for_each(|code| relocate(code, &descriptors));
        for (def, map) in object.maps.iter().zip(&maps) {
            if def.role == MapRole::Data {
                map.update(&0u32.to_ne_bytes(), &data, Update::Any).expect("data section");
            }
        }
        let load = |(code, unit): (&Code, &Unit)| load(code, unit);
        let programs = object.programs.iter().zip(&script.units).map(load).collect();
        Some(Kernel { object, maps, programs })
    }

    pub fn run(&self, script: &Script, firings: &[Firing]) -> Seen {
        for (unit, words) in firings {
            self.programs[*unit].test_run_raw_tp(words).expect("test run");
        }
        self.look(script)
    }

    fn look(&self, script: &Script) -> Seen {
        let mut seen = Seen::default();
        for (def, map) in self.object.maps.iter().zip(&self.maps) {
            match def.role {
                MapRole::Data => {
                    let data = lookup(map, &0u32.to_ne_bytes()).expect("data section");
                    look_at_data(&mut seen, script, &self.object, &data);
                }
                MapRole::Records if map.spec().kind != MapKind::RingBuffer => {}
                MapRole::Records => {
                    let mut ring = RingBuffer::new(map).expect("ring buffer");
                    ring.consume(usize::MAX, |record| seen.records.push(without_cpu(record.to_vec())));
                }
                MapRole::Script(id) | MapRole::Short(id) | MapRole::Overflow(id) => {
                    seen.add(script, id, entries(script, id, def, map));
                }
                MapRole::Slots(id) => {
                    let slots = lookup(map, &0u32.to_ne_bytes()).expect("arrays are full");
                    seen.add(script, id, in_slots(&slots));
                }
                MapRole::Front(id) => {
                    let slots = lookup(map, &0u32.to_ne_bytes()).expect("arrays are full");
                    seen.add(script, id, in_front(script, id, &slots));
                }
                MapRole::Scratch => check_free(def, |key| lookup(map, key)),
                MapRole::Cells => {
                    let part = def.value_size as usize;
                    let parts =
                        |key: &[u8]| lookup(map, key).expect("a cell").chunks(part).map(<[u8]>::to_vec).collect();
                    look_at_cells(&mut seen, script, &self.object, def, parts);
                }
                MapRole::Stacks { .. }
                | MapRole::ShortStacks { .. }
                | MapRole::Packets
                | MapRole::Group
                | MapRole::Import(..) => {}
            }
        }
        seen
    }
}

/// The kind of program that a unit's context belongs to.
pub fn kind(context: &Context) -> ProgramKind {
    match context {
        Context::Tracepoint => ProgramKind::Tracepoint,
        Context::Registers | Context::Session { .. } => ProgramKind::Kprobe,
        Context::PerfEvent => ProgramKind::PerfEvent,
        Context::Run
        | Context::RawTracepoint(_)
        | Context::BtfTracepoint
        | Context::Iter { .. }
        | Context::Function { .. }
        | Context::Syscalls { .. } => ProgramKind::RawTracepoint,
    }
}

fn load(code: &Code, unit: &Unit) -> Loaded {
    let kind = kind(&unit.context);
    let flags = if unit.sleepable { quadrant_bpf::prog::flags::SLEEPABLE } else { 0 };
    let functions: Vec<Function> = code.funcs.iter().map(function).collect();
    let functions = if functions.len() > 1 { functions } else { Vec::new() };
    let spec = ProgramSpec { functions: &functions, flags, ..ProgramSpec::new(kind, &code.insns) };
    Loaded::load(&spec).unwrap_or_else(|_| {
        let (result, log) = Loaded::load_logged(&spec, LogLevel::Failure);
        result.unwrap_or_else(|error| panic!("{error}\n{log}\n{code}"))
    })
}

fn function(info: &FuncInfo) -> Function {
    let linkage = if info.is_static { Linkage::Static } else { Linkage::Global };
    Function { start: info.at, name: info.name.clone(), linkage, arguments: info.params.into() }
}

fn entries(script: &Script, id: MapId, def: &MapDef, map: &Map) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let snapshot = map.snapshot().expect("snapshot");
    let part = def.value_size.next_multiple_of(8) as usize;
    let whole = |value: &[u8]| merge(script, id, &value.chunks(part).map(<[u8]>::to_vec).collect::<Vec<_>>());
    snapshot.iter().map(|(key, value)| (whole_key(script, id, def, key.to_vec()), whole(value))).collect()
}

fn whole_key(script: &Script, id: MapId, def: &MapDef, key: Vec<u8>) -> Vec<u8> {
    match (&script.program.maps[id.0 as usize].key, def.role) {
        (Some(ty), MapRole::Short(_)) => {
            let mut whole = Vec::new();
            quadrant_program::layout::widen_key(ty, &key, &mut whole);
            whole
        }
        _ => key,
    }
}

fn lookup(map: &Map, key: &[u8]) -> Option<Vec<u8>> {
    let mut value = vec![0; map.value_len()];
    map.lookup(key, &mut value).ok()?.then_some(value)
}

fn relocate(code: &mut Code, descriptors: &[i32]) {
    for reloc in &code.relocs {
        code.insns[reloc.at as usize].imm = match reloc.kind {
            RelocKind::Map(map) | RelocKind::MapValue(map) => descriptors[map.index()],
            RelocKind::Kfunc(kfunc) => kfunc.0 as i32,
            RelocKind::Core(_) | RelocKind::Import(_) => continue,
        };
    }
}

fn outer(def: &MapDef, group: &Group, maps: &[Map]) -> quadrant_bpf::Result<Map> {
    let outer = Map::create_of_maps(&spec(def), &maps[group.members[0]])?;
    for (index, member) in (0u32..).zip(&group.members) {
        outer.update(&index.to_ne_bytes(), &maps[*member].raw_fd().to_ne_bytes(), Update::Any)?;
    }
    Ok(outer)
}

fn spec(def: &MapDef) -> MapSpec {
    use MapKind::*;
    let kinds = [
        Hash,
        Array,
        PerfEventArray,
        PercpuHash,
        PercpuArray,
        LruHash,
        LruPercpuHash,
        StackTrace,
        RingBuffer,
        ArrayOfMaps,
    ];
    let kind = kinds.into_iter().find(|kind| *kind as u32 == def.kind).expect("a kind that is used");
    MapSpec::new(kind, def.key_size, def.value_size, def.max_entries).with_flags(def.flags)
}

fn initial(object: &Object) -> Vec<u8> {
    let mut data = vec![0; object.data.size as usize];
    for (at, bytes) in &object.data.init {
        data[*at as usize..*at as usize + bytes.len()].copy_from_slice(bytes);
    }
    data
}

fn look_at_data(seen: &mut Seen, script: &Script, object: &Object, data: &[u8]) {
    let at = |offset: u32| word(&data[offset as usize..]);
    for (id, offset) in &object.data.scalars {
        let MapValue::Plain(ty) = &script.program.maps[id.0 as usize].value else { panic!("an aggregation as data") };
        let start = *offset as usize + 8;
        let value = data[start..start + quadrant_program::layout::size(ty) as usize].to_vec();
        seen.scalars.insert(id.0, (at(*offset) != 0, value));
    }
    for (loss, _, offset) in object.data.loss_words().filter(|(.., offset)| at(*offset) != 0) {
        *seen.losses.entry(loss.kind).or_default() += at(offset);
    }
    let cpus = target().ncpus;
    for (loss, offset) in object.data.sampling.iter().flat_map(|sampling| &sampling.skipped) {
        let count: u64 = (0..cpus).map(|cpu| at(offset + cpu * quadrant_codegen::object::SKIP_STRIDE)).sum();
        *seen.losses.entry(loss.kind).or_default() += count;
    }
    seen.exited = object.data.exit_flag.is_some_and(|offset| at(offset) != 0);
}

/// The aggregations without keys that share a map.
fn look_at_cells(
    seen: &mut Seen,
    script: &Script,
    object: &Object,
    def: &MapDef,
    parts: impl Fn(&[u8]) -> Vec<Vec<u8>>,
) {
    for (id, _, index) in object.data.cells.iter().filter(|(_, map, _)| object.maps[*map] == *def) {
        let whole = merge(script, *id, &parts(&index.to_ne_bytes()));
        seen.maps.entry(id.0).or_default().insert(0u32.to_ne_bytes().to_vec(), whole);
    }
}

/// One value of the values of all CPUs.
/// The keys in the slots of a map whose entries stay, with what entries have.
fn in_slots(slots: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let word = |value: &[u8]| [&1u64.to_ne_bytes(), value].concat();
    entries_there(slots).map(|(key, value)| (key.to_vec(), word(value))).collect()
}

/// The keys in the slots of all CPUs, some more than once.
fn in_front(script: &Script, id: MapId, slots: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let shape = Shape::of(&script.program.maps[id.0 as usize]);
    shape.entries(slots, slots).map(|(key, part)| (key.to_vec(), part.to_vec())).collect()
}

fn merge(script: &Script, id: MapId, parts: &[Vec<u8>]) -> Vec<u8> {
    let MapValue::Aggregation(kind) = &script.program.maps[id.0 as usize].value else { return parts[0].clone() };
    let words = kind.words() as usize;
    let part = |bytes: &Vec<u8>| bytes.chunks(8).take(words).map(word).collect::<Vec<u64>>();
    let mut whole = part(&parts[0]);
    parts[1..].iter().for_each(|bytes| kind.merge(&mut whole, &part(bytes)));
    whole.into_iter().flat_map(u64::to_ne_bytes).collect()
}

fn without_cpu(mut record: Vec<u8>) -> Vec<u8> {
    record[4..8].fill(0);
    record
}

/// No entry of scratch memory may still be taken.
fn check_free(def: &MapDef, lookup: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    for entry in 0..def.max_entries {
        let value = lookup(&entry.to_ne_bytes()).expect("arrays are full");
        assert_eq!(word(&value), 0, "scratch entry {entry} is still taken");
    }
}
