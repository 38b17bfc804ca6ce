//! A file system of the kernel, read below its root, whether or not it is mounted.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys;

/// Bytes that hold most files, as the format of an event.
const USUAL: usize = 4096;

/// An open file system.
pub(crate) struct Tree {
    root: OwnedFd,
    name: &'static str,
}

impl Tree {
    /// Opens the file system where it is mounted, else a mount of its own that nobody else sees. `marker` is a directory
    /// that an empty mount point lacks.
    pub fn open(kind: &'static CStr, places: &[&CStr], marker: &CStr) -> Result<Tree> {
        let name = kind.to_str().unwrap_or_default();
        let mounted = places.iter().find_map(|place| open_mounted(place, marker));
        let root = mounted.map_or_else(|| sys::mount_detached(kind), Ok);
        let root = root.map_err(|errno| Error::os(format!("cannot open {name}"), Operation::TraceFs, errno))?;
        Ok(Tree { root, name })
    }

    /// The whole content of the file at `path` below the root.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let failed = |errno| Error::os(format!("cannot read {path} of {}", self.name), Operation::TraceFs, errno);
        let file = File::from(self.open_below(path, 0).map_err(failed)?);
        read_whole(file).map_err(|error| failed(Errno::of(&error)))
    }

    /// The file at `path` below the root, open for reading; a read with nothing there does not wait.
    pub fn open_file(&self, path: &str) -> Result<File> {
        let failed = |errno| Error::os(format!("cannot read {path} of {}", self.name), Operation::TraceFs, errno);
        self.open_below(path, libc::O_NONBLOCK).map(File::from).map_err(failed)
    }

    /// The names in the directory at `path` below the root, "" for the root itself, sorted.
    pub fn list(&self, path: &str) -> Result<Vec<String>> {
        let failed = |errno| Error::os(format!("cannot list {path} of {}", self.name), Operation::TraceFs, errno);
        let path = if path.is_empty() { "." } else { path };
        let directory = self.open_below(path, libc::O_DIRECTORY).map_err(failed)?;
        sys::names(directory).map_err(failed)
    }

    /// Whether there is such a file or directory.
    pub fn exists(&self, path: &str) -> bool {
        self.open_below(path, libc::O_PATH).is_ok()
    }

    /// Hands text to the file at `path`, in addition to what it has.
    pub fn append(&self, path: &str, text: &str) -> Result<()> {
        let failed = |errno| Error::os(format!("cannot write {path} of {}", self.name), Operation::TraceFs, errno);
        let file = self.open_below(path, libc::O_WRONLY | libc::O_APPEND).map_err(failed)?;
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = sys::write(file.as_fd(), rest).map_err(failed)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn open_below(&self, path: &str, flags: libc::c_int) -> std::result::Result<OwnedFd, Errno> {
        let stays_below = !path.starts_with('/') && path.split('/').all(|part| part != "..");
        let path = CString::new(path).ok().filter(|_| stays_below).ok_or(Errno::new(libc::EINVAL))?;
        sys::open_at(self.root.as_fd(), &path, flags)
    }
}

/// All that a file has. These files do not say their length, and without room the standard library would feel its way with seven short
/// reads in a usual one.
fn read_whole(mut file: File) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(USUAL);
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// The directory, if the file system is really mounted there: an empty mount point also exists.
fn open_mounted(place: &CStr, marker: &CStr) -> Option<OwnedFd> {
    let nowhere = File::open("/").ok()?;
    let directory = sys::open_at(nowhere.as_fd(), place, libc::O_DIRECTORY).ok()?;
    sys::open_at(directory.as_fd(), marker, libc::O_DIRECTORY).ok()?;
    Some(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_length_are_read_whole() {
        let path = std::env::temp_dir().join(format!("quadrant-tree-{}", std::process::id()));
        for length in [0, 1, USUAL - 1, USUAL, USUAL + 1, 3 * USUAL] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            std::fs::write(&path, &content).unwrap();
            assert_eq!(read_whole(File::open(&path).unwrap()).unwrap(), content, "{length}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
