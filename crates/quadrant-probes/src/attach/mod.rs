//! Attaching loaded programs, one file a mechanism.
//!
//! Everything but the events of tracefs attaches by file descriptor: when the tracer dies, however it dies, the kernel takes it
//! all down.

mod fentry;
mod iter;
mod kprobe;
mod perf_event;
mod tracefs;
mod tracepoint;
mod uprobe;

use std::ops::ControlFlow;
use std::path::Path;

use quadrant_bpf::hotplug::Change;
use quadrant_bpf::link::Link;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::prog::AttachType;
use quadrant_bpf::prog::Program;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::threads::side_by_side;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::Site;

use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

pub use fentry::owner;
pub use iter::pin_is_free;
pub use iter::pinned_twice;
pub use uprobe::Semaphores;

/// A program to attach to points of one kind.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The program.
    pub program: &'a Program,
    /// The points.
    pub sites: &'a [&'a Site],
    /// The cookie of the first of them; those of the others follow. `None` if the program does not ask for it.
    pub first_cookie: Option<u64>,
    /// In which way.
    pub means: Means,
    /// A function that the kernel does not allow to be probed is passed over, if each has its own event.
    pub tolerant: bool,
    /// Of static user probes, those of other programs too.
    pub semaphores: &'a Semaphores,
}

/// In which of the ways that the kernel has a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// Each point in its own way: a tracepoint, a raw tracepoint, a perf event, a trampoline.
    Each,
    /// On `sys_enter` (false) or `sys_exit` (true), for tracepoints of many system calls at once.
    Syscalls {
        /// At the exit.
        exit: bool,
    },
    /// All places of a file with one link; the program was loaded for [`AttachType::TraceUprobeMulti`].
    UprobeMulti,
    /// Entries and returns of places of a file with one link, by their entries; the program was loaded for
    /// [`AttachType::TraceUprobeSession`].
    UprobeSession,
    /// All kernel functions with one link; the program was loaded for [`AttachType::TraceKprobeMulti`].
    KprobeMulti,
    /// Entries and returns of kernel functions with one link, by their entries; the program was loaded for
    /// [`AttachType::TraceKprobeSession`].
    KprobeSession,
    /// Kernel functions by events of tracefs.
    Tracefs {
        /// Calls of a function that may be under way at once; `None` lets the kernel choose.
        maxactive: Option<u32>,
    },
}

impl Request<'_> {
    /// Whether a program runs by a kernel probe, also where the point could be had by trampoline.
    fn is_kprobe(&self, site: &Site) -> bool {
        let in_kernel = matches!(site, Site::Kprobe(_) | Site::Kretprobe(_) | Site::Fentry(_) | Site::Fexit(_));
        in_kernel && self.program.kind() == ProgramKind::Kprobe
    }

    /// The cookie of a point by its index; 0 is none.
    fn cookie(&self, index: usize) -> u64 {
        self.first_cookie.map_or(0, |first| first + index as u64)
    }

    /// The cookies of all points, for a link to all of them; empty if none are wanted.
    fn cookies(&self) -> Vec<u64> {
        let count = if self.first_cookie.is_some() { self.sites.len() } else { 0 };
        (0..count).map(|index| self.cookie(index)).collect()
    }
}

impl Means {
    /// Whether the kernel counts what it skipped for each point, and not for all of a program's together.
    pub fn counts_each(self) -> bool {
        !self.is_one_link_to_functions()
    }

    /// Whether all of a program's kernel functions have one link.
    pub fn is_one_link_to_functions(self) -> bool {
        matches!(self, Means::KprobeMulti | Means::KprobeSession)
    }
}

/// What a program is attached by.
#[derive(Debug, Default)]
pub struct Attached {
    links: Vec<Link>,
    /// Of the links of perf events, which are as many; empty for others.
    places: Vec<perf_event::Place>,
    events: Vec<PerfEvent>,
    /// Behind what holds it open.
    registered: Option<tracefs::Registered>,
    kernel_code: bool,
    /// By one link to all functions, which may be every one that the kernel has.
    by_one_link: bool,
    missed: Vec<(usize, u64)>,
    due: u64,
    passed_over: Vec<ProbeError>,
}

/// Called after each step of attaching; `Break` ends it early.
pub type Progress<'a> = dyn FnMut() -> ControlFlow<()> + 'a;

