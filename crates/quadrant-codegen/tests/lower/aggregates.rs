//! Aggregations, against plain Rust.

use proptest::prelude::*;
use quadrant_codegen::LossKind;
use quadrant_program::expr::ExprKind;
use quadrant_program::log_linear::LogLinear;
use quadrant_program::map::{Aggregation, MapId, hist_bucket, linear_bucket, quantize_bucket};
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Machine, Seen, in_kernel, in_machine};

fn kinds() -> Vec<Aggregation> {
    let mut kinds = vec![
        Aggregation::Count,
        Aggregation::Sum { signed: true },
        Aggregation::Min { signed: true },
        Aggregation::Min { signed: false },
        Aggregation::Max { signed: true },
        Aggregation::Max { signed: false },
        Aggregation::Avg { signed: true },
        Aggregation::Stats { signed: false },
        Aggregation::LinearHist { min: -100, max: 1000, step: 7 },
        Aggregation::Stddev,
        Aggregation::Quantize,
        Aggregation::LogLinear(LogLinear { factor: 10, low: 0, high: 5, steps: 20 }),
        Aggregation::LogLinear(LogLinear { factor: 2, low: 3, high: 62, steps: 4 }),
    ];
    kinds.extend((0..=5).map(|bits| Aggregation::Hist { bits }));
    kinds
}

/// The part after feeding values one by one.
fn model(kind: &Aggregation, values: &[u64]) -> Vec<u64> {
    let mut part = vec![0; kind.words() as usize];
    for value in values {
        feed_model(kind, &mut part, *value);
    }
    part
}

fn feed_model(kind: &Aggregation, part: &mut [u64], value: u64) {
    let better = match kind {
        Aggregation::Min { signed: true } => (value as i64) < part[0] as i64,
        Aggregation::Min { .. } => value < part[0],
        Aggregation::Max { signed: true } => value as i64 > part[0] as i64,
        _ => value > part[0],
    };
    match kind {
        Aggregation::Count => part[0] += 1,
        Aggregation::Sum { .. } => part[0] = part[0].wrapping_add(value),
        Aggregation::Min { .. } | Aggregation::Max { .. } if part[1] != 0 && !better => {}
        Aggregation::Min { .. } | Aggregation::Max { .. } => part.copy_from_slice(&[value, 1]),
        Aggregation::Avg { .. } | Aggregation::Stats { .. } => {
            part[0] = part[0].wrapping_add(value);
            part[1] += 1;
        }
        Aggregation::Hist { bits } => part[hist_bucket(value as i64, *bits) as usize] += 1,
        Aggregation::LinearHist { min, max, step } => {
            part[linear_bucket(value as i64, *min, *max, *step) as usize] += 1;
        }
        Aggregation::Quantize => part[quantize_bucket(value as i64) as usize] += 1,
        Aggregation::LogLinear(scale) => part[scale.bucket(value as i64) as usize] += 1,
        Aggregation::Series(_) => unreachable!("time series have tests of their own"),
        Aggregation::Stddev => {
            let value = i128::from(value as i64);
            let squares = u128::from(part[2]) | u128::from(part[3]) << 64;
            let squares = squares.wrapping_add((value * value) as u128);
            part[0] += 1;
            part[1] = part[1].wrapping_add(value as u64);
            (part[2], part[3]) = (squares as u64, (squares >> 64) as u64);
        }
    }
}

/// Whether programs can read what it amounts to.
fn has_value(kind: &Aggregation) -> bool {
    let without = matches!(
        kind,
        Aggregation::Hist { .. }
            | Aggregation::LinearHist { .. }
            | Aggregation::Stddev
            | Aggregation::Quantize
            | Aggregation::LogLinear(_)
    );
    !without
}

