//! quantize(), lquantize() and llquantize() as rows of bars.

use quadrant_program::log_linear::LogLinear;
use quadrant_program::map::Aggregation;
use quadrant_program::map::quantize_value;

use crate::number;
use crate::pad::blanks;
use crate::pad::pad_left;
use crate::pad::pad_right;

/// Columns of a label.
pub(super) const LABEL: usize = 16;
/// Columns of all bars.
const BAR: usize = 40;
/// Columns of a count.
const COUNT: usize = 9;

/// How a bucket is labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Values from this one (for negative buckets: to this one).
    Value(i64),
    /// `< n`
    Below(i64),
    /// `>= n`
    From(i64),
    /// `<= n`
    To(i64),
    /// `abs() < n`
    Near(i64),
}

/// A bucket: counts may be negative, since each value may count by a weight of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    pub label: Label,
    pub count: i64,
}

/// Append a histogram: a line end, the heading, one row a bucket. Counts are divided by `factor`, bars are not changed by it.
/// With `zoom` the greatest bar is of full length.
///
/// From the bucket before the first that is not empty to the one after the last; those around zero when all are empty.
pub(super) fn histogram(out: &mut Vec<u8>, agg: &Aggregation, words: &[u64], factor: u64, zoom: bool) {
    heading(out, b"value");
    let buckets = buckets(agg, words);
    let scale = Scale::of(buckets.iter().map(|bucket| bucket.count), zoom);
    for bucket in shown(&buckets, agg) {
        let start = out.len();
        label(out, bucket.label);
        pad_left(out, start, LABEL);
        row(out, bucket.count, factor, &scale);
    }
}

/// Append a line end and the heading of rows whose labels are called `labels`.
pub(super) fn heading(out: &mut Vec<u8>, labels: &[u8]) {
    out.push(b'\n');
    let start = out.len();
    out.extend_from_slice(labels);
    pad_left(out, start, LABEL);
    out.extend_from_slice(b"  ------------- Distribution ------------- count    \n");
}

/// Append what follows the label of a row: bar and count.
pub(super) fn row(out: &mut Vec<u8>, count: i64, factor: u64, scale: &Scale) {
    out.push(b' ');
    bar(out, count, scale);
    out.push(b' ');
    let start = out.len();
    number::signed(out, (i128::from(count) / i128::from(factor.max(1))) as i64);
    pad_right(out, start, COUNT);
    out.push(b'\n');
}

/// What bars are measured by.
pub(super) struct Scale {
    /// Columns left of the line for negative counts, and right of it for others.
    left: usize,
    right: usize,
    /// The count of a bar of full length.
    whole: u128,
}

impl Scale {
    /// For these counts.
    pub fn of(counts: impl Iterator<Item = i64>, zoom: bool) -> Scale {
        let (mut positive, mut negative, mut total, mut greatest) = (false, false, 0, 0);
        for count in counts {
            positive |= count > 0;
            negative |= count < 0;
            total += u128::from(count.unsigned_abs());
            greatest = u128::from(count.unsigned_abs()).max(greatest);
        }
        let (left, right) = match (negative, positive) {
            (true, true) => (BAR / 2, BAR / 2),
            (true, false) => (BAR, 0),
            _ => (0, BAR),
        };
        Scale { left, right, whole: if zoom { greatest } else { total }.max(1) }
    }
}

/// Columns of a count, rounded half up.
fn filled(count: i64, columns: usize, whole: u128) -> usize {
    let scaled = u128::from(count.unsigned_abs()) * 2 * columns as u128;
    ((scaled + whole) / (2 * whole)) as usize
}

fn bar(out: &mut Vec<u8>, count: i64, scale: &Scale) {
    let left = if count < 0 { filled(count, scale.left, scale.whole) } else { 0 };
    let right = if count > 0 { filled(count, scale.right, scale.whole) } else { 0 };
    blanks(out, scale.left - left);
    out.resize(out.len() + left, b'@');
    out.push(b'|');
    out.resize(out.len() + right, b'@');
    blanks(out, scale.right - right);
}

