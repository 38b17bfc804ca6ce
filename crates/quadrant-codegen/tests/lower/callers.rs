//! User stacks at the entries of functions, of which the kernel leaves the caller out.

use quadrant_bpf::features::Features;
use quadrant_codegen::{Context, MapRole};
use quadrant_program::expr::Function;
use quadrant_program::map::MapId;
use quadrant_program::ty::{StackMode, StackType, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Kernel, Machine, word};

/// A clause at functions' entries: the stack of so many frames, its depth and the caller; and the map that the stack is in.
fn at_entries(limit: u8) -> (Script, [MapId; 3]) {
    let mut script = Script::new();
    let ty = Type::Stack(StackType { user: true, limit, mode: StackMode::Raw });
    let values = [(Function::Stack, ty), (Function::StackDepth(true), Type::U64), (Function::Caller(true), Type::U64)];
    let maps = values.clone().map(|(_, ty)| script.scalar(ty));
    let stored = maps.iter().zip(values).map(|(map, (function, ty))| set_map(*map, None, call(function, vec![], ty)));
    script.clause_in(Context::Registers, None, stored.collect());
    script.units[0].lacks_caller = true;
    (script, maps)
}

const SP: u64 = 0x7fff_0000;

/// A process in the function at 1, which 2 called, which 3 called, as the kernel walks its stack; what is on top of the stack; registers.
fn at_entry(caller: Option<u64>) -> (FakeEnv, Vec<u64>) {
    let arch = target().arch;
    let mut env = FakeEnv { user_stack: Ok(vec![1, 3, 4]), pid: 77, ..FakeEnv::default() };
    let mut words = vec![0; 40];
    match arch.link {
        Some(link) => words[usize::from(link) / 8] = caller.unwrap_or_default(),
        None => words[usize::from(arch.stack_pointer) / 8] = SP,
    }
    if let Some(caller) = caller {
        env.user.put(SP, caller.to_ne_bytes());
    }
    (env, words)
}

/// The frames that were kept, the depth, and the caller.
fn seen_at_entry(limit: u8, (env, words): (FakeEnv, Vec<u64>)) -> (Vec<u64>, u64, u64) {
    let (script, [stack, depth, caller]) = at_entries(limit);
    let mut machine = Machine::new(&script, env);
    let seen = machine.run(&script, &[(0, words)]);
    let id = seen.number(stack).expect("a stack") as u32;
    let kept = machine.vm.lookup(machine.map(MapRole::Stacks { limit }), &id.to_ne_bytes(), 0);
    let frames = kept.map_or(Vec::new(), |kept| kept.chunks(8).skip(1).map(word).collect());
    assert!(seen.losses.is_empty(), "{:?}", seen.losses);
    (frames, seen.number(depth).expect("a depth"), seen.number(caller).expect("a caller"))
}

#[test]
fn stacks_at_entries_have_the_caller() {
    assert_eq!(seen_at_entry(6, at_entry(Some(2))), (vec![1, 2, 3, 4, 0, 0], 4, 2));
    assert_eq!(seen_at_entry(3, at_entry(Some(2))), (vec![1, 2, 3], 4, 2));
    assert_eq!(seen_at_entry(2, at_entry(Some(2))), (vec![1, 2], 4, 2));
    assert_eq!(seen_at_entry(1, at_entry(Some(2))), (vec![1], 4, 2));
    // A function that calls itself.
    assert_eq!(seen_at_entry(6, at_entry(Some(3))), (vec![1, 3, 3, 4, 0, 0], 4, 3));
}

/// Above the caller is the first argument, 7.
#[test]
fn the_caller_in_a_program_of_32_bits_is_four_bytes() {
    let Some(compat) = target().arch.compat.as_ref().filter(|_| target().arch.link.is_none()) else { return };
    let (env, mut words) = at_entry(Some(7 << 32 | 2));
    words[usize::from(compat.register) / 8] = compat.value.into();
    assert_eq!(seen_at_entry(6, (env, words)), (vec![1, 2, 3, 4, 0, 0], 4, 2));
}

#[test]
fn stacks_whose_top_cannot_be_read_are_the_kernels() {
    for caller in [None, Some(0)] {
        assert_eq!(seen_at_entry(4, at_entry(caller)), (vec![1, 3, 4, 0], 3, 3));
    }
}

#[test]
fn a_caller_alone_is_no_stack() {
    for nothing in [Ok(Vec::new()), Err(-14)] {
        let (mut env, words) = at_entry(Some(2));
        env.user_stack = nothing;
        assert_eq!(seen_at_entry(4, (env, words)), (vec![], 0, 2));
    }
}

#[test]
fn kernels_take_programs_that_add_the_caller() {
    for limit in [1, 2, 3, 127] {
        Kernel::new(&at_entries(limit).0);
    }
    let (mut script, _) = at_entries(20);
    // Stacks are not for programs that sleep; who called is.
    script.program.clauses[0].body.drain(..2);
    script.units[0].sleepable = true;
    if Features::new().sleepable_uprobe() {
        Kernel::new(&script);
    }
}
