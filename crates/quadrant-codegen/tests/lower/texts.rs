//! Texts and buffers: reading, keys, records, comparing.

use proptest::prelude::*;
use quadrant_codegen::LossKind;
use quadrant_program::expr::{Builtin, Expr, ExprKind, Function};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::StmtKind;
use quadrant_program::ty::{Space, Type};
use quadrant_program::value::{Value, decode_argument};
use quadrant_vm::{FakeEnv, FakeMemory};

use crate::build::*;
use crate::engine::{Firing, Kernel, Seen, in_kernel, in_machine};

const AT: u64 = 0x5000;

fn user(bytes: &[u8]) -> FakeEnv {
    let mut memory = FakeMemory::default();
    memory.put(AT, bytes);
    FakeEnv { user: memory, ..FakeEnv::default() }
}

/// The arguments of a record, decoded as user space does.
fn arguments<'a>(types: &'a [Type], record: &'a [u8]) -> Vec<Value<'a>> {
    let (offsets, _) = quadrant_program::layout::record_offsets(types);
    types.iter().zip(offsets).map(|(ty, off)| decode_argument(ty, &record[off as usize..], record)).collect()
}

fn string(bytes: &[u8]) -> Value<'_> {
    Value::Text { bytes, cut: false, fault: false }
}

fn cap(cap: u32) -> Type {
    Type::String { cap }
}

#[test]
fn records_have_exactly_the_text() {
    let types = [Type::U64, cap(1024), Type::String { cap: 16 }, cap(1024), cap(4)];
    let mut script = Script::new();
    let record = script.record(&types);
    script.clause(
        None,
        vec![emit(
            record,
            vec![arg(0), user_str(arg(1), 1024), builtin(Builtin::Comm), user_str(arg(1), 1024), text("abc")],
        )],
    );
    let check = |seen: Seen, comm: &[u8]| {
        let record = &seen.records[0];
        assert_eq!(
            arguments(&types, record),
            [Value::Uint(3), string(b"/etc/passwd"), string(comm), string(b"/etc/passwd"), string(b"abc")]
        );
        assert_eq!(record.len(), 8 + 5 * 8 + 11 + 16 + 11 + 3);
        assert!(seen.losses.is_empty());
    };
    check(in_machine(&script, user(b"/etc/passwd\0"), &[(0, vec![3, AT])]), b"test");
    let name = b"/etc/passwd\0";
    if let Some(seen) = in_kernel(&script, &[(0, vec![3, name.as_ptr() as u64])]) {
        let comm = std::fs::read("/proc/thread-self/comm").expect("procfs");
        check(seen, comm.trim_ascii_end());
    }
}

#[test]
fn cuts_and_faults_are_told_exactly() {
    let types = [cap(8)];
    let mut script = Script::new();
    let record = script.record(&types);
    script.clause(None, vec![emit(record, vec![user_str(arg(0), 8)])]);
    let firings = [(0, vec![AT]), (0, vec![AT + 1]), (0, vec![AT + 8]), (0, vec![1])];
    let seen = in_machine(&script, user(b"12345678\0"), &firings);
    let found: Vec<Value> = seen.records.iter().flat_map(|record| arguments(&types, record)).collect();
    assert_eq!(
        found,
        [
            Value::Text { bytes: b"1234567", cut: true, fault: false },
            string(b"2345678"),
            string(b""),
            Value::Text { bytes: b"", cut: false, fault: true },
        ]
    );
    assert_eq!((seen.lost(LossKind::Cut), seen.lost(LossKind::Read)), (1, 1));
}

#[test]
fn a_wanted_length_is_no_cut() {
    let types = [cap(6), cap(1024)];
    let mut script = Script::new();
    let record = script.record(&types);
    let limited = call(Function::Str(Space::User), vec![arg(0), int(6)], cap(6));
    let by_value = call(Function::Str(Space::User), vec![arg(0), arg(1)], cap(1024));
    script.clause(None, vec![emit(record, vec![limited, by_value])]);
    let seen = in_machine(&script, user(b"hello world\0"), &[(0, vec![AT, 4]), (0, vec![AT, 0]), (0, vec![AT, 5000])]);
    assert_eq!(arguments(&types, &seen.records[0]), [string(b"hello"), string(b"hel")]);
    assert_eq!(arguments(&types, &seen.records[1])[1], string(b""));
    assert_eq!(arguments(&types, &seen.records[2])[1], string(b"hello world"));
    assert!(seen.losses.is_empty());
    Kernel::new(&script);
}

