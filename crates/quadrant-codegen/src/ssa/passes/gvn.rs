//! One forward walk that folds constants, merges equal computations, decides known branches, drops
//! what cannot be reached and block parameters that have one source.
//!
//! The walk is in topological order, so everything about a block's predecessors is final when the
//! block is looked at.

use std::collections::HashMap;

use super::super::dom::DomTree;
use super::super::ir::{Block, Cond, Edge, Func, Op, Operand, Span, Terminator, Value};
use super::super::uses::{map_operands, map_term_operands};
use super::simplify::{Simple, immediate, simplify, simplify_cond};

/// Runs the pass.
pub fn run(func: &mut Func) {
    let order = std::mem::take(&mut func.order);
    let mut walk = Walk::new(func);
    let mut kept = Vec::with_capacity(order.len());
    let Some(&entry) = order.first() else { return };
    walk.doms.set_root(entry);
    for block in order {
        if walk.doms.is_reachable(block) {
            walk.block(block);
            kept.push(block);
        }
    }
    let pool = std::mem::take(&mut walk.made);
    func.order = kept;
    place_constants(func, entry, pool);
}

/// What makes two computations equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// The operation; for reads of memory with the number of the stretch of code in which memory does not change, else 0.
    Op(Op, u32),
    /// A comparison whose outcome is known.
    Fact(Cond, Value, Operand),
}

/// What is known from a block on, where that block dominates.
#[derive(Clone, Copy)]
struct Known {
    block: Block,
    /// The value; for facts 0 is false and 1 true.
    value: u32,
}

struct Walk<'a> {
    func: &'a mut Func,
    /// The value that stands for each value.
    alias: Vec<Value>,
    doms: DomTree,
    /// Blocks with an edge to each block, one entry an edge.
    preds: Vec<Vec<Block>>,
    known: HashMap<Key, Vec<Known>>,
    /// Values that can be made anywhere: one for each, kept in the entry block.
    pool: HashMap<Op, Value>,
    made: Vec<Value>,
    epoch: u32,
}

impl<'a> Walk<'a> {
    /// More equal computations than this that do not dominate one another are not remembered.
    const CANDIDATES: usize = 4;

