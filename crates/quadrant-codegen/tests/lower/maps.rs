//! Maps of single values, against a map in plain Rust.

use std::collections::BTreeMap;

use proptest::prelude::*;
use quadrant_bpf::map::{MapKind, flags};
use quadrant_codegen::{LossKind, MapRole};
use quadrant_program::expr::{BinaryOp, ExprKind, Place};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::probe::Site;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{StackMode, StackType, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Kernel, Machine, Seen, in_kernel, in_machine, object_for};

/// One clause for each thing that can be done with `@m[arg0]` and a number; what an expression gave goes to `@out`.
fn script(atomic: bool) -> (Script, MapId, MapId) {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, Type::I64);
    let out = script.scalar(Type::I64);
    let key = || Some(arg(0));
    let place = || Place::Map { map, key: Some(arg(0)) };
    let boxed = || Some(Box::new(arg(0)));
    let keep = |e| set_map(out, None, e);
    script.clause(None, vec![set_map(map, key(), sarg(1))]);
    script.clause(None, vec![keep(get(map, key(), Type::I64))]);
    script.clause(None, vec![keep(expr(ExprKind::MapHas { map, key: boxed() }, Type::Bool))]);
    script.clause(None, vec![inc(map, key())]);
    script.clause(None, vec![keep(inc_expr(map, key(), -3, true))]);
    script.clause(None, vec![keep(inc_expr(map, key(), 5, false))]);
    for op in UPDATES {
        script.clause(None, vec![stmt(StmtKind::Update(place(), op, sarg(1)))]);
    }
    script.clause(None, vec![keep(expr(ExprKind::MapLen(map), Type::I64))]);
    if atomic {
        script.clause(None, vec![keep(expr(ExprKind::MapDelete { map, key: boxed() }, Type::Bool))]);
    }
    (script, map, out)
}

const UPDATES: [BinaryOp; 10] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::Shr,
    BinaryOp::Div,
    BinaryOp::Rem,
];

/// The same in plain Rust.
#[derive(Default)]
struct Model {
    map: BTreeMap<u64, i64>,
    out: Option<i64>,
}

impl Model {
    fn fire(&mut self, unit: usize, key: u64, value: i64) {
        let old = self.map.get(&key).copied();
        match unit {
            0 => drop(self.map.insert(key, value)),
            1 => self.out = Some(old.unwrap_or(0)),
            2 => self.out = Some(old.is_some().into()),
            3 => drop(self.map.insert(key, old.unwrap_or(0).wrapping_add(1))),
            4 => {
                self.out = Some(old.unwrap_or(0));
                self.map.insert(key, old.unwrap_or(0).wrapping_sub(3));
            }
            5 => {
                self.map.insert(key, old.unwrap_or(0).wrapping_add(5));
                self.out = Some(self.map[&key]);
            }
            6..=15 => {
                self.map.insert(key, update(UPDATES[unit - 6], old.unwrap_or(0), value));
            }
            16 => self.out = Some(self.map.len() as i64),
            _ => self.out = Some(self.map.remove(&key).is_some().into()),
        }
    }
}

fn update(op: BinaryOp, old: i64, by: i64) -> i64 {
    match op {
        BinaryOp::Add => old.wrapping_add(by),
        BinaryOp::Sub => old.wrapping_sub(by),
        BinaryOp::Mul => old.wrapping_mul(by),
        BinaryOp::And => old & by,
        BinaryOp::Or => old | by,
        BinaryOp::Xor => old ^ by,
        BinaryOp::Shl => old.wrapping_shl(by as u32),
        BinaryOp::Shr => old.wrapping_shr(by as u32),
        _ if by == 0 => 0,
        BinaryOp::Div => old.wrapping_div(by),
        _ => old.wrapping_rem(by),
    }
}

fn check(firings: &[Firing], seen: &Seen, map: MapId, out: MapId) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for (unit, words) in firings {
        model.fire(*unit, words[0], words[1] as i64);
    }
    let entries = |seen: &Seen| -> BTreeMap<u64, i64> {
        seen.maps[&map.0]
            .keys()
            .map(|key| (crate::engine::word(key), seen.words(map, key).expect("listed")[0] as i64))
            .collect()
    };
    prop_assert_eq!(entries(seen), model.map);
    prop_assert_eq!(seen.number(out).map(|value| value as i64), model.out);
    Ok(())
}

