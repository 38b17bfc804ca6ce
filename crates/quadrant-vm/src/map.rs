//! Maps: arrays, hashes, their per-CPU kinds, stack traces, ring and perf buffers.

use std::collections::{BTreeMap, HashMap};

use quadrant_bpf::map::{MapKind, MapSpec};

use crate::error::{Step, VmErrorKind};
use crate::memory::Memory;

/// `ENOENT`
pub(crate) const ENOENT: i64 = -2;
/// `E2BIG`
pub(crate) const E2BIG: i64 = -7;
/// `EAGAIN`
pub(crate) const EAGAIN: i64 = -11;
/// `EFAULT`
pub(crate) const EFAULT: i64 = -14;
/// `EEXIST`
pub(crate) const EEXIST: i64 = -17;
/// `EINVAL`
pub(crate) const EINVAL: i64 = -22;
/// `ENOSPC`
pub(crate) const ENOSPC: i64 = -28;

/// One map. Every value is a region of the machine's memory.
#[derive(Debug)]
pub(crate) struct Map {
    pub spec: MapSpec,
    /// The address that stands for the map itself.
    pub handle: u64,
    /// Addresses of each key's values, one for each processor (or just one).
    entries: HashMap<Vec<u8>, Entry>,
    /// Keys by age.
    ages: BTreeMap<u64, Vec<u8>>,
    next_age: u64,
    /// Values that were deleted during the run; programs may still hold their addresses.
    graveyard: Vec<u64>,
    pub ring: Ring,
}

#[derive(Debug)]
struct Entry {
    values: Vec<u64>,
    age: u64,
}

/// Records of a ring buffer, in the order of their reservation.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    pub records: Vec<Record>,
    pub used: u64,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    pub state: RecordState,
    /// Bytes taken from the ring.
    pub room: u64,
}

/// What has become of a record.
#[derive(Debug)]
pub(crate) enum RecordState {
    /// Being written, at that address.
    Reserved(u64),
    /// Ready.
    Done(Vec<u8>),
    /// Given up.
    Discarded,
}

impl Map {
    pub fn new(spec: MapSpec, cpus: usize, memory: &mut Memory) -> Map {
        let handle = memory.add(Vec::new(), false);
        let mut map = Map {
            spec,
            handle,
            entries: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            graveyard: Vec::new(),
            ring: Ring::default(),
        };
        if map.is_array() {
            for index in 0..map.spec.max_entries {
                map.insert(index.to_ne_bytes().to_vec(), cpus, memory);
            }
        }
        map
    }

    pub fn is_array(&self) -> bool {
        matches!(self.spec.kind, MapKind::Array | MapKind::PercpuArray)
    }

    /// Address of the value that `cpu` sees.
    pub fn lookup(&self, key: &[u8], cpu: usize) -> Option<u64> {
        let entry = self.entries.get(key)?;
        entry.values.get(if self.spec.kind.is_percpu() { cpu } else { 0 }).copied()
    }

    /// Creates or replaces as `bpf_map_update_elem` does; 0 or a negative error number.
    pub fn update(&mut self, key: &[u8], value: &[u8], flags: u64, at: Cpu, memory: &mut Memory) -> Step<i64> {
        let exists = self.entries.contains_key(key);
        match (flags, exists) {
            (3.., _) => return Ok(EINVAL),
            (1, true) => return Ok(EEXIST),
            (2, false) => return Ok(ENOENT),
            _ => {}
        }
        if !exists {
            if self.is_array() || !self.make_room() {
                return Ok(E2BIG);
            }
            self.insert(key.to_vec(), at.count, memory);
        } else if self.is_replaced_by_update() {
            let fresh = memory.add(vec![0; self.spec.value_size as usize], true);
            let old = self.entries.get_mut(key).map(|entry| std::mem::replace(&mut entry.values, vec![fresh]));
            self.graveyard.extend(old.into_iter().flatten());
        }
        let addr = self.lookup(key, at.number).ok_or(VmErrorKind::BadArgument("processor number"))?;
        memory.write(addr, value)?;
        Ok(0)
    }

    /// Makes the handle of a map the value of an index.
    pub fn put_map(&mut self, index: u32, handle: u64) {
        self.entries.insert(index.to_ne_bytes().to_vec(), Entry { values: vec![handle], age: 0 });
    }

    /// Removes a key; false if it is not there.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let Some(entry) = self.entries.remove(key) else { return false };
        self.ages.remove(&entry.age);
        self.graveyard.extend(entry.values);
        true
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.ages.values().cloned().collect()
    }

    pub fn has(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    /// Addresses of the values of `key`, one for each processor or just one.
    pub fn values(&self, key: &[u8]) -> &[u64] {
        self.entries.get(key).map_or(&[], |entry| &entry.values)
    }

    /// Ends the lives of values deleted during a run.
    pub fn bury(&mut self, memory: &mut Memory) {
        for addr in self.graveyard.drain(..) {
            memory.remove(addr);
        }
    }

    /// Hashes put a new element in the place of the old one: addresses from earlier look-ups then lead to a value
    /// that no longer counts. Arrays and per-CPU kinds write over the value.
    fn is_replaced_by_update(&self) -> bool {
        matches!(self.spec.kind, MapKind::Hash | MapKind::LruHash)
    }

    fn make_room(&mut self) -> bool {
        if self.entries.len() < self.spec.max_entries as usize {
            return true;
        }
        if !matches!(self.spec.kind, MapKind::LruHash | MapKind::LruPercpuHash) {
            return false;
        }
        let oldest = self.ages.first_key_value().map(|(_, key)| key.clone());
        oldest.is_some_and(|key| self.delete(&key))
    }

    fn insert(&mut self, key: Vec<u8>, cpus: usize, memory: &mut Memory) {
        let count = if self.spec.kind.is_percpu() { cpus } else { 1 };
        let values = (0..count).map(|_| memory.add(vec![0; self.spec.value_size as usize], true)).collect();
        let age = self.next_age;
        self.next_age += 1;
        self.ages.insert(age, key.clone());
        self.entries.insert(key, Entry { values, age });
    }
}

/// A processor and how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub number: usize,
    pub count: usize,
}

impl Ring {
    /// Room that a record of `len` bytes takes: a header of 8 bytes, all rounded up to 8.
    pub fn room(len: u64) -> u64 {
        (len + 8).next_multiple_of(8)
    }

    /// Takes room for a record; its address, or `None` if the ring is full.
    pub fn reserve(&mut self, len: u64, capacity: u64, memory: &mut Memory) -> Option<u64> {
        let room = Ring::room(len);
        if self.used + room > capacity {
            return None;
        }
        self.used += room;
        let addr = memory.add_uninitialized(len as usize);
        self.records.push(Record { state: RecordState::Reserved(addr), room });
        Some(addr)
    }

    /// The reserved record at `addr`.
    pub fn reserved(&mut self, addr: u64) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| matches!(record.state, RecordState::Reserved(at) if at == addr))
    }

    /// Number of records still being written.
    pub fn open(&self) -> usize {
        self.records.iter().filter(|record| matches!(record.state, RecordState::Reserved(_))).count()
    }

    /// Takes out the finished records at the front.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        let ready = self.records.iter().position(|record| matches!(record.state, RecordState::Reserved(_)));
        let ready = ready.unwrap_or(self.records.len());
        let mut taken = Vec::new();
        for record in self.records.drain(..ready) {
            self.used -= record.room;
            if let RecordState::Done(bytes) = record.state {
                taken.push(bytes);
            }
        }
        taken
    }
}
