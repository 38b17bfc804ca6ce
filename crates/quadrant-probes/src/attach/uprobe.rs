//! User probes: all places of a file by one multi-link, or each by a perf event.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use quadrant_bpf::link::Link;
use quadrant_bpf::link::UprobeMulti;
use quadrant_bpf::link::When;
use quadrant_bpf::perf::Event;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::perf::Scope;
use quadrant_program::probe::Site;

use super::Means;
use super::Request;
use crate::error::Result;
use crate::error::error;
use crate::error::from_kernel;

/// A place in a file.
struct Place<'a> {
    path: &'a Path,
    offset: u64,
    semaphore: u64,
    on_return: bool,
    pid: Option<u32>,
}

/// All places of one file.
pub(super) fn multi(request: &Request<'_>) -> Result<Link> {
    let places = request.sites.iter().map(|site| place(site)).collect::<Result<Vec<Place>>>()?;
    let offsets: Vec<u64> = places.iter().map(|place| place.offset).collect();
    let semaphores: Vec<u64> = places.iter().map(|place| place.semaphore).collect();
    let cookies = request.cookies();
    let path = c_path(places[0].path)?;
    let when = match request.means {
        Means::UprobeSession => When::Session,
        _ if places[0].on_return => When::Return,
        _ => When::Entry,
    };
    let all = UprobeMulti {
        path: &path,
        offsets: &offsets,
        ref_ctr_offsets: if semaphores.iter().any(|offset| *offset != 0) { &semaphores } else { &[] },
        cookies: &cookies,
        pid: places[0].pid,
        when,
    };
    Link::uprobe_multi(request.program, &all).map_err(|e| from_kernel(&e))
}

/// One place.
pub(super) fn single(request: &Request<'_>, site: &Site, cookie: u64) -> Result<Link> {
    let place = place(site)?;
    let path = c_path(place.path)?;
    let event = Event::Uprobe {
        path: &path,
        offset: place.offset,
        ref_ctr_offset: place.semaphore,
        on_return: place.on_return,
    };
    let scope = place.pid.map_or(Scope::All, Scope::Process);
    let event = PerfEvent::open(&event, scope).map_err(|e| from_kernel(&e))?;
    Link::perf_event(request.program, event, cookie).map_err(|e| from_kernel(&e))
}

fn place(site: &Site) -> Result<Place<'_>> {
    let (path, offset, semaphore, on_return, pid) = match site {
        Site::Uprobe { path, offset, pid } => (path, offset, 0, false, pid),
        Site::Uretprobe { path, offset, pid } => (path, offset, 0, true, pid),
        Site::Usdt { path, offset, semaphore, pid } => (path, offset, *semaphore, false, pid),
        _ => return Err(error("points of different kinds cannot share a program")),
    };
    Ok(Place { path, offset: *offset, semaphore, on_return, pid: *pid })
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| error("the path of a probe holds a NUL byte"))
}