fn firings(units: usize) -> impl Strategy<Value = Vec<Firing>> {
    let value = prop_oneof![any::<i64>(), -4..4i64];
    let firing = (0..units, 0..4u64, value).prop_map(|(unit, key, value)| (unit, vec![key, value as u64]));
    proptest::collection::vec(firing, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn agree_in_the_machine(firings in firings(18)) {
        let (script, map, out) = script(true);
        check(&firings, &in_machine(&script, FakeEnv::default(), &firings), map, out)?;
    }

    #[test]
    fn agree_without_deleting(firings in firings(17)) {
        let (script, map, out) = script(false);
        check(&firings, &in_machine(&script, FakeEnv::default(), &firings), map, out)?;
    }

    #[test]
    fn agree_without_atomics(firings in firings(18)) {
        let (script, map, out) = script(true);
        let old = quadrant_codegen::Target { atomic_fetch: false, ..target() };
        let mut machine = Machine::with_target(&script, FakeEnv::default(), &old);
        check(&firings, &machine.run(&script, &firings), map, out)?;
    }

    #[test]
    fn agree_in_the_kernel(firings in firings(18)) {
        let (script, map, out) = script(true);
        if let Some(seen) = in_kernel(&script, &firings) {
            check(&firings, &seen, map, out)?;
        }
    }
}

#[test]
fn loads_without_atomics() {
    let (script, ..) = script(true);
    let old = quadrant_codegen::Target { atomic_fetch: false, no_prealloc: false, ..target() };
    Kernel::with_target(&script, &old);
}

fn stack_type() -> Type {
    Type::Stack(StackType { user: true, limit: 20, mode: StackMode::Raw })
}

#[test]
fn very_many_or_dear_keys_share_one_part() {
    let mut script = Script::new();
    let dear = [Type::String { cap: 1024 }, Type::Tuple([Type::U64, stack_type()].into())];
    let dear = dear.map(|key| script.aggregation(Some(key), Aggregation::Count));
    let least = script.aggregation(Some(stack_type()), Aggregation::Min { signed: true });
    let few = script.aggregation(Some(Type::U64), Aggregation::Count);
    let many = script.aggregation(Some(Type::U64), Aggregation::Count);
    script.program.maps[many.0 as usize].max_entries = Some(1 << 20);
    let wide = Type::Tuple([stack_type(), Type::U64, Type::U64].into());
    let stacks = script.aggregation(Some(wide), Aggregation::Count);
    script.program.maps[stacks.0 as usize].max_entries = Some(1 << 17);
    script.clause(None, vec![]);
    let object = object_for(&script, &target());
    let kind = |id| {
        let def = object.maps.iter().find(|def| def.role == MapRole::Script(id)).expect("every map is there");
        (def.kind, def.flags)
    };
    let (grows, shared, by_cpu) = (flags::NO_PREALLOC, MapKind::Hash as u32, MapKind::PercpuHash as u32);
    assert_eq!(kind(few), (by_cpu, grows));
    // Keys with stacks are mostly new: memory for them is there, if it is little.
    assert_eq!(dear.map(kind), [(shared, grows), (shared, 0)]);
    assert_eq!((kind(least), kind(stacks)), ((by_cpu, grows), (shared, grows)));
    // The script says how many there will be: memory for them is taken at once.
    assert_eq!(kind(many), (shared, 0));
}

#[test]
fn maps_by_stacks_take_little_memory_however_many_they_are() {
    let mut script = Script::new();
    for _ in 0..60 {
        script.aggregation(Some(stack_type()), Aggregation::Count);
    }
    script.clause(None, vec![]);
    let object = object_for(&script, &quadrant_codegen::Target { map_keys: 1 << 16, ..target() });
    let taken = object.maps.iter().filter(|def| def.flags & flags::NO_PREALLOC == 0);
    let sizes: Vec<u32> = taken.map(|def| def.max_entries * (48 + def.key_size + def.value_size)).collect();
    assert_eq!(sizes, [4 << 20; 6]);
}

/// The kind, flags and entries of a map, where maps have 65,536 keys.
fn made(script: &Script, id: MapId) -> (u32, u32, u32) {
    let object = object_for(script, &quadrant_codegen::Target { map_keys: 1 << 16, ..target() });
    let def = object.maps.iter().find(|def| def.role == MapRole::Script(id)).expect("every map is there");
    (def.kind, def.flags, def.max_entries)
}

fn repeat(count: u32, body: Vec<Stmt>) -> Stmt {
    stmt(StmtKind::Unroll { count, body })
}

/// Where interrupts are off, the kernel has memory for four keys of a map that grows.
#[test]
fn memory_for_keys_that_come_at_once_in_an_interrupt_is_taken_before() {
    let mut script = Script::new();
    let [looped, fixed, few] = [0; 3].map(|_| script.keyed(Type::U64, Type::I64));
    let [counted, in_process] = [0; 2].map(|_| script.aggregation(Some(Type::U64), Aggregation::Count));
    let key = |n| Some(uint(n));
    let body = vec![
        repeat(9, vec![set_map(looped, Some(get(few, key(1), Type::U64)), arg(0))]),
        repeat(9, vec![set_map(fixed, key(1), arg(0))]),
        repeat(4, vec![inc(few, Some(arg(0)))]),
        repeat(5, vec![feed(counted, Some(get(few, key(1), Type::U64)), None)]),
    ];
    script.clause(None, body);
    script.program.points[0].site = Site::Interval { period_ns: 1 };
    script.clause(None, vec![repeat(9, vec![feed(in_process, Some(get(few, key(1), Type::U64)), None)])]);
    let (shared, by_cpu, grows, all) = (MapKind::Hash as u32, MapKind::PercpuHash as u32, flags::NO_PREALLOC, 1 << 16);
    assert_eq!([looped, counted].map(|id| made(&script, id)), [(shared, 0, all); 2]);
    assert_eq!([fixed, few].map(|id| made(&script, id)), [(shared, grows, all); 2]);
    assert_eq!(made(&script, in_process), (by_cpu, grows, all));
}

/// A few stores in a row find memory at the next firing, if not at this one; of branches, one is taken.
#[test]
fn only_loops_have_the_memory_of_a_map_taken_before() {
    let mut script = Script::new();
    let looked = script.keyed(Type::U64, Type::U64);
    let [row, branches, both] = [0; 3].map(|_| script.aggregation(Some(Type::U64), Aggregation::Count));
    let new = || Some(get(looked, Some(uint(1)), Type::U64));
    let store = |map| feed(map, new(), None);
    let mut body: Vec<Stmt> = (0..9).map(|n| feed(row, Some(uint(n)), None)).collect();
    body.push(repeat(4, vec![if_else(arg(0), vec![store(branches)], vec![store(branches)])]));
    body.push(repeat(4, vec![if_else(arg(0), vec![store(both)], vec![]), store(both)]));
    script.clause(None, body);
    script.program.points[0].site = Site::Interval { period_ns: 1 };
    let (shared, by_cpu, all) = (MapKind::Hash as u32, MapKind::PercpuHash as u32, 1 << 16);
    assert_eq!([row, branches].map(|id| made(&script, id)), [(by_cpu, flags::NO_PREALLOC, all); 2]);
    assert_eq!(made(&script, both), (shared, 0, all));
}

/// However many keys come at once: a map has room for as many as it says, and takes no more than 32 MiB before they come.
#[test]
fn large_maps_that_are_filled_in_interrupts_keep_their_room() {
    let mut script = Script::new();
    let looked = script.keyed(Type::U64, Type::U64);
    let hist = Aggregation::Hist { bits: 0 };
    let [large, little, most] = [0; 3].map(|_| script.aggregation(Some(Type::U64), hist.clone()));
    script.program.maps[little.0 as usize].max_entries = Some(1000);
    script.program.maps[most.0 as usize].max_entries = Some(1 << 17);
    let store = |map| feed(map, Some(get(looked, Some(uint(1)), Type::U64)), Some(arg(0)));
    script.clause(None, vec![repeat(9, [large, little, most].map(store).into())]);
    script.program.points[0].site = Site::Interval { period_ns: 1 };
    let (by_cpu, grows) = (MapKind::PercpuHash as u32, flags::NO_PREALLOC);
    assert_eq!(made(&script, large), (by_cpu, grows, 1 << 16));
    assert_eq!(made(&script, little), (MapKind::Hash as u32, 0, 1000));
    assert_eq!(made(&script, most), (by_cpu, grows, 1 << 17));
}

#[test]
fn many_aggregations_without_keys_share_maps_by_their_size() {
    let mut script = Script::new();
    let sums: Vec<MapId> = (0..40).map(|_| script.aggregation(None, Aggregation::Sum { signed: true })).collect();
    let most = script.aggregation(None, Aggregation::Max { signed: true });
    script.clause(None, sums.iter().chain([&most]).map(|map| feed(*map, None, Some(arg(0)))).collect());
    let object = object_for(&script, &target());
    let shared = object.maps.iter().filter(|def| def.role == MapRole::Cells);
    assert_eq!(shared.map(|def| def.max_entries).collect::<Vec<_>>(), [40, 1]);
    let firings = [(0, vec![5]), (0, vec![-2i64 as u64])];
    for seen in [Some(in_machine(&script, FakeEnv::default(), &firings)), in_kernel(&script, &firings)].iter().flatten()
    {
        sums.iter().for_each(|sum| assert_eq!(seen.cell(*sum)[0], 3));
        assert_eq!(seen.cell(most)[0], 5);
    }
}

/// A program can use 64 maps.
#[test]
fn more_maps_with_keys_than_a_program_can_use() {
    let mut script = Script::new();
    let sums: Vec<MapId> =
        (0..50).map(|_| script.aggregation(Some(Type::U64), Aggregation::Sum { signed: true })).collect();
    let plain: Vec<MapId> = (0..50).map(|_| script.keyed(Type::U64, Type::I64)).collect();
    script.program.maps[sums[7].0 as usize].max_entries = Some(1);
    let mut statements: Vec<_> = sums.iter().map(|map| feed(*map, Some(arg(0)), Some(arg(0)))).collect();
    statements.extend(plain.iter().map(|map| set_map(*map, Some(arg(0)), get(*map, Some(arg(0)), Type::I64))));
    statements.extend(plain.iter().map(|map| inc(*map, Some(arg(0)))));
    script.clause(None, statements);
    let object = object_for(&script, &target());
    assert_eq!(object.groups.iter().map(|group| group.members.len()).collect::<Vec<_>>(), [50, 50]);
    let firings = [(0, vec![5]), (0, vec![6]), (0, vec![5])];
    for seen in [Some(in_machine(&script, FakeEnv::default(), &firings)), in_kernel(&script, &firings)].iter().flatten()
    {
        plain.iter().for_each(|map| assert_eq!((seen.at(*map, 5), seen.at(*map, 6)), (Some(2), Some(1))));
        sums.iter().for_each(|map| assert_eq!(seen.at(*map, 5), Some(10)));
        assert_eq!((seen.at(sums[7], 6), seen.at(sums[8], 6)), (None, Some(6)));
        assert_eq!(seen.lost(LossKind::Key(sums[7])), 1);
    }
}

#[test]
fn a_full_map_counts_what_it_refuses() {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, Type::I64);
    script.program.maps[0].max_entries = Some(2);
    script.clause(None, vec![inc(map, Some(arg(0)))]);
    script.clause(None, vec![set_map(map, Some(arg(0)), int(9))]);
    let firings: Vec<Firing> = [1, 2, 3, 4, 1].into_iter().map(|key| (0, vec![key])).chain([(1, vec![7])]).collect();
    let seen = in_machine(&script, FakeEnv::default(), &firings);
    assert_eq!((seen.at(map, 1), seen.at(map, 2), seen.at(map, 3)), (Some(2), Some(1), None));
    assert_eq!(seen.lost(LossKind::Key(map)), 3);
}

