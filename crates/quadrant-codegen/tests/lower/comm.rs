//! The thread's name read from the task itself.

use quadrant_bpf::features::Features;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::Target;
use quadrant_codegen::target::TaskIds;
use quadrant_program::expr::{Builtin, ExprKind};
use quadrant_program::map::Aggregation;
use quadrant_program::ty::Type;
use quadrant_types::{Btf, Types};

use crate::build::*;
use crate::engine::Kernel;

/// Offsets of a task's name, thread number and process number.
fn offsets() -> Option<[u32; 3]> {
    let types = Types::new(Btf::new(std::fs::read("/sys/kernel/btf/vmlinux").ok()?).ok()?);
    let task = types.lookup_struct("task_struct")?;
    let offset = |name| u32::try_from(types.find_member(task, name)?.byte_offset()).ok();
    Some([offset("comm")?, offset("pid")?, offset("tgid")?])
}

/// A target that reads name and numbers from the task, where programs may do that.
fn direct() -> Option<Target> {
    let known = Features::new().helper(ProgramKind::RawTracepoint, quadrant_bpf::helper::GET_CURRENT_TASK_BTF);
    let offsets = offsets().filter(|_| known);
    if offsets.is_none() {
        eprintln!("skipped: the kernel does not show programs the task");
    }
    offsets.map(|[comm, pid, tgid]| Target {
        comm_offset: Some(comm),
        task_ids: Some(TaskIds { pid, tgid }),
        ..target()
    })
}

/// Runs something with names of all lengths, longer ones first, so that there is something behind the NUL.
fn with_names(run: impl Fn(&[u8])) {
    let before = std::fs::read("/proc/thread-self/comm").expect("procfs");
    for len in (1..16).rev() {
        let name = &b"abcdefghijklmno"[..len];
        std::fs::write("/proc/thread-self/comm", name).expect("a name");
        run(name);
    }
    std::fs::write("/proc/thread-self/comm", before.trim_ascii_end()).expect("a name");
}

#[test]
fn names_of_all_lengths() {
    let Some(direct) = direct() else { return };
    let mut script = Script::new();
    let map = script.aggregation(Some(Type::String { cap: 16 }), Aggregation::Count);
    script.clause(None, vec![feed(map, Some(builtin(Builtin::Comm)), None)]);
    let Some(kernel) = Kernel::with_target(&script, &direct) else { return };
    with_names(|name| {
        let seen = kernel.run(&script, &[(0, vec![])]);
        let mut key = name.to_vec();
        key.resize(16, 0);
        assert_eq!(seen.words(map, &key), Some(vec![1]), "{name:?}");
    });
}

#[test]
fn names_are_compared_to_their_end() {
    let Some(direct) = direct() else { return };
    let mut script = Script::new();
    let same = script.keyed(Type::U64, Type::I64);
    let equal = |known: &str, negate| {
        let (lhs, rhs) = (Box::new(builtin(Builtin::Comm)), Box::new(text(known)));
        Some(expr(ExprKind::MemEq { lhs, rhs, negate }, Type::Bool))
    };
    let all = "abcdefghijklmnopq";
    for len in 0..=all.len() {
        let note = |value| vec![set_map(same, Some(uint(len as u64)), int(value))];
        script.clause(equal(&all[..len], false), note(1));
        script.clause(equal(&all[..len], true), note(0));
    }
    let Some(kernel) = Kernel::with_target(&script, &direct) else { return };
    let firings: Vec<_> = (0..2 * all.len() + 2).map(|unit| (unit, vec![])).collect();
    with_names(|name| {
        let seen = kernel.run(&script, &firings);
        for len in 0..=all.len() {
            assert_eq!(seen.at(same, len as u64), Some((len == name.len()).into()), "{name:?} {len}");
        }
    });
}

#[test]
fn numbers_are_those_of_the_helper() {
    let Some(direct) = direct() else { return };
    let mut script = Script::new();
    let ids = [Builtin::Pid, Builtin::Tid, Builtin::InitialPid, Builtin::InitialTid].map(|id| {
        let map = script.scalar(Type::U64);
        script.clause(None, vec![set_map(map, None, builtin(id))]);
        map
    });
    let Some(kernel) = Kernel::with_target(&script, &direct) else { return };
    let seen = kernel.run(&script, &[0, 1, 2, 3].map(|unit| (unit, vec![])));
    let thread = std::fs::read_link("/proc/thread-self").expect("procfs");
    let thread = thread.file_name().and_then(|name| name.to_str()?.parse().ok());
    let process = Some(u64::from(std::process::id()));
    assert_eq!(ids.map(|map| seen.number(map)), [process, thread, process, thread]);
}
