//! Timers, counters and watchpoints.

use std::time::Duration;
use std::time::Instant;

use quadrant_bpf::cpus;
use quadrant_bpf::hotplug::Change;
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

/// A timer that is due this very moment may not have fired yet.
const LATE: Duration = Duration::from_millis(1);
/// One part in so many is more than the clocks of a machine differ.
const DRIFT: u64 = 1_000;
/// The kernel takes shorter periods, but lets no clock fire more often (`perf_swevent_hrtimer`).
const SHORTEST_NS: u64 = 10_000;

/// What is known of the link to an event besides the link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Index of its point.
    pub(super) point: usize,
    /// `None` goes with a process.
    cpu: Option<u32>,
    period: Period,
    since: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Period {
    /// Of a clock.
    Time(Duration),
    /// A number of what the event counts.
    Events(u64),
    /// By the time of tasks, which nothing else tells as exactly as would be needed.
    Unknown,
}

impl Place {
    fn new(point: usize, site: &Site, scope: Scope) -> Place {
        let cpu = match scope {
            Scope::Cpu(cpu) => Some(cpu),
            _ => None,
        };
        Place { point, cpu, period: period(site), since: Instant::now() }
    }

    /// Whether it is one of these points and on this processor.
    pub(super) fn is_of(&self, points: &[usize], cpu: u32) -> bool {
        self.cpu == Some(cpu) && points.contains(&self.point)
    }

    /// Stops the event; how often it must have fired since it was enabled. The kernel passes a program over, and counts that nowhere,
    /// while another one, or a system call's access to a map, is under way on the processor.
    pub(super) fn stop(&self, link: &Link) -> u64 {
        let enabled = self.since.elapsed();
        let Some(event) = link.event().filter(|event| event.disable().is_ok()) else { return 0 };
        let count = event.count().unwrap_or(0);
        match self.period {
            Period::Time(period) => {
                let certain = certain(enabled, count).saturating_sub(LATE.min(period));
                (certain.as_nanos() / period.as_nanos().max(1)) as u64
            }
            Period::Events(period) => count / period.max(1),
            Period::Unknown => 0,
        }
    }
}

/// How long a clock has certainly been enabled, by the clock that timers go by. Its own count of nanoseconds is by another one, which is a
/// little faster or slower, and stops where the processor is taken offline; the time taken here begins late on a busy machine.
fn certain(taken: Duration, count: u64) -> Duration {
    let drift = count / DRIFT;
    let counted = |ns| Duration::from_nanos(ns);
    if taken > counted(count + drift) { counted(count - drift) } else { taken.max(counted(count - drift)) }
}

/// Links to all points, with what is known of each; a point that the machine does not have is passed over, where that is wanted.
pub(super) fn links(
    request: &Request<'_>,
    places: &mut Vec<Place>,
    passed_over: &mut Vec<ProbeError>,
) -> Result<Vec<Link>> {
    let online = cpus::online().map_err(|e| from_kernel(&e))?;
    let mut links = Vec::new();
    for (index, site) in request.sites.iter().enumerate() {
        let scopes = scopes(site, &online);
        match open(site, &scopes) {
            Err(error) if request.tolerant && matches!(site, Site::PerfEvent { .. } | Site::Watchpoint { .. }) => {
                passed_over.push(error);
            }
            events => {
                for event in events? {
                    links.push(link(request, index, event)?);
                }
                places.extend(scopes.into_iter().map(|scope| Place::new(index, site, scope)));
            }
        }
    }
    Ok(links)
}

/// What fires where a change of a processor wants it, instead of what was there. A point that was taken away has no place, and stays away.
pub(super) fn renewed(request: &Request<'_>, places: &[Place], change: Change) -> Result<Vec<(Link, Place)>> {
    let mut new = Vec::new();
    for (index, site) in request.sites.iter().enumerate() {
        let cpus: Vec<Option<u32>> =
            places.iter().filter(|place| place.point == index).map(|place| place.cpu).collect();
        let Some(cpu) = wanted(site, &cpus, change)? else { continue };
        let scope = Scope::Cpu(cpu);
        for event in open(site, &[scope])? {
            new.push((link(request, index, event)?, Place::new(index, site, scope)));
        }
    }
    Ok(new)
}

/// Where a point that fires on these processors is to fire, too, or instead.
fn wanted(site: &Site, cpus: &[Option<u32>], change: Change) -> Result<Option<u32>> {
    let was_there = cpus.contains(&Some(change.cpu()));
    match (site, change) {
        (Site::Interval { .. }, Change::Off(_)) if was_there => {
            Ok(cpus::online().map_err(|e| from_kernel(&e))?.first().copied())
        }
        (Site::Interval { .. }, _) | (Site::Watchpoint { pid: Some(_), .. }, _) | (_, Change::Off(_)) => Ok(None),
        (_, Change::On(cpu)) => Ok((!cpus.is_empty()).then_some(cpu)),
    }
}

fn link(request: &Request<'_>, index: usize, event: PerfEvent) -> Result<Link> {
    Link::perf_event(request.program, event, request.cookie(index)).map_err(|e| from_kernel(&e))
}

fn open(site: &Site, scopes: &[Scope]) -> Result<Vec<PerfEvent>> {
    let event = event(site)?;
    let events = scopes.iter().map(|scope| PerfEvent::open(&event, *scope));
    events.collect::<quadrant_bpf::Result<_>>().map_err(|e| from_kernel(&e))
}

fn period(site: &Site) -> Period {
    match site {
        Site::Interval { period_ns } => every(*period_ns),
        Site::Profile(rate) => every(rate.period_ns()),
        Site::PerfEvent { kind: SOFTWARE, config, .. } if is_clock(*config) => Period::Unknown,
        Site::PerfEvent { period, .. } => Period::Events(*period),
        _ => Period::Events(1),
    }
}

fn every(ns: u64) -> Period {
    Period::Time(Duration::from_nanos(ns.max(SHORTEST_NS)))
}

fn is_clock(config: u64) -> bool {
    [Software::CpuClock, Software::TaskClock].into_iter().any(|clock| clock as u64 == config)
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;
    const HOUR: u64 = 3_600 * SECOND_NS;

    #[test]
    fn clocks_differ_a_little() {
        let hour = Duration::from_nanos(HOUR);
        assert_eq!(certain(hour, HOUR), hour);
        assert_eq!(certain(hour, HOUR + HOUR / 10_000), hour);
        assert_eq!(certain(hour, HOUR - HOUR / 10_000), hour);
    }

    #[test]
    fn a_start_that_was_noted_late() {
        let noted = Duration::from_millis(940);
        assert_eq!(certain(noted, SECOND_NS), Duration::from_millis(999));
    }

    #[test]
    fn a_processor_that_was_taken_offline() {
        assert_eq!(certain(Duration::from_secs(60), SECOND_NS), Duration::from_millis(999));
    }

    #[test]
    fn short_periods_are_longer() {
        assert!(matches!(every(1_000), Period::Time(period) if period == Duration::from_micros(10)));
    }
}
