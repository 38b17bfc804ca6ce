//! Loops, and all ways to leave them.

use quadrant_codegen::LossKind;
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Place, VarId};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::Type;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Kernel, Seen, in_kernel, in_machine};

fn both(script: &Script, firings: &[Firing], check: impl Fn(&Seen)) {
    check(&in_machine(script, FakeEnv::default(), firings));
    in_kernel(script, firings).iter().for_each(check);
}

fn i64_var(id: VarId) -> Expr {
    var(id, Type::I64)
}

fn inc_var(id: VarId) -> Stmt {
    let target = Box::new(Place::Var(id));
    stmt(StmtKind::Expr(expr(ExprKind::IncDec { target, delta: 1, post: true }, Type::I64)))
}

fn add_to(map: MapId, value: Expr) -> Stmt {
    stmt(StmtKind::Update(Place::Map { map, key: None }, BinaryOp::Add, value))
}

fn is(op: BinaryOp, a: Expr, b: i64) -> Expr {
    binary(op, a, int(b))
}

#[test]
fn while_counts_in_a_variable() {
    let mut script = Script::new();
    let [sum, after] = [script.scalar(Type::I64), script.scalar(Type::I64)];
    let i = script.var(Type::I64);
    let body = vec![
        inc_var(i),
        if_else(is(BinaryOp::Eq, i64_var(i), 3), vec![stmt(StmtKind::Continue)], vec![]),
        if_else(is(BinaryOp::Eq, i64_var(i), 8), vec![stmt(StmtKind::Break)], vec![]),
        add_to(sum, i64_var(i)),
    ];
    let cond = binary(BinaryOp::Lt, i64_var(i), sarg(0));
    script.clause(None, vec![stmt(StmtKind::While { cond, body }), set_map(after, None, i64_var(i))]);
    both(&script, &[(0, vec![6])], |seen| assert_eq!((seen.number(sum), seen.number(after)), (Some(18), Some(6))));
    both(&script, &[(0, vec![100])], |seen| assert_eq!((seen.number(sum), seen.number(after)), (Some(25), Some(8))));
    both(&script, &[(0, vec![0])], |seen| assert_eq!((seen.number(sum), seen.number(after)), (None, Some(0))));
}

#[test]
fn ranges_have_an_exclusive_end() {
    let mut script = Script::new();
    let [sum, rounds] = [script.scalar(Type::I64), script.scalar(Type::I64)];
    let i = script.var(Type::I64);
    let body = vec![add_to(sum, i64_var(i)), inc(rounds, None)];
    script.clause(None, vec![stmt(StmtKind::ForRange { var: i, start: sarg(0), end: sarg(1), body })]);
    both(&script, &[(0, vec![-2i64 as u64, 5])], |seen| {
        assert_eq!((seen.number(sum), seen.number(rounds)), (Some(7), Some(7)));
    });
    both(&script, &[(0, vec![5, 5]), (0, vec![5, 1])], |seen| assert_eq!(seen.number(rounds), None));
}

#[test]
fn a_loop_without_end_is_left_and_counted() {
    let mut script = Script::new();
    let rounds = script.scalar(Type::I64);
    script.clause(None, vec![stmt(StmtKind::While { cond: int(1), body: vec![inc(rounds, None)] })]);
    if let Some(seen) = in_kernel(&script, &[(0, vec![])]) {
        assert_eq!((seen.number(rounds), seen.lost(LossKind::Loop)), (Some(1 << 23), 1));
    }
}

#[test]
fn a_range_beyond_the_limit_is_counted_unless_it_is_left_before() {
    let mut script = Script::new();
    let rounds = script.scalar(Type::I64);
    let i = script.var(Type::I64);
    let left = if_else(is(BinaryOp::Eq, sarg(0), 1), vec![stmt(StmtKind::Break)], vec![]);
    let body = vec![inc(rounds, None), left];
    script.clause(None, vec![stmt(StmtKind::ForRange { var: i, start: int(0), end: int(1 << 40), body })]);
    both(&script, &[(0, vec![1])], |seen| {
        assert_eq!((seen.number(rounds), seen.lost(LossKind::Loop)), (Some(1), 0));
    });
    if let Some(seen) = in_kernel(&script, &[(0, vec![0])]) {
        assert_eq!((seen.number(rounds), seen.lost(LossKind::Loop)), (Some(1 << 23), 1));
    }
}

