//! The intermediate representation: untyped 64-bit SSA values in basic blocks with parameters.
//!
//! Every function's control-flow graph is acyclic (loops are callbacks, hence functions of their
//! own), and [`Func::order`] lists its blocks in topological order. All passes lean on both.

pub use quadrant_program::span::Span;

pub use super::ops::{AtomicOp, BinOp, Cond, Size};

/// Declares an index newtype.
macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a `usize`.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// An SSA value: the result of one instruction, or a block parameter.
    Value
);
index!(
    /// A basic block of one function.
    Block
);
index!(
    /// An area of the 512-byte stack frame of one function.
    Slot
);
index!(
    /// A script variable of one function, turned into SSA values by the builder.
    Var
);
index!(
    /// A function of the module; 0 is the main program.
    FuncRef
);
index!(
    /// A map; the number is the caller's, it comes back in relocations.
    MapRef
);
index!(
    /// A kernel function; the number is the caller's, it comes back in relocations.
    KfuncRef
);

index!(
    /// A function in C; the number is the caller's, it comes back in relocations.
    ImportRef
);

index!(
    /// A number that the loader adjusts; the number is the caller's, it comes back in relocations.
    CoreRef
);

/// The right-hand side of an instruction: a value or a constant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// A value.
    Value(Value),
    /// A constant of any width; those beyond 32 bits are put in a register by the code generator.
    Imm(i64),
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Operand::Value(value)
    }
}

impl From<i64> for Operand {
    fn from(imm: i64) -> Self {
        Operand::Imm(imm)
    }
}

impl From<i32> for Operand {
    fn from(imm: i32) -> Self {
        Operand::Imm(imm.into())
    }
}

impl From<u32> for Operand {
    fn from(imm: u32) -> Self {
        Operand::Imm(imm.into())
    }
}

/// What a helper call may do, which decides what the optimizer may do with the call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purity {
    /// Same arguments, same result within one run, no effect: merged when repeated, dropped when unused.
    Pure,
    /// No effect, but the result may differ from call to call: dropped when unused.
    ReadOnly,
    /// Anything else.
    Effect,
}

/// Up to five call arguments.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Args {
    len: u8,
    values: [Value; Args::MAX],
}

impl Args {
    /// The most arguments a BPF call takes.
    pub const MAX: usize = 5;

    /// Collects arguments; `None` if there are more than [`Args::MAX`].
    pub fn new(values: &[Value]) -> Option<Args> {
        let mut args = Args { len: 0, values: [Value(0); Args::MAX] };
        args.values.get_mut(..values.len())?.copy_from_slice(values);
        args.len = values.len() as u8;
        Some(args)
    }

    /// The arguments in order.
    pub fn as_slice(&self) -> &[Value] {
        &self.values[..usize::from(self.len)]
    }

    /// The arguments in order, to change them.
    pub fn as_mut_slice(&mut self) -> &mut [Value] {
        &mut self.values[..usize::from(self.len)]
    }
}

/// Who is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// A BPF helper, by its number.
    Helper(u32, Purity),
    /// Another function of the module (BPF-to-BPF call).
    Func(FuncRef),
    /// A kernel function.
    Kfunc(KfuncRef),
    /// A function in C that is put behind the module.
    Import(ImportRef),
}

/// What an instruction computes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// A constant.
    Const(i64),
    /// A constant that the loader adjusts: nothing is known of it but what it is now.
    Core(CoreRef, i32),
    /// A constant with the index of the very instruction that makes it in its upper half: where in the program something happened.
    Site(u32),
    /// The function's parameter of that number (0 to 4).
    Param(u8),
    /// A parameter of a block, given by each jump to it.
    BlockParam,
    /// Two-operand arithmetic.
    Bin(BinOp, Value, Operand),
    /// Two's complement negation.
    Neg(Value),
    /// Takes the low bytes and extends them to 64 bits, with the sign if `signed`.
    Ext {
        /// Source.
        value: Value,
        /// Width that is kept; `B8` is a copy.
        size: Size,
        /// Whether the sign is extended.
        signed: bool,
    },
    /// Reverses the low bytes of that width and clears the others.
    Bswap(Value, Size),
    /// Reads memory and extends the result to 64 bits.
    Load {
        /// Address.
        base: Value,
        /// Added to the address.
        off: i32,
        /// Width.
        size: Size,
        /// Whether the sign is extended.
        signed: bool,
        /// The memory does not change during the run (context fields, constants): equal loads are merged.
        invariant: bool,
    },
    /// Writes the low bytes of `src` to memory. The result must not be used.
    Store {
        /// Address.
        base: Value,
        /// Added to the address.
        off: i32,
        /// Width.
        size: Size,
        /// What is written.
        src: Operand,
    },
    /// Atomic read-modify-write; `size` is `B4` or `B8`. The result is the old value if `fetch`, otherwise unusable.
    Atomic {
        /// What is done.
        op: AtomicOp,
        /// Whether the old value is wanted.
        fetch: bool,
        /// Width.
        size: Size,
        /// Address.
        base: Value,
        /// Added to the address.
        off: i32,
        /// The other operand.
        src: Value,
    },
    /// Atomic compare and exchange: stores `new` if memory equals `expected`; the result is the old value.
    CmpXchg {
        /// Width, `B4` or `B8`.
        size: Size,
        /// Address.
        base: Value,
        /// Added to the address.
        off: i32,
        /// Compared with memory.
        expected: Value,
        /// Stored when equal.
        new: Value,
    },
    /// The address of byte `.1` of a stack slot.
    StackAddr(Slot, i32),
    /// A map, as helpers take it.
    MapPtr(MapRef),
    /// The address of byte `.1` of the (only) value of an array map.
    MapValue(MapRef, u32),
    /// A function, as `bpf_loop` and `bpf_for_each_map_elem` take it.
    FuncAddr(FuncRef),
    /// A call; the result is r0.
    Call(Callee, Args),
}

