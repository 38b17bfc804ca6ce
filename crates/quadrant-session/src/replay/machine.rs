//! The user-space machine with a compiled program in it.

use std::collections::VecDeque;

use quadrant_bpf::insn::Insn;
use quadrant_bpf::map::MapKind;
use quadrant_bpf::map::MapSpec;
use quadrant_codegen::MapRole;
use quadrant_codegen::Object;
use quadrant_codegen::Target;
use quadrant_codegen::object::MapDef;
use quadrant_program::layout;
use quadrant_program::map::MapId;
use quadrant_program::recording::FAULT_SHIFT;
use quadrant_program::recording::FIRST_SLOT;
use quadrant_program::recording::SLOT;
use quadrant_program::recording::Split;
use quadrant_program::recording::Walked;
use quadrant_program::recording::walk_number;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;
use quadrant_vm::Round;
use quadrant_vm::Vm;
use quadrant_vm::Walks;

use super::Event;
use super::Given;
use super::Host;
use crate::error::Error;
use crate::load::map_kind;
use crate::programs::relocate;
use crate::target::growing_stacks;

/// Keys of a map without a size of its own.
const MAP_KEYS: u32 = 1 << 16;
/// Bytes of records that one event can send.
const RING_BYTES: u32 = 1 << 24;
/// Where recorded texts are put in the machine's kernel memory; there is at least so much of nothing between them.
const MEMORY: u64 = 0xffff_8880_0000_0000;
const GAP: u64 = 1 << 12;
/// Where lists are, each with so much room that nobody reads beyond it.
const LISTS: u64 = 0xffff_8900_0000_0000;
const LIST_ROOM: u64 = 1 << 32;

/// A machine, its maps and programs.
pub(super) struct Machine {
    pub(super) vm: Vm<FakeEnv>,
    pub(super) object: Object,
    pub(super) cpus: usize,
    /// The machine's numbers of the object's maps.
    pub(super) maps: Vec<i32>,
    programs: Vec<Vec<Insn>>,
    /// How many inputs there are in all.
    slots: usize,
    /// Loops over maps that go as they went.
    walks: Vec<(Walked, Order)>,
    lossy: bool,
}

/// The keys of a map of the script over which a loop goes.
struct Order {
    key: Type,
    /// The machine's maps: for all keys or the long ones, and for the short ones.
    maps: [Option<i32>; 2],
}

/// What the machine can do: all that is newest, but change the world.
pub(super) fn target(host: Host, asked_keys: Option<u32>) -> Target {
    Target {
        wall_offset_ns: host.wall_offset_ns,
        ring_bytes: RING_BYTES,
        write_user: false,
        override_return: false,
        numbers_walks: true,
        map_keys: MAP_KEYS,
        stack_keys: growing_stacks(asked_keys),
        fronts: false,
        ..Target::newest(host.cpus)
    }
}

impl Machine {
    /// With all maps empty.
    pub(super) fn new(object: Object, host: Host, split: &Split) -> Machine {
        let cpus = host.cpus as usize;
        let mut vm = Vm::new(FakeEnv::default(), cpus);
        let maps: Vec<i32> = object.maps.iter().map(|def| vm.add_map(spec(def))).collect();
        object
            .groups
            .iter()
            .for_each(|group| vm.put_maps(maps[group.outer], group.members.iter().map(|map| maps[*map])));
        let programs = object.programs.iter().map(|code| relocate(code, |map| maps[map])).collect();
        let (slots, walks, lossy) = (split.slots, Vec::new(), host.lossy);
        let mut machine = Machine { vm, object, cpus, maps, programs, slots, walks, lossy };
        machine.vm.walks.have_numbers = true;
        let walks = split.walks.iter();
        machine.walks = walks.filter_map(|walked| Some((*walked, machine.order_in(split, walked.map)?))).collect();
        let mut data = vec![0; machine.object.data.size as usize];
        for (at, bytes) in &machine.object.data.init {
            data[*at as usize..*at as usize + bytes.len()].copy_from_slice(bytes);
        }
        machine.set_data(&data);
        machine
    }

