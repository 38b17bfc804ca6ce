//! D's scratch memory, speculations, addresses of networks, paths, ancestors, stacks.

use quadrant_codegen::target::{PathOffsets, TaskOffsets};
use quadrant_codegen::{Context, LossKind, Target};
use quadrant_program::action::{Action, ActionKind};
use quadrant_program::expr::{Expr, Function, TextFunction};
use quadrant_program::map::MapId;
use quadrant_program::program::Fault;
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Kernel, Machine, Seen, in_kernel, in_machine};
use crate::faults::{aborting, both, faults};

fn act(function: Function, args: Vec<Expr>) -> Stmt {
    stmt(StmtKind::Expr(call(function, args, Type::None)))
}

fn alloca(size: Expr) -> Expr {
    call(Function::Alloca(Fault::NoScratch), vec![size], Type::U64)
}

fn store(addr: Expr, value: Expr) -> Stmt {
    stmt(StmtKind::Store { addr, value })
}

fn plus(addr: Expr, by: Expr) -> Expr {
    binary(quadrant_program::expr::BinaryOp::Add, addr, by)
}

fn kernel_number(addr: Expr, bytes: u8) -> Expr {
    deref(addr, Space::Kernel, Type::Int { bytes, signed: false })
}

/// Two areas; numbers of all widths in the second; `arg(0)` is added to the address of the last store.
fn arena_script() -> (Script, [MapId; 4]) {
    let mut script = aborting();
    let out: [MapId; 4] = std::array::from_fn(|_| script.scalar(Type::U64));
    let [a, b] = [(); 2].map(|()| script.var(Type::U64));
    let (a_value, b_value) = (var(a, Type::U64), var(b, Type::U64));
    let number = |value, bytes| cast(uint(value), Type::Int { bytes, signed: false });
    script.program.config.scratch_bytes = 64;
    script.clause(
        None,
        vec![
            set(a, alloca(uint(5))),
            set(b, alloca(uint(16))),
            store(b_value.clone(), number(0x1122_3344_5566_7788, 8)),
            store(plus(b_value.clone(), uint(1)), number(0xaa, 1)),
            store(plus(b_value.clone(), uint(8)), number(0xbbcc, 2)),
            store(plus(b_value.clone(), arg(0)), number(0xdd, 1)),
            set_map(out[0], None, kernel_number(b_value.clone(), 8)),
            set_map(out[1], None, kernel_number(plus(b_value.clone(), uint(8)), 8)),
            set_map(out[2], None, binary(quadrant_program::expr::BinaryOp::Sub, b_value, a_value.clone())),
            set_map(out[3], None, kernel_number(a_value, 8)),
        ],
    );
    (script, out)
}

#[test]
fn numbers_are_stored_in_scratch_memory() {
    let (script, out) = arena_script();
    both(&script, &FakeEnv::default(), &[(0, vec![15])], |seen| {
        let found = out.map(|map| seen.number(map));
        assert_eq!(found, [0x1122_3344_5566_aa88, 0xdd00_0000_0000_bbcc, 8, 0].map(Some));
    });
}

#[test]
fn stores_outside_of_scratch_memory_fault() {
    // The second area has 16 bytes, behind 8 of the first.
    for (offset, inside) in [(15, true), (16, false), (-8i64 as u64, true), (-9i64 as u64, false), (1 << 40, false)] {
        let (script, out) = arena_script();
        both(&script, &FakeEnv::default(), &[(0, vec![offset])], |seen| {
            assert_eq!(seen.number(out[0]).is_some(), inside, "{offset}");
            assert_eq!(faults(seen).len(), usize::from(!inside));
        });
    }
}

#[test]
fn scratch_memory_runs_out_and_is_whole_again_for_the_next_clause() {
    let mut script = aborting();
    let out = [(); 2].map(|()| script.scalar(Type::U64));
    script.program.config.scratch_bytes = 64;
    for map in out {
        let first = set_map(map, None, alloca(arg(0)));
        script.clause(None, vec![first, stmt(StmtKind::Expr(alloca(arg(1))))]);
    }
    script.merge_last();
    both(&script, &FakeEnv::default(), &[(0, vec![32, 33])], |seen| {
        assert!(out.iter().all(|map| seen.number(*map).is_some()));
        assert_eq!(faults(seen), [[1, Fault::NoScratch as u64, 0]; 2]);
    });
    both(&script, &FakeEnv::default(), &[(0, vec![u64::MAX, 0])], |seen| assert_eq!(faults(seen).len(), 2));
    both(&script, &FakeEnv::default(), &[(0, vec![32, 32])], |seen| assert!(faults(seen).is_empty()));
}

