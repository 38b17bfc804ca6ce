//! Buckets of histograms, by arithmetic: no loop, and for powers of two no branch, so that the verifier sees one way.

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