/// All kinds without a key, then all with a key; one clause that feeds all. With `read`, programs read what they can.
fn script(read: bool) -> (Script, Vec<(Aggregation, MapId, MapId)>) {
    let mut script = Script::new();
    let mut maps = Vec::new();
    let mut body = Vec::new();
    let mut reads = Vec::new();
    for kind in kinds() {
        let plain = script.aggregation(None, kind.clone());
        let keyed = script.aggregation(Some(Type::U64), kind.clone());
        body.push(feed(plain, None, Some(arg(1))));
        body.push(feed(keyed, Some(arg(0)), Some(arg(1))));
        if has_value(&kind) {
            reads.push(get(plain, None, Type::I64));
            reads.push(get(keyed, Some(arg(0)), Type::I64));
        }
        maps.push((kind, plain, keyed));
    }
    script.clause(None, body);
    if read {
        let results: Vec<MapId> = reads.iter().map(|_| script.scalar(Type::I64)).collect();
        let body = results.iter().zip(reads).map(|(map, read)| set_map(*map, None, read)).collect();
        script.clause(None, body);
    }
    (script, maps)
}

fn check(firings: &[Firing], seen: &Seen, maps: &[(Aggregation, MapId, MapId)]) -> Result<(), TestCaseError> {
    let all: Vec<u64> = firings.iter().map(|(_, words)| words[1]).collect();
    for (kind, plain, keyed) in maps {
        prop_assert_eq!(filled(&seen.cell(*plain)), filled(&model(kind, &all)), "{:?}", kind);
        for key in 0..3u64 {
            let fed: Vec<u64> =
                firings.iter().filter(|(_, words)| words[0] == key).map(|(_, words)| words[1]).collect();
            let found = seen.words(*keyed, &key.to_ne_bytes()).map(|words| filled(&words));
            let expected = (!fed.is_empty()).then(|| filled(&model(kind, &fed)));
            prop_assert_eq!(found, expected, "{:?} at {}", kind, key);
        }
    }
    Ok(())
}

/// The words that are not zero, and their places.
fn filled(words: &[u64]) -> Vec<(usize, u64)> {
    words.iter().copied().enumerate().filter(|(_, word)| *word != 0).collect()
}

