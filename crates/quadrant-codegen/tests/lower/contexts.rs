//! Every kind of context: what programs see of it, and that the kernel takes programs that use it.

use std::collections::BTreeMap;

use quadrant_bpf::features::Features;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::{Context, LossKind, MapRole, RawRead};
use quadrant_program::expr::{BinaryOp, Builtin, Clock, Expr, ExprKind, Function};
use quadrant_program::layout::{SHORT_STACK, STACK_EMPTY, STACK_IS_SHORT, STACK_LOST};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::probe::{ArgLoc, KernelCode, Operand, Site};
use quadrant_program::ty::{Space, StackMode, StackType, Type};
use quadrant_vm::{FakeEnv, FakeMemory};

use crate::build::*;
use crate::engine::{Kernel, Seen, in_kernel, in_machine, limited};

fn field(offset: u32, ty: Type) -> Expr {
    deref(expr(ExprKind::ContextAddr(offset), Type::U64), Space::Context, ty)
}

fn ty(bytes: u8, signed: bool) -> Type {
    Type::Int { bytes, signed }
}

/// A clause that stores values in maps, in order.
fn storing(script: &mut Script, context: Context, values: Vec<Expr>) -> Vec<MapId> {
    let maps: Vec<MapId> = values.iter().map(|value| script.scalar(value.ty.clone())).collect();
    let body = maps.iter().zip(values).map(|(map, value)| set_map(*map, None, value)).collect();
    script.clause_in(context, None, body);
    maps
}

fn numbers(seen: &Seen, maps: &[MapId]) -> Vec<u64> {
    maps.iter().map(|map| seen.number(*map).unwrap_or(0xdead)).collect()
}

#[test]
fn fields_of_a_record() {
    let mut script = Script::new();
    let values = vec![
        field(8, Type::U64),
        field(16, ty(4, true)),
        field(20, ty(2, false)),
        field(22, ty(1, true)),
        field(28, Type::U64),
        deref(expr(ExprKind::DataLoc { offset: 24, relative: false }, Type::U64), Space::Kernel, ty(2, false)),
    ];
    let maps = storing(&mut script, Context::Tracepoint, values);
    let record: [u64; 6] = [0, 7, 0x00ff_1234_ffff_fffe, 0xaaaa_aaaa_0002_0024, 0x5566_bbbb_bbbb, 0];
    let mut bytes: Vec<u8> = record.iter().flat_map(|word| word.to_ne_bytes()).collect();
    bytes.truncate(48);
    let words: Vec<u64> = bytes.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().expect("8 bytes"))).collect();
    let seen = in_machine(&script, FakeEnv::default(), &[(0, words)]);
    let expected = [7, -2i64 as u64, 0x1234, -1i64 as u64, 0xbbbb_bbbb_aaaa_aaaa, 0x5566];
    assert_eq!(numbers(&seen, &maps), expected);
    Kernel::new(&script);
}

#[test]
fn what_cannot_be_seen_of_a_record_is_an_error() {
    let mut script = Script::new();
    storing(&mut script, Context::Tracepoint, vec![field(4, ty(4, true))]);
    let error = quadrant_codegen::compile(&script.program, &script.units, &target()).expect_err("hidden");
    assert!(error.to_string().contains("pid"), "{error}");
}

#[test]
fn a_record_made_of_raw_arguments() {
    let reads = BTreeMap::from([(8, RawRead::Arg(1)), (16, RawRead::SyscallArg(2)), (24, RawRead::Arg(3))]);
    let mut script = Script::new();
    let values = vec![field(8, ty(4, true)), field(16, Type::U64), field(24, ty(1, false))];
    let maps = storing(&mut script, Context::RawTracepoint(reads), values);
    let mut memory = FakeMemory::default();
    let at = 0xffff_0000_2000_0000u64;
    memory.put(at + u64::from(target().arch.syscall_arguments[2]), 77u64.to_ne_bytes());
    let env = FakeEnv { kernel: memory, ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![at, 0xffff_ffff, 0, 0x1ff])]);
    assert_eq!(numbers(&seen, &maps), [-1i64 as u64, 77, 0xff]);
    Kernel::new(&script);
}