#[test]
fn keys_are_padded_with_zeros() {
    for cap in [16, 64, 1024, 5000] {
        let mut script = Script::new();
        let map = script.aggregation(Some(Type::String { cap }), Aggregation::Count);
        script.clause(None, vec![feed(map, Some(user_str(arg(0), cap)), None)]);
        let check = |seen: Seen| {
            let mut key = vec![0; cap as usize];
            key[..5].copy_from_slice(b"short");
            assert_eq!(seen.words(map, &key), Some(vec![2]), "cap {cap}");
            let mut key = vec![0; cap as usize];
            key[..11].copy_from_slice(b"longer text");
            assert_eq!(seen.words(map, &key), Some(vec![2]), "cap {cap}");
        };
        let firings = |a: u64, b: u64| -> Vec<Firing> { [a, b, a, b].map(|addr| (0, vec![addr])).to_vec() };
        check(in_machine(&script, user(b"longer text\0short\0"), &firings(AT, AT + 12)));
        let (long, short) = (b"longer text\0", b"short\0");
        in_kernel(&script, &firings(long.as_ptr() as u64, short.as_ptr() as u64)).into_iter().for_each(check);
    }
}

#[test]
fn texts_are_joined() {
    let mut script = Script::new();
    let both = || call(Function::Concat, vec![user_str(arg(0), 16), text("-end")], cap(20));
    let (map, keyed) = (script.scalar(cap(20)), script.keyed(cap(20), Type::I64));
    script.clause(None, vec![set_map(map, None, both()), set_map(keyed, Some(both()), int(7))]);
    let check = |seen: Seen| {
        let mut key = b"start-end".to_vec();
        key.resize(24, 0);
        assert_eq!(seen.maps[&keyed.0].first_key_value().expect("one entry").0, &key);
    };
    check(in_machine(&script, user(b"start\0"), &[(0, vec![AT])]));
    let start = b"start\0";
    in_kernel(&script, &[(0, vec![start.as_ptr() as u64])]).into_iter().for_each(check);
}

#[test]
fn texts_live_in_variables_and_maps() {
    let types = [cap(1024), cap(1024), cap(40), cap(1024)];
    let mut script = Script::new();
    let record = script.record(&types);
    let [long, map] = [script.var(cap(1024)), script.var(cap(40))];
    let scalar = script.scalar(cap(1024));
    let keyed = script.keyed(cap(16), cap(1024));
    script.clause(
        None,
        vec![
            set(long, user_str(arg(0), 1024)),
            set_map(scalar, None, var(long, cap(1024))),
            set_map(keyed, Some(builtin(Builtin::Comm)), var(long, cap(1024))),
            set(map, cast(text("constant"), cap(40))),
            emit(
                record,
                vec![
                    var(long, cap(1024)),
                    get(scalar, None, cap(1024)),
                    var(map, cap(40)),
                    get(keyed, Some(builtin(Builtin::Comm)), cap(1024)),
                ],
            ),
        ],
    );
    let check = |seen: Seen| {
        let found = arguments(&types, &seen.records[0]);
        assert_eq!(found, [string(b"some text"), string(b"some text"), string(b"constant"), string(b"some text")]);
        assert!(seen.losses.is_empty(), "{:?}", seen.losses);
    };
    check(in_machine(&script, user(b"some text\0"), &[(0, vec![AT])]));
    let here = b"some text\0";
    in_kernel(&script, &[(0, vec![here.as_ptr() as u64])]).into_iter().for_each(check);
}

fn buffer(len: Expr, cap: u32) -> Expr {
    call(Function::Buf(Space::User), vec![arg(0), len], Type::Buffer { cap })
}

