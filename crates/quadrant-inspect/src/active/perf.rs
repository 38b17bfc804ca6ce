//! Perf events: those that links describe, and those that only their descriptors show.

use quadrant_bpf::object::{self, PerfTarget, TaskAttachment, TaskProbe};

use super::Notes;
use super::model::{Attachment, Kind, Owner, Target, Via};
use super::names::Names;
use super::processes::{Handle, Process};
use super::targets::{kernel_address, kernel_function, user_places};

/// A process's descriptor of a perf event.
#[derive(Clone, Debug)]
pub struct Descriptor {
    pub owner: Owner,
    pub what: TaskAttachment,
}

/// All descriptors of perf events.
pub fn descriptors(processes: &[Process], notes: &mut Notes) -> Vec<Descriptor> {
    let mut found = Vec::new();
    for process in processes {
        for handle in &process.handles {
            let Handle::PerfEvent(fd) = handle else { continue };
            let what = notes.or_default(object::task_attachment(process.owner.pid, *fd));
            found.extend(what.map(|what| Descriptor { owner: process.owner.clone(), what }));
        }
    }
    found
}

/// What a link says of its perf event.
pub fn of_target(target: &PerfTarget, names: &mut Names) -> Attachment {
    let (kind, target) = match target {
        PerfTarget::Unknown => (Kind::PerfEvent, Target::named("?")),
        PerfTarget::Uprobe { path, offset, on_return, cookie, semaphore } => {
            let place = user_place(path, u64::from(*offset), names).with_cookie(*cookie);
            (uprobe(*on_return), Target { semaphore: (*semaphore != 0).then_some(*semaphore), ..place })
        }
        PerfTarget::Kprobe { function, offset, address, on_return, cookie, .. } => {
            (kprobe(*on_return), kernel_place(function, u64::from(*offset), *address, names).with_cookie(*cookie))
        }
        PerfTarget::Tracepoint { name, cookie } => (Kind::Tracepoint, tracepoint(name, names).with_cookie(*cookie)),
        PerfTarget::Event { kind, config, cookie } => {
            let (kind, text) = event(*kind, *config, names);
            (kind, Target::named(text).with_cookie(*cookie))
        }
    };
    Attachment::new(kind, Via::PerfLink).at(vec![target])
}

/// What a descriptor says of its probe. The numbers are those of `enum bpf_task_fd_type`.
pub fn of_probe(probe: &TaskProbe, names: &mut Names) -> (Kind, Target) {
    match probe.kind {
        0 => (Kind::RawTracepoint, Target::named(probe.name.clone())),
        1 => (Kind::Tracepoint, tracepoint(&probe.name, names)),
        2 | 3 => (kprobe(probe.kind == 3), kernel_place(&probe.name, probe.offset, probe.address, names)),
        4 | 5 => (uprobe(probe.kind == 5), user_place(&probe.name, probe.offset, names)),
        _ => (Kind::PerfEvent, Target::named(probe.name.clone())),
    }
}

/// Whether a descriptor is of the event that a link is attached to.
pub fn same(probe: &TaskProbe, target: &PerfTarget) -> bool {
    match target {
        PerfTarget::Unknown => true,
        PerfTarget::Uprobe { path, offset, on_return, .. } => {
            probe.kind == if *on_return { 5 } else { 4 } && probe.name == *path && probe.offset == u64::from(*offset)
        }
        PerfTarget::Kprobe { function, offset, on_return, address, .. } => {
            let place = probe.name == *function && probe.offset == u64::from(*offset);
            let address = function.is_empty() && probe.address == *address;
            probe.kind == if *on_return { 3 } else { 2 } && (place || address)
        }
        PerfTarget::Tracepoint { name, .. } => probe.kind == 1 && probe.name == *name,
        PerfTarget::Event { .. } => false,
    }
}

fn uprobe(on_return: bool) -> Kind {
    if on_return { Kind::Uretprobe } else { Kind::Uprobe }
}

fn kprobe(on_return: bool) -> Kind {
    if on_return { Kind::Kretprobe } else { Kind::Kprobe }
}

fn tracepoint(name: &[u8], names: &mut Names) -> Target {
    match std::str::from_utf8(name) {
        Ok(name) => Target::named(names.tracepoint(name)),
        Err(_) => Target::named(name),
    }
}

fn user_place(path: &[u8], offset: u64, names: &mut Names) -> Target {
    user_places(path, &[offset], names).pop().unwrap_or_default()
}

fn kernel_place(function: &[u8], offset: u64, address: u64, names: &mut Names) -> Target {
    if function.is_empty() {
        return kernel_address(address, names);
    }
    let address = (address != 0).then_some(address);
    Target { address, ..kernel_function(&String::from_utf8_lossy(function), offset) }
}

/// Kind and name of an event that is no probe, by `perf_event_attr.type` and `.config` (linux/perf_event.h).
fn event(kind: u32, config: u64, names: &mut Names) -> (Kind, String) {
    let named = |list: &[&str]| list.get(config as usize).map_or_else(|| format!("{config:#x}"), |n| (*n).to_owned());
    match kind {
        0 => (Kind::Hardware, named(HARDWARE)),
        1 => (Kind::Software, named(SOFTWARE)),
        3 => (Kind::Hardware, format!("cache:{config:#x}")),
        4 => (Kind::Hardware, format!("raw:{config:#x}")),
        5 => (Kind::Watchpoint, "?".to_owned()),
        unit => match (names.unit(unit), CLOCK_UNITS.contains(&unit), SOFTWARE.get(config as usize)) {
            (Some(name), _, _) => (Kind::PerfEvent, format!("{name}:{config:#x}")),
            (None, true, Some(clock)) => (Kind::Software, (*clock).to_owned()),
            (None, _, _) => (Kind::PerfEvent, format!("unit {unit}:{config:#x}")),
        },
    }
}

/// The clocks are units of their own, the first two that the kernel numbers at boot; sysfs does not show them. The
/// configuration is still that of the software event.
const CLOCK_UNITS: std::ops::Range<u32> = 6..8;

const HARDWARE: &[&str] = &[
    "cpu-cycles",
    "instructions",
    "cache-references",
    "cache-misses",
    "branch-instructions",
    "branch-misses",
    "bus-cycles",
    "stalled-cycles-frontend",
    "stalled-cycles-backend",
    "ref-cpu-cycles",
];

const SOFTWARE: &[&str] = &[
    "cpu-clock",
    "task-clock",
    "page-faults",
    "context-switches",
    "cpu-migrations",
    "minor-faults",
    "major-faults",
    "alignment-faults",
    "emulation-faults",
    "dummy",
    "bpf-output",
    "cgroup-switches",
];
