//! Builds one function: blocks in topological order, instructions, script variables.
//!
//! A block is *started* by the first [`FuncBuilder::switch_to`] it. From then on no further jump to
//! it is accepted, so the graph is acyclic by construction and the order of starting is a
//! topological order. Mistakes are remembered and reported by [`FuncBuilder::finish`].

use super::error::{SsaError, SsaErrorKind};
use super::ir::{
    Args, AtomicOp, BinOp, Block, Callee, Cond, CoreRef, Edge, Func, FuncRef, ImportRef, KfuncRef, MapRef, Op, Operand,
    Purity, Size, Slot, SlotData, Span, Terminator, Value, Var,
};
use super::purity::helper_purity;
use super::vars::Vars;
use super::verify::verify;

/// Builds a [`Func`].
#[derive(Debug)]
pub struct FuncBuilder {
    pub(super) func: Func,
    pub(super) preds: Vec<Vec<Block>>,
    vars: Vars,
    started: Vec<bool>,
    current: Block,
    span: Span,
    error: Option<SsaErrorKind>,
}

impl FuncBuilder {
    /// Starts a function with `params` parameters (at most five); the current block is its entry.
    pub fn new(name: impl Into<String>, params: u8) -> FuncBuilder {
        let mut builder = FuncBuilder {
            func: Func { name: name.into(), params, ..Func::default() },
            preds: Vec::new(),
            vars: Vars::default(),
            started: Vec::new(),
            current: Block(0),
            span: Span::default(),
            error: None,
        };
        let entry = builder.create_block();
        builder.switch_to(entry);
        for index in 0..params.min(Args::MAX as u8) {
            builder.push(Op::Param(index));
        }
        if usize::from(params) > Args::MAX {
            builder.fail(SsaErrorKind::NoSuchParameter(params - 1));
        }
        builder
    }

    /// Ends the build: the function, or the first mistake that was made.
    pub fn finish(self) -> Result<Func, SsaError> {
        let checked = match self.error {
            Some(kind) => Err(kind),
            None => verify(&self.func),
        };
        match checked {
            Ok(()) => Ok(self.func),
            Err(kind) => Err(SsaError { func: self.func.name, kind }),
        }
    }

    /// The text span that following instructions belong to.
    pub fn set_span(&mut self, span: Span) {
        self.span = span;
    }

    /// The text span in force.
    pub fn span(&self) -> Span {
        self.span
    }

    // ---- blocks ----

    /// Makes an empty block; it exists once it is started.
    pub fn create_block(&mut self) -> Block {
        self.preds.push(Vec::new());
        self.started.push(false);
        self.func.make_block()
    }

    /// Adds a parameter to a block that has no jumps to it yet.
    pub fn append_param(&mut self, block: Block) -> Value {
        if self.check_block(block) && (self.started[block.index()] || !self.preds[block.index()].is_empty()) {
            self.fail(SsaErrorKind::LateParameter(block));
        }
        let value = self.func.make_value(Op::BlockParam, self.span);
        if let Some(data) = self.func.blocks.get_mut(block.index()) {
            data.params.push(value);
        }
        value
    }

    /// Goes on in `block`. The first time starts it: all jumps to it must have been made before.
    pub fn switch_to(&mut self, block: Block) {
        if !self.check_block(block) {
            return;
        }
        if !std::mem::replace(&mut self.started[block.index()], true) {
            self.func.order.push(block);
        }
        self.current = block;
    }

    /// Makes a block and goes on in it.
    pub fn start_block(&mut self) -> Block {
        let block = self.create_block();
        self.switch_to(block);
        block
    }

    /// Whether the current block already has its terminator. Instructions added after it go to a new, unreachable block.
    pub fn is_terminated(&self) -> bool {
        self.func.block(self.current).term.is_some()
    }

    /// Whether `block` can be reached: it is the entry or something jumps to it.
    pub fn is_reachable(&self, block: Block) -> bool {
        block == Block(0) || self.preds.get(block.index()).is_some_and(|preds| !preds.is_empty())
    }

    // ---- terminators ----

    /// Goes to `to`.
    pub fn jump(&mut self, to: Block, args: &[Value]) {
        let edge = Edge { to, args: args.to_vec() };
        self.terminate(Terminator::Jump(edge));
    }

    /// Goes to `then` if `lhs cond rhs`, else to `els`.
    #[expect(clippy::too_many_arguments, reason = "one call a branch is what callers want to write")]
    pub fn branch(
        &mut self,
        cond: Cond,
        lhs: Value,
        rhs: impl Into<Operand>,
        then: Block,
        then_args: &[Value],
        els: Block,
        els_args: &[Value],
    ) {
        let then = Edge { to: then, args: then_args.to_vec() };
        let els = Edge { to: els, args: els_args.to_vec() };
        self.terminate(Terminator::Branch { cond, lhs, rhs: rhs.into(), then, els });
    }

