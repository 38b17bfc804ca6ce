//! Time series: `tseries(value, interval, count)`, the value of each of the last intervals.
//!
//! Intervals are numbered by the time since 1970 divided by their length, so they start at whole seconds where that is possible. A part
//! has a slot of [`SLOT_WORDS`] words for each interval that is kept, by the interval's number modulo their count: one more than the
//! number (0: nothing is there), then two words by [`SeriesKind`].

/// Words of a slot.
pub const SLOT_WORDS: u32 = 3;

/// A time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// Length of an interval in nanoseconds, 1 or more.
    pub interval_ns: u64,
    /// Intervals that are kept, 1 or more.
    pub count: u32,
    /// What becomes of the values in one interval.
    pub kind: SeriesKind,
    /// Of signed numbers.
    pub signed: bool,
}

/// What becomes of the values in one interval. The words are those of a slot after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeriesKind {
    /// The last one counts: the value and its time.
    Last,
    /// Sum, and how many there were.
    Avg,
    /// The least one, and 1.
    Min,
    /// The greatest one, and 1.
    Max,
    /// Sum, and how many there were.
    Sum,
}

/// An interval with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its number.
    pub number: u64,
    /// What its values came to; a bit pattern of 64 bits with the sign of the series.
    pub value: u64,
}

impl Series {
    /// Words of a part.
    pub fn words(&self) -> u32 {
        self.count.saturating_mul(SLOT_WORDS)
    }

    /// Adds the part `from` to the part `into`: of one slot, the newer interval stays.
    pub fn merge(&self, into: &mut [u64], from: &[u64]) {
        let slots = into.chunks_exact_mut(SLOT_WORDS as usize).zip(from.chunks_exact(SLOT_WORDS as usize));
        for (into, from) in slots {
            match from[0].cmp(&into[0]) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater => into.copy_from_slice(from),
                std::cmp::Ordering::Equal => self.merge_slot(into, from),
            }
        }
    }

    fn merge_slot(&self, into: &mut [u64], from: &[u64]) {
        let takes = match self.kind {
            SeriesKind::Avg | SeriesKind::Sum => {
                into[1] = into[1].wrapping_add(from[1]);
                into[2] = into[2].wrapping_add(from[2]);
                return;
            }
            SeriesKind::Last => from[2] > into[2],
            SeriesKind::Min => self.less(from[1], into[1]),
            SeriesKind::Max => self.less(into[1], from[1]),
        };
        if takes {
            into.copy_from_slice(from);
        }
    }

    fn less(&self, a: u64, b: u64) -> bool {
        if self.signed { (a as i64) < (b as i64) } else { a < b }
    }

    /// The intervals of a part that have a value, in order, those left out that are older than `count` before the newest.
    pub fn intervals(&self, words: &[u64]) -> Vec<Interval> {
        let slots = || words.chunks_exact(SLOT_WORDS as usize).filter(|slot| slot[0] != 0 && slot[2] != 0);
        let newest = slots().map(|slot| slot[0]).max().unwrap_or(0);
        let recent = |slot: &&[u64]| newest - slot[0] < u64::from(self.count);
        let mut intervals: Vec<Interval> = slots()
            .filter(recent)
            .map(|slot| Interval { number: slot[0] - 1, value: self.value(slot[1], slot[2]) })
            .collect();
        intervals.sort_unstable_by_key(|interval| interval.number);
        intervals
    }

    fn value(&self, first: u64, second: u64) -> u64 {
        match (self.kind, self.signed) {
            (SeriesKind::Avg, true) => (first as i64).wrapping_div((second as i64).max(1)) as u64,
            (SeriesKind::Avg, false) => first / second.max(1),
            _ => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(kind: SeriesKind) -> Series {
        Series { interval_ns: 1, count: 2, kind, signed: true }
    }

    #[test]
    fn parts_of_processors_become_one() {
        let minus = -5i64 as u64;
        let cases = [
            (SeriesKind::Last, [8, 1, 100, 9, 2, 200], [8, 3, 90, 9, 4, 201], [(7, 1), (8, 4)]),
            (SeriesKind::Avg, [8, 10, 2, 9, 7, 1], [8, 11, 1, 7, 99, 1], [(7, 7), (8, 7)]),
            (SeriesKind::Sum, [8, 10, 2, 9, 7, 1], [8, minus, 1, 9, 1, 1], [(7, 5), (8, 8)]),
            (SeriesKind::Min, [8, 10, 1, 9, 7, 1], [8, minus, 1, 9, 8, 1], [(7, -5), (8, 7)]),
            (SeriesKind::Max, [8, minus, 1, 9, 7, 1], [8, 10, 1, 9, 8, 1], [(7, 10), (8, 8)]),
        ];
        for (kind, mut into, from, expected) in cases {
            series(kind).merge(&mut into, &from);
            let found = series(kind).intervals(&into);
            assert_eq!(found.iter().map(|i| (i.number, i.value as i64)).collect::<Vec<_>>(), expected, "{kind:?}");
        }
    }

    #[test]
    fn what_is_too_old_is_left_out() {
        let words = [8, 1, 1, 11, 2, 1];
        assert_eq!(series(SeriesKind::Max).intervals(&words), [Interval { number: 10, value: 2 }]);
        assert_eq!(series(SeriesKind::Max).intervals(&[0; 6]), []);
    }
}