    /// The machine's number of the map with a role.
    pub(super) fn map(&self, role: MapRole) -> Option<(i32, &MapDef)> {
        let index = self.object.maps.iter().position(|def| def.role == role)?;
        Some((self.maps[index], &self.object.maps[index]))
    }

    fn order_in(&self, split: &Split, id: MapId) -> Option<Order> {
        let key = split.replayer.maps[id.0 as usize].key.clone()?;
        let maps = [MapRole::Script(id), MapRole::Short(id)].map(|role| self.map(role).map(|(map, _)| map));
        Some(Order { key, maps })
    }

    /// The data section.
    pub(super) fn data(&self) -> Vec<u8> {
        let map = self.map(MapRole::Data);
        map.and_then(|(map, _)| self.vm.lookup(map, &0u32.to_ne_bytes(), 0)).unwrap_or_default()
    }

    /// Writes the data section.
    pub(super) fn set_data(&mut self, data: &[u8]) {
        if let Some((map, _)) = self.map(MapRole::Data) {
            self.vm.update(map, &0u32.to_ne_bytes(), data, 0);
        }
    }

    /// Runs a program on an event; the records that it sent.
    ///
    /// # Errors
    /// A program that the machine stops: a fault of the compiler. A list that is too short.
    pub(super) fn run(&mut self, program: usize, cookie: u64, event: &Event) -> Result<Vec<Vec<u8>>, Error> {
        self.vm.env.cookie = cookie;
        let ctx = self.arrange(event);
        let outcome = self.vm.run(&self.programs[program], &ctx);
        outcome.map_err(|error| Error::Log(format!("the replayed program was stopped: {error}")))?;
        if let Some(error) = self.astray(event) {
            return Err(error);
        }
        if let Some(missed) = self.vm.env.missed.filter(|_| !self.lossy) {
            return Err(short(event, missed));
        }
        let records = self.map(MapRole::Records).map(|(map, _)| map);
        Ok(records.map(|map| self.vm.take_records(map)).unwrap_or_default())
    }

    /// Makes the world that of an event; gives the context.
    fn arrange(&mut self, event: &Event) -> Vec<u8> {
        let cpus = self.cpus.max(1);
        let env = &mut self.vm.env;
        env.cpu = event.cpu as usize % cpus;
        (env.pid, env.tid, env.now) = (event.pid, event.tid, event.time_ns);
        env.tick = 0;
        env.kernel_stack = Ok(event.kernel_stack.clone());
        env.user_stack = Ok(event.user_stack.clone());
        (env.kernel, env.missed, env.watched) = (Default::default(), None, LISTS);
        let mut ctx = vec![0; FIRST_SLOT as usize + self.slots * SLOT as usize];
        let mut memory = Memory { env, next: MEMORY, next_list: LISTS };
        for (slot, input) in &event.inputs {
            let at = FIRST_SLOT as usize + slot * SLOT as usize;
            ctx[at..at + SLOT as usize].copy_from_slice(&memory.cell(input));
        }
        self.order(event);
        ctx
    }

    /// Has walks over maps go as they went in the event.
    fn order(&mut self, event: &Event) {
        let rounds = |(walked, order): &(Walked, Order)| {
            Some((walk_number(walked.var), order.rounds(keys_of(event, walked.slot)?)))
        };
        let rounds = self.walks.iter().filter_map(rounds);
        self.vm.walks.rounds = rounds.collect();
        self.vm.walks.astray = None;
    }