#[test]
fn buffers_have_a_length() {
    let types = [Type::Buffer { cap: 64 }, Type::Buffer { cap: 4 }, Type::Buffer { cap: 64 }];
    let mut script = Script::new();
    let record = script.record(&types);
    let kept = script.var(Type::Buffer { cap: 64 });
    script.clause(
        None,
        vec![
            set(kept, buffer(arg(1), 64)),
            emit(record, vec![buffer(arg(1), 64), buffer(arg(1), 4), var(kept, Type::Buffer { cap: 64 })]),
        ],
    );
    let check = |seen: Seen| {
        let found = arguments(&types, &seen.records[0]);
        assert_eq!(found, [Value::Bytes(b"a\0b\0c\0"), Value::Bytes(b"a\0b\0"), Value::Bytes(b"a\0b\0c\0")]);
        assert_eq!(seen.lost(LossKind::Cut), 1);
    };
    check(in_machine(&script, user(b"a\0b\0c\0"), &[(0, vec![AT, 6])]));
    let here = b"a\0b\0c\0";
    in_kernel(&script, &[(0, vec![here.as_ptr() as u64, 6])]).into_iter().for_each(check);
    let seen = in_machine(&script, user(b"a\0b\0c\0"), &[(0, vec![AT, 7])]);
    assert_eq!(arguments(&types, &seen.records[0])[0], Value::Bytes(b""));
    assert!(seen.lost(LossKind::Read) >= 2);
}

#[test]
fn join_reads_an_array_of_texts() {
    let types = [Type::Buffer { cap: 64 }];
    let mut script = Script::new();
    let record = script.record_kind(RecordKind::Join(b" ".to_vec()), &types);
    let join = call(Function::JoinArgs(Space::User), vec![arg(0)], types[0].clone());
    script.clause(None, vec![emit(record, vec![join])]);
    let mut memory = FakeMemory::default();
    for (at, text) in [&b"ls\0"[..], b"-l\0", b"/tmp\0"].iter().enumerate() {
        memory.put(0x100 + at as u64 * 16, *text);
    }
    let words = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    memory.put(AT, words(&[0x100, 0x110, 0x120, 0]));
    let many: Vec<u64> = (0..40).map(|_| 0x120).chain([0]).collect();
    memory.put(AT + 0x1000, words(&many));
    let env = FakeEnv { user: memory, ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![AT]), (0, vec![AT + 0x1000])]);
    assert_eq!(arguments(&types, &seen.records[0]), [Value::Bytes(b"ls\0-l\0/tmp\0")]);
    let Value::Bytes(cut) = arguments(&types, &seen.records[1])[0] else { panic!("no bytes") };
    assert_eq!((cut.len(), seen.lost(LossKind::Cut)), (64, 1));
    let texts = [&b"ls\0"[..], b"\0", b"-l\0", b"/tmp\0"];
    let array: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).chain([0]).collect();
    if let Some(seen) = in_kernel(&script, &[(0, vec![array.as_ptr() as u64])]) {
        assert_eq!(arguments(&types, &seen.records[0]), [Value::Bytes(b"ls\0\0-l\0/tmp\0")]);
    }
}

#[test]
fn many_long_texts_in_one_record() {
    let types = vec![cap(65536); 3];
    let mut script = Script::new();
    let record = script.record(&types);
    script.clause(
        None,
        vec![emit(record, vec![user_str(arg(0), 65536), user_str(arg(1), 65536), user_str(arg(0), 65536)])],
    );
    let long = vec![b'x'; 40_000];
    let nul = [long.clone(), vec![0]].concat();
    let check = |seen: Seen| {
        let found = arguments(&types, &seen.records[0]);
        assert_eq!(found, [string(&long), string(b"end"), string(&long)]);
    };
    let mut env = user(&nul);
    env.user.put(0x100, *b"end\0");
    check(in_machine(&script, env, &[(0, vec![AT, 0x100])]));
    let end = b"end\0";
    in_kernel(&script, &[(0, vec![nul.as_ptr() as u64, end.as_ptr() as u64])]).into_iter().for_each(check);
}