/// Attach a program to all its points, or to the first of them if `progress` breaks off.
///
/// # Errors
/// What the kernel refused, and why. What was attached until then is detached.
pub fn attach(
    request: &Request<'_>,
    tracefs: &dyn Fn() -> quadrant_bpf::Result<TraceFs>,
    progress: &mut Progress<'_>,
) -> Result<Attached> {
    let Some(first) = request.sites.first() else { return Ok(Attached::default()) };
    let kernel_code = request.is_kprobe(first);
    let (mut registered, mut places, mut passed_over) = (None, Vec::new(), Vec::new());
    let links = match request.means {
        Means::Syscalls { exit } => vec![tracepoint::syscalls(request, exit)?],
        Means::UprobeMulti | Means::UprobeSession => vec![uprobe::multi(request)?],
        Means::KprobeMulti | Means::KprobeSession => vec![kprobe::multi(request)?],
        Means::Tracefs { maxactive } => {
            let tracefs = tracefs().map_err(|e| from_kernel(&e))?;
            let (links, events) = tracefs::links(request, maxactive, tracefs, progress)?;
            registered = Some(events);
            links
        }
        Means::Each => links(request, first, tracefs, progress, &mut places, &mut passed_over)?,
    };
    let by_one_link = request.means.is_one_link_to_functions();
    Ok(Attached { links, places, registered, kernel_code, by_one_link, passed_over, ..Attached::default() })
}

fn links(
    request: &Request<'_>,
    first: &Site,
    tracefs: &dyn Fn() -> quadrant_bpf::Result<TraceFs>,
    progress: &mut Progress<'_>,
    places: &mut Vec<perf_event::Place>,
    passed_over: &mut Vec<ProbeError>,
) -> Result<Vec<Link>> {
    match first {
        Site::Begin | Site::End | Site::Signal(_) | Site::Test | Site::Bench => {
            Err(error("what the tracer runs itself is not attached"))
        }
        Site::Error => Err(error("what runs where a clause faulted is not attached")),
        Site::Tracepoint { .. } if request.program.kind() == ProgramKind::RawTracepoint => {
            each(request, progress, tracepoint::raw)
        }
        Site::Tracepoint { .. } => {
            let tracefs = tracefs().map_err(|e| from_kernel(&e))?;
            each(request, progress, |request, site, cookie| tracepoint::perf(request, site, cookie, &tracefs))
        }
        Site::RawTracepoint { .. } => {
            let link = Link::tracing(request.program, AttachType::TraceRawTp, 0).map_err(|e| from_kernel(&e))?;
            Ok(vec![link])
        }
        _ if request.is_kprobe(first) => kprobe::each(request, progress, passed_over),
        Site::Fentry(_) | Site::Fexit(_) => each(request, progress, fentry::link),
        Site::Iter { .. } => each(request, progress, iter::link),
        Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. } => each(request, progress, uprobe::single),
        Site::Kprobe(_) | Site::Kretprobe(_) => Err(error("the program is none of a kernel probe")),
        Site::Interval { .. } | Site::Profile(_) | Site::PerfEvent { .. } | Site::Watchpoint { .. } => {
            perf_event::links(request, places, passed_over)
        }
    }
}

