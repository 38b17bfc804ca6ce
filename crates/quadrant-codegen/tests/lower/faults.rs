//! Faults that end a clause, the clauses of ERROR, and variables that clauses share.

use quadrant_codegen::LossKind;
use quadrant_program::action::{Action, ActionKind};
use quadrant_program::expr::{BinaryOp, Expr, VarId};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::probe::Site;
use quadrant_program::program::{Clause, Fault, Faults};
use quadrant_program::record::{RecordId, RecordKind};
use quadrant_program::span::Span;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Seen, in_kernel, in_machine, word};

/// An address that nothing can read.
const NOWHERE_AT: u64 = 8;

/// A script whose faults end the clause.
pub fn aborting() -> Script {
    let mut script = Script::new();
    let record =
        script.record_kind(RecordKind::Fault, &[Type::U64, Type::U64, Type::U64, Type::U64, Type::U64, Type::U64]);
    script.program.faults = Faults::Abort(record);
    script.program.point_ids = vec![501; 8];
    script
}

/// Adds a clause of ERROR.
fn on_error(script: &mut Script, body: Vec<Stmt>) {
    let point = script.point(Site::Error);
    script.program.point_ids[point.0 as usize] = 3;
    script.program.clauses.push(Clause { points: vec![point], predicate: None, body, span: Span::default() });
}

/// Runs in both, checks both.
pub fn both(script: &Script, env: &FakeEnv, firings: &[Firing], check: impl Fn(&Seen)) {
    check(&in_machine(script, env.clone(), firings));
    if let Some(seen) = in_kernel(script, firings) {
        check(&seen);
    }
}

fn words(record: &[u8]) -> Vec<u64> {
    record[8..].chunks_exact(8).map(word).collect()
}

/// The faults that were recorded: statement, kind, address.
pub fn faults(seen: &Seen) -> Vec<[u64; 3]> {
    let faults = seen.records.iter().filter(|record| record[..4] == [0; 4]);
    faults.map(|record| words(record)).map(|words| [words[2], words[3], words[4]]).collect()
}

fn user_word(addr: Expr) -> Expr {
    deref(addr, Space::User, Type::I64)
}

fn at(stmt: Stmt, start: u32) -> Stmt {
    let mut stmt = stmt;
    let span = Span::new(start, start + 9);
    stmt.span = span;
    if let StmtKind::Assign(_, value) = &mut stmt.kind {
        value.span = span;
    }
    stmt
}

#[test]
fn a_fault_ends_the_clause_and_no_other() {
    let mut script = aborting();
    let [before, after, next] = [(); 3].map(|()| script.aggregation(None, Aggregation::Count));
    let out = script.scalar(Type::I64);
    let firing = script.record_kind(RecordKind::Firing(vec![]), &[Type::U64, Type::U64]);
    let body = vec![
        at(feed(before, None, None), 10),
        at(set_map(out, None, user_word(arg(0))), 20),
        at(feed(after, None, None), 30),
        emit(firing, vec![uint(0), uint(0)]),
    ];
    script.clause(None, body);
    script.clause(None, vec![feed(next, None, None)]);
    script.merge_last();
    both(&script, &FakeEnv::default(), &[(0, vec![NOWHERE_AT])], |seen| {
        assert_eq!((seen.cell(before)[0], seen.cell(next)[0]), (1, 1));
        assert_eq!(seen.cell(after)[0], 0);
        assert_eq!(seen.number(out), None);
        assert_eq!(seen.records.len(), 1);
        assert_eq!(words(&seen.records[0])[..5], [0, 0, 2, Fault::BadAddress as u64, NOWHERE_AT]);
        assert!(seen.losses.is_empty(), "{:?}", seen.losses);
    });
}

