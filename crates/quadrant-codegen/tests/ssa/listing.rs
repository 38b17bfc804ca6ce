//! Listings of small programs, to see what the optimizer and the allocator make of them.

use quadrant_bpf::helper;
use quadrant_codegen::ssa::{AtomicOp, Cond, FuncBuilder, MapRef, Module, Options, Size, Span, compile};

/// The listing of one function, without the numbers of instructions.
fn listing(b: FuncBuilder) -> String {
    let mut module = Module::new();
    let main = module.declare_func();
    module.define_func(main, b.finish().expect("valid"));
    let code = compile(&module, &Options::default()).expect("compiles").to_string();
    let lines = code.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(_, text)| text.trim());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn comparison_of_a_comparison_is_one_jump() {
    let mut b = FuncBuilder::new("f", 1);
    let ctx = b.param(0);
    let x = b.load_with(ctx, 0, Size::B8, false, true);
    let flag = b.compare(Cond::Slt, x, 10);
    let (yes, no) = (b.create_block(), b.create_block());
    b.branch(Cond::Ne, flag, 0, yes, &[], no, &[]);
    b.switch_to(yes);
    b.ret(1);
    b.switch_to(no);
    b.ret(2);
    let expected = "r0 = *(u64 *)(r1 +0)\nif r0 s>= 10 goto pc+2\nr0 = 1\nexit\nr0 = 2\nexit";
    assert_eq!(plain(&listing(b)), plain(expected));
}

#[test]
fn selection_needs_one_jump() {
    let mut b = FuncBuilder::new("f", 1);
    let ctx = b.param(0);
    let x = b.load_with(ctx, 0, Size::B8, false, true);
    let flag = b.compare(Cond::Ugt, x, 5);
    b.ret(flag);
    let expected = "r0 = *(u64 *)(r1 +0)\nr5 = 1\nif r0 > 5 goto pc+1\nr5 = 0\nr0 = r5\nexit";
    let found = listing(b);
    assert!(found.lines().count() <= expected.lines().count(), "{found}");
}

#[test]
fn repeated_questions_are_asked_once() {
    let mut b = FuncBuilder::new("f", 1);
    let ctx = b.param(0);
    for _ in 0..3 {
        let id = b.call(helper::GET_CURRENT_PID_TGID, &[]);
        let pid = b.shr(id, 32);
        let x = b.load_with(ctx, 8, Size::B4, false, true);
        let sum = b.add(pid, x);
        let counter = b.map_value(MapRef(0), 0);
        b.atomic(AtomicOp::Add, counter, 0, Size::B8, sum);
    }
    b.ret(0);
    let found = listing(b);
    assert_eq!(found.matches("call").count(), 1, "{found}");
    assert_eq!(found.matches("u32").count(), 1, "{found}");
}

#[test]
fn addresses_take_in_distances() {
    let mut b = FuncBuilder::new("f", 1);
    let slot = b.declare_slot(16, 8);
    let addr = b.stack_addr(slot);
    let second = b.add(addr, 8);
    b.store(second, 4, Size::B4, 7);
    b.ret(0);
    assert_eq!(plain(&listing(b)), plain("*(u32 *)(r10 -4) = 7\nr0 = 0\nexit"));
}

#[test]
fn spans_follow_instructions() {
    let mut b = FuncBuilder::new("f", 1);
    let ctx = b.param(0);
    b.set_span(Span { start: 5, end: 9 });
    let x = b.load(ctx, 0, Size::B8);
    b.set_span(Span { start: 20, end: 30 });
    let counter = b.map_value(MapRef(0), 0);
    b.store(counter, 0, Size::B8, x);
    b.ret(0);
    let mut module = Module::new();
    let main = module.declare_func();
    module.define_func(main, b.finish().expect("valid"));
    let code = compile(&module, &Options::default()).expect("compiles");
    let store = code.insns.iter().position(|insn| insn.class() == quadrant_bpf::insn::class::STX).expect("a store");
    let of_store = code.spans.iter().rev().find(|(start, _)| *start as usize <= store).map(|(_, span)| *span);
    assert_eq!(of_store, Some(Span { start: 20, end: 30 }), "{code}");
    assert!(code.spans.iter().any(|(_, span)| *span == Span { start: 5, end: 9 }));
    assert_eq!(code.spans.first().map(|(at, _)| *at), Some(0));
}

#[test]
fn module_is_printed() {
    let mut b = FuncBuilder::new("main", 1);
    let ctx = b.param(0);
    let x = b.load_with(ctx, 16, Size::B2, true, true);
    let done = b.create_block();
    b.branch_away(Cond::Test, x, 1, done);
    let (map, key) = (b.map_ptr(MapRef(4)), b.iconst(-3));
    b.call(helper::MAP_DELETE_ELEM, &[map, key]);
    b.jump(done, &[]);
    b.switch_to(done);
    b.ret(0);
    let mut module = Module::new();
    let main = module.declare_func();
    module.define_func(main, b.finish().expect("valid"));
    let expected = "\
f0 main(1):
b0:
  v0 = param 0
  v1 = i16[v0 + 16] invariant
  if v1 has 1 then b1 else b2
b2:
  v2 = map 4
  v3 = -3
  v4 = helper 3(v2, v3)
  jump b1
b1:
  return 0
";
    assert_eq!(module.to_string(), expected);
}

/// Without differences in how numbers are written.
fn plain(text: &str) -> String {
    text.replace("0x", "").replace(" a ", " 10 ").to_lowercase()
}
