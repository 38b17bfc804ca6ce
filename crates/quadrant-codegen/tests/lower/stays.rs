//! Maps whose entries stay when their keys are removed, against a map in plain Rust.

use std::collections::BTreeMap;

use proptest::prelude::*;
use quadrant_codegen::front::SLOTS;
use quadrant_codegen::{LossKind, MapRole, Target};
use quadrant_program::expr::ExprKind;
use quadrant_program::map::MapId;
use quadrant_program::probe::Site;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Machine, Seen, in_kernel, in_machine, object_for, word};

/// 2^64 by the golden ratio, by which keys are spread.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// As many as stay and have slots, and some.
const MANY: u64 = (32 << 10) + SLOTS as u64 + 3;

/// What `@start[key]` is used for: the number is stored, read, asked for and removed; and read, asked for and removed in one.
fn script() -> (Script, MapId, MapId) {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, Type::I64);
    let out = script.scalar(Type::I64);
    let key = || Some(arg(0));
    let boxed = || Some(Box::new(arg(0)));
    let keep = |e| set_map(out, None, e);
    let has = || expr(ExprKind::MapHas { map, key: boxed() }, Type::Bool);
    let read = || get(map, key(), Type::I64);
    let remove = || stmt(StmtKind::Expr(expr(ExprKind::MapDelete { map, key: boxed() }, Type::Bool)));
    script.clause(None, vec![set_map(map, key(), sarg(1))]);
    script.clause(None, vec![keep(read())]);
    script.clause(None, vec![keep(has())]);
    script.clause(None, vec![remove()]);
    script.clause(
        Some(has()),
        vec![keep(read()), remove(), keep(binary(quadrant_program::expr::BinaryOp::Add, read(), int(1)))],
    );
    script.clause(Some(read()), vec![set_map(map, key(), int(7)), keep(read())]);
    (script, map, out)
}

#[derive(Default)]
struct Model {
    map: BTreeMap<u64, i64>,
    out: Option<i64>,
}

impl Model {
    fn fire(&mut self, (unit, words): &Firing) {
        let (key, value) = (words[0], words[1] as i64);
        let old = self.map.get(&key).copied();
        match unit {
            0 => drop(self.map.insert(key, value)),
            1 => self.out = Some(old.unwrap_or(0)),
            2 => self.out = Some(old.is_some().into()),
            3 => drop(self.map.remove(&key)),
            4 if old.is_some() => {
                self.map.remove(&key);
                self.out = Some(1);
            }
            5 if old.unwrap_or(0) != 0 => {
                self.map.insert(key, 7);
                self.out = Some(7);
            }
            _ => {}
        }
    }
}

fn check(firings: &[Firing], seen: &Seen, map: MapId, out: MapId) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    firings.iter().for_each(|firing| model.fire(firing));
    prop_assert_eq!(there(seen, map), model.map);
    prop_assert_eq!(seen.number(out).map(|value| value as i64), model.out);
    prop_assert_eq!(seen.lost(LossKind::Key(map)), 0);
    Ok(())
}

/// The keys that are there, as user space finds them: those whose first word is not 0.
fn there(seen: &Seen, map: MapId) -> BTreeMap<u64, i64> {
    let entries = seen.maps[&map.0].keys().map(|key| (word(key), seen.words(map, key).expect("listed")));
    entries.filter(|(_, words)| words[0] != 0).map(|(key, words)| (key, words[1] as i64)).collect()
}

fn firings() -> impl Strategy<Value = Vec<Firing>> {
    let value = prop_oneof![any::<i64>(), -1..2i64];
    let firing = (0..6usize, 0..4u64, value).prop_map(|(unit, key, value)| (unit, vec![key, value as u64]));
    proptest::collection::vec(firing, 1..40)
}

/// Fills the map beyond what stays, then does a bit of everything with keys of both kinds.
fn many() -> Vec<Firing> {
    let fill = (0..MANY).map(|key| (0, vec![key, key]));
    let uses = (0..600u64).map(|at| ((at * 7 % 6) as usize, vec![MANY - 1 - at % 5, at]));
    fill.chain(uses).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn agree_in_the_machine(firings in firings()) {
        let (script, map, out) = script();
        check(&firings, &in_machine(&script, FakeEnv::default(), &firings), map, out)?;
    }

    #[test]
    fn agree_in_the_kernel(firings in firings()) {
        let (script, map, out) = script();
        if let Some(seen) = in_kernel(&script, &firings) {
            check(&firings, &seen, map, out)?;
        }
    }
}

