//! Maps and aggregations.

use crate::span::Span;
use crate::ty::Type;

/// A map: an index into [`crate::Program::maps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapId(pub u32);

/// A map of the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// As written, with its sign: `@`, `@start`.
    pub name: String,
    /// The key, a tuple when it has several parts; `None` for a map without keys.
    pub key: Option<Type>,
    /// What it holds.
    pub value: MapValue,
    /// At most so many keys, when the script says so.
    pub max_entries: Option<u32>,
    /// When it is full, the keys that were not used for longest make room for new ones.
    pub forgets: bool,
    /// Which of its texts are the script's own.
    pub own: OwnTexts,
    /// First use.
    pub span: Span,
}

impl Map {
    /// A map without limits, of which nothing else is known.
    pub fn new(name: impl Into<String>, key: Option<Type>, value: MapValue) -> Self {
        let (name, own, span) = (name.into(), OwnTexts::default(), Span::default());
        Self { name, key, value, max_entries: None, forgets: false, own, span }
    }
}

/// Which texts of a map can only be those that stand in the script, and are shown as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTexts {
    /// Those of its keys, by part.
    pub keys: Vec<bool>,
    /// Those of its values.
    pub values: bool,
}

impl OwnTexts {
    /// Whether all of its keys' are.
    pub fn whole_keys(&self) -> bool {
        !self.keys.is_empty() && self.keys.iter().all(|own| *own)
    }
}

/// What a map holds.
#[derive(Clone, Debug, PartialEq)]
pub enum MapValue {
    /// One value of a type.
    Plain(Type),
    /// An aggregation.
    Aggregation(Aggregation),
}

/// A function whose parts, one a CPU, can be merged in any order.
///
/// The stored part is a row of 64-bit words:
/// count `[n]`; sum `[sum]`; min and max `[value, set]`; avg and stats `[sum, n]`; hist and lhist `[bucket...]`.
/// A map without keys adds one word at the end: not zero once it was fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// How often.
    Count,
    /// Sum.
    Sum {
        /// Of signed numbers.
        signed: bool,
    },
    /// Least.
    Min {
        /// Of signed numbers.
        signed: bool,
    },
    /// Greatest.
    Max {
        /// Of signed numbers.
        signed: bool,
    },
    /// Average.
    Avg {
        /// Of signed numbers.
        signed: bool,
    },
    /// Count, average and total.
    Stats {
        /// Of signed numbers.
        signed: bool,
    },
    /// Buckets by powers of two, each split in `1 << bits`; see [`hist_bucket`].
    Hist {
        /// 0 to 5.
        bits: u8,
    },
    /// Buckets of equal width: below `min`, then one a step, then from `max` up.
    LinearHist {
        /// Lower bound.
        min: i64,
        /// Upper bound.
        max: i64,
        /// Width of a bucket.
        step: i64,
    },
    /// D's stddev(): stored as `[n, sum, low, high]`, the last two the 128-bit sum of squares.
    Stddev,
    /// D's quantize(): 127 buckets, see [`quantize_bucket`].
    Quantize,
    /// D's llquantize(): buckets of equal width within each magnitude, see [`crate::log_linear`].
    LogLinear(crate::log_linear::LogLinear),
    /// The values of the last intervals, see [`crate::series`].
    Series(crate::series::Series),
}

impl Aggregation {
    /// Whether it only adds to its words, so that none is read to be written.
    pub fn only_adds(&self) -> bool {
        matches!(
            self,
            Aggregation::Count
                | Aggregation::Sum { .. }
                | Aggregation::Avg { .. }
                | Aggregation::Stats { .. }
                | Aggregation::Hist { .. }
                | Aggregation::LinearHist { .. }
                | Aggregation::Quantize
                | Aggregation::LogLinear(_)
        )
    }

    /// The function of the languages that feeds it.
    pub fn function(&self) -> &'static str {
        match self {
            Aggregation::Count => "count",
            Aggregation::Sum { .. } => "sum",
            Aggregation::Min { .. } => "min",
            Aggregation::Max { .. } => "max",
            Aggregation::Avg { .. } => "avg",
            Aggregation::Stats { .. } => "stats",
            Aggregation::Hist { .. } => "hist",
            Aggregation::LinearHist { .. } => "lhist",
            Aggregation::Stddev => "stddev",
            Aggregation::Quantize => "quantize",
            Aggregation::LogLinear(_) => "llquantize",
            Aggregation::Series(_) => "tseries",
        }
    }

    /// Number of 64-bit words of a part, without the "fed" word of a map without keys.
    pub fn words(&self) -> u32 {
        match self {
            Aggregation::Count | Aggregation::Sum { .. } => 1,
            Aggregation::Min { .. } | Aggregation::Max { .. } | Aggregation::Avg { .. } | Aggregation::Stats { .. } => {
                2
            }
            Aggregation::Stddev => 4,
            Aggregation::Quantize => QUANTIZE_BUCKETS,
            Aggregation::LogLinear(scale) => scale.buckets(),
            Aggregation::Series(series) => series.words(),
            Aggregation::Hist { bits } => hist_buckets(*bits),
            Aggregation::LinearHist { min, max, step } => linear_buckets(*min, *max, *step) + 2,
        }
    }

    /// Add the part `from` to the part `into`; both have [`Aggregation::words`] words.
    pub fn merge(&self, into: &mut [u64], from: &[u64]) {
        match self {
            Aggregation::Min { signed } => merge_extreme(into, from, |a, b| less(a, b, *signed)),
            Aggregation::Max { signed } => merge_extreme(into, from, |a, b| less(b, a, *signed)),
            Aggregation::Stddev => merge_squares(into, from),
            Aggregation::Series(series) => series.merge(into, from),
            _ => into.iter_mut().zip(from).for_each(|(a, b)| *a = a.wrapping_add(*b)),
        }
    }
}

