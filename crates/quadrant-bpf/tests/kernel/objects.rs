//! What the kernel says about programs, links, types and descriptors.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};

use quadrant_bpf::insn::{Insn, Reg};
use quadrant_bpf::link::{Link, Walk};
use quadrant_bpf::object::{self, LinkObject, LinkTarget, ObjectKind, ProgramObject, TaskAttachment};
use quadrant_bpf::perf::{Event, PerfEvent, Sample, Scope, Software};
use quadrant_bpf::prog::{AttachType, Program, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;

use crate::common::{self, need_root};

fn nothing(kind: ProgramKind) -> Program {
    common::load_insns(kind, &[Insn::mov64_imm(Reg::R0, 0), Insn::exit()])
}

/// A link of the kernel, found among all by its program.
fn link_of(program: &Program) -> Option<LinkObject> {
    let id = program.info().unwrap().id;
    let links = object::ids(ObjectKind::Link).unwrap();
    links.into_iter().find_map(|link| {
        let fd = object::open(ObjectKind::Link, link).unwrap()?;
        let found = LinkObject::of(fd.as_fd()).unwrap();
        assert_eq!(found.id, link);
        (found.prog_id == id).then_some(found)
    })
}

#[test]
fn a_program_is_found_with_its_maps() {
    need_root!();
    let (map, _memory) = common::counters(1);
    let insns = [&common::count(&map, 0)[..], &[Insn::mov64_imm(Reg::R0, 0), Insn::exit()]].concat();
    let program = common::load_insns(ProgramKind::RawTracepoint, &insns);
    let id = program.info().unwrap().id;
    assert!(object::ids(ObjectKind::Program).unwrap().contains(&id));
    let fd = object::open(ObjectKind::Program, id).unwrap().unwrap();
    let found = ProgramObject::of(fd.as_fd()).unwrap();
    assert_eq!((found.id, found.kind, found.uid), (id, ProgramKind::RawTracepoint as u32, 0));
    assert_eq!((found.name.as_slice(), found.maps.len()), (&b"test"[..], 1));
    assert!(object::ids(ObjectKind::Map).unwrap().contains(&found.maps[0]));
    assert!(object::open(ObjectKind::Program, u32::MAX - 1).unwrap().is_none());
}

#[test]
fn a_raw_tracepoint_is_named() {
    need_root!();
    let program = nothing(ProgramKind::RawTracepoint);
    let link = Link::raw_tracepoint(&program, c"sched_switch", 0).unwrap();
    let found = link_of(&program).unwrap();
    assert!(matches!(found.target, LinkTarget::RawTracepoint { name, .. } if name == b"sched_switch"));
    drop(link);
    assert!(link_of(&program).is_none());
}

#[test]
fn a_descriptor_of_a_tracepoint_is_described() {
    need_root!();
    let program = nothing(ProgramKind::Tracepoint);
    let id = TraceFs::open().unwrap().event_id("syscalls", "sys_enter_getpgid").unwrap();
    let event = PerfEvent::open(&Event::Tracepoint { id }, Scope::All).unwrap();
    let fd = event.as_fd().as_raw_fd() as u32;
    let ask = || object::task_attachment(std::process::id(), fd).unwrap();
    assert_eq!(ask(), Some(TaskAttachment::Bare));
    let _link = Link::perf_event(&program, event, 0).unwrap();
    let Some(TaskAttachment::Probe(probe)) = ask() else { panic!("{:?}", ask()) };
    let name = String::from_utf8(probe.name).unwrap();
    assert_eq!((probe.prog_id, probe.kind, name.as_str()), (program.info().unwrap().id, 1, "sys_enter_getpgid"));
}

#[test]
fn a_clock_is_an_event_and_a_file_is_nothing() {
    need_root!();
    let program = nothing(ProgramKind::PerfEvent);
    let clock = Event::Software { event: Software::CpuClock, sample: Sample::Frequency(1) };
    let event = PerfEvent::open(&clock, Scope::Cpu(0)).unwrap();
    let fd = event.as_fd().as_raw_fd() as u32;
    let _link = Link::perf_event(&program, event, 0).unwrap();
    assert_eq!(object::task_attachment(std::process::id(), fd).unwrap(), Some(TaskAttachment::Event));
    assert_eq!(object::task_attachment(std::process::id(), 0).unwrap(), None);
}

#[test]
fn the_kernels_types_have_a_name() {
    need_root!();
    let ids = object::ids(ObjectKind::Btf).unwrap();
    let names = ids.iter().filter_map(|id| {
        let fd = object::open(ObjectKind::Btf, *id).unwrap()?;
        Some(object::BtfObject::of(fd.as_fd()).unwrap())
    });
    let all: Vec<_> = names.collect();
    if let Some(kernel) = all.iter().find(|types| types.name == b"vmlinux") {
        assert!(kernel.kernel && kernel.size > 1 << 20);
    }
}

#[test]
fn an_iterator_visits_every_program() {
    need_root!();
    const FUNC: u32 = 12;
    let Some(attach_btf_id) = common::btf_id(FUNC, "bpf_iter_bpf_prog") else {
        return quadrant_testing::skip("this kernel has no iterator over programs");
    };
    let (map, memory) = common::counters(1);
    let mut insns = vec![Insn::mov64(Reg::R6, Reg::R1)];
    insns.extend(common::count(&map, 0));
    insns.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let attach_type = AttachType::TraceIter;
    let spec = ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &insns) };
    let program = common::load(&spec);
    let link = Link::iterator(&program, Walk::All).unwrap();
    assert!(matches!(link_of(&program).unwrap().target, LinkTarget::Iterator { name, .. } if name == b"bpf_prog"));
    let mut text = Vec::new();
    link.iterate().unwrap().read_to_end(&mut text).unwrap();
    assert!(text.is_empty());
    assert!(memory.read_u64(0).unwrap() >= 1);
}
