//! Iterators. They run when the walk is read, once, or whenever the file is that they stay as.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use quadrant_bpf::link::Link;
use quadrant_bpf::link::Walk;
use quadrant_program::probe::ProbeError;
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
            Some("EEXIST") => return exists(path),
            Some("ENOENT") if !folder.is_dir() => {
                ("its folder does not exist (ENOENT)", "make it: mkdir(1)".to_owned())
            }
            Some("ENOENT") => ("that is not in a BPF file system (ENOENT)", elsewhere(folder)),
            Some("EPERM") => ("that is not in a BPF file system (EPERM)", elsewhere(folder)),
            _ => return from_kernel(&error),
        };
        advise(format!("cannot let the iterator stay as {shown}: {what}"), help)
    })
}

/// Whether a file can be made there, as far as that is known before it is.
///
/// # Errors
/// There is one.
pub fn pin_is_free(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() { Err(exists(path)) } else { Ok(()) }
}

/// That two iterators of a script would stay as one file.
pub fn pinned_twice(path: &Path) -> ProbeError {
    let message = format!("two iterators of the script would stay as {}", path.display());
    advise(message, "give each a name of its own")
}

fn exists(path: &Path) -> ProbeError {
    let shown = path.display();
    let message = format!("cannot let the iterator stay as {shown}: there already is such a file (EEXIST)");
    advise(message, format!("`rm {shown}` ends what it shows"))
}

/// Only the usual place is there to have a file system mounted on it: elsewhere a mount would hide what there is.
fn elsewhere(folder: &Path) -> String {
    if folder == Path::new("/sys/fs/bpf") {
        return "`mount -t bpf bpf /sys/fs/bpf` makes one".to_owned();
    }
    "give a name, which is one in /sys/fs/bpf, or a path in a BPF file system".to_owned()
}
