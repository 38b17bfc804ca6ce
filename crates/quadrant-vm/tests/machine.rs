//! The machine, one instruction or helper at a time.

use quadrant_bpf::helper;
use quadrant_bpf::insn::{Alu, Atomic, Cond, Insn, Reg, Size};
use quadrant_bpf::map::{MapKind, MapSpec};
use quadrant_vm::{FakeEnv, Outcome, Vm, VmError, VmErrorKind, Walks};

use Reg::{R0, R1, R2, R3, R4, R5, R6, R10};

fn vm() -> Vm<FakeEnv> {
    Vm::new(FakeEnv { tick: 0, ..FakeEnv::default() }, 2)
}

fn run(insns: &[Insn]) -> Result<u64, VmErrorKind> {
    result(vm().run(insns, &[1, 2, 3, 4, 5, 6, 7, 8]))
}

fn result(outcome: Result<Outcome, VmError>) -> Result<u64, VmErrorKind> {
    outcome.map(|outcome| outcome.r0).map_err(|error| error.kind)
}

/// `r0 = a op b` by register and by constant, 64 bits.
fn alu64(op: Alu, a: u64, b: i32) -> u64 {
    let [low, high] = Insn::ld_imm64(R0, a);
    let by_register =
        run(&[low, high, Insn::mov64_imm(R1, b), Insn::alu64_reg(op, R0, R1), Insn::exit()]).expect("by register");
    if b != 0 || !matches!(op, Alu::Div | Alu::Mod | Alu::Sdiv | Alu::Smod) {
        assert_eq!(run(&[low, high, Insn::alu64_imm(op, R0, b), Insn::exit()]), Ok(by_register), "{op:?} {a} {b}");
    }
    by_register
}

fn alu32(op: Alu, a: u64, b: i32) -> u64 {
    let [low, high] = Insn::ld_imm64(R0, a);
    run(&[low, high, Insn::mov64_imm(R1, b), Insn::alu32_reg(op, R0, R1), Insn::exit()]).expect("by register")
}

#[test]
fn arithmetic_of_64_bits() {
    assert_eq!(alu64(Alu::Add, u64::MAX, 2), 1);
    assert_eq!(alu64(Alu::Sub, 0, 1), u64::MAX);
    assert_eq!(alu64(Alu::Mul, 1 << 63, 2), 0);
    assert_eq!(alu64(Alu::Div, u64::MAX, 16), u64::MAX / 16);
    assert_eq!(alu64(Alu::Div, 5, 0), 0);
    assert_eq!(alu64(Alu::Mod, 5, 0), 5);
    assert_eq!(alu64(Alu::Mod, u64::MAX, -2), 1);
    assert_eq!(alu64(Alu::Sdiv, -7i64 as u64, 2), -3i64 as u64);
    assert_eq!(alu64(Alu::Smod, -7i64 as u64, 2), -1i64 as u64);
    assert_eq!(alu64(Alu::Sdiv, i64::MIN as u64, -1), i64::MIN as u64);
    assert_eq!(alu64(Alu::Arsh, -8i64 as u64, 1), -4i64 as u64);
    assert_eq!(alu64(Alu::Rsh, -8i64 as u64, 60), 15);
    assert_eq!(alu64(Alu::Xor, 0xff, -1), !0xff);
}

#[test]
fn arithmetic_of_32_bits_clears_the_upper_half() {
    assert_eq!(alu32(Alu::Add, 0xffff_ffff_ffff_ffff, 1), 0);
    assert_eq!(alu32(Alu::Mov, 0, -1), 0xffff_ffff);
    assert_eq!(alu32(Alu::Arsh, 0x8000_0000, 31), 0xffff_ffff);
    assert_eq!(alu32(Alu::Mod, 0x1_0000_0005, 0), 5);
    assert_eq!(alu32(Alu::Sdiv, 0xffff_fff9, 2), 0xffff_fffd);
}

