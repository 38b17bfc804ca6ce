//! Attaching loaded programs, one file a mechanism.
//!
//! Everything attaches by file descriptor: when the tracer dies, however it dies, the kernel takes it all down.

mod kprobe;
mod perf_event;
mod tracepoint;
mod uprobe;

use quadrant_bpf::link::Link;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::prog::AttachType;
use quadrant_bpf::prog::Program;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::Site;

use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

/// A program to attach to points of one kind. The cookie of a point is its index.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The program.
    pub program: &'a Program,
    /// The points.
    pub sites: &'a [&'a Site],
    /// On `sys_enter` (false) or `sys_exit` (true), for tracepoints of many system calls at once.
    pub syscalls: Option<bool>,
    /// The program was loaded for multi-links ([`AttachType::TraceUprobeMulti`]).
    pub multi: bool,
}

/// What a program is attached by.
#[derive(Debug)]
pub struct Attached {
    links: Vec<Link>,
    events: Vec<PerfEvent>,
}

/// Attach a program to all its points.
///
/// # Errors
/// What the kernel refused, and why. What was attached until then is detached.
pub fn attach(request: &Request<'_>, tracefs: &dyn Fn() -> quadrant_bpf::Result<TraceFs>) -> Result<Attached> {
    let links = match request.sites.first() {
        None => Vec::new(),
        Some(_) if request.syscalls.is_some() => vec![tracepoint::syscalls(request)?],
        Some(site) => links(request, site, tracefs)?,
    };
    Ok(Attached { links, events: Vec::new() })
}

fn links(
    request: &Request<'_>,
    first: &Site,
    tracefs: &dyn Fn() -> quadrant_bpf::Result<TraceFs>,
) -> Result<Vec<Link>> {
    match first {
        Site::Begin | Site::End => Err(error("BEGIN and END are run, not attached")),
        Site::Tracepoint { .. } if request.program.kind() == ProgramKind::RawTracepoint => {
            each(request, tracepoint::raw)
        }
        Site::Tracepoint { .. } => {
            let tracefs = tracefs().map_err(|e| from_kernel(&e))?;
            each(request, |request, site, cookie| tracepoint::perf(request, site, cookie, &tracefs))
        }
        Site::RawTracepoint { .. } => {
            let link = Link::tracing(request.program, AttachType::TraceRawTp, 0).map_err(|e| from_kernel(&e))?;
            Ok(vec![link])
        }
        Site::Kprobe(_) | Site::Kretprobe(_) => kprobe::links(request),
        Site::Fentry(_) | Site::Fexit(_) => Err(error("not yet")),
        Site::Uprobe { .. } | Site::Uretprobe { .. } | Site::Usdt { .. } => uprobe::links(request),
        Site::Interval { .. } | Site::Profile(_) | Site::PerfEvent { .. } | Site::Watchpoint { .. } => {
            perf_event::links(request)
        }
    }
}

/// One link a point, the cookie being the point's index.
fn each(request: &Request<'_>, link: impl Fn(&Request<'_>, &Site, u64) -> Result<Link>) -> Result<Vec<Link>> {
    request.sites.iter().zip(0..).map(|(site, cookie)| link(request, site, cookie)).collect()
}

impl Attached {
    /// Stop the program at these points, now.
    pub fn stop(&mut self) {
        let links = std::mem::take(&mut self.links);
        self.events.extend(links.into_iter().filter_map(Link::detach));
    }
}

/// Threads that close perf events: closing waits for the kernel, not for a processor.
const CLOSERS: usize = 16;

/// Close what is left after [`Attached::stop`], side by side: one perf event of a tracepoint takes 70 ms.
pub fn close(attached: Vec<Attached>) {
    let mut shares: Vec<Vec<Attached>> = Vec::new();
    shares.resize_with(CLOSERS.min(attached.len()), Vec::new);
    for (index, one) in attached.into_iter().enumerate() {
        shares[index % CLOSERS].push(one);
    }
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || drop(share));
        }
    });
}
