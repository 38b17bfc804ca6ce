//! Adding to a CPU's part of an aggregation takes a lock only where another program may do it meanwhile.

use quadrant_codegen::{Context, Target};
use quadrant_program::action::{Action, ActionKind};
use quadrant_program::map::{Aggregation, MapId};
use quadrant_program::probe::{KernelCode, Site};
use quadrant_program::record::RecordKind;
use quadrant_program::stmt::{Stmt, StmtKind};

use crate::build::*;
use crate::engine::object_for;

/// `lock *(u64 *)(dst + off) += src`, and its kin.
const ATOMIC: u8 = 0xdb;

fn count_of(map: MapId) -> Stmt {
    stmt(StmtKind::Aggregate { map, key: None, value: None, weight: None })
}

/// A script that counts in one map, in so many programs.
fn counting(contexts: &[Context]) -> Script {
    let mut script = Script::new();
    let map = script.aggregation(None, Aggregation::Count);
    contexts.iter().for_each(|context| script.clause_in(context.clone(), None, vec![count_of(map)]));
    script
}

fn locks(script: &Script, target: &Target) -> usize {
    let object = object_for(script, target);
    object.programs.iter().flat_map(|code| &code.insns).filter(|insn| insn.code == ATOMIC).count()
}

/// Of programs on kernel functions.
fn on_functions(mut script: Script) -> Script {
    let site = Site::Kprobe(KernelCode::default());
    script.program.points.iter_mut().for_each(|point| point.site = site.clone());
    script
}

#[test]
fn a_program_that_keeps_itself_out_takes_no_lock() {
    for context in [Context::BtfTracepoint, Context::Function { words: 1, exit: false }] {
        assert_eq!(locks(&counting(std::slice::from_ref(&context)), &target()), 0, "{context:?}");
        assert_eq!(locks(&counting(&[context.clone(), context.clone()]), &target()), 2, "{context:?}");
        let old = Target { guarded: false, ..target() };
        assert_eq!(locks(&counting(&[context]), &old), 1);
    }
}

#[test]
fn programs_that_keep_each_other_out_take_none() {
    let old = Target { guarded: false, ..target() };
    let family = [Context::Tracepoint, Context::PerfEvent, Context::Tracepoint];
    // The program of the perf event counts its runs.
    assert_eq!(locks(&counting(&family), &old), 1);
    assert_eq!(locks(&on_functions(counting(&[Context::Registers, Context::Registers])), &old), 0);
    assert_eq!(locks(&counting(&[Context::Tracepoint, Context::BtfTracepoint]), &target()), 2);
}

#[test]
fn programs_that_can_be_preempted_take_one() {
    for context in [Context::Registers, Context::Run] {
        assert_eq!(locks(&counting(&[context]), &target()), 1);
    }
}

#[test]
fn a_trampoline_for_each_of_many_functions_takes_one() {
    let mut script = counting(&[Context::Function { words: 1, exit: false }]);
    let second = script.point(Site::Begin);
    script.units[0].points.push(second);
    assert_eq!(locks(&script, &target()), 1);
}

#[test]
fn what_is_emptied_meanwhile_takes_one() {
    let of_d = |kind| RecordKind::Firing(vec![Action { kind, args: 0..0 }]);
    let orders: [fn(MapId) -> RecordKind; 3] =
        [RecordKind::Clear, RecordKind::Zero, |map| RecordKind::PrintMap { map, top: 0, div: 0, take: true }];
    let in_d: [fn(MapId) -> ActionKind; 2] = [ActionKind::Clear, ActionKind::Trunc];
    let all = orders.map(|order| order(MapId(0))).into_iter().chain(in_d.map(|order| of_d(order(MapId(0)))));
    for kind in all {
        let mut script = counting(&[Context::Tracepoint]);
        script.record_kind(kind.clone(), &[]);
        assert_eq!(locks(&script, &target()), 1, "{kind:?}");
    }
}

#[test]
fn what_all_processors_share_takes_one() {
    let mut script = Script::new();
    let map = script.aggregation(None, Aggregation::Count);
    script.clause(None, vec![count_of(map)]);
    let out = script.scalar(quadrant_program::ty::Type::I64);
    script.clause(None, vec![set_map(out, None, get(map, None, quadrant_program::ty::Type::I64))]);
    assert_eq!(locks(&script, &target()), 1);
}