/// Registers of a system call of a program of 64 bits.
fn registers(number: u64) -> FakeMemory {
    let arch = target().arch;
    let mut memory = FakeMemory::default();
    let mut bytes = vec![0; 512];
    for (at, register) in arch.syscall_arguments.iter().enumerate() {
        bytes[usize::from(*register)..][..8].copy_from_slice(&(100 + at as u64).to_ne_bytes());
    }
    bytes[usize::from(arch.syscall_number)..][..4].copy_from_slice(&(number as u32).to_ne_bytes());
    memory.put(REGISTERS, bytes);
    memory
}

const REGISTERS: u64 = 0xffff_0000_2000_0000;

fn syscalls(exit: bool) -> (Script, Vec<MapId>, MapId) {
    let mut script = Script::new();
    let points = BTreeMap::from([(0, 0), (257, 1), (334, 2)]);
    let second = if exit { field(16, Type::I64) } else { field(24, Type::U64) };
    let values = vec![field(8, ty(4, true)), second, builtin(Builtin::Point)];
    let maps = storing(&mut script, Context::Syscalls { exit, points, btf_id: None }, values);
    let by_point = script.aggregation(Some(Type::ProbeName), Aggregation::Count);
    script.clause(None, vec![]);
    script.program.clauses[1].body = vec![feed(by_point, Some(builtin(Builtin::Point)), None)];
    script.merge_last();
    let extra = [script.point(Site::Begin), script.point(Site::Begin)];
    let first = script.units[0].points[0];
    // Not in the order of their numbers.
    script.units[0].points = vec![first, extra[1], extra[0]];
    (script, maps, by_point)
}

#[test]
fn system_calls_by_number() {
    let (script, maps, by_point) = syscalls(false);
    let run = |number: u64| {
        let env = FakeEnv { kernel: registers(number), ..FakeEnv::default() };
        in_machine(&script, env, &[(0, vec![REGISTERS, number])])
    };
    assert_eq!(numbers(&run(257), &maps), [257, 101, 3]);
    assert_eq!(numbers(&run(0), &maps), [0, 101, 0]);
    assert_eq!(run(334).at(by_point, 2), Some(1));
    for number in [1, 258, 335, 9999, u64::MAX] {
        assert_eq!(numbers(&run(number), &maps), [0xdead; 3]);
    }
    Kernel::new(&script);
}

#[test]
fn returns_of_system_calls_by_number() {
    let (script, maps, _) = syscalls(true);
    let env = FakeEnv { kernel: registers(257), ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![REGISTERS, -13i64 as u64])]);
    assert_eq!(numbers(&seen, &maps), [257, -13i64 as u64, 3]);
    Kernel::new(&script);
}

#[test]
fn system_calls_of_32_bit_programs_are_left_out() {
    let (script, maps, _) = syscalls(false);
    let arch = target().arch;
    let Some(compat) = &arch.compat else { return };
    let mut memory = registers(257);
    let mut bytes = [0; 512];
    memory.read(REGISTERS, &mut bytes);
    bytes[usize::from(compat.register)..][..4].copy_from_slice(&compat.value.to_ne_bytes());
    memory.put(REGISTERS, bytes);
    let env = FakeEnv { kernel: memory, ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![REGISTERS, 257])]);
    assert_eq!(numbers(&seen, &maps), [0xdead; 3]);
}

fn described(operand: Operand, bytes: u8, signed: bool) -> Expr {
    expr(ExprKind::ArgAt(ArgLoc { bytes, signed, float: false, operand }), if signed { Type::I64 } else { Type::U64 })
}

