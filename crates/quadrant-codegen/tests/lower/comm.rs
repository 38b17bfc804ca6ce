//! The thread's name read from the task itself.

use quadrant_bpf::features::Features;
use quadrant_bpf::prog::ProgramKind;
use quadrant_codegen::Target;
use quadrant_program::expr::Builtin;
use quadrant_program::map::Aggregation;
use quadrant_program::ty::Type;
use quadrant_types::{Btf, Types};

use crate::build::*;
use crate::engine::Kernel;

fn comm_offset() -> Option<u32> {
    let types = Types::new(Btf::new(std::fs::read("/sys/kernel/btf/vmlinux").ok()?).ok()?);
    let task = types.lookup_struct("task_struct")?;
    u32::try_from(types.find_member(task, "comm")?.byte_offset()).ok()
}

#[test]
fn names_of_all_lengths() {
    let known = Features::new().helper(ProgramKind::RawTracepoint, quadrant_bpf::helper::GET_CURRENT_TASK_BTF);
    let Some(offset) = comm_offset().filter(|_| known) else {
        return eprintln!("skipped: the kernel does not show programs the task");
    };
    let direct = Target { comm_offset: Some(offset), ..target() };
    let mut script = Script::new();
    let map = script.aggregation(Some(Type::String { cap: 16 }), Aggregation::Count);
    script.clause(None, vec![feed(map, Some(builtin(Builtin::Comm)), None)]);
    let Some(kernel) = Kernel::with_target(&script, &direct) else { return };
    let before = std::fs::read("/proc/thread-self/comm").expect("procfs");
    for len in (1..16).rev() {
        let name = &b"abcdefghijklmno"[..len];
        std::fs::write("/proc/thread-self/comm", name).expect("a name");
        let seen = kernel.run(&script, &[(0, vec![])]);
        let mut key = name.to_vec();
        key.resize(16, 0);
        assert_eq!(seen.words(map, &key), Some(vec![1]), "{name:?}");
    }
    std::fs::write("/proc/thread-self/comm", before.trim_ascii_end()).expect("a name");
}
