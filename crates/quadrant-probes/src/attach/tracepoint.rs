//! Tracepoints: as perf events, as raw tracepoints, and many system calls at once.

use std::ffi::CString;

use quadrant_bpf::link::Link;
use quadrant_bpf::perf::Event;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::perf::Scope;
use quadrant_bpf::prog::AttachType;
use quadrant_bpf::prog::ProgramKind;
use quadrant_bpf::tracefs::TraceFs;
use quadrant_program::probe::Site;

use super::Request;
use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

/// By the tracepoint's perf event: the program sees the record.
pub(super) fn perf(request: &Request<'_>, site: &Site, cookie: u64, tracefs: &TraceFs) -> Result<Link> {
    let (category, event) = names(site)?;
    let id = tracefs.event_id(category, event).map_err(|e| from_kernel(&e))?;
    let event = PerfEvent::open(&Event::Tracepoint { id }, Scope::All).map_err(|e| from_kernel(&e))?;
    Link::perf_event(request.program, event, cookie).map_err(|e| from_kernel(&e))
}

/// By the raw tracepoint of the same name: the program sees the arguments.
pub(super) fn raw(request: &Request<'_>, site: &Site, cookie: u64) -> Result<Link> {
    let (_, event) = names(site)?;
    raw_by_name(request, event, cookie)
}

/// By the raw tracepoint that all system calls pass: of a program for typed ones, what it was loaded for.
pub(super) fn syscalls(request: &Request<'_>, exit: bool) -> Result<Link> {
    if request.program.kind() == ProgramKind::Tracing {
        return Link::tracing(request.program, AttachType::TraceRawTp, 0).map_err(|e| from_kernel(&e));
    }
    raw_by_name(request, if exit { "sys_exit" } else { "sys_enter" }, 0)
}

fn raw_by_name(request: &Request<'_>, name: &str, cookie: u64) -> Result<Link> {
    let name = CString::new(name).map_err(|_| error("the name of a tracepoint holds a NUL byte"))?;
    Link::raw_tracepoint(request.program, &name, cookie).map_err(|e| from_kernel(&e))
}

fn names(site: &Site) -> Result<(&str, &str)> {
    match site {
        Site::Tracepoint { category, event } => Ok((category, event)),
        _ => Err(error("points of different kinds cannot share a program")),
    }
}
