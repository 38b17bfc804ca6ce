//! Tracepoints. They are tried on `sched_process_fork`, which every kernel has, this process can make happen by starting a
//! thread, and others seldom do.

use quadrant_bpf::Result;
use quadrant_bpf::link::Link;
use quadrant_bpf::perf::{Event, PerfEvent, Scope};
use quadrant_bpf::prog::{AttachType, Program, ProgramKind, ProgramSpec};
use quadrant_bpf::tracefs::TraceFs;
use quadrant_types::BtfKind;

use super::super::kit::{Kit, Outcome, absent, cookie, load};
use super::super::model::Area;
use super::Row;

const AREA: Area = Area::KernelStatic;

pub const ROWS: &[Row] = &[
    Row {
        id: "tracepoint",
        area: AREA,
        name: "tracepoints, by perf event",
        run: perf,
        options: &["CONFIG_PERF_EVENTS", "CONFIG_BPF_EVENTS"],
        since: "",
        instead: &[("", "raw tracepoints, where the script reads nothing else")],
    },
    Row {
        id: "tracepoint.cookie",
        area: AREA,
        name: "cookies of tracepoints (one program for many)",
        run: perf_cookie,
        options: &[],
        since: "5.15",
        instead: &[("", "one program for each tracepoint")],
    },
    Row {
        id: "rawtracepoint",
        area: AREA,
        name: "raw tracepoints",
        run: raw,
        options: &["CONFIG_BPF_EVENTS"],
        since: "",
        instead: &[("", "tracepoints by perf event, which cost more")],
    },
    Row {
        id: "rawtracepoint.cookie",
        area: AREA,
        name: "cookies of raw tracepoints",
        run: raw_cookie,
        options: &[],
        since: "6.10",
        instead: &[("", "one program for each raw tracepoint")],
    },
    Row {
        id: "rawtracepoint.btf",
        area: AREA,
        name: "raw tracepoints with typed arguments",
        run: typed,
        options: &["CONFIG_DEBUG_INFO_BTF"],
        since: "",
        instead: &[("", "arg0, arg1, ... as plain numbers")],
    },
];

/// Starts a thread, which is a fork to the kernel.
pub fn fork() {
    // If it fails, the probe does not fire, and that is told.
    let _ = std::thread::Builder::new().spawn(|| ()).map(std::thread::JoinHandle::join);
}

fn event() -> Result<PerfEvent> {
    let id = TraceFs::open()?.event_id("sched", "sched_process_fork")?;
    PerfEvent::open(&Event::Tracepoint { id }, Scope::All)
}

fn perf(kit: &mut Kit) -> Outcome {
    let program = kit.counter(ProgramKind::Tracepoint)?;
    let link = Link::perf_event(&program, event()?, 0)?;
    kit.fires(link, fork)
}

fn raw(kit: &mut Kit) -> Outcome {
    let program = kit.counter(ProgramKind::RawTracepoint)?;
    let link = Link::raw_tracepoint(&program, c"sched_process_fork", 0)?;
    kit.fires(link, fork)
}

/// A cookie to recognize.
const COOKIE: u64 = 10_007;

fn perf_cookie(kit: &mut Kit) -> Outcome {
    let program = cookie_program(kit, ProgramKind::Tracepoint)?;
    let link = Link::perf_event(&program, event()?, COOKIE)?;
    comes_back(kit, link)
}

fn raw_cookie(kit: &mut Kit) -> Outcome {
    let program = cookie_program(kit, ProgramKind::RawTracepoint)?;
    let link = Link::raw_tracepoint(&program, c"sched_process_fork", COOKIE)?;
    comes_back(kit, link)
}

fn cookie_program(kit: &mut Kit, kind: ProgramKind) -> Result<Program> {
    let insns = kit.counting(&cookie())?;
    load(&ProgramSpec::new(kind, &insns))
}

fn comes_back(kit: &mut Kit, link: Link) -> Outcome {
    match kit.value_of(link, fork)? {
        COOKIE => Ok(String::new()),
        other => Err(absent("cookies").because(format!("the program got {other}, not its cookie")).into()),
    }
}

fn typed(kit: &mut Kit) -> Outcome {
    let attach_btf_id = kit.type_id("btf_trace_sched_process_fork", BtfKind::Typedef)?;
    let insns = kit.counting(&[])?;
    let attach_type = AttachType::TraceRawTp;
    let program = load(&ProgramSpec { attach_type, attach_btf_id, ..ProgramSpec::new(ProgramKind::Tracing, &insns) })?;
    let link = Link::tracing(&program, attach_type, 0)?;
    kit.fires(link, fork)
}
