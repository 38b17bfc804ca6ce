//! Perf events: what perf_event_open(2) can count, sample, or probe.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::file;
use crate::link;
use crate::sys::{self, Attr};

/// `struct perf_event_attr` up to `sample_max_stack` (linux/perf_event.h).
#[repr(C)]
#[derive(Copy, Clone, Default)]
struct EventAttr {
    kind: u32,
    size: u32,
    config: u64,
    sample: u64,
    sample_type: u64,
    read_format: u64,
    bits: u64,
    wakeup: u32,
    bp_type: u32,
    config1: u64,
    config2: u64,
    branch_sample_type: u64,
    sample_regs_user: u64,
    sample_stack_user: u32,
    clockid: i32,
    sample_regs_intr: u64,
    aux_watermark: u32,
    sample_max_stack: u16,
    _reserved: u16,
}

const _: () = assert!(size_of::<EventAttr>() == 112);

// SAFETY: `repr(C)`, integers only, and the fields add up to the size asserted above; `request` fills in addresses of
// borrowed strings.
unsafe impl Attr for EventAttr {}

/// Bits of `perf_event_attr`.
const BIT_DISABLED: u64 = 1 << 0;
const BIT_MMAP: u64 = 1 << 8;
const BIT_COMM: u64 = 1 << 9;
const BIT_FREQ: u64 = 1 << 10;
const BIT_TASK: u64 = 1 << 13;
const BIT_WATERMARK: u64 = 1 << 14;
const BIT_SAMPLE_ID_ALL: u64 = 1 << 18;
const BIT_MMAP2: u64 = 1 << 23;
const BIT_COMM_EXEC: u64 = 1 << 24;
const BIT_USE_CLOCKID: u64 = 1 << 25;

/// `perf_event_attr.sample_type`: the record has the program's bytes.
const SAMPLE_RAW: u64 = 1 << 10;
/// `perf_event_attr.sample_type`: the record has its time.
const SAMPLE_TIME: u64 = 1 << 2;

/// `perf_event_attr.read_format`: a read also gives the number of lost records (Linux 6.0).
const FORMAT_LOST: u64 = 1 << 4;

/// Bytes of side-band records that wake the reader: a new process and the first file of its program. To wake it for each
/// record costs the traced processes more than the records themselves.
const SIDEBAND_WAKEUP: u32 = 256;

/// Values of `perf_event_attr.type`.
const TYPE_HARDWARE: u32 = 0;
const TYPE_SOFTWARE: u32 = 1;
const TYPE_TRACEPOINT: u32 = 2;
const TYPE_HW_CACHE: u32 = 3;
const TYPE_RAW: u32 = 4;
const TYPE_BREAKPOINT: u32 = 5;

/// Events that the kernel counts by itself (`enum perf_sw_ids`).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u64)]
pub enum Software {
    /// A timer of the processor.
    CpuClock = 0,
    /// A timer that runs while the task does.
    TaskClock = 1,
    /// Page faults.
    PageFaults = 2,
    /// Context switches.
    ContextSwitches = 3,
    /// Moves to another processor.
    CpuMigrations = 4,
    /// Page faults without I/O.
    PageFaultsMinor = 5,
    /// Page faults with I/O.
    PageFaultsMajor = 6,
    /// Unaligned accesses that the kernel repaired.
    AlignmentFaults = 7,
    /// Instructions that the kernel emulated.
    EmulationFaults = 8,
    /// Counts nothing.
    Dummy = 9,
    /// Output of programs: the perf buffer.
    BpfOutput = 10,
    /// Switches between control groups.
    CgroupSwitches = 11,
}

/// Counters of the processor (`enum perf_hw_id`).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u64)]
pub enum Hardware {
    /// Cycles.
    CpuCycles = 0,
    /// Instructions.
    Instructions = 1,
    /// Cache accesses.
    CacheReferences = 2,
    /// Cache misses.
    CacheMisses = 3,
    /// Branches.
    BranchInstructions = 4,
    /// Mispredicted branches.
    BranchMisses = 5,
    /// Cycles of the bus.
    BusCycles = 6,
    /// Cycles in which the front end stalled.
    StalledCyclesFrontend = 7,
    /// Cycles in which the back end stalled.
    StalledCyclesBackend = 8,
    /// Cycles at the nominal frequency.
    RefCpuCycles = 9,
}

