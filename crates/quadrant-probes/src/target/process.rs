//! Files of a running process: its mappings, and its program.

use super::cannot_read;
use super::root::{DELETED, Root, without_mark};
use crate::error::{Result, advise};
use quadrant_program::probe::Inode;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that a process has mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappedFile {
    /// In the process's root.
    pub name: PathBuf,
    deleted: bool,
    /// The mapping's own way to the file, which not everybody may go.
    link: PathBuf,
}

impl MappedFile {
    /// A path by which this process opens the same file: its name in the process's root, or else the mapping's own.
    pub fn path(&self, root: &Root) -> PathBuf {
        let inode = |path: &Path| std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        let named = root.path(&self.name);
        match inode(&self.link) {
            Some(mapped) if self.deleted || inode(&named) != Some(mapped) => self.link.clone(),
            _ => named,
        }
    }
}

/// The files that a process has mapped to execute, each once, in order of address.
pub(crate) fn mapped_files(pid: u32, root: &Root) -> Result<Vec<MappedFile>> {
    let path = PathBuf::from(format!("/proc/{pid}/maps"));
    let text = std::fs::read(&path).map_err(|inner| match inner.kind() {
        io::ErrorKind::NotFound if !is_mounted() => {
            advise("/proc is not mounted here, which shows what processes map", MOUNT)
        }
        io::ErrorKind::NotFound => advise(format!("there is no process {pid}"), "see `ps -e` for those that run"),
        _ => cannot_read(&path, &inner),
    })?;
    let mut files: Vec<MappedFile> = Vec::new();
    for mut file in text.split(|byte| *byte == b'\n').filter_map(|line| parse_line(pid, line)) {
        file.name = root.name(&file.name);
        if files.iter().all(|known| known.name != file.name) {
            files.push(file);
        }
    }
    Ok(files)
}

/// How to get what [`is_mounted`] misses.
pub(crate) const MOUNT: &str = "run `mount -t proc proc /proc`";

/// Whether /proc is.
pub(crate) fn is_mounted() -> bool {
    Path::new("/proc/self").exists()
}

/// The program that a process runs, as it is called in its root.
pub(crate) fn program_of(pid: u32) -> Option<PathBuf> {
    let seen = without_mark(std::fs::read_link(format!("/proc/{pid}/exe")).ok()?);
    Some(Root::of(pid).map_or_else(|_| seen.clone(), |root| root.name(&seen)))
}

/// The processes that there are, in ascending order.
pub(crate) fn processes() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// How many processes have mapped a file to execute it, of those that this one may look at.
pub fn processes_that_run(file: Inode) -> usize {
    processes().into_iter().filter(|pid| runs(*pid, file)).count()
}

fn runs(pid: u32, file: Inode) -> bool {
    let text = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    let mut mapped = text.split(|byte| *byte == b'\n').filter_map(|line| parse_line(pid, line));
    mapped.any(|mapped| {
        // A name is another file's in another root, and the mapping's own way is not open to everybody.
        let metadata = std::fs::metadata(&mapped.link).or_else(|_| std::fs::metadata(&mapped.name));
        metadata.is_ok_and(|metadata| (Inode { device: metadata.dev(), number: metadata.ino() }) == file)
    })
}

/// `7f00-7f01 r-xp 00000000 08:01 1234   /usr/lib/libc.so.6`
fn parse_line(pid: u32, line: &[u8]) -> Option<MappedFile> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let (range, mode, _, _, _) = (text()?, text()?, text()?, text()?, text()?);
    let padded = fields.next()?;
    let path = &padded[padded.iter().position(|byte| *byte != b' ')?..];
    if mode.as_bytes().get(2) != Some(&b'x') || !path.starts_with(b"/") {
        return None;
    }
    let live_name = path.strip_suffix(DELETED);
    Some(MappedFile {
        name: unescape(live_name.unwrap_or(path)),
        deleted: live_name.is_some(),
        link: map_file(pid, range)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings() {
        let line = |text: &str| parse_line(7, text.as_bytes());
        let name = |text: &str| line(text).map(|file| file.name);
        assert_eq!(name("7f00-7f01 r-xp 00000000 08:01 12   /usr/lib/my lib.so"), Some("/usr/lib/my lib.so".into()));
        assert_eq!(name("7f00-7f01 r--p 00000000 08:01 12   /usr/lib/x.so"), None);
        let deleted = MappedFile { name: "/x".into(), deleted: true, link: "/proc/7/map_files/400000-401000".into() };
        assert_eq!(line("00400000-00401000 r-xp 00000000 08:1f 12   /x (deleted)"), Some(deleted));
        assert_eq!(line("7f00-7f01 r-xp 00000000 00:00 0    [vdso]"), None);
        assert_eq!(line("7f00-7f01 r-xp 00000000 00:00 0 "), None);
        assert_eq!(line("nonsense"), None);
        assert_eq!(name("0-1 r-xp 0 0:0 1 /a\\012b"), Some("/a\nb".into()));
    }

    #[test]
    fn own_files() {
        let root = Root::own();
        let files = mapped_files(std::process::id(), &root).unwrap();
        let own = std::env::current_exe().unwrap();
        let file = files.iter().find(|file| file.name == own).unwrap();
        assert_eq!(file.path(&root), own);
        let metadata = std::fs::metadata(&own).unwrap();
        assert!(processes_that_run(Inode { device: metadata.dev(), number: metadata.ino() }) >= 1);
        assert_eq!(processes_that_run(Inode { device: 1, number: u64::MAX }), 0);
        assert!(mapped_files(u32::MAX, &root).unwrap_err().message.contains("there is no process"));
    }
}
