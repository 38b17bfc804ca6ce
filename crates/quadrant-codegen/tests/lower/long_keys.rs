//! Maps whose keys have long texts: short keys are kept apart, and nobody notices.

use quadrant_codegen::{MapRole, Target};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Place};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Seen, in_kernel, in_machine, object_for};

const CAP: u32 = 600;

fn wide() -> Type {
    Type::String { cap: CAP }
}

/// Texts around the border, at addresses of the process.
fn texts() -> Vec<Vec<u8>> {
    [0, 1, 94, 95, 96, 97, 500].map(|len| [vec![b'x'; len], vec![0]].concat()).to_vec()
}

/// Fires each unit once for each text.
fn run(script: &Script, units: &[usize], check: impl Fn(&Seen)) {
    let texts = texts();
    let mut env = FakeEnv::default();
    let fire = |addr: &dyn Fn(usize) -> u64| -> Vec<Firing> {
        units.iter().flat_map(|unit| (0..7).map(|at| (*unit, vec![addr(at), at as u64]))).collect()
    };
    for (at, text) in texts.iter().enumerate() {
        env.user.put(0x1_0000 * (at as u64 + 1), text.clone());
    }
    check(&in_machine(script, env, &fire(&|at| 0x1_0000 * (at as u64 + 1))));
    in_kernel(script, &fire(&|at| texts[at].as_ptr() as u64)).iter().for_each(check);
}

fn key() -> Expr {
    user_str(arg(0), CAP)
}

fn entry(len: usize) -> Vec<u8> {
    let mut key = vec![b'x'; len];
    key.resize(CAP as usize, 0);
    key
}

const LENS: [usize; 7] = [0, 1, 94, 95, 96, 97, 500];

#[test]
fn they_are_two_maps() {
    let mut script = Script::new();
    script.aggregation(Some(wide()), Aggregation::Count);
    script.aggregation(Some(Type::String { cap: 64 }), Aggregation::Count);
    script.clause(None, vec![]);
    let count = |script: &Script, target: &Target| {
        object_for(script, target).maps.iter().filter(|def| matches!(def.role, MapRole::Short(_))).count()
    };
    assert_eq!(count(&script, &target()), 1);
    assert_eq!(count(&script, &Target { no_prealloc: false, ..target() }), 0);
    script.program.maps[0].max_entries = Some(10);
    assert_eq!(count(&script, &target()), 0);
}

#[test]
fn values_of_short_and_long_keys() {
    let mut script = Script::new();
    let map = script.keyed(wide(), Type::I64);
    let sums: Vec<MapId> = (0..4).map(|_| script.scalar(Type::I64)).collect();
    let boxed = || Some(Box::new(key()));
    let add = |map, value| stmt(StmtKind::Update(Place::Map { map, key: None }, BinaryOp::Add, value));
    script.clause(None, vec![set_map(map, Some(key()), sarg(1))]);
    script.clause(None, vec![inc(map, Some(key())), set_map(map, Some(key()), inc_expr(map, Some(key()), 9, false))]);
    script.clause(
        None,
        vec![
            add(sums[0], get(map, Some(key()), Type::I64)),
            add(sums[1], expr(ExprKind::MapHas { map, key: boxed() }, Type::I64)),
            set_map(sums[2], None, expr(ExprKind::MapLen(map), Type::I64)),
        ],
    );
    script.clause(None, vec![add(sums[3], expr(ExprKind::MapDelete { map, key: boxed() }, Type::I64))]);
    run(&script, &[0, 1, 2], |seen| {
        for (at, len) in LENS.into_iter().enumerate() {
            assert_eq!(seen.words(map, &entry(len)), Some(vec![at as u64 + 10]), "{len}");
        }
        assert_eq!(seen.number(sums[0]), Some(21 + 70));
        assert_eq!((seen.number(sums[1]), seen.number(sums[2])), (Some(7), Some(7)));
        assert!(seen.losses.is_empty(), "{:?}", seen.losses);
    });
    run(&script, &[0, 3], |seen| {
        assert_eq!((seen.number(sums[3]), seen.maps[&map.0].len()), (Some(7), 0));
    });
}

