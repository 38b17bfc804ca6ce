//! Programs of several functions.

use quadrant_bpf::btf::{Function, Linkage};
use quadrant_bpf::features::Features;
use quadrant_bpf::helper;
use quadrant_bpf::insn::{Alu, Insn, Reg, Size};
use quadrant_bpf::map::{Map, MapKind, MapSpec, Update};
use quadrant_bpf::prog::{Program, ProgramKind, ProgramSpec};

use crate::common::{self, need, need_root};

/// An entry that calls `helper(r1, callback, 0, 0)` after `first` has set r1, and returns the helper's result.
fn with_callback(first: &[Insn], helper: u32, callback: &[Insn]) -> Program {
    let call = [Insn::mov64_imm(Reg::R3, 0), Insn::mov64_imm(Reg::R4, 0), Insn::call_helper(helper), Insn::exit()];
    let mut insns = first.to_vec();
    insns.extend(Insn::ld_func(Reg::R2, call.len() as i32 + 1));
    insns.extend(call);
    let start = insns.len() as u32;
    insns.extend(callback);
    let functions = [
        Function { start: 0, name: "entry".to_owned(), linkage: Linkage::Static, arguments: 1 },
        Function { start, name: "each".to_owned(), linkage: Linkage::Static, arguments: 4 },
    ];
    common::load(&ProgramSpec {
        name: "callbacks",
        functions: &functions,
        ..ProgramSpec::new(ProgramKind::RawTracepoint, &insns)
    })
}

#[test]
fn bpf_loop_calls_back() {
    need_root!();
    need!(Features::new().bpf_loop(), "this kernel has no bpf_loop (Linux 5.17)");
    let (map, memory) = common::counters(1);
    let mut callback = common::add(&map, 0, &[]);
    callback.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let program = with_callback(&[Insn::mov64_imm(Reg::R1, 100)], helper::LOOP, &callback);
    assert_eq!(program.test_run_raw_tp(&[]).unwrap(), 100);
    assert_eq!(memory.read_u64(0).unwrap(), (0..100).sum::<u64>());
}

#[test]
fn for_each_map_elem_visits_all() {
    need_root!();
    need!(Features::new().for_each_map_elem(), "this kernel has no bpf_for_each_map_elem (Linux 5.13)");
    let hash = Map::create(&MapSpec::new(MapKind::Hash, 4, 8, 64)).unwrap();
    for key in 1..=10u32 {
        hash.update(&key.to_ne_bytes(), &u64::from(key).to_ne_bytes(), Update::Any).unwrap();
    }
    let (map, memory) = common::counters(1);
    let mut callback = common::add(&map, 0, &[Insn::ldx(Size::Dw, Reg::R1, Reg::R3, 0)]);
    callback.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let program = with_callback(&Insn::ld_map_fd(Reg::R1, hash.raw_fd()), helper::FOR_EACH_MAP_ELEM, &callback);
    assert_eq!(program.test_run_raw_tp(&[]).unwrap(), 10);
    assert_eq!(memory.read_u64(0).unwrap(), 55);
}

#[test]
fn functions_are_called_and_checked_once_if_global() {
    need_root!();
    for linkage in [Linkage::Static, Linkage::Global] {
        let insns = [
            Insn::mov64_imm(Reg::R1, 20),
            Insn::mov64_imm(Reg::R2, 22),
            Insn::call_func(1),
            Insn::exit(),
            Insn::mov64(Reg::R0, Reg::R1),
            Insn::alu64_reg(Alu::Add, Reg::R0, Reg::R2),
            Insn::exit(),
        ];
        let functions = [
            Function { start: 0, name: "entry".to_owned(), linkage: Linkage::Static, arguments: 1 },
            Function { start: 4, name: "sum".to_owned(), linkage, arguments: 2 },
        ];
        let spec = ProgramSpec { functions: &functions, ..ProgramSpec::new(ProgramKind::RawTracepoint, &insns) };
        assert_eq!(common::load(&spec).test_run_raw_tp(&[]).unwrap(), 42, "{linkage:?}");
    }
}
