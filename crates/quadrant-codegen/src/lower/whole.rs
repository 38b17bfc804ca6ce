//! The whole part of a floating point number, from its bits: eBPF has no instruction that knows such numbers.

use super::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// The exponent from which on 64 bits with a sign do not hold the number.
const TOO_LARGE: i64 = 63;

/// The parts of a number of IEEE 754.
struct Shape {
    /// Bits of the fraction.
    fraction: i64,
    /// All bits of an exponent.
    exponents: i64,
    /// What is added to exponents.
    bias: i64,
}

const SINGLE: Shape = Shape { fraction: 23, exponents: 0xff, bias: 127 };
const DOUBLE: Shape = Shape { fraction: 52, exponents: 0x7ff, bias: 1023 };

impl Lower<'_, '_> {
    /// The number without what is behind its point. One that is too large becomes the largest number of its sign, and what is no number 0.
    pub fn whole_part(&mut self, bits: Value, size: Size) -> Value {
        let shape = if size == Size::B4 { SINGLE } else { DOUBLE };
        let magnitude = self.whole_magnitude(bits, &shape);
        let b = &mut self.f.b;
        let top = b.shl(bits, if size == Size::B4 { 32 } else { 0 });
        // All ones for a negative number.
        let sign = b.sar(top, 63);
        let (flipped, exponent) = (b.xor(magnitude, sign), exponent(b, bits, &shape));
        let signed = b.sub(flipped, sign);
        let most = b.iconst(i64::MAX);
        let most = b.xor(most, sign);
        let result = b.select(Cond::Sge, exponent, TOO_LARGE, most, signed);
        let (low, zero) = (b.and(bits, (1i64 << shape.fraction) - 1), b.iconst(0));
        let no_number = b.select(Cond::Ne, low, 0, zero, result);
        b.select(Cond::Eq, exponent, shape.exponents - shape.bias, no_number, result)
    }

    /// Of numbers that fit.
    fn whole_magnitude(&mut self, bits: Value, shape: &Shape) -> Value {
        let b = &mut self.f.b;
        let exponent = exponent(b, bits, shape);
        let low = b.and(bits, (1i64 << shape.fraction) - 1);
        let digits = b.or(low, 1i64 << shape.fraction);
        let up = b.sub(exponent, shape.fraction);
        let down = b.neg(up);
        // Shifts count modulo 64; where that matters, the result is not used.
        let (larger, smaller) = (b.shl(digits, up), b.shr(digits, down));
        let whole = b.select(Cond::Sge, up, 0, larger, smaller);
        let zero = b.iconst(0);
        b.select(Cond::Slt, exponent, 0, zero, whole)
    }
}

/// Two to the power of it is the first digit's weight.
fn exponent(b: &mut crate::ssa::FuncBuilder, bits: Value, shape: &Shape) -> Value {
    let biased = b.shr(bits, shape.fraction);
    let biased = b.and(biased, shape.exponents);
    b.sub(biased, shape.bias)
}
