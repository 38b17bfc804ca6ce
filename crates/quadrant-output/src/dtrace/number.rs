//! The numbers that aggregations come to.

use quadrant_program::map::Aggregation;

use crate::snapshot::as_number;
use crate::snapshot::average;

/// The number that an aggregation's words come to, divided by `factor`; `None` for histograms.
pub(super) fn number(agg: &Aggregation, words: &[u64], factor: u64) -> Option<i128> {
    let word = |i: usize| words.get(i).copied().unwrap_or(0);
    let factor = factor.max(1);
    match agg {
        Aggregation::Count | Aggregation::Sum { .. } | Aggregation::Min { .. } | Aggregation::Max { .. } => {
            Some(as_number(word(0), !is_unsigned(agg)) / i128::from(factor))
        }
        Aggregation::Avg { signed } | Aggregation::Stats { signed } => Some(average(word(0), word(1), *signed, factor)),
        Aggregation::Stddev => Some(deviation(words, factor)),
        _ => None,
    }
}

/// Whether numbers of this aggregation are shown without a sign.
pub(super) fn is_unsigned(agg: &Aggregation) -> bool {
    match agg {
        Aggregation::Count | Aggregation::Stddev => true,
        Aggregation::Sum { signed }
        | Aggregation::Min { signed }
        | Aggregation::Max { signed }
        | Aggregation::Avg { signed }
        | Aggregation::Stats { signed } => !signed,
        _ => false,
    }
}

/// D's stddev(): the integer square root of the average of the squares less the square of the average; words are
/// `[n, sum, low, high]`, the last two the 128-bit sum of squares.
fn deviation(words: &[u64], factor: u64) -> i128 {
    let &[count, sum, low, high] = words.first_chunk::<4>().unwrap_or(&[0; 4]);
    if count == 0 {
        return 0;
    }
    let squares = u128::from(low) | u128::from(high) << 64;
    let average_of_squares = squares / u128::from(factor) / u128::from(factor) / u128::from(count);
    let average = (i128::from(sum as i64) / i128::from(factor) / i128::from(count)).unsigned_abs();
    average_of_squares.saturating_sub(average * average).isqrt() as i128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_and_deviations() {
        let stddev = |values: &[i64], factor| {
            let squares: u128 = values.iter().map(|v| (i128::from(*v) * i128::from(*v)) as u128).sum();
            let sum: i64 = values.iter().sum();
            let words = [values.len() as u64, sum as u64, squares as u64, (squares >> 64) as u64];
            number(&Aggregation::Stddev, &words, factor)
        };
        assert_eq!([stddev(&[1, 2, 4], 1), stddev(&[-100, 100], 1), stddev(&[5], 1)], [Some(1), Some(100), Some(0)]);
        assert_eq!(stddev(&[i64::MIN, i64::MAX], 1), Some(i64::MAX.into()));
        assert_eq!(stddev(&[-1000, 1000], 10), Some(100));
        let average = Aggregation::Avg { signed: true };
        assert_eq!(number(&average, &[-3i64 as u64, 2], 1), Some(-1));
        assert_eq!(number(&average, &[7, 0], 1), Some(0));
        assert_eq!(number(&Aggregation::Sum { signed: true }, &[-10i64 as u64], 3), Some(-3));
    }
}
