//! Kernel functions: many by one multi-link, or each by a perf event.

use std::ffi::CString;

use quadrant_bpf::link::KernelFunctions;
use quadrant_bpf::link::KprobeMulti;
use quadrant_bpf::link::Link;
use quadrant_bpf::link::When;
use quadrant_bpf::perf::Event;
use quadrant_bpf::perf::KernelPlace;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::perf::Scope;
use quadrant_program::probe::KernelCode;
use quadrant_program::probe::ProbeError;
use quadrant_program::probe::ProbeErrorKind;
use quadrant_program::probe::Site;

use super::Means;
use super::Progress;
use super::Request;
use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

/// All functions by their addresses: names are looked up one by one, and may stand for several functions.
pub(super) fn multi(request: &Request<'_>) -> Result<Link> {
    let mut addresses = Vec::with_capacity(request.sites.len());
    let mut when = When::Entry;
    for site in request.sites {
        let (code, on_return) = code(site)?;
        let hidden = || error(format!("the address of `{}` is hidden, which attaching to many needs", code.symbol));
        addresses.push(code.address.ok_or_else(hidden)?);
        when = if on_return { When::Return } else { When::Entry };
    }
    if request.means == Means::KprobeSession {
        when = When::Session;
    }
    let cookies = request.cookies();
    let functions = KprobeMulti { functions: KernelFunctions::Addresses(&addresses), cookies: &cookies, when };
    Link::kprobe_multi(request.program, &functions).map_err(|e| from_kernel(&e))
}

/// Each function or place by an event of its own. What the kernel does not allow to be probed is passed over if the request says
/// so; what it does not allow this process is an error in any case.
pub(super) fn each(
    request: &Request<'_>,
    progress: &mut Progress<'_>,
    passed_over: &mut Vec<ProbeError>,
) -> Result<Vec<Link>> {
    super::each_place(request, progress, |request, index, cookie| {
        let (code, on_return) = code(request.sites[index])?;
        match open(code, on_return)? {
            Ok(event) => Link::perf_event(request.program, event, cookie).map(Some).map_err(|e| from_kernel(&e)),
            Err(refusal) => {
                let error = crate::kprobe::explain(code, &refusal);
                if error.kind == ProbeErrorKind::Denied || !request.tolerant {
                    return Err(error);
                }
                passed_over.push(error);
                Ok(None)
            }
        }
    })
}

fn open(code: &KernelCode, on_return: bool) -> Result<quadrant_bpf::Result<PerfEvent>> {
    let symbol = CString::new(code.symbol.as_str()).map_err(|_| error("the name of a function holds a NUL byte"))?;
    let place = match code.address {
        Some(address) if code.ambiguous || code.symbol.is_empty() => KernelPlace::Address(address),
        _ => KernelPlace::Symbol(&symbol, code.offset),
    };
    Ok(PerfEvent::open(&Event::Kprobe { place, on_return }, Scope::All))
}

/// The place, and whether the program waits for the function's return.
pub(super) fn code(site: &Site) -> Result<(&KernelCode, bool)> {
    let code = match site {
        Site::Kprobe(code) => Some((code, false)),
        Site::Kretprobe(code) => Some((code, true)),
        Site::Fentry(function) => function.code.as_ref().map(|code| (code, false)),
        Site::Fexit(function) => function.code.as_ref().map(|code| (code, true)),
        _ => None,
    };
    code.ok_or_else(|| error("points of different kinds cannot share a program"))
}
