//! Files of traced programs: read by copying, since whoever owns one can cut it short at any time.

use super::process::{MOUNT, is_mounted};
use super::root::open_path;
use crate::error::{Result, advise, error, kind_of};
use quadrant_bpf::errno::Errno;
use quadrant_program::probe::{Inode, ProbeErrorKind};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest single piece that is read: symbol tables of the largest programs are a few hundred MiB.
const MAX_PIECE: u64 = 1 << 30;

/// An open regular file.
#[derive(Debug)]
pub(crate) struct TargetFile {
    file: File,
    path: PathBuf,
    len: u64,
    inode: Inode,
}

impl AsFd for TargetFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl TargetFile {
    /// Opens a regular file. Others (a FIFO would block, a device could do anything) are refused.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of(open_path(path), path)
    }

    /// What was opened by that name, or why not.
    pub(crate) fn of(opened: io::Result<File>, name: &Path) -> Result<Self> {
        let file = opened.map_err(|error| cannot_read(name, &error))?;
        let metadata = file.metadata().map_err(|error| cannot_read(name, &error))?;
        let inode = Inode { device: metadata.dev(), number: metadata.ino() };
        Ok(Self { file, path: name.to_owned(), len: metadata.len(), inode })
    }

    /// Which file it is.
    pub fn inode(&self) -> Inode {
        self.inode
    }

    /// The same open file for others.
    pub fn again(&self) -> Result<File> {
        self.file.try_clone().map_err(|error| cannot_read(&self.path, &error))
    }

    /// Bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Exactly `len` bytes at `offset`.
    pub fn read(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        let inside = offset.checked_add(len).is_some_and(|end| end <= self.len);
        if !inside || len > MAX_PIECE {
            return Err(self.malformed(&format!("{len} bytes at {offset:#x} are beyond its end or too many")));
        }
        let mut bytes = vec![0; len as usize];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| cannot_read(&self.path, &error))?;
        Ok(bytes)
    }

    /// An error about the file's content.
    pub fn malformed(&self, why: &str) -> quadrant_program::probe::ProbeError {
        error(format!("cannot use {}: {why}", self.path.display()))
    }
}

/// An error about opening or reading, with the errno's name.
pub(crate) fn cannot_read(path: &Path, inner: &io::Error) -> quadrant_program::probe::ProbeError {
    let errno = inner.raw_os_error().map(Errno::new);
    let why = errno.map_or_else(|| inner.to_string(), |errno| errno.to_string());
    let kind = errno.map_or(ProbeErrorKind::Refused, kind_of);
    let is_elsewhere = path.starts_with("/proc") && inner.kind() == io::ErrorKind::NotFound && !is_mounted();
    let message = format!("cannot read {}: {why}", path.display());
    if is_elsewhere { advise(format!("{message}: /proc is not mounted here"), MOUNT) } else { error(message) }
        .kind(kind)
}
