//! Which register is taken when.

use std::collections::BTreeMap;

use super::super::ir::Value;
use super::live::{Life, Range};

/// Registers that can be allocated: r0 to r9.
pub const REGISTERS: usize = 10;
/// Registers that a call destroys: r0 to r5.
pub const CLOBBERED: usize = 6;

/// The lives that each register is given to.
#[derive(Debug, Default)]
pub struct RegFile {
    taken: [BTreeMap<u32, (u32, Value)>; REGISTERS],
}

impl RegFile {
    /// Gives `reg` to `value` for its life.
    pub fn take(&mut self, reg: usize, value: Value, life: &Life) {
        for range in &life.ranges {
            self.taken[reg].insert(range.start, (range.end, value));
        }
    }

    /// Takes `reg` back.
    pub fn release(&mut self, reg: usize, life: &Life) {
        for range in &life.ranges {
            self.taken[reg].remove(&range.start);
        }
    }

    /// Whether `reg` is free all through `life`.
    pub fn is_free(&self, reg: usize, life: &Life) -> bool {
        life.ranges.iter().all(|range| self.overlaps(reg, *range).next().is_none())
    }

    /// The values that hold `reg` at some time of `life`, in order, each once.
    pub fn holders(&self, reg: usize, life: &Life) -> Vec<Value> {
        let mut found: Vec<Value> = life.ranges.iter().flat_map(|range| self.overlaps(reg, *range)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether nobody holds `reg` at position `at`.
    pub fn is_free_at(&self, reg: usize, at: u32) -> bool {
        self.overlaps(reg, Range { start: at, end: at + 1 }).next().is_none()
    }

    fn overlaps(&self, reg: usize, range: Range) -> impl Iterator<Item = Value> {
        self.taken[reg]
            .range(..range.end)
            .rev()
            .take_while(move |(_, (end, _))| *end > range.start)
            .map(|(_, (_, value))| *value)
    }
}
