//! Scratch memory: what does not fit on the stack.
//!
//! An array has a few entries for each CPU. A clause claims the first free one of its CPU, so that a program that interrupts it, or that
//! runs when it is preempted, gets another. The first word of an entry says that it is taken; a program that finds none free does not run,
//! which is counted. The second word tells a loop's caller that the loop's body left the clause or the program.

use quadrant_bpf::helper;

use super::error::Result;
use super::fault::FaultExit;
use super::function::Leave;
use super::globals::SCRATCH_LEVELS;
use super::memory::Mem;
use super::unit::Lower;
use crate::object::LossKind;
use crate::ssa::AtomicOp;
use crate::ssa::Block;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// Offset of the word that says that an entry is taken.
const BUSY: i32 = 0;
/// Offset of the word by which a loop's body leaves more than the loop.
pub(super) const LEAVE: i32 = 8;
/// Bytes before what clauses keep there.
pub(super) const HEADER: u32 = 16;
/// Bytes after it: a text is read with one byte more than it may have.
const SLOP: u32 = 8;

/// When a clause claims its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// It needs none.
    Never,
    /// After its predicate.
    Body,
    /// Before its predicate.
    Clause,
}

/// Scratch memory of the clause under construction.
pub(super) struct Scratch {
    /// Bytes in use.
    pub top: u32,
    /// Most bytes that were needed.
    pub most: u32,
    /// Whether the predicate is being lowered.
    pub in_predicate: bool,
    /// Where the clause must claim.
    pub wanted: Claim,
}

impl Scratch {
    /// For a clause whose own memory starts behind so many bytes.
    pub fn new(start: u32) -> Scratch {
        Scratch { top: start, most: start, in_predicate: false, wanted: Claim::Never }
    }
}

/// The ways out of code that holds an entry: they free it.
#[derive(Clone, Copy)]
pub(super) struct Exits {
    /// Ends the clause.
    pub clause: Block,
    /// Ends the program.
    pub unit: Block,
    /// Handles a fault.
    pub fault: Option<FaultExit>,
}

impl Lower<'_, '_> {
    /// Scratch memory of `bytes`, a multiple of 8.
    pub fn alloc_scratch(&mut self, bytes: u32) -> Mem {
        let off = self.reserve_scratch(bytes);
        Mem { base: self.scratch_base(), off: off as i32 }
    }

    /// A place in scratch memory that need not be used.
    pub fn reserve_scratch(&mut self, bytes: u32) -> u32 {
        let off = self.scratch.top;
        self.scratch.top = off.saturating_add(bytes);
        self.scratch.most = self.scratch.most.max(self.scratch.top.saturating_add(SLOP));
        off
    }

    /// Entries reach at least to an offset: accesses that the verifier takes for possible must be inside.
    pub fn reach_scratch(&mut self, end: u32) {
        self.scratch.most = self.scratch.most.max(end.saturating_add(SLOP));
    }

    /// This run's entry of scratch memory.
    pub fn scratch_base(&mut self) -> Value {
        if let Some(base) = self.f.scratch {
            return base;
        }
        // Nothing was claimed: this pass over the unit will be repeated.
        let need = if self.scratch.in_predicate { Claim::Clause } else { Claim::Body };
        self.scratch.wanted = self.scratch.wanted.max(need);
        self.f.b.iconst(0)
    }

    /// Claims an entry or leaves the clause. Gives the blocks that free it and then leave the clause or the unit; from now on,
    /// these are the ways out.
    pub fn claim(&mut self, clause_end: Block) -> Exits {
        let claimed = self.f.b.create_block();
        let entry = self.f.b.append_param(claimed);
        let cpu = self.f.b.call(helper::GET_SMP_PROCESSOR_ID, &[]);
        let first = self.f.b.mul(cpu, i64::from(SCRATCH_LEVELS));
        for level in 0..SCRATCH_LEVELS {
            let index = self.f.b.add(first, i64::from(level));
            self.try_claim(index, claimed, clause_end);
        }
        self.lose(LossKind::Scratch);
        self.f.b.jump(clause_end, &[]);
        self.f.b.switch_to(claimed);
        self.f.scratch = Some(entry);
        let (clause, unit) = (self.f.b.create_block(), self.f.b.create_block());
        self.f.leave = Leave::Jump { clause, unit };
        let fault = if self.f.fault.is_some() { self.fault_exit() } else { None };
        self.f.fault = fault;
        Exits { clause, unit, fault }
    }

