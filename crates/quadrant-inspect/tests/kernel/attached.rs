//! Each kind of attachment is shown with its kind, place, cookie and owner.

use std::ffi::CString;
use std::os::fd::AsFd;

use quadrant_bpf::features::Features;
use quadrant_bpf::link::{KernelFunctions, KprobeMulti, Link, UprobeMulti, Walk, When};
use quadrant_bpf::object;
use quadrant_bpf::perf::{Event, KernelPlace, PerfEvent, Sample, Scope, Software, Watch};
use quadrant_bpf::prog::{self, AttachType, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_inspect::active::{self, HitsOf, Kind, Via};
use quadrant_types::BtfKind;

use crate::common::{
    NOTHING, attachment_of, attachments_of, load, need, need_root, nothing, place, place_of, probed, type_id,
};

/// Perf links say what they are attached to, and their cookies, from these versions on.
fn tells_cookies() -> bool {
    release() >= (6, 9)
}

fn release() -> (u32, u32) {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = text.split(['.', '-']).map(|part| part.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn cookie(value: u64) -> Option<u64> {
    tells_cookies().then_some(value)
}

#[test]
fn a_tracepoint() {
    need_root!();
    let program = nothing(ProgramKind::Tracepoint);
    let id = TraceFs::open().unwrap().event_id("sched", "sched_process_fork").unwrap();
    let value = if Features::new().perf_link() { 42 } else { 0 };
    let event = PerfEvent::open(&Event::Tracepoint { id }, Scope::All).unwrap();
    let _link = Link::perf_event(&program, event, value).unwrap();
    let found = attachment_of(&program);
    assert_eq!((found.kind, place(&found)), (Kind::Tracepoint, "sched:sched_process_fork".to_owned()));
    assert_eq!(found.via, if value == 0 { Via::PerfEvent } else { Via::PerfLink });
    assert_eq!(found.targets[0].cookie, cookie(value).filter(|value| *value != 0));
}

#[test]
fn a_raw_tracepoint_and_one_with_types() {
    need_root!();
    let program = nothing(ProgramKind::RawTracepoint);
    let _link = Link::raw_tracepoint(&program, c"sched_process_exit", 0).unwrap();
    let found = attachment_of(&program);
    assert_eq!(
        (found.kind, found.via, place(&found)),
        (Kind::RawTracepoint, Via::Link, "sched_process_exit".to_owned())
    );
    let Some(attach_btf_id) = type_id("btf_trace_sched_process_exit", BtfKind::Typedef) else { return };
    let attach_type = AttachType::TraceRawTp;
    let program = load(&ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &NOTHING) });
    let _link = Link::tracing(&program, attach_type, 0).unwrap();
    let found = attachment_of(&program);
    assert_eq!((found.kind, place(&found)), (Kind::RawTracepoint, "sched_process_exit".to_owned()));
    assert_eq!(found.program.unwrap().kind, "tracing");
}

#[test]
fn a_program_that_is_only_loaded() {
    need_root!();
    let program = nothing(ProgramKind::Kprobe);
    let found = attachment_of(&program);
    assert_eq!((found.kind, found.via, place(&found)), (Kind::Program, Via::Loaded, "kprobe".to_owned()));
    let described = found.program.unwrap();
    assert_eq!((&described.name[..], described.uid), (&b"survey_test"[..], 0));
}

#[test]
fn user_probes_by_perf_event() {
    need_root!();
    let (path, offset) = place_of(probed as *const () as usize);
    let file = CString::new(path.clone()).unwrap();
    for (on_return, kind) in [(false, Kind::Uprobe), (true, Kind::Uretprobe)] {
        let program = nothing(ProgramKind::Kprobe);
        let event = Event::Uprobe { path: &file, offset, ref_ctr_offset: 0, on_return };
        let event = PerfEvent::open(&event, Scope::Process(std::process::id())).unwrap();
        let _link = Link::perf_event(&program, event, 0).unwrap();
        let found = attachment_of(&program);
        let target = &found.targets[0];
        assert_eq!((found.kind, target.path.as_deref(), target.offset), (kind, Some(path.as_bytes()), Some(offset)));
        assert!(target.function.as_ref().is_some_and(|name| name.contains("probed")), "{target:?}");
    }
}

#[test]
fn many_user_probes_with_one_link() {
    need_root!();
    need!(Features::new().uprobe_multi(), "this kernel has no links to many places of a file (Linux 6.6)");
    let (path, offset) = place_of(probed as *const () as usize);
    let (_, second) = place_of(place_of as *const () as usize);
    let file = CString::new(path.clone()).unwrap();
    let attach_type = AttachType::TraceUprobeMulti;
    let program = load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &NOTHING) });
    let places = UprobeMulti {
        path: &file,
        offsets: &[offset, second],
        ref_ctr_offsets: &[],
        cookies: &[5, 6],
        pid: None,
        when: When::Return,
    };
    let _link = Link::uprobe_multi(&program, &places).unwrap();
    let found = attachment_of(&program);
    if release() >= (6, 8) {
        assert_eq!((found.kind, found.via, found.target_count), (Kind::Uretprobe, Via::MultiLink, 2));
        let told: Vec<_> = found.targets.iter().map(|target| (target.offset, target.cookie)).collect();
        assert_eq!(told, [(Some(offset), Some(5)), (Some(second), Some(6))]);
    } else {
        assert_eq!((found.via, found.target_count), (Via::MultiLink, 0));
    }
}