#[test]
fn error_clauses_get_the_fault_as_arguments() {
    let mut script = aborting();
    let out: [MapId; 6] = std::array::from_fn(|_| script.scalar(Type::I64));
    let divided = script.scalar(Type::I64);
    script.clause(None, vec![at(set_map(divided, None, binary(BinaryOp::Div, int(7), sarg(0))), 40)]);
    let last = script.aggregation(None, Aggregation::Count);
    on_error(&mut script, out.iter().zip(0..).map(|(map, n)| set_map(*map, None, sarg(n))).collect());
    on_error(&mut script, vec![feed(last, None, None)]);
    both(&script, &FakeEnv::default(), &[(0, vec![0]), (0, vec![2])], |seen| {
        let args = out.map(|map| seen.number(map));
        let place = words(&seen.records[0])[5];
        assert_ne!(place, 0);
        assert_eq!(args, [0, 501, 1, place, Fault::DivideByZero as u64, 0].map(Some));
        assert_eq!(seen.number(divided), Some(3));
        assert_eq!(seen.cell(last)[0], 1);
        assert_eq!(faults(seen), [[1, Fault::DivideByZero as u64, 0]]);
    });
}

#[test]
fn a_fault_in_error_only_counts() {
    let mut script = aborting();
    let [out, next] = [(); 2].map(|()| script.scalar(Type::I64));
    script.clause(None, vec![set_map(out, None, user_word(arg(0)))]);
    on_error(&mut script, vec![set_map(out, None, user_word(arg(5)))]);
    on_error(&mut script, vec![set_map(next, None, sarg(5))]);
    both(&script, &FakeEnv::default(), &[(0, vec![NOWHERE_AT])], |seen| {
        assert_eq!(faults(seen).len(), 1);
        assert_eq!(seen.lost(LossKind::Fault), 1);
        assert_eq!((seen.number(out), seen.number(next)), (None, Some(NOWHERE_AT)));
    });
}

#[test]
fn a_predicate_faults_as_statement_0() {
    let mut script = aborting();
    let ran = script.aggregation(None, Aggregation::Count);
    script.clause(Some(user_word(arg(0))), vec![at(feed(ran, None, None), 10)]);
    both(&script, &FakeEnv::default(), &[(0, vec![NOWHERE_AT])], |seen| {
        assert_eq!(faults(seen), [[0, Fault::BadAddress as u64, NOWHERE_AT]]);
        assert_eq!(seen.cell(ran)[0], 0);
    });
}

/// A record of a firing with a text, whose second action starts at 200.
fn text_record(script: &mut Script) -> RecordId {
    let action = |args| Action { kind: ActionKind::Trace, args };
    let kind = RecordKind::Firing(vec![action(2..3), action(3..4)]);
    script.record_kind(kind, &[Type::U64, Type::U64, Type::U64, Type::String { cap: 256 }])
}

#[test]
fn a_text_that_cannot_be_read_leaves_no_record() {
    let mut script = aborting();
    let record = text_record(&mut script);
    let (mut first, mut second) = (uint(5), user_str(arg(0), 256));
    first.span = Span::new(100, 105);
    second.span = Span::new(200, 205);
    script.clause(None, vec![emit(record, vec![uint(0), uint(0), first, second])]);
    let text = b"here\0";
    let mut env = FakeEnv::default();
    env.user.put(text.as_ptr() as u64, *text);
    both(&script, &env, &[(0, vec![NOWHERE_AT]), (0, vec![text.as_ptr() as u64])], |seen| {
        assert_eq!(seen.records.len(), 2);
        assert_eq!(faults(seen), [[2, Fault::BadAddress as u64, NOWHERE_AT]]);
        assert_eq!(&seen.records[1][8 + 32..], b"here");
        assert!(seen.losses.is_empty());
    });
}

#[test]
fn room_for_a_record_is_not_kept_by_a_fault() {
    let mut script = aborting();
    let array = Type::Array { elem: std::sync::Arc::new(Type::U64), len: 2 };
    let record = script.record(&[array.clone(), Type::U64]);
    script.clause(None, vec![emit(record, vec![deref(arg(0), Space::User, array), arg(0)])]);
    both(&script, &FakeEnv::default(), &[(0, vec![NOWHERE_AT])], |seen| assert_eq!(faults(seen).len(), 1));
}

fn shared(script: &mut Script, ty: Type) -> VarId {
    let var = script.var(ty);
    script.program.vars[var.0 as usize].shared = true;
    var
}