#[test]
fn bytes_are_copied_into_scratch_memory() {
    let mut script = aborting();
    let out = script.scalar(Type::String { cap: 32 });
    let (a, size) = (script.var(Type::U64), arg(1));
    let at = || var(a, Type::U64);
    script.program.config.scratch_bytes = 64;
    script.clause(
        None,
        vec![
            set(a, alloca(uint(32))),
            act(Function::Copy(Space::User), vec![arg(0), plus(at(), arg(2)), size]),
            set_map(out, None, call(Function::Str(Space::Kernel), vec![at()], Type::String { cap: 32 })),
        ],
    );
    let text = b"copied from the process";
    let from = text.as_ptr() as u64;
    let mut env = FakeEnv::default();
    env.user.put(from, *text);
    for (words, expected) in [
        (vec![from, 6, 0], Ok("copied")),
        (vec![from, 0, 0], Ok("")),
        (vec![from, 4, 61], Err(Fault::BadAddress)),
        (vec![from, 1, -1i64 as u64], Err(Fault::BadAddress)),
        (vec![from, 65, 0], Err(Fault::BadSize)),
        (vec![8, 4, 0], Err(Fault::BadAddress)),
    ] {
        both(&script, &env, &[(0, words.clone())], |seen| match expected {
            Ok(text) => assert_eq!(&seen.scalars[&out.0].1[..text.len() + 1], [text.as_bytes(), b"\0"].concat()),
            Err(fault) => assert_eq!(faults(seen)[0][1], fault as u64, "{words:?}"),
        });
    }
}

#[test]
fn bytes_and_texts_are_copied_to_the_process() {
    let mut script = aborting();
    let a = script.var(Type::U64);
    script.clause(
        None,
        vec![
            set(a, alloca(uint(8))),
            store(var(a, Type::U64), cast(uint(0x0102), Type::Int { bytes: 2, signed: false })),
            act(Function::CopyOut, vec![var(a, Type::U64), arg(0), arg(1)]),
        ],
    );
    script.clause(None, vec![act(Function::CopyOutText, vec![text("hello"), arg(0), arg(1)])]);
    let mut env = FakeEnv::default();
    env.user.put(0x5000, [9; 16]);
    let mut machine = Machine::new(&script, env);
    let mut memory = |firing: Firing, faulty: usize| {
        let seen = machine.run(&script, &[firing]);
        assert_eq!(faults(&seen).len(), faulty);
        let mut bytes = [0; 8];
        assert!(machine.vm.env.user.read(0x5000, &mut bytes));
        bytes
    };
    assert_eq!(memory((0, vec![0x5000, 3]), 0), [2, 1, 0, 9, 9, 9, 9, 9]);
    assert_eq!(memory((0, vec![0x5000, 0]), 0), [2, 1, 0, 9, 9, 9, 9, 9]);
    assert_eq!(memory((0, vec![0x8000, 3]), 1), [2, 1, 0, 9, 9, 9, 9, 9]);
    assert_eq!(&memory((1, vec![0x5000, 100]), 0)[..6], b"hello\0");
    assert_eq!(&memory((1, vec![0x5001, 2]), 0)[..6], b"hhelo\0");
    let locked = Target { write_user: false, ..target() };
    let error = quadrant_codegen::compile(&script.program, &script.units, &locked).expect_err("no helper");
    assert!(error.message.contains("write the memory of processes"), "{error}");
}

/// A record that belongs to a speculation, and what ends one.
fn speculating(count: u32) -> (Script, MapId) {
    let mut script = aborting();
    script.program.config.speculations = count;
    let id = script.scalar(Type::U64);
    let actions = vec![Action { kind: ActionKind::Speculate, args: 2..2 }];
    let record = script.record_kind(RecordKind::Firing(actions), &[Type::U64, Type::U64]);
    script.clause(None, vec![set_map(id, None, call(Function::Speculation, vec![], Type::U64))]);
    script.clause(None, vec![emit(record, vec![uint(0), arg(0)])]);
    script.clause(None, vec![stmt(StmtKind::EndSpeculation { id: arg(0) })]);
    (script, id)
}

