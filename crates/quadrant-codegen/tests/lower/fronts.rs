//! The tables in front of aggregations.

use quadrant_codegen::{LossKind, MapRole, Target};
use quadrant_program::expr::{Expr, ExprKind};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Machine, Seen, in_kernel, object_for};

/// A key of each kind that is compared word by word.
fn keys() -> Vec<Expr> {
    let name = expr(ExprKind::Str((*b"0123456789").into()), Type::String { cap: 16 });
    vec![arg(0), tuple(vec![arg(0), arg(1)]), tuple(vec![name, arg(0)])]
}

fn counting(key: Expr) -> (Script, MapId) {
    feeding(key, Aggregation::Count)
}

fn feeding(key: Expr, kind: Aggregation) -> (Script, MapId) {
    let mut script = Script::new();
    let value = (kind != Aggregation::Count).then(|| arg(1));
    let map = script.aggregation(Some(key.ty.clone()), kind);
    script.clause(None, vec![feed(map, Some(key), value)]);
    (script, map)
}

fn has_front(script: &Script, target: &Target) -> bool {
    object_for(script, target).maps.iter().any(|def| matches!(def.role, MapRole::Front(_)))
}

/// More keys than there are slots, three times each.
fn many() -> Vec<Firing> {
    (0..3000).map(|number| (0, vec![number % 1000, 7])).collect()
}

fn check(seen: &Seen, map: MapId) {
    let counts: Vec<u64> = seen.maps[&map.0].values().map(|value| crate::engine::word(value)).collect();
    assert_eq!((counts.len(), counts.iter().all(|count| *count == 3)), (1000, true));
    assert_eq!(seen.lost(LossKind::Key(map)), 0);
}

#[test]
fn a_key_counts_wherever_it_is() {
    for key in keys() {
        let (script, map) = counting(key);
        let mut machine = Machine::new(&script, FakeEnv::default());
        check(&machine.run(&script, &many()), map);
        let in_map = machine.vm.keys(machine.map(MapRole::Script(map))).len();
        assert!((700..900).contains(&in_map), "most slots are taken, and the other keys are in the map: {in_map}");
        if let Some(seen) = in_kernel(&script, &many()) {
            check(&seen, map);
        }
    }
}

#[test]
fn what_comes_while_a_slot_is_being_taken_is_fed_to_the_map() {
    let (script, map) = counting(arg(0));
    let mut machine = Machine::new(&script, FakeEnv::default());
    let front = machine.map(MapRole::Front(map));
    let busy: Vec<u8> = (0..256).flat_map(|_| [1u64, 0, 0, 0]).flat_map(u64::to_ne_bytes).collect();
    machine.vm.update(front, &0u32.to_ne_bytes(), &busy, 0);
    let seen = machine.run(&script, &[(0, vec![5, 0]), (0, vec![5, 0])]);
    assert_eq!(seen.at(map, 5), Some(2));
    assert_eq!(machine.vm.keys(machine.map(MapRole::Script(map))).len(), 1);
}

/// Whether the map of a script has a table whose second clause does this with it.
fn with(other: impl Fn(&mut Script, MapId) -> Vec<Stmt>) -> bool {
    let (mut script, map) = counting(arg(0));
    let body = other(&mut script, map);
    script.clause(None, body);
    has_front(&script, &target())
}

#[test]
fn maps_that_are_more_than_fed_and_shown_have_none() {
    let key = || Some(Box::new(arg(0)));
    let told =
        |kind: fn(MapId) -> RecordKind| with(|script, map| vec![emit(script.record_kind(kind(map), &[]), vec![])]);
    let expression = |kind, ty| vec![stmt(StmtKind::Expr(expr(kind, ty)))];
    assert!(with(|_, map| vec![feed(map, Some(arg(1)), None)]));
    assert!(told(|map| RecordKind::PrintMap { map, top: 0, div: 0, take: false }));
    assert!(told(|map| RecordKind::PrintMap { map, top: 0, div: 0, take: true }));
    assert!(told(RecordKind::Clear));
    assert!(!told(RecordKind::Zero));
    assert!(!with(|_, map| vec![stmt(StmtKind::Expr(get(map, Some(arg(0)), Type::I64)))]));
    assert!(!with(|_, map| expression(ExprKind::MapHas { map, key: key() }, Type::Bool)));
    assert!(!with(|_, map| expression(ExprKind::MapDelete { map, key: key() }, Type::Bool)));
    assert!(!with(|_, map| expression(ExprKind::MapLen(map), Type::U64)));
}

#[test]
fn what_can_be_as_before_is_cleared_without_one() {
    for kind in [Aggregation::Max { signed: false }, Aggregation::Sum { signed: true }] {
        let (mut script, map) = feeding(arg(0), kind);
        assert!(has_front(&script, &target()));
        let clear = script.record_kind(RecordKind::Clear(map), &[]);
        script.clause(None, vec![emit(clear, vec![])]);
        assert!(!has_front(&script, &target()));
    }
}

#[test]
fn maps_with_limits_or_long_keys_have_none() {
    let long = expr(ExprKind::Str((*b"0123456789").into()), Type::String { cap: 48 });
    assert!(!has_front(&counting(long).0, &target()));
    let (mut script, map) = counting(arg(0));
    assert!(has_front(&script, &target()));
    assert!(!has_front(&script, &Target { fronts: false, ..target() }));
    assert!(!has_front(&script, &Target { ncpus: 1024, ..target() }), "8 MB");
    assert!(!has_front(&script, &Target { atomic_fetch: false, guarded: false, ..target() }));
    assert!(has_front(&script, &Target { atomic_fetch: false, ..target() }), "no other program takes a slot");
    script.program.maps[map.0 as usize].max_entries = Some(10);
    assert!(!has_front(&script, &target()));
    let (mut script, _) = counting(arg(0));
    script.program.config.max_map_keys = Some(10);
    assert!(!has_front(&script, &target()));
}