#[test]
fn clauses_share_variables() {
    let mut script = aborting();
    let text_type = Type::String { cap: 256 };
    let (number, text) = (shared(&mut script, Type::I64), shared(&mut script, text_type.clone()));
    let (out, texts) = (script.scalar(Type::I64), script.scalar(text_type.clone()));
    script.clause(
        Some(binary(BinaryOp::Ne, arg(0), uint(0))),
        vec![
            set(number, binary(BinaryOp::Add, var(number, Type::I64), sarg(0))),
            set(text, cast(crate::build::text("shared"), text_type.clone())),
            set_map(out, None, user_word(arg(1))),
        ],
    );
    script.clause(
        None,
        vec![set_map(out, None, var(number, Type::I64)), set_map(texts, None, var(text, text_type.clone()))],
    );
    script.merge_last();
    on_error(&mut script, vec![set(number, int(99)), set(text, cast(crate::build::text("error"), text_type.clone()))]);
    for (words, number, text) in [(vec![5, NOWHERE_AT], 5, "shared"), (vec![0, 0], 0, "")] {
        both(&script, &FakeEnv::default(), &[(0, words)], |seen| {
            assert_eq!(seen.number(out), Some(number));
            let stored = &seen.scalars[&texts.0].1;
            assert_eq!(stored.split(|byte| *byte == 0).next(), Some(text.as_bytes()));
            assert!(stored[text.len()..].iter().all(|byte| *byte == 0));
        });
    }
}

#[test]
fn every_firing_has_its_own_shared_variables() {
    let mut script = aborting();
    let number = shared(&mut script, Type::I64);
    let out = script.scalar(Type::I64);
    script.clause(None, vec![set(number, binary(BinaryOp::Add, var(number, Type::I64), int(1)))]);
    script.clause(None, vec![set_map(out, None, var(number, Type::I64))]);
    script.merge_last();
    both(&script, &FakeEnv::default(), &[(0, vec![]), (0, vec![])], |seen| assert_eq!(seen.number(out), Some(1)));
}

#[test]
fn without_a_ring_buffer_faults_are_sent_too() {
    let mut script = aborting();
    let out = script.scalar(Type::I64);
    script.clause(None, vec![set_map(out, None, user_word(arg(0)))]);
    let old = quadrant_codegen::Target { ring_buffer: false, atomic_fetch: false, ..target() };
    let mut machine = crate::engine::Machine::with_target(&script, FakeEnv::default(), &old);
    let seen = machine.run(&script, &[(0, vec![NOWHERE_AT])]);
    assert_eq!(faults(&seen), [[1, Fault::BadAddress as u64, NOWHERE_AT]]);
    crate::engine::Kernel::with_target(&script, &old);
}

#[test]
fn stop_lets_its_clause_end_and_no_other_begin() {
    let mut script = aborting();
    let [first, second] = [(); 2].map(|()| script.aggregation(None, Aggregation::Count));
    script.clause(None, vec![stmt(StmtKind::Stop), feed(first, None, None)]);
    script.clause(None, vec![feed(second, None, None)]);
    script.merge_last();
    both(&script, &FakeEnv::default(), &[(0, vec![]), (0, vec![])], |seen| {
        assert!(seen.exited);
        assert_eq!((seen.cell(first)[0], seen.cell(second)[0]), (1, 0));
    });
}

#[test]
fn what_a_statement_was_taken_apart_into_is_no_statement() {
    let mut script = aborting();
    let [first, second] = [(); 2].map(|()| script.scalar(Type::I64));
    let temporary = script.var(Type::I64);
    let spanned = |mut stmt: Stmt, start, end| {
        stmt.span = Span::new(start, end);
        stmt
    };
    let mut value = user_word(arg(0));
    value.span = Span::new(45, 50);
    script.clause(
        None,
        vec![
            // `first = 1` by way of a variable, then `second = *address`.
            spanned(set(temporary, int(1)), 18, 19),
            spanned(set_map(first, None, var(temporary, Type::I64)), 10, 19),
            spanned(set_map(second, None, value), 40, 50),
        ],
    );
    both(&script, &FakeEnv::default(), &[(0, vec![NOWHERE_AT])], |seen| {
        assert_eq!(faults(seen), [[2, Fault::BadAddress as u64, NOWHERE_AT]]);
    });
}
