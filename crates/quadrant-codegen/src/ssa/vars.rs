//! Script variables: from assignments to SSA values and block parameters.
//!
//! The graph is acyclic and a block's predecessors are complete when it is started, so a look-up
//! walks backwards once and makes a block parameter only where predecessors really differ.

use std::collections::HashMap;

use super::ir::{Block, Func, Op, Span, Value, Var};

/// The values of variables at the ends (so far) of blocks.
#[derive(Debug, Default)]
pub(super) struct Vars {
    count: u32,
    at_end: HashMap<(Block, Var), Value>,
}

impl Vars {
    /// Makes a variable.
    pub(super) fn declare(&mut self) -> Var {
        self.count += 1;
        Var(self.count - 1)
    }

    /// Whether the variable was made here.
    pub(super) fn is_declared(&self, var: Var) -> bool {
        var.0 < self.count
    }

    /// Assigns; false if there is no such variable.
    pub(super) fn define(&mut self, block: Block, var: Var, value: Value) -> bool {
        self.at_end.insert((block, var), value);
        self.is_declared(var)
    }

    /// The value of `var` at the end of `block`. A stack of its own instead of recursion: scripts may have thousands of blocks in a row.
    pub(super) fn resolve(&mut self, func: &mut Func, preds: &[Vec<Block>], block: Block, var: Var) -> Value {
        let mut pending = vec![block];
        let mut result = Value(0);
        while let Some(&top) = pending.last() {
            if let Some(&known) = self.at_end.get(&(top, var)) {
                result = known;
                pending.pop();
                continue;
            }
            let missing = preds[top.index()].iter().copied().find(|pred| !self.at_end.contains_key(&(*pred, var)));
            match missing {
                Some(pred) => pending.push(pred),
                None => {
                    let value = self.merge(func, &preds[top.index()], top, var);
                    self.at_end.insert((top, var), value);
                }
            }
        }
        result
    }

    /// The value on entry to `block`, all predecessors being known.
    fn merge(&self, func: &mut Func, preds: &[Block], block: Block, var: Var) -> Value {
        let mut incoming = preds.iter().map(|pred| self.at_end[&(*pred, var)]);
        let Some(first) = incoming.next() else { return undefined(func, block) };
        if incoming.all(|value| value == first) {
            return first;
        }
        let param = func.make_value(Op::BlockParam, Span::default());
        func.block_mut(block).params.push(param);
        self.pass_to(func, preds, block, var);
        param
    }

    /// Adds the variable's value to every jump to `block`.
    fn pass_to(&self, func: &mut Func, preds: &[Block], block: Block, var: Var) {
        let mut done = None;
        for &pred in preds {
            // A branch with both edges to `block` is listed twice, one after the other.
            if done.replace(pred) == Some(pred) {
                continue;
            }
            let value = self.at_end[&(pred, var)];
            let Some(term) = func.block_mut(pred).term.as_mut() else { continue };
            for edge in term.edges_mut().filter(|edge| edge.to == block) {
                edge.args.push(value);
            }
        }
    }
}

/// A variable that was never assigned is 0.
fn undefined(func: &mut Func, block: Block) -> Value {
    let zero = func.make_value(Op::Const(0), Span::default());
    let params = func.block(block).insts.iter().take_while(|value| matches!(func.op(**value), Op::Param(_))).count();
    func.block_mut(block).insts.insert(params, zero);
    zero
}
