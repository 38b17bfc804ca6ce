//! An address on its way to becoming frames.

use std::sync::Arc;

use crate::frame::{Frame, Missing};
use crate::pins::FileId;
use crate::process::{MappedFile, Mapping, Snapshot};

/// An address to look up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    /// The address that was asked for.
    pub(crate) addr: u64,
    /// It is a return address: the call before it is meant.
    pub(crate) is_return: bool,
}

/// A place in a mapped file.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) lookup: Lookup,
    /// Offset of the address in the file.
    pub(crate) offset: u64,
    /// Path of the file in the root of the process.
    pub(crate) path: Arc<str>,
    pub(crate) file: Result<FileId, Missing>,
    /// The process, while it runs: its root may hold debug files.
    pub(crate) pid: Option<u32>,
}

impl Lookup {
    /// The address whose symbol is wanted.
    pub(crate) fn call(self) -> u64 {
        self.before(self.addr)
    }

    /// The same step for the address in another address space.
    pub(crate) fn before(self, addr: u64) -> u64 {
        addr.saturating_sub(u64::from(self.is_return))
    }
}

impl Place {
    /// The place of an address that `mapping` covers.
    pub(crate) fn new(
        lookup: Lookup,
        snapshot: &Snapshot,
        mapping: &Mapping,
        file: &MappedFile,
        pid: Option<u32>,
    ) -> Self {
        let data = || Err(Missing::FileUnreadable("it has no executable mapping".into()));
        let inside = lookup.addr.wrapping_sub(mapping.start);
        Self {
            lookup,
            offset: inside.wrapping_add(mapping.offset),
            path: Arc::clone(&file.path),
            file: snapshot.file(file).unwrap_or_else(data),
            pid,
        }
    }

    /// A frame without a symbol.
    pub(crate) fn unknown(&self, missing: Missing) -> Frame {
        Frame {
            module: Some(Arc::clone(&self.path)),
            file_offset: Some(self.offset),
            ..Frame::unknown(self.lookup.addr, missing)
        }
    }

    /// Frames that were made for another process, fitted to this one.
    pub(crate) fn placed(&self, frames: &[Frame]) -> Vec<Frame> {
        let place =
            |frame: &Frame| Frame { addr: self.lookup.addr, module: Some(Arc::clone(&self.path)), ..frame.clone() };
        frames.iter().map(place).collect()
    }
}