    /// Goes to `to` (which has no parameters) if `lhs cond rhs`, else on in a new block.
    pub fn branch_away(&mut self, cond: Cond, lhs: Value, rhs: impl Into<Operand>, to: Block) {
        let next = self.create_block();
        self.branch(cond, lhs, rhs, to, &[], next, &[]);
        self.switch_to(next);
    }

    /// Leaves the function with `value` in r0.
    pub fn ret(&mut self, value: impl Into<Operand>) {
        self.terminate(Terminator::Return(value.into()));
    }

    // ---- values ----

    /// Parameter `index` of the function.
    pub fn param(&mut self, index: u8) -> Value {
        if index >= self.func.params {
            self.fail(SsaErrorKind::NoSuchParameter(index));
        }
        // The parameters are the first values, see `new`.
        Value(index.into())
    }

    /// A constant.
    pub fn iconst(&mut self, imm: i64) -> Value {
        self.push(Op::Const(imm))
    }

    /// A constant that the loader adjusts.
    pub fn core(&mut self, core: CoreRef, value: i32) -> Value {
        self.push(Op::Core(core, value))
    }

    /// A constant with the place in the program in its upper half.
    pub fn site(&mut self, low: u32) -> Value {
        self.push(Op::Site(low))
    }

    /// The constant that `value` is, if it is one.
    pub fn as_const(&self, value: Value) -> Option<i64> {
        self.func.values.get(value.index()).and_then(|_| self.func.as_const(value))
    }

    /// Arithmetic. Signed division and modulo: [`FuncBuilder::sdiv`], [`FuncBuilder::smod`].
    pub fn bin(&mut self, op: BinOp, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.push(Op::Bin(op, lhs, rhs.into()))
    }

