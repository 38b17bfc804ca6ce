//! Attaching, with events that the tests make themselves and count exactly.

use std::ffi::CString;
use std::hint::black_box;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use quadrant_bpf::features::Features;
use quadrant_bpf::insn::{Cond, Insn, Reg, Size};
use quadrant_bpf::link::{Link, UprobeMulti, When};
use quadrant_bpf::perf::{Event, KernelPlace, PerfEvent, Sample, Scope, Software, Watch};
use quadrant_bpf::prog::{AttachType, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;

use crate::common::{self, Cookies, need, need_root};

/// Kind of a typedef in BTF.
const TYPEDEF: u32 = 8;

fn call_getpgid(times: usize) {
    for _ in 0..times {
        // SAFETY: no memory is involved.
        black_box(unsafe { libc::getpgid(0) });
    }
}

/// The body, run only for that system call: the number is the second argument of the raw tracepoint.
fn if_getpgid(body: &[Insn]) -> Vec<Insn> {
    let mut insns = vec![
        Insn::ldx(Size::Dw, Reg::R1, Reg::R6, 8),
        Insn::jmp_imm(Cond::Ne, Reg::R1, libc::SYS_getpgid as i32, body.len() as i16),
    ];
    insns.extend(body);
    insns
}

/// A function to probe.
#[inline(never)]
extern "C" fn probed(number: u64) -> u64 {
    black_box(number) + 1
}

fn call_probed(times: u64) {
    (0..times).for_each(|number| {
        black_box(probed(number));
    });
}

/// Path of this executable, and the place of a function in it.
fn place_of(address: usize) -> (CString, u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let found = maps.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = fields[0].split_once('-').unwrap();
        let inside = (hex(start)..hex(end)).contains(&(address as u64));
        inside.then(|| (CString::new(fields[5]).unwrap(), address as u64 - hex(start) + hex(fields[2])))
    });
    found.unwrap()
}

#[test]
fn tracepoint_by_perf_counts_exactly() {
    need_root!();
    let ((map, memory), cookies) = (common::counters(2), Cookies::of(ProgramKind::Tracepoint));
    let program = common::load_insns(ProgramKind::Tracepoint, &common::only_this_thread(&cookies.count(&map)));
    let id = TraceFs::open().unwrap().event_id("syscalls", "sys_enter_getpgid").unwrap();
    let event = PerfEvent::open(&Event::Tracepoint { id }, Scope::All).unwrap();
    call_getpgid(5);
    let link = Link::perf_event(&program, event, cookies.value(1000)).unwrap();
    call_getpgid(321);
    let event = link.detach();
    call_getpgid(7);
    drop(event);
    assert_eq!(memory.read_u64(0).unwrap(), 321);
    assert_eq!(memory.read_u64(8).unwrap(), cookies.value(321_000));
}

#[test]
fn raw_tracepoint_counts_exactly() {
    need_root!();
    let ((map, memory), cookies) = (common::counters(2), Cookies::of(ProgramKind::RawTracepoint));
    let body = if_getpgid(&cookies.count(&map));
    let program = common::load_insns(ProgramKind::RawTracepoint, &common::only_this_thread(&body));
    let link = Link::raw_tracepoint(&program, c"sys_enter", cookies.value(3)).unwrap();
    call_getpgid(321);
    drop(link);
    call_getpgid(7);
    assert_eq!(memory.read_u64(0).unwrap(), 321);
    assert_eq!(memory.read_u64(8).unwrap(), cookies.value(963));
    assert!(Link::raw_tracepoint(&program, c"no_such", 0).unwrap_err().is(libc::ENOENT));
}

#[test]
fn uprobe_counts_exactly() {
    need_root!();
    let (path, offset) = place_of(probed as *const () as usize);
    let cookies = Cookies::of(ProgramKind::Kprobe);
    for on_return in [false, true] {
        let (map, memory) = common::counters(2);
        let program = common::load_insns(ProgramKind::Kprobe, &common::only_this_thread(&cookies.count(&map)));
        let event = Event::Uprobe { path: &path, offset, ref_ctr_offset: 0, on_return };
        let event = PerfEvent::open(&event, Scope::Process(std::process::id())).unwrap();
        let link = Link::perf_event(&program, event, cookies.value(2)).unwrap();
        call_probed(100);
        drop(link);
        call_probed(5);
        let counts = (memory.read_u64(0).unwrap(), memory.read_u64(8).unwrap());
        assert_eq!(counts, (100, cookies.value(200)), "return: {on_return}");
    }
}

#[test]
fn uprobe_multi_counts_exactly() {
    need_root!();
    need!(Features::new().uprobe_multi(), NO_UPROBE_MULTI);
    for when in [When::Entry, When::Return] {
        assert_eq!(count_by_uprobe_multi(AttachType::TraceUprobeMulti, when), (100, 500), "{when:?}");
    }
}

