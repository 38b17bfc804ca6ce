//! Time series: which values are in which intervals, against a plain model.

use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::series::{Interval, Series, SeriesKind};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Machine, Seen};

/// When values came (boot clock), and which.
const FED: [(u64, i64); 8] = [(0, 9), (5, -4), (14, 7), (14, 7), (33, 1), (38, -8), (39, 3), (71, 2)];
const INTERVAL: u64 = 10;
const COUNT: u32 = 5;

fn words(seen: &Seen, map: MapId) -> Vec<u64> {
    let mut words = seen.cell(map);
    words.truncate(3 * COUNT as usize);
    words
}

/// What the values of an interval come to.
fn expected(kind: SeriesKind, values: &[i64]) -> i64 {
    let sum: i64 = values.iter().sum();
    match kind {
        SeriesKind::Last => values[values.len() - 1],
        SeriesKind::Avg => sum / values.len() as i64,
        SeriesKind::Min => *values.iter().min().unwrap(),
        SeriesKind::Max => *values.iter().max().unwrap(),
        SeriesKind::Sum => sum,
    }
}

#[test]
fn values_are_in_the_intervals_of_their_time() {
    for kind in [SeriesKind::Last, SeriesKind::Avg, SeriesKind::Min, SeriesKind::Max, SeriesKind::Sum] {
        let series = Series { interval_ns: INTERVAL, count: COUNT, kind, signed: true };
        let mut script = Script::new();
        let map = script.aggregation(None, Aggregation::Series(series));
        script.clause(None, vec![feed(map, None, Some(sarg(0)))]);
        let mut machine = Machine::new(&script, FakeEnv::default());
        let mut seen = Seen::default();
        for (at, value) in FED {
            machine.vm.env.now = 1000 + at;
            seen = machine.run(&script, &[(0, vec![value as u64])]);
        }
        let first = (1_000_000_000 + 1000) / INTERVAL;
        let newest = 7;
        let model: Vec<Interval> = (newest + 1 - u64::from(COUNT)..=newest)
            .filter_map(|number| {
                let of = |(at, value): &(u64, i64)| (*at / INTERVAL == number).then_some(*value);
                let values: Vec<i64> = FED.iter().filter_map(of).collect();
                let value = (!values.is_empty()).then(|| expected(kind, &values))?;
                Some(Interval { number: first + number, value: value as u64 })
            })
            .collect();
        assert_eq!(series.intervals(&words(&seen, map)), model, "{kind:?}");
    }
}