pub(super) fn label(out: &mut Vec<u8>, label: Label) {
    let (before, value): (&[u8], i64) = match label {
        Label::Value(value) => (b"", value),
        Label::Below(value) => (b"< ", value),
        Label::From(value) => (b">= ", value),
        Label::To(value) => (b"<= ", value),
        Label::Near(value) => (b"abs() < ", value),
    };
    out.extend_from_slice(before);
    number::signed(out, value);
}

/// The buckets to show.
fn shown<'b>(buckets: &'b [Bucket], agg: &Aggregation) -> &'b [Bucket] {
    let filled = |bucket: &Bucket| bucket.count != 0;
    let (first, last) = match (buckets.iter().position(filled), buckets.iter().rposition(filled)) {
        (Some(first), Some(last)) => (first, last),
        _ => zero(buckets, agg),
    };
    let end = (last + 2).min(buckets.len());
    &buckets[first.saturating_sub(1).min(end)..end]
}

/// The bucket of zero, twice; of linear ones the second, so that the first three are shown.
fn zero(buckets: &[Bucket], agg: &Aggregation) -> (usize, usize) {
    let at = match agg {
        Aggregation::LinearHist { .. } => 1,
        _ => buckets.len() / 2,
    };
    (at, at)
}

/// All buckets, ascending.
pub(super) fn buckets(agg: &Aggregation, words: &[u64]) -> Vec<Bucket> {
    let count = |i: usize| words.get(i).copied().unwrap_or(0) as i64;
    match agg {
        Aggregation::Quantize => {
            let bucket = |i: u32| Bucket { label: Label::Value(quantize_value(i)), count: count(i as usize) };
            (0..agg.words()).map(bucket).collect()
        }
        Aggregation::LinearHist { min, max, step } => {
            let label = |i: usize| linear_label(*min, *max, *step, i, agg.words() as usize - 1);
            (0..agg.words() as usize).map(|i| Bucket { label: label(i), count: count(i) }).collect()
        }
        Aggregation::LogLinear(scale) => log_linear(scale, count),
        _ => Vec::new(),
    }
}

fn linear_label(min: i64, max: i64, step: i64, bucket: usize, last: usize) -> Label {
    match bucket {
        0 => Label::Below(min),
        b if b == last => Label::From(max),
        b => Label::Value(min.saturating_add(step.saturating_mul(b as i64 - 1))),
    }
}

/// Stored are zero, the positive buckets and the negative ones, both away from zero.
fn log_linear(scale: &LogLinear, count: impl Fn(usize) -> i64) -> Vec<Bucket> {
    let bounds = scale.bounds();
    let last = bounds.len();
    let negative = (1..=last).rev().map(|i| {
        let bound = -bounds[i - 1];
        Bucket { label: if i == last { Label::To(bound) } else { Label::Value(bound) }, count: count(last + i) }
    });
    let positive = (1..=last).map(|i| {
        let bound = bounds[i - 1];
        Bucket { label: if i == last { Label::From(bound) } else { Label::Value(bound) }, count: count(i) }
    });
    let near = match bounds.first() {
        Some(1) | None => Label::Value(0),
        Some(bound) => Label::Near(*bound),
    };
    negative.chain([Bucket { label: near, count: count(0) }]).chain(positive).collect()
}

/// What orders histograms: the sum of all values as far as the buckets know them, then the count of zeros.
pub(super) fn rank(agg: &Aggregation, words: &[u64]) -> (i128, i128) {
    let buckets = buckets(agg, words);
    let weight = |bucket: &Bucket| i128::from(bucket.count).saturating_mul(weight(bucket.label));
    let total = buckets.iter().map(weight).fold(0, i128::saturating_add);
    let zeros = buckets.iter().find(|bucket| matches!(bucket.label, Label::Value(0) | Label::Near(_)));
    (total, zeros.map_or(0, |bucket| bucket.count.into()))
}

/// The value that stands for a bucket; those at the ends stand for one beyond their bound.
fn weight(label: Label) -> i128 {
    match label {
        Label::Value(value) => value.into(),
        Label::Below(value) | Label::To(value) => i128::from(value) - 1,
        Label::From(value) => i128::from(value) + 1,
        Label::Near(_) => 0,
    }
}
