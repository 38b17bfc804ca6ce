//! Bytes that are read by position: an open file or memory.
//!
//! Files are read with pread(2) and never mapped: a mapped file that its owner cuts short
//! kills the reader with SIGBUS.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Where the bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Blob {
    /// An open file and its length when it was opened.
    File(Arc<File>, u64),
    /// Bytes in memory.
    Memory(Arc<[u8]>),
}

impl Blob {
    /// A blob over an open file.
    pub(crate) fn from_file(file: Arc<File>) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::File(file, len))
    }

    /// The open file, if it is one.
    pub(crate) fn file(&self) -> Option<&File> {
        match self {
            Self::File(file, _) => Some(file),
            Self::Memory(_) => None,
        }
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Exactly `len` bytes from `offset`. `None` when they are not all there, when `len` is
    /// over `limit`, or when reading fails.
    pub(crate) fn read(&self, offset: u64, len: u64, limit: u64) -> Option<Vec<u8>> {
        let end = offset.checked_add(len)?;
        if end > self.len() || len > limit {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        self.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    /// Fills `buffer` as far as there are bytes; returns how many.
    pub(crate) fn read_some(&self, buffer: &mut [u8], offset: u64) -> usize {
        let left = self.len().saturating_sub(offset);
        let len = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        match self.read_exact_at(&mut buffer[..len], offset) {
            Ok(()) => len,
            Err(_) => 0,
        }
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.read_exact_at(buffer, offset),
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).ok();
                let range = from.and_then(|from| bytes.get(from..from.checked_add(buffer.len())?));
                buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}
