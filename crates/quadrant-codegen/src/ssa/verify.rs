//! Checks the invariants of a function that the passes and the code generator rely on.

use super::dom::DomTree;
use super::error::SsaErrorKind;
use super::ir::{Block, Callee, Func, Op, Size, Terminator, Value};
use super::uses::{for_each_operand, for_each_term_operand};

/// Checks a function: acyclic in its order, terminated, arguments match parameters, definitions dominate uses.
pub fn verify(func: &Func) -> Result<(), SsaErrorKind> {
    let places = Places::of(func)?;
    for &block in &func.order {
        verify_block(func, &places, block)?;
    }
    Ok(())
}

/// Where blocks and values are.
struct Places {
    /// Position in the order.
    block_pos: Vec<Option<usize>>,
    /// Block and position in it (0 for parameters) of each definition.
    value_pos: Vec<Option<(Block, usize)>>,
    doms: DomTree,
}

impl Places {
    fn of(func: &Func) -> Result<Places, SsaErrorKind> {
        let mut block_pos = vec![None; func.blocks.len()];
        let mut value_pos = vec![None; func.values.len()];
        for (pos, &block) in func.order.iter().enumerate() {
            block_pos[block.index()] = Some(pos);
            let data = func.block(block);
            for &param in &data.params {
                value_pos[param.index()] = Some((block, 0));
            }
            for (at, &inst) in data.insts.iter().enumerate() {
                value_pos[inst.index()] = Some((block, at + 1));
            }
        }
        check_edges(func, &block_pos)?;
        Ok(Places { block_pos, value_pos, doms: DomTree::of(func) })
    }

    /// Whether `value` is defined before instruction `at` of `block`, on every way there.
    fn is_defined(&self, value: Value, block: Block, at: usize) -> bool {
        match self.value_pos.get(value.index()) {
            Some(&Some((def, pos))) if def == block => pos < at,
            Some(&Some((def, _))) => self.doms.dominates(def, block),
            _ => false,
        }
    }
}

fn check_edges(func: &Func, block_pos: &[Option<usize>]) -> Result<(), SsaErrorKind> {
    for (pos, &block) in func.order.iter().enumerate() {
        let term = func.block(block).term.as_ref().ok_or(SsaErrorKind::OpenBlock(block))?;
        for edge in term.edges() {
            match block_pos.get(edge.to.index()) {
                Some(&Some(to)) if to > pos => {}
                Some(&Some(_)) => return Err(SsaErrorKind::JumpToStartedBlock(edge.to)),
                Some(&None) => return Err(SsaErrorKind::OpenBlock(edge.to)),
                None => return Err(SsaErrorKind::Foreign("block", edge.to.0)),
            }
            if func.block(edge.to).params.len() != edge.args.len() {
                return Err(SsaErrorKind::ArgumentCount(edge.to));
            }
        }
    }
    Ok(())
}

fn verify_block(func: &Func, places: &Places, block: Block) -> Result<(), SsaErrorKind> {
    let data = func.block(block);
    // What nothing reaches is removed by the first pass, whatever it uses.
    if !places.doms.is_reachable(block) || places.block_pos[block.index()].is_none() {
        return Ok(());
    }
    for (at, &inst) in data.insts.iter().enumerate() {
        let op = func.op(inst);
        check_width(op, inst)?;
        let mut result = Ok(());
        for_each_operand(&op, |value| result = result.clone().and(check_use(func, places, value, block, at + 1)));
        result?;
    }
    let Some(term) = &data.term else { return Err(SsaErrorKind::OpenBlock(block)) };
    check_term(func, places, term, block)
}

fn check_term(func: &Func, places: &Places, term: &Terminator, block: Block) -> Result<(), SsaErrorKind> {
    let end = func.block(block).insts.len() + 1;
    let mut result = Ok(());
    for_each_term_operand(term, |value| result = result.clone().and(check_use(func, places, value, block, end)));
    result
}

fn check_use(func: &Func, places: &Places, value: Value, block: Block, at: usize) -> Result<(), SsaErrorKind> {
    if !places.is_defined(value, block, at) {
        return Err(SsaErrorKind::UndefinedValue(value, block));
    }
    match func.op(value) {
        Op::Store { .. } | Op::Atomic { fetch: false, .. } => Err(SsaErrorKind::UndefinedValue(value, block)),
        _ => Ok(()),
    }
}

fn check_width(op: Op, value: Value) -> Result<(), SsaErrorKind> {
    let good = match op {
        Op::Atomic { size, .. } | Op::CmpXchg { size, .. } => matches!(size, Size::B4 | Size::B8),
        Op::Bswap(_, size) => size != Size::B1,
        Op::Call(Callee::Helper(id, _), _) => id <= i32::MAX as u32,
        _ => true,
    };
    if good { Ok(()) } else { Err(SsaErrorKind::BadWidth(value)) }
}
