//! Values in memory: C records and arrays, addresses, and what conversions make of them.

use std::sync::Arc;

use quadrant_codegen::{LossKind, Object};
use quadrant_program::expr::{BinaryOp, Expr, ExprKind, Function};
use quadrant_program::map::MapId;
use quadrant_program::ty::{RecordType, Space, SymbolPart, Type};
use quadrant_types::TypeId;
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Seen, in_kernel, in_machine};

fn array(bytes: u8, len: u32) -> Type {
    Type::Array { elem: Arc::new(Type::Int { bytes, signed: false }), len }
}

fn record(size: u32) -> Type {
    let record = RecordType { name: "struct x".to_owned(), ctype: TypeId::VOID, size, fields: vec![], variants: None };
    Type::Record(Arc::new(record))
}

/// Two environments with the same bytes at the address in `arg0`.
fn both(script: &Script, bytes: &'static [u8], more: &[u64], check: impl Fn(&Seen)) {
    let words = |addr: u64| [vec![addr], more.to_vec()].concat();
    let mut env = FakeEnv::default();
    env.user.put(0x5000, bytes);
    check(&in_machine(script, env, &[(0, words(0x5000))]));
    in_kernel(script, &[(0, words(bytes.as_ptr() as u64))]).iter().for_each(check);
}

fn addr_of(id: quadrant_program::expr::VarId, ty: &Type) -> Expr {
    expr(ExprKind::AddrOf(Box::new(var(id, ty.clone()))), Type::U64)
}

fn plus(a: Expr, b: Expr) -> Expr {
    binary(BinaryOp::Add, a, b)
}

fn value(seen: &Seen, map: MapId) -> &[u8] {
    &seen.scalars[&map.0].1
}

#[test]
fn records_are_copied_padded_and_read_by_member() {
    let ty = record(13);
    let mut script = Script::new();
    let whole = script.scalar(ty.clone());
    let [byte, word] = [script.scalar(Type::I64), script.scalar(Type::I64)];
    let x = script.var(ty.clone());
    let member = |off, ty: Type| deref(plus(addr_of(x, &record(13)), int(off)), Space::Program, ty);
    script.clause(
        None,
        vec![
            set(x, deref(arg(0), Space::User, ty.clone())),
            set_map(whole, None, var(x, ty.clone())),
            set_map(byte, None, member(12, Type::Int { bytes: 1, signed: true })),
            set_map(word, None, member(4, Type::Int { bytes: 4, signed: false })),
        ],
    );
    both(&script, b"abcdefghijkl\xffxyz", &[], |seen| {
        assert_eq!(value(seen, whole), b"abcdefghijkl\xff\0\0\0");
        assert_eq!((seen.number(byte), seen.number(word)), (Some(u64::MAX), Some(0x6867_6665)));
        assert!(seen.losses.is_empty());
    });
}

#[test]
fn elements_by_an_index_that_is_not_known() {
    for big in [false, true] {
        // Large ones are not on the stack.
        let len = if big { 100 } else { 5 };
        let ty = array(2, len);
        let mut script = Script::new();
        let out = script.scalar(Type::I64);
        let x = script.var(ty.clone());
        let index = binary(BinaryOp::Mul, arg(1), uint(2));
        let element = deref(plus(addr_of(x, &ty), index), Space::Program, Type::Int { bytes: 2, signed: false });
        script.clause(None, vec![set(x, deref(arg(0), Space::User, ty.clone())), set_map(out, None, element)]);
        static BYTES: [u8; 200] = {
            let mut bytes = [0; 200];
            let mut at = 0;
            while at < 200 {
                bytes[at] = at as u8;
                at += 1;
            }
            bytes
        };
        both(&script, &BYTES, &[3], |seen| assert_eq!(seen.number(out), Some(0x0706)));
        for outside in [u64::from(len) + 4, u64::MAX, 1 << 40] {
            both(&script, &BYTES, &[outside], |seen| {
                assert_eq!((seen.number(out), seen.lost(LossKind::Read)), (Some(0), 1));
            });
        }
    }
}

