use quadrant_codegen::Context;
use quadrant_program::expr::*;
use quadrant_program::map::Aggregation;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, StackMode, StackType, Type};

use crate::build::*;
use crate::engine::Kernel;

fn run(name: &str, script: &Script, words: &[u64]) {
    run_with(name, script, words, &target())
}
fn run_with(name: &str, script: &Script, words: &[u64], target: &quadrant_codegen::Target) {
    let Some(kernel) = Kernel::with_target(script, target) else { return };
    let _stats = quadrant_bpf::prog::enable_stats().unwrap();
    let mut best = f64::MAX;
    let mut prev = (0u64, 0u64);
    let mut rings: Vec<_> = kernel.maps.iter().filter_map(|m| quadrant_bpf::ringbuf::RingBuffer::new(m).ok()).collect();
    for _ in 0..30 {
        for _ in 0..500 {
            kernel.programs[0].test_run_raw_tp(words).unwrap();
        }
        for r in &mut rings {
            r.consume(usize::MAX, |_| {});
        }
        let info = kernel.programs[0].info().unwrap();
        let (n, t) = (info.run_cnt - prev.0, info.run_time_ns - prev.1);
        prev = (info.run_cnt, info.run_time_ns);
        best = best.min(t as f64 / n as f64);
    }
    println!("{name:40} {best:7.1} ns   {} insns", kernel.object.programs[0].insns.len());
}

#[test]
fn cost() {
    let mut s = Script::new();
    s.clause(None, vec![]);
    run("empty", &s, &[]);

    let mut s = Script::new();
    let m = s.aggregation(None, Aggregation::Count);
    s.clause(None, vec![feed(m, None, None)]);
    run("@ = count()", &s, &[]);

    let mut s = Script::new();
    let m = s.scalar(Type::I64);
    s.clause(None, vec![inc(m, None)]);
    run("@++", &s, &[]);

    let mut s = Script::new();
    let m = s.aggregation(Some(Type::String { cap: 16 }), Aggregation::Count);
    s.clause(None, vec![feed(m, Some(builtin(Builtin::Comm)), None)]);
    run("@[comm] = count()", &s, &[]);

    let mut s = Script::new();
    let m = s.aggregation(Some(Type::U64), Aggregation::Count);
    s.clause(None, vec![feed(m, Some(builtin(Builtin::Pid)), None)]);
    run("@[pid] = count()", &s, &[]);

    let mut s = Script::new();
    let m = s.aggregation(None, Aggregation::Hist { bits: 0 });
    s.clause(None, vec![feed(m, None, Some(arg(0)))]);
    run("@ = hist(arg0)", &s, &[1000]);

    let mut s = Script::new();
    let m = s.keyed(Type::U64, Type::U64);
    let h = s.aggregation(Some(Type::String { cap: 16 }), Aggregation::Hist { bits: 0 });
    let now = || builtin(Builtin::Nsecs(Clock::Boot));
    let tid = || Some(builtin(Builtin::Tid));
    s.clause(None, vec![set_map(m, tid(), now())]);
    s.clause(
        Some(get(m, tid(), Type::U64)),
        vec![
            feed(
                h,
                Some(builtin(Builtin::Comm)),
                Some(binary(BinaryOp::Div, binary(BinaryOp::Sub, now(), get(m, tid(), Type::U64)), uint(1000))),
            ),
            stmt(StmtKind::Expr(expr(ExprKind::MapDelete { map: m, key: tid().map(Box::new) }, Type::Bool))),
        ],
    );
    s.merge_last();
    run("latency (enter+exit)", &s, &[]);

    let path = b"/usr/lib/x86_64-linux-gnu/libc.so.6\0";
    let at = path.as_ptr() as u64;
    for cap in [64, 200, 1024] {
        let mut s = Script::new();
        let m = s.aggregation(Some(Type::String { cap }), Aggregation::Count);
        s.clause(None, vec![feed(m, Some(user_str(arg(0), cap)), None)]);
        run(&format!("@[str] = count() cap {cap}"), &s, &[at]);
    }
    let mut s = Script::new();
    let r = s.record(&[Type::U64, Type::U64, Type::U64]);
    s.clause(None, vec![emit(r, vec![builtin(Builtin::Pid), builtin(Builtin::Tid), arg(0)])]);
    run("printf 3 ints", &s, &[at]);
    let mut s = Script::new();
    let r = s.record(&[Type::U64, Type::String { cap: 16 }, Type::String { cap: 1024 }]);
    s.clause(None, vec![emit(r, vec![builtin(Builtin::Pid), builtin(Builtin::Comm), user_str(arg(0), 1024)])]);
    run("printf pid comm str", &s, &[at]);

    let stack =
        |user| call(Function::Stack, vec![], Type::Stack(StackType { user, limit: 127, mode: StackMode::Bpftrace }));
    let mut s = Script::new();
    let m = s.aggregation(
        Some(Type::Tuple([stack(false).ty, stack(true).ty, Type::String { cap: 16 }].into())),
        Aggregation::Count,
    );
    s.clause(None, vec![feed(m, Some(tuple(vec![stack(false), stack(true), builtin(Builtin::Comm)])), None)]);
    run("@[kstack, ustack, comm] = count()", &s, &[]);

    let mut s = Script::new();
    let m = s.scalar(Type::I64);
    let i = s.var(Type::I64);
    s.clause(None, vec![stmt(StmtKind::ForRange { var: i, start: int(0), end: int(100), body: vec![inc(m, None)] })]);
    run("for 0..100 { @++ }", &s, &[]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, deref(deref(arg(0), Space::Kernel, Type::U64), Space::Kernel, Type::U64))]);
    run("2 kernel derefs", &s, &[quadrant_addr()]);
    let mut s = Script::new();
    s.clause_in(Context::Syscalls { exit: false, points: [(1, 0)].into() }, None, vec![]);
    run("syscall dispatch", &s, &[0, 1]);
    let _ = Expr::int;
}