#[test]
fn uprobe_session_counts_entry_and_return() {
    need_root!();
    need!(Features::new().uprobe_session(), NO_UPROBE_SESSION);
    assert_eq!(count_by_uprobe_multi(AttachType::TraceUprobeSession, When::Session), (200, 1000));
}

const NO_UPROBE_MULTI: &str = "this kernel has no links to many places of a file (Linux 6.6)";
const NO_UPROBE_SESSION: &str = "this kernel has no links to entry and return of user functions (Linux 6.13)";

/// Hits and the sum of cookies of 100 calls, each hit with the cookie 5.
fn count_by_uprobe_multi(attach_type: AttachType, when: When) -> (u64, u64) {
    let (path, offset) = place_of(probed as *const () as usize);
    let (map, memory) = common::counters(2);
    let insns = common::only_this_thread(&Cookies::of(ProgramKind::Kprobe).count(&map));
    let program = common::load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) });
    let places = UprobeMulti {
        path: &path,
        offsets: &[offset],
        ref_ctr_offsets: &[],
        cookies: &[5],
        pid: Some(std::process::id()),
        when,
    };
    let link = Link::uprobe_multi(&program, &places).unwrap();
    call_probed(100);
    drop(link);
    call_probed(5);
    (memory.read_u64(0).unwrap(), memory.read_u64(8).unwrap())
}

#[test]
fn a_link_that_this_kernel_has_not_is_explained() {
    need_root!();
    let (path, offset) = place_of(probed as *const () as usize);
    let features = Features::new();
    let kinds = [
        (AttachType::TraceUprobeMulti, When::Entry, features.uprobe_multi(), "6.6"),
        (AttachType::TraceUprobeSession, When::Session, features.uprobe_session(), "6.13"),
    ];
    let insns = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    for (attach_type, when, available, version) in kinds {
        let program = common::load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) });
        let places =
            UprobeMulti { path: &path, offsets: &[offset], ref_ctr_offsets: &[], cookies: &[], pid: None, when };
        match Link::uprobe_multi(&program, &places) {
            Ok(_) => assert!(available, "{when:?}"),
            Err(error) => assert!(!available && error.why().contains(version), "{error}"),
        }
    }
}

#[test]
fn cpu_clock_runs_its_program() {
    need_root!();
    let (map, memory) = common::counters(1);
    let mut insns = common::count(&map, 0);
    insns.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let program = common::load_insns(ProgramKind::PerfEvent, &insns);
    let clock = Event::Software { event: Software::CpuClock, sample: Sample::Frequency(999) };
    let cpus = quadrant_bpf::cpus::online().unwrap();
    let open = |cpu: &u32| Link::perf_event(&program, PerfEvent::open(&clock, Scope::Cpu(*cpu)).unwrap(), 0).unwrap();
    let links: Vec<Link> = cpus.iter().map(open).collect();
    while memory.read_u64(0).unwrap() < 20 {
        std::thread::yield_now();
    }
    drop(links);
    let end = memory.read_u64(0).unwrap();
    assert!(end >= 20);
}

#[test]
fn tracing_program_counts_exactly() {
    need_root!();
    let Some(attach_btf_id) = common::btf_id(TYPEDEF, "btf_trace_sys_enter") else {
        return quadrant_testing::skip("this kernel has no BTF");
    };
    let ((map, memory), cookies) = (common::counters(2), Cookies::of(ProgramKind::Tracing));
    let body = if_getpgid(&cookies.count(&map));
    let (insns, attach_type) = (common::only_this_thread(&body), AttachType::TraceRawTp);
    let spec = ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &insns) };
    let program = common::load(&spec);
    for cookie in [0, cookies.value(7)] {
        let link = Link::tracing(&program, attach_type, cookie).unwrap();
        call_getpgid(50);
        drop(link);
        call_getpgid(3);
    }
    assert_eq!((memory.read_u64(0).unwrap(), memory.read_u64(8).unwrap()), (100, cookies.value(350)));
}

static SEMAPHORE: AtomicU16 = AtomicU16::new(5);

/// A function of its own: the kernel refuses two probes at one place with different semaphores.
#[inline(never)]
extern "C" fn guarded(number: u64) -> u64 {
    black_box(number) + 2
}

