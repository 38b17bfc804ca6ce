//! Records that wait: those of speculations, and those that a buffer policy prints only at the end.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::VecDeque;

use quadrant_d::options::Policy;
use quadrant_program::record::RecordId;

/// A record as it arrived, with its header.
pub type Kept = (RecordId, Vec<u8>);

/// The records of speculations that are neither committed nor discarded.
#[derive(Debug)]
pub struct Speculations {
    held: HashMap<u64, Speculation>,
    /// Bytes that one speculation may have on one CPU.
    size: u64,
    /// Records for which there was no room.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Speculation {
    records: Vec<Kept>,
    /// Bytes by CPU.
    used: HashMap<u32, u64>,
}

impl Speculations {
    /// None yet; `size` is D's `specsize`.
    pub fn new(size: u64) -> Speculations {
        Speculations { held: HashMap::new(), size, dropped: 0 }
    }

    /// Keep a record until its speculation ends.
    pub fn hold(&mut self, speculation: u64, id: RecordId, bytes: &[u8]) {
        let held = self.held.entry(speculation).or_default();
        let used = held.used.entry(cpu(bytes)).or_default();
        if *used + bytes.len() as u64 > self.size {
            self.dropped += 1;
            return;
        }
        *used += bytes.len() as u64;
        held.records.push((id, bytes.to_vec()));
    }

    /// The records of a speculation that ends, in the order of their arrival.
    pub fn take(&mut self, speculation: u64) -> Vec<Kept> {
        self.held.remove(&speculation).map_or(Vec::new(), |held| held.records)
    }
}

/// The records that are printed at the end.
#[derive(Debug)]
pub struct Buffers {
    policy: Policy,
    /// Bytes for each CPU: D's `bufsize`.
    size: u64,
    cpus: HashMap<u32, Buffer>,
    arrived: u64,
    full: bool,
    /// Records that are larger than a buffer, by CPU.
    pub dropped: BTreeMap<u32, u64>,
}

#[derive(Debug, Default)]
struct Buffer {
    /// With their places in the order of arrival.
    records: VecDeque<(u64, Kept)>,
    bytes: u64,
}

impl Buffers {
    /// Empty buffers.
    pub fn new(policy: Policy, size: u64) -> Buffers {
        Buffers { policy, size, cpus: HashMap::new(), arrived: 0, full: false, dropped: BTreeMap::new() }
    }

    /// Whether records wait for the end.
    pub fn are_kept(&self) -> bool {
        self.policy != Policy::Switch
    }

    /// Whether a buffer of the fill policy has no more room.
    pub fn are_full(&self) -> bool {
        self.full
    }

    /// Keep a record. `last` is one of END, for which there is always room.
    pub fn keep(&mut self, id: RecordId, bytes: &[u8], last: bool) {
        if bytes.len() as u64 > self.size {
            *self.dropped.entry(cpu(bytes)).or_default() += 1;
            return;
        }
        let buffer = self.cpus.entry(cpu(bytes)).or_default();
        let fits = |used: u64| used + bytes.len() as u64 <= self.size;
        if self.policy == Policy::Fill && !last {
            self.full |= !fits(buffer.bytes);
            if self.full {
                return;
            }
        }
        while self.policy == Policy::Ring && !fits(buffer.bytes) {
            let Some((_, (_, oldest))) = buffer.records.pop_front() else { break };
            buffer.bytes -= oldest.len() as u64;
        }
        self.arrived += 1;
        buffer.bytes += bytes.len() as u64;
        buffer.records.push_back((self.arrived, (id, bytes.to_vec())));
    }

    /// Everything that was kept, in the order of arrival.
    pub fn take(&mut self) -> Vec<Kept> {
        let mut all: Vec<(u64, Kept)> = self.cpus.drain().flat_map(|(_, buffer)| buffer.records).collect();
        all.sort_unstable_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, kept)| kept).collect()
    }
}

/// The CPU in a record's header.
fn cpu(bytes: &[u8]) -> u32 {
    bytes.get(4..8).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of 16 bytes.
    fn record(cpu: u8, mark: u8) -> Vec<u8> {
        vec![0, 0, 0, 0, cpu, 0, 0, 0, mark, 0, 0, 0, 0, 0, 0, 0]
    }

    fn marks(kept: &[Kept]) -> Vec<u8> {
        kept.iter().map(|(_, bytes)| bytes[8]).collect()
    }

    #[test]
    fn speculations_are_bounded_on_each_cpu() {
        let mut speculations = Speculations::new(32);
        for (cpu, mark) in [(0, 1), (0, 2), (0, 3), (1, 4)] {
            speculations.hold(7, RecordId(0), &record(cpu, mark));
        }
        assert_eq!(speculations.dropped, 1);
        assert_eq!(marks(&speculations.take(7)), [1, 2, 4]);
        assert!(speculations.take(7).is_empty());
    }

    #[test]
    fn a_ring_keeps_the_newest_of_each_cpu() {
        let mut buffers = Buffers::new(Policy::Ring, 32);
        for (cpu, mark) in [(0, 1), (1, 2), (0, 3), (0, 4), (1, 5)] {
            buffers.keep(RecordId(0), &record(cpu, mark), false);
        }
        assert!(!buffers.are_full());
        assert_eq!(marks(&buffers.take()), [2, 3, 4, 5]);
    }

    #[test]
    fn a_buffer_that_fills_has_room_for_the_end() {
        let mut buffers = Buffers::new(Policy::Fill, 32);
        for mark in 1..=3 {
            assert!(!buffers.are_full());
            buffers.keep(RecordId(0), &record(0, mark), false);
        }
        assert!(buffers.are_full());
        buffers.keep(RecordId(0), &record(1, 4), false);
        buffers.keep(RecordId(0), &record(0, 5), true);
        assert_eq!(marks(&buffers.take()), [1, 2, 5]);
    }

    #[test]
    fn a_record_that_is_larger_than_its_buffer_is_dropped() {
        let mut buffers = Buffers::new(Policy::Ring, 8);
        buffers.keep(RecordId(0), &record(0, 1), false);
        assert!(buffers.take().is_empty());
        assert_eq!(buffers.dropped, BTreeMap::from([(0, 1)]));
    }
}