#[test]
fn speculations_are_taken_used_and_ended() {
    for count in [1, 3, 40] {
        let (script, id) = speculating(count);
        let take = (0, vec![0]);
        let all = u64::from(count);
        both(&script, &FakeEnv::default(), &vec![take.clone(); count as usize], |seen| {
            assert_eq!(seen.number(id), Some(all));
            assert!(seen.losses.is_empty());
        });
        both(&script, &FakeEnv::default(), &vec![take.clone(); count as usize + 1], |seen| {
            assert_eq!((seen.number(id), seen.lost(LossKind::NoSpeculation)), (Some(0), 1));
        });
        let mut firings = vec![take.clone(); count as usize];
        firings.extend([
            (1, vec![1]),
            (2, vec![1]),
            (1, vec![1]),
            (1, vec![0]),
            (1, vec![all + 1]),
            (2, vec![99]),
            take,
        ]);
        both(&script, &FakeEnv::default(), &firings, |seen| {
            assert_eq!(seen.records.len(), 2, "one before it ended, and the fault of a number that cannot be");
            assert_eq!((seen.number(id), seen.lost(LossKind::BusySpeculation)), (Some(0), 1));
        });
    }
}

#[test]
fn speculations_on_old_kernels() {
    let (script, id) = speculating(2);
    let old = Target { atomic_fetch: false, ..target() };
    let mut machine = Machine::with_target(&script, FakeEnv::default(), &old);
    let seen = machine.run(&script, &[(0, vec![]), (2, vec![1]), (0, vec![])]);
    assert_eq!(seen.number(id), Some(2));
    Kernel::with_target(&script, &old);
}

fn address_script(function: Expr) -> (Script, MapId) {
    let mut script = aborting();
    let out = script.scalar(function.ty.clone());
    script.clause(None, vec![set_map(out, None, function)]);
    (script, out)
}

fn text_of(seen: &Seen, map: MapId) -> String {
    let stored = &seen.scalars[&map.0].1;
    let end = stored.iter().position(|byte| *byte == 0).expect("a NUL");
    assert!(stored[end..].iter().all(|byte| *byte == 0));
    String::from_utf8_lossy(&stored[..end]).into_owned()
}

fn text_call(function: TextFunction, args: Vec<Expr>) -> Expr {
    call(Function::Text(function), args, Type::String { cap: 64 })
}

#[test]
fn internet_addresses_are_shown_as_everyone_does() {
    let (script, out) = address_script(text_call(TextFunction::Ntop, vec![sarg(0), arg(1)]));
    let mut machine = Machine::new(&script, FakeEnv::default());
    let mut shown = |family: u64, bytes: &[u8]| {
        machine.vm.env.kernel.put(0xffff_c000, bytes);
        text_of(&machine.run(&script, &[(0, vec![family, 0xffff_c000])]), out)
    };
    for bytes in [[127, 0, 0, 1], [0; 4], [255; 4], [10, 100, 9, 99]] {
        assert_eq!(shown(2, &bytes), std::net::Ipv4Addr::from(bytes).to_string());
    }
    let mut number = 1u64;
    for round in 0..300u32 {
        let groups: [u16; 8] = std::array::from_fn(|at| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(at as u64 | 1);
            // Zeros in changing patterns; the first group is not one, so that nothing looks like IPv4.
            let zero = at > 0 && !(number >> 33).is_multiple_of(3);
            if zero { 0 } else { ((number >> 40) as u16 >> (round % 12)) | u16::from(at == 0) }
        });
        let address = std::net::Ipv6Addr::from(groups);
        assert_eq!(shown(10, &address.octets()), address.to_string());
    }
    for text in ["::", "::1", "::ffff:1.2.3.4", "1::", "0:0:1::", "::5:0:0:0:0:0:1", "fe80::1:0:0:2"] {
        let address: std::net::Ipv6Addr = text.parse().expect("an address");
        let expected = if text == "::5:0:0:0:0:0:1" { "0:5::1".to_owned() } else { address.to_string() };
        assert_eq!(shown(10, &address.octets()), expected, "{text}");
    }
    // As DTrace shows an IPv4-compatible address, which all but `::` and `::1` are.
    for (text, expected) in [("::1.2.3.4", "::1.2.3.4"), ("::2", "::0.0.0.2"), ("::1:0", "::0.1.0.0")] {
        let address: std::net::Ipv6Addr = text.parse().expect("an address");
        assert_eq!(shown(10, &address.octets()), expected, "{text}");
    }
    let faulty = machine.run(&script, &[(0, vec![2, 64])]);
    assert_eq!(faults(&faulty), [[1, Fault::BadAddress as u64, 64]]);
    let unknown = machine.run(&script, &[(0, vec![1, 0xffff_c000])]);
    assert_eq!(faults(&unknown).iter().map(|fault| fault[1]).collect::<Vec<_>>(), [Fault::IllegalOperation as u64]);
    Kernel::new(&script);
}

