//! The root directory in which names of files are meant: ours, or that of a process in a container.

use super::cannot_read;
use super::file::TargetFile;
use super::find::Target;
use super::process::shares_root;
use crate::error::Result;
use quadrant_symbols::open;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// A root directory.
pub(crate) struct Root(Option<Foreign>);

/// The root directory of a process that does not share ours.
struct Foreign {
    pid: u32,
    dir: OwnedFd,
    /// Where we see it; `/` for that of another mount namespace.
    seen: PathBuf,
}

impl Root {
    /// Ours.
    pub fn own() -> Self {
        Self(None)
    }

    /// That of a process.
    pub fn of(pid: u32) -> Result<Self> {
        if shares_root(pid) {
            return Ok(Self::own());
        }
        let path = PathBuf::from(format!("/proc/{pid}/root"));
        let dir = open::root_of(pid).map_err(|inner| cannot_read(&path, &inner))?;
        let seen = seen_at(&dir).map_err(|inner| cannot_read(&path, &inner))?;
        Ok(Self(Some(Foreign { pid, dir, seen })))
    }

    /// A path in this root as one of ours: `/proc/PID/root/usr/bin/x`.
    pub fn path(&self, name: &Path) -> PathBuf {
        match &self.0 {
            Some(Foreign { pid, .. }) => {
                Path::new(&format!("/proc/{pid}/root")).join(name.strip_prefix("/").unwrap_or(name))
            }
            None => name.to_owned(),
        }
    }

    /// A path as the kernel tells it to us, as it is called in this root.
    pub fn name(&self, seen: &Path) -> PathBuf {
        let inside = self.0.as_ref().and_then(|foreign| seen.strip_prefix(&foreign.seen).ok());
        inside.map_or_else(|| seen.to_owned(), |inside| Path::new("/").join(inside))
    }

    /// The file of that name, called by a path without symbolic links.
    pub fn target(&self, wanted: &Path) -> Result<Target> {
        if let (None, Some((pid, name))) = (&self.0, in_root_of(wanted)) {
            let Target { path, .. } = Self::of(pid)?.target(&name)?;
            return Ok(Target { name: path.clone(), path });
        }
        let given = std::path::absolute(wanted).map_err(|inner| cannot_read(wanted, &inner))?;
        let file = self.open(&given)?;
        let name = self.name(&seen_at(file.as_fd()).map_err(|inner| cannot_read(wanted, &inner))?);
        // What is deleted, or seen through /proc only, has no other name than the given one.
        let is_it = self.open(&name).is_ok_and(|other| other.inode() == file.inode());
        let name = if is_it { name } else { given };
        Ok(Target { path: self.path(&name), name })
    }

    /// Opens a regular file. What the process makes of its directories meanwhile leads to no file outside its root.
    pub fn open(&self, name: &Path) -> Result<TargetFile> {
        match &self.0 {
            Some(foreign) => TargetFile::of(open::regular_in(foreign.dir.as_fd(), name, true), name),
            None => TargetFile::open(name),
        }
    }

    /// The entries of a directory, sorted; none if it cannot be read.
    pub fn entries(&self, dir: &Path) -> Vec<PathBuf> {
        let names = match &self.0 {
            Some(foreign) => open::names_in(foreign.dir.as_fd(), dir),
            None => own_names(dir),
        };
        let mut paths: Vec<PathBuf> = names.unwrap_or_default().into_iter().map(|name| dir.join(name)).collect();
        paths.sort_unstable();
        paths
    }
}

fn own_names(dir: &Path) -> io::Result<Vec<OsString>> {
    Ok(std::fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect())
}

/// The path of an open file as the kernel tells it to us.
fn seen_at(file: impl AsFd) -> io::Result<PathBuf> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))?;
    Ok(without_mark(link))
}