#[test]
fn conversions_between_numbers_and_bytes() {
    let mut script = Script::new();
    let bytes = script.scalar(array(1, 8));
    let numbers: Vec<MapId> = (0..3).map(|_| script.scalar(Type::I64)).collect();
    let here = |ty| deref(arg(0), Space::User, ty);
    let small = script.var(array(1, 4));
    let to_int = |e, bytes, signed| cast(e, Type::Int { bytes, signed });
    script.clause(
        None,
        vec![
            set_map(bytes, None, cast(uint(0x0102_0304_0506_0708), array(1, 8))),
            set(small, here(array(1, 4))),
            set_map(numbers[0], None, to_int(var(small, array(1, 4)), 4, true)),
            set_map(numbers[1], None, to_int(here(array(1, 2)), 8, false)),
            set_map(numbers[2], None, to_int(here(array(1, 6)), 8, false)),
        ],
    );
    let check = |seen: &Seen| {
        assert_eq!(value(seen, bytes), [8, 7, 6, 5, 4, 3, 2, 1]);
        let numbers: Vec<u64> = numbers.iter().filter_map(|map| seen.number(*map)).collect();
        assert_eq!(numbers, [0xffff_ffff_fcfd_feff, 0xfeff, 0xfafb_fcfd_feff]);
    };
    both(&script, b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", &[], check);
}

#[test]
fn addresses_of_machines() {
    let mut script = Script::new();
    let maps: Vec<MapId> = (0..3).map(|_| script.scalar(Type::Inet)).collect();
    let mac = script.scalar(Type::Mac);
    let symbol = script.scalar(Type::Symbol { user: true, part: SymbolPart::Symbol });
    let here = |ty| deref(arg(0), Space::User, ty);
    let ntop = |args| call(Function::Ntop, args, Type::Inet);
    script.clause(
        None,
        vec![
            set_map(maps[0], None, ntop(vec![uint(0x0100_007f)])),
            set_map(maps[1], None, ntop(vec![here(array(1, 16))])),
            set_map(maps[2], None, ntop(vec![arg(1), here(array(1, 4))])),
            set_map(mac, None, call(Function::Mac, vec![here(array(1, 6))], Type::Mac)),
            set_map(
                symbol,
                None,
                call(Function::Symbol, vec![arg(1)], Type::Symbol { user: true, part: SymbolPart::Symbol }),
            ),
        ],
    );
    both(&script, b"0123456789abcdef", &[2], |seen| {
        let family = |family: u64, rest: &[u8]| {
            let mut bytes = family.to_ne_bytes().to_vec();
            bytes.extend(rest);
            bytes.resize(24, 0);
            bytes
        };
        assert_eq!(value(seen, maps[0]), family(2, &[127, 0, 0, 1]));
        assert_eq!(value(seen, maps[1]), family(10, b"0123456789abcdef"));
        assert_eq!(value(seen, maps[2]), family(2, b"0123"));
        assert_eq!(value(seen, mac), b"012345\0\0");
        assert_eq!(value(seen, symbol)[..8], 2u64.to_ne_bytes());
    });
}

#[test]
fn bytes_are_swapped_by_width() {
    let mut script = Script::new();
    let widths = [1u8, 2, 4, 8];
    let maps: Vec<MapId> = widths.iter().map(|_| script.scalar(Type::U64)).collect();
    let swap = |bytes| {
        let ty = Type::Int { bytes, signed: false };
        call(Function::Bswap, vec![expr(ExprKind::Arg(0), ty.clone())], ty)
    };
    script.clause(None, maps.iter().zip(widths).map(|(map, bytes)| set_map(*map, None, swap(bytes))).collect());
    let firings: [Firing; 1] = [(0, vec![0x0102_0304_0506_0708])];
    let check = |seen: Seen| {
        let found: Vec<u64> = maps.iter().filter_map(|map| seen.number(*map)).collect();
        assert_eq!(found, [8, 0x0807, 0x0807_0605, 0x0807_0605_0403_0201]);
    };
    check(in_machine(&script, FakeEnv::default(), &firings));
    in_kernel(&script, &firings).into_iter().for_each(check);
}

#[test]
fn texts_of_arrays_need_no_nul() {
    let mut script = Script::new();
    let maps = [script.scalar(Type::String { cap: 5 }), script.scalar(Type::String { cap: 9 })];
    let here = |len| deref(arg(0), Space::User, array(1, len));
    let kept = script.var(array(1, 8));
    script.clause(
        None,
        vec![
            set_map(maps[0], None, cast(here(4), Type::String { cap: 5 })),
            set(kept, here(8)),
            set_map(maps[1], None, cast(var(kept, array(1, 8)), Type::String { cap: 9 })),
        ],
    );
    both(&script, b"ABCDEFGHIJ", &[], |seen| {
        assert_eq!(value(seen, maps[0]), b"ABCD\0\0\0\0");
        assert_eq!(value(seen, maps[1]), b"ABCDEFGH\0\0\0\0\0\0\0\0");
        assert!(seen.losses.is_empty());
    });
}

#[test]
fn wider_texts_and_tuples_hold_narrower_ones() {
    let wide = Type::Tuple([Type::String { cap: 32 }, Type::U64].into());
    let narrow = Type::Tuple([Type::String { cap: 4 }, Type::U64].into());
    let mut script = Script::new();
    let map = script.keyed(wide.clone(), Type::Tuple([Type::String { cap: 40 }, Type::U64].into()));
    let kept = script.var(narrow.clone());
    let literal = expr(ExprKind::Tuple(vec![text("abc"), arg(0)]), wide.clone());
    script.clause(
        None,
        vec![set(kept, tuple(vec![text("abc"), arg(0)])), set_map(map, Some(literal), var(kept, narrow.clone()))],
    );
    let check = |seen: Seen| {
        let (key, value) = seen.maps[&map.0].first_key_value().expect("one entry");
        assert_eq!((key.len(), &key[..4], &key[32..]), (40, &b"abc\0"[..], &6u64.to_ne_bytes()[..]));
        assert_eq!((value.len(), &value[..4], &value[40..]), (48, &b"abc\0"[..], &6u64.to_ne_bytes()[..]));
        assert!(key[4..32].iter().chain(&value[4..40]).all(|byte| *byte == 0));
    };
    check(in_machine(&script, FakeEnv::default(), &[(0, vec![6])]));
    in_kernel(&script, &[(0, vec![6])]).into_iter().for_each(check);
}

#[test]
fn a_choice_between_texts() {
    let ty = Type::String { cap: 24 };
    let mut script = Script::new();
    let map = script.scalar(ty.clone());
    let choice = ExprKind::Ternary {
        cond: Box::new(arg(1)),
        then: Box::new(user_str(arg(0), 24)),
        other: Box::new(text("other")),
    };
    script.clause(None, vec![set_map(map, None, expr(choice, ty))]);
    both(&script, b"first\0", &[1], |seen| assert_eq!(&value(seen, map)[..8], b"first\0\0\0"));
    both(&script, b"first\0", &[0], |seen| assert_eq!(&value(seen, map)[..8], b"other\0\0\0"));
}

#[test]
fn scalars_with_an_address() {
    let mut script = Script::new();
    let out = script.scalar(Type::I64);
    let x = script.var(Type::I64);
    let through = deref(addr_of(x, &Type::I64), Space::Program, Type::I64);
    script.clause(None, vec![set(x, sarg(0)), set_map(out, None, through)]);
    let check = |seen: Seen| assert_eq!(seen.number(out), Some(42));
    check(in_machine(&script, FakeEnv::default(), &[(0, vec![42])]));
    in_kernel(&script, &[(0, vec![42])]).into_iter().for_each(check);
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let mut script = Script::new();
    let map = script.aggregation(Some(Type::String { cap: 300 }), quadrant_program::map::Aggregation::Hist { bits: 3 });
    let record = script.record(&[Type::String { cap: 300 }, Type::U64]);
    script.clause(
        None,
        vec![feed(map, Some(user_str(arg(0), 300)), Some(arg(1))), emit(record, vec![user_str(arg(0), 300), arg(1)])],
    );
    let bytes = |object: &Object| -> Vec<quadrant_bpf::insn::Insn> {
        object.programs.iter().flat_map(|code| code.insns.clone()).collect()
    };
    let objects =
        [(); 2].map(|()| quadrant_codegen::compile(&script.program, &script.units, &target()).expect("compiles"));
    assert_eq!(bytes(&objects[0]), bytes(&objects[1]));
    assert_eq!((&objects[0].maps, &objects[0].data), (&objects[1].maps, &objects[1].data));
}