#[test]
fn aggregations_by_tuples_and_variables() {
    let ty = Type::Tuple([Type::U64, wide(), Type::Tuple([wide(), Type::U64].into())].into());
    let mut script = Script::new();
    let map = script.aggregation(Some(ty.clone()), Aggregation::Hist { bits: 0 });
    let kept = script.var(wide());
    let whole = script.var(ty.clone());
    let parts = |inner: Expr| tuple(vec![uint(5), key(), tuple(vec![inner, uint(6)])]);
    script.clause(None, vec![feed(map, Some(parts(key())), Some(arg(1)))]);
    script.clause(None, vec![set(kept, key()), feed(map, Some(parts(var(kept, wide()))), Some(arg(1)))]);
    script.clause(None, vec![set(whole, parts(key())), feed(map, Some(var(whole, ty.clone())), Some(arg(1)))]);
    let late = expr(ExprKind::Block(vec![set(kept, key())], Box::new(parts(var(kept, wide())))), ty);
    script.clause(None, vec![feed(map, Some(late), Some(arg(1)))]);
    run(&script, &[0, 1, 2, 3], |seen| {
        assert_eq!(seen.maps[&map.0].len(), 7);
        for (at, len) in LENS.into_iter().enumerate() {
            let text = entry(len);
            let key = [&5u64.to_ne_bytes()[..], &text, &text, &6u64.to_ne_bytes()].concat();
            let words = seen.words(map, &key).expect("a key");
            assert_eq!(words[quadrant_program::map::hist_bucket(at as i64, 0) as usize], 4, "{len}");
        }
    });
}

#[test]
fn loops_visit_both_and_break_ends_them() {
    let pair = Type::Tuple([wide(), Type::I64].into());
    let mut script = Script::new();
    let map = script.keyed(wide(), Type::I64);
    let [visits, sum, stopped] = [(); 3].map(|()| script.scalar(Type::I64));
    let kv = script.var(pair.clone());
    let record = script.record(&[wide()]);
    let field = |index, ty| expr(ExprKind::TupleField(Box::new(var(kv, pair.clone())), index), ty);
    let add = |map, value| stmt(StmtKind::Update(Place::Map { map, key: None }, BinaryOp::Add, value));
    let walk = |body: Vec<Stmt>| stmt(StmtKind::ForMap { var: kv, map, body });
    script.clause(None, vec![set_map(map, Some(key()), sarg(1))]);
    script.clause(
        Some(binary(BinaryOp::Eq, arg(1), uint(6))),
        vec![
            walk(vec![inc(visits, None), add(sum, field(1, Type::I64)), emit(record, vec![field(0, wide())])]),
            walk(vec![inc(stopped, None), stmt(StmtKind::Break)]),
        ],
    );
    run(&script, &[0, 1], |seen| {
        assert_eq!((seen.number(visits), seen.number(sum), seen.number(stopped)), (Some(7), Some(21), Some(1)));
        let mut lens: Vec<usize> = seen.records.iter().map(|record| record.len() - 16).collect();
        lens.sort_unstable();
        assert_eq!(lens, LENS);
    });
}

#[test]
fn constants_know_their_place() {
    let mut script = Script::new();
    let map = script.keyed(wide(), Type::I64);
    let long = "y".repeat(300);
    script.clause(None, vec![set_map(map, Some(text("short")), int(1)), set_map(map, Some(text(&long)), int(2))]);
    let check = |seen: Seen| {
        let mut keys: Vec<usize> =
            seen.maps[&map.0].keys().map(|key| key.iter().filter(|byte| **byte != 0).count()).collect();
        keys.sort_unstable();
        assert_eq!(keys, [5, 300]);
    };
    check(in_machine(&script, FakeEnv::default(), &[(0, vec![])]));
    in_kernel(&script, &[(0, vec![])]).into_iter().for_each(check);
}
