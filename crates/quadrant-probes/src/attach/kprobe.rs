//! Kernel functions, each by a perf event.

use std::ffi::CString;

use quadrant_bpf::link::Link;
use quadrant_bpf::perf::Event;
use quadrant_bpf::perf::KernelPlace;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::perf::Scope;
use quadrant_program::probe::KernelCode;
use quadrant_program::probe::Site;

use super::Request;
use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

pub(super) fn links(request: &Request<'_>) -> Result<Vec<Link>> {
    super::each(request, single)
}

fn single(request: &Request<'_>, site: &Site, cookie: u64) -> Result<Link> {
    let (code, on_return) = code(site)?;
    let symbol = CString::new(code.symbol.as_str()).map_err(|_| error("the name of a function holds a NUL byte"))?;
    let place = match code.address {
        Some(address) if code.ambiguous || code.symbol.is_empty() => KernelPlace::Address(address),
        _ => KernelPlace::Symbol(&symbol, code.offset),
    };
    let event = PerfEvent::open(&Event::Kprobe { place, on_return }, Scope::All);
    let event = event.map_err(|e| crate::kprobe::explain(code, &e))?;
    Link::perf_event(request.program, event, cookie).map_err(|e| from_kernel(&e))
}

/// The place, and whether the program waits for the function's return.
fn code(site: &Site) -> Result<(&KernelCode, bool)> {
    match site {
        Site::Kprobe(code) => Ok((code, false)),
        Site::Kretprobe(code) => Ok((code, true)),
        _ => Err(error("points of different kinds cannot share a program")),
    }
}
