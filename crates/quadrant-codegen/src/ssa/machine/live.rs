//! Where values are alive, as ranges of positions in the linear order of instructions.
//!
//! Every block start, instruction and terminator has a number `n` and the positions `4n` (its operands are
//! read), `4n + 1` (registers are clobbered), `4n + 2` (its result is written).

use std::collections::HashMap;

use super::super::ir::{Block, Func, Op, Operand, Terminator, Value};
use super::super::passes::predecessors;
use super::super::uses::{for_each_operand, for_each_own_operand};
use super::legal::Expanded;

/// Half-open range of positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// First position.
    pub start: u32,
    /// One past the last position.
    pub end: u32,
}

/// The life of one value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Life {
    /// Disjoint and ascending.
    pub ranges: Vec<Range>,
    /// How often it is written or read.
    pub uses: u32,
}

impl Life {
    /// Whether it contains any of the ascending positions, each moved by `distance`.
    pub fn spans_any(&self, positions: &[u32], distance: u32) -> bool {
        self.ranges.iter().any(|range| {
            let next = positions.partition_point(|at| at + distance < range.start);
            positions.get(next).is_some_and(|at| at + distance < range.end)
        })
    }
}

/// The lives of all values of a function.
#[derive(Debug)]
pub struct Liveness {
    /// In registers, by value; empty for values without a register.
    pub registers: Vec<Life>,
    /// On the stack, for spilled values.
    pub homes: HashMap<Value, Life>,
    /// Position of each block's start.
    pub block_start: Vec<u32>,
    /// Positions of the call instructions, ascending.
    pub calls: Vec<u32>,
    /// Positions of compare-and-exchange instructions, which work in r0.
    pub cmpxchgs: Vec<u32>,
}

/// When an operand is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    /// Before anything else: its register may be overwritten to prepare the instruction.
    First,
    /// Before the result is written.
    Early,
    /// Perhaps after the result is written, so they need different registers.
    Late,
}

impl Liveness {
    /// Computes lives in the function's present order.
    pub fn of(expanded: &Expanded) -> Liveness {
        let mut scan = Scan::new(expanded);
        scan.run();
        scan.finish()
    }
}

/// Life lasts to the end of `range` in block `block`.
#[derive(Clone, Copy)]
struct Use {
    block: Block,
    end: u32,
}

struct Scan<'a> {
    expanded: &'a Expanded,
    func: &'a Func,
    defs: Vec<Option<Use>>,
    uses: Vec<Vec<Use>>,
    home_uses: HashMap<Value, Vec<Use>>,
    block_start: Vec<u32>,
    block_end: Vec<u32>,
    calls: Vec<u32>,
    cmpxchgs: Vec<u32>,
}

