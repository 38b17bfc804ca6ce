//! Files of a running process: its mappings, and paths as it sees them.

use super::cannot_read;
use crate::error::{Result, advise, error};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Symbolic links followed in one path, as the kernel's own limit.
const MAX_LINKS: usize = 40;

/// A file that a process has mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappedFile {
    /// As the kernel tells it to us: by our root if it is below it, else by the process's.
    pub name: PathBuf,
    deleted: bool,
    /// The mapping's own way to the file, which not everybody may go.
    link: PathBuf,
    /// Major and minor number of the device, and the inode's number.
    identity: (u32, u32, u64),
}

impl MappedFile {
    /// A path by which this process opens the same file: its name, that name in the process's root, or the mapping's own.
    pub fn path(&self, pid: u32) -> PathBuf {
        let inside = path_in(pid, &self.name).ok();
        let named = [Some(self.name.clone()), inside.clone()].into_iter().flatten();
        let same = named.filter(|_| !self.deleted).find(|path| identity(path) == Some(self.identity));
        let linked = || self.link.exists().then(|| self.link.clone());
        same.or_else(linked).or(inside).unwrap_or_else(|| self.name.clone())
    }
}

fn identity(path: &Path) -> Option<(u32, u32, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    let device = metadata.dev();
    Some((rustix::fs::major(device), rustix::fs::minor(device), metadata.ino()))
}

/// The files that a process has mapped to execute, each once, in order of address.
pub(crate) fn mapped_files(pid: u32) -> Result<Vec<MappedFile>> {
    let path = PathBuf::from(format!("/proc/{pid}/maps"));
    let text = std::fs::read(&path).map_err(|inner| match inner.kind() {
        io::ErrorKind::NotFound => advise(format!("there is no process {pid}"), "see `ps -e` for those that run"),
        _ => cannot_read(&path, &inner),
    })?;
    let mut files: Vec<MappedFile> = Vec::new();
    for file in text.split(|byte| *byte == b'\n').filter_map(|line| parse_line(pid, line)) {
        if files.iter().all(|known| known.name != file.name) {
            files.push(file);
        }
    }
    Ok(files)
}

/// The program that a process runs, as the kernel names it to us.
pub(crate) fn program_of(pid: u32) -> Option<PathBuf> {
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = link.as_os_str().as_encoded_bytes();
    let live = name.strip_suffix(b" (deleted)").unwrap_or(name);
    Some(PathBuf::from(OsString::from_vec(live.to_vec())))
}

/// The processes that there are, in ascending order.
pub(crate) fn processes() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// The path of a process's own file system as one of ours: below `/proc/PID/root`, without symbolic links, since the
/// kernel would follow absolute ones into our own root. The same path if the process shares our root.
pub(crate) fn path_in(pid: u32, path: &Path) -> Result<PathBuf> {
    if shares_root(pid) {
        return Ok(path.to_owned());
    }
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    let inside = without_links(&root, path)?;
    Ok(root.join(inside))
}

/// `7f00-7f01 r-xp 00000000 08:01 1234   /usr/lib/libc.so.6`
fn parse_line(pid: u32, line: &[u8]) -> Option<MappedFile> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let (range, mode, _, device, inode) = (text()?, text()?, text()?, text()?, text()?);
    let padded = fields.next()?;
    let path = &padded[padded.iter().position(|byte| *byte != b' ')?..];
    if mode.as_bytes().get(2) != Some(&b'x') || !path.starts_with(b"/") {
        return None;
    }
    let (major, minor) = device.split_once(':')?;
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let live_name = path.strip_suffix(b" (deleted)");
    Some(MappedFile {
        name: unescape(live_name.unwrap_or(path)),
        deleted: live_name.is_some(),
        link: map_file(pid, range)?,
        identity: (hex(major)?, hex(minor)?, inode.parse().ok()?),
    })
}

/// `/proc/PID/map_files/400000-401000`: the file behind a mapping, deleted or not.
fn map_file(pid: u32, range: &str) -> Option<PathBuf> {
    let (start, end) = range.split_once('-')?;
    let short = |address: &str| u64::from_str_radix(address, 16).ok().map(|address| format!("{address:x}"));
    Some(PathBuf::from(format!("/proc/{pid}/map_files/{}-{}", short(start)?, short(end)?)))
}