#[test]
fn of_an_ipv4_address_in_ipv6_form_inet_ntoa6_shows_the_former() {
    let (script, out) = address_script(text_call(TextFunction::Ntoa6, vec![arg(0)]));
    let mut machine = Machine::new(&script, FakeEnv::default());
    let cases =
        [("::", "::"), ("::1", "::1"), ("::2", "0.0.0.2"), ("::ffff:1.2.3.4", "1.2.3.4"), ("fe80::1", "fe80::1")];
    for (text, expected) in cases {
        let address: std::net::Ipv6Addr = text.parse().expect("an address");
        machine.vm.env.kernel.put(0xffff_c000, address.octets());
        assert_eq!(text_of(&machine.run(&script, &[(0, vec![0xffff_c000])]), out), expected);
    }
    Kernel::new(&script);
}

#[test]
fn link_addresses_are_pairs_of_digits() {
    let (script, out) = address_script(text_call(TextFunction::LinkNtop, vec![arg(0), arg(1)]));
    let mut machine = Machine::new(&script, FakeEnv::default());
    let bytes: Vec<u8> = (0..20).map(|at| at * 13).collect();
    machine.vm.env.kernel.put(0xffff_c000, bytes.clone());
    for len in [0, 1, 6, 20] {
        let pairs: Vec<String> = bytes[..len].iter().map(|byte| format!("{byte:02x}")).collect();
        let seen = machine.run(&script, &[(0, vec![0xffff_c000, len as u64])]);
        assert_eq!(text_of(&seen, out), pairs.join(":"));
    }
    Kernel::new(&script);
}

#[test]
fn arguments_are_shown_with_blanks() {
    for cap in [16, 80, 1000] {
        let result = call(Function::Args(Space::User), vec![arg(0), arg(1)], Type::String { cap });
        let (script, out) = address_script(result);
        let bytes = b"ls\0-l\0/some where\0next";
        let mut env = FakeEnv::default();
        env.user.put(bytes.as_ptr() as u64, *bytes);
        for (len, expected) in [(18, "ls -l /some where"), (3, "ls"), (0, ""), (7, "ls -l /")] {
            let expected = &expected[..expected.len().min(cap as usize - 1)];
            both(&script, &env, &[(0, vec![bytes.as_ptr() as u64, len])], |seen| {
                assert_eq!(text_of(seen, out), expected, "cap {cap}");
                assert_eq!(seen.lost(LossKind::Cut), u64::from(len == 18 && cap == 16));
            });
        }
    }
}

#[test]
fn ancestors_are_found_by_their_number() {
    let (script, out) = address_script(call(Function::ProgenyOf, vec![sarg(0)], Type::I64));
    let offsets = TaskOffsets { tgid: 8, real_parent: 16 };
    for bpf_loop in [true, false] {
        let target = Target { task: Some(offsets), bpf_loop, ..target() };
        let mut machine = Machine::with_target(&script, FakeEnv::default(), &target);
        // Three tasks; the last is its own parent.
        let tasks = [machine.vm.env.task, 0xffff_0000_0000_2000, 0xffff_0000_0000_3000];
        for (at, (task, pid)) in tasks.into_iter().zip([100u32, 50, 1]).enumerate() {
            let parent: u64 = tasks[(at + 1).min(2)];
            let task_bytes = [&[0; 8][..], &pid.to_ne_bytes(), &[0; 4], &parent.to_ne_bytes()].concat();
            machine.vm.env.kernel.put(task, task_bytes);
        }
        for (pid, expected) in [(100, 1), (50, 1), (1, 1), (2, 0)] {
            assert_eq!(machine.run(&script, &[(0, vec![pid])]).number(out), Some(expected), "{pid}");
        }
        Kernel::with_target(&script, &target);
    }
}

