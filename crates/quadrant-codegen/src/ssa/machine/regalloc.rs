//! Gives registers to values.
//!
//! Values are looked at in order of their definitions. A value takes a register that is free during its
//! whole life, by preference the one where it is wanted; if there is none, it takes one from values that are
//! worth less, or goes to the stack. Each round with new values on the stack starts over with the code that
//! reads them from there; such code lives so short that it always gets a register.

use std::collections::hash_map::Entry;

use super::super::error::SsaErrorKind;
use super::super::ir::{Block, Func, Slot, SlotData, Value};
use super::hints::Hints;
use super::legal::{Decisions, Expanded, expand};
use super::live::{Life, Liveness};
use super::reg_file::{CLOBBERED, REGISTERS, RegFile};

/// A function with registers.
#[derive(Debug)]
pub struct Allocation {
    /// The code.
    pub expanded: Expanded,
    /// Lives in it.
    pub live: Liveness,
    /// The register of each value that has one.
    pub regs: Vec<Option<u8>>,
    /// Occupation over time.
    pub file: RegFile,
}

/// Allocates registers for a normalized function.
pub fn allocate(base: &mut Func) -> Result<Allocation, SsaErrorKind> {
    let mut decisions = Decisions::default();
    loop {
        let expanded = expand(base, &decisions);
        let live = Liveness::of(&expanded);
        let round = Round::new(&expanded, &live).run()?;
        if round.evicted.is_empty() {
            let Round { regs, file, .. } = round;
            return Ok(Allocation { expanded, live, regs, file });
        }
        let evicted = round.evicted;
        for value in evicted {
            decide(base, &mut decisions, &expanded, value);
        }
    }
}

/// Notes that `value` got no register.
fn decide(base: &mut Func, decisions: &mut Decisions, expanded: &Expanded, value: Value) {
    if let Some(&(origin, block)) = expanded.origin.get(&value) {
        decisions.single.insert((origin, block));
        return;
    }
    match decisions.spilled.entry(value) {
        Entry::Vacant(entry) => {
            base.slots.push(SlotData { size: 8, align: 8 });
            entry.insert(Slot(base.slots.len() as u32 - 1));
        }
        Entry::Occupied(_) => {
            let block = defining_block(&expanded.func, value);
            decisions.single.extend(block.map(|block| (value, block)));
        }
    }
}

fn defining_block(func: &Func, value: Value) -> Option<Block> {
    func.order.iter().copied().find(|block| func.block(*block).insts.contains(&value))
}

/// Registers in the order in which values without a wish take them.
const PREFERENCE: [usize; REGISTERS] = [0, 5, 4, 3, 2, 1, 6, 7, 8, 9];

struct Round<'a> {
    expanded: &'a Expanded,
    live: &'a Liveness,
    hints: Hints,
    file: RegFile,
    regs: Vec<Option<u8>>,
    /// The register that a class of values got last.
    class_reg: Vec<Option<u8>>,
    /// Values that end on the stack.
    evicted: Vec<Value>,
}

impl<'a> Round<'a> {
    fn new(expanded: &'a Expanded, live: &'a Liveness) -> Round<'a> {
        let count = expanded.func.values.len();
        let (hints, file) = (Hints::of(expanded, live), RegFile::default());
        Round {
            expanded,
            live,
            hints,
            file,
            regs: vec![None; count],
            class_reg: vec![None; count],
            evicted: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Round<'a>, SsaErrorKind> {
        let starts = |value: &Value| self.life(*value).ranges.first().map(|range| range.start);
        let mut queue: Vec<Value> =
            (0..self.regs.len() as u32).map(Value).filter(|value| starts(value).is_some()).collect();
        queue.sort_by_key(|value| std::cmp::Reverse((starts(value), *value)));
        while let Some(value) = queue.pop() {
            self.place(value, &mut queue)?;
        }
        self.evicted.sort_unstable();
        Ok(self)
    }

    fn life(&self, value: Value) -> &'a Life {
        &self.live.registers[value.index()]
    }

    fn place(&mut self, value: Value, queue: &mut Vec<Value>) -> Result<(), SsaErrorKind> {
        let life = self.life(value);
        let allowed = self.allowed(life);
        if let Some(reg) = self.free_register(value, life, allowed) {
            self.give(reg, value);
            return Ok(());
        }
        let worth = self.worth(value);
        match self.cheapest(life, allowed) {
            Some((cost, reg)) if cost < worth => {
                for loser in self.file.holders(reg, life) {
                    self.file.release(reg, self.life(loser));
                    self.regs[loser.index()] = None;
                    queue.push(loser);
                }
                self.give(reg, value);
            }
            _ if worth == u64::MAX => return Err(SsaErrorKind::NoRegister(value)),
            _ => self.evicted.push(value),
        }
        Ok(())
    }

    fn give(&mut self, reg: usize, value: Value) {
        self.file.take(reg, value, self.life(value));
        self.regs[value.index()] = Some(reg as u8);
        let class = self.hints.class(value);
        self.class_reg[class.index()] = Some(reg as u8);
    }

    /// The first of the registers that may be used.
    fn allowed(&self, life: &Life) -> usize {
        if life.spans_any(&self.live.calls, 1) {
            CLOBBERED
        } else {
            usize::from(life.spans_any(&self.live.cmpxchgs, 0) || life.spans_any(&self.live.cmpxchgs, 1))
        }
    }

    fn free_register(&self, value: Value, life: &Life, allowed: usize) -> Option<usize> {
        let fixed = self.hints.fixed[value.index()];
        let class = self.class_reg[self.hints.class(value).index()];
        let wishes = fixed.into_iter().chain(class).map(usize::from);
        wishes.chain(PREFERENCE).find(|reg| *reg >= allowed && self.file.is_free(*reg, life))
    }

    /// The register whose holders are worth least, and their greatest worth.
    fn cheapest(&self, life: &Life, allowed: usize) -> Option<(u64, usize)> {
        let cost = |reg: usize| self.file.holders(reg, life).into_iter().map(|holder| self.worth(holder)).max();
        (allowed..REGISTERS).map(|reg| (cost(reg).unwrap_or(0), reg)).min()
    }

    /// What it would cost to have `value` on the stack, in relation to the room it takes.
    fn worth(&self, value: Value) -> u64 {
        if self.expanded.tiny.contains(&value) {
            return u64::MAX;
        }
        let life = self.life(value);
        let length: u64 = life.ranges.iter().map(|range| u64::from(range.end - range.start)).sum();
        let copy = u64::from(self.expanded.origin.contains_key(&value));
        (u64::from(life.uses) << 24 >> copy) / length.max(1)
    }
}
