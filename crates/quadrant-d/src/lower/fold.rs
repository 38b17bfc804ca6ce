//! Computing with constants.

use std::cmp::Ordering;

use quadrant_program::expr::BinaryOp;

use super::value::Int;
use crate::ast::BinOp;

/// `a op b` of two numbers of an integer type; comparisons give 0 or 1. The divisor is not zero.
pub(super) fn binary(op: BinaryOp, a: i64, b: i64, int: Int) -> i64 {
    let order = if int.signed { a.cmp(&b) } else { (a as u64).cmp(&(b as u64)) };
    let truth = |holds: bool| i64::from(holds);
    match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::Div if int.signed => a.checked_div(b).unwrap_or(if b == 0 { 0 } else { a }),
        BinaryOp::Div => (a as u64).checked_div(b as u64).unwrap_or(0) as i64,
        BinaryOp::Rem if int.signed => a.checked_rem(b).unwrap_or(0),
        BinaryOp::Rem => (a as u64).checked_rem(b as u64).unwrap_or(0) as i64,
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::Shl => a << (b & 63),
        BinaryOp::Shr if int.signed => a >> (b & 63),
        BinaryOp::Shr => ((a as u64) >> (b & 63)) as i64,
        BinaryOp::Eq => truth(order == Ordering::Equal),
        BinaryOp::Ne => truth(order != Ordering::Equal),
        BinaryOp::Lt => truth(order == Ordering::Less),
        BinaryOp::Le => truth(order != Ordering::Greater),
        BinaryOp::Gt => truth(order == Ordering::Greater),
        BinaryOp::Ge => truth(order != Ordering::Less),
    }
}

/// Whether a comparison holds.
pub(super) fn ordered(op: BinOp, order: Ordering) -> bool {
    match op {
        BinOp::Eq => order == Ordering::Equal,
        BinOp::Ne => order != Ordering::Equal,
        BinOp::Lt => order == Ordering::Less,
        BinOp::Le => order != Ordering::Greater,
        BinOp::Gt => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}
