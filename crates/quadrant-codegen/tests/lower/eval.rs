//! What expressions over numbers mean, in plain Rust.

use quadrant_program::expr::BinaryOp;
use quadrant_program::expr::Expr;
use quadrant_program::expr::ExprKind;
use quadrant_program::expr::UnaryOp;
use quadrant_program::ty::Type;

/// Evaluates expressions and counts divisions by zero.
pub struct Eval<'a> {
    pub args: &'a [u64],
    pub divisions: u64,
}

impl Eval<'_> {
    pub fn value(&mut self, e: &Expr) -> u64 {
        match &e.kind {
            ExprKind::Int(value) => *value as u64,
            ExprKind::Arg(index) => narrow(self.args[usize::from(*index)], &e.ty),
            ExprKind::Unary(op, inner) => {
                let value = self.value(inner);
                match op {
                    UnaryOp::Not => u64::from(value == 0),
                    UnaryOp::Neg => narrow(value.wrapping_neg(), &e.ty),
                    UnaryOp::BitNot => narrow(!value, &e.ty),
                }
            }
            ExprKind::Binary(op, lhs, rhs) => {
                let (a, b) = (self.value(lhs), self.value(rhs));
                narrow(self.binary(*op, a, b, lhs.ty.is_signed()), &e.ty)
            }
            ExprKind::Logical { and: true, lhs, rhs } => u64::from(self.value(lhs) != 0 && self.value(rhs) != 0),
            ExprKind::Logical { and: false, lhs, rhs } => u64::from(self.value(lhs) != 0 || self.value(rhs) != 0),
            ExprKind::Ternary { cond, then, other } => {
                if self.value(cond) != 0 {
                    self.value(then)
                } else {
                    self.value(other)
                }
            }
            ExprKind::Cast(inner) => {
                let value = self.value(inner);
                if e.ty == Type::Bool { u64::from(value != 0) } else { narrow(value, &e.ty) }
            }
            ExprKind::Bits { value, shift, width } => {
                let value = self.value(value) >> shift;
                let unused = 64 - u32::from(*width);
                if e.ty.is_signed() { ((value << unused) as i64 >> unused) as u64 } else { value << unused >> unused }
            }
            kind => panic!("not a number: {kind:?}"),
        }
    }

    fn binary(&mut self, op: BinaryOp, a: u64, b: u64, signed: bool) -> u64 {
        let (sa, sb) = (a as i64, b as i64);
        let ordering = if signed { sa.cmp(&sb) } else { a.cmp(&b) };
        match op {
            BinaryOp::Add => a.wrapping_add(b),
            BinaryOp::Sub => a.wrapping_sub(b),
            BinaryOp::Mul => a.wrapping_mul(b),
            BinaryOp::Div | BinaryOp::Rem if b == 0 => {
                self.divisions += 1;
                0
            }
            BinaryOp::Div if signed => sa.wrapping_div(sb) as u64,
            BinaryOp::Rem if signed => sa.wrapping_rem(sb) as u64,
            BinaryOp::Div => a / b,
            BinaryOp::Rem => a % b,
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            BinaryOp::Xor => a ^ b,
            BinaryOp::Shl => a << (b & 63),
            BinaryOp::Shr if signed => (sa >> (b & 63)) as u64,
            BinaryOp::Shr => a >> (b & 63),
            BinaryOp::Eq => u64::from(a == b),
            BinaryOp::Ne => u64::from(a != b),
            BinaryOp::Lt => u64::from(ordering.is_lt()),
            BinaryOp::Le => u64::from(ordering.is_le()),
            BinaryOp::Gt => u64::from(ordering.is_gt()),
            BinaryOp::Ge => u64::from(ordering.is_ge()),
        }
    }
}

/// Cuts to the width of a type and extends by its sign.
pub fn narrow(value: u64, ty: &Type) -> u64 {
    let unused = match ty {
        Type::Bool => 56,
        Type::Int { bytes, .. } => 64 - 8 * u32::from(*bytes),
        _ => 0,
    };
    if ty.is_signed() { ((value << unused) as i64 >> unused) as u64 } else { value << unused >> unused }
}
