//! The rows of histograms.

use quadrant_program::map::Aggregation;

/// A row: its bounds and how many values fell into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Lowest value; `None` for the row of everything below the next.
    pub low: Option<i128>,
    /// One past the highest value; `None` for the row without an upper end.
    pub end: Option<i128>,
    /// How many.
    pub count: u64,
}

/// The rows from the first to the last that is not empty; none when all are empty. Counts of `hist` are divided by `div` afterwards:
/// bpftrace leaves those of `lhist` as they are.
pub(crate) fn rows(agg: &Aggregation, counts: &[u64], div: u64) -> Vec<Row> {
    let div = if matches!(agg, Aggregation::LinearHist { .. }) { 1 } else { div };
    let counts = &counts[..counts.len().min(agg.words() as usize)];
    let first = counts.iter().position(|c| *c != 0).unwrap_or(counts.len());
    let end = counts.iter().rposition(|c| *c != 0).map_or(first, |i| i + 1);
    let row = |(i, count): (usize, &u64)| {
        let (low, end) = bounds(agg, (first + i) as u32);
        Row { low, end, count: count / div.max(1) }
    };
    counts[first..end].iter().enumerate().map(row).collect()
}

/// The bounds of a bucket.
fn bounds(agg: &Aggregation, bucket: u32) -> (Option<i128>, Option<i128>) {
    match agg {
        Aggregation::LinearHist { min, max, step } => {
            linear_bounds((*min).into(), (*max).into(), (*step).into(), bucket, agg.words() - 1)
        }
        Aggregation::Hist { bits } if bucket > 0 => {
            (Some(hist_lower(bucket, (*bits).into())), Some(hist_lower(bucket + 1, (*bits).into())))
        }
        _ => (None, Some(0)),
    }
}

/// As `quadrant_program::map::hist_lower`, without an end at 63 bits: the highest bucket has an upper bound too.
fn hist_lower(bucket: u32, bits: u32) -> i128 {
    let index = bucket - 1;
    match (index >> bits, index & ((1 << bits) - 1)) {
        (0, value) => value.into(),
        (group, part) => i128::from((1 << bits) + part) << (group - 1).min(64),
    }
}

fn linear_bounds(min: i128, max: i128, step: i128, bucket: u32, last: u32) -> (Option<i128>, Option<i128>) {
    let lower = |b: u32| (min + i128::from(b - 1) * step).min(max);
    match bucket {
        0 => (None, Some(min)),
        b if b == last => (Some(max), None),
        b => (Some(lower(b)), Some(lower(b + 1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_program::map;

    #[test]
    fn bounds_agree_with_the_program_model() {
        for bits in 0..=5u8 {
            let agg = Aggregation::Hist { bits };
            for value in [0, 1, 2, 3, 31, 32, 33, 1000, 1 << 40, (1 << 62) + 5, i64::MAX] {
                let (low, end) = bounds(&agg, map::hist_bucket(value, bits));
                assert!(low.unwrap() <= value.into() && i128::from(value) < end.unwrap(), "{value} {bits}");
            }
        }
        assert_eq!(bounds(&Aggregation::Hist { bits: 0 }, 0), (None, Some(0)));
    }

    #[test]
    fn linear_rows_end_at_the_maximum() {
        let agg = Aggregation::LinearHist { min: -5, max: 4, step: 5 };
        let rows: Vec<_> = rows(&agg, &[1, 0, 2, 9], 1).iter().map(|r| (r.low, r.end, r.count)).collect();
        assert_eq!(rows, [(None, Some(-5), 1), (Some(-5), Some(0), 0), (Some(0), Some(4), 2), (Some(4), None, 9)]);
    }

    #[test]
    fn empty_ends_are_left_out() {
        let agg = Aggregation::Hist { bits: 0 };
        let mut counts = vec![0; agg.words() as usize];
        assert_eq!(rows(&agg, &counts, 1), []);
        counts[4] = 1;
        counts[6] = 4;
        let found: Vec<_> = rows(&agg, &counts, 2).iter().map(|r| (r.low, r.count)).collect();
        assert_eq!(found, [(Some(4), 0), (Some(8), 0), (Some(16), 2)]);
    }
}
