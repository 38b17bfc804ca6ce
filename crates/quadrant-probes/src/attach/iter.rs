//! Iterators. They run when the walk is read, once, or whenever the file is that they stay as.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use quadrant_bpf::link::Link;
use quadrant_bpf::link::Walk;
use quadrant_program::probe::Site;

use super::Request;
use crate::error::Result;
use crate::error::advise;
use crate::error::from_kernel;

pub(super) fn link(request: &Request<'_>, site: &Site, _cookie: u64) -> Result<Link> {
    let walk = match site {
        Site::Iter { object, .. } if object == "cgroup" => Walk::AllCgroups,
        _ => Walk::All,
    };
    Link::iterator(request.program, walk).map_err(|e| from_kernel(&e))
}

/// Lets an iterator stay as a file.
pub(super) fn pin(link: &Link, path: &Path) -> Result<()> {
    let shown = path.display();
    let Ok(c_path) = CString::new(path.as_os_str().as_bytes()) else {
        return Err(advise(format!("{shown:?} is no path"), "it has a byte of zero in it"));
    };
    link.pin(&c_path).map_err(|error| {
        let folder = path.parent().unwrap_or(path);
        let (what, help) = match error.errno().and_then(|errno| errno.name()) {
            Some("EEXIST") => ("there already is such a file (EEXIST)", format!("`rm {shown}` ends what it shows")),
            Some("ENOENT") if !folder.is_dir() => {
                ("its folder does not exist (ENOENT)", "make it: mkdir(1)".to_owned())
            }
            Some("ENOENT" | "EPERM") => {
                ("that is not in a BPF file system", format!("`mount -t bpf bpf {}` makes one", folder.display()))
            }
            _ => return from_kernel(&error),
        };
        advise(format!("cannot let the iterator stay as {shown}: {what}"), help)
    })
}
