//! What loops over the bytes of a text need: numbers that last from round to round, and bytes at any place.
//!
//! Both are in scratch memory, where the verifier keeps track of nothing: it goes through a round once, whatever the numbers are. A place
//! is cut to a power of two, so that it is always seen to be inside.

use quadrant_program::layout;

use super::error::Result;
use super::memory::Mem;
use super::unit::Lower;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Operand;
use crate::ssa::Size;
use crate::ssa::Value;

/// Up to so many bytes are worked on by code without a loop.
const UNROLLED: u32 = 256;

/// The same where the kernel has no loop.
pub(super) const UNROLLED_MOST: u32 = 4096;

/// A number in scratch memory.
#[derive(Clone, Copy)]
pub(super) struct Cell(i32);

/// Bytes in scratch memory.
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    /// Offset.
    off: i32,
    /// A power of two; a place is taken modulo this.
    span: u32,
}

impl Bytes {
    /// At an offset in scratch memory, with room for a power of two.
    pub fn at(off: u32, span: u32) -> Bytes {
        Bytes { off: off as i32, span }
    }

    /// One less than the power of two of bytes.
    pub fn mask(self) -> u32 {
        self.span - 1
    }
}

impl Lower<'_, '_> {
    /// A new number.
    pub fn cell(&mut self, value: impl Into<Operand>) -> Cell {
        let place = self.alloc_scratch(8);
        self.f.b.store(place.base, place.off, Size::B8, value);
        Cell(place.off)
    }

    /// A number at an offset that was reserved before.
    pub fn cell_at(off: u32) -> Cell {
        Cell(off as i32)
    }

    /// Reads a number.
    pub fn cell_get(&mut self, cell: Cell) -> Value {
        let base = self.scratch_base();
        self.f.b.load(base, cell.0, Size::B8)
    }

    /// Writes a number.
    pub fn cell_set(&mut self, cell: Cell, value: impl Into<Operand>) {
        let base = self.scratch_base();
        self.f.b.store(base, cell.0, Size::B8, value);
    }

    /// Adds to a number.
    pub fn cell_add(&mut self, cell: Cell, by: impl Into<Operand>) {
        let old = self.cell_get(cell);
        let new = self.f.b.add(old, by);
        self.cell_set(cell, new);
    }

    /// The same number, of which the verifier knows nothing any more: ways that lead to different ones are one to it.
    pub fn forgotten(&mut self, value: impl Into<Operand>) -> Value {
        let cell = self.cell(value);
        self.cell_get(cell)
    }

    /// New bytes, at least so many, not cleared.
    pub fn bytes(&mut self, len: u32) -> Bytes {
        let span = len.max(8).next_power_of_two();
        // Reading a text needs one byte more than it may have.
        Bytes { off: self.alloc_scratch(layout::round_up(span + 8)).off, span }
    }

    /// Bytes as memory.
    pub fn bytes_memory(&mut self, bytes: Bytes) -> Mem {
        Mem { base: self.scratch_base(), off: bytes.off }
    }

    /// The address of the byte at a place.
    pub fn byte_address(&mut self, bytes: Bytes, index: Value) -> Value {
        let place = self.byte_place(bytes, index);
        self.f.b.add(place, i64::from(bytes.off))
    }

    /// The byte at a place.
    pub fn byte(&mut self, bytes: Bytes, index: Value) -> Value {
        let place = self.byte_place(bytes, index);
        self.f.b.load(place, bytes.off, Size::B1)
    }

    /// Changes the byte at a place.
    pub fn set_byte(&mut self, bytes: Bytes, index: Value, byte: impl Into<Operand>) {
        let place = self.byte_place(bytes, index);
        self.f.b.store(place, bytes.off, Size::B1, byte);
    }

    fn byte_place(&mut self, bytes: Bytes, index: Value) -> Value {
        let inside = self.f.b.and(index, i64::from(bytes.span) - 1);
        let base = self.scratch_base();
        self.f.b.add(base, inside)
    }

    /// Appends a byte; `end` is how many there are.
    pub fn push_byte(&mut self, bytes: Bytes, end: Cell, byte: impl Into<Operand>) {
        let at = self.cell_get(end);
        self.set_byte(bytes, at, byte);
        let next = self.f.b.add(at, 1);
        self.cell_set(end, next);
    }

    /// Runs a body so many times, or until it goes to the block that it is given. It gets the number of the round.
    pub fn repeat(
        &mut self,
        rounds: impl Into<Operand>,
        body: impl FnOnce(&mut Self, Value, Block) -> Result<()>,
    ) -> Result<()> {
        self.need_bpf_loop("this function")?;
        let rounds = self.f.b.operand_value(rounds.into());
        let func = self.round(|lower, stop| {
            let round = lower.f.b.param(0);
            body(lower, round, stop)
        })?;
        self.run_loop(rounds, func);
        Ok(())
    }

    /// Does something if a comparison holds, and goes on unless that leads elsewhere.
    pub fn when(&mut self, cond: Cond, lhs: Value, rhs: impl Into<Operand>, body: impl FnOnce(&mut Self)) {
        let [yes, next] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(cond, lhs, rhs, yes, &[], next, &[]);
        self.f.b.switch_to(yes);
        body(self);
        if !self.f.b.is_terminated() {
            self.f.b.jump(next, &[]);
        }
        self.f.b.switch_to(next);
    }

    /// Changes `len` bytes, eight at a time; as many more as there are to the next multiple of 8.
    pub fn each_word(
        &mut self,
        bytes: Bytes,
        len: u32,
        mut change: impl FnMut(&mut Self, Value) -> Value,
    ) -> Result<()> {
        let words = len.div_ceil(8);
        if len <= UNROLLED || len <= UNROLLED_MOST && !self.g.target.bpf_loop {
            let memory = self.bytes_memory(bytes);
            for at in 0..words as i32 {
                let word = self.f.b.load(memory.base, memory.off + 8 * at, Size::B8);
                let word = change(self, word);
                self.f.b.store(memory.base, memory.off + 8 * at, Size::B8, word);
            }
            return Ok(());
        }
        self.repeat(words, |lower, round, _| {
            let index = lower.f.b.shl(round, 3);
            let place = lower.byte_place(bytes, index);
            let word = lower.f.b.load(place, bytes.off, Size::B8);
            let word = change(lower, word);
            lower.f.b.store(place, bytes.off, Size::B8, word);
            Ok(())
        })
    }
}
