//! Links, programs and maps that are pinned in a BPF file system, and so live without a process.

use std::ffi::{CString, OsString};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use quadrant_bpf::object::{self, ObjectKind};
use quadrant_bpf::{Error, Result};

use super::Notes;
use super::processes::{self, Handle};

/// A pinned link, program or map.
#[derive(Clone, Debug)]
pub struct Pin {
    pub path: Vec<u8>,
    pub handle: Handle,
}

/// Folders in folders, and pins altogether, that are looked at.
const DEEPEST: usize = 16;
const MOST: usize = 1 << 16;

/// Looks through all BPF file systems that are mounted in this mount namespace. Not those of other namespaces.
pub fn scan(notes: &mut Notes) -> Vec<Pin> {
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let mut pins = Vec::new();
    for mount in mounts.split(|byte| *byte == b'\n').filter_map(bpf_mount) {
        walk(&mount, DEEPEST, &mut pins, notes);
    }
    pins
}

/// The number of the object of that kind that is pinned at a path.
///
/// # Errors
/// There is none, or one of another kind.
pub fn number(kind: ObjectKind, path: &str) -> Result<u32> {
    let failed = |why: &str| Error::new(format!("cannot use the pin {path}"), why);
    let c_path = CString::new(path).map_err(|_| failed("it holds a NUL byte"))?;
    let fd = object::open_pinned(&c_path)?;
    match (processes::own_handle(fd.as_raw_fd() as u32), kind) {
        (Some(Handle::Map(id)), ObjectKind::Map) | (Some(Handle::Program(id)), ObjectKind::Program) => Ok(id),
        (_, ObjectKind::Map) => Err(failed("it is no map")),
        _ => Err(failed("it is no program")),
    }
}

/// Mount point of a line of mountinfo: `id parent device root POINT options [tags] - TYPE source options`.
fn bpf_mount(line: &[u8]) -> Option<PathBuf> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = fields.nth(4)?;
    fields.find(|field| *field == b"-")?;
    (fields.next()? == b"bpf").then(|| PathBuf::from(OsString::from_vec(unescape(point))))
}

/// Blanks and such are written as three octal digits.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

fn walk(directory: &Path, depth: usize, pins: &mut Vec<Pin>, notes: &mut Notes) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return notes.add(quadrant_bpf::Error::io("cannot list the pins of a BPF file system", &error)),
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if pins.len() >= MOST {
            return notes.add(format!("there are more than {MOST} pins: the rest is not looked at"));
        }
        if kind.is_dir() && depth > 0 {
            walk(&entry.path(), depth - 1, pins, notes);
        } else if kind.is_file() {
            pins.extend(pin(&entry.path(), notes));
        }
    }
}

fn pin(path: &Path, notes: &mut Notes) -> Option<Pin> {
    let bytes = path.as_os_str().as_bytes();
    let opened = object::open_pinned(&CString::new(bytes).ok()?);
    // It is gone since the folder was listed, or is one of the iterators that some kernels put there and do not have.
    if opened.as_ref().is_err_and(|error| error.errno().is_some_and(|errno| errno.number() == libc::ENOENT)) {
        return None;
    }
    let fd = notes.or_default(opened.map(Some))?;
    let handle = processes::own_handle(fd.as_raw_fd() as u32)?;
    Some(Pin { path: bytes.to_vec(), handle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_mounts_of_bpf() {
        let line = b"36 25 0:31 / /sys/fs/bpf rw,nosuid shared:11 - bpf bpf rw,mode=700";
        assert_eq!(bpf_mount(line), Some(PathBuf::from("/sys/fs/bpf")));
        assert_eq!(bpf_mount(b"36 25 0:31 / /a\\040b rw - bpf x rw"), Some(PathBuf::from("/a b")));
        assert_eq!(bpf_mount(b"36 25 0:31 / /sys rw - sysfs sysfs rw"), None);
        assert_eq!(bpf_mount(b""), None);
        assert_eq!(bpf_mount(b"36 25 0:31 / /x rw bpf"), None);
    }

    #[test]
    fn odd_escapes_stay() {
        assert_eq!(unescape(b"\\04"), b"\\04");
        assert_eq!(unescape(b"\\777\\134"), b"\\777\\");
    }
}
