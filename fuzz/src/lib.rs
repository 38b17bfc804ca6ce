//! What the targets that begin with a script share: programs are made of it, for a kernel that has everything and for an old one.

use quadrant_codegen::Target;
use quadrant_codegen::object::{Context, Unit};
use quadrant_program::Program;
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
    let site = &program.points[point.0 as usize].site;
    (*site != Site::Error).then(|| Unit::new(Context::of(site), vec![clause], vec![point]))
}

fn new() -> Target {
    Target {
        tai_offset_ns: 37_000_000_000,
        wall_offset_ns: 1_000_000_000,
        comm_offset: Some(3_000),
        session_is_return: Some(4711),
        sampling: true,
        short_stacks: 256,
        syscall_events_have_frame: true,
        ..Target::newest(4)
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
