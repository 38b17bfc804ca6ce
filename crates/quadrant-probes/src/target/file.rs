//! Files of traced programs: read by copying, since whoever owns one can cut it short at any time.

use crate::error::{Result, error};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Longest single piece that is read: symbol tables of the largest programs are a few hundred MiB.
const MAX_PIECE: u64 = 1 << 30;

/// An open regular file.
#[derive(Debug)]
pub(crate) struct TargetFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl TargetFile {
    /// Opens a regular file. Others (a FIFO would block, a device could do anything) are refused.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = rustix::fs::open(path, flags, Mode::empty()).map(File::from);
        let file = file.map_err(|errno| cannot_read(path, &errno.into()))?;
        let metadata = file.metadata().map_err(|error| cannot_read(path, &error))?;
        if !metadata.is_file() {
            return Err(error(format!("cannot use {}: it is not a regular file", path.display())));
        }
        Ok(Self { file, path: path.to_owned(), len: metadata.len() })
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
    let why = match inner.raw_os_error() {
        Some(number) => quadrant_bpf::errno::Errno::new(number).to_string(),
        None => inner.to_string(),
    };
    error(format!("cannot read {}: {why}", path.display()))
}