#[test]
fn extensions_and_swaps() {
    let [low, high] = Insn::ld_imm64(R1, 0x0123_4567_89ab_cdef);
    let unary = |insn: Insn| run(&[low, high, Insn::mov64(R0, R1), insn, Insn::exit()]);
    assert_eq!(unary(Insn::movsx64(R0, R1, 8)), Ok(0xef_u8 as i8 as u64));
    assert_eq!(unary(Insn::movsx64(R0, R1, 32)), Ok(0x89ab_cdef_u32 as i32 as u64));
    assert_eq!(unary(Insn::movsx32(R0, R1, 16)), Ok(0xffff_cdef));
    assert_eq!(unary(Insn::bswap(R0, 32)), Ok(0xefcd_ab89));
    assert_eq!(unary(Insn::to_be(R0, 64)), Ok(0x0123_4567_89ab_cdef_u64.to_be()));
    assert_eq!(unary(Insn::to_le(R0, 16)), Ok(0xcdef_u16.to_le().into()));
    assert_eq!(unary(Insn::neg64(R0)), Ok(0x0123_4567_89ab_cdef_u64.wrapping_neg()));
}

#[test]
fn jumps_compare_in_their_width() {
    let taken = |insn: Insn| {
        let [low, high] = Insn::ld_imm64(R1, 0x1_ffff_ffff);
        run(&[low, high, Insn::mov64_imm(R0, 1), insn, Insn::mov64_imm(R0, 0), Insn::exit()]) == Ok(1)
    };
    assert!(taken(Insn::jmp_imm(Cond::Gt, R1, 5, 1)));
    assert!(!taken(Insn::jmp_imm(Cond::Eq, R1, -1, 1)));
    assert!(taken(Insn::jmp32_imm(Cond::Eq, R1, -1, 1)));
    assert!(taken(Insn::jmp32_imm(Cond::Slt, R1, 0, 1)));
    assert!(!taken(Insn::jmp_imm(Cond::Slt, R1, 0, 1)));
    assert!(taken(Insn::jmp_imm(Cond::Set, R1, 1, 1)));
    assert!(taken(Insn::ja(1)));
    assert!(taken(Insn::ja32(1)));
}

#[test]
fn atomics() {
    let atomic = |insn: Insn| {
        let mut vm = vm();
        let map = vm.add_map(MapSpec::new(MapKind::Array, 4, 8, 1));
        vm.update(map, &[0; 4], &5u64.to_ne_bytes(), 0);
        let [low, high] = Insn::ld_map_value(R1, map, 0);
        let code = [low, high, Insn::mov64_imm(R2, 3), Insn::mov64_imm(R0, 5), insn, Insn::mov64(R3, R2), Insn::exit()];
        let r0 = result(vm.run(&code, &[])).expect("runs");
        (r0, vm.lookup(map, &[0; 4], 0).map(|value| u64::from_ne_bytes(value.try_into().expect("8 bytes"))))
    };
    assert_eq!(atomic(Insn::atomic(Atomic::Add, Size::Dw, R1, 0, R2)), (5, Some(8)));
    assert_eq!(atomic(Insn::atomic_fetch(Atomic::Xor, Size::W, R1, 0, R2)), (5, Some(6)));
    assert_eq!(atomic(Insn::xchg(Size::Dw, R1, 0, R2)), (5, Some(3)));
    assert_eq!(atomic(Insn::cmpxchg(Size::Dw, R1, 0, R2)), (5, Some(3)));
    assert_eq!(atomic(Insn::atomic_fetch(Atomic::Or, Size::Dw, R1, 0, R0)), (5, Some(5)));
}