/// One link a point, the cookie being the point's index.
fn each(
    request: &Request<'_>,
    progress: &mut Progress<'_>,
    link: impl Fn(&Request<'_>, &Site, u64) -> Result<Link>,
) -> Result<Vec<Link>> {
    each_place(request, progress, |request, index, cookie| link(request, request.sites[index], cookie).map(Some))
}

/// A link a point, or none where it is passed over.
fn each_place(
    request: &Request<'_>,
    progress: &mut Progress<'_>,
    mut link: impl FnMut(&Request<'_>, usize, u64) -> Result<Option<Link>>,
) -> Result<Vec<Link>> {
    let mut links = Vec::with_capacity(request.sites.len());
    for index in 0..request.sites.len() {
        match link(request, index, request.cookie(index)) {
            Ok(link) => links.extend(link),
            Err(error) => {
                close(vec![Attached { links, ..Attached::default() }]);
                return Err(error);
            }
        }
        if progress().is_break() {
            break;
        }
    }
    Ok(links)
}

impl Attached {
    /// Runs that the kernel skipped until [`stop`]: the index of a point (of the first, where all are counted
    /// together), and how often. What a kernel does not count is not there.
    pub fn missed(&self) -> &[(usize, u64)] {
        &self.missed
    }

    /// Whether skipped runs of kernel functions' returns are counted here at all.
    pub fn counts_misses(&self) -> bool {
        self.registered.is_some() || self.links.iter().all(|link| link.missed().is_some())
    }

    /// A walk of an iterator: reading it runs the program for one object after the other. It may ask to be read again
    /// ([`std::io::ErrorKind::WouldBlock`]).
    ///
    /// # Errors
    /// What is attached is none, or the kernel refuses.
    pub fn walk(&self) -> Result<std::fs::File> {
        let link = self.links.first().ok_or_else(|| error("an iterator that is not attached"))?;
        link.iterate().map_err(|e| from_kernel(&e))
    }

    /// Let the iterator of a point stay as a file.
    ///
    /// # Errors
    /// There is a file, or no file system for it.
    pub fn pin(&self, point: usize, path: &Path) -> Result<()> {
        let link = self.links.get(point).ok_or_else(|| error("an iterator that is not attached"))?;
        iter::pin(link, path)
    }

    /// Detach a watchpoint or another perf event, by the point's index.
    pub fn take_away(&mut self, point: usize) {
        self.drop_places(|place| place.point == point);
    }

    /// Whether it fires by events of processors, which end where one is switched off.
    pub fn is_of_processors(&self) -> bool {
        !self.places.is_empty()
    }

    /// A processor was switched on or off: what fires on each fires there, too, and what fired there alone fires on another. The indices of
    /// the points for which something was to do.
    ///
    /// # Errors
    /// What the kernel refused, and why.
    pub fn follow(&mut self, request: &Request<'_>, change: Change) -> Result<Vec<usize>> {
        let new = perf_event::renewed(request, &self.places, change)?;
        let points: Vec<usize> = new.iter().map(|(_, place)| place.point).collect();
        self.drop_places(|place| place.is_of(&points, change.cpu()));
        let (links, places): (Vec<_>, Vec<_>) = new.into_iter().unzip();
        self.links.extend(links);
        self.places.extend(places);
        Ok(points)
    }

    fn drop_places(&mut self, is_gone: impl Fn(&perf_event::Place) -> bool) {
        let links = std::mem::take(&mut self.links).into_iter().zip(std::mem::take(&mut self.places));
        let (gone, left): (Vec<_>, Vec<_>) = links.partition(|(_, place)| is_gone(place));
        (self.links, self.places) = left.into_iter().unzip();
        self.due += gone.iter().map(|(link, place)| place.stop(link)).sum::<u64>();
    }

    /// Why points were passed over.
    pub fn passed_over(&self) -> &[ProbeError] {
        &self.passed_over
    }

    /// How often perf events must have run the program until [`stop`] (or until they were taken away); 0 for all else.
    pub fn due(&self) -> u64 {
        self.due
    }

    fn count_missed(&self) -> Vec<(usize, u64)> {
        let counts: Vec<u64> = match &self.registered {
            Some(registered) => registered.missed(),
            None => self.links.iter().map(|link| link.missed().unwrap_or(0)).collect(),
        };
        counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect()
    }
}

/// Stop programs at all their points, now. Links to many functions go first, and nothing else beside them: with probes in the whole kernel
/// it takes many times as long to take away others.
pub fn stop<'a>(attached: impl IntoIterator<Item = &'a mut Attached>) {
    let (mut links, mut to_many, mut first_events) = (Vec::new(), Vec::new(), None);
    for one in attached {
        if one.kernel_code {
            one.missed = one.count_missed();
        }
        one.due += one.links.iter().zip(&one.places).map(|(link, place)| place.stop(link)).sum::<u64>();
        if one.by_one_link { &mut to_many } else { &mut links }.append(&mut one.links);
        first_events.get_or_insert(&mut one.events);
    }
    to_many.into_iter().rev().for_each(drop);
    let events = side_by_side(links, Link::detach).into_iter().flatten();
    if let Some(kept) = first_events {
        kept.extend(events);
    }
}

/// Close what is left after [`stop`]: one perf event of a tracepoint takes 70 ms.
pub fn close(attached: Vec<Attached>) {
    let (mut links, mut events, mut registered) = (Vec::new(), Vec::new(), Vec::new());
    for one in attached {
        links.extend(one.links);
        events.extend(one.events);
        registered.extend(one.registered);
    }
    side_by_side(links, drop);
    side_by_side(events, drop);
    drop(registered);
}