    fn new(func: &'a mut Func) -> Walk<'a> {
        let alias = (0..func.values.len() as u32).map(Value).collect();
        let preds = vec![Vec::new(); func.blocks.len()];
        let doms = DomTree::new(func.blocks.len());
        Walk { func, alias, doms, preds, known: HashMap::new(), pool: HashMap::new(), made: Vec::new(), epoch: 0 }
    }

    fn block(&mut self, block: Block) {
        self.epoch += 1;
        self.params(block);
        self.learn_from_branch(block);
        let insts = std::mem::take(&mut self.func.block_mut(block).insts);
        let kept = insts.into_iter().filter(|&inst| self.inst(block, inst)).collect();
        self.func.block_mut(block).insts = kept;
        self.terminator(block);
    }

    /// Drops parameters that are one value whatever way is taken.
    fn params(&mut self, block: Block) {
        let params = self.func.block(block).params.clone();
        let single: Vec<Option<Value>> = (0..params.len()).map(|at| self.single_source(block, at)).collect();
        if single.iter().all(Option::is_none) {
            return;
        }
        for (&param, &source) in params.iter().zip(&single) {
            if let Some(source) = source {
                self.alias[param.index()] = source;
            }
        }
        let keep: Vec<bool> = single.iter().map(Option::is_none).collect();
        drop_params(self.func, &self.preds[block.index()], block, &keep);
    }

    fn single_source(&self, block: Block, at: usize) -> Option<Value> {
        let mut sources = self.preds[block.index()]
            .iter()
            .filter_map(|pred| self.func.block(*pred).term.as_ref())
            .flat_map(|term| term.edges())
            .filter(|edge| edge.to == block)
            .map(|edge| edge.args[at]);
        let first = sources.next()?;
        sources.all(|source| source == first).then_some(first)
    }

    /// In a block that only one side of a branch leads to, the comparison's outcome is known.
    fn learn_from_branch(&mut self, block: Block) {
        let [pred] = self.preds[block.index()][..] else { return };
        let Some(Terminator::Branch { cond, lhs, rhs, then, .. }) = &self.func.block(pred).term else { return };
        let (cond, lhs, rhs) = (*cond, *lhs, *rhs);
        let holds = u32::from(then.to == block);
        self.remember(Key::Fact(cond, lhs, rhs), block, holds);
        self.remember(Key::Fact(cond.negate(), lhs, rhs), block, 1 - holds);
    }

    /// Looks at one instruction; false if it goes away.
    fn inst(&mut self, block: Block, inst: Value) -> bool {
        let mut op = self.func.op(inst);
        map_operands(&mut op, |value| self.alias[value.index()]);
        match simplify(self.func, op) {
            Simple::Same(value) => {
                self.alias[inst.index()] = value;
                return false;
            }
            Simple::Op(simple) => op = simple,
        }
        if op.is_rematerializable() {
            self.alias[inst.index()] = self.pooled(op);
            return false;
        }
        self.rebase(&mut op);
        self.func.values[inst.index()].op = op;
        match self.key(&op) {
            Some(key) => self.number(key, block, inst),
            None => {
                self.epoch += u32::from(op.has_effect());
                true
            }
        }
    }

    fn key(&self, op: &Op) -> Option<Key> {
        match op {
            Op::Load { invariant: false, .. } => Some(Key::Op(*op, self.epoch)),
            op if op.is_pure() => Some(Key::Op(*op, 0)),
            _ => None,
        }
    }

    fn number(&mut self, key: Key, block: Block, inst: Value) -> bool {
        match self.recall(key, block) {
            Some(earlier) => {
                self.alias[inst.index()] = Value(earlier);
                false
            }
            None => {
                self.remember(key, block, inst.0);
                true
            }
        }
    }

    fn recall(&self, key: Key, block: Block) -> Option<u32> {
        let known = self.known.get(&key)?;
        known.iter().find(|known| self.doms.dominates(known.block, block)).map(|known| known.value)
    }

    fn remember(&mut self, key: Key, block: Block, value: u32) {
        let known = self.known.entry(key).or_default();
        if known.len() == Self::CANDIDATES {
            known.remove(Self::CANDIDATES / 2);
        }
        known.push(Known { block, value });
    }

    /// The one value for something that can be made anywhere.
    fn pooled(&mut self, op: Op) -> Value {
        if let Some(&value) = self.pool.get(&op) {
            return value;
        }
        let value = self.func.make_value(op, Span::default());
        self.alias.push(value);
        self.pool.insert(op, value);
        self.made.push(value);
        value
    }

    /// Lets accesses to parts of one area share its address: the distance goes into the instruction.
    fn rebase(&mut self, op: &mut Op) {
        let (Op::Load { base, off, .. }
        | Op::Store { base, off, .. }
        | Op::Atomic { base, off, .. }
        | Op::CmpXchg { base, off, .. }) = op
        else {
            return;
        };
        let (area, distance) = match self.func.op(*base) {
            Op::StackAddr(slot, distance) => (Op::StackAddr(slot, 0), i64::from(distance)),
            Op::MapValue(map, distance) => (Op::MapValue(map, 0), i64::from(distance)),
            _ => return,
        };
        if let Ok(sum) = i16::try_from(distance + i64::from(*off)) {
            *base = self.pooled(area);
            *off = sum.into();
        }
    }

    fn terminator(&mut self, block: Block) {
        let Some(mut term) = self.func.block_mut(block).term.take() else { return };
        map_term_operands(&mut term, |value| self.alias[value.index()]);
        let term = self.simplify_term(block, term);
        for edge in term.edges() {
            self.doms.add_edge(block, edge.to);
            self.preds[edge.to.index()].push(block);
        }
        self.func.block_mut(block).term = Some(term);
    }

    fn simplify_term(&mut self, block: Block, term: Terminator) -> Terminator {
        match term {
            Terminator::Return(value) => Terminator::Return(immediate(self.func, value)),
            Terminator::Branch { then, els, .. } if then == els => Terminator::Jump(then),
            Terminator::Branch { cond, lhs, rhs, then, els } => match self.outcome(block, cond, lhs, rhs) {
                Ok(holds) => Terminator::Jump(if holds { then } else { els }),
                Err((cond, lhs, rhs)) => Terminator::Branch { cond, lhs, rhs, then, els },
            },
            jump => jump,
        }
    }

    fn outcome(&self, block: Block, cond: Cond, lhs: Value, rhs: Operand) -> Result<bool, (Cond, Value, Operand)> {
        let (cond, lhs, rhs) = match simplify_cond(self.func, cond, lhs, rhs) {
            Ok(holds) => return Ok(holds),
            Err(left) => left,
        };
        match self.recall(Key::Fact(cond, lhs, rhs), block) {
            Some(holds) => Ok(holds != 0),
            None => Err((cond, lhs, rhs)),
        }
    }
}

/// Removes the parameters of `block` that are not kept, and their arguments in the blocks before.
pub fn drop_params(func: &mut Func, preds: &[Block], block: Block, keep: &[bool]) {
    retain_by(&mut func.block_mut(block).params, keep);
    let mut done = None;
    for &pred in preds {
        // Both edges of one branch are handled at once; they follow one another in the list.
        if done.replace(pred) == Some(pred) {
            continue;
        }
        let edges = func.block_mut(pred).term.iter_mut().flat_map(|term| term.edges_mut());
        edges.filter(|edge| edge.to == block).for_each(|edge: &mut Edge| retain_by(&mut edge.args, keep));
    }
}

fn retain_by(list: &mut Vec<Value>, keep: &[bool]) {
    let mut flags = keep.iter();
    list.retain(|_| flags.next().copied().unwrap_or(true));
}

/// The entry block defines all values that can be made anywhere, after the parameters.
fn place_constants(func: &mut Func, entry: Block, pool: Vec<Value>) {
    let insts = &func.block(entry).insts;
    let params = insts.iter().take_while(|inst| matches!(func.op(**inst), Op::Param(_))).count();
    func.block_mut(entry).insts.splice(params..params, pool);
}