#[test]
fn registers_and_described_arguments() {
    let arch = target().arch;
    let [base, index] = [arch.arguments[0], arch.arguments[1]];
    let memory = Operand::Mem { base: Some(base), index: Some(index), scale: 4, disp: -8, narrow: false };
    // Of 32 bits, an index of 0xffffffff is -1.
    let narrow = Operand::Mem { base: None, index: Some(arch.return_value), scale: 4, disp: 0x1010, narrow: true };
    let values = vec![
        expr(ExprKind::Arg(0), Type::U64),
        expr(ExprKind::Arg(1), ty(1, true)),
        expr(ExprKind::Arg(7), Type::U64),
        expr(ExprKind::Retval, Type::U64),
        expr(ExprKind::Reg(arch.instruction_pointer), Type::U64),
        described(Operand::Const(-1), 4, true),
        described(Operand::Reg { reg: index, shift: 8 }, 1, false),
        described(memory, 2, true),
        described(narrow, 4, false),
    ];
    let mut script = Script::new();
    let maps = storing(&mut script, Context::Registers, values);
    let mut words = vec![0u64; 40];
    let mut set = |register: u16, value: u64| words[usize::from(register) / 8] = value;
    set(base, 0x1000);
    set(index, 0x2ff);
    set(arch.return_value, 0xffff_ffff);
    set(arch.instruction_pointer, 0x4000);
    set(arch.stack_pointer, 0x7000);
    let mut env = FakeEnv::default();
    env.user.put(0x1000 + 4 * 0x2ff - 8, [0xfe, 0xff]);
    env.user.put(0x7000 + 8 + 8, 5u64.to_ne_bytes());
    env.user.put(0x100c, 9u32.to_ne_bytes());
    let seen = in_machine(&script, env, &[(0, words)]);
    if arch.name == "x86_64" {
        let expected = [0x1000, -1i64 as u64, 5, 0xffff_ffff, 0x4000, -1i64 as u64, 2, -2i64 as u64, 9];
        assert_eq!(numbers(&seen, &maps), expected);
    }
    Kernel::new(&script);
}

#[test]
fn an_argument_out_of_reach_is_an_error() {
    let mut script = Script::new();
    storing(&mut script, Context::Registers, vec![described(Operand::Unavailable, 8, false)]);
    assert!(quadrant_codegen::compile(&script.program, &script.units, &target()).is_err());
}

fn all_builtins(tai: bool) -> Vec<Expr> {
    let clocks = [Clock::Monotonic, Clock::Boot, Clock::Tai, Clock::SoftwareTai];
    let clocks = clocks.into_iter().filter(|clock| tai || *clock != Clock::Tai);
    let mut all: Vec<Builtin> = clocks.map(Builtin::Nsecs).collect();
    all.extend([
        Builtin::Pid,
        Builtin::Tid,
        Builtin::Uid,
        Builtin::Gid,
        Builtin::Elapsed,
        Builtin::Cpu,
        Builtin::Ncpus,
        Builtin::Cgroup,
        Builtin::Curtask,
        Builtin::Rand,
        Builtin::NumaNode,
        Builtin::Jiffies,
        Builtin::Point,
        Builtin::Context,
    ]);
    all.into_iter().map(builtin).collect()
}

fn stack(user: bool) -> Expr {
    let ty = Type::Stack(StackType { user, limit: 20, mode: StackMode::Raw });
    call(Function::Stack, vec![], ty)
}

#[test]
fn every_context_has_the_builtins() {
    let contexts = [
        Context::Run,
        Context::Tracepoint,
        Context::RawTracepoint(BTreeMap::new()),
        Context::BtfTracepoint,
        Context::Registers,
        Context::PerfEvent,
        Context::Syscalls { exit: false, points: BTreeMap::from([(1, 0)]), btf_id: None },
        Context::Syscalls { exit: true, points: BTreeMap::from([(1, 0)]), btf_id: None },
    ];
    for context in contexts {
        let mut script = Script::new();
        let record = script.record(&[Type::String { cap: 1024 }]);
        let stacks = Type::Tuple([stack(false).ty, stack(true).ty, Type::String { cap: 16 }].into());
        let map = script.aggregation(Some(stacks), Aggregation::Count);
        storing(&mut script, context, all_builtins(limited(&target()).ktime_tai));
        let key = tuple(vec![stack(false), stack(true), builtin(Builtin::Comm)]);
        let body = vec![feed(map, Some(key), None), emit(record, vec![user_str(builtin(Builtin::Curtask), 1024)])];
        script.program.clauses[0].body.extend(body);
        Kernel::new(&script);
    }
}