/// A script that compares two texts in all ways; results go to maps in order.
fn comparing(left: &Expr, right: &Expr, n: i64) -> Script {
    let mut script = Script::new();
    let out: Vec<MapId> = (0..9).map(|_| script.scalar(Type::I64)).collect();
    let two = || (Box::new(left.clone()), Box::new(right.clone()));
    let equal = |negate| {
        let (lhs, rhs) = two();
        expr(ExprKind::MemEq { lhs, rhs, negate }, Type::Bool)
    };
    let function =
        |function, extra: Vec<Expr>| call(function, [vec![left.clone(), right.clone()], extra].concat(), Type::I64);
    let room = [left, right].map(|text| text.ty.c_size().expect("a text")).iter().sum::<u32>() - 1;
    let both = call(Function::Concat, vec![left.clone(), right.clone()], cap(room));
    let results = [
        equal(false),
        equal(true),
        function(Function::Strncmp, vec![int(n)]),
        function(Function::Strcontains, vec![]),
        call(Function::Strlen, vec![left.clone()], Type::I64),
        function(Function::Strstr, vec![]),
        call(Function::Strlen, vec![both], Type::I64),
        function(Function::Strcmp, vec![]),
        function(Function::Memcmp, vec![int(n)]),
    ];
    script.clause(None, out.iter().zip(results).map(|(map, e)| set_map(*map, None, e)).collect());
    script
}

/// The same in plain Rust.
fn compared(left: &[u8], right: &[u8], n: usize) -> [i64; 9] {
    let padded = |text: &[u8]| [text, &vec![0; n]].concat()[..n].to_vec();
    let order = |left: &[u8], right: &[u8]| left.cmp(right) as i64;
    let found = match right {
        [] => Some(0),
        _ => left.windows(right.len()).position(|part| part == right),
    };
    let place = found.map_or(-2, |at| at as i64);
    let length = (left.len() + right.len()) as i64;
    let mut pairs = padded(left).into_iter().zip(padded(right));
    let distance = pairs.find(|(a, b)| a != b).map_or(0, |(a, b)| i64::from(a) - i64::from(b));
    let whole = order(left, right);
    let same = left == right;
    [
        same.into(),
        (!same).into(),
        i64::from(distance != 0),
        found.is_some().into(),
        left.len() as i64,
        place,
        length,
        whole,
        distance,
    ]
}