#[test]
fn bad_accesses_are_found() {
    let load = |off: i16| run(&[Insn::ldx(Size::Dw, R0, R1, off), Insn::exit()]);
    assert_eq!(load(0), Ok(u64::from_ne_bytes([1, 2, 3, 4, 5, 6, 7, 8])));
    assert!(matches!(load(1), Err(VmErrorKind::BadAccess(_, 8))));
    assert!(matches!(load(-1), Err(VmErrorKind::BadAccess(..))));
    assert!(matches!(run(&[Insn::st(Size::B, R1, 0, 1), Insn::exit()]), Err(VmErrorKind::ReadOnly(_))));
    let null = [Insn::mov64_imm(R1, 0), Insn::ldx(Size::W, R0, R1, 16), Insn::exit()];
    assert_eq!(run(&null), Err(VmErrorKind::NullAccess(16, 4)));
    let half = [Insn::st(Size::W, R10, -8, 1), Insn::ldx(Size::Dw, R0, R10, -8), Insn::exit()];
    assert!(matches!(run(&half), Err(VmErrorKind::Uninitialized(_))));
    assert!(matches!(run(&[Insn::mov64(R0, R6), Insn::exit()]), Err(VmErrorKind::Uninitialized(_))));
    assert!(matches!(run(&[Insn::mov64_imm(R10, 0), Insn::exit()]), Err(VmErrorKind::FramePointer)));
    assert_eq!(run(&[Insn::mov64_imm(R0, 0)]), Err(VmErrorKind::BadJump(1)));
    assert_eq!(run(&[Insn::ja(-2)]), Err(VmErrorKind::BadJump(-1)));
    assert_eq!(run(&[Insn::ja(-1)]), Err(VmErrorKind::OutOfBudget));
    assert_eq!(run(&[Insn::call_helper(9999), Insn::exit()]), Err(VmErrorKind::UnknownFunction(9999)));
    let divided = [Insn::mov64_imm(R0, 0), Insn::alu64_imm(Alu::Div, R0, 0), Insn::exit()];
    assert!(matches!(run(&divided), Err(VmErrorKind::BadArgument(_))));
}

#[test]
fn calls_clobber_and_keep_registers_as_the_kernel_does() {
    let clobbered = [Insn::call_helper(helper::GET_CURRENT_PID_TGID), Insn::mov64(R0, R1), Insn::exit()];
    assert!(matches!(run(&clobbered), Err(VmErrorKind::Uninitialized(_))));
    let function = [
        Insn::mov64_imm(R6, 40),
        Insn::mov64_imm(R1, 2),
        Insn::call_func(2),
        Insn::alu64_reg(Alu::Add, R0, R6),
        Insn::exit(),
        Insn::mov64_imm(R6, 0),
        Insn::mov64(R0, R1),
        Insn::exit(),
    ];
    assert_eq!(run(&function), Ok(42));
    assert_eq!(run(&[Insn::call_func(-1), Insn::exit()]), Err(VmErrorKind::TooDeep));
}

/// Key at r10 - 8, value at r10 - 16, then `update`.
fn update(map: i32, key: i32, value: i32, flags: i32) -> Vec<Insn> {
    let [low, high] = Insn::ld_map_fd(R1, map);
    vec![
        Insn::st(Size::Dw, R10, -8, key),
        Insn::st(Size::Dw, R10, -16, value),
        low,
        high,
        Insn::mov64(R2, R10),
        Insn::alu64_imm(Alu::Add, R2, -8),
        Insn::mov64(R3, R10),
        Insn::alu64_imm(Alu::Add, R3, -16),
        Insn::mov64_imm(R4, flags),
        Insn::call_helper(helper::MAP_UPDATE_ELEM),
        Insn::exit(),
    ]
}

#[test]
fn update_flags_and_capacity() {
    let mut vm = vm();
    let map = vm.add_map(MapSpec::new(MapKind::Hash, 8, 8, 2));
    let mut go = |key, value, flags| result(vm.run(&update(map, key, value, flags), &[])).map(|r0| r0 as i64);
    assert_eq!(go(1, 10, 2), Ok(-2), "ENOENT");
    assert_eq!(go(1, 10, 1), Ok(0));
    assert_eq!(go(1, 11, 1), Ok(-17), "EEXIST");
    assert_eq!(go(1, 12, 0), Ok(0));
    assert_eq!(go(2, 20, 0), Ok(0));
    assert_eq!(go(3, 30, 0), Ok(-7), "E2BIG");
    assert_eq!(go(3, 30, 9), Ok(-22), "EINVAL");
    assert_eq!(vm.lookup(map, &1u64.to_ne_bytes(), 0), Some(12u64.to_ne_bytes().to_vec()));
    assert!(vm.delete(map, &1u64.to_ne_bytes()));
    assert_eq!(vm.keys(map), [2u64.to_ne_bytes()]);
}