#[test]
fn builtins_have_their_values() {
    let mut script = Script::new();
    let maps = storing(&mut script, Context::Run, all_builtins(true));
    let env = FakeEnv { pid: 5, tid: 6, uid: 7, gid: 8, cgroup: 9, tick: 0, now: 1000, ..FakeEnv::default() };
    let task = env.task;
    let seen = numbers(&in_machine(&script, env, &[(0, vec![])]), &maps);
    assert_eq!(seen[4..8], [5, 6, 7, 8]);
    assert_eq!(seen[3], seen[1] + 37_000_000_000);
    assert_eq!(seen[8], seen[1]);
    assert_eq!((seen[9], seen[10]), (0, u64::from(target().ncpus)));
    assert_eq!((seen[11], seen[12]), (9, task));
}

#[test]
fn stacks_are_kept_once() {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, stack(true).ty);
    let kernel = script.keyed(Type::U64, stack(false).ty);
    script.clause(None, vec![set_map(map, Some(arg(0)), stack(true)), set_map(kernel, Some(arg(0)), stack(false))]);
    let env = FakeEnv { user_stack: Ok(vec![1, 2, 3]), kernel_stack: Err(-14), pid: 77, ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![1]), (0, vec![2])]);
    assert_eq!(seen.at(map, 1), seen.at(map, 2));
    assert_eq!(seen.at(map, 1).map(|value| value >> 32), Some(77));
    assert_eq!(seen.at(kernel, 1), Some(STACK_EMPTY.into()));
    assert!(seen.losses.is_empty());
    let env = FakeEnv { user_stack: Err(-12), kernel_stack: Ok(vec![1]), ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![1])]);
    assert_eq!(seen.at(map, 1).map(|value| value as u32), Some(STACK_LOST));
    assert_eq!(seen.lost(LossKind::Stack), 1);
}

#[test]
fn stacks_are_kept_while_there_is_room() {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, stack(false).ty);
    script.clause(None, vec![set_map(map, Some(arg(0)), stack(false))]);
    let few = quadrant_codegen::Target { stack_keys: 4, ..target() };
    let mut machine = crate::engine::Machine::with_target(&script, FakeEnv::default(), &few);
    for at in 0..64 {
        machine.vm.env.kernel_stack = Ok(called_at(vec![at * 8 + 0xffff_0000, at + 1]));
        machine.run(&script, &[(0, vec![at])]);
    }
    let seen = machine.run(&script, &[]);
    let ids: Vec<u32> = (0..64).filter_map(|key| seen.at(map, key)).map(|id| id as u32).collect();
    let lost = ids.iter().filter(|id| **id == STACK_LOST).count();
    assert_eq!((ids.len(), lost, seen.lost(LossKind::Stack)), (64, 60, 60));
}

/// The kernel's stack of an event: first those of the program and of what called it.
fn called_at(frames: Vec<u64>) -> Vec<u64> {
    [vec![0xb1f, 0xb2f], frames].concat()
}

/// The ids of stacks, when they have come once, and when they have come again.
fn ids_of(stacks: &[Vec<u64>], limit: u8, target: &quadrant_codegen::Target) -> [Vec<u32>; 2] {
    let mut script = Script::new();
    let ty = Type::Stack(StackType { user: false, limit, mode: StackMode::Raw });
    let map = script.keyed(Type::U64, ty.clone());
    script.clause(None, vec![set_map(map, Some(arg(0)), call(Function::Stack, vec![], ty))]);
    let mut machine = crate::engine::Machine::with_target(&script, FakeEnv::default(), target);
    [(); 2].map(|()| {
        for (at, frames) in (0..).zip(stacks) {
            machine.vm.env.kernel_stack = Ok(called_at(frames.clone()));
            machine.run(&script, &[(0, vec![at])]);
        }
        let seen = machine.run(&script, &[]);
        (0..stacks.len()).filter_map(|key| seen.at(map, key as u64)).map(|id| id as u32).collect()
    })
}