/// When a counted event runs its program.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Sample {
    /// After that many events (nanoseconds for the clocks).
    Period(u64),
    /// That many times a second.
    Frequency(u64),
}

/// What a watchpoint waits for (linux/hw_breakpoint.h).
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Watch {
    /// Writes.
    Write = 2,
    /// Reads and writes.
    ReadWrite = 3,
    /// Execution.
    Execute = 4,
}

/// An event to open.
#[derive(Copy, Clone, Debug)]
pub enum Event<'a> {
    /// A tracepoint by its number ([`crate::tracefs::TraceFs::event_id`]).
    Tracepoint {
        /// The number.
        id: u64,
    },
    /// An event of the kernel.
    Software {
        /// Which one.
        event: Software,
        /// When to run the program.
        sample: Sample,
    },
    /// A counter of the processor.
    Hardware {
        /// Which one.
        event: Hardware,
        /// When to run the program.
        sample: Sample,
    },
    /// A cache counter.
    Cache {
        /// cache | operation << 8 | result << 16, as in perf_event_open(2).
        config: u64,
        /// When to run the program.
        sample: Sample,
    },
    /// A counter in the processor's own numbering.
    Raw {
        /// The number.
        config: u64,
        /// When to run the program.
        sample: Sample,
    },
    /// A hardware watchpoint; runs its program at every hit.
    Breakpoint {
        /// Where.
        address: u64,
        /// How many bytes: 1, 2, 4 or 8; execution wants the size of a pointer.
        len: u64,
        /// What to wait for.
        watch: Watch,
    },
    /// A place in an executable file.
    Uprobe {
        /// The file.
        path: &'a CStr,
        /// Offset in the file (not an address), in bytes.
        offset: u64,
        /// Offset in the file of a 16-bit counter that is raised while the probe is there (USDT semaphore), or 0.
        ref_ctr_offset: u64,
        /// At the function's return, not at its entry.
        on_return: bool,
    },
    /// A place in the kernel.
    Kprobe {
        /// A function and an offset into it, or an address.
        place: KernelPlace<'a>,
        /// At the function's return, not at its entry.
        on_return: bool,
    },
}

/// A place in the kernel's code.
#[derive(Copy, Clone, Debug)]
pub enum KernelPlace<'a> {
    /// Bytes after the start of a function.
    Symbol(&'a CStr, u64),
    /// An address.
    Address(u64),
}

/// Whose events count.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// Everything on all processors. Only for tracepoints and probes, whose programs run wherever the event happens.
    All,
    /// Everything on one processor.
    Cpu(u32),
    /// One process by its number on any processor; for events that are no probes, one thread by its number.
    Process(u32),
}

/// An open perf event, which is disabled until [`PerfEvent::enable`]. Closing it removes it.
#[derive(Debug)]
pub struct PerfEvent {
    fd: OwnedFd,
    what: String,
}

impl PerfEvent {
    /// Opens an event.
    pub fn open(event: &Event<'_>, scope: Scope) -> Result<PerfEvent> {
        let what = describe(event);
        let mut request = request(event)?;
        let (pid, cpu) = scope.pid_and_cpu();
        let fd = sys::perf_event_open(&mut request, pid, cpu).map_err(|errno| cannot_open(event, &what, errno))?;
        Ok(PerfEvent { fd, what })
    }

    /// The event through which programs on that processor send records to a perf buffer; it wakes readers after that
    /// many records.
    pub(crate) fn open_output(cpu: u32, wakeup: u32) -> Result<PerfEvent> {
        let base = EventAttr { size: size_of::<EventAttr>() as u32, bits: BIT_DISABLED, wakeup, ..Default::default() };
        let base = EventAttr { sample_type: SAMPLE_RAW, ..base };
        let mut request = sampling(base, TYPE_SOFTWARE, Software::BpfOutput as u64, Sample::Period(1));
        let what = format!("perf buffer of processor {cpu}");
        let fd = sys::perf_event_open(&mut request, -1, cpu as i32)
            .map_err(|errno| Error::os(format!("cannot open {what}"), Operation::Perf, errno))?;
        Ok(PerfEvent { fd, what })
    }

