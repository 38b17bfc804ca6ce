//! The intermediate representation: untyped 64-bit SSA values in basic blocks with parameters.
//!
//! Every function's control-flow graph is acyclic (loops are callbacks, hence functions of their
//! own), and [`Func::order`] lists its blocks in topological order. All passes lean on both.

pub use quadrant_program::span::Span;

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

/// Two-operand arithmetic on 64-bit values. Division by zero gives 0, modulo by zero gives the
/// dividend (what the kernel defines); shift counts are taken modulo 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BinOp {
    /// Wrapping sum.
    Add,
    /// Wrapping difference.
    Sub,
    /// Wrapping product.
    Mul,
    /// Unsigned quotient.
    Div,
    /// Unsigned remainder.
    Mod,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Shift left.
    Shl,
    /// Shift right, filling with zeros.
    Shr,
    /// Shift right, filling with the sign.
    Sar,
}

/// A comparison of two 64-bit values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cond {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Unsigned less than.
    Ult,
    /// Unsigned less or equal.
    Ule,
    /// Unsigned greater than.
    Ugt,
    /// Unsigned greater or equal.
    Uge,
    /// Signed less than.
    Slt,
    /// Signed less or equal.
    Sle,
    /// Signed greater than.
    Sgt,
    /// Signed greater or equal.
    Sge,
    /// `lhs & rhs != 0`; its negation is [`Cond::Clear`].
    Test,
    /// `lhs & rhs == 0`.
    Clear,
}

/// The width of a memory access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Size {
    /// One byte.
    B1,
    /// Two bytes.
    B2,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}

/// What an atomic instruction does to memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AtomicOp {
    /// Add.
    Add,
    /// Bitwise or.
    Or,
    /// Bitwise and.
    And,
    /// Bitwise exclusive or.
    Xor,
    /// Exchange; always fetches.
    Xchg,
}

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
}

/// What an instruction computes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// A constant.
    Const(i64),
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
        matches!(self, Op::Const(_) | Op::StackAddr(..) | Op::MapPtr(_) | Op::MapValue(..) | Op::FuncAddr(_))
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

impl Size {
    /// All bits of that width set.
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bytes() * 8)
    }

    /// The width in bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Size::B1 => 1,
            Size::B2 => 2,
            Size::B4 => 4,
            Size::B8 => 8,
        }
    }

    /// The width of that many bytes, if there is one.
    pub fn from_bytes(bytes: u32) -> Option<Size> {
        match bytes {
            1 => Some(Size::B1),
            2 => Some(Size::B2),
            4 => Some(Size::B4),
            8 => Some(Size::B8),
            _ => None,
        }
    }
}

impl BinOp {
    /// The result on two numbers.
    pub fn eval(self, lhs: u64, rhs: u64) -> u64 {
        match self {
            BinOp::Add => lhs.wrapping_add(rhs),
            BinOp::Sub => lhs.wrapping_sub(rhs),
            BinOp::Mul => lhs.wrapping_mul(rhs),
            BinOp::Div => lhs.checked_div(rhs).unwrap_or(0),
            BinOp::Mod => lhs.checked_rem(rhs).unwrap_or(lhs),
            BinOp::And => lhs & rhs,
            BinOp::Or => lhs | rhs,
            BinOp::Xor => lhs ^ rhs,
            BinOp::Shl => lhs.wrapping_shl(rhs as u32),
            BinOp::Shr => lhs.wrapping_shr(rhs as u32),
            BinOp::Sar => (lhs as i64).wrapping_shr(rhs as u32) as u64,
        }
    }

    /// Whether the operands may be exchanged.
    pub fn is_commutative(self) -> bool {
        matches!(self, BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor)
    }
}

impl Cond {
    /// Whether the comparison holds for two numbers.
    pub fn eval(self, lhs: u64, rhs: u64) -> bool {
        let (slhs, srhs) = (lhs as i64, rhs as i64);
        match self {
            Cond::Eq => lhs == rhs,
            Cond::Ne => lhs != rhs,
            Cond::Ult => lhs < rhs,
            Cond::Ule => lhs <= rhs,
            Cond::Ugt => lhs > rhs,
            Cond::Uge => lhs >= rhs,
            Cond::Slt => slhs < srhs,
            Cond::Sle => slhs <= srhs,
            Cond::Sgt => slhs > srhs,
            Cond::Sge => slhs >= srhs,
            Cond::Test => lhs & rhs != 0,
            Cond::Clear => lhs & rhs == 0,
        }
    }

    /// The condition that holds exactly when this one does not.
    pub fn negate(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::Ult => Cond::Uge,
            Cond::Ule => Cond::Ugt,
            Cond::Ugt => Cond::Ule,
            Cond::Uge => Cond::Ult,
            Cond::Slt => Cond::Sge,
            Cond::Sle => Cond::Sgt,
            Cond::Sgt => Cond::Sle,
            Cond::Sge => Cond::Slt,
            Cond::Test => Cond::Clear,
            Cond::Clear => Cond::Test,
        }
    }

    /// The condition with its operands exchanged.
    pub fn swap(self) -> Cond {
        match self {
            Cond::Ult => Cond::Ugt,
            Cond::Ule => Cond::Uge,
            Cond::Ugt => Cond::Ult,
            Cond::Uge => Cond::Ule,
            Cond::Slt => Cond::Sgt,
            Cond::Sle => Cond::Sge,
            Cond::Sgt => Cond::Slt,
            Cond::Sge => Cond::Sle,
            same => same,
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
