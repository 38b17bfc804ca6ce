//! Programs of unusual shape: very long, very wide, wrong.

use quadrant_bpf::helper;
use quadrant_bpf::insn::Insn;
use quadrant_codegen::ssa::{
    Code, Cond, FuncBuilder, FuncRef, MapRef, Module, Options, Size, SsaError, SsaErrorKind, Value, compile,
};
use quadrant_vm::{FakeEnv, Vm};

use crate::kernel;

/// Compiles one function as the main program.
fn compile_main(b: FuncBuilder) -> Result<Code, SsaError> {
    let mut module = Module::new();
    let main = module.declare_func();
    module.define_func(main, b.finish()?);
    compile(&module, &Options::default())
}

fn run(code: &Code, ctx: &[u8]) -> u64 {
    let mut vm = Vm::new(FakeEnv::default(), 1);
    vm.run(&code.insns, ctx).map(|outcome| outcome.r0).expect("runs")
}

/// A sum over the bytes of the context by `count` statements that may leave for one exit, each in its own block.
fn long(count: usize) -> FuncBuilder {
    let mut b = FuncBuilder::new("long", 1);
    let ctx = b.param(0);
    let (exit, sum) = (b.create_block(), b.declare_var());
    for at in 0..count {
        let byte = b.load(ctx, at as i32 % 64, Size::B1);
        b.branch_away(Cond::Eq, byte, at as i64 % 1000 + 256, exit);
        let old = b.use_var(sum);
        let scaled = b.mul(byte, 3);
        let new = b.add(old, scaled);
        b.def_var(sum, new);
    }
    let all = b.use_var(sum);
    b.ret(all);
    b.switch_to(exit);
    b.ret(-1i64);
    b
}

#[test]
fn jumps_reach_over_any_distance() {
    for count in [10, 12_000] {
        let code = compile_main(long(count)).expect("compiles");
        let sum: u64 = (0..count as u64).map(|at| at % 64 * 3).sum();
        let ctx: Vec<u8> = (0..64).collect();
        assert_eq!(run(&code, &ctx), sum, "{count} statements");
    }
}

#[test]
fn jumps_over_islands_are_taken_both_ways() {
    let mut b = FuncBuilder::new("far", 1);
    let ctx = b.param(0);
    let exits: Vec<_> = (0..100).map(|_| b.create_block()).collect();
    for (at, exit) in exits.iter().enumerate() {
        let byte = b.load(ctx, 0, Size::B1);
        b.branch_away(Cond::Eq, byte, at as i64, *exit);
    }
    // Straight code longer than any jump.
    let word = b.load(ctx, 8, Size::B8);
    let mut sum = word;
    for at in 0..50_000 {
        sum = b.mul(sum, at | 3);
        sum = b.xor(sum, word);
    }
    b.ret(sum);
    for (at, exit) in exits.iter().enumerate() {
        b.switch_to(*exit);
        b.ret(1000 + at as i64);
    }
    let code = compile_main(b).expect("compiles");
    for first in [0u8, 1, 50, 99] {
        let mut ctx = [0; 16];
        ctx[0] = first;
        assert_eq!(run(&code, &ctx), 1000 + u64::from(first));
    }
    assert_eq!(run(&code, &[200; 16]), straight(u64::from_ne_bytes([200; 8])));
}

fn straight(word: u64) -> u64 {
    (0..50_000).fold(word, |sum, at| sum.wrapping_mul(at | 3) ^ word)
}

#[test]
fn kernel_takes_islands() {
    let Some(maps) = kernel::maps() else { return };
    let mut code = compile_main(long(12_000)).expect("compiles");
    kernel::load(&mut code, &maps).expect("accepted");
}

#[test]
fn frame_limit_is_an_error() {
    let mut b = FuncBuilder::new("big", 1);
    let slot = b.declare_slot(520, 8);
    let addr = b.stack_addr(slot);
    b.store(addr, 0, Size::B8, 1);
    b.ret(0);
    let error = compile_main(b).expect_err("refused");
    assert_eq!(error.kind, SsaErrorKind::FrameTooBig(520));
    assert_eq!(error.to_string(), "function 'big': needs 520 bytes of stack, the kernel has 512");
}

#[test]
fn stack_of_chains_of_calls_is_summed() {
    let mut module = Module::new();
    let refs: Vec<FuncRef> = (0..3).map(|_| module.declare_func()).collect();
    for (at, func) in refs.iter().enumerate() {
        let mut b = FuncBuilder::new(format!("f{at}"), 1);
        let slot = b.declare_slot(200, 8);
        let addr = b.stack_addr(slot);
        b.store(addr, 0, Size::B8, 1);
        if let Some(next) = refs.get(at + 1) {
            let one = b.iconst(1);
            b.call_func(*next, &[one]);
        }
        b.ret(0);
        module.define_func(*func, b.finish().expect("valid"));
    }
    let error = compile(&module, &Options::default()).expect_err("refused");
    assert_eq!(error.kind, SsaErrorKind::FrameTooBig(3 * 224));
}