fn quadrant_addr() -> u64 {
    let text = std::fs::read_to_string("/proc/kallsyms").unwrap();
    let line = text.lines().find(|l| l.contains(" _stext") || l.ends_with(" T _text")).unwrap();
    u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap()
}

#[test]
fn cost2() {
    let mut s = Script::new();
    s.clause(None, vec![]);
    run("empty", &s, &[]);
    let mut s = Script::new();
    let m = s.scalar(Type::String { cap: 16 });
    s.clause(None, vec![set_map(m, None, builtin(Builtin::Comm))]);
    run("@ = comm", &s, &[]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, builtin(Builtin::Pid))]);
    run("@ = pid", &s, &[]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, builtin(Builtin::Nsecs(Clock::Boot)))]);
    run("@ = nsecs boot", &s, &[]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, builtin(Builtin::Nsecs(Clock::Monotonic)))]);
    run("@ = nsecs mono", &s, &[]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, builtin(Builtin::Curtask))]);
    run("@ = curtask", &s, &[]);
    for n in 1..=4u64 {
        let mut s = Script::new();
        let key: Vec<Type> = (0..n).map(|_| Type::U64).collect();
        let m = s.aggregation(Some(Type::Tuple(key.into())), Aggregation::Count);
        s.clause(None, vec![feed(m, Some(tuple((0..n).map(|i| uint(i)).collect())), None)]);
        run(&format!("@[{n} words] = count() percpu"), &s, &[]);
    }
    for n in 1..=4u64 {
        let mut s = Script::new();
        let key: Vec<Type> = (0..n).map(|_| Type::U64).collect();
        let m = s.keyed(Type::Tuple(key.into()), Type::I64);
        s.clause(None, vec![inc(m, Some(tuple((0..n).map(|i| uint(i)).collect())))]);
        run(&format!("@[{n} words]++"), &s, &[]);
    }
    for pre in [true, false] {
        let mut s = Script::new();
        let m = s.keyed(Type::U64, Type::U64);
        s.clause(
            None,
            vec![
                set_map(m, Some(uint(1)), uint(2)),
                stmt(StmtKind::Expr(expr(ExprKind::MapDelete { map: m, key: Some(Box::new(uint(1))) }, Type::Bool))),
            ],
        );
        run_with(
            &format!("store + delete noprealloc={pre}"),
            &s,
            &[],
            &quadrant_codegen::Target { no_prealloc: pre, ..target() },
        );
        let mut s = Script::new();
        let m = s.aggregation(Some(Type::U64), Aggregation::Count);
        s.clause(None, vec![feed(m, Some(builtin(Builtin::Pid)), None)]);
        run_with(
            &format!("@[pid] = count noprealloc={pre}"),
            &s,
            &[],
            &quadrant_codegen::Target { no_prealloc: pre, ..target() },
        );
    }
    let path = b"/usr/lib/x86_64-linux-gnu/libc.so.6\0";
    let at = path.as_ptr() as u64;
    for cap in [64, 200, 1024] {
        let mut s = Script::new();
        let v = s.var(Type::String { cap });
        let m = s.scalar(Type::U64);
        s.clause(None, vec![set(v, user_str(arg(0), cap)), set_map(m, None, uint(1))]);
        run(&format!("$v = str cap {cap}"), &s, &[at]);
        let mut s = Script::new();
        let v = s.var(Type::String { cap });
        let m = s.scalar(Type::U64);
        s.clause(
            None,
            vec![
                if_else(arg(1), vec![set(v, user_str(arg(0), cap))], vec![]),
                set_map(m, None, uint(1)),
                emit_dummy(v, cap),
            ],
        );
        run(&format!("zero $v cap {cap}"), &s, &[at, 0]);
    }
}
fn emit_dummy(v: VarId, cap: u32) -> quadrant_program::stmt::Stmt {
    if_else(
        arg(1),
        vec![stmt(StmtKind::Expr(call(Function::Strlen, vec![var(v, Type::String { cap })], Type::I64)))],
        vec![],
    )
}
#[test]
fn cost3() {
    let path = b"/usr/lib/x86_64-linux-gnu/libc.so.6\0";
    let at = path.as_ptr() as u64;
    let cap = 1024;
    let mut s = Script::new();
    let v = s.var(Type::String { cap });
    let m = s.scalar(Type::U64);
    s.clause(
        None,
        vec![
            if_else(arg(1), vec![set(v, user_str(arg(0), cap)), emit_dummy(v, cap)], vec![]),
            set_map(m, None, uint(1)),
        ],
    );
    run("claim only", &s, &[at, 0]);
    let mut s = Script::new();
    let v = s.var(Type::String { cap });
    let m = s.scalar(Type::U64);
    s.clause(
        None,
        vec![
            if_else(arg(1), vec![set(v, user_str(arg(0), cap))], vec![]),
            set_map(m, None, uint(1)),
            emit_dummy(v, cap),
        ],
    );
    run("claim + zero", &s, &[at, 0]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, call(Function::Strlen, vec![user_str(arg(0), 64)], Type::U64))]);
    run("strlen 64", &s, &[at, 0]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, call(Function::Strlen, vec![user_str(arg(0), 1024)], Type::U64))]);
    run("strlen 1024", &s, &[at, 0]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, deref(arg(0), Space::User, Type::U64))]);
    run("user read 8", &s, &[at, 0]);
    run("user read 8 fault", &s, &[0, 0]);
    let mut s = Script::new();
    let m = s.scalar(Type::U64);
    s.clause(None, vec![set_map(m, None, deref(arg(0), Space::Kernel, Type::U64))]);
    run("kernel read 8", &s, &[quadrant_addr(), 0]);
}