fn firings() -> impl Strategy<Value = Vec<Firing>> {
    let value = prop_oneof![
        any::<u64>(),
        (-200..2000i64).prop_map(|value| value as u64),
        (0..64u32).prop_map(|bit| 1 << bit),
        (0..64u32).prop_map(|bit| (1u64 << bit).wrapping_sub(1)),
    ];
    proptest::collection::vec((0..3u64, value).prop_map(|(key, value)| (0, vec![key, value])), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn agree_in_the_machine(firings in firings()) {
        let (script, maps) = script(false);
        check(&firings, &in_machine(&script, FakeEnv::default(), &firings), &maps)?;
    }

    #[test]
    fn agree_when_programs_read_them(firings in firings()) {
        let (script, maps) = script(true);
        check(&firings, &in_machine(&script, FakeEnv::default(), &firings), &maps)?;
    }

    #[test]
    fn agree_in_the_kernel(firings in firings(), read in any::<bool>()) {
        let (script, maps) = script(read);
        let Some(seen) = in_kernel(&script, &firings) else { return Ok(()) };
        // A kernel may have no memory at hand for a burst of keys; that is counted.
        if seen.losses.is_empty() {
            check(&firings, &seen, &maps)?;
        }
    }
}

#[test]
fn programs_read_what_they_amount_to() {
    let (script, maps) = script(true);
    let values = [5u64, 12, -4i64 as u64];
    let mut firings: Vec<Firing> = values.iter().map(|value| (0, vec![1, *value])).collect();
    firings.push((1, vec![1, 0]));
    let check = |seen: Seen| {
        let mut result = maps.len() as u32 * 2;
        for (kind, ..) in &maps {
            let expected = match kind {
                Aggregation::Count => 3,
                Aggregation::Sum { .. } => 13,
                Aggregation::Min { signed: true } => -4,
                Aggregation::Min { signed: false } => 5,
                Aggregation::Max { signed: true } => 12,
                Aggregation::Max { signed: false } => -4,
                Aggregation::Avg { .. } | Aggregation::Stats { .. } => 4,
                _ => continue,
            };
            for map in [MapId(result), MapId(result + 1)] {
                assert_eq!(seen.number(map), Some(expected as u64), "{kind:?}");
            }
            result += 2;
        }
    };
    check(in_machine(&script, FakeEnv::default(), &firings));
    in_kernel(&script, &firings).into_iter().for_each(check);
}

#[test]
fn a_sum_of_nothing_but_zeros_was_fed() {
    let mut script = Script::new();
    let map = script.aggregation(None, Aggregation::Sum { signed: true });
    script.clause(None, vec![feed(map, None, Some(int(0)))]);
    let mut machine = Machine::new(&script, FakeEnv::default());
    machine.run(&script, &[(0, vec![])]);
    let part = machine.vm.lookup(machine.maps[0], &0u32.to_ne_bytes(), 0).expect("a part");
    assert_eq!(part, [0u64.to_ne_bytes(), 1u64.to_ne_bytes()].concat());
}

#[test]
fn cpus_have_parts_of_their_own() {
    let mut script = Script::new();
    let map = script.aggregation(Some(Type::U64), Aggregation::Max { signed: true });
    script.clause(None, vec![feed(map, Some(arg(0)), Some(sarg(1)))]);
    let wide = quadrant_codegen::Target { ncpus: 4, ..target() };
    let mut machine = Machine::with_target(&script, FakeEnv::default(), &wide);
    for cpu in 0..4 {
        machine.vm.env.cpu = cpu;
        machine.run(&script, &[(0, vec![9, cpu as u64 * 10])]);
    }
    let seen = machine.run(&script, &[]);
    assert_eq!(seen.at(map, 9), Some(30));
}

#[test]
fn a_full_map_counts_what_it_refuses() {
    let mut script = Script::new();
    let count = script.aggregation(Some(Type::U64), Aggregation::Count);
    let hist = script.aggregation(Some(Type::U64), Aggregation::Hist { bits: 2 });
    script.program.maps.iter_mut().for_each(|map| map.max_entries = Some(2));
    script.clause(None, vec![feed(count, Some(arg(0)), None), feed(hist, Some(arg(0)), Some(arg(0)))]);
    let firings: Vec<Firing> = [1, 2, 3, 1].into_iter().map(|key| (0, vec![key])).collect();
    let seen = in_machine(&script, FakeEnv::default(), &firings);
    assert_eq!((seen.at(count, 1), seen.at(count, 2), seen.at(count, 3)), (Some(2), Some(1), None));
    assert_eq!((seen.lost(LossKind::Key(count)), seen.lost(LossKind::Key(hist))), (1, 1));
}

#[test]
fn histograms_have_no_single_value() {
    let mut script = Script::new();
    let hist = script.aggregation(None, Aggregation::Hist { bits: 0 });
    let out = script.scalar(Type::I64);
    script.clause(None, vec![set_map(out, None, expr(ExprKind::MapGet { map: hist, key: None }, Type::I64))]);
    let error = quadrant_codegen::compile(&script.program, &script.units, &target()).expect_err("no value");
    assert!(error.message.contains("histogram"), "{error}");
}

#[test]
fn a_weight_counts_so_often() {
    let mut script = Script::new();
    let kinds = [
        Aggregation::Quantize,
        Aggregation::LinearHist { min: 0, max: 100, step: 10 },
        Aggregation::LogLinear(LogLinear { factor: 10, low: 0, high: 2, steps: 10 }),
    ];
    let maps = kinds.clone().map(|kind| script.aggregation(None, kind));
    let feed = |map: MapId| StmtKind::Aggregate { map, key: None, value: Some(sarg(0)), weight: Some(sarg(1)) };
    script.clause(None, maps.map(|map| stmt(feed(map))).to_vec());
    let check = |seen: Seen| {
        for (kind, map) in kinds.iter().zip(maps) {
            let mut expected = vec![0; kind.words() as usize];
            [(42i64, 5u64), (42, 7), (-3, 2)].into_iter().for_each(|(value, weight)| {
                let mut once = vec![0; kind.words() as usize];
                feed_model(kind, &mut once, value as u64);
                expected.iter_mut().zip(once).for_each(|(sum, one)| *sum += one * weight);
            });
            assert_eq!(seen.cell(map), expected, "{kind:?}");
        }
    };
    let firings = [(0, vec![42, 5]), (0, vec![42, 7]), (0, vec![-3i64 as u64, 2])];
    check(in_machine(&script, FakeEnv::default(), &firings));
    in_kernel(&script, &firings).into_iter().for_each(check);
}