#[test]
fn lru_drops_the_oldest() {
    let mut vm = vm();
    let map = vm.add_map(MapSpec::new(MapKind::LruHash, 8, 8, 2));
    for key in 1..4 {
        assert_eq!(result(vm.run(&update(map, key, 0, 0), &[])), Ok(0));
    }
    assert_eq!(vm.keys(map), [2u64.to_ne_bytes(), 3u64.to_ne_bytes()]);
}

#[test]
fn each_processor_has_its_value() {
    let mut vm = vm();
    let map = vm.add_map(MapSpec::new(MapKind::PercpuHash, 8, 8, 4));
    for cpu in [0, 1] {
        vm.env.cpu = cpu;
        assert_eq!(result(vm.run(&update(map, 7, cpu as i32 + 1, 0), &[])), Ok(0));
    }
    assert_eq!(vm.lookup_all(map, &7u64.to_ne_bytes()), [1u64.to_ne_bytes(), 2u64.to_ne_bytes()]);
}

/// `r1 = map; r2 = len; r3 = 0; r0 = reserve`
fn reserve(map: i32, len: i32) -> Vec<Insn> {
    let [low, high] = Insn::ld_map_fd(R1, map);
    vec![low, high, Insn::mov64_imm(R2, len), Insn::mov64_imm(R3, 0), Insn::call_helper(helper::RINGBUF_RESERVE)]
}

fn end(which: u32) -> [Insn; 5] {
    [Insn::mov64(R1, R6), Insn::mov64_imm(R2, 0), Insn::call_helper(which), Insn::mov64_imm(R0, 0), Insn::exit()]
}

#[test]
fn records_are_reserved_filled_and_submitted() {
    let mut vm = vm();
    let map = vm.add_map(MapSpec::new(MapKind::RingBuffer, 0, 0, 64));
    let mut code = reserve(map, 12);
    code.extend([Insn::jmp_imm(Cond::Ne, R0, 0, 2), Insn::mov64_imm(R0, 1), Insn::exit(), Insn::mov64(R6, R0)]);
    code.push(Insn::st(Size::Dw, R6, 0, 7));
    code.extend(end(helper::RINGBUF_SUBMIT));
    assert_eq!(result(vm.run(&code, &[])), Ok(0));
    assert_eq!(result(vm.run(&code, &[])), Ok(0));
    assert_eq!(result(vm.run(&code, &[])), Ok(1), "24 bytes each: two fit in 64");
    let record = [7, 0, 0, 0, 0, 0, 0, 0, 0xa5, 0xa5, 0xa5, 0xa5].to_vec();
    assert_eq!(vm.take_records(map), [record.clone(), record]);
    assert_eq!(result(vm.run(&code, &[])), Ok(0), "room again");
}

#[test]
fn reservations_must_end() {
    let mut vm = vm();
    let map = vm.add_map(MapSpec::new(MapKind::RingBuffer, 0, 0, 4096));
    let mut leak = reserve(map, 8);
    leak.push(Insn::exit());
    assert_eq!(result(vm.run(&leak, &[])), Err(VmErrorKind::LeakedReservations(1)));
    let mut discard = reserve(map, 8);
    discard.push(Insn::mov64(R6, R0));
    discard.extend(end(helper::RINGBUF_DISCARD));
    assert_eq!(result(vm.run(&discard, &[])), Ok(0));
    assert!(vm.take_records(map).is_empty());
    let mut twice = reserve(map, 8);
    twice.push(Insn::mov64(R6, R0));
    twice.extend(&end(helper::RINGBUF_SUBMIT)[..3]);
    twice.extend(end(helper::RINGBUF_SUBMIT));
    assert!(matches!(result(vm.run(&twice, &[])), Err(VmErrorKind::BadArgument(_))));
}

/// Probe-reads from `src` to r10 - 16.
fn probe(which: u32, len: i32, src: u64) -> Vec<Insn> {
    let [low, high] = Insn::ld_imm64(R3, src);
    vec![
        Insn::mov64(R1, R10),
        Insn::alu64_imm(Alu::Add, R1, -16),
        Insn::mov64_imm(R2, len),
        low,
        high,
        Insn::call_helper(which),
        Insn::jmp_imm(Cond::Slt, R0, 0, 1),
        Insn::ldx(Size::B, R0, R10, -16),
        Insn::exit(),
    ]
}

