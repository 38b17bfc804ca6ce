//! Timers, counters of kernel and processor, and watchpoints.

use std::hint::black_box;
use std::time::{Duration, Instant};

use quadrant_bpf::perf::{Event, Hardware, Sample, Scope, Software, Watch};
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::{Error, Result, cpus};
use quadrant_symbols::{Options, Symbolizer};

use super::super::kit::{Kit, Outcome, Trouble};
use super::super::model::Area;
use super::super::own;
use super::Row;

const AREA: Area = Area::Events;

const PERF: &[&str] = &["CONFIG_PERF_EVENTS"];
const WATCH: &[&str] = &["CONFIG_PERF_EVENTS", "CONFIG_HAVE_HW_BREAKPOINT"];

const NO_COUNTER: &str = "software events: profile:hz:99 in place of cycles";

pub const ROWS: &[Row] = &[
    Row { id: "timer", area: AREA, name: "profile and interval", run: timer, options: PERF, since: "", instead: &[] },
    Row {
        id: "software",
        area: AREA,
        name: "software events (page-faults)",
        run: software,
        options: PERF,
        since: "",
        instead: &[("", "the tracepoints of the same things")],
    },
    Row {
        id: "hardware.cycles",
        area: AREA,
        name: "hardware event cycles",
        run: |kit| hardware(kit, Hardware::CpuCycles),
        options: PERF,
        since: "",
        instead: &[("", NO_COUNTER)],
    },
    Row {
        id: "hardware.instructions",
        area: AREA,
        name: "hardware event instructions",
        run: |kit| hardware(kit, Hardware::Instructions),
        options: PERF,
        since: "",
        instead: &[("", NO_COUNTER)],
    },
    Row {
        id: "hardware.cache_misses",
        area: AREA,
        name: "hardware event cache-misses",
        run: |kit| hardware(kit, Hardware::CacheMisses),
        options: PERF,
        since: "",
        instead: &[("", "nothing counts them")],
    },
    Row {
        id: "watchpoint.write",
        area: AREA,
        name: "watchpoint on a write in user memory",
        run: |kit| watch(kit, own::word_address(), Watch::Write, own::write),
        options: WATCH,
        since: "",
        instead: &[("uprobe", "uprobes on the functions that write")],
    },
    Row {
        id: "watchpoint.execute",
        area: AREA,
        name: "watchpoint on user code",
        run: |kit| watch(kit, own::function_address(), Watch::Execute, own::call),
        options: WATCH,
        since: "",
        instead: &[("uprobe", "uprobes")],
    },
    Row {
        id: "watchpoint.kernel",
        area: AREA,
        name: "watchpoint on kernel code",
        run: |kit| watch(kit, kernel_address()?, Watch::Execute, super::kernel::read_link),
        // Without it the kernel takes all of its code for what must not be probed.
        options: &["CONFIG_KPROBES", "CONFIG_HAVE_HW_BREAKPOINT"],
        since: "",
        instead: &[("kprobe", "kprobes"), super::kernel::TRACEPOINTS],
    },
];

fn timer(kit: &mut Kit) -> Outcome {
    let clock = Event::Software { event: Software::CpuClock, sample: Sample::Frequency(999) };
    let wait = || std::thread::sleep(Duration::from_millis(5));
    kit.event_fires(ProgramKind::PerfEvent, &clock, first_cpu()?, wait)
}

fn software(kit: &mut Kit) -> Outcome {
    let faults = Event::Software { event: Software::PageFaults, sample: Sample::Period(1) };
    kit.event_fires(ProgramKind::PerfEvent, &faults, Scope::Process(own::thread()?), touch)
}

/// The first touch of new memory is a fault. So much the allocator never has at hand: it asks the kernel each time.
fn touch() {
    let mut memory = Vec::with_capacity(64 << 20);
    memory.push(black_box(1u8));
    black_box(memory);
}

fn hardware(kit: &mut Kit, event: Hardware) -> Outcome {
    let event = Event::Hardware { event, sample: Sample::Period(1000) };
    kit.event_fires(ProgramKind::PerfEvent, &event, Scope::Process(own::thread()?), spin)
}

/// Keeps the processor busy for some milliseconds, in memory too large for its caches.
fn spin() {
    let end = Instant::now() + Duration::from_millis(5);
    while Instant::now() < end {
        black_box(vec![1u8; 8 << 20]);
    }
}

fn watch(kit: &mut Kit, address: u64, watch: Watch, trigger: impl Fn()) -> Outcome {
    let event = Event::Breakpoint { address, len: 8, watch };
    kit.event_fires(ProgramKind::PerfEvent, &event, Scope::Process(own::thread()?), trigger)
}

fn kernel_address() -> std::result::Result<u64, Trouble> {
    let failed = |error: quadrant_symbols::Error| Error::new("cannot find a kernel function", error.to_string());
    Symbolizer::new(Options::default()).kaddr("vfs_readlink").map_err(|error| Trouble::denied(failed(error)))
}

fn first_cpu() -> Result<Scope> {
    Ok(Scope::Cpu(cpus::online()?.first().copied().unwrap_or(0)))
}