#[test]
fn a_path_is_put_together_across_mounts() {
    let (script, out) = address_script(text_call(TextFunction::DPath, vec![arg(0)]));
    let (of_entries, entry) = address_script(text_call(TextFunction::DentryPath, vec![arg(0)]));
    let offsets = PathOffsets {
        mnt: 0,
        dentry: 8,
        mnt_root: 0,
        mount: 16,
        mnt_parent: 0,
        mnt_mountpoint: 8,
        d_parent: 0,
        name_len: 8,
        name: 16,
    };
    let target = Target { path: Some(offsets), ..target() };
    let mut env = FakeEnv::default();
    let kernel = &mut env.kernel;
    let at = |number: u64| 0xffff_1000_0000_0000 + number * 0x1000;
    let words = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    // Entries: 1 root of all, 2 "mnt" in it, 3 root of a mount there, 4 "dir", 5 "file".
    for (number, parent, name) in [(1, 1, "/"), (2, 1, "mnt"), (3, 3, "/"), (4, 3, "dir"), (5, 4, "file")] {
        kernel.put(at(number), words(&[at(parent), name.len() as u64, at(number) + 0x100]));
        kernel.put(at(number) + 0x100, name.as_bytes());
    }
    // Mounts: 8 of all, 9 at "mnt": parent, mount point, root.
    kernel.put(at(8), words(&[at(8), at(1), at(1)]));
    kernel.put(at(9), words(&[at(8), at(2), at(3)]));
    for (path, mount, dentry) in [(20, 9, 5), (21, 9, 3), (22, 8, 2), (23, 8, 1)] {
        kernel.put(at(path), words(&[at(mount) + 16, at(dentry)]));
    }
    let mut machine = Machine::with_target(&script, env.clone(), &target);
    for (path, expected) in [(20, "/mnt/dir/file"), (21, "/mnt"), (22, "/mnt"), (23, "/")] {
        let seen = machine.run(&script, &[(0, vec![at(path)])]);
        assert_eq!(text_of(&seen, out), expected);
        assert!(seen.losses.is_empty() && seen.records.is_empty());
    }
    // Of an entry alone it is not known where its file system is mounted.
    let mut machine = Machine::with_target(&of_entries, env, &target);
    for (dentry, expected) in [(5, "/dir/file"), (3, "/"), (2, "/mnt")] {
        assert_eq!(text_of(&machine.run(&of_entries, &[(0, vec![at(dentry)])]), entry), expected);
    }
    [script, of_entries].iter().for_each(|script| drop(Kernel::with_target(script, &target)));
}

#[test]
fn where_the_code_is_and_who_called_it() {
    let functions: [fn(bool) -> Function; 3] = [Function::InstructionPointer, Function::Caller, Function::StackDepth];
    let mut script = aborting();
    let mut out = Vec::new();
    let mut body = Vec::new();
    for function in functions {
        for user in [true, false] {
            let map = script.scalar(Type::U64);
            out.push(map);
            body.push(set_map(map, None, call(function(user), vec![], Type::U64)));
        }
    }
    let contexts = [Context::Tracepoint, Context::PerfEvent, Context::Registers, Context::BtfTracepoint, Context::Run];
    contexts.into_iter().for_each(|context| script.clause_in(context, None, body.clone()));
    let kernel_pc = 0xffff_ffff_8100_0000u64;
    let mut env = FakeEnv { user_stack: Ok(vec![0x4000, 0x5000]), ..FakeEnv::default() };
    env.kernel_stack = Ok(vec![kernel_pc, kernel_pc + 1, kernel_pc + 2]);
    let registers = |pc: u64| {
        let mut words = vec![0; 40];
        words[usize::from(target().arch.instruction_pointer) / 8] = pc;
        words
    };
    let numbers = |env: &FakeEnv, firing| {
        let seen = in_machine(&script, env.clone(), &[firing]);
        out.iter().map(|map| seen.number(*map).expect("a number")).collect::<Vec<_>>()
    };
    let callers = [0x5000, kernel_pc + 1, 2, 3];
    assert_eq!(numbers(&env, (0, vec![])), [&[0x4000, kernel_pc][..], &callers].concat());
    assert_eq!(numbers(&env, (1, registers(kernel_pc))), [&[0, kernel_pc][..], &callers].concat());
    assert_eq!(numbers(&env, (2, registers(0x4444))), [&[0x4444, 0][..], &callers].concat());
    // The frames through which the kernel called the program do not count.
    assert_eq!(numbers(&env, (3, vec![])), [0x4000, kernel_pc + 2, 0x5000, 0, 2, 1]);
    assert_eq!(numbers(&env, (4, vec![])), [0x4000, 0, 0x5000, 0, 2, 0]);
    env.user_stack = Err(-14);
    assert_eq!(numbers(&env, (0, vec![])), [0, kernel_pc, 0, kernel_pc + 1, 0, 3]);
    Kernel::new(&script);
}