    /// Lowers something that needs an entry on a way that few firings take: unless the clause holds one anyway, or must not be left now,
    /// it is claimed here and freed at the end. Gives what that gives.
    pub fn with_scratch(&mut self, body: impl FnOnce(&mut Self) -> Result<Value>) -> Result<Value> {
        let (None, false, Leave::Jump { clause, unit }) = (self.f.scratch, self.f.reserved, self.f.leave) else {
            return body(self);
        };
        let (leave, fault, link) = (self.f.leave, self.f.fault, self.f.link.take());
        let exits = self.claim(clause);
        let result = body(self)?;
        let after = self.f.b.create_block();
        let value = self.f.b.append_param(after);
        self.free_scratch();
        self.f.b.jump(after, &[result]);
        self.free_on_the_way(exits, (clause, unit), fault);
        (self.f.scratch, self.f.leave, self.f.fault, self.f.link) = (None, leave, fault, link);
        self.f.b.switch_to(after);
        Ok(value)
    }

    /// Lowers the ways out of code that holds an entry: they free it, and lead to the end of the clause, the end of the unit, and
    /// what handles faults.
    pub fn free_on_the_way(&mut self, exits: Exits, (clause, unit): (Block, Block), handler: Option<FaultExit>) {
        for (from, to) in [(exits.unit, unit), (exits.clause, clause)] {
            if self.f.b.is_reachable(from) {
                self.f.b.switch_to(from);
                self.free_scratch();
                self.f.b.jump(to, &[]);
            }
        }
        if let (Some(from), Some(to)) = (exits.fault, handler)
            && self.f.b.is_reachable(from.block)
        {
            self.f.b.switch_to(from.block);
            self.free_scratch();
            self.f.b.jump(to.block, &[from.what, from.address]);
        }
    }

    /// Goes to `claimed` when the entry is free, on otherwise.
    fn try_claim(&mut self, index: Value, claimed: Block, clause_end: Block) {
        let map = self.g.scratch();
        let key = self.word();
        self.f.b.store(key.base, key.off, Size::B4, index);
        let map = self.f.b.map_ptr(map);
        let key = self.address(key);
        let entry = self.f.b.call(helper::MAP_LOOKUP_ELEM, &[map, key]);
        self.f.b.branch_away(Cond::Eq, entry, 0, clause_end);
        let next = self.f.b.create_block();
        let busy = self.take(entry);
        self.f.b.branch(Cond::Eq, busy, 0, claimed, &[entry], next, &[]);
        self.f.b.switch_to(next);
    }

    /// Marks an entry as taken; gives what it was before.
    fn take(&mut self, entry: Value) -> Value {
        let one = self.f.b.iconst(1);
        if self.g.target.atomic_fetch {
            return self.f.b.atomic_fetch(AtomicOp::Xchg, entry, BUSY, Size::B8, one);
        }
        // Without atomic exchange the kernel is old enough not to preempt programs: what interrupts this one between the
        // load and the store has given the entry back before it ends.
        let busy = self.f.b.load(entry, BUSY, Size::B8);
        self.f.b.store(entry, BUSY, Size::B8, one);
        busy
    }

    /// Gives the entry back.
    pub fn free_scratch(&mut self) {
        if let Some(entry) = self.f.scratch {
            self.f.b.store(entry, BUSY, Size::B8, 0);
        }
    }
}
