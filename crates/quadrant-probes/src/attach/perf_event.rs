//! Timers, counters and watchpoints.

use quadrant_bpf::cpus;
use quadrant_bpf::link::Link;
use quadrant_bpf::perf::Event;
use quadrant_bpf::perf::Hardware;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::perf::Sample;
use quadrant_bpf::perf::Scope;
use quadrant_bpf::perf::Software;
use quadrant_bpf::perf::Watch;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::Rate;
use quadrant_program::probe::Site;

use super::Request;
use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

/// Links to all points, with the index of each link's point; a point that the machine does not have is passed over, where that is wanted.
pub(super) fn links(
    request: &Request<'_>,
    places: &mut Vec<usize>,
    passed_over: &mut Vec<ProbeError>,
) -> Result<Vec<Link>> {
    let online = cpus::online().map_err(|e| from_kernel(&e))?;
    let mut links = Vec::new();
    for (index, site) in request.sites.iter().enumerate() {
        match open(site, &online) {
            Err(error) if request.tolerant && matches!(site, Site::PerfEvent { .. } | Site::Watchpoint { .. }) => {
                passed_over.push(error);
            }
            events => {
                let link = |event| Link::perf_event(request.program, event, request.cookie(index));
                let new: quadrant_bpf::Result<Vec<Link>> = events?.into_iter().map(link).collect();
                links.extend(new.map_err(|e| from_kernel(&e))?);
                places.resize(links.len(), index);
            }
        }
    }
    Ok(links)
}

fn open(site: &Site, online: &[u32]) -> Result<Vec<PerfEvent>> {
    let event = event(site)?;
    let events = scopes(site, online).into_iter().map(|scope| PerfEvent::open(&event, scope));
    events.collect::<quadrant_bpf::Result<_>>().map_err(|e| from_kernel(&e))
}

/// An interval fires on one CPU; a watchpoint of a process goes with its threads; all else is on every CPU.
fn scopes(site: &Site, online: &[u32]) -> Vec<Scope> {
    match site {
        Site::Interval { .. } => online.first().map(|cpu| Scope::Cpu(*cpu)).into_iter().collect(),
        Site::Watchpoint { pid: Some(pid), .. } => vec![Scope::Process(*pid)],
        _ => online.iter().map(|cpu| Scope::Cpu(*cpu)).collect(),
    }
}

fn event(site: &Site) -> Result<Event<'static>> {
    match site {
        Site::Interval { period_ns } => Ok(clock(Sample::Period(*period_ns))),
        Site::Profile(Rate::Hertz(hertz)) => Ok(clock(Sample::Frequency(*hertz))),
        Site::Profile(Rate::PeriodNs(ns)) => Ok(clock(Sample::Period(*ns))),
        Site::PerfEvent { kind, config, period } => counter(*kind, *config, Sample::Period(*period)),
        Site::Watchpoint { address, len, read, write, execute, .. } => {
            watchpoint(*address, *len, *read, *write, *execute)
        }
        _ => Err(error("points of different kinds cannot share a program")),
    }
}

fn clock(sample: Sample) -> Event<'static> {
    Event::Software { event: Software::CpuClock, sample }
}

fn watchpoint(address: u64, len: u8, read: bool, write: bool, execute: bool) -> Result<Event<'static>> {
    let watch = match (read, write, execute) {
        (false, false, true) => Watch::Execute,
        (false, true, false) => Watch::Write,
        (true, _, false) => Watch::ReadWrite,
        _ => return Err(error("a watchpoint waits for reads and writes (rw), writes (w) or execution (x)")),
    };
    Ok(Event::Breakpoint { address, len: len.into(), watch })
}

/// `perf_event_attr.type` (linux/perf_event.h).
const HARDWARE: u32 = 0;
const SOFTWARE: u32 = 1;
const CACHE: u32 = 3;
const RAW: u32 = 4;

fn counter(kind: u32, config: u64, sample: Sample) -> Result<Event<'static>> {
    let unknown = || error(format!("unknown perf event: type {kind}, config {config}"));
    match kind {
        HARDWARE => Ok(Event::Hardware { event: hardware(config).ok_or_else(unknown)?, sample }),
        SOFTWARE => Ok(Event::Software { event: software(config).ok_or_else(unknown)?, sample }),
        CACHE => Ok(Event::Cache { config, sample }),
        RAW => Ok(Event::Raw { config, sample }),
        _ => Err(unknown()),
    }
}

fn software(config: u64) -> Option<Software> {
    use Software::*;
    let all = [
        CpuClock,
        TaskClock,
        PageFaults,
        ContextSwitches,
        CpuMigrations,
        PageFaultsMinor,
        PageFaultsMajor,
        AlignmentFaults,
        EmulationFaults,
        Dummy,
        BpfOutput,
        CgroupSwitches,
    ];
    all.into_iter().find(|event| *event as u64 == config)
}

fn hardware(config: u64) -> Option<Hardware> {
    use Hardware::*;
    let all = [
        CpuCycles,
        Instructions,
        CacheReferences,
        CacheMisses,
        BranchInstructions,
        BranchMisses,
        BusCycles,
        StalledCyclesFrontend,
        StalledCyclesBackend,
        RefCpuCycles,
    ];
    all.into_iter().find(|event| *event as u64 == config)
}