#[test]
fn probes_fault_where_nothing_is() {
    let mut vm = vm();
    vm.env.user.put(0x1000, *b"abc\0");
    vm.env.absent.put(0x2000, *b"xyz\0");
    vm.env.kernel.put(0xffff_0000_0000_0000, [9]);
    let mut go = |which, len, src| result(vm.run(&probe(which, len, src), &[])).map(|r0| r0 as i64);
    assert_eq!(go(helper::PROBE_READ_USER, 4, 0x1000), Ok(b'a'.into()));
    assert_eq!(go(helper::PROBE_READ_USER, 5, 0x1000), Ok(-14));
    assert_eq!(go(helper::PROBE_READ_USER, 4, 0x2000), Ok(-14));
    assert_eq!(go(helper::COPY_FROM_USER, 4, 0x2000), Ok(b'x'.into()));
    assert_eq!(go(helper::PROBE_READ_KERNEL, 1, 0xffff_0000_0000_0000), Ok(9));
    assert_eq!(go(helper::PROBE_READ_KERNEL, 1, 0x1000), Ok(-14));
    assert_eq!(go(helper::PROBE_READ_USER_STR, 16, 0x1000), Ok(b'a'.into()));
    assert_eq!(go(helper::PROBE_READ_USER_STR, 16, 0), Ok(-14));
}

#[test]
fn strings_end_with_a_zero_even_when_cut() {
    let mut vm = vm();
    vm.env.user.put(0x1000, *b"abcdef\0");
    for (len, expected) in [(16, 7), (4, 4), (1, 1)] {
        let mut code = probe(helper::PROBE_READ_USER_STR, len, 0x1000);
        code.splice(6..8, []);
        assert_eq!(result(vm.run(&code, &[])), Ok(expected));
    }
}

#[test]
fn loops_call_back_until_told_to_stop() {
    // The callback adds its index to *ctx and stops at index 3.
    let looped = |rounds: i32| {
        let [low, high] = Insn::ld_func(R2, 10);
        let code = [
            Insn::st(Size::Dw, R10, -8, 0),
            Insn::mov64_imm(R1, rounds),
            low,
            high,
            Insn::mov64(R3, R10),
            Insn::alu64_imm(Alu::Add, R3, -8),
            Insn::mov64_imm(R4, 0),
            Insn::call_helper(helper::LOOP),
            Insn::mov64(R6, R0),
            Insn::ldx(Size::Dw, R0, R10, -8),
            Insn::alu64_imm(Alu::Lsh, R6, 32),
            Insn::alu64_reg(Alu::Or, R0, R6),
            Insn::exit(),
            Insn::atomic(Atomic::Add, Size::Dw, R2, 0, R1),
            Insn::mov64_imm(R0, 0),
            Insn::jmp_imm(Cond::Ne, R1, 3, 1),
            Insn::mov64_imm(R0, 1),
            Insn::exit(),
        ];
        run(&code)
    };
    assert_eq!(looped(0), Ok(0));
    assert_eq!(looped(3), Ok(3 << 32 | 3));
    assert_eq!(looped(100), Ok(4 << 32 | 6));
}

#[test]
fn maps_are_walked() {
    let mut vm = vm();
    let map = vm.add_map(MapSpec::new(MapKind::Hash, 8, 8, 8));
    for key in 1..5u64 {
        vm.update(map, &key.to_ne_bytes(), &(key * 10).to_ne_bytes(), 0);
    }
    let [m0, m1] = Insn::ld_map_fd(R1, map);
    let [f0, f1] = Insn::ld_func(R2, 7);
    let code = [
        Insn::st(Size::Dw, R10, -8, 0),
        m0,
        m1,
        f0,
        f1,
        Insn::mov64(R3, R10),
        Insn::alu64_imm(Alu::Add, R3, -8),
        Insn::mov64_imm(R4, 0),
        Insn::call_helper(helper::FOR_EACH_MAP_ELEM),
        Insn::ldx(Size::Dw, R0, R10, -8),
        Insn::exit(),
        Insn::ldx(Size::Dw, R5, R3, 0),
        Insn::atomic(Atomic::Add, Size::Dw, R4, 0, R5),
        Insn::mov64_imm(R0, 0),
        Insn::exit(),
    ];
    assert_eq!(result(vm.run(&code, &[])), Ok(100));
}

