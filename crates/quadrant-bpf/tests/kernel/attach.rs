//! Attaching, with events that the tests make themselves and count exactly.

use std::ffi::CString;
use std::hint::black_box;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use quadrant_bpf::insn::{Cond, Insn, Reg, Size};
use quadrant_bpf::link::{Link, UprobeMulti, When};
use quadrant_bpf::perf::{Event, KernelPlace, PerfEvent, Sample, Scope, Software, Watch};
use quadrant_bpf::prog::{AttachType, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;

use crate::common::{self, need_root};

/// Kind of a typedef in BTF.
const TYPEDEF: u32 = 8;

fn call_getpgid(times: usize) {
    for _ in 0..times {
        // SAFETY: no memory is involved.
        black_box(unsafe { libc::getpgid(0) });
    }
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
    let (map, memory) = common::counters(2);
    let mut body = common::count(&map, 0);
    body.extend(common::add(&map, 1, &common::cookie()));
    let program = common::load_insns(ProgramKind::Tracepoint, &common::only_this_thread(&body));
    let id = TraceFs::open().unwrap().event_id("syscalls", "sys_enter_getpgid").unwrap();
    let event = PerfEvent::open(&Event::Tracepoint { id }, Scope::All).unwrap();
    call_getpgid(5);
    let link = Link::perf_event(&program, event, 1000).unwrap();
    call_getpgid(321);
    let event = link.detach();
    call_getpgid(7);
    drop(event);
    assert_eq!(memory.read_u64(0).unwrap(), 321);
    assert_eq!(memory.read_u64(8).unwrap(), 321_000);
}

#[test]
fn raw_tracepoint_counts_exactly() {
    need_root!();
    let (map, memory) = common::counters(2);
    let mut hit = common::count(&map, 0);
    hit.extend(common::add(&map, 1, &common::cookie()));
    let mut body = vec![
        Insn::ldx(Size::Dw, Reg::R1, Reg::R6, 8),
        Insn::jmp_imm(Cond::Ne, Reg::R1, libc::SYS_getpgid as i32, hit.len() as i16),
    ];
    body.extend(hit);
    let program = common::load_insns(ProgramKind::RawTracepoint, &common::only_this_thread(&body));
    let link = Link::raw_tracepoint(&program, c"sys_enter", 3).unwrap();
    call_getpgid(321);
    drop(link);
    call_getpgid(7);
    assert_eq!(memory.read_u64(0).unwrap(), 321);
    assert_eq!(memory.read_u64(8).unwrap(), 963);
    assert!(Link::raw_tracepoint(&program, c"no_such", 0).unwrap_err().is(libc::ENOENT));
}

#[test]
fn uprobe_counts_exactly() {
    need_root!();
    let (path, offset) = place_of(probed as *const () as usize);
    for on_return in [false, true] {
        let (map, memory) = common::counters(2);
        let mut body = common::count(&map, 0);
        body.extend(common::add(&map, 1, &common::cookie()));
        let program = common::load_insns(ProgramKind::Kprobe, &common::only_this_thread(&body));
        let event = Event::Uprobe { path: &path, offset, ref_ctr_offset: 0, on_return };
        let event = PerfEvent::open(&event, Scope::Process(std::process::id())).unwrap();
        let link = Link::perf_event(&program, event, 2).unwrap();
        call_probed(100);
        drop(link);
        call_probed(5);
        assert_eq!((memory.read_u64(0).unwrap(), memory.read_u64(8).unwrap()), (100, 200), "return: {on_return}");
    }
}

#[test]
fn uprobe_multi_counts_exactly() {
    need_root!();
    let (path, offset) = place_of(probed as *const () as usize);
    for when in [When::Entry, When::Return, When::Session] {
        let (map, memory) = common::counters(2);
        let mut body = common::count(&map, 0);
        body.extend(common::add(&map, 1, &common::cookie()));
        let insns = common::only_this_thread(&body);
        let attach_type =
            if when == When::Session { AttachType::TraceUprobeSession } else { AttachType::TraceUprobeMulti };
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
        let times = if when == When::Session { 200 } else { 100 };
        assert_eq!((memory.read_u64(0).unwrap(), memory.read_u64(8).unwrap()), (times, times * 5), "{when:?}");
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
        println!("skipped: this kernel has no BTF");
        return;
    };
    let (map, memory) = common::counters(2);
    let mut hit = common::count(&map, 0);
    hit.extend(common::add(&map, 1, &common::cookie()));
    let mut body = vec![
        Insn::ldx(Size::Dw, Reg::R1, Reg::R6, 8),
        Insn::jmp_imm(Cond::Ne, Reg::R1, libc::SYS_getpgid as i32, hit.len() as i16),
    ];
    body.extend(hit);
    let (insns, attach_type) = (common::only_this_thread(&body), AttachType::TraceRawTp);
    let spec = ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &insns) };
    let program = common::load(&spec);
    for cookie in [0, 7] {
        let link = Link::tracing(&program, attach_type, cookie).unwrap();
        call_getpgid(50);
        drop(link);
        call_getpgid(3);
    }
    assert_eq!((memory.read_u64(0).unwrap(), memory.read_u64(8).unwrap()), (100, 350));
}

static SEMAPHORE: AtomicU16 = AtomicU16::new(5);

/// A function of its own: the kernel refuses two probes at one place with different semaphores.
#[inline(never)]
extern "C" fn guarded(number: u64) -> u64 {
    black_box(number) + 2
}

#[test]
fn semaphores_are_raised_while_attached() {
    need_root!();
    let (path, offset) = place_of(guarded as *const () as usize);
    let (_, counter) = place_of(SEMAPHORE.as_ptr() as usize);
    let insns = [Insn::mov64_imm(Reg::R0, 0), Insn::exit()];
    let program = common::load_insns(ProgramKind::Kprobe, &insns);
    let event = Event::Uprobe { path: &path, offset, ref_ctr_offset: counter, on_return: false };
    let event = PerfEvent::open(&event, Scope::Process(std::process::id())).unwrap();
    let link = Link::perf_event(&program, event, 0).unwrap();
    assert_eq!(SEMAPHORE.load(Ordering::Relaxed), 6);
    drop(link);
    assert_eq!(SEMAPHORE.load(Ordering::Relaxed), 5);
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
    assert_eq!(SEMAPHORE.load(Ordering::Relaxed), 6);
    drop(link);
    assert_eq!(SEMAPHORE.load(Ordering::Relaxed), 5);
    let other = UprobeMulti { ref_ctr_offsets: &[], ..places };
    let link = Link::uprobe_multi(&program, &places).unwrap();
    let error = Link::uprobe_multi(&program, &other).unwrap_err();
    assert!(error.is(libc::EINVAL) && error.why().contains("semaphore"), "{error}");
    drop(link);
    assert!(Link::uprobe_multi(&program, &UprobeMulti { cookies: &[1, 2], ..places }).is_err());
    black_box(guarded(1));
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