#[test]
fn a_semaphore_is_raised_while_attached() {
    need_root!();
    let (path, offset) = place_of(guarded as *const () as usize);
    let (_, counter) = place_of(SEMAPHORE.as_ptr() as usize);
    let program = common::load_insns(ProgramKind::Kprobe, &[Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let event = Event::Uprobe { path: &path, offset, ref_ctr_offset: counter, on_return: false };
    let event = PerfEvent::open(&event, Scope::Process(std::process::id())).unwrap();
    let link = Link::perf_event(&program, event, 0).unwrap();
    assert_eq!(SEMAPHORE.load(Ordering::Relaxed), 6);
    drop(link);
    assert_eq!(SEMAPHORE.load(Ordering::Relaxed), 5);
    black_box(guarded(1));
}

static SEMAPHORE_OF_MANY: AtomicU16 = AtomicU16::new(5);

/// As [`guarded`], for the other test.
#[inline(never)]
extern "C" fn guarded_of_many(number: u64) -> u64 {
    black_box(number) + 3
}

#[test]
fn a_semaphore_of_many_places_is_raised_and_must_be_the_same_for_all() {
    need_root!();
    need!(Features::new().uprobe_multi(), NO_UPROBE_MULTI);
    let (path, offset) = place_of(guarded_of_many as *const () as usize);
    let (_, counter) = place_of(SEMAPHORE_OF_MANY.as_ptr() as usize);
    let insns = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    let attach_type = AttachType::TraceUprobeMulti;
    let program = common::load(&ProgramSpec { attach_type, ..ProgramSpec::new(ProgramKind::Kprobe, &insns) });
    let places = UprobeMulti {
        path: &path,
        offsets: &[offset],
        ref_ctr_offsets: &[counter],
        cookies: &[],
        pid: Some(std::process::id()),
        when: When::Entry,
    };
    let link = Link::uprobe_multi(&program, &places).unwrap();
    assert_eq!(SEMAPHORE_OF_MANY.load(Ordering::Relaxed), 6);
    drop(link);
    assert_eq!(SEMAPHORE_OF_MANY.load(Ordering::Relaxed), 5);
    let other = UprobeMulti { ref_ctr_offsets: &[], ..places };
    let link = Link::uprobe_multi(&program, &places).unwrap();
    let error = Link::uprobe_multi(&program, &other).unwrap_err();
    assert!(error.is(libc::EINVAL) && error.why().contains("semaphore"), "{error}");
    drop(link);
    assert!(Link::uprobe_multi(&program, &UprobeMulti { cookies: &[1, 2], ..places }).is_err());
    black_box(guarded_of_many(1));
}

static WATCHED: AtomicU64 = AtomicU64::new(0);

#[test]
fn watchpoint_counts_exactly() {
    need_root!();
    let (map, memory) = common::counters(1);
    let mut insns = common::count(&map, 0);
    insns.extend([Insn::mov64_imm(Reg::R0, 0), Insn::exit()]);
    let program = common::load_insns(ProgramKind::PerfEvent, &insns);
    let event = Event::Breakpoint { address: WATCHED.as_ptr() as u64, len: 8, watch: Watch::Write };
    let thread = common::thread_id() as u32;
    let event = PerfEvent::open(&event, Scope::Process(thread)).unwrap();
    let link = Link::perf_event(&program, event, 0).unwrap();
    (0..10).for_each(|number| WATCHED.store(number, Ordering::Relaxed));
    drop(link);
    WATCHED.store(0, Ordering::Relaxed);
    assert_eq!(memory.read_u64(0).unwrap(), 10);
}

#[test]
fn software_event_counts() {
    need_root!();
    let event = Event::Software { event: Software::PageFaults, sample: Sample::Period(1) };
    let event = PerfEvent::open(&event, Scope::Process(common::thread_id() as u32)).unwrap();
    assert_eq!(event.count().unwrap(), 0);
    event.enable().unwrap();
    black_box(vec![1u8; 4 << 20]);
    event.disable().unwrap();
    let count = event.count().unwrap();
    assert!(count > 0);
    black_box(vec![1u8; 4 << 20]);
    assert_eq!(event.count().unwrap(), count);
}

#[test]
fn what_is_not_there_is_explained() {
    need_root!();
    let nothing = Event::Uprobe { path: c"/no/such/file", offset: 0, ref_ctr_offset: 0, on_return: false };
    let error = PerfEvent::open(&nothing, Scope::All).unwrap_err();
    assert!(error.is(libc::ENOENT) && error.why().contains("no such file"), "{error}");
    let far = Event::Uprobe { path: c"/bin/sh", offset: 0, ref_ctr_offset: 1 << 32, on_return: false };
    assert!(PerfEvent::open(&far, Scope::All).unwrap_err().errno().is_none());
    let missing = Event::Kprobe { place: KernelPlace::Symbol(c"no_such_function", 0), on_return: false };
    let error = PerfEvent::open(&missing, Scope::All).unwrap_err();
    assert!(error.is(libc::ENOENT) && error.to_string().contains("kprobe"), "{error}");
    let error = PerfEvent::open(&Event::Tracepoint { id: 1 << 40 }, Scope::All).unwrap_err();
    assert!(error.why().contains("no such tracepoint"), "{error}");
}