#[test]
fn the_first_short_stacks_are_kept_apart_and_no_stack_twice() {
    let apart = quadrant_codegen::Target { short_stacks: 4, stack_keys: 16, ..target() };
    let deep = |frames: u64| (0..frames).map(|at| at + 1000 * frames).collect::<Vec<_>>();
    let most = u64::from(SHORT_STACK);
    let stacks = [most + 1, 1, most, 127, 2, 3, 4, 5, most + 2].map(deep);
    let [first, second] = ids_of(&stacks, 127, &apart);
    assert_eq!(first, second);
    let are_short: Vec<bool> = first.iter().map(|id| id & STACK_IS_SHORT != 0).collect();
    assert_eq!(are_short, [false, true, true, false, true, true, true, true, false]);
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), stacks.len());
    // With less frames, all are short.
    let [first, second] = ids_of(&stacks[..3], 3, &apart);
    assert!(first == second && first.iter().all(|id| id & STACK_IS_SHORT != 0), "{first:x?}");
}

#[test]
fn a_short_stack_with_the_number_of_another_is_kept_with_the_long_ones() {
    let apart = quadrant_codegen::Target { short_stacks: 8, ..target() };
    let [first, second] = ids_of(&[1, 2].map(|low| hashed(77 << 34 | low)), 8, &apart);
    assert_eq!((&first, &first), (&second, &vec![77 | STACK_IS_SHORT, 2]));
}

/// Those that are kept under 127 frames: the short ones, and all others.
const APART: [MapRole; 2] = [MapRole::ShortStacks { limit: 127 }, MapRole::Stacks { limit: 127 }];

#[test]
fn a_short_stack_has_one_number_whichever_map_it_is_in() {
    let mut script = Script::new();
    let ty = Type::Stack(StackType { user: false, limit: 127, mode: StackMode::Raw });
    let map = script.keyed(Type::U64, ty.clone());
    script.clause(None, vec![set_map(map, Some(arg(0)), call(Function::Stack, vec![], ty))]);
    let apart = quadrant_codegen::Target { short_stacks: 4, stack_keys: 16, ..target() };
    let env = FakeEnv { kernel_stack: Ok(called_at(hashed(77 << 34 | 5))), ..FakeEnv::default() };
    let mut machine = crate::engine::Machine::with_target(&script, env, &apart);
    let [short, all] = APART.map(|role| machine.map(role));
    let id = |machine: &mut crate::engine::Machine| {
        let seen = machine.run(&script, &[(0, vec![1])]);
        seen.at(map, 1).expect("a stack") as u32
    };
    let (first, key) = (id(&mut machine), (77 | STACK_IS_SHORT).to_ne_bytes());
    assert_eq!((machine.vm.keys(short), machine.vm.keys(all)), (vec![key.to_vec()], vec![]));
    // Another CPU, which the map of short ones refused, has put it with the others.
    let entry = machine.vm.lookup(short, &key, 0).expect("the stack");
    machine.vm.update(all, &key, &[entry, vec![0; 72 * 8]].concat(), 0);
    assert_eq!(id(&mut machine), first);
    machine.vm.delete(short, &key);
    assert_eq!((id(&mut machine), machine.vm.keys(short)), (first, vec![]));
    // Now another one with that number does not get it, and none that has no such number is kept from the short ones.
    machine.vm.env.kernel_stack = Ok(called_at(hashed(77 << 34 | 6)));
    assert_eq!((id(&mut machine), machine.vm.keys(short)), (6, vec![]));
    machine.vm.env.kernel_stack = Ok(called_at(hashed(78 << 34)));
    assert_eq!((id(&mut machine), machine.vm.keys(short).len()), (78 | STACK_IS_SHORT, 1));
}

#[test]
fn short_stacks_without_room_leave_those_of_other_limits_theirs() {
    let mut script = Script::new();
    let types = [3, 8].map(|limit| Type::Stack(StackType { user: false, limit, mode: StackMode::Raw }));
    for ty in types {
        let map = script.keyed(Type::U64, ty.clone());
        script.clause(None, vec![set_map(map, Some(arg(0)), call(Function::Stack, vec![], ty))]);
    }
    let apart = quadrant_codegen::Target { short_stacks: 2, ..target() };
    let mut machine = crate::engine::Machine::with_target(&script, FakeEnv::default(), &apart);
    for (unit, frames) in [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)] {
        machine.vm.env.kernel_stack = Ok(called_at(vec![frames]));
        machine.run(&script, &[(unit, vec![frames])]);
    }
    for limit in [3, 8] {
        let kept = [MapRole::ShortStacks { limit }, MapRole::Stacks { limit }].map(|role| machine.map(role));
        assert_eq!(kept.map(|map| machine.vm.keys(map).len()), [2, 1], "{limit}");
    }
}

