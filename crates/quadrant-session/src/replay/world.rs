//! The machine's maps and stacks, as answers are made of them.

use std::cell::RefCell;
use std::collections::HashSet;

use quadrant_bpf::map::MapKind;
use quadrant_codegen::MapRole;
use quadrant_program::Program;
use quadrant_program::layout;
use quadrant_program::map::Map;
use quadrant_program::map::MapId;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::StackType;
use quadrant_program::value::extend;

use super::Event;
use super::machine::Machine;
use crate::error::Error;
use crate::gather::Gather;
use crate::kernel;
use crate::kernel::emptied;
use crate::ledger::Ledger;
use crate::load::map_kind;
use crate::world::World;

/// The world of a replay.
pub(super) struct Replayed(RefCell<Machine>);

/// Entries of one of the machine's maps: keys with the values of all CPUs.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

impl Replayed {
    pub(super) fn new(machine: Machine) -> Replayed {
        Replayed(RefCell::new(machine))
    }

    /// Runs a program on an event; the records that it sent.
    ///
    /// # Errors
    /// A program that the machine stops.
    pub(super) fn run(&self, program: usize, cookie: u64, event: &Event) -> Result<Vec<Vec<u8>>, Error> {
        self.0.borrow_mut().run(program, cookie, event)
    }

    /// Whether the script has called `exit()`.
    pub(super) fn has_stopped(&self) -> bool {
        let machine = self.0.borrow();
        let flag = machine.object.data.exit_flag.map(|at| at as usize);
        flag.is_some_and(|at| machine.data()[at..at + 8] != [0; 8])
    }

    /// Lets programs run although it has.
    pub(super) fn go_on(&self) {
        let mut machine = self.0.borrow_mut();
        if let Some(at) = machine.object.data.exit_flag {
            let mut data = machine.data();
            data[at as usize..at as usize + 8].fill(0);
            machine.set_data(&data);
        }
    }

    /// Lets it be that time by the boot clock.
    pub(super) fn set_now(&self, time_ns: u64) {
        self.0.borrow_mut().vm.env.now = time_ns;
    }
}

impl Machine {
    fn entries(&self, map: i32) -> Entries {
        self.vm.keys(map).into_iter().map(|key| (key.clone(), self.value(map, &key))).collect()
    }

    /// The values of all CPUs.
    fn value(&self, map: i32, key: &[u8]) -> Vec<u8> {
        self.vm.lookup_all(map, key).iter().flat_map(|part| padded(part)).collect()
    }

    /// The map that an aggregation without keys shares with others, and its key there.
    fn cell(&self, id: MapId) -> Option<(i32, [u8; 4])> {
        let (map, key) = self.object.data.cell(id)?;
        Some((self.maps[map], key))
    }

    fn gather(&self, program: &Program, id: MapId) -> Snapshot {
        let map = &program.maps[id.0 as usize];
        let mut gather = Gather::new(map, self.cpus);
        self.scalar(id, &mut gather.snapshot);
        if let Some((number, key)) = self.cell(id) {
            let entry = (key.to_vec(), self.value(number, &key));
            gather.all(MapKind::PercpuArray, std::iter::once(pair(&entry)), |_, _| ());
        }
        if let Some((number, def)) = self.map(MapRole::Script(id)) {
            let (kind, entries) = (kind(def.kind), self.entries(number));
            gather.all(kind, entries.iter().map(pair), |key, wide| wide.extend_from_slice(key));
        }
        if let (Some((number, def)), Some(ty)) = (self.map(MapRole::Short(id)), &map.key) {
            let (kind, entries) = (kind(def.kind), self.entries(number));
            gather.all(kind, entries.iter().map(pair), |key, wide| layout::widen_key(ty, key, wide));
        }
        gather.snapshot
    }

    fn scalar_offset(&self, id: MapId) -> Option<usize> {
        let place = self.object.data.scalars.iter().find(|(map, _)| *map == id);
        place.map(|(_, offset)| *offset as usize)
    }

    fn scalar(&self, id: MapId, snapshot: &mut Snapshot) {
        let Some(at) = self.scalar_offset(id) else { return };
        let data = self.data();
        if data.get(at..at + 8).is_some_and(|word| extend(word, false) != 0) {
            snapshot.push(&[], &data[at + 8..at + 8 + snapshot.value_size]);
        }
    }