/// Two walks, one after the other, over a map with the keys 1 to 4: each round puts its key behind the digits of those before.
fn walked_twice(walks: Walks) -> (Result<u64, VmErrorKind>, Option<u64>) {
    let mut vm = vm();
    vm.walks = walks;
    let map = vm.add_map(MapSpec::new(MapKind::Hash, 8, 8, 8));
    for key in 1..5u64 {
        vm.update(map, &key.to_ne_bytes(), &[0; 8], 0);
    }
    let walk = |behind: i32| {
        let [m0, m1] = Insn::ld_map_fd(R1, map);
        let [f0, f1] = Insn::ld_func(R2, behind);
        let [ctx, add] = [Insn::mov64(R3, R10), Insn::alu64_imm(Alu::Add, R3, -8)];
        [m0, m1, f0, f1, ctx, add, Insn::mov64_imm(R4, 7), Insn::call_helper(helper::FOR_EACH_MAP_ELEM)]
    };
    let round = [
        Insn::ldx(Size::Dw, R5, R4, 0),
        Insn::alu64_imm(Alu::Mul, R5, 10),
        Insn::ldx(Size::Dw, R2, R2, 0),
        Insn::alu64_reg(Alu::Add, R5, R2),
        Insn::stx(Size::Dw, R4, 0, R5),
        Insn::mov64_imm(R0, 0),
        Insn::exit(),
    ];
    let end = [Insn::ldx(Size::Dw, R0, R10, -8), Insn::exit()];
    let start = [Insn::st(Size::Dw, R10, -8, 0)];
    let code = [&start[..], &walk(15), &walk(7), &end, &round].concat();
    (result(vm.run(&code, &[])), vm.walks.astray)
}

#[test]
fn walks_go_as_is_said_and_each_as_it_went() {
    let said = |keys: &[u64]| {
        let rounds = keys.iter().map(|key| vec![(9, vec![0]), (0, key.to_ne_bytes().to_vec())]).collect();
        Walks { have_numbers: true, rounds: [(7, rounds)].into(), astray: None }
    };
    assert_eq!(walked_twice(Walks::default()), (Ok(0), None), "flags that no kernel takes");
    assert_eq!(walked_twice(Walks { have_numbers: true, ..Walks::default() }), (Ok(12_341_234), None));
    assert_eq!(walked_twice(said(&[3, 1, 4, 2, 2, 1, 3, 4])), (Ok(31_422_134), None));
    for astray in [&[3, 9, 1][..], &[3, 1, 4, 2], &[3, 1, 3, 4], &[]] {
        assert_eq!(walked_twice(said(astray)).1, Some(7), "{astray:?}");
    }
}

#[test]
fn comm_and_strncmp() {
    let mut vm = vm();
    vm.env.comm = b"cat".to_vec();
    vm.env.kernel.put(0xffff_0000_0000_0000, *b"unused");
    let map = vm.add_map(MapSpec::new(MapKind::Array, 4, 8, 1));
    vm.update(map, &[0; 4], b"cat\0zzzz", 0);
    let [low, high] = Insn::ld_map_value(R3, map, 0);
    let code = [
        Insn::mov64(R1, R10),
        Insn::alu64_imm(Alu::Add, R1, -16),
        Insn::mov64_imm(R2, 16),
        Insn::call_helper(helper::GET_CURRENT_COMM),
        Insn::mov64(R1, R10),
        Insn::alu64_imm(Alu::Add, R1, -16),
        Insn::mov64_imm(R2, 16),
        low,
        high,
        Insn::call_helper(helper::STRNCMP),
        Insn::exit(),
    ];
    assert_eq!(result(vm.run(&code, &[])), Ok(0));
    vm.env.comm = b"cats".to_vec();
    assert_eq!(result(vm.run(&code, &[])), Ok(u64::from(b's')));
}