#[test]
fn loops_nest() {
    let mut script = Script::new();
    let sum = script.scalar(Type::I64);
    let vars: Vec<VarId> = (0..4).map(|_| script.var(Type::I64)).collect();
    let product = vars.iter().fold(int(1), |product, id| binary(BinaryOp::Mul, product, i64_var(*id)));
    let mut body = vec![add_to(sum, product)];
    for var in vars {
        body = vec![stmt(StmtKind::ForRange { var, start: int(1), end: int(4), body })];
    }
    script.clause(None, body);
    both(&script, &[(0, vec![])], |seen| assert_eq!(seen.number(sum), Some(6 * 6 * 6 * 6)));
}

#[test]
fn return_and_exit_leave_all_loops() {
    for exits in [false, true] {
        let mut script = Script::new();
        let [before, after, second] = [(); 3].map(|()| script.scalar(Type::I64));
        let record = script.record_kind(RecordKind::Exit, &[Type::I64]);
        let [i, j] = [script.var(Type::I64), script.var(Type::I64)];
        let leave = if exits { StmtKind::Exit { record, code: int(2) } } else { StmtKind::Return };
        let inner = vec![
            inc(before, None),
            if_else(is(BinaryOp::Eq, i64_var(j), 2), vec![stmt(leave)], vec![]),
            inc(before, None),
        ];
        let outer =
            vec![stmt(StmtKind::ForRange { var: j, start: int(0), end: int(9), body: inner }), inc(after, None)];
        script.clause(
            None,
            vec![stmt(StmtKind::ForRange { var: i, start: int(0), end: int(9), body: outer }), inc(after, None)],
        );
        script.clause(None, vec![inc(second, None)]);
        script.merge_last();
        both(&script, &[(0, vec![])], |seen| {
            assert_eq!((seen.number(before), seen.number(after)), (Some(5), None));
            assert_eq!(seen.number(second), if exits { None } else { Some(1) });
            assert_eq!((seen.exited, seen.records.len()), (exits, usize::from(exits)));
        });
    }
}

#[test]
fn unrolled_loops_break_and_continue() {
    let mut script = Script::new();
    let sum = script.scalar(Type::I64);
    let i = script.var(Type::I64);
    let body = vec![
        inc_var(i),
        if_else(is(BinaryOp::Eq, i64_var(i), 2), vec![stmt(StmtKind::Continue)], vec![]),
        if_else(is(BinaryOp::Gt, i64_var(i), 4), vec![stmt(StmtKind::Break)], vec![]),
        add_to(sum, i64_var(i)),
    ];
    script.clause(None, vec![stmt(StmtKind::Unroll { count: 10, body })]);
    both(&script, &[(0, vec![])], |seen| assert_eq!(seen.number(sum), Some(1 + 3 + 4)));
}

fn pair(key: Type, value: Type) -> Type {
    Type::Tuple([key, value].into())
}

fn part(id: VarId, ty: &Type, index: u32) -> Expr {
    let Type::Tuple(parts) = ty else { panic!("no tuple") };
    expr(ExprKind::TupleField(Box::new(var(id, ty.clone())), index), parts[index as usize].clone())
}

#[test]
fn maps_are_walked() {
    let mut script = Script::new();
    let map = script.keyed(Type::I64, Type::I64);
    let counts = script.aggregation(Some(Type::String { cap: 16 }), Aggregation::Avg { signed: true });
    let [keys, values, averages] = [(); 3].map(|()| script.scalar(Type::I64));
    let (plain, average) = (pair(Type::I64, Type::I64), pair(Type::String { cap: 16 }, Type::I64));
    let [a, b] = [script.var(plain.clone()), script.var(average.clone())];
    script.clause(
        None,
        vec![
            set_map(map, Some(sarg(0)), sarg(1)),
            feed(counts, Some(cast(text("x"), Type::String { cap: 16 })), Some(sarg(1))),
        ],
    );
    let record = script.record(std::slice::from_ref(&average));
    script.clause(
        None,
        vec![
            stmt(StmtKind::ForMap {
                var: a,
                map,
                body: vec![add_to(keys, part(a, &plain, 0)), add_to(values, part(a, &plain, 1))],
            }),
            stmt(StmtKind::ForMap {
                var: b,
                map: counts,
                body: vec![add_to(averages, part(b, &average, 1)), emit(record, vec![var(b, average.clone())])],
            }),
        ],
    );
    let firings = [(0, vec![1, 10]), (0, vec![2, 20]), (0, vec![3, 33]), (1, vec![])];
    both(&script, &firings, |seen| {
        assert_eq!((seen.number(keys), seen.number(values), seen.number(averages)), (Some(6), Some(63), Some(21)));
        assert_eq!(seen.records[0][8..10], *b"x\0");
    });
}

