//! Brings a function into the shape that eBPF instructions have, before registers are chosen.
//!
//! [`normalize`] does what does not depend on registers, once. [`expand`] then gives each use that needs a
//! register one: values that can be made anywhere, and those that live on the stack because registers ran
//! out, get short-lived copies in front of their uses.

use std::collections::{HashMap, HashSet};

use super::super::ir::{BinOp, Block, Cond, Edge, Func, Op, Operand, Size, Slot, Span, Terminator, Value};
use super::super::uses::map_operands;

/// Splits edges that carry arguments out of branches, puts wide constants in values, and removes [`Cond::Clear`].
pub fn normalize(func: &mut Func) {
    let mut order = Vec::with_capacity(func.order.len());
    for block in std::mem::take(&mut func.order) {
        order.push(block);
        order.extend(split_edges(func, block));
    }
    func.order = order;
    let mut wide = HashMap::new();
    for at in 0..func.order.len() {
        normalize_block(func, func.order[at], &mut wide);
    }
}

/// Puts a block on each edge of a branch that has arguments; returns those blocks.
fn split_edges(func: &mut Func, block: Block) -> Vec<Block> {
    let mut made = Vec::new();
    let span = func.block(block).term_span;
    let Some(mut term) = func.block_mut(block).term.take() else { return made };
    if let Terminator::Branch { cond: cond @ Cond::Clear, then, els, .. } = &mut term {
        *cond = Cond::Test;
        std::mem::swap(then, els);
    }
    if matches!(term, Terminator::Branch { .. }) {
        for edge in term.edges_mut().filter(|edge| !edge.args.is_empty()) {
            let middle = func.make_block();
            let onward = std::mem::replace(edge, Edge { to: middle, args: Vec::new() });
            let data = func.block_mut(middle);
            data.term = Some(Terminator::Jump(onward));
            data.term_span = span;
            made.push(middle);
        }
    }
    func.block_mut(block).term = Some(term);
    made
}

fn normalize_block(func: &mut Func, block: Block, wide: &mut HashMap<i64, Value>) {
    for at in 0..func.block(block).insts.len() {
        let inst = func.block(block).insts[at];
        let mut op = func.op(inst);
        if let Op::Bin(_, _, operand) | Op::Store { src: operand, .. } = &mut op {
            narrow(func, operand, wide);
        }
        func.values[inst.index()].op = op;
    }
    let mut term = func.block_mut(block).term.take();
    if let Some(Terminator::Branch { rhs, .. }) = &mut term {
        narrow(func, rhs, wide);
    }
    func.block_mut(block).term = term;
}

/// Instructions have 32-bit immediates; wider constants become values.
fn narrow(func: &mut Func, operand: &mut Operand, wide: &mut HashMap<i64, Value>) {
    if let Operand::Imm(imm) = *operand
        && i32::try_from(imm).is_err()
    {
        let value = *wide.entry(imm).or_insert_with(|| func.make_value(Op::Const(imm), Span::default()));
        *operand = Operand::Value(value);
    }
}

/// What the register allocator has decided so far, in terms of the normalized function.
#[derive(Debug, Default)]
pub struct Decisions {
    /// Values that live on the stack.
    pub spilled: HashMap<Value, Slot>,
    /// Copies of these are not shared between uses in that block.
    pub single: HashSet<(Value, Block)>,
}

/// A function ready for register allocation. The values of the normalized function keep their numbers.
#[derive(Debug)]
pub struct Expanded {
    /// The function.
    pub func: Func,
    /// For copies: the value they are made from, and the block.
    pub origin: HashMap<Value, (Value, Block)>,
    /// Values whose life must be so short that they always get a register.
    pub tiny: HashSet<Value>,
    /// Values of the normalized function that live on the stack.
    pub spilled: HashMap<Value, Slot>,
    /// Stand-ins for spilled values, as operands that are read straight from the stack.
    pub homes: HashMap<Value, Value>,
}

impl Expanded {
    /// Whether `value` has no register of its own: it is made or read from the stack where it is used.
    pub fn is_inline(&self, value: Value) -> bool {
        if self.origin.contains_key(&value) {
            return false;
        }
        self.func.op(value).is_rematerializable() || self.homes.contains_key(&value) || self.is_home_only(value)
    }

    /// The stack slot that `value` is in, if it has no register.
    pub fn home(&self, value: Value) -> Option<Slot> {
        let spilled = match self.homes.get(&value) {
            Some(spilled) => *spilled,
            None if self.is_home_only(value) => value,
            None => return None,
        };
        self.spilled.get(&spilled).copied()
    }

    /// Whether `value` arrives in its stack slot without passing through an instruction's result.
    fn is_home_only(&self, value: Value) -> bool {
        self.spilled.contains_key(&value) && matches!(self.func.op(value), Op::BlockParam | Op::Param(_))
    }
}

/// Makes the copies.
pub fn expand(base: &Func, decisions: &Decisions) -> Expanded {
    let mut expander = Expander {
        out: Expanded {
            func: base.clone(),
            origin: HashMap::new(),
            tiny: HashSet::new(),
            spilled: decisions.spilled.clone(),
            homes: HashMap::new(),
        },
        decisions,
        block: Block(0),
        insts: Vec::new(),
        shared: HashMap::new(),
        stand_ins: HashMap::new(),
        span: Span::default(),
    };
    for &block in &base.order {
        expander.expand_block(block);
    }
    expander.out
}

struct Expander<'a> {
    out: Expanded,
    decisions: &'a Decisions,
    block: Block,
    insts: Vec<Value>,
    /// Copies that are still good.
    shared: HashMap<Value, Value>,
    /// The one stand-in of each spilled value.
    stand_ins: HashMap<Value, Value>,
    span: Span,
}

