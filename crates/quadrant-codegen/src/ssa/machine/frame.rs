//! The stack frame: where slots are, below the frame pointer.

use std::collections::HashMap;

use super::super::error::SsaErrorKind;
use super::super::ir::{Op, Slot, Value};
use super::super::uses::{for_each_operand, for_each_term_operand};
use super::legal::Expanded;
use super::live::{Life, Liveness, Range};

/// The kernel's limit, in bytes.
pub const MAX_STACK: u32 = 512;

/// The layout of one function's frame.
#[derive(Debug)]
pub struct Frame {
    /// Distance from the frame pointer (negative), by slot; `None` for slots that nothing uses.
    offsets: Vec<Option<i32>>,
    size: u32,
    scratch: u32,
}

impl Frame {
    /// Lays out the slots that are used. Spilled values whose lives do not meet share one.
    pub fn of(expanded: &Expanded, live: &Liveness) -> Frame {
        let mut frame = Frame { offsets: vec![None; expanded.func.slots.len()], size: 0, scratch: 0 };
        frame.place_homes(expanded, live);
        let used = used_slots(expanded);
        for (index, slot) in expanded.func.slots.iter().enumerate() {
            if used[index] && frame.offsets[index].is_none() {
                let end = frame.size.saturating_add(slot.size).next_multiple_of(slot.align.max(1));
                frame.offsets[index] = Some(0i32.saturating_sub_unsigned(end));
                frame.size = end;
            }
        }
        frame.size = frame.size.next_multiple_of(8);
        frame
    }

    /// Distance of byte `off` of `slot` from the frame pointer.
    pub fn offset(&self, slot: Slot, off: i32) -> i32 {
        self.offsets.get(slot.index()).copied().flatten().unwrap_or(0).saturating_add(off)
    }

    /// One of two places for code that runs out of registers.
    pub fn scratch(&mut self, which: u32) -> i32 {
        self.scratch = self.scratch.max(which + 1);
        -((self.size + 8 * (which + 1)) as i32)
    }

    /// Bytes of the frame, if the kernel has that many.
    pub fn checked_size(&self) -> Result<u32, SsaErrorKind> {
        let size = self.size.saturating_add(8 * self.scratch);
        if size <= MAX_STACK { Ok(size) } else { Err(SsaErrorKind::FrameTooBig(size)) }
    }

    fn place_homes(&mut self, expanded: &Expanded, live: &Liveness) {
        let mut homes: Vec<(&Life, Value, Slot)> =
            expanded.spilled.iter().filter_map(|(value, slot)| Some((live.homes.get(value)?, *value, *slot))).collect();
        homes.sort_by_key(|(life, value, _)| (life.ranges.first().map(|range| range.start), *value));
        let mut rooms: Vec<Vec<Range>> = Vec::new();
        for (life, _, slot) in homes {
            let at = rooms.iter().position(|room| !meet(room, &life.ranges)).unwrap_or_else(|| {
                rooms.push(Vec::new());
                rooms.len() - 1
            });
            rooms[at].extend(&life.ranges);
            rooms[at].sort_by_key(|range| range.start);
            self.offsets[slot.index()] = Some(-8 * (at as i32 + 1));
        }
        self.size = 8 * rooms.len() as u32;
    }
}

/// Whether two ascending lists of ranges have a position in common.
fn meet(a: &[Range], b: &[Range]) -> bool {
    b.iter().any(|range| {
        let next = a.partition_point(|other| other.end <= range.start);
        a.get(next).is_some_and(|other| other.start < range.end)
    })
}

fn used_slots(expanded: &Expanded) -> Vec<bool> {
    let func = &expanded.func;
    let mut used: HashMap<Slot, ()> = HashMap::new();
    let mut note = |op: Op| {
        if let Op::StackAddr(slot, _) = op {
            used.insert(slot, ());
        }
    };
    for &block in &func.order {
        let data = func.block(block);
        for &inst in &data.insts {
            note(func.op(inst));
            for_each_operand(&func.op(inst), |value| note(func.op(value)));
        }
        data.term.iter().for_each(|term| for_each_term_operand(term, |value| note(func.op(value))));
    }
    (0..func.slots.len() as u32).map(|at| used.contains_key(&Slot(at))).collect()
}
