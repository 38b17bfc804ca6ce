//! Functions that change the process, and lines in the kernel's log.

use quadrant_codegen::{LossKind, Target};
use quadrant_program::expr::{Expr, Function};
use quadrant_program::stmt::{Stmt, StmtKind};
use quadrant_program::ty::{Space, Type};
use quadrant_vm::FakeEnv;

use crate::build::*;
use crate::engine::{Firing, Machine};

fn act(function: Function, args: Vec<Expr>) -> Stmt {
    stmt(StmtKind::Expr(call(function, args, Type::None)))
}

#[test]
fn values_are_written_to_the_process() {
    let mut script = Script::new();
    let u16_type = Type::Int { bytes: 2, signed: false };
    let bytes = call(Function::Buf(Space::User), vec![arg(1), arg(2)], Type::Buffer { cap: 5 });
    script.clause(None, vec![act(Function::WriteUser, vec![arg(0), cast(uint(0x0102), u16_type)])]);
    script.clause(None, vec![act(Function::WriteUser, vec![arg(0), bytes])]);
    let mut env = FakeEnv::default();
    env.user.put(0x5000, [9; 16]);
    env.user.put(0x6000, *b"abcdefgh");
    let mut machine = Machine::new(&script, env);
    let mut memory = |firing: Firing, lost: u64| {
        let seen = machine.run(&script, &[firing]);
        assert_eq!(seen.lost(LossKind::Write), lost);
        let mut bytes = [0; 8];
        assert!(machine.vm.env.user.read(0x5000, &mut bytes));
        bytes
    };
    assert_eq!(memory((0, vec![0x5000]), 0), [2, 1, 9, 9, 9, 9, 9, 9]);
    assert_eq!(&memory((1, vec![0x5000, 0x6000, 3]), 0), b"abc\t\t\t\t\t");
    assert_eq!(&memory((1, vec![0x5000, 0x6000, 0]), 0), b"abc\t\t\t\t\t");
    assert_eq!(&memory((1, vec![0x5001, 0x6000, 100]), 0), b"aabcde\t\t");
    assert_eq!(&memory((0, vec![0x8000]), 1), b"aabcde\t\t");
    let locked = Target { write_user: false, ..target() };
    let error = quadrant_codegen::compile(&script.program, &script.units, &locked).expect_err("no helper");
    assert!(error.message.contains("write the memory of processes"), "{error}");
}

#[test]
fn lines_in_the_kernels_log() {
    let mut script = Script::new();
    script.clause(None, vec![act(Function::Debug, vec![text("%lld of %s\n"), arg(0), text("many")])]);
    let mut machine = Machine::new(&script, FakeEnv::default());
    machine.run(&script, &[(0, vec![7])]);
    let [(format, arguments)] = &machine.vm.env.printed[..] else { panic!("one line") };
    assert_eq!((&format[..], arguments[0]), (&b"%lld of %s\n\0"[..], 7));
    assert_eq!(arguments.len(), 2);
}

#[test]
fn results_are_overridden_where_the_kernel_allows_it() {
    let mut script = Script::new();
    script.clause(None, vec![act(Function::Override, vec![uint(1)])]);
    let open = quadrant_codegen::compile(&script.program, &script.units, &target()).expect("the helper");
    let helper = quadrant_bpf::helper::OVERRIDE_RETURN as i32;
    assert!(open.programs[0].insns.iter().any(|insn| insn.code == 0x85 && insn.imm == helper));
    let closed = Target { override_return: false, ..target() };
    let error = quadrant_codegen::compile(&script.program, &script.units, &closed).expect_err("no helper");
    assert!(error.message.contains("bpf_override_return"), "{error}");
}