    /// That a walk did not go as it went in the event, if one did not.
    fn astray(&self, event: &Event) -> Option<Error> {
        let Walks { rounds, astray, .. } = &self.vm.walks;
        let astray = astray.filter(|_| !self.lossy)?;
        let (Walked { slot, .. }, _) = self.walks.iter().find(|(walked, _)| walk_number(walked.var) == astray)?;
        let all = keys_of(event, *slot).map_or(0, <[_]>::len);
        let left = rounds.get(&astray).map_or(0, VecDeque::len);
        let (line, slot, values) = (event.line, *slot, all - left);
        Some(match left {
            0 => Error::Short { line, slot, values },
            _ => Error::Astray { line, slot, round: values + 1 },
        })
    }
}

fn keys_of(event: &Event, slot: usize) -> Option<&[Given]> {
    let (_, keys) = event.inputs.iter().find(|(other, _)| *other == slot)?;
    if let Given::Series(keys) = keys { Some(keys) } else { None }
}

impl Order {
    fn rounds(&self, keys: &[Given]) -> VecDeque<Round> {
        let keys = keys.iter().filter_map(|key| if let Given::Bytes(key) = key { Some(key) } else { None });
        keys.map(|wide| self.round(wide)).collect()
    }

    fn round(&self, wide: &[u8]) -> Round {
        let [all, short] = self.maps;
        let short = short.map(|map| (map, shortened(&self.key, wide)));
        all.map(|map| (map, wide.to_vec())).into_iter().chain(short).collect()
    }
}

fn shortened(key: &Type, wide: &[u8]) -> Vec<u8> {
    let mut short = Vec::new();
    layout::shorten_key(key, wide, &mut short);
    short
}

/// The machine's kernel memory, with what an event gives.
struct Memory<'m> {
    env: &'m mut FakeEnv,
    /// Where nothing is yet, and where no list is.
    next: u64,
    next_list: u64,
}

impl Memory<'_> {
    /// What stands for an input: a number or an address, and a length or a fault.
    fn cell(&mut self, input: &Given) -> [u8; SLOT as usize] {
        let (word, len) = match input {
            Given::Number(number) => (*number, 0),
            // Nothing is there; address 0 would be an empty text. Of a buffer, too, a byte is read, and that fails.
            Given::Missing => (self.put(Vec::new()), 1),
            Given::Fault(kind, address) => (*address, (*kind as u64) << FAULT_SHIFT),
            Given::Bytes(bytes) => (self.put([bytes.as_slice(), &[0]].concat()), bytes.len() as u64),
            Given::Series(all) => {
                let cells = all.iter().flat_map(|one| self.cell(one)).collect();
                (self.put_list(cells), 0)
            }
        };
        let mut cell = [0; SLOT as usize];
        cell[..8].copy_from_slice(&word.to_ne_bytes());
        cell[8..].copy_from_slice(&len.to_ne_bytes());
        cell
    }

    /// The address of a list's cells; what is read behind them can be told from all else.
    fn put_list(&mut self, cells: Vec<u8>) -> u64 {
        let address = self.next_list;
        self.next_list += LIST_ROOM;
        if !cells.is_empty() {
            self.env.kernel.put(address, cells);
        }
        address
    }

    /// The address of bytes; behind them is nothing.
    fn put(&mut self, bytes: Vec<u8>) -> u64 {
        let address = self.next;
        self.next += (bytes.len() as u64).next_multiple_of(GAP) + GAP;
        if !bytes.is_empty() {
            self.env.kernel.put(address, bytes);
        }
        address
    }
}

/// The list behind which an address is that was missed: they are in the order of the inputs.
fn short(event: &Event, missed: u64) -> Error {
    let mut lists = event.inputs.iter().filter_map(|(slot, input)| match input {
        Given::Series(all) => Some((*slot, all.len())),
        _ => None,
    });
    let index = ((missed - LISTS) / LIST_ROOM) as usize;
    let (slot, values) = lists.nth(index).unwrap_or_default();
    Error::Short { line: event.line, slot, values }
}

fn spec(def: &MapDef) -> MapSpec {
    let kind = map_kind(def.kind).unwrap_or(MapKind::Hash);
    MapSpec::new(kind, def.key_size, def.value_size, def.max_entries).with_flags(def.flags)
}