/// The kernel writes a newline in a name as `\012`.
fn unescape(path: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, tail)) = rest.split_first() {
        let newline = rest.starts_with(b"\\012");
        bytes.push(if newline { b'\n' } else { first });
        rest = if newline { &rest[4..] } else { tail };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// Whether a process that this one started has become another program: until then it has this one's files.
pub(crate) fn has_started(pid: u32) -> bool {
    let program = |who: &str| std::fs::read_link(format!("/proc/{who}/exe")).ok();
    program(&pid.to_string()).is_none_or(|own| program("self") != Some(own))
}

/// Same root directory in the same mount namespace.
pub(crate) fn shares_root(pid: u32) -> bool {
    let namespace = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/mnt")).ok();
    let root = |who: &str| std::fs::read_link(format!("/proc/{who}/root")).ok();
    let pid = pid.to_string();
    namespace(&pid).is_some() && namespace(&pid) == namespace("self") && root(&pid) == root("self")
}

/// Follows the path's links inside `root`; the result is relative to it.
fn without_links(root: &Path, path: &Path) -> Result<PathBuf> {
    let mut pending: Vec<OsString> = components(path);
    pending.reverse();
    let mut done = PathBuf::new();
    let mut links = 0;
    while let Some(name) = pending.pop() {
        if name == ".." {
            done.pop();
            continue;
        }
        let next = done.join(&name);
        let Ok(target) = std::fs::read_link(root.join(&next)) else {
            done = next;
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(error(format!("cannot read {}: too many symbolic links", path.display())));
        }
        if target.is_absolute() {
            done = PathBuf::new();
        }
        pending.extend(components(&target).into_iter().rev());
    }
    Ok(done)
}

fn components(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn mappings() {
        let line = |text: &str| parse_line(7, text.as_bytes());
        let name = |text: &str| line(text).map(|file| file.name);
        assert_eq!(name("7f00-7f01 r-xp 00000000 08:01 12   /usr/lib/my lib.so"), Some("/usr/lib/my lib.so".into()));
        assert_eq!(name("7f00-7f01 r--p 00000000 08:01 12   /usr/lib/x.so"), None);
        let deleted = MappedFile {
            name: "/x".into(),
            deleted: true,
            link: "/proc/7/map_files/400000-401000".into(),
            identity: (8, 0x1f, 12),
        };
        assert_eq!(line("00400000-00401000 r-xp 00000000 08:1f 12   /x (deleted)"), Some(deleted));
        assert_eq!(line("7f00-7f01 r-xp 00000000 00:00 0    [vdso]"), None);
        assert_eq!(line("7f00-7f01 r-xp 00000000 00:00 0 "), None);
        assert_eq!(line("nonsense"), None);
        assert_eq!(name("0-1 r-xp 0 0:0 1 /a\\012b"), Some("/a\nb".into()));
    }

    #[test]
    fn own_files() {
        let files = mapped_files(std::process::id()).unwrap();
        let own = std::env::current_exe().unwrap();
        let file = files.iter().find(|file| file.name == own).unwrap();
        assert_eq!(file.path(std::process::id()), own);
        assert_eq!(path_in(std::process::id(), &own), Ok(own));
        assert!(mapped_files(u32::MAX).unwrap_err().message.contains("there is no process"));
    }

    #[test]
    fn links_stay_inside_the_root() {
        let root = std::env::temp_dir().join(format!("quadrant-links-{}", std::process::id()));
        std::fs::create_dir_all(root.join("usr/lib")).unwrap();
        symlink("/usr/lib", root.join("lib")).unwrap();
        symlink("../../../../lib/real.so", root.join("usr/lib/a.so")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let follow = |path: &str| without_links(&root, Path::new(path));
        assert_eq!(follow("/lib/a.so"), Ok(PathBuf::from("usr/lib/real.so")));
        assert_eq!(follow("/lib/../lib/x"), Ok(PathBuf::from("usr/lib/x")));
        assert!(follow("/loop").is_err());
        std::fs::remove_dir_all(&root).unwrap();
    }
}
