//! Loading and running programs.

use quadrant_bpf::insn::{Insn, Reg, Size};
use quadrant_bpf::prog::{LogLevel, Program, ProgramKind, ProgramSpec};

use crate::common::{self, need_root};

#[test]
fn runs_a_raw_tracepoint_program() {
    need_root!();
    let (map, memory) = common::counters(4);
    let mut insns = vec![Insn::mov64(Reg::R6, Reg::R1)];
    insns.extend(common::add(&map, 2, &[Insn::ldx(Size::Dw, Reg::R1, Reg::R6, 8)]));
    insns.extend([Insn::mov64_imm(Reg::R0, 7), Insn::exit()]);
    let program = common::load_insns(ProgramKind::RawTracepoint, &insns);
    assert_eq!(program.test_run_raw_tp(&[1, 40]).unwrap(), 7);
    assert_eq!(program.test_run_raw_tp(&[1, 2]).unwrap(), 7);
    assert_eq!(memory.read_u64(16).unwrap(), 42);
    assert_eq!(memory.read_u64(8).unwrap(), 0);
}

#[test]
fn explains_a_refused_program_with_the_log() {
    need_root!();
    let insns = [Insn::ldx(Size::Dw, Reg::R0, Reg::R3, 0), Insn::exit()];
    let spec = ProgramSpec { name: "bad", ..ProgramSpec::new(ProgramKind::RawTracepoint, &insns) };
    let error = Program::load(&spec).map(drop).unwrap_err();
    assert!(error.errno().is_some() && error.log().is_none(), "{error}");
    let error = Program::load_with_log(&spec, LogLevel::Failure).map(drop).unwrap_err();
    assert!(error.log().unwrap().contains("R3 !read_ok"), "{:?}", error.log());
}
