//! The order of blocks in the code: topological, each block followed by one of its successors where possible.

use super::ir::{Block, Func, Terminator};
use super::passes::predecessors;

/// Reorders the blocks of `func`.
///
/// After a block comes the successor that was written first among those whose predecessors are all placed; if
/// there is none, the block that became ready last.
pub fn arrange(func: &mut Func) {
    let mut waiting: Vec<usize> = predecessors(func).iter().map(Vec::len).collect();
    let mut place = vec![0usize; func.blocks.len()];
    for (at, block) in func.order.iter().enumerate() {
        place[block.index()] = at;
    }
    let mut ready: Vec<Block> = func.order.first().copied().into_iter().collect();
    let mut order = Vec::with_capacity(func.order.len());
    while let Some(block) = ready.pop() {
        order.push(block);
        let mut next: Vec<Block> = Vec::new();
        for edge in func.block(block).term.iter().flat_map(Terminator::edges) {
            let left = &mut waiting[edge.to.index()];
            *left = left.saturating_sub(1);
            if *left == 0 {
                next.push(edge.to);
            }
        }
        next.sort_by_key(|block| std::cmp::Reverse(place[block.index()]));
        ready.extend(next);
    }
    func.order = order;
}