/// A jump target with the arguments for its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Where to.
    pub to: Block,
    /// One for each parameter of `to`.
    pub args: Vec<Value>,
}

/// How a block ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Terminator {
    /// Goes on elsewhere.
    Jump(Edge),
    /// Goes on at `then` if the comparison holds, else at `els`.
    Branch {
        /// Comparison.
        cond: Cond,
        /// Left-hand side.
        lhs: Value,
        /// Right-hand side.
        rhs: Operand,
        /// Taken if it holds.
        then: Edge,
        /// Taken if not.
        els: Edge,
    },
    /// Leaves the function.
    Return(Operand),
}

/// One instruction or block parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValueData {
    /// What it computes.
    pub op: Op,
    /// The script text it comes from.
    pub span: Span,
}

/// A basic block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockData {
    /// Parameters ([`Op::BlockParam`]).
    pub params: Vec<Value>,
    /// Instructions in order.
    pub insts: Vec<Value>,
    /// `None` only while the block is being built.
    pub term: Option<Terminator>,
    /// The script text of the terminator.
    pub term_span: Span,
}

/// A part of the stack frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotData {
    /// Bytes.
    pub size: u32,
    /// Power of two up to 8.
    pub align: u32,
}

/// A function.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Func {
    /// For diagnostics and BTF.
    pub name: String,
    /// Number of parameters (r1, r2, ...).
    pub params: u8,
    /// All values ever made; dead ones are in no block.
    pub values: Vec<ValueData>,
    /// All blocks ever made.
    pub blocks: Vec<BlockData>,
    /// The blocks that are alive, entry first, each before its successors.
    pub order: Vec<Block>,
    /// Stack areas.
    pub slots: Vec<SlotData>,
}

/// A program: the main function and those that it calls or passes as callbacks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Module {
    /// Indexed by [`FuncRef`]; `None` is declared but not yet defined.
    pub funcs: Vec<Option<Func>>,
}

impl Module {
    /// An empty module.
    pub fn new() -> Module {
        Module::default()
    }

    /// Reserves the next function number, so that code can refer to it before it is built. The first is the main program.
    pub fn declare_func(&mut self) -> FuncRef {
        self.funcs.push(None);
        FuncRef(self.funcs.len() as u32 - 1)
    }

    /// Gives a declared function its body (from [`super::FuncBuilder::finish`]).
    pub fn define_func(&mut self, at: FuncRef, func: Func) {
        if let Some(place) = self.funcs.get_mut(at.index()) {
            *place = Some(func);
        }
    }
}

impl Func {
    /// What `value` computes.
    pub fn op(&self, value: Value) -> Op {
        self.values[value.index()].op
    }

    /// The constant that `value` is, if it is one.
    pub fn as_const(&self, value: Value) -> Option<i64> {
        match self.op(value) {
            Op::Const(imm) => Some(imm),
            _ => None,
        }
    }

    /// The data of a block.
    pub fn block(&self, block: Block) -> &BlockData {
        &self.blocks[block.index()]
    }

    /// The data of a block, to change it.
    pub fn block_mut(&mut self, block: Block) -> &mut BlockData {
        &mut self.blocks[block.index()]
    }

    /// Makes a value that is in no block yet.
    pub fn make_value(&mut self, op: Op, span: Span) -> Value {
        self.values.push(ValueData { op, span });
        Value(self.values.len() as u32 - 1)
    }

    /// Makes a block that is not yet in the order.
    pub fn make_block(&mut self) -> Block {
        self.blocks.push(BlockData::default());
        Block(self.blocks.len() as u32 - 1)
    }
}

impl Op {
    /// Whether the value can be made anew anywhere from nothing, so that it need not be kept in a register.
    pub fn is_rematerializable(&self) -> bool {
        use Op::*;
        matches!(self, Const(_) | Core(..) | Site(_) | StackAddr(..) | MapPtr(_) | MapValue(..) | FuncAddr(_))
    }

    /// Whether equal operations give equal results within one run, wherever they are.
    pub fn is_pure(&self) -> bool {
        match self {
            Op::Bin(..) | Op::Neg(_) | Op::Ext { .. } | Op::Bswap(..) => true,
            Op::Load { invariant, .. } => *invariant,
            Op::Call(Callee::Helper(_, Purity::Pure), _) => true,
            other => other.is_rematerializable(),
        }
    }

    /// Whether the instruction must stay although nobody uses its result.
    pub fn has_effect(&self) -> bool {
        match self {
            Op::Store { .. } | Op::Atomic { .. } | Op::CmpXchg { .. } => true,
            Op::Call(Callee::Helper(_, purity), _) => *purity == Purity::Effect,
            Op::Call(..) => true,
            _ => false,
        }
    }
}

impl Terminator {
    /// The edges out of the block, `then` before `els`.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        let (first, second) = match self {
            Terminator::Jump(edge) => (Some(edge), None),
            Terminator::Branch { then, els, .. } => (Some(then), Some(els)),
            Terminator::Return(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The edges out of the block, to change them.
    pub fn edges_mut(&mut self) -> impl Iterator<Item = &mut Edge> {
        let (first, second) = match self {
            Terminator::Jump(edge) => (Some(edge), None),
            Terminator::Branch { then, els, .. } => (Some(then), Some(els)),
            Terminator::Return(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}