#[test]
fn texts_change_in_loops() {
    let mut script = Script::new();
    let types = [Type::String { cap: 64 }, Type::I64];
    let record = script.record(&types);
    let (last, i) = (script.var(types[0].clone()), script.var(Type::I64));
    let body = vec![
        if_else(is(BinaryOp::Eq, i64_var(i), 2), vec![set(last, user_str(arg(0), 64))], vec![]),
        emit(record, vec![var(last, types[0].clone()), i64_var(i)]),
    ];
    script.clause(None, vec![stmt(StmtKind::ForRange { var: i, start: int(0), end: int(4), body })]);
    let here = b"found\0";
    if let Some(seen) = in_kernel(&script, &[(0, vec![here.as_ptr() as u64])]) {
        let texts: Vec<bool> =
            seen.records.iter().map(|record| record.windows(5).any(|part| part == b"found")).collect();
        assert_eq!(texts, [false, false, true, true]);
    }
}

#[test]
fn without_the_helper_loops_are_an_error_that_says_so() {
    let mut script = Script::new();
    script.clause(None, vec![stmt(StmtKind::While { cond: int(1), body: vec![] })]);
    let old = quadrant_codegen::Target { bpf_loop: false, ..target() };
    let error = quadrant_codegen::compile(&script.program, &script.units, &old).expect_err("no bpf_loop");
    assert!(error.to_string().contains("5.17"), "{error}");
}

#[test]
fn loops_with_everything_load() {
    let mut script = Script::new();
    let map = script.keyed(Type::String { cap: 64 }, Type::I64);
    let record = script.record(&[Type::String { cap: 1024 }, Type::U64]);
    let [i, j] = [script.var(Type::I64), script.var(Type::I64)];
    let inner = vec![
        inc(map, Some(user_str(arg(0), 64))),
        emit(record, vec![user_str(arg(1), 1024), arg(2)]),
        if_else(arg(3), vec![stmt(StmtKind::Return)], vec![]),
    ];
    let outer = vec![
        stmt(StmtKind::ForRange { var: j, start: int(0), end: i64_var(i), body: inner }),
        stmt(StmtKind::While { cond: binary(BinaryOp::Lt, i64_var(j), int(3)), body: vec![inc_var(j)] }),
    ];
    script.clause(None, vec![stmt(StmtKind::ForRange { var: i, start: int(0), end: int(10), body: outer })]);
    Kernel::new(&script);
}

/// A variable that a clause has in memory, because a loop uses it, is the same for clauses without loops.
#[test]
fn clauses_share_a_variable_of_a_loop() {
    let mut script = Script::new();
    let [out, i] = [script.scalar(Type::I64), script.scalar(Type::I64)];
    let [sum, round] = [script.var(Type::I64), script.var(Type::I64)];
    script.program.vars[sum.0 as usize].shared = true;
    script.clause(None, vec![set(sum, sarg(0))]);
    let body = vec![stmt(StmtKind::Update(Place::Var(sum), BinaryOp::Add, i64_var(round))), inc(i, None)];
    script.clause(None, vec![stmt(StmtKind::ForRange { var: round, start: int(0), end: int(4), body })]);
    script.merge_last();
    script.clause(None, vec![set_map(out, None, i64_var(sum))]);
    script.merge_last();
    both(&script, &[(0, vec![100]), (0, vec![200])], |seen| {
        assert_eq!((seen.number(out), seen.number(i)), (Some(206), Some(8)));
    });
}
