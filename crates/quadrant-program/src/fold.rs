//! Computing with constants, as programs would at run time.

use std::cmp::Ordering;

use crate::expr::BinaryOp;

impl BinaryOp {
    /// `a op b` of two 64-bit numbers, which are both signed or both not. Comparisons give 0 or 1, a division by zero gives 0.
    pub fn compute(self, a: i64, b: i64, signed: bool) -> i64 {
        let (ua, ub) = (a as u64, b as u64);
        match self {
            Self::Add => a.wrapping_add(b),
            Self::Sub => a.wrapping_sub(b),
            Self::Mul => a.wrapping_mul(b),
            Self::Div | Self::Rem if b == 0 => 0,
            Self::Div if signed => a.wrapping_div(b),
            Self::Div => (ua / ub) as i64,
            Self::Rem if signed => a.wrapping_rem(b),
            Self::Rem => (ua % ub) as i64,
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Shl => a << (b & 63),
            Self::Shr if signed => a >> (b & 63),
            Self::Shr => (ua >> (b & 63)) as i64,
            comparison => i64::from(comparison.holds(if signed { a.cmp(&b) } else { ua.cmp(&ub) })),
        }
    }

    /// Whether a comparison holds for operands in that order. No other operator does.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order == Ordering::Equal,
            Self::Ne => order != Ordering::Equal,
            Self::Lt => order == Ordering::Less,
            Self::Le => order != Ordering::Greater,
            Self::Gt => order == Ordering::Greater,
            Self::Ge => order != Ordering::Less,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_matter_where_they_do_in_c() {
        assert_eq!((BinaryOp::Div.compute(-8, 2, true), BinaryOp::Div.compute(-8, 2, false)), (-4, i64::MAX - 3));
        assert_eq!((BinaryOp::Shr.compute(-8, 1, true), BinaryOp::Shr.compute(-8, 1, false)), (-4, i64::MAX - 3));
        assert_eq!((BinaryOp::Lt.compute(-1, 1, true), BinaryOp::Lt.compute(-1, 1, false)), (1, 0));
        assert_eq!((BinaryOp::Rem.compute(-7, 4, true), BinaryOp::Rem.compute(-7, 4, false)), (-3, 1));
    }

    #[test]
    fn nothing_overflows() {
        assert_eq!(BinaryOp::Div.compute(i64::MIN, -1, true), i64::MIN);
        assert_eq!(BinaryOp::Rem.compute(i64::MIN, -1, true), 0);
        assert_eq!((BinaryOp::Div.compute(1, 0, true), BinaryOp::Rem.compute(1, 0, false)), (0, 0));
        assert_eq!((BinaryOp::Add.compute(i64::MAX, 1, true), BinaryOp::Shl.compute(1, 65, false)), (i64::MIN, 2));
    }
}
