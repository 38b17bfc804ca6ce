//! The machine: maps and memory that outlive single runs.

use quadrant_bpf::insn::Insn;
use quadrant_bpf::map::MapSpec;

use crate::env::Env;
use crate::error::{Step, VmError, VmErrorKind};
use crate::interp::Run;
use crate::map::{Cpu, Map, RecordState, Ring};
use crate::memory::Memory;
use crate::walk::Walks;

/// A machine with maps, memory and an environment.
#[derive(Debug)]
pub struct Vm<E> {
    /// The world around.
    pub env: E,
    /// What is known of walks over maps.
    pub walks: Walks,
    pub(crate) memory: Memory,
    pub(crate) maps: Vec<Map>,
    cpus: usize,
}

/// Result of a run that was not stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What the program returned.
    pub r0: u64,
    /// How many instructions were executed.
    pub executed: u64,
}

/// Instructions that a run may execute.
const BUDGET: u64 = 10_000_000;

impl<E: Env> Vm<E> {
    /// A machine with so many processors.
    pub fn new(env: E, cpus: usize) -> Vm<E> {
        Vm { env, walks: Walks::default(), memory: Memory::default(), maps: Vec::new(), cpus: cpus.max(1) }
    }

    /// Adds a map. The number is what programs have in place of a descriptor.
    pub fn add_map(&mut self, spec: MapSpec) -> i32 {
        let map = Map::new(spec, self.cpus, &mut self.memory);
        self.maps.push(map);
        self.maps.len() as i32 - 1
    }

    /// Puts maps into a map of maps, at its indices 0, 1, and so on.
    pub fn put_maps(&mut self, outer: i32, members: impl Iterator<Item = i32>) {
        for (index, member) in (0_u32..).zip(members) {
            let handle = self.maps[member as usize].handle;
            self.maps[outer as usize].put_map(index, handle);
        }
    }

    /// Runs a program whose context is `ctx` (read-only).
    pub fn run(&mut self, insns: &[Insn], ctx: &[u8]) -> Result<Outcome, VmError> {
        let ctx = self.memory.add(ctx.to_vec(), false);
        let outcome = self.run_with(insns, &[ctx]);
        self.memory.remove(ctx);
        outcome
    }

    /// Runs a program with those values in r1, r2, ... (at most five).
    pub fn run_with(&mut self, insns: &[Insn], args: &[u64]) -> Result<Outcome, VmError> {
        let mut run = Run::new(self, insns, BUDGET);
        let result = run.enter(args);
        let executed = BUDGET - run.left;
        let at = run.at;
        for map in &mut self.maps {
            map.bury(&mut self.memory);
        }
        let leaked = self.maps.iter_mut().map(|map| abandon(&mut map.ring, &mut self.memory)).sum();
        match result {
            Err(kind) => Err(VmError { at, kind }),
            Ok(_) if leaked > 0 => Err(VmError { at, kind: VmErrorKind::LeakedReservations(leaked) }),
            Ok(r0) => Ok(Outcome { r0, executed }),
        }
    }

    /// The value of a key, for one processor (ignored by kinds that have one for all).
    pub fn lookup(&self, map: i32, key: &[u8], cpu: usize) -> Option<Vec<u8>> {
        let addr = self.map(map)?.lookup(key, cpu)?;
        self.memory.content(addr).map(<[u8]>::to_vec)
    }

    /// The values of a key of all processors, or the one value.
    pub fn lookup_all(&self, map: i32, key: &[u8]) -> Vec<Vec<u8>> {
        let Some(map) = self.map(map) else { return Vec::new() };
        map.values(key).iter().filter_map(|addr| self.memory.content(*addr)).map(<[u8]>::to_vec).collect()
    }

    /// Writes a value as a program on processor `cpu` would; 0 or a negative error number. `None` if there is no such map or the value has
    /// the wrong length.
    pub fn update(&mut self, map: i32, key: &[u8], value: &[u8], cpu: usize) -> Option<i64> {
        let cpu = Cpu { number: cpu, count: self.cpus };
        let map = self.maps.get_mut(usize::try_from(map).ok()?)?;
        if value.len() != map.spec.value_size as usize || key.len() != map.spec.key_size as usize {
            return None;
        }
        map.update(key, value, 0, cpu, &mut self.memory).ok()
    }

    /// Removes a key; false if it was not there.
    pub fn delete(&mut self, map: i32, key: &[u8]) -> bool {
        let map = usize::try_from(map).ok().and_then(|at| self.maps.get_mut(at));
        map.is_some_and(|map| !map.is_array() && map.delete(key))
    }

    /// The keys of a map, oldest first.
    pub fn keys(&self, map: i32) -> Vec<Vec<u8>> {
        self.map(map).map(Map::keys).unwrap_or_default()
    }

    /// Takes the finished records out of a ring or perf buffer, and so makes room in it.
    pub fn take_records(&mut self, map: i32) -> Vec<Vec<u8>> {
        let map = usize::try_from(map).ok().and_then(|at| self.maps.get_mut(at));
        map.map(|map| map.ring.take()).unwrap_or_default()
    }

    fn map(&self, map: i32) -> Option<&Map> {
        self.maps.get(usize::try_from(map).ok()?)
    }

    /// The processor that runs, as the environment says.
    pub(crate) fn cpu(&mut self) -> Step<Cpu> {
        let number = self.env.cpu();
        if number >= self.cpus {
            return Err(VmErrorKind::BadArgument("environment's processor number"));
        }
        Ok(Cpu { number, count: self.cpus })
    }
}

/// Discards what is still reserved; how many records that were.
fn abandon(ring: &mut Ring, memory: &mut Memory) -> usize {
    let open = ring.open();
    for record in &mut ring.records {
        if let RecordState::Reserved(addr) = record.state {
            memory.remove(addr);
            record.state = RecordState::Discarded;
        }
    }
    open
}