fn merge_squares(into: &mut [u64], from: &[u64]) {
    let squares = |part: &[u64]| u128::from(part[2]) | u128::from(part[3]) << 64;
    let sum = squares(into).wrapping_add(squares(from));
    into[0] = into[0].wrapping_add(from[0]);
    into[1] = into[1].wrapping_add(from[1]);
    into[2] = sum as u64;
    into[3] = (sum >> 64) as u64;
}

/// Number of buckets of quantize().
pub const QUANTIZE_BUCKETS: u32 = 127;

/// The bucket of a value: 63 is zero, 64 + n is from `2^n` up, 62 - n is from `-2^n` down.
pub fn quantize_bucket(value: i64) -> u32 {
    match value {
        0 => 63,
        1.. => 64 + (63 - value.leading_zeros()),
        _ => 62 - (63 - value.unsigned_abs().leading_zeros()).min(62),
    }
}

/// The value that stands for a bucket of [`quantize_bucket`]: that of least magnitude.
pub fn quantize_value(bucket: u32) -> i64 {
    match bucket {
        63 => 0,
        64.. => 1i64 << (bucket - 64).min(62),
        _ => -(1i64 << (62 - bucket)),
    }
}

fn less(a: u64, b: u64, signed: bool) -> bool {
    if signed { (a as i64) < (b as i64) } else { a < b }
}

fn merge_extreme(into: &mut [u64], from: &[u64], better: impl Fn(u64, u64) -> bool) {
    if from[1] != 0 && (into[1] == 0 || better(from[0], into[0])) {
        into[0] = from[0];
        into[1] = from[1];
    }
}

/// Number of buckets of `hist(n, bits)`: negatives, then values below `2^(bits+1)` one by one (zero has the first), then for each
/// higher power of two `1 << bits` buckets.
pub fn hist_buckets(bits: u8) -> u32 {
    let bits = u32::from(bits);
    1 + (1 << bits) + (64 - bits) * (1 << bits)
}

/// The bucket of a value: 0 for negative ones; then `value` itself below `1 << bits`; above, by the top bit and the `bits` bits below it.
///
/// With `top` the index of the highest set bit and `k = bits`, the bucket is
/// `1 + ((top - k + 1) << k) + ((value >> (top - k)) & ((1 << k) - 1))`.
pub fn hist_bucket(value: i64, bits: u8) -> u32 {
    if value < 0 {
        return 0;
    }
    let (value, k) = (value as u64, u32::from(bits));
    if value < 1 << k {
        return 1 + value as u32;
    }
    let top = 63 - value.leading_zeros();
    1 + ((top - k + 1) << k) + ((value >> (top - k)) as u32 & ((1 << k) - 1))
}

/// The lowest value of a bucket of [`hist_bucket`] (for bucket 0, which holds all negatives: `i64::MIN`).
pub fn hist_lower(bucket: u32, bits: u8) -> i64 {
    let k = u32::from(bits);
    match bucket {
        0 => i64::MIN,
        b if b - 1 < 1 << k => i64::from(b - 1),
        b => {
            let (top, sub) = (((b - 1) >> k) + k - 1, (b - 1) & ((1 << k) - 1));
            1i64.checked_shl(top)
                .map_or(i64::MAX, |base| if top >= 63 { i64::MAX } else { base + (i64::from(sub) << (top - k)) })
        }
    }
}

/// Number of inner buckets of `lhist(n, min, max, step)`.
pub fn linear_buckets(min: i64, max: i64, step: i64) -> u32 {
    let (span, step) = (max.saturating_sub(min), step.max(1));
    (span.saturating_add(step - 1) / step).clamp(0, i64::from(u32::MAX / 2)) as u32
}

/// The bucket of a value: 0 below `min`, the last at or above `max`.
pub fn linear_bucket(value: i64, min: i64, max: i64, step: i64) -> u32 {
    if value < min {
        0
    } else if value >= max {
        linear_buckets(min, max, step) + 1
    } else {
        1 + ((value - min) / step) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_starts_with_its_lower_bound() {
        for bits in 0..=5 {
            for bucket in 1..hist_buckets(bits) - (1 << bits) {
                let low = hist_lower(bucket, bits);
                assert_eq!(hist_bucket(low, bits), bucket, "bits {bits}");
                if low > 0 {
                    assert_eq!(hist_bucket(low - 1, bits), bucket - 1, "bits {bits}");
                }
            }
            assert!(hist_bucket(i64::MAX, bits) < hist_buckets(bits));
        }
    }

    #[test]
    fn linear_bounds() {
        assert_eq!(linear_bucket(-1, 0, 100, 10), 0);
        assert_eq!(linear_bucket(0, 0, 100, 10), 1);
        assert_eq!(linear_bucket(99, 0, 100, 10), 10);
        assert_eq!(linear_bucket(100, 0, 100, 10), 11);
        assert_eq!(Aggregation::LinearHist { min: 0, max: 100, step: 10 }.words(), 12);
    }

    #[test]
    fn extremes_ignore_unset_parts() {
        let min = Aggregation::Min { signed: true };
        let mut into = [0, 0];
        min.merge(&mut into, &[5, 1]);
        min.merge(&mut into, &[0, 0]);
        min.merge(&mut into, &[-3i64 as u64, 1]);
        assert_eq!(into, [-3i64 as u64, 1]);
    }
}