impl Expander<'_> {
    fn expand_block(&mut self, block: Block) {
        self.block = block;
        self.shared.clear();
        for inst in std::mem::take(&mut self.out.func.block_mut(block).insts) {
            self.expand_inst(inst);
        }
        self.span = self.out.func.block(block).term_span;
        if let Some(mut term) = self.out.func.block_mut(block).term.take() {
            self.expand_term(&mut term);
            self.out.func.block_mut(block).term = Some(term);
        }
        self.out.func.block_mut(block).insts = std::mem::take(&mut self.insts);
    }

    fn expand_term(&mut self, term: &mut Terminator) {
        match term {
            Terminator::Branch { lhs, rhs, .. } => {
                *lhs = self.in_register(*lhs);
                self.register_or_immediate(rhs);
            }
            Terminator::Return(Operand::Value(value)) => *value = self.anywhere(*value),
            Terminator::Return(Operand::Imm(_)) | Terminator::Jump(_) => {}
        }
        for edge in term.edges_mut() {
            edge.args.iter_mut().for_each(|arg| *arg = self.anywhere(*arg));
        }
    }

    fn expand_inst(&mut self, inst: Value) {
        let data = self.out.func.values[inst.index()];
        self.span = data.span;
        let mut op = data.op;
        if op.is_rematerializable() {
            return;
        }
        self.expand_operands(&mut op);
        self.out.func.values[inst.index()].op = op;
        self.insts.push(inst);
        if matches!(op, Op::Call(..)) {
            self.shared.clear();
        }
        if let Some(&slot) = self.decisions.spilled.get(&inst)
            && !matches!(op, Op::Param(_))
        {
            self.store_home(inst, slot);
        }
    }

    fn expand_operands(&mut self, op: &mut Op) {
        match op {
            Op::Bin(_, lhs, rhs) => {
                *lhs = self.anywhere(*lhs);
                self.register_or_immediate(rhs);
            }
            Op::Load { base, off, .. } => self.address(base, off),
            Op::Store { base, off, src, .. } => {
                self.address(base, off);
                self.register_or_immediate(src);
            }
            Op::Atomic { base, off, src, fetch, .. } => {
                self.address(base, off);
                *src = if *fetch { self.anywhere(*src) } else { self.in_register(*src) };
            }
            Op::CmpXchg { base, off, expected, new, .. } => {
                self.address(base, off);
                *expected = self.anywhere(*expected);
                *new = self.in_register(*new);
            }
            other => map_operands(other, |value| self.anywhere(value)),
        }
    }

    /// An address needs a register unless it is in the stack frame.
    fn address(&mut self, base: &mut Value, off: &mut i32) {
        if i16::try_from(*off).is_err() {
            let sum = Op::Bin(BinOp::Add, self.anywhere(*base), Operand::Imm((*off).into()));
            *base = self.push(sum);
            self.out.tiny.insert(*base);
            *off = 0;
        } else if !matches!(self.out.func.op(*base), Op::StackAddr(..)) {
            *base = self.in_register(*base);
        }
    }

    fn register_or_immediate(&mut self, operand: &mut Operand) {
        let Operand::Value(value) = *operand else { return };
        *operand = match self.out.func.as_const(value) {
            Some(imm) if i32::try_from(imm).is_ok() => Operand::Imm(imm),
            _ => Operand::Value(self.in_register(value)),
        };
    }

    /// The value itself or a copy of it.
    fn in_register(&mut self, value: Value) -> Value {
        let op = self.out.func.op(value);
        let copy = match self.decisions.spilled.get(&value) {
            Some(&slot) => self.reload(slot),
            None if op.is_rematerializable() => op,
            None => return value,
        };
        if let Some(&known) = self.shared.get(&value) {
            return known;
        }
        let made = self.push(copy);
        self.out.origin.insert(made, (value, self.block));
        if self.is_single(value) {
            self.out.tiny.insert(made);
        } else {
            self.shared.insert(value, made);
        }
        made
    }

    /// For operands that are moved elsewhere first: any register that has the value, else where it is made or kept.
    fn anywhere(&mut self, value: Value) -> Value {
        let Some(&slot) = self.decisions.spilled.get(&value) else { return value };
        if let Some(&known) = self.shared.get(&value) {
            return known;
        }
        if self.out.is_home_only(value) {
            return value;
        }
        if let Some(&known) = self.stand_ins.get(&value) {
            return known;
        }
        let reload = self.reload(slot);
        let made = self.out.func.make_value(reload, self.span);
        self.stand_ins.insert(value, made);
        self.out.homes.insert(made, value);
        made
    }

    fn is_single(&self, value: Value) -> bool {
        self.decisions.single.contains(&(value, self.block))
    }

    fn reload(&mut self, slot: Slot) -> Op {
        let base = self.home_addr(slot);
        Op::Load { base, off: 0, size: Size::B8, signed: false, invariant: false }
    }

    fn store_home(&mut self, value: Value, slot: Slot) {
        let base = self.home_addr(slot);
        self.push(Op::Store { base, off: 0, size: Size::B8, src: Operand::Value(value) });
        if self.is_single(value) {
            self.out.tiny.insert(value);
        } else {
            self.shared.insert(value, value);
        }
    }

    fn home_addr(&mut self, slot: Slot) -> Value {
        self.out.func.make_value(Op::StackAddr(slot, 0), self.span)
    }

    fn push(&mut self, op: Op) -> Value {
        let value = self.out.func.make_value(op, self.span);
        self.insts.push(value);
        value
    }
}
