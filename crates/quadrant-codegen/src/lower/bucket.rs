//! Buckets of histograms, by arithmetic: no loop, and for powers of two no branch, so that the verifier sees one way.

use quadrant_program::log_linear::LogLinear;

use super::unit::Lower;
use crate::ssa::Cond;
use crate::ssa::Size;
use crate::ssa::Value;

/// A de Bruijn number: its product with `2^(n+1) - 1` has a different number in the upper six bits for each `n` from 0 to 63.
const DE_BRUIJN: u64 = 0x03f6_eaf2_cd27_1461;

impl Lower<'_, '_> {
    /// The bucket as [`quadrant_program::map::hist_bucket`] has it.
    pub fn hist_bucket(&mut self, value: Value, bits: u8) -> Value {
        let sign = self.f.b.sar(value, 63);
        let bucket = match bits {
            0 => self.log2_bucket(value),
            bits => self.split_bucket(value, i64::from(bits)),
        };
        // Bucket 0 for what is negative.
        let positive = self.f.b.not(sign);
        self.f.b.and(bucket, positive)
    }

    /// One bucket for each power of two: with `w = 2 * value + 1`, which is never 0, the index of its top bit, plus one.
    fn log2_bucket(&mut self, value: Value) -> Value {
        let twice = self.f.b.shl(value, 1);
        let odd = self.f.b.or(twice, 1);
        let top = self.top_bit(odd);
        self.f.b.add(top, 1)
    }

    /// `1 << bits` buckets for each power of two.
    fn split_bucket(&mut self, value: Value, bits: i64) -> Value {
        let first = 1i64 << bits;
        // Small values are treated as if their top bit were bit `bits`, and the difference is taken off.
        let with_top = self.f.b.or(value, first);
        let distance = self.f.b.sub(value, first);
        let is_small = self.f.b.shr(distance, 63);
        let surplus = self.f.b.shl(is_small, bits);
        let small_mask = self.f.b.neg(is_small);
        let raised = self.f.b.and(with_top, small_mask);
        let large_mask = self.f.b.not(small_mask);
        let large = self.f.b.and(value, large_mask);
        let value = self.f.b.or(raised, large);
        let top = self.top_bit(value);
        let shift = self.f.b.sub(top, bits);
        let row = self.f.b.add(shift, 1);
        let row = self.f.b.shl(row, bits);
        let within = self.f.b.shr(value, shift);
        let within = self.f.b.and(within, first - 1);
        let bucket = self.f.b.add(row, within);
        let bucket = self.f.b.add(bucket, 1);
        self.f.b.sub(bucket, surplus)
    }

    /// The bucket as [`quadrant_program::map::quantize_bucket`] has it.
    pub fn quantize_bucket(&mut self, value: Value) -> Value {
        let (sign, magnitude) = self.magnitude(value);
        let some = self.f.b.or(magnitude, 1);
        let top = self.top_bit(some);
        let b = &mut self.f.b;
        // Zero is one below what the top bit of 1 gives.
        let negated = b.neg(magnitude);
        let any = b.or(magnitude, negated);
        let is_some = b.shr(any, 63);
        let up = b.add(top, 63);
        let up = b.add(up, is_some);
        // The most negative number shares the bucket above it.
        let surplus = b.shr(magnitude, 63);
        let down = b.sub(surplus, top);
        let down = b.add(down, 62);
        let difference = b.xor(up, down);
        let chosen = b.and(difference, sign);
        b.xor(up, chosen)
    }

    /// The bucket as [`LogLinear::bucket`] has it: a search by halves in a table of the bounds, without branches.
    pub fn log_linear_bucket(&mut self, value: Value, scale: &LogLinear) -> Value {
        let bounds = scale.bounds();
        let count = bounds.len() as i64;
        let size = (bounds.len() + 1).next_power_of_two();
        let padding = std::iter::repeat_n(i64::MAX, size - bounds.len());
        let bytes: Vec<u8> = bounds.into_iter().chain(padding).flat_map(i64::to_le_bytes).collect();
        let len = bytes.len() as u32;
        let table = self.constant(bytes, len);
        let start = self.address(table);
        let (sign, magnitude) = self.magnitude(value);
        let b = &mut self.f.b;
        // Below the padding, so that differences have the right sign.
        let above = b.shr(magnitude, 63);
        let least = b.sub(magnitude, above);
        let most = b.xor(least, i64::MAX);
        let is_most = b.sub(most, 1);
        let is_most = b.shr(is_most, 63);
        let magnitude = b.sub(least, is_most);
        let mut at = b.iconst(0);
        let mut step = size as i64 / 2;
        while step > 0 {
            let off = b.shl(at, 3);
            let place = b.add(start, off);
            let bound = b.load_with(place, (step as i32 - 1) * 8, Size::B8, false, true);
            let distance = b.sub(magnitude, bound);
            let below = b.shr(distance, 63);
            let reached = b.xor(below, 1);
            let taken = b.mul(reached, step);
            at = b.add(at, taken);
            step /= 2;
        }
        let negated = b.neg(at);
        let some = b.sar(negated, 63);
        let shift = b.and(some, count);
        let shift = b.and(shift, sign);
        b.add(at, shift)
    }

    /// The sign as 0 or -1, and the absolute value.
    fn magnitude(&mut self, value: Value) -> (Value, Value) {
        let sign = self.f.b.sar(value, 63);
        let flipped = self.f.b.xor(value, sign);
        (sign, self.f.b.sub(flipped, sign))
    }

    /// Index of the highest bit set of a number that is not 0.
    fn top_bit(&mut self, value: Value) -> Value {
        let mut filled = value;
        for shift in [1, 2, 4, 8, 16, 32] {
            let shifted = self.f.b.shr(filled, shift);
            filled = self.f.b.or(filled, shifted);
        }
        let product = self.f.b.mul(filled, DE_BRUIJN as i64);
        let index = self.f.b.shr(product, 58);
        let table = self.constant(top_bits(), 64);
        let start = self.address(table);
        let place = self.f.b.add(start, index);
        self.f.b.load_with(place, 0, Size::B1, false, true)
    }

    /// The bucket as [`quadrant_program::map::linear_bucket`] has it.
    pub fn linear_bucket(&mut self, value: Value, min: i64, max: i64, step: i64) -> Value {
        let last = i64::from(quadrant_program::map::linear_buckets(min, max, step)) + 1;
        let (end, bucket) = self.join();
        let [zero, last] = [0, last].map(|bucket| self.f.b.iconst(bucket));
        let [at_least, inside] = [self.f.b.create_block(), self.f.b.create_block()];
        self.f.b.branch(Cond::Slt, value, min, end, &[zero], at_least, &[]);
        self.f.b.switch_to(at_least);
        self.f.b.branch(Cond::Sge, value, max, end, &[last], inside, &[]);
        self.f.b.switch_to(inside);
        let distance = self.f.b.sub(value, min);
        let index = self.f.b.udiv(distance, step.max(1));
        let index = self.f.b.add(index, 1);
        self.f.b.jump(end, &[index]);
        self.f.b.switch_to(end);
        bucket
    }
}

/// By the upper six bits of the product, the index of the top bit.
fn top_bits() -> Vec<u8> {
    let mut table = vec![0; 64];
    for top in 0..64u8 {
        let filled = u64::MAX >> (63 - top);
        table[(filled.wrapping_mul(DE_BRUIJN) >> 58) as usize] = top;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_top_bit_has_its_place() {
        let mut sorted = top_bits();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(at, top)| at == usize::from(*top)));
    }
}