    fn clear(&mut self, program: &Program, id: MapId, zero: bool) {
        if let Some(at) = self.scalar_offset(id) {
            let mut data = self.data();
            let start = if zero { at + 8 } else { at };
            data[start..at + 8 + Snapshot::of(&program.maps[id.0 as usize]).value_size].fill(0);
            return self.set_data(&data);
        }
        if let Some((number, key)) = self.cell(id) {
            return self.clear_value(&program.maps[id.0 as usize], number, &key, zero);
        }
        for role in MapRole::of_script(id) {
            let number = self.map(role).map(|(number, _)| number);
            number.into_iter().for_each(|number| self.clear_map(program, id, number, zero));
        }
    }

    fn clear_map(&mut self, program: &Program, id: MapId, number: i32, zero: bool) {
        let map = &program.maps[id.0 as usize];
        for key in self.vm.keys(number) {
            if map.key.is_some() && !zero {
                self.vm.delete(number, &key);
                continue;
            }
            self.clear_value(map, number, &key, zero);
        }
    }

    fn remove(&mut self, program: &Program, id: MapId, keys: &HashSet<&[u8]>) {
        if let Some((number, _)) = self.map(MapRole::Script(id)) {
            for key in keys {
                self.vm.delete(number, key);
            }
        }
        if let (Some((number, _)), Some(ty)) = (self.map(MapRole::Short(id)), &program.maps[id.0 as usize].key) {
            for key in self.vm.keys(number) {
                let mut wide = Vec::new();
                layout::widen_key(ty, &key, &mut wide);
                if keys.contains(wide.as_slice()) {
                    self.vm.delete(number, &key);
                }
            }
        }
    }

    fn clear_value(&mut self, map: &Map, number: i32, key: &[u8], zero: bool) {
        for (cpu, value) in self.vm.lookup_all(number, key).into_iter().enumerate() {
            self.vm.update(number, key, &emptied(&value, map, zero), cpu);
        }
    }
}

fn kind(number: u32) -> MapKind {
    map_kind(number).unwrap_or(MapKind::Hash)
}

fn pair(entry: &(Vec<u8>, Vec<u8>)) -> (&[u8], &[u8]) {
    (&entry.0, &entry.1)
}

/// The kernel pads each CPU's value to 8 bytes.
fn padded(part: &[u8]) -> Vec<u8> {
    let mut part = part.to_vec();
    part.resize(part.len().next_multiple_of(8), 0);
    part
}

impl World for Replayed {
    fn stack(&self, kind: StackType, id: u32) -> Vec<u64> {
        let machine = self.0.borrow();
        let kept = |role| machine.vm.lookup(machine.map(role)?.0, &id.to_ne_bytes(), 0);
        kernel::stack_maps(kind, id).find_map(kept).map(|frames| kernel::addresses(&frames)).unwrap_or_default()
    }

    fn snapshot(&self, program: &Program, map: MapId) -> Result<Snapshot, Error> {
        Ok(self.0.borrow().gather(program, map))
    }

    fn take(&self, program: &Program, map: MapId) -> Result<Snapshot, Error> {
        let snapshot = self.snapshot(program, map)?;
        self.clear(program, map, false)?;
        Ok(snapshot)
    }

    fn clear(&self, program: &Program, map: MapId, zero: bool) -> Result<(), Error> {
        self.0.borrow_mut().clear(program, map, zero);
        Ok(())
    }

    fn remove(&self, program: &Program, map: MapId, keys: &HashSet<&[u8]>) -> Result<(), Error> {
        self.0.borrow_mut().remove(program, map, keys);
        Ok(())
    }

    fn free_speculation(&self, program: &Program, number: u64) -> Result<(), Error> {
        let mut machine = self.0.borrow_mut();
        if let Some(at) = machine.object.data.speculation(program, number) {
            let mut data = machine.data();
            data[at as usize..at as usize + 8].fill(0);
            machine.set_data(&data);
        }
        Ok(())
    }

    fn losses(&self) -> Ledger {
        let machine = self.0.borrow();
        let data = machine.data();
        let word = |at: u32| data.get(at as usize..at as usize + 8).map_or(0, |word| extend(word, false));
        Ledger::counted(&machine.object.data, word)
    }

    fn now_ns(&self) -> u64 {
        self.0.borrow().vm.env.now
    }
}