#[test]
fn chill_takes_its_time_and_no_more_than_its_share() {
    let mut script = aborting();
    let done = script.scalar(Type::U64);
    script.clause(None, vec![act(Function::Chill, vec![arg(0)]), set_map(done, None, uint(1))]);
    let env = FakeEnv { tick: 1_000_000, now: 5_000_000_000, ..FakeEnv::default() };
    let seen = in_machine(&script, env, &[(0, vec![300_000_000]), (0, vec![300_000_000]), (0, vec![600_000_000])]);
    assert_eq!(seen.number(done), Some(1));
    let illegal = Fault::IllegalOperation as u64;
    assert_eq!(faults(&seen), [[1, illegal, 300_000_000], [1, illegal, 600_000_000]]);
    let start = std::time::Instant::now();
    if in_kernel(&script, &[(0, vec![20_000_000])]).is_some() {
        assert!(start.elapsed() >= std::time::Duration::from_millis(20));
    }
}

#[test]
fn an_index_outside_of_its_array_faults() {
    let mut script = aborting();
    let seen = script.scalar(Type::I64);
    let index = call(Function::Within, vec![arg(0), uint(4)], Type::I64);
    script.clause(None, vec![set_map(seen, None, index)]);
    let outcome = in_machine(&script, FakeEnv::default(), &[(0, vec![3]), (0, vec![4]), (0, vec![u64::MAX])]);
    assert_eq!(outcome.number(seen), Some(3));
    let bad = Fault::BadIndex as u64;
    assert_eq!(faults(&outcome), [[1, bad, 4], [1, bad, u64::MAX]]);
    Kernel::new(&script);
}

#[test]
fn programs_that_may_sleep_wait_for_pages() {
    let mut script = aborting();
    let [text, number] = [script.scalar(Type::String { cap: 32 }), script.scalar(Type::U64)];
    let record = script.record(&[Type::String { cap: 32 }]);
    script.clause(
        None,
        vec![
            set_map(number, None, deref(arg(1), Space::User, Type::U64)),
            set_map(text, None, user_str(arg(0), 32)),
            emit(record, vec![user_str(arg(0), 32)]),
        ],
    );
    for sleepable in [false, true] {
        script.units[0].sleepable = sleepable;
        let mut env = FakeEnv::default();
        // A text that goes on in another page, and a number in a third.
        env.absent.put(0x5ff8, *b"in two p");
        env.absent.put(0x6000, *b"ages\0");
        env.absent.put(0x8000, 7u64.to_ne_bytes());
        let seen = in_machine(&script, env, &[(0, vec![0x5ff8, 0x8000])]);
        assert_eq!(faults(&seen).len(), usize::from(!sleepable));
        assert_eq!(seen.number(number), sleepable.then_some(7));
        if sleepable {
            assert_eq!(text_of(&seen, text), "in two pages");
            assert!(seen.records[0].ends_with(b"in two pages"));
        }
    }
}

#[test]
fn a_member_is_stored_and_nothing_behind_it() {
    let bytes = |len| Type::Array { elem: std::sync::Arc::new(Type::Int { bytes: 1, signed: false }), len };
    let mut script = aborting();
    let (whole, out) = (script.var(bytes(16)), script.scalar(bytes(16)));
    let member = |offset: u64| {
        let pointer = Type::Pointer { to: quadrant_types::TypeId::VOID, space: Space::Program };
        let start = expr(quadrant_program::expr::ExprKind::AddrOf(Box::new(var(whole, bytes(16)))), pointer.clone());
        let mut place = plus(start, uint(offset));
        place.ty = pointer;
        place
    };
    script.clause(
        None,
        vec![
            store(member(8), cast(uint(0x5555_5555_5555_5555), Type::U64)),
            store(member(3), cast(uint(0x77), Type::Int { bytes: 1, signed: false })),
            store(member(8), deref(arg(0), Space::User, bytes(3))),
            set_map(out, None, var(whole, bytes(16))),
        ],
    );
    let from = b"abcdefgh";
    let mut env = FakeEnv::default();
    env.user.put(from.as_ptr() as u64, *from);
    both(&script, &env, &[(0, vec![from.as_ptr() as u64])], |seen| {
        assert_eq!(seen.scalars[&out.0].1, *b"\0\0\0\x77\0\0\0\0abcUUUUU");
    });
}