    /// The event that reports, for whatever runs on that processor, executable mappings, new tasks and executed programs
    /// (`perf_event_attr.mmap2`, `task`, `comm_exec`). Every record ends with its time by the boot clock.
    pub(crate) fn open_sideband(cpu: u32) -> std::result::Result<PerfEvent, Errno> {
        let counted = PerfEvent::open_sideband_with(cpu, FORMAT_LOST);
        match counted {
            Err(errno) if errno.is(libc::EINVAL) => PerfEvent::open_sideband_with(cpu, 0),
            opened => opened,
        }
    }

    fn open_sideband_with(cpu: u32, read_format: u64) -> std::result::Result<PerfEvent, Errno> {
        let reports = BIT_MMAP | BIT_MMAP2 | BIT_COMM | BIT_COMM_EXEC | BIT_TASK;
        let mut request = EventAttr {
            size: size_of::<EventAttr>() as u32,
            kind: TYPE_SOFTWARE,
            config: Software::Dummy as u64,
            sample_type: SAMPLE_TIME,
            read_format,
            bits: reports | BIT_SAMPLE_ID_ALL | BIT_USE_CLOCKID | BIT_WATERMARK,
            wakeup: SIDEBAND_WAKEUP,
            clockid: libc::CLOCK_BOOTTIME,
            ..Default::default()
        };
        let fd = sys::perf_event_open(&mut request, -1, cpu as i32)?;
        Ok(PerfEvent { fd, what: format!("process events of processor {cpu}") })
    }

    /// Records that the buffer of a side-band event had no room for; `None` where the kernel does not count them.
    pub(crate) fn lost_records(&self) -> Option<u64> {
        let mut count_and_lost = [0; 16];
        sys::read(self.fd.as_fd(), &mut count_and_lost).ok().filter(|len| *len == 16)?;
        count_and_lost.last_chunk::<8>().map(|lost| u64::from_ne_bytes(*lost))
    }

    /// Starts counting. Programs on tracepoints and probes run from when they are attached, whether the event is
    /// enabled or not.
    pub fn enable(&self) -> Result<()> {
        const IOC_ENABLE: libc::c_ulong = 0x2400;
        self.control(IOC_ENABLE, 0, "enable")
    }

    /// Stops counting.
    pub fn disable(&self) -> Result<()> {
        const IOC_DISABLE: libc::c_ulong = 0x2401;
        self.control(IOC_DISABLE, 0, "disable")
    }