impl<'a> Scan<'a> {
    fn new(expanded: &'a Expanded) -> Scan<'a> {
        let func = &expanded.func;
        Scan {
            expanded,
            func,
            defs: vec![None; func.values.len()],
            uses: vec![Vec::new(); func.values.len()],
            home_uses: HashMap::new(),
            block_start: vec![0; func.blocks.len()],
            block_end: vec![0; func.blocks.len()],
            calls: Vec::new(),
            cmpxchgs: Vec::new(),
        }
    }

    fn run(&mut self) {
        let mut at = 0;
        for &block in &self.func.order {
            self.block_start[block.index()] = at;
            let data = self.func.block(block);
            data.params.iter().for_each(|param| self.define(*param, block, at));
            for &inst in &data.insts {
                // The function's parameters all arrive at once.
                let is_param = matches!(self.func.op(inst), Op::Param(_));
                at += if is_param { 0 } else { 4 };
                self.inst(block, inst, at);
                self.define(inst, block, if is_param { at } else { at + 2 });
            }
            at += 4;
            if let Some(term) = &data.term {
                self.terminator(block, term, at);
            }
            at += 4;
            self.block_end[block.index()] = at;
        }
    }

    fn define(&mut self, value: Value, block: Block, at: u32) {
        self.defs[value.index()] = Some(Use { block, end: at });
        if self.expanded.spilled.contains_key(&value) {
            self.home_uses.entry(value).or_default().push(Use { block, end: at + 1 });
        }
        if !self.expanded.is_inline(value) && has_result(self.func.op(value)) {
            // Even a result that nobody reads is written somewhere.
            self.uses[value.index()].push(Use { block, end: at + 1 });
        }
    }

    fn inst(&mut self, block: Block, inst: Value, at: u32) {
        let op = self.func.op(inst);
        match op {
            Op::Call(..) => self.calls.push(at),
            Op::CmpXchg { .. } => self.cmpxchgs.push(at),
            _ => {}
        }
        if let Some((origin, _)) = self.expanded.origin.get(&inst)
            && self.expanded.spilled.contains_key(origin)
        {
            self.home_uses.entry(*origin).or_default().push(Use { block, end: at + 1 });
        }
        let mut number = 0;
        for_each_operand(&op, |value| {
            self.read(value, block, at, when(self.expanded, &op, number));
            number += 1;
        });
    }

    fn terminator(&mut self, block: Block, term: &Terminator, at: u32) {
        for_each_own_operand(term, |value| self.read(value, block, at, When::Early));
        for edge in term.edges() {
            edge.args.iter().for_each(|arg| self.read(*arg, block, at, When::Early));
        }
    }

    fn read(&mut self, value: Value, block: Block, at: u32, when: When) {
        let end = match when {
            When::First => at,
            When::Early => at + 1,
            When::Late => at + 3,
        };
        let place = Use { block, end };
        if let Some(home) = self.home_value(value) {
            self.home_uses.entry(home).or_default().push(place);
        } else if !self.expanded.is_inline(value) {
            self.uses[value.index()].push(place);
        }
    }

    /// The spilled value whose stack slot is read when `value` is.
    fn home_value(&self, value: Value) -> Option<Value> {
        self.expanded.home(value).map(|_| self.expanded.homes.get(&value).copied().unwrap_or(value))
    }

    fn finish(self) -> Liveness {
        let preds = predecessors(self.func);
        let mut walk = Walk { scan: &self, preds: &preds, seen: vec![u32::MAX; self.func.blocks.len()], round: 0 };
        let registers =
            (0..self.func.values.len() as u32).map(|at| walk.life(Value(at), &self.uses[at as usize])).collect();
        let homes = self.home_uses.iter().map(|(value, uses)| (*value, walk.life(*value, uses))).collect();
        let Scan { block_start, calls, cmpxchgs, .. } = self;
        Liveness { registers, homes, block_start, calls, cmpxchgs }
    }
}

/// Follows each use back to the definition.
struct Walk<'a> {
    scan: &'a Scan<'a>,
    preds: &'a [Vec<Block>],
    /// The last round in which a block was found to be lived through.
    seen: Vec<u32>,
    round: u32,
}

impl Walk<'_> {
    fn life(&mut self, value: Value, uses: &[Use]) -> Life {
        let Some(def) = self.scan.defs[value.index()] else { return Life::default() };
        self.round += 1;
        let mut ranges = Vec::new();
        let mut through = Vec::new();
        for place in uses {
            if place.block == def.block {
                ranges.push(Range { start: def.end, end: place.end });
            } else {
                ranges.push(Range { start: self.scan.block_start[place.block.index()], end: place.end });
                through.extend(&self.preds[place.block.index()]);
            }
        }
        self.live_out(def, through, &mut ranges);
        Life { ranges: merge(ranges), uses: uses.len() as u32 }
    }

    fn live_out(&mut self, def: Use, mut through: Vec<Block>, ranges: &mut Vec<Range>) {
        while let Some(block) = through.pop() {
            if std::mem::replace(&mut self.seen[block.index()], self.round) == self.round {
                continue;
            }
            let end = self.scan.block_end[block.index()];
            if block == def.block {
                ranges.push(Range { start: def.end, end });
            } else {
                ranges.push(Range { start: self.scan.block_start[block.index()], end });
                through.extend(&self.preds[block.index()]);
            }
        }
    }
}

/// Whether the instruction writes a register that somebody may read.
fn has_result(op: Op) -> bool {
    !matches!(op, Op::Store { .. } | Op::Atomic { fetch: false, .. })
}

/// When operand `number` of `op` is read.
fn when(expanded: &Expanded, op: &Op, number: usize) -> When {
    match (*op, number) {
        (Op::Bin(bin, lhs, Operand::Value(rhs)), 1) if lhs != rhs => {
            let may_exchange = bin.is_commutative() && !expanded.is_inline(lhs);
            if may_exchange { When::Early } else { When::Late }
        }
        (Op::Atomic { fetch: true, .. }, 0) => When::Late,
        (Op::CmpXchg { .. }, 1) => When::First,
        _ => When::Early,
    }
}

fn merge(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.retain(|range| range.start < range.end);
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