    /// `lhs + rhs`.
    pub fn add(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Add, lhs, rhs)
    }

    /// `lhs - rhs`.
    pub fn sub(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Sub, lhs, rhs)
    }

    /// `lhs * rhs`.
    pub fn mul(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Mul, lhs, rhs)
    }

    /// Unsigned `lhs / rhs`; 0 if `rhs` is 0.
    pub fn udiv(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Div, lhs, rhs)
    }

    /// Unsigned `lhs % rhs`; `lhs` if `rhs` is 0.
    pub fn umod(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Mod, lhs, rhs)
    }

    /// Signed quotient, rounded towards zero, from unsigned division; 0 if `rhs` is 0.
    pub fn sdiv(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        let rhs = self.operand_value(rhs.into());
        let (lhs_sign, lhs_abs) = self.sign_and_abs(lhs);
        let (rhs_sign, rhs_abs) = self.sign_and_abs(rhs);
        let quotient = self.udiv(lhs_abs, rhs_abs);
        let sign = self.bin(BinOp::Xor, lhs_sign, rhs_sign);
        self.apply_sign(quotient, sign)
    }

    /// Signed remainder with the sign of `lhs`; `lhs` if `rhs` is 0.
    pub fn smod(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        let rhs = self.operand_value(rhs.into());
        let (sign, lhs_abs) = self.sign_and_abs(lhs);
        let (_, rhs_abs) = self.sign_and_abs(rhs);
        let rest = self.umod(lhs_abs, rhs_abs);
        self.apply_sign(rest, sign)
    }

    /// `lhs & rhs`.
    pub fn and(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::And, lhs, rhs)
    }

    /// `lhs | rhs`.
    pub fn or(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Or, lhs, rhs)
    }

    /// `lhs ^ rhs`.
    pub fn xor(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Xor, lhs, rhs)
    }

    /// `lhs << rhs`.
    pub fn shl(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Shl, lhs, rhs)
    }

    /// `lhs >> rhs`, unsigned.
    pub fn shr(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Shr, lhs, rhs)
    }

    /// `lhs >> rhs`, signed.
    pub fn sar(&mut self, lhs: Value, rhs: impl Into<Operand>) -> Value {
        self.bin(BinOp::Sar, lhs, rhs)
    }

    /// `-value`.
    pub fn neg(&mut self, value: Value) -> Value {
        self.push(Op::Neg(value))
    }

    /// `~value`.
    pub fn not(&mut self, value: Value) -> Value {
        self.bin(BinOp::Xor, value, -1i64)
    }

    /// The low bytes of `value`, extended to 64 bits with zeros or with the sign.
    pub fn ext(&mut self, value: Value, size: Size, signed: bool) -> Value {
        self.push(Op::Ext { value, size, signed })
    }

    /// The low bytes of `value` reversed, the others cleared.
    pub fn bswap(&mut self, value: Value, size: Size) -> Value {
        self.push(Op::Bswap(value, size))
    }

    /// 1 if `lhs cond rhs`, else 0. For a decision use [`FuncBuilder::branch`] directly.
    pub fn compare(&mut self, cond: Cond, lhs: Value, rhs: impl Into<Operand>) -> Value {
        let one = self.iconst(1);
        let zero = self.iconst(0);
        self.select(cond, lhs, rhs, one, zero)
    }

    /// `then` if `lhs cond rhs`, else `els`; both are evaluated. Starts a new block.
    pub fn select(&mut self, cond: Cond, lhs: Value, rhs: impl Into<Operand>, then: Value, els: Value) -> Value {
        let join = self.create_block();
        let result = self.append_param(join);
        self.branch(cond, lhs, rhs, join, &[then], join, &[els]);
        self.switch_to(join);
        result
    }

    // ---- memory ----

    /// Declares a stack area of `size` bytes, aligned to `align` (1, 2, 4 or 8).
    pub fn declare_slot(&mut self, size: u32, align: u32) -> Slot {
        if !matches!(align, 1 | 2 | 4 | 8) {
            self.fail(SsaErrorKind::BadAlignment(align));
        }
        self.func.slots.push(SlotData { size, align });
        Slot(self.func.slots.len() as u32 - 1)
    }

    /// The address of a stack slot.
    pub fn stack_addr(&mut self, slot: Slot) -> Value {
        if slot.index() >= self.func.slots.len() {
            self.fail(SsaErrorKind::Foreign("slot", slot.0));
        }
        self.push(Op::StackAddr(slot, 0))
    }

    /// Reads memory, zero-extended.
    pub fn load(&mut self, base: Value, off: i32, size: Size) -> Value {
        self.load_with(base, off, size, false, false)
    }

    /// Reads memory, sign-extended if `signed`; `invariant` memory never changes during the run.
    pub fn load_with(&mut self, base: Value, off: i32, size: Size, signed: bool, invariant: bool) -> Value {
        self.push(Op::Load { base, off, size, signed, invariant })
    }

    /// Writes the low bytes of `src`.
    pub fn store(&mut self, base: Value, off: i32, size: Size, src: impl Into<Operand>) {
        self.push(Op::Store { base, off, size, src: src.into() });
    }

    /// Atomic update without a result; `size` is `B4` or `B8`.
    pub fn atomic(&mut self, op: AtomicOp, base: Value, off: i32, size: Size, src: Value) {
        self.push(Op::Atomic { op, fetch: op == AtomicOp::Xchg, size, base, off, src });
    }

    /// Atomic update that gives the old value; `size` is `B4` or `B8`.
    pub fn atomic_fetch(&mut self, op: AtomicOp, base: Value, off: i32, size: Size, src: Value) -> Value {
        self.push(Op::Atomic { op, fetch: true, size, base, off, src })
    }

    /// Stores `new` if memory equals `expected`, atomically; gives the old value. `size` is `B4` or `B8`.
    pub fn cmpxchg(&mut self, base: Value, off: i32, size: Size, expected: Value, new: Value) -> Value {
        self.push(Op::CmpXchg { size, base, off, expected, new })
    }

    /// Clears `len` bytes with stores, widest first; meant for up to some 128 bytes. `base` is taken as aligned to 8.
    pub fn zero(&mut self, base: Value, off: i32, len: u32) {
        for (at, size) in chunks(off, off, len) {
            self.store(base, off.wrapping_add(at), size, 0i64);
        }
    }

    /// Copies `len` bytes with loads and stores, widest first; meant for up to some 128 bytes. Both bases are taken as aligned to 8.
    pub fn copy(&mut self, dst: Value, doff: i32, src: Value, soff: i32, len: u32) {
        for (at, size) in chunks(doff, soff, len) {
            let value = self.load(src, soff.wrapping_add(at), size);
            self.store(dst, doff.wrapping_add(at), size, value);
        }
    }

    // ---- maps, functions, calls ----

    /// A map as a helper argument.
    pub fn map_ptr(&mut self, map: MapRef) -> Value {
        self.push(Op::MapPtr(map))
    }

    /// The address of byte `off` in the value of a one-element array map.
    pub fn map_value(&mut self, map: MapRef, off: u32) -> Value {
        self.push(Op::MapValue(map, off))
    }

    /// A function as a callback argument.
    pub fn func_addr(&mut self, func: FuncRef) -> Value {
        self.push(Op::FuncAddr(func))
    }

    /// Calls a helper; what the optimizer may do with it comes from its number.
    pub fn call(&mut self, helper: u32, args: &[Value]) -> Value {
        self.call_with(helper, helper_purity(helper), args)
    }

    /// Calls a helper with a purity of your choice.
    pub fn call_with(&mut self, helper: u32, purity: Purity, args: &[Value]) -> Value {
        self.push_call(Callee::Helper(helper, purity), args)
    }

    /// Calls another function of the module.
    pub fn call_func(&mut self, func: FuncRef, args: &[Value]) -> Value {
        self.push_call(Callee::Func(func), args)
    }

    /// Calls a kernel function.
    pub fn call_kfunc(&mut self, kfunc: KfuncRef, args: &[Value]) -> Value {
        self.push_call(Callee::Kfunc(kfunc), args)
    }

    /// Call of a function in C.
    pub fn call_import(&mut self, function: ImportRef, args: &[Value]) -> Value {
        self.push_call(Callee::Import(function), args)
    }

    // ---- variables ----

    /// Declares a script variable; it is 0 until defined.
    pub fn declare_var(&mut self) -> Var {
        self.vars.declare()
    }

    /// Gives a variable a new value from here on.
    pub fn def_var(&mut self, var: Var, value: Value) {
        self.reopen();
        if !self.vars.define(self.current, var, value) {
            self.fail(SsaErrorKind::Foreign("variable", var.0));
        }
    }

    /// The value of a variable here; adds block parameters as needed.
    pub fn use_var(&mut self, var: Var) -> Value {
        self.reopen();
        if !self.vars.is_declared(var) {
            self.fail(SsaErrorKind::Foreign("variable", var.0));
        }
        self.vars.resolve(&mut self.func, &self.preds, self.current, var)
    }

    // ---- internals ----

    /// A value for an operand.
    pub fn operand_value(&mut self, operand: Operand) -> Value {
        match operand {
            Operand::Value(value) => value,
            Operand::Imm(imm) => self.iconst(imm),
        }
    }

    fn push(&mut self, op: Op) -> Value {
        self.reopen();
        let value = self.func.make_value(op, self.span);
        self.func.block_mut(self.current).insts.push(value);
        value
    }

    fn push_call(&mut self, callee: Callee, args: &[Value]) -> Value {
        match Args::new(args) {
            Some(args) => self.push(Op::Call(callee, args)),
            None => {
                self.fail(SsaErrorKind::TooManyArguments);
                self.iconst(0)
            }
        }
    }

    fn terminate(&mut self, term: Terminator) {
        self.reopen();
        let from = self.current;
        for edge in term.edges() {
            self.check_edge(edge);
            if let Some(preds) = self.preds.get_mut(edge.to.index()) {
                preds.push(from);
            }
        }
        let span = self.span;
        let data = self.func.block_mut(from);
        data.term = Some(term);
        data.term_span = span;
    }

    fn check_edge(&mut self, edge: &Edge) {
        if !self.check_block(edge.to) {
            return;
        }
        if self.started[edge.to.index()] {
            self.fail(SsaErrorKind::JumpToStartedBlock(edge.to));
        }
        if self.func.block(edge.to).params.len() != edge.args.len() {
            self.fail(SsaErrorKind::ArgumentCount(edge.to));
        }
    }

    fn check_block(&mut self, block: Block) -> bool {
        let known = block.index() < self.func.blocks.len();
        if !known {
            self.fail(SsaErrorKind::Foreign("block", block.0));
        }
        known
    }

    /// Code after a terminator goes to a block that nothing reaches.
    fn reopen(&mut self) {
        if self.is_terminated() {
            self.start_block();
        }
    }

    /// The sign as 0 or -1, and the absolute value.
    fn sign_and_abs(&mut self, value: Value) -> (Value, Value) {
        let sign = self.sar(value, 63i64);
        (sign, self.apply_sign(value, sign))
    }

    /// Negates `value` if `sign` is -1, leaves it if 0.
    fn apply_sign(&mut self, value: Value, sign: Value) -> Value {
        let flipped = self.xor(value, sign);
        self.sub(flipped, sign)
    }

    /// Remembers the first mistake.
    fn fail(&mut self, kind: SsaErrorKind) {
        self.error.get_or_insert(kind);
    }
}

/// Cuts `len` bytes into accesses that are aligned at both offsets; yields the distance from the start and the width.
fn chunks(first: i32, second: i32, len: u32) -> impl Iterator<Item = (i32, Size)> {
    let mut at = 0u32;
    std::iter::from_fn(move || {
        let rest = len - at;
        let here = at;
        let low = (first as u32).wrapping_add(at) | (second as u32).wrapping_add(at);
        let size = [Size::B8, Size::B4, Size::B2, Size::B1]
            .into_iter()
            .find(|size| size.bytes() <= rest && low.is_multiple_of(size.bytes()))?;
        at += size.bytes();
        Some((here as i32, size))
    })
}