/// A program can use 64 maps.
#[test]
fn stacks_of_any_number_of_limits_are_kept() {
    for (limits, apart) in [(5, 4), (40, 0)] {
        let mut script = Script::new();
        let mut feed_one = |limit| {
            let ty = Type::Stack(StackType { user: false, limit, mode: StackMode::Raw });
            let map = script.aggregation(Some(ty.clone()), Aggregation::Count);
            feed(map, Some(call(Function::Stack, vec![], ty)), None)
        };
        let feeds = (1..=limits).map(&mut feed_one).collect();
        script.clause(None, feeds);
        let wanted = quadrant_codegen::Target { short_stacks: 16, ..target() };
        let object = crate::engine::object_for(&script, &wanted);
        let short = object.maps.iter().filter(|def| matches!(def.role, MapRole::ShortStacks { .. }));
        assert_eq!(short.count(), apart, "{limits}");
        Kernel::with_target(&script, &wanted);
    }
}

#[test]
fn stacks_are_told_apart_by_all_their_frames() {
    let deep = |frames: u64, last: u64| (1..frames).chain([last]).collect::<Vec<_>>();
    let stacks: Vec<Vec<u64>> = (1..=127)
        .flat_map(|frames| [deep(frames, 500), deep(frames, 501)])
        .chain([vec![500, 1], vec![1, 500]])
        .collect();
    for short_stacks in [0, 100] {
        let [ids, _] = ids_of(&stacks, 127, &quadrant_codegen::Target { short_stacks, ..target() });
        // The last one is the third.
        assert_eq!(ids.into_iter().collect::<std::collections::BTreeSet<_>>().len(), stacks.len() - 1);
    }
}

/// What undoes the factor of the hash, once for each two of the eight frames that are taken together.
const INVERSE: u64 = 0xf1de_83e1_9937_733d_u64.wrapping_pow(4);

/// A stack of one frame that has this hash.
fn hashed(hash: u64) -> Vec<u64> {
    vec![hash.wrapping_mul(INVERSE).wrapping_sub(8)]
}

#[test]
fn stacks_with_the_same_number_are_told_apart() {
    let mut script = Script::new();
    let map = script.keyed(Type::U64, stack(false).ty);
    script.clause(None, vec![set_map(map, Some(arg(0)), stack(false))]);
    let mut machine = crate::engine::Machine::with_target(&script, FakeEnv::default(), &target());
    let upper: u64 = 77 << 34;
    let hashes = [upper | 1, upper | 2, upper | 1 << 30 | 1, upper | 1 << 31 | 1];
    for (at, hash) in (0..).zip(hashes) {
        machine.vm.env.kernel_stack = Ok(called_at(hashed(hash)));
        machine.run(&script, &[(0, vec![at])]);
        machine.run(&script, &[(0, vec![at + 10])]);
    }
    let seen = machine.run(&script, &[]);
    for (at, id) in (0..).zip([77, 2, 1, STACK_LOST]) {
        assert_eq!((seen.at(map, at), seen.at(map, at + 10)), (Some(id.into()), Some(id.into())));
    }
    assert_eq!(seen.lost(LossKind::Stack), 2);
}

#[test]
fn only_the_wanted_process() {
    let mut script = Script::new();
    let map = script.scalar(Type::I64);
    script.clause(None, vec![inc(map, None)]);
    script.units[0].pid = Some(1000);
    assert_eq!(in_machine(&script, FakeEnv::default(), &[(0, vec![])]).number(map), Some(1));
    script.units[0].pid = Some(1001);
    assert_eq!(in_machine(&script, FakeEnv::default(), &[(0, vec![])]).number(map), None);
    script.units[0].pid = Some(std::process::id());
    in_kernel(&script, &[(0, vec![])]).iter().for_each(|seen| assert_eq!(seen.number(map), Some(1)));
}