    /// How often it happened, since it is open and while it was enabled.
    pub fn count(&self) -> Result<u64> {
        let mut bytes = [0; 8];
        sys::read(self.fd.as_fd(), &mut bytes).map_err(|errno| self.failed("read", errno))?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// What it is, for messages.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Attaches a program in the way of kernels before 5.15, which knows no cookie.
    pub(crate) fn set_program(&self, program: BorrowedFd<'_>) -> std::result::Result<(), Errno> {
        use std::os::fd::AsRawFd;
        const IOC_SET_BPF: libc::c_ulong = 0x4004_2408;
        sys::ioctl(self.fd.as_fd(), IOC_SET_BPF, program.as_raw_fd() as libc::c_ulong)
    }

    fn control(&self, request: libc::c_ulong, value: libc::c_ulong, verb: &str) -> Result<()> {
        sys::ioctl(self.fd.as_fd(), request, value).map_err(|errno| self.failed(verb, errno))
    }

    fn failed(&self, verb: &str, errno: Errno) -> Error {
        Error::os(format!("cannot {verb} {}", self.what), Operation::Perf, errno)
    }
}

impl AsFd for PerfEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Scope {
    fn pid_and_cpu(self) -> (i32, i32) {
        match self {
            Scope::All => (-1, 0),
            Scope::Cpu(cpu) => (-1, cpu as i32),
            Scope::Process(pid) => (pid as i32, -1),
        }
    }
}

fn request(event: &Event<'_>) -> Result<EventAttr> {
    let base = EventAttr { size: size_of::<EventAttr>() as u32, bits: BIT_DISABLED, ..Default::default() };
    Ok(match *event {
        Event::Tracepoint { id } => EventAttr { kind: TYPE_TRACEPOINT, config: id, ..base },
        Event::Software { event, sample } => sampling(base, TYPE_SOFTWARE, event as u64, sample),
        Event::Hardware { event, sample } => sampling(base, TYPE_HARDWARE, event as u64, sample),
        Event::Cache { config, sample } => sampling(base, TYPE_HW_CACHE, config, sample),
        Event::Raw { config, sample } => sampling(base, TYPE_RAW, config, sample),
        Event::Breakpoint { address, len, watch } => EventAttr {
            kind: TYPE_BREAKPOINT,
            sample: 1,
            bp_type: watch as u32,
            config1: address,
            config2: len,
            ..base
        },
        Event::Uprobe { path, offset, ref_ctr_offset, on_return } => {
            uprobe(base, path, offset, ref_ctr_offset, on_return)?
        }
        Event::Kprobe { place, on_return } => kprobe(base, place, on_return)?,
    })
}

fn sampling(base: EventAttr, kind: u32, config: u64, sample: Sample) -> EventAttr {
    let (sample, freq) = match sample {
        Sample::Period(period) => (period, 0),
        Sample::Frequency(frequency) => (frequency, BIT_FREQ),
    };
    EventAttr { kind, config, sample, bits: base.bits | freq, ..base }
}

fn uprobe(base: EventAttr, path: &CStr, offset: u64, ref_ctr_offset: u64, on_return: bool) -> Result<EventAttr> {
    let unit = Unit::find("uprobe")?;
    let counter = u32::try_from(ref_ctr_offset).map_err(|_| {
        Error::new("cannot open a uprobe", format!("the counter's offset {ref_ctr_offset:#x} does not fit in 32 bits"))
    })?;
    let config = unit.config(on_return)? | u64::from(counter) << 32;
    Ok(EventAttr { kind: unit.kind, config, config1: path.as_ptr() as u64, config2: offset, ..base })
}

fn kprobe(base: EventAttr, place: KernelPlace<'_>, on_return: bool) -> Result<EventAttr> {
    let unit = Unit::find("kprobe")?;
    let (config1, config2) = match place {
        KernelPlace::Symbol(name, offset) => (name.as_ptr() as u64, offset),
        KernelPlace::Address(address) => (0, address),
    };
    Ok(EventAttr { kind: unit.kind, config: unit.config(on_return)?, config1, config2, ..base })
}

/// A measuring unit that the kernel numbers at boot.
struct Unit {
    name: &'static str,
    kind: u32,
}

impl Unit {
    fn find(name: &'static str) -> Result<Unit> {
        let path = format!("/sys/bus/event_source/devices/{name}/type");
        let text = std::fs::read_to_string(&path).map_err(|error| Unit::absent(name, &error))?;
        let kind = text.trim().parse();
        let kind = kind.map_err(|_| Error::new(format!("cannot use {path}"), format!("it says {:?}", text.trim())))?;
        Ok(Unit { name, kind })
    }

    fn absent(name: &str, error: &std::io::Error) -> Error {
        let option = if name == "kprobe" { "CONFIG_KPROBE_EVENTS" } else { "CONFIG_UPROBE_EVENTS" };
        Error::io(format!("cannot open a {name}"), error)
            .because(format!("this kernel has no {name}s"))
            .with_hint(format!("it must be built with {option}; check with `zgrep {option} /proc/config.gz`"))
    }