fn results(seen: &Seen) -> Vec<i64> {
    (0..9).map(|map| seen.number(MapId(map)).map_or(-99, |value| value as i64)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn comparisons(left in "[ab\u{e9}]{0,6}[ab]{0,6}", right in "[ab\u{e9}]{0,7}", same in any::<bool>(), n in 0..24usize, caps in (20..80u32, 20..60u32)) {
        let right = if same { left.clone() } else { right };
        let (from_memory, other) = (user_str(arg(0), caps.0), user_str(arg(1), caps.1));
        for (a, b) in [(from_memory.clone(), other), (from_memory, text(&right)), (text(&left), text(&right))] {
            let script = comparing(&a, &b, n as i64);
            let mut env = user(&[left.as_bytes(), b"\0"].concat());
            env.user.put(0x100, [right.as_bytes(), b"\0"].concat());
            let seen = in_machine(&script, env, &[(0, vec![AT, 0x100])]);
            prop_assert_eq!(results(&seen), compared(left.as_bytes(), right.as_bytes(), n));
        }
    }
}

#[test]
fn comparisons_in_the_kernel() {
    for (left, right) in [("some/path", "some"), ("same", "same"), ("", ""), ("abc", "b"), ("abc", "zz")] {
        let [a, b] = [left, right].map(|text| [text.as_bytes(), b"\0"].concat());
        for cap in [32, 1024] {
            for other in [user_str(arg(1), cap), text(right)] {
                let script = comparing(&user_str(arg(0), cap), &other, 6);
                let firings = [(0, vec![a.as_ptr() as u64, b.as_ptr() as u64])];
                if let Some(seen) = in_kernel(&script, &firings) {
                    assert_eq!(results(&seen), compared(left.as_bytes(), right.as_bytes(), 6), "{left} {right} {cap}");
                }
            }
        }
    }
}

#[test]
fn the_thread_name_as_a_predicate() {
    let mut script = Script::new();
    let map = script.scalar(Type::I64);
    let is = |name: &str| {
        let (lhs, rhs) = (Box::new(builtin(Builtin::Comm)), Box::new(text(name)));
        expr(ExprKind::MemEq { lhs, rhs, negate: false }, Type::Bool)
    };
    for name in ["test", "tes", "testing", "a name that is longer than any can be"] {
        script.clause(Some(is(name)), vec![inc(map, None)]);
    }
    let firings: Vec<Firing> = (0..4).map(|unit| (unit, vec![])).collect();
    assert_eq!(in_machine(&script, FakeEnv::default(), &firings).number(map), Some(1));
    Kernel::new(&script);
}

#[test]
fn tuples_in_records_and_variables() {
    let pair = Type::Tuple([Type::I64, cap(16), Type::Tuple([Type::U64, Type::U64].into())].into());
    let types = [pair.clone(), Type::U64];
    let mut script = Script::new();
    let record = script.record(&types);
    let kept = script.var(pair.clone());
    let inner =
        expr(ExprKind::TupleField(Box::new(var(kept, pair.clone())), 2), Type::Tuple([Type::U64, Type::U64].into()));
    let last = expr(ExprKind::TupleField(Box::new(inner), 1), Type::U64);
    script.clause(
        None,
        vec![
            set(kept, tuple(vec![int(-7), builtin(Builtin::Comm), tuple(vec![arg(0), uint(8)])])),
            emit(record, vec![var(kept, pair.clone()), last]),
        ],
    );
    let check = |seen: Seen| {
        let record = &seen.records[0];
        let found = arguments(&types, record);
        let Value::Tuple(parts, bytes) = found[0] else { panic!("no tuple") };
        let parts: Vec<Value> = quadrant_program::value::elements(parts, bytes).collect();
        assert_eq!((parts[0], found[1]), (Value::Int(-7), Value::Uint(8)));
    };
    check(in_machine(&script, FakeEnv::default(), &[(0, vec![6])]));
    in_kernel(&script, &[(0, vec![6])]).into_iter().for_each(check);
}

#[test]
fn scratch_is_claimed_only_when_the_predicate_holds() {
    let mut script = Script::new();
    let record = script.record(&[cap(1024)]);
    script.clause(Some(arg(0)), vec![emit(record, vec![user_str(arg(1), 1024)])]);
    let seen = in_machine(&script, user(b"x\0"), &[(0, vec![0, AT]), (0, vec![1, AT])]);
    assert_eq!(seen.records.len(), 1);
}

#[test]
fn without_a_ring_buffer_records_go_to_the_perf_buffer() {
    let old = quadrant_codegen::Target { ring_buffer: false, ..target() };
    let mut script = Script::new();
    let [short, long] = [script.record(&[Type::U64]), script.record(&[cap(1024)])];
    script.clause(None, vec![emit(short, vec![arg(0)]), emit(long, vec![user_str(arg(1), 1024)])]);
    Kernel::with_target(&script, &old);
}

#[test]
fn blocks_run_before_a_record_is_reserved() {
    let mut script = Script::new();
    let record = script.record(&[cap(16), Type::I64]);
    let returns = vec![if_else(arg(0), vec![stmt(StmtKind::Return)], vec![])];
    let block = expr(ExprKind::Block(returns, Box::new(builtin(Builtin::Comm))), cap(16));
    script.clause(None, vec![emit(record, vec![block, int(1)])]);
    let check = |seen: Seen| assert_eq!(seen.records.len(), 1);
    check(in_machine(&script, FakeEnv::default(), &[(0, vec![0]), (0, vec![1])]));
    in_kernel(&script, &[(0, vec![0]), (0, vec![1])]).into_iter().for_each(check);
}