/// Without what the kernel adds to the paths of files that were deleted.
pub(super) fn without_mark(path: PathBuf) -> PathBuf {
    let mut bytes = path.into_os_string().into_vec();
    if bytes.ends_with(DELETED) {
        bytes.truncate(bytes.len() - DELETED.len());
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// How the kernel marks the path of a file that was deleted.
pub(super) const DELETED: &[u8] = b" (deleted)";

/// Opens one of our paths; below `/proc/PID/root` as that process would.
pub(super) fn open_path(path: &Path) -> io::Result<File> {
    match in_root_of(path) {
        Some((pid, name)) => open::regular_in(open::root_of(pid)?.as_fd(), &name, true),
        None => open::regular(path),
    }
}

/// Of `/proc/PID/root/usr/bin/x` the process and `/usr/bin/x`.
fn in_root_of(path: &Path) -> Option<(u32, PathBuf)> {
    let (pid, rest) = in_proc(path)?;
    Some((pid, Path::new("/").join(rest.strip_prefix("root").ok()?)))
}

/// The process by which one of our paths leads to a file, and the file's name in its root.
pub(crate) fn process_of(path: &Path) -> Option<(u32, PathBuf)> {
    in_root_of(path).or_else(|| {
        let (pid, _) = in_proc(path)?;
        let seen = without_mark(std::fs::read_link(path).ok()?);
        Some((pid, Root::of(pid).ok()?.name(&seen)))
    })
}

/// A path of ours as its own root has it, and the process whose root that is, if it is not ours.
pub(crate) fn in_its_root(path: &Path) -> (Option<u32>, PathBuf) {
    match process_of(path) {
        Some((pid, name)) => (Some(pid), name),
        None => (None, std::path::absolute(path).unwrap_or_else(|_| path.to_owned())),
    }
}

/// Of `/proc/PID/exe` the process and `exe`.
fn in_proc(path: &Path) -> Option<(u32, &Path)> {
    let mut parts = path.components();
    let is_proc =
        [Component::RootDir, Component::Normal("proc".as_ref())].iter().all(|part| parts.next().as_ref() == Some(part));
    let pid = parts.next().filter(|_| is_proc)?.as_os_str().to_str()?.parse().ok()?;
    Some((pid, parts.as_path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_in_paths() {
        assert_eq!(in_root_of(Path::new("/proc/12/root/usr/bin/x")), Some((12, "/usr/bin/x".into())));
        assert_eq!(in_root_of(Path::new("/proc/12/root")), Some((12, "/".into())));
        for other in ["/proc/12/exe", "/proc/self/root/x", "/usr/proc/12/root/x", "/proc", "proc/12/root/x"] {
            assert_eq!(in_root_of(Path::new(other)), None, "{other}");
        }
        let pid = std::process::id();
        let own = std::env::current_exe().unwrap();
        assert_eq!(process_of(Path::new(&format!("/proc/{pid}/exe"))), Some((pid, own)));
    }

    #[test]
    fn names_in_a_root() {
        let dir = open::root_of(std::process::id()).unwrap();
        let root = Root(Some(Foreign { pid: 7, dir, seen: "/srv/a".into() }));
        assert_eq!(root.name(Path::new("/srv/a/bin/x")), Path::new("/bin/x"));
        assert_eq!(root.name(Path::new("/elsewhere/x")), Path::new("/elsewhere/x"));
        assert_eq!(root.path(Path::new("/bin/x")), Path::new("/proc/7/root/bin/x"));
        assert_eq!(Root::own().path(Path::new("/bin/x")), Path::new("/bin/x"));
        assert!(root.open(Path::new("/dev/null")).unwrap_err().message.contains("not a regular file"));
    }

    #[test]
    fn links_lead_to_one_name() {
        let own = std::env::current_exe().unwrap();
        let link = std::env::temp_dir().join(format!("quadrant-link-{}", std::process::id()));
        std::os::unix::fs::symlink(&own, &link).unwrap();
        let target = Root::own().target(&link);
        std::fs::remove_file(&link).unwrap();
        assert_eq!(target.unwrap(), Target { name: own.clone(), path: own });
    }
}
