//! Removes instructions and block parameters whose results nobody needs, in one backward walk.

use super::super::ir::{Block, Func, Op, Terminator, Value};
use super::super::uses::{for_each_operand, for_each_own_operand};
use super::gvn::drop_params;

/// Runs the pass.
pub fn run(func: &mut Func) {
    let mut needed = vec![false; func.values.len()];
    let order = func.order.clone();
    for &block in order.iter().rev() {
        mark_block(func, block, &mut needed);
    }
    let preds = predecessors(func);
    for &block in &order {
        let params: Vec<bool> = func.block(block).params.iter().map(|param| needed[param.index()]).collect();
        if params.contains(&false) {
            drop_params(func, &preds[block.index()], block, &params);
        }
        func.block_mut(block).insts.retain(|inst| needed[inst.index()]);
    }
}

/// The blocks with an edge to each block, one entry an edge.
pub fn predecessors(func: &Func) -> Vec<Vec<Block>> {
    let mut preds = vec![Vec::new(); func.blocks.len()];
    for &block in &func.order {
        for edge in func.block(block).term.iter().flat_map(Terminator::edges) {
            preds[edge.to.index()].push(block);
        }
    }
    preds
}

/// Marks what `block` needs; all blocks after it are done.
fn mark_block(func: &Func, block: Block, needed: &mut [bool]) {
    let data = func.block(block);
    if let Some(term) = &data.term {
        for_each_own_operand(term, |value| needed[value.index()] = true);
        for edge in term.edges() {
            let params = &func.block(edge.to).params;
            for (arg, param) in edge.args.iter().zip(params) {
                needed[arg.index()] |= needed[param.index()];
            }
        }
    }
    for &inst in data.insts.iter().rev() {
        mark_inst(func, inst, needed);
    }
}

fn mark_inst(func: &Func, inst: Value, needed: &mut [bool]) {
    let op = func.op(inst);
    // Parameters of the function keep their place: they say which registers are taken on entry.
    if op.has_effect() || matches!(op, Op::Param(_)) {
        needed[inst.index()] = true;
    }
    if needed[inst.index()] {
        for_each_operand(&op, |value| needed[value.index()] = true);
    }
}
