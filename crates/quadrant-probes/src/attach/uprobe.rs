//! User probes: all places of a file by one multi-link, or each by a perf event.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use quadrant_bpf::link::Link;
use quadrant_bpf::link::UprobeMulti;
use quadrant_bpf::link::When;
use quadrant_bpf::perf::Event;
use quadrant_bpf::perf::PerfEvent;
use quadrant_bpf::perf::Scope;
use quadrant_program::probe::Inode;
use quadrant_program::probe::Site;

use super::Means;
use super::Request;
use crate::error::Result;
use crate::error::advise;
use crate::error::error;
use crate::error::from_kernel;
use crate::target::TargetFile;
use crate::target::process_of;

/// A place in a file.
struct Place<'a> {
    path: &'a Path,
    inode: Inode,
    offset: u64,
    semaphore: u64,
    on_return: bool,
    pid: Option<u32>,
}

/// The semaphores of static probes, by their places. The kernel has one probe at an instruction, with one semaphore or none: whatever else
/// is put there has to name the same one.
#[derive(Debug, Default)]
pub struct Semaphores(HashMap<(Inode, u64), u64>);

impl Semaphores {
    /// Of all points of a trace.
    pub fn of<'a>(sites: impl Iterator<Item = &'a Site>) -> Semaphores {
        let with_place = |site: &Site| match site {
            Site::Usdt { inode, offset, semaphore, .. } if *semaphore != 0 => Some(((*inode, *offset), *semaphore)),
            _ => None,
        };
        Semaphores(sites.filter_map(with_place).collect())
    }

    /// The one to name for a place, which has this one by itself.
    fn at(&self, place: &Place<'_>) -> u64 {
        match place.semaphore {
            0 if !self.0.is_empty() => self.0.get(&(place.inode, place.offset)).copied().unwrap_or(0),
            own => own,
        }
    }
}

/// All places of one file.
pub(super) fn multi(request: &Request<'_>) -> Result<Link> {
    let places = request.sites.iter().map(|site| place(site)).collect::<Result<Vec<Place>>>()?;
    let offsets: Vec<u64> = places.iter().map(|place| place.offset).collect();
    let semaphores: Vec<u64> = places.iter().map(|place| request.semaphores.at(place)).collect();
    let cookies = request.cookies();
    let when = match request.means {
        Means::UprobeSession => When::Session,
        _ if places[0].on_return => When::Return,
        _ => When::Entry,
    };
    let file = opened(&places[0])?;
    let path = open_path(&file)?;
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
    let file = opened(&place)?;
    // The kernel keeps the name of an event to show it.
    let path = if process_of(place.path).is_some() { open_path(&file)? } else { c_path(place.path)? };
    let event = Event::Uprobe {
        path: &path,
        offset: place.offset,
        ref_ctr_offset: request.semaphores.at(&place),
        on_return: place.on_return,
    };
    let scope = place.pid.map_or(Scope::All, Scope::Process);
    let event = PerfEvent::open(&event, scope).map_err(|e| from_kernel(&e))?;
    Link::perf_event(request.program, event, cookie).map_err(|e| from_kernel(&e))
}

fn place(site: &Site) -> Result<Place<'_>> {
    let (path, inode, offset, semaphore, on_return, pid) = match site {
        Site::Uprobe { path, inode, offset, pid } => (path, inode, offset, 0, false, pid),
        Site::Uretprobe { path, inode, offset, pid } => (path, inode, offset, 0, true, pid),
        Site::Usdt { path, inode, offset, semaphore, pid } => (path, inode, offset, *semaphore, false, pid),
        _ => return Err(error("points of different kinds cannot share a program")),
    };
    Ok(Place { path, inode: *inode, offset: *offset, semaphore, on_return, pid: *pid })
}

/// The very file whose functions were looked up.
fn opened(place: &Place<'_>) -> Result<TargetFile> {
    let file = TargetFile::open(place.path)?;
    if file.inode() != place.inode {
        let path = place.path.display();
        return Err(advise(format!("{path} became another file while its probes were looked up"), "start again"));
    }
    Ok(file)
}

/// Leads the kernel to an open file, whatever happens to its path.
fn open_path(file: &TargetFile) -> Result<CString> {
    c_path(Path::new(&format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())))
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| error("the path of a probe holds a NUL byte"))
}