#[test]
fn a_map_that_forgets_has_room_for_new_keys() {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, Type::I64);
    script.program.maps[0].max_entries = Some(2);
    script.program.maps[0].forgets = true;
    // Not fed: it only has to be one that the kernel creates.
    script.aggregation(Some(Type::U64), quadrant_program::map::Aggregation::Count);
    script.program.maps[1].max_entries = Some(1000);
    script.program.maps[1].forgets = true;
    script.clause(None, vec![inc(map, Some(arg(0)))]);
    let firings: Vec<Firing> = [1, 2, 3].into_iter().map(|key| (0, vec![key])).collect();
    let seen = in_machine(&script, FakeEnv::default(), &firings);
    assert_eq!((seen.at(map, 2), seen.at(map, 3)), (Some(1), Some(1)));
    assert_eq!(seen.lost(LossKind::Key(map)), 0);
    in_kernel(&script, &firings);
}

#[test]
fn keys_of_several_parts_and_texts() {
    let mut script = Script::new();
    let key = Type::Tuple([Type::U64, Type::String { cap: 16 }, Type::I64].into());
    let map = script.keyed(key, Type::String { cap: 24 });
    let other = script.keyed(Type::U64, Type::String { cap: 24 });
    script.clause(None, vec![set_map(map, Some(tuple(vec![arg(0), text("ab"), int(-1)])), text("value"))]);
    let read = get(map, Some(tuple(vec![arg(0), text("ab"), int(-1)])), Type::String { cap: 24 });
    script.clause(None, vec![set_map(other, Some(uint(1)), read.clone())]);
    script.clause(
        None,
        vec![set_map(
            other,
            Some(uint(2)),
            get(map, Some(tuple(vec![uint(77), text("ab"), int(-1)])), Type::String { cap: 24 }),
        )],
    );
    let check = |seen: Seen| {
        let (key, value) = seen.maps[&map.0].first_key_value().expect("one entry");
        assert_eq!(key[..8], 3u64.to_ne_bytes());
        assert_eq!(key[8..24], *b"ab\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(key[24..], (-1i64).to_ne_bytes());
        assert_eq!(&value[..8], b"value\0\0\0");
        assert_eq!(seen.maps[&other.0][&1u64.to_ne_bytes().to_vec()], *value);
        assert_eq!(seen.maps[&other.0][&2u64.to_ne_bytes().to_vec()], vec![0; 24]);
    };
    let firings = [(0, vec![3]), (1, vec![3]), (2, vec![3])];
    check(in_machine(&script, FakeEnv::default(), &firings));
    in_kernel(&script, &firings).into_iter().for_each(check);
}

#[test]
fn narrow_numbers_stay_narrow() {
    let mut script = Script::new();
    let narrow = Type::Int { bytes: 1, signed: true };
    let map = script.scalar(narrow.clone());
    script.clause(None, vec![inc(map, None)]);
    let seen = in_machine(&script, FakeEnv::default(), &vec![(0, vec![]); 130]);
    assert_eq!(seen.number(map), Some(-126i64 as u64));
}

#[test]
fn deleting_a_map_without_a_key_unsets_it() {
    let mut script = Script::new();
    let [map, had] = [script.scalar(Type::I64), script.scalar(Type::I64)];
    script.clause(None, vec![set_map(map, None, int(4))]);
    let delete = expr(ExprKind::MapDelete { map, key: None }, Type::Bool);
    script.clause(None, vec![set_map(had, None, delete)]);
    let seen = in_machine(&script, FakeEnv::default(), &[(0, vec![]), (1, vec![])]);
    assert_eq!((seen.number(map), seen.number(had)), (None, Some(1)));
    let seen = in_machine(&script, FakeEnv::default(), &[(1, vec![])]);
    assert_eq!(seen.number(had), Some(0));
}

#[test]
fn a_look_up_is_made_again_after_a_change() {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, Type::I64);
    let out: Vec<MapId> = (0..5).map(|_| script.scalar(Type::I64)).collect();
    let read = || get(map, Some(arg(0)), Type::I64);
    let delete = || stmt(StmtKind::Expr(expr(ExprKind::MapDelete { map, key: Some(Box::new(arg(0))) }, Type::Bool)));
    script.clause(None, vec![set_map(map, Some(arg(0)), int(7))]);
    script.clause(
        Some(read()),
        vec![
            set_map(out[0], None, read()),
            inc(map, Some(arg(0))),
            set_map(out[1], None, read()),
            if_else(arg(1), vec![delete()], vec![]),
            set_map(out[2], None, read()),
            set_map(map, Some(arg(0)), int(-1)),
            set_map(out[3], None, read()),
            delete(),
            set_map(out[4], None, read()),
        ],
    );
    for (deletes, third) in [(0, 8), (1, 0)] {
        let firings = [(1, vec![1, deletes]), (0, vec![1]), (1, vec![1, deletes])];
        let check = |seen: Seen| {
            let found: Vec<Option<i64>> = out.iter().map(|map| seen.number(*map).map(|value| value as i64)).collect();
            assert_eq!(found, [7, 8, third, -1, 0].map(Some));
        };
        check(in_machine(&script, FakeEnv::default(), &firings));
        in_kernel(&script, &firings).into_iter().for_each(check);
    }
}