    /// The configuration word, with the bit for returns that the unit's format file names (`config:0`).
    fn config(&self, on_return: bool) -> Result<u64> {
        if !on_return {
            return Ok(0);
        }
        let path = format!("/sys/bus/event_source/devices/{}/format/retprobe", self.name);
        let text = std::fs::read_to_string(&path).map_err(|error| Error::io(format!("cannot read {path}"), &error))?;
        let bit = text.trim().strip_prefix("config:").and_then(|bit| bit.parse::<u32>().ok()).filter(|bit| *bit < 64);
        let bit = bit.ok_or_else(|| Error::new(format!("cannot use {path}"), format!("it says {:?}", text.trim())))?;
        Ok(1 << bit)
    }
}

/// Whether this kernel has perf events that probe its own code.
pub(crate) fn has_kprobes() -> bool {
    Unit::find("kprobe").is_ok()
}

/// As users write the name of an event: `cache-misses` for `CacheMisses`.
fn with_dashes(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn describe(event: &Event<'_>) -> String {
    match *event {
        Event::Tracepoint { id } => format!("tracepoint number {id}"),
        Event::Software { event, .. } => format!("software event {}", with_dashes(&format!("{event:?}"))),
        Event::Hardware { event, .. } => format!("hardware event {}", with_dashes(&format!("{event:?}"))),
        Event::Cache { config, .. } => format!("cache event {config:#x}"),
        Event::Raw { config, .. } => format!("raw hardware event {config:#x}"),
        Event::Breakpoint { address, len, watch } => format!("watchpoint {watch:?} of {len} bytes at {address:#x}"),
        Event::Uprobe { path, offset, on_return, .. } => {
            format!("{} at {}+{offset:#x}", if on_return { "uretprobe" } else { "uprobe" }, file::shown(path))
        }
        Event::Kprobe { place, on_return } => {
            format!("{} at {}", if on_return { "kretprobe" } else { "kprobe" }, place.describe())
        }
    }
}

impl KernelPlace<'_> {
    fn describe(&self) -> String {
        match self {
            KernelPlace::Symbol(name, offset) => format!("{}+{offset:#x}", name.to_string_lossy()),
            KernelPlace::Address(address) => format!("{address:#x}"),
        }
    }
}

/// The kernel lowers its limit by itself when samples take it long.
fn too_often(error: Error, rate: u64) -> Error {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    match read("perf_event_max_sample_rate").trim().parse::<u64>() {
        Ok(limit) if limit < rate => error
            .because(format!("{rate} samples a second are more than the {limit} that this kernel takes"))
            .with_hint(rate_hint(rate, &read("perf_cpu_time_max_percent"))),
        _ => error,
    }
}

/// The kernel takes no other limit where its lowering by itself is switched off.
fn rate_hint(rate: u64, max_percent: &str) -> String {
    match max_percent.trim() {
        "0" | "100" => {
            "use a lower rate; the limit cannot be raised while the sysctl kernel.perf_cpu_time_max_percent is 0 or 100"
                .to_owned()
        }
        _ => format!("use a lower rate, or raise the limit with `sysctl kernel.perf_event_max_sample_rate={rate}`"),
    }
}

fn cannot_open(event: &Event<'_>, what: &str, errno: Errno) -> Error {
    let operation = match event {
        Event::Uprobe { .. } | Event::Kprobe { .. } => Operation::Probe,
        _ => Operation::Perf,
    };
    let error = Error::os(format!("cannot open {what}"), operation, errno);
    match (event, errno.number()) {
        (Event::Breakpoint { .. }, libc::ENOSPC) => error.because("all hardware watchpoints are in use"),
        (Event::Uprobe { .. }, libc::ENOENT) => error.because("there is no such file"),
        (Event::Uprobe { .. }, libc::EINVAL) => error.because(link::UPROBE_REFUSED),
        (Event::Kprobe { .. }, libc::ENOENT) => error.because("the kernel has no such function"),
        (Event::Kprobe { .. }, libc::EINVAL) => error.because("the kernel does not allow a probe there"),
        (Event::Tracepoint { .. }, libc::ENOENT | libc::EINVAL) => error.because("there is no such tracepoint"),
        (
            Event::Software { sample: Sample::Frequency(rate), .. }
            | Event::Hardware { sample: Sample::Frequency(rate), .. }
            | Event::Cache { sample: Sample::Frequency(rate), .. }
            | Event::Raw { sample: Sample::Frequency(rate), .. },
            libc::EINVAL,
        ) => too_often(error, *rate),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_named_as_users_write_them() {
        let event = |event| describe(&Event::Hardware { event, sample: Sample::Period(1) });
        assert_eq!(event(Hardware::CacheMisses), "hardware event cache-misses");
    }

    #[test]
    fn a_limit_is_raised_only_where_the_kernel_allows_it() {
        assert!(rate_hint(7, "25\n").contains("`sysctl kernel.perf_event_max_sample_rate=7`"));
        for percent in ["0\n", "100\n"] {
            assert!(!rate_hint(7, percent).contains("max_sample_rate"), "{percent}");
        }
    }
}
