//! The events, by the names that scripts use.

use crate::glob::Glob;
use quadrant_bpf::perf::{Hardware, Software};
use quadrant_program::probe::ProbeKind;

/// An event of perf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub name: &'static str,
    /// Another name, empty if there is none.
    pub alias: &'static str,
    /// `perf_event_attr.config`.
    pub config: u64,
    /// Fires every so many events unless the script says otherwise; as bpftrace does.
    pub period: u64,
}

const fn event(name: &'static str, alias: &'static str, config: u64, period: u64) -> Event {
    Event { name, alias, config, period }
}

const SOFTWARE: [Event; 12] = [
    event("alignment-faults", "", Software::AlignmentFaults as u64, 1),
    event("bpf-output", "", Software::BpfOutput as u64, 1),
    event("cgroup-switches", "", Software::CgroupSwitches as u64, 1),
    event("context-switches", "cs", Software::ContextSwitches as u64, 1_000),
    event("cpu-clock", "cpu", Software::CpuClock as u64, 1_000_000),
    event("cpu-migrations", "", Software::CpuMigrations as u64, 1),
    event("dummy", "", Software::Dummy as u64, 1),
    event("emulation-faults", "", Software::EmulationFaults as u64, 1),
    event("major-faults", "", Software::PageFaultsMajor as u64, 1),
    event("minor-faults", "", Software::PageFaultsMinor as u64, 100),
    event("page-faults", "faults", Software::PageFaults as u64, 100),
    event("task-clock", "", Software::TaskClock as u64, 1),
];

const HARDWARE: [Event; 10] = [
    event("backend-stalls", "", Hardware::StalledCyclesBackend as u64, 1_000_000),
    event("branch-instructions", "branches", Hardware::BranchInstructions as u64, 100_000),
    event("branch-misses", "", Hardware::BranchMisses as u64, 100_000),
    event("bus-cycles", "", Hardware::BusCycles as u64, 100_000),
    event("cache-misses", "", Hardware::CacheMisses as u64, 1_000_000),
    event("cache-references", "", Hardware::CacheReferences as u64, 1_000_000),
    event("cpu-cycles", "cycles", Hardware::CpuCycles as u64, 1_000_000),
    event("frontend-stalls", "", Hardware::StalledCyclesFrontend as u64, 1_000_000),
    event("instructions", "", Hardware::Instructions as u64, 1_000_000),
    event("ref-cycles", "", Hardware::RefCpuCycles as u64, 1_000_000),
];

/// The events of a kind.
pub(super) fn events(kind: ProbeKind) -> &'static [Event] {
    if kind == ProbeKind::Hardware { &HARDWARE } else { &SOFTWARE }
}

/// The names of a kind, aliases too.
pub(super) fn names(kind: ProbeKind) -> impl Iterator<Item = &'static str> {
    events(kind).iter().flat_map(|event| [event.name, event.alias]).filter(|name| !name.is_empty())
}

/// `software:page-faults:` and so on, aliases too, in the order of the whole names.
pub(crate) fn list(kind: ProbeKind, name: &Glob) -> Vec<String> {
    let known = names(kind).filter(|known| name.matches(known));
    let mut names: Vec<String> = known.map(|known| format!("{}:{known}:", kind.name())).collect();
    names.sort_unstable();
    names
}