#[test]
fn the_point_that_fired_comes_from_its_cookie() {
    let mut script = Script::new();
    let maps = storing(&mut script, Context::Registers, vec![builtin(Builtin::Point)]);
    let extra = [script.point(Site::Begin), script.point(Site::Begin)];
    let first = script.units[0].points[0];
    for (points, cookie, expected) in [
        (vec![first, extra[0], extra[1]], 2, 2),
        (vec![extra[1], first], 0, 2),
        (vec![extra[1], first], 1, 0),
        (vec![extra[1], first], 9, 0),
    ] {
        script.units[0].points = points;
        let env = FakeEnv { cookie, ..FakeEnv::default() };
        assert_eq!(numbers(&in_machine(&script, env, &[(0, vec![0; 40])]), &maps), [expected]);
        if Features::new().attach_cookie(ProgramKind::Kprobe) {
            Kernel::new(&script);
        }
    }
}

#[test]
fn one_program_at_entry_and_return_does_each_in_its_turn() {
    let mut script = Script::new();
    let kept = script.keyed(Type::U64, Type::U64);
    let calls = script.keyed(Type::U64, Type::U64);
    script.clause_in(Context::Registers, None, vec![set_map(kept, Some(builtin(Builtin::Point)), arg(0))]);
    let result = expr(ExprKind::Retval, Type::U64);
    script.clause_in(Context::Registers, None, vec![set_map(calls, Some(builtin(Builtin::Point)), result)]);
    let entries =
        [script.point(Site::Kprobe(KernelCode::default())), script.point(Site::Kprobe(KernelCode::default()))];
    let returns = [0, 1].map(|_| script.point(Site::Kretprobe(KernelCode::default())));
    script.units.truncate(1);
    script.units[0].points = entries.to_vec();
    script.units[0].context = Context::Session { clauses: vec![1], points: returns.to_vec() };
    let is_return = target().session_is_return.expect("a number");
    for (answer, cookie) in [(0, 1), (1, 0), (0x100, 0), (0xff01, 1)] {
        // What is above the lowest byte of a truth value is left from before.
        let env = FakeEnv { cookie, kfuncs: BTreeMap::from([(is_return, answer)]), ..FakeEnv::default() };
        let mut registers = vec![0; 21];
        let arch = quadrant_program::arch::native();
        registers[usize::from(arch.arguments[0]) / 8] = 11;
        registers[usize::from(arch.return_value) / 8] = 22;
        let seen = in_machine(&script, env, &[(0, registers)]);
        let (map, points, value) = if answer & 1 == 1 { (calls, returns, 22) } else { (kept, entries, 11) };
        assert_eq!(seen.at(map, points[cookie as usize].0.into()), Some(value), "{answer:#x} {cookie}");
        assert_eq!(seen.maps.values().map(BTreeMap::len).sum::<usize>(), 1, "{answer:#x} {cookie}");
    }
}

#[test]
fn memory_that_is_not_there_reads_as_zero_and_is_counted() {
    let mut script = Script::new();
    let values = vec![
        deref(arg(0), Space::User, ty(4, true)),
        deref(deref(arg(1), Space::Kernel, Type::U64), Space::Kernel, ty(1, false)),
        binary(BinaryOp::Add, deref(arg(2), Space::Kernel, Type::I64), int(1)),
    ];
    let maps = storing(&mut script, Context::BtfTracepoint, values);
    let mut env = FakeEnv::default();
    env.user.put(0x1000, (-5i32).to_ne_bytes());
    env.kernel.put(0x2000, 0x3000u64.to_ne_bytes());
    env.kernel.put(0x3000, [9]);
    let seen = in_machine(&script, env, &[(0, vec![0x1000, 0x2000, 0x2004])]);
    assert_eq!(numbers(&seen, &maps), [-5i64 as u64, 9, 1]);
    assert_eq!(seen.lost(LossKind::Read), 1);
    Kernel::new(&script);
}
