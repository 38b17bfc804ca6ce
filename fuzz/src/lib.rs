//! What the targets that begin with a script share: programs are made of it, for a kernel that has everything and for an old one.

use quadrant_codegen::Target;
use quadrant_codegen::object::{Context, Unit};
use quadrant_program::Program;
use quadrant_program::arch::native;
use quadrant_program::probe::{PointId, Site};

/// Generates the code of a program. What cannot be done for a kernel is an answer, too.
pub fn generate(program: &Program) {
    let units = units(program);
    for target in [new(), old()] {
        let _ = quadrant_codegen::compile(program, &units, &target);
    }
}

/// One program for each clause at each point.
fn units(program: &Program) -> Vec<Unit> {
    let all = program.clauses.iter().enumerate();
    all.flat_map(|(clause, it)| it.points.iter().filter_map(move |point| unit(program, clause, *point))).collect()
}

/// `None` where a clause is part of others' programs.
fn unit(program: &Program, clause: usize, point: PointId) -> Option<Unit> {
    let context = match &program.points[point.0 as usize].site {
        Site::Error => return None,
        Site::Begin | Site::End => Context::Run,
        Site::Tracepoint { .. } => Context::Tracepoint,
        Site::RawTracepoint { .. } => Context::BtfTracepoint,
        Site::Fentry(function) => Context::Function { words: function.words, exit: false },
        Site::Fexit(function) => Context::Function { words: function.words, exit: true },
        Site::Profile(_) | Site::Interval { .. } | Site::PerfEvent { .. } => Context::PerfEvent,
        _ => Context::Registers,
    };
    let (clauses, points) = (vec![clause], vec![point]);
    Some(Unit { context, clauses, points, pid: None, cgroup: None, sleepable: false, lacks_caller: false })
}

fn new() -> Target {
    Target {
        ncpus: 4,
        ring_buffer: true,
        bpf_loop: true,
        for_each_map_elem: true,
        no_prealloc: true,
        ktime_tai: true,
        atomic_fetch: true,
        guarded: true,
        tai_offset_ns: 37_000_000_000,
        wall_offset_ns: 1_000_000_000,
        pid_namespace: None,
        ring_bytes: 1 << 20,
        comm_offset: Some(3_000),
        task_ids: None,
        override_return: true,
        write_user: true,
        task: None,
        path: None,
        session_is_return: Some(4711),
        sampling: true,
        numbers_walks: false,
        map_keys: 4096,
        stack_keys: 1024,
        short_stacks: 256,
        programs_come_twice: false,
        syscall_events_have_frame: true,
        fronts: true,
        arch: native(),
    }
}

/// Linux 5.4 has no more.
fn old() -> Target {
    Target {
        ring_buffer: false,
        bpf_loop: false,
        for_each_map_elem: false,
        no_prealloc: false,
        ktime_tai: false,
        atomic_fetch: false,
        guarded: false,
        comm_offset: None,
        override_return: false,
        write_user: false,
        session_is_return: None,
        sampling: false,
        short_stacks: 0,
        syscall_events_have_frame: false,
        fronts: false,
        ..new()
    }
}