#[test]
fn kernel_probes_by_perf_event() {
    need_root!();
    need!(Features::new().kprobe_event(), "this kernel has no kprobes");
    let value = if Features::new().perf_link() { 7 } else { 0 };
    for (on_return, kind) in [(false, Kind::Kprobe), (true, Kind::Kretprobe)] {
        let program = nothing(ProgramKind::Kprobe);
        let event = Event::Kprobe { place: KernelPlace::Symbol(c"vfs_fsync", 0), on_return };
        let link = Link::perf_event(&program, PerfEvent::open(&event, Scope::All).unwrap(), value).unwrap();
        let found = attachment_of(&program);
        assert_eq!((found.kind, place(&found)), (kind, "vfs_fsync".to_owned()));
        let misses = (release() >= (5, 12)).then_some(0);
        assert_eq!((found.targets[0].cookie, found.misses), (cookie(value).filter(|value| *value != 0), misses));
        assert_eq!(found.kprobes.len(), 1, "{found:#?}");
        drop(link);
        assert_eq!(attachment_of(&program).kind, Kind::Program);
    }
}

#[test]
fn many_kernel_probes_with_one_link() {
    need_root!();
    need!(Features::new().kprobe_multi(), "this kernel has no links to many kernel functions");
    let attach_type = AttachType::TraceKprobeMulti;
    let program = load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &NOTHING) });
    let functions = KernelFunctions::Symbols(&[c"vfs_fsync", c"vfs_fallocate"]);
    let places = KprobeMulti { functions, cookies: &[8, 9], when: When::Entry };
    let _link = Link::kprobe_multi(&program, &places).unwrap();
    let found = attachment_of(&program);
    assert_eq!((found.kind, found.via, found.target_count), (Kind::Kprobe, Via::MultiLink, 2));
    let mut told: Vec<_> = found.targets.iter().map(|t| (t.function.clone().unwrap(), t.cookie)).collect();
    told.sort();
    assert_eq!(told, [("vfs_fallocate".to_owned(), cookie(9)), ("vfs_fsync".to_owned(), cookie(8))]);
}

