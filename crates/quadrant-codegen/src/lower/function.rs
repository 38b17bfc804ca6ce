//! The eBPF function under construction: the program itself, or a callback of a loop.

use std::collections::BTreeMap;

use quadrant_program::expr::VarId;

use super::fault::FaultExit;
use crate::ssa::Block;
use crate::ssa::FuncBuilder;
use crate::ssa::FuncRef;
use crate::ssa::Slot;
use crate::ssa::Value;
use crate::ssa::Var;

/// One function.
pub(super) struct Function {
    /// Its instructions.
    pub b: FuncBuilder,
    /// Its place in the module.
    pub func: FuncRef,
    /// The context of the program.
    pub ctx: Value,
    /// The link to the program's frame that callbacks get; made at the first loop.
    pub link: Option<Value>,
    /// This run's entry of scratch memory.
    pub scratch: Option<Value>,
    /// Variables in registers.
    pub vars: BTreeMap<VarId, Var>,
    /// Memory on the stack.
    pub stack: StackPool,
    /// Eight bytes that reads of single numbers go through.
    pub word: Option<Slot>,
    /// A record has its place: nothing may leave the clause before it is sent.
    pub reserved: bool,
    /// Frames that loops put between it and the program, as the kernel walks its stack.
    pub frames: u8,
    /// Where links are made, for all loops.
    pub link_slot: Option<Slot>,
    /// Loops around the current statement, innermost last.
    pub loops: Vec<Loop>,
    /// What `return` does.
    pub leave: Leave,
    /// Where faults go, when they end the clause. Callbacks have no way out of their caller.
    pub fault: Option<FaultExit>,
}

/// What the kernel calls again and again.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// A round of `bpf_loop`, with its number and the link.
    Round,
    /// An entry of a map that is walked: the map, key and value, and the link.
    Entry,
}

impl Body {
    /// How many parameters it has, the last of which is the link to the program's frame.
    pub fn params(self) -> u8 {
        match self {
            Body::Round => 2,
            Body::Entry => 4,
        }
    }

    /// How many frames it has below that of its caller: the kernel puts `bpf_loop` into the program (Linux 5.19), the walk over a map is
    /// a function.
    pub fn frames(self) -> u8 {
        match self {
            Body::Round => 1,
            Body::Entry => 2,
        }
    }
}

/// How to leave or repeat a loop.
#[derive(Clone, Copy)]
pub(super) enum Loop {
    /// An unrolled loop: where to go.
    Inline {
        /// For `break`.
        end: Block,
        /// For `continue`.
        next: Block,
    },
    /// This function is the loop's body: return 1 or 0.
    Callback {
        /// Offset in scratch memory of a word to set first when the loop is left by `break`.
        broken: Option<i32>,
    },
}

/// How to leave a clause or the program.
#[derive(Clone, Copy)]
pub(super) enum Leave {
    /// In the program: go there.
    Jump {
        /// End of the clause.
        clause: Block,
        /// End of the program.
        unit: Block,
    },
    /// In a callback: say so in scratch memory and stop the loop.
    Callback,
}

impl Function {
    /// An empty function.
    pub fn new(b: FuncBuilder, func: FuncRef, ctx: Value, leave: Leave, stack_budget: u32) -> Function {
        Function {
            b,
            func,
            ctx,
            link: None,
            scratch: None,
            vars: BTreeMap::new(),
            stack: StackPool { budget: stack_budget, ..StackPool::default() },
            word: None,
            reserved: false,
            frames: 0,
            link_slot: None,
            loops: Vec::new(),
            leave,
            fault: None,
        }
    }
}

/// Stack areas, reused when their statement is over.
#[derive(Default)]
pub(super) struct StackPool {
    budget: u32,
    used: u32,
    areas: Vec<Area>,
    live: Vec<usize>,
}

struct Area {
    slot: Slot,
    size: u32,
    free: bool,
}

/// Largest area that goes to the stack.
const AREA_MAX: u32 = 160;

impl StackPool {
    /// An area of `size` bytes (a multiple of 8), or `None` when it is too big or the stack is full.
    pub fn take(&mut self, b: &mut FuncBuilder, size: u32) -> Option<Slot> {
        let index =
            self.areas.iter().position(|area| area.free && area.size == size).or_else(|| self.declare(b, size))?;
        self.areas[index].free = false;
        self.live.push(index);
        Some(self.areas[index].slot)
    }

    /// How many areas are in use; give it to [`StackPool::release`].
    pub fn mark(&self) -> usize {
        self.live.len()
    }

    /// Frees what was taken since the mark.
    pub fn release(&mut self, mark: usize) {
        for index in self.live.drain(mark.min(self.live.len())..) {
            self.areas[index].free = true;
        }
    }

    fn declare(&mut self, b: &mut FuncBuilder, size: u32) -> Option<usize> {
        if size > AREA_MAX || self.used + size > self.budget {
            return None;
        }
        self.used += size;
        let slot = b.declare_slot(size, 8);
        self.areas.push(Area { slot, size, free: true });
        Some(self.areas.len() - 1)
    }
}
