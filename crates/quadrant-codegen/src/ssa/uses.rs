//! Walks over the values that instructions and terminators use.

use super::ir::{Op, Operand, Terminator, Value};

/// Calls `f` on each value that `op` uses, in operand order.
pub fn for_each_operand(op: &Op, mut f: impl FnMut(Value)) {
    let mut copy = *op;
    map_operands(&mut copy, |value| {
        f(value);
        value
    });
}

/// Replaces each value that `op` uses.
pub fn map_operands(op: &mut Op, mut f: impl FnMut(Value) -> Value) {
    match op {
        Op::Const(_)
        | Op::Core(..)
        | Op::Site(_)
        | Op::Param(_)
        | Op::BlockParam
        | Op::StackAddr(..)
        | Op::MapPtr(_)
        | Op::MapValue(..)
        | Op::FuncAddr(_) => {}
        Op::Bin(_, lhs, rhs) => {
            *lhs = f(*lhs);
            map_operand(rhs, f);
        }
        Op::Neg(value) | Op::Bswap(value, _) | Op::Ext { value, .. } => *value = f(*value),
        Op::Load { base, .. } => *base = f(*base),
        Op::Store { base, src, .. } => {
            *base = f(*base);
            map_operand(src, f);
        }
        Op::Atomic { base, src, .. } => {
            *base = f(*base);
            *src = f(*src);
        }
        Op::CmpXchg { base, expected, new, .. } => {
            *base = f(*base);
            *expected = f(*expected);
            *new = f(*new);
        }
        Op::Call(_, args) => args.as_mut_slice().iter_mut().for_each(|arg| *arg = f(*arg)),
    }
}

/// Calls `f` on each value that the terminator uses, arguments of jumps last.
pub fn for_each_term_operand(term: &Terminator, mut f: impl FnMut(Value)) {
    for_each_own_operand(term, &mut f);
    for edge in term.edges() {
        edge.args.iter().copied().for_each(&mut f);
    }
}

/// Calls `f` on each value that the terminator itself uses: what is compared or returned.
pub fn for_each_own_operand(term: &Terminator, mut f: impl FnMut(Value)) {
    match term {
        Terminator::Jump(_) => {}
        Terminator::Branch { lhs, rhs, .. } => {
            f(*lhs);
            if let Operand::Value(value) = rhs {
                f(*value);
            }
        }
        Terminator::Return(Operand::Value(value)) => f(*value),
        Terminator::Return(Operand::Imm(_)) => {}
    }
}

/// Replaces each value that the terminator uses.
pub fn map_term_operands(term: &mut Terminator, mut f: impl FnMut(Value) -> Value) {
    match term {
        Terminator::Jump(_) => {}
        Terminator::Branch { lhs, rhs, .. } => {
            *lhs = f(*lhs);
            map_operand(rhs, &mut f);
        }
        Terminator::Return(value) => map_operand(value, &mut f),
    }
    for edge in term.edges_mut() {
        edge.args.iter_mut().for_each(|arg| *arg = f(*arg));
    }
}

fn map_operand(operand: &mut Operand, mut f: impl FnMut(Value) -> Value) {
    if let Operand::Value(value) = operand {
        *value = f(*value);
    }
}
