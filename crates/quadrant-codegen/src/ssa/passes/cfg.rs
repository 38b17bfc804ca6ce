//! Shortens the ways through the graph: jumps over blocks that only decide what is already known or
//! only jump on, one block for equal returns, blocks in a row joined.

use super::super::dom::DomTree;
use super::super::ir::{Block, Edge, Func, Op, Operand, Terminator, Value};
use super::super::uses::{for_each_operand, for_each_own_operand};
use super::dce::predecessors;

/// Runs the pass; whether jumps now lead elsewhere.
pub fn run(func: &mut Func) -> bool {
    let changed = Threader::new(func).run();
    drop_unreachable(func);
    join_rows(func);
    changed
}

struct Threader<'a> {
    func: &'a mut Func,
    /// For each block whether its parameters are used by its own terminator only.
    private: Vec<bool>,
    /// The last block for each returned operand.
    returns: Vec<(Operand, Block)>,
    changed: bool,
}

impl<'a> Threader<'a> {
    /// Different return values for which one shared block is kept.
    const SHARED_RETURNS: usize = 8;

    fn new(func: &'a mut Func) -> Threader<'a> {
        let private = private_params(func);
        Threader { func, private, returns: Vec::new(), changed: false }
    }

    /// Backwards, so that each target has already found its own final target.
    fn run(mut self) -> bool {
        for block in self.func.order.clone().into_iter().rev() {
            self.share_return(block);
            let Some(mut term) = self.func.block_mut(block).term.take() else { continue };
            term.edges_mut().for_each(|edge| self.shorten(edge));
            self.func.block_mut(block).term = Some(match term {
                Terminator::Branch { then, els, .. } if then == els => Terminator::Jump(then),
                term => term,
            });
        }
        self.changed
    }

    /// Remembers a block that only returns a constant.
    fn share_return(&mut self, block: Block) {
        let data = self.func.block(block);
        let Some(Terminator::Return(operand @ Operand::Imm(_))) = data.term else { return };
        let known = self.returns.iter().any(|(other, _)| *other == operand);
        if data.insts.is_empty() && data.params.is_empty() && !known && self.returns.len() < Self::SHARED_RETURNS {
            self.returns.push((operand, block));
        }
    }

    /// Moves an edge past blocks that do nothing.
    fn shorten(&mut self, edge: &mut Edge) {
        while let Some(next) = self.next(edge) {
            *edge = next;
            self.changed = true;
        }
    }

    fn next(&self, edge: &Edge) -> Option<Edge> {
        let data = self.func.block(edge.to);
        if !data.insts.is_empty() || !self.private[edge.to.index()] {
            return None;
        }
        let actual = |value: Value| match data.params.iter().position(|param| *param == value) {
            Some(at) => edge.args[at],
            None => value,
        };
        let onward = match data.term.as_ref()? {
            Terminator::Jump(onward) => onward,
            Terminator::Branch { cond, lhs, rhs, then, els } => {
                let rhs = match rhs {
                    Operand::Value(value) => self.func.as_const(actual(*value))?,
                    Operand::Imm(imm) => *imm,
                };
                let lhs = self.func.as_const(actual(*lhs))?;
                if cond.eval(lhs as u64, rhs as u64) { then } else { els }
            }
            Terminator::Return(operand) => {
                let &(_, shared) = self.returns.iter().find(|(other, _)| other == operand)?;
                return (shared != edge.to).then(|| Edge { to: shared, args: Vec::new() });
            }
        };
        Some(Edge { to: onward.to, args: onward.args.iter().map(|arg| actual(*arg)).collect() })
    }
}

/// For each block whether its parameters are used by its own terminator only.
fn private_params(func: &Func) -> Vec<bool> {
    const NOWHERE: u32 = u32::MAX;
    let mut home = vec![NOWHERE; func.values.len()];
    for &block in &func.order {
        func.block(block).params.iter().for_each(|param| home[param.index()] = block.0);
    }
    let mut private = vec![true; func.blocks.len()];
    for &block in &func.order {
        let mut note = |value: Value, by: u32| {
            let at = home[value.index()];
            if at != NOWHERE && at != by {
                private[at as usize] = false;
            }
        };
        let data = func.block(block);
        for &inst in &data.insts {
            for_each_operand(&func.op(inst), |value| note(value, NOWHERE));
        }
        if let Some(term) = &data.term {
            for_each_own_operand(term, |value| note(value, block.0));
            term.edges().flat_map(|edge| &edge.args).for_each(|arg| note(*arg, block.0));
        }
    }
    private
}

/// Takes blocks that nothing reaches out of the order.
fn drop_unreachable(func: &mut Func) {
    let doms = DomTree::of(func);
    func.order.retain(|block| doms.is_reachable(*block));
}

/// Appends a block to its only predecessor if that goes nowhere else.
fn join_rows(func: &mut Func) {
    let preds = predecessors(func);
    let mut joined = vec![false; func.blocks.len()];
    for block in func.order.clone() {
        if joined[block.index()] {
            continue;
        }
        while let Some(next) = only_successor(func, &preds, block) {
            joined[next.index()] = true;
            append(func, block, next);
        }
    }
    func.order.retain(|block| !joined[block.index()]);
}

fn only_successor(func: &Func, preds: &[Vec<Block>], block: Block) -> Option<Block> {
    match &func.block(block).term {
        Some(Terminator::Jump(edge)) if preds[edge.to.index()].len() == 1 && edge.args.is_empty() => Some(edge.to),
        _ => None,
    }
}

fn append(func: &mut Func, block: Block, next: Block) {
    let tail = std::mem::take(func.block_mut(next));
    debug_assert!(tail.insts.iter().all(|inst| !matches!(func.op(*inst), Op::BlockParam)));
    let data = func.block_mut(block);
    data.insts.extend(tail.insts);
    data.term = tail.term;
    data.term_span = tail.term_span;
}