#[test]
fn agree_when_more_keys_come_than_stay() {
    let (script, map, out) = script();
    check(&many(), &in_machine(&script, FakeEnv::default(), &many()), map, out).expect("agree");
    if let Some(seen) = in_kernel(&script, &many()) {
        check(&many(), &seen, map, out).expect("agree");
    }
}

#[test]
fn only_so_many_entries_stay() {
    let (script, map, _) = script();
    let firings: Vec<Firing> = (0..MANY).flat_map(|key| [(0, vec![key, 1]), (3, vec![key, 0])]).collect();
    let seen = in_machine(&script, FakeEnv::default(), &firings);
    assert_eq!((seen.maps[&map.0].len(), there(&seen, map).len()), (32 << 10, 0));
}

#[test]
fn entries_go_where_the_script_asks_for_more() {
    for more in 0..4 {
        let (mut script, map, out) = script();
        let clear = script.record_kind(quadrant_program::record::RecordKind::Clear(map), &[]);
        let removed = expr(ExprKind::MapDelete { map, key: Some(Box::new(arg(0))) }, Type::Bool);
        script.clause(
            None,
            match more {
                0 => vec![inc(map, Some(arg(0)))],
                1 => vec![emit(clear, vec![])],
                2 => vec![set_map(out, None, expr(ExprKind::MapLen(map), Type::I64))],
                _ => vec![set_map(out, None, removed)],
            },
        );
        let seen = in_machine(&script, FakeEnv::default(), &[(0, vec![1, 5]), (3, vec![1, 0])]);
        assert!(seen.maps[&map.0].is_empty(), "{more}");
    }
}

#[test]
fn the_first_keys_are_in_slots_and_not_in_the_map() {
    let (script, map, _) = script();
    let mut machine = Machine::new(&script, FakeEnv::default());
    let seen = machine.run(&script, &[(0, vec![5, 50]), (0, vec![0, 7]), (0, vec![6, 60]), (3, vec![6, 0])]);
    assert_eq!(there(&seen, map), BTreeMap::from([(0, 7), (5, 50)]));
    assert_eq!(machine.vm.keys(machine.map(MapRole::Script(map))), [0u64.to_ne_bytes()]);
}

#[test]
fn keys_of_one_slot_are_told_apart() {
    let (script, map, out) = script();
    // The second one's product with 2^64 by the golden ratio differs from the first one's in the lower half only.
    let inverse = (0..6).fold(1u64, |x, _| x.wrapping_mul(2u64.wrapping_sub(SPREAD.wrapping_mul(x))));
    let (first, second) = (inverse.wrapping_mul(1), inverse.wrapping_mul(2));
    let firings = [(0, vec![first, 10]), (0, vec![second, 20]), (3, vec![first, 0]), (1, vec![second, 0])];
    let mut machine = Machine::new(&script, FakeEnv::default());
    let seen = machine.run(&script, &firings);
    assert_eq!((there(&seen, map), seen.number(out)), (BTreeMap::from([(second, 20)]), Some(20)));
    assert_eq!(machine.vm.keys(machine.map(MapRole::Script(map))), [second.to_ne_bytes()]);
}

#[test]
fn maps_have_slots_where_a_key_is_a_word_and_no_program_clears_them() {
    let has = |script: &Script, target: &Target| {
        object_for(script, target).maps.iter().any(|def| matches!(def.role, MapRole::Slots(_)))
    };
    let (mut with_clear, map, _) = script();
    assert!(has(&with_clear, &target()));
    assert!(!has(&with_clear, &Target { fronts: false, ..target() }));
    assert!(!has(&with_clear, &Target { atomic_fetch: false, ..target() }));
    let clear = with_clear.record_kind(RecordKind::Clear(map), &[]);
    with_clear.clause(None, vec![emit(clear, vec![])]);
    with_clear.program.points.iter_mut().for_each(|point| point.site = Site::End);
    assert!(has(&with_clear, &target()), "user space clears it at the end");
    with_clear.program.clears_at_once.insert(clear);
    assert!(!has(&with_clear, &target()));
    let mut pairs = Script::new();
    let key = || tuple(vec![arg(0), arg(1)]);
    let map = pairs.keyed(key().ty, Type::I64);
    let remove = expr(ExprKind::MapDelete { map, key: Some(Box::new(key())) }, Type::Bool);
    pairs.clause(None, vec![set_map(map, Some(key()), int(1)), stmt(StmtKind::Expr(remove))]);
    assert!(!has(&pairs, &target()));
}
