//! The smallest scripts: counting, printing, predicates, exit.

use quadrant_program::expr::{BinaryOp, Builtin};
use quadrant_program::map::Aggregation;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Seen, in_kernel, in_machine, word};

/// Runs in both, checks both.
fn both(script: &Script, firings: &[Firing], check: impl Fn(&Seen)) {
    check(&in_machine(script, FakeEnv::default(), firings));
    if let Some(seen) = in_kernel(script, firings) {
        check(&seen);
    }
}

#[test]
fn counts_without_a_key() {
    let mut script = Script::new();
    let map = script.aggregation(None, Aggregation::Count);
    script.clause(None, vec![feed(map, None, None)]);
    both(&script, &vec![(0, vec![]); 7], |seen| assert_eq!(seen.cell(map)[0], 7));
}

#[test]
fn counts_by_thread_name() {
    let mut script = Script::new();
    let map = script.aggregation(Some(Type::String { cap: 16 }), Aggregation::Count);
    script.clause(None, vec![feed(map, Some(builtin(Builtin::Comm)), None)]);
    both(&script, &vec![(0, vec![]); 3], |seen| {
        let counts: Vec<u64> = seen.maps[&map.0].values().map(|value| word(value)).collect();
        assert_eq!(counts, [3]);
        let name = seen.maps[&map.0].keys().next().expect("a key");
        assert!(name.iter().position(|byte| *byte == 0).is_some_and(|end| end > 0), "{name:?}");
    });
}

#[test]
fn prints_numbers_and_the_thread_name() {
    let mut script = Script::new();
    let record = script.record(&[Type::U64, Type::String { cap: 16 }, Type::I64]);
    script.clause(None, vec![emit(record, vec![arg(0), builtin(Builtin::Comm), int(-2)])]);
    let firings = [(0, vec![5]), (0, vec![6])];
    both(&script, &firings, |seen| {
        assert_eq!(seen.records.len(), 2);
        let second = &seen.records[1];
        assert_eq!(word(&second[8..]), 6);
        assert_eq!(word(&second[16..]), 32 | 16 << 32);
        assert_eq!(word(&second[24..]) as i64, -2);
        assert_eq!(second.len(), 48);
    });
}

#[test]
fn predicates_choose() {
    let mut script = Script::new();
    let map = script.scalar(Type::I64);
    script.clause(Some(binary(BinaryOp::Gt, arg(0), uint(10))), vec![inc(map, None)]);
    let firings = [(0, vec![10]), (0, vec![11]), (0, vec![u64::MAX])];
    both(&script, &firings, |seen| assert_eq!(seen.number(map), Some(2)));
}

#[test]
fn nothing_runs_after_exit() {
    let mut script = Script::new();
    let map = script.scalar(Type::I64);
    let record = script.record_kind(RecordKind::Exit, &[Type::I64]);
    script.clause(None, vec![inc(map, None)]);
    script.clause(None, vec![stmt(StmtKind::Exit { record, code: int(3) }), set_map(map, None, int(100))]);
    let firings = [(0, vec![]), (1, vec![]), (0, vec![]), (1, vec![])];
    both(&script, &firings, |seen| {
        assert!(seen.exited);
        assert_eq!(seen.number(map), Some(1));
        assert_eq!(seen.records.len(), 1);
        assert_eq!(word(&seen.records[0][8..]), 3);
    });
}

#[test]
fn maps_without_a_key_know_whether_they_were_set() {
    let mut script = Script::new();
    let [set, unset] = [script.scalar(Type::I64), script.scalar(Type::I64)];
    script.clause(None, vec![set_map(set, None, sarg(0))]);
    both(&script, &[(0, vec![(-5i64) as u64])], |seen| {
        assert_eq!(seen.number(set), Some(-5i64 as u64));
        assert_eq!(seen.number(unset), None);
    });
}