#[test]
fn recursion_is_an_error() {
    let mut module = Module::new();
    let refs = [module.declare_func(), module.declare_func()];
    for (at, func) in refs.iter().enumerate() {
        let mut b = FuncBuilder::new("again", 1);
        let slot = b.declare_slot(64, 8);
        let addr = b.stack_addr(slot);
        b.store(addr, 0, Size::B8, 1);
        let arg = b.iconst(1);
        b.call_func(refs[1 - at], &[arg]);
        b.ret(0);
        module.define_func(*func, b.finish().expect("valid"));
    }
    assert!(compile(&module, &Options::default()).is_err());
}

#[test]
fn mistakes_in_building_are_errors() {
    let mut b = FuncBuilder::new("loop", 1);
    let head = b.start_block();
    b.jump(head, &[]);
    assert_eq!(b.finish().map(|_| ()).map_err(|error| error.kind), Err(SsaErrorKind::JumpToStartedBlock(head)));

    let mut b = FuncBuilder::new("arguments", 1);
    let next = b.create_block();
    b.append_param(next);
    b.jump(next, &[]);
    assert_eq!(b.finish().map(|_| ()).map_err(|error| error.kind), Err(SsaErrorKind::ArgumentCount(next)));

    let mut b = FuncBuilder::new("open", 1);
    let next = b.create_block();
    b.jump(next, &[]);
    assert_eq!(b.finish().map(|_| ()).map_err(|error| error.kind), Err(SsaErrorKind::OpenBlock(next)));

    let mut b = FuncBuilder::new("foreign", 1);
    b.ret(Value(77));
    assert!(matches!(b.finish().map_err(|error| error.kind), Err(SsaErrorKind::UndefinedValue(Value(77), _))));
}

#[test]
fn values_of_one_side_are_not_visible_after_it() {
    let mut b = FuncBuilder::new("side", 1);
    let ctx = b.param(0);
    let x = b.load(ctx, 0, Size::B8);
    let (then, join) = (b.create_block(), b.create_block());
    b.branch(Cond::Eq, x, 0, then, &[], join, &[]);
    b.switch_to(then);
    let hidden = b.add(x, 1);
    b.jump(join, &[]);
    b.switch_to(join);
    b.ret(hidden);
    assert!(matches!(b.finish().map_err(|error| error.kind), Err(SsaErrorKind::UndefinedValue(..))));
}

#[test]
fn code_after_a_return_vanishes() {
    let mut b = FuncBuilder::new("after", 1);
    b.ret(3);
    let one = b.iconst(1);
    let var = b.declare_var();
    b.def_var(var, one);
    b.call(helper::KTIME_GET_NS, &[]);
    b.ret(4);
    assert_eq!(compile_main(b).expect("compiles").insns.len(), 2);
}

/// Pointers must survive on the stack when registers run out, as the verifier follows them only there.
#[test]
fn kernel_takes_spilled_pointers() {
    let Some(maps) = kernel::maps() else { return };
    let mut b = FuncBuilder::new("pointers", 1);
    let ctx = b.param(0);
    let key = b.declare_slot(8, 8);
    let exit = b.create_block();
    let mut found = Vec::new();
    for at in 0..10i64 {
        let (map, addr) = (b.map_ptr(MapRef(1)), b.stack_addr(key));
        b.store(addr, 0, Size::B8, at);
        let value = b.call(helper::MAP_LOOKUP_ELEM, &[map, addr]);
        found.push(value);
    }
    for value in &found {
        b.branch_away(Cond::Eq, *value, 0, exit);
    }
    let word = b.load(ctx, 0, Size::B8);
    for value in &found {
        b.store(*value, 0, Size::B8, word);
    }
    b.jump(exit, &[]);
    b.switch_to(exit);
    b.ret(0);
    let mut code = compile_main(b).expect("compiles");
    kernel::load(&mut code, &maps).expect("accepted");
}

#[test]
fn same_map_values_share_an_address() {
    let mut b = FuncBuilder::new("counters", 1);
    for at in 0..6 {
        let counter = b.map_value(MapRef(0), at * 8);
        b.store(counter, 0, Size::B8, 1);
    }
    b.ret(0);
    let code = compile_main(b).expect("compiles");
    assert_eq!(code.insns.iter().filter(|insn: &&Insn| insn.is_wide()).count(), 1, "{code}");
}