#[test]
fn entry_and_exit_of_functions() {
    need_root!();
    let Some(attach_btf_id) = type_id("vfs_fsync", BtfKind::Func) else {
        return quadrant_testing::skip("this kernel has no BTF");
    };
    need!(Features::new().fentry(attach_btf_id).is_ok(), "this kernel refuses trampolines");
    for (attach_type, kind) in [(AttachType::TraceFentry, Kind::Fentry), (AttachType::TraceFexit, Kind::Fexit)] {
        let program =
            load(&ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &NOTHING) });
        let _link = Link::tracing(&program, attach_type, 0).unwrap();
        let found = attachment_of(&program);
        let name = if release() >= (5, 13) { "vfs_fsync" } else { "?" };
        assert_eq!((found.kind, found.via, place(&found)), (kind, Via::Link, name.to_owned()));
    }
}

#[test]
fn an_iterator() {
    need_root!();
    let Some(attach_btf_id) = type_id("bpf_iter_task", BtfKind::Func) else {
        return quadrant_testing::skip("this kernel has no BTF");
    };
    let attach_type = AttachType::TraceIter;
    let program = load(&ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &NOTHING) });
    let _link = Link::iterator(&program, Walk::All).unwrap();
    let found = attachment_of(&program);
    assert_eq!((found.kind, place(&found)), (Kind::Iterator, "task".to_owned()));
}

#[test]
fn clocks_and_watchpoints() {
    need_root!();
    static WATCHED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let clock = Event::Software { event: Software::TaskClock, sample: Sample::Frequency(1) };
    let watch = Event::Breakpoint { address: WATCHED.as_ptr() as u64, len: 8, watch: Watch::Write };
    let described = release() >= (6, 6);
    for (event, kind, name) in [(clock, Kind::Software, "task-clock"), (watch, Kind::Watchpoint, "?")] {
        let program = nothing(ProgramKind::PerfEvent);
        let event = PerfEvent::open(&event, Scope::Process(std::process::id())).unwrap();
        let _link = Link::perf_event(&program, event, 0).unwrap();
        let found = attachment_of(&program);
        let expected = if described { (kind, name) } else { (Kind::PerfEvent, "?") };
        assert_eq!((found.kind, &place(&found)[..]), expected);
    }
}

#[test]
fn programs_that_share_a_count() {
    need_root!();
    let _counting = prog::enable_stats().unwrap();
    let program = nothing(ProgramKind::RawTracepoint);
    let _links =
        [c"sched_process_fork", c"sched_process_exit"].map(|name| Link::raw_tracepoint(&program, name, 0).unwrap());
    (0..11).for_each(|_| assert_eq!(program.test_run_raw_tp(&[0]).unwrap(), 0));
    let found = attachments_of(&program);
    assert_eq!(found.len(), 2);
    for one in found {
        assert_eq!(one.hits_of, HitsOf::Program);
        // Other processes come and go, too.
        assert!(one.hits >= Some(11) && one.mean_ns > Some(0.0), "{one:#?}");
    }
}

/// A file in a BPF file system, removed when the test ends in whatever way.
struct Pinned(CString);

impl Drop for Pinned {
    fn drop(&mut self) {
        std::fs::remove_file(self.0.to_str().unwrap()).unwrap();
    }
}

#[test]
fn a_pin_without_a_process() {
    need_root!();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    need!(mounts.lines().any(|line| line.contains(" /sys/fs/bpf bpf ")), "no BPF file system is mounted");
    let path = CString::new(format!("/sys/fs/bpf/inspect test {}", std::process::id())).unwrap();
    let program = nothing(ProgramKind::RawTracepoint);
    let id = program.info().unwrap().id;
    let link = Link::raw_tracepoint(&program, c"sched_process_wait", 0).unwrap();
    object::pin(link.as_fd(), &path).unwrap();
    let _pinned = Pinned(path.clone());
    drop((link, program));
    let all = active::survey().attachments;
    let found = all.iter().find(|found| found.program.as_ref().is_some_and(|program| program.id == id)).unwrap();
    assert_eq!((found.kind, place(found)), (Kind::RawTracepoint, "sched_process_wait".to_owned()));
    // The surveys of other tests open everything for a moment.
    let others = found.owners.iter().filter(|owner| owner.pid != std::process::id()).count();
    assert!(others == 0 && found.pins == [path.as_bytes()], "{found:#?}");
}
