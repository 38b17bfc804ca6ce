//! The scale of D's llquantize().

/// `llquantize(x, factor, low, high, steps)`: `factor^low` to `factor^(high + 1)`, each magnitude split in `steps` buckets of equal width
/// (fewer where they would be narrower than 1). Buckets start at multiples of their width; where the magnitude does not, its first
/// bucket is narrower.
///
/// Stored buckets: `0` is zero and below `factor^low` in magnitude; then the positive buckets upwards, the last of them the overflow;
/// then the negative ones in the same order away from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogLinear {
    /// Base of the magnitudes, at least 2.
    pub factor: u16,
    /// Lowest magnitude.
    pub low: u16,
    /// Highest magnitude.
    pub high: u16,
    /// Buckets of a magnitude; `factor` divides it or is divided by it.
    pub steps: u16,
}

impl LogLinear {
    /// The lower bounds of the positive buckets, ascending, and last the bound where overflow starts. Magnitudes that do not fit
    /// 63 bits are left out.
    pub fn bounds(&self) -> Vec<i64> {
        let mut bounds = Vec::new();
        let mut bound = i64::from(self.factor).checked_pow(self.low.into());
        for _ in self.low..=self.high {
            let Some(from) = bound else { break };
            let next = from.checked_mul(self.factor.into());
            let to = next.unwrap_or(i64::MAX);
            let width = self.width(to);
            let mut value = from;
            while value < to {
                bounds.push(value);
                let Some(above) = (value / width + 1).checked_mul(width) else { break };
                value = above;
            }
            bound = next;
        }
        bounds.extend(bound);
        bounds
    }

    /// The width of the buckets of the magnitude that ends at `to`.
    fn width(&self, to: i64) -> i64 {
        if to > i64::from(self.steps) { (to / i64::from(self.steps.max(1))).max(1) } else { 1 }
    }

    /// Number of stored buckets.
    pub fn buckets(&self) -> u32 {
        1 + 2 * self.bounds().len() as u32
    }

    /// The stored bucket of a value.
    pub fn bucket(&self, value: i64) -> u32 {
        let bounds = self.bounds();
        let magnitude = value.unsigned_abs();
        let at = bounds.partition_point(|bound| bound.unsigned_abs() <= magnitude) as u32;
        match (at, value < 0) {
            (0, _) => 0,
            (at, false) => at,
            (at, true) => bounds.len() as u32 + at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_are_split_in_equal_steps() {
        let scale = LogLinear { factor: 10, low: 0, high: 1, steps: 10 };
        let bounds = scale.bounds();
        assert_eq!(bounds[..10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(bounds[10..], [20, 30, 40, 50, 60, 70, 80, 90, 100]);
        assert_eq!((scale.bucket(0), scale.bucket(1), scale.bucket(100), scale.bucket(1 << 40)), (0, 1, 19, 19));
        assert_eq!((scale.bucket(-1), scale.bucket(i64::MIN)), (20, 38));
        assert_eq!(scale.buckets(), 39);
    }

    #[test]
    fn buckets_start_at_multiples_of_their_width() {
        let bounds = |factor, high, steps| LogLinear { factor, low: 0, high, steps }.bounds();
        assert_eq!(bounds(10, 1, 5), [1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100]);
        assert_eq!(bounds(6, 2, 2), [1, 3, 6, 18, 36, 108, 216]);
        assert_eq!(bounds(2, 3, 2), [1, 2, 4, 8, 16]);
    }

    #[test]
    fn magnitudes_beyond_the_numbers_are_left_out() {
        let scale = LogLinear { factor: 10, low: 0, high: 30, steps: 10 };
        assert!(scale.bounds().windows(2).all(|pair| pair[0] < pair[1]));
        assert!(scale.bucket(i64::MAX) < scale.buckets());
    }
}
