//! Loading and running programs.

use quadrant_bpf::disasm;
use quadrant_bpf::features::Features;
use quadrant_bpf::helper;
use quadrant_bpf::insn::{Alu, Atomic, Cond, Insn, Reg, Size};
use quadrant_bpf::prog::{self, LogLevel, Program, ProgramKind, ProgramSpec};

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

#[test]
fn runs_are_counted_while_statistics_are_on() {
    need_root!();
    let program = common::load_insns(ProgramKind::RawTracepoint, &[Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let statistics = prog::enable_stats().unwrap();
    let before = program.info().unwrap();
    for _ in 0..100 {
        program.test_run_raw_tp(&[]).unwrap();
    }
    let after = program.info().unwrap();
    drop(statistics);
    assert_eq!(after.run_cnt - before.run_cnt, 100);
    assert_eq!((after.id, after.recursion_misses), (before.id, 0));
    assert!(after.run_time_ns >= before.run_time_ns && after.xlated_len >= 16);
}

#[test]
fn an_accepted_program_has_a_log_too() {
    need_root!();
    let insns = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    let spec = ProgramSpec::new(ProgramKind::RawTracepoint, &insns);
    let (program, log) = Program::load_logged(&spec, LogLevel::Everything);
    assert!(program.is_ok() && log.contains("0: (b7) r0 = 0"), "{log}");
}

/// The verifier prints instructions as this crate does.
#[test]
fn the_listing_matches_the_verifiers() {
    need_root!();
    let insns = every_form(&Features::new());
    let (_, log) = Program::load_logged(&ProgramSpec::new(ProgramKind::RawTracepoint, &insns), LogLevel::Everything);
    let theirs: Vec<&str> = log.lines().filter_map(|line| line.split_once(") ")).map(|line| line.1).collect();
    let theirs: Vec<&str> = theirs.iter().map(|line| line.split(';').next().unwrap_or_default().trim()).collect();
    for at in 0..insns.len() {
        let ours = disasm::line(&insns, at);
        assert!(theirs.contains(&ours.as_str()), "{ours} is not in\n{log}");
    }
}

/// A program that the verifier accepts, in which no path is dead; with all that this kernel knows.
fn every_form(features: &Features) -> Vec<Insn> {
    let mut insns = vec![
        Insn::ldx(Size::Dw, Reg::R6, Reg::R1, 8),
        Insn::mov64(Reg::R7, Reg::R6),
        Insn::mov32(Reg::R8, Reg::R6),
        Insn::mov64_imm(Reg::R9, -3),
        Insn::mov32_imm(Reg::R5, 3),
        Insn::neg64(Reg::R9),
        Insn::neg32(Reg::R5),
        Insn::to_be(Reg::R5, 16),
        Insn::to_le(Reg::R5, 32),
        Insn::st(Size::Dw, Reg::R10, -8, 1),
        Insn::st(Size::B, Reg::R10, -9, -1),
        Insn::stx(Size::W, Reg::R10, -16, Reg::R6),
        Insn::ldx(Size::B, Reg::R2, Reg::R10, -9),
        Insn::atomic(Atomic::Add, Size::Dw, Reg::R10, -8, Reg::R6),
    ];
    use Alu::*;
    insns.extend(calculations(&[Add, Sub, Mul, Div, Or, And, Lsh, Rsh, Mod, Xor, Mov, Arsh]));
    if features.atomic_fetch() {
        insns.extend(atomic_forms());
    }
    if features.cpu_v4() {
        insns.extend(calculations(&[Sdiv, Smod]));
        insns.extend([Insn::movsx64(Reg::R5, Reg::R7, 8), Insn::movsx32(Reg::R5, Reg::R7, 16)]);
        insns.extend([Insn::bswap(Reg::R5, 64), Insn::ldxs(Size::B, Reg::R2, Reg::R10, -9), Insn::ja32(0)]);
    }
    insns.extend(jumps());
    insns.extend([Insn::ja(0), Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    insns
}

fn calculations(ops: &[Alu]) -> Vec<Insn> {
    let forms = |op: &Alu| {
        let with_number = [Insn::alu64_imm(*op, Reg::R7, 3), Insn::alu32_imm(*op, Reg::R7, 3)];
        let with_register = [Insn::alu64_reg(*op, Reg::R8, Reg::R7), Insn::alu32_reg(*op, Reg::R8, Reg::R7)];
        [with_number, with_register].concat()
    };
    ops.iter().flat_map(forms).collect()
}

fn atomic_forms() -> Vec<Insn> {
    let mut insns = vec![
        Insn::xchg(Size::Dw, Reg::R10, -8, Reg::R2),
        Insn::mov64_imm(Reg::R0, 0),
        Insn::cmpxchg(Size::Dw, Reg::R10, -8, Reg::R2),
    ];
    for op in [Atomic::Add, Atomic::Or, Atomic::And, Atomic::Xor] {
        insns.push(Insn::atomic(op, Size::Dw, Reg::R10, -8, Reg::R6));
        insns.push(Insn::atomic_fetch(op, Size::W, Reg::R10, -16, Reg::R2));
    }
    insns
}

/// Every condition, each jumping over one instruction and on a number that the verifier cannot know: Linux 7.2 makes
/// plain jumps of those whose way is clear.
fn jumps() -> Vec<Insn> {
    use Cond::*;
    let forms = |cond| {
        let with_number = [Insn::jmp_imm(cond, Reg::R6, 7, 1), Insn::jmp32_imm(cond, Reg::R6, 7, 1)];
        let with_register = [Insn::jmp_reg(cond, Reg::R6, Reg::R8, 1), Insn::jmp32_reg(cond, Reg::R6, Reg::R8, 1)];
        [with_number, with_register].concat()
    };
    let after_time = |jump| {
        [Insn::call_helper(helper::KTIME_GET_NS), Insn::mov64(Reg::R6, Reg::R0), jump, Insn::mov64_imm(Reg::R0, 0)]
    };
    let conditions = [Eq, Gt, Ge, Set, Ne, Sgt, Sge, Lt, Le, Slt, Sle];
    conditions.into_iter().flat_map(forms).flat_map(after_time).collect()
}

#[test]
fn kernel_functions_are_called_by_id() {
    need_root!();
    const FUNC: u32 = 12;
    let ids = (common::btf_id(FUNC, "bpf_rcu_read_lock"), common::btf_id(FUNC, "bpf_rcu_read_unlock"));
    let (Some(lock), Some(unlock)) = ids else {
        return quadrant_testing::skip("this kernel has no such functions");
    };
    let insns = [Insn::call_kfunc(lock, 0), Insn::call_kfunc(unlock, 0), Insn::mov64_imm(Reg::R0, 3), Insn::exit()];
    let program = common::load_insns(ProgramKind::RawTracepoint, &insns);
    assert_eq!(program.test_run_raw_tp(&[]).unwrap(), 3);
}
