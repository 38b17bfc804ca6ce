//! The buffer of a perf event: a page with positions, then the data, a power of two of pages (perf_event_open(2)).
//!
//! Each record starts with its kind, flags and length, and may wrap at the end.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::mmap::{Access, Mapping, page_size};
use crate::perf::PerfEvent;

/// Offsets in `struct perf_event_mmap_page`.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// Bytes of `struct perf_event_header`: kind (4), flags (2), length (2).
pub(crate) const HEADER: usize = 8;

/// The reading side of one event's buffer.
pub(crate) struct PerfRing {
    event: PerfEvent,
    memory: Mapping,
    page: usize,
    /// Bytes of data; a power of two.
    size: usize,
}

/// What came of taking a record.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// There is none.
    Empty,
    /// One was copied, header and all.
    Record,
    /// What was there cannot be a record; everything up to the given end was thrown away.
    Damaged,
}

impl PerfRing {
    /// Maps a buffer of `pages` (a power of two) for the event.
    pub fn new(event: PerfEvent, pages: usize) -> Result<PerfRing> {
        let page = page_size();
        let size = pages * page;
        let memory = Mapping::new(event.as_fd(), page + size, 0, Access::ReadWrite)
            .map_err(|errno| Error::os(format!("cannot map {}", event.what()), Operation::Perf, errno))?;
        Ok(PerfRing { event, memory, page, size })
    }

    /// The event.
    pub fn event(&self) -> &PerfEvent {
        &self.event
    }

    /// Bytes that wait to be read.
    pub fn available(&self) -> u64 {
        self.head().wrapping_sub(self.tail())
    }

    /// The position up to which the kernel has written.
    pub fn head(&self) -> u64 {
        self.memory.u64_at(DATA_HEAD).map_or(0, |head| head.load(Ordering::Acquire))
    }

    /// Takes the oldest record out and copies it into `record`. `end` is a position that [`PerfRing::head`] gave.
    pub fn take(&self, end: u64, record: &mut Vec<u8>) -> Next {
        let tail = self.tail();
        if tail == end {
            return Next::Empty;
        }
        if self.copy(tail, end, record).is_none() {
            self.free(end);
            return Next::Damaged;
        }
        self.free(tail.wrapping_add(record.len() as u64));
        Next::Record
    }

    fn copy(&self, tail: u64, end: u64, into: &mut Vec<u8>) -> Option<()> {
        let mut header = [0; HEADER];
        self.read(tail, &mut header)?;
        let len = usize::from(u16::from_ne_bytes([header[6], header[7]]));
        if len < HEADER || len as u64 > end.wrapping_sub(tail) {
            return None;
        }
        into.resize(len, 0);
        self.read(tail, into)
    }

    /// Copies bytes from that position on, around the end.
    fn read(&self, position: u64, into: &mut [u8]) -> Option<()> {
        let start = position as usize & (self.size - 1);
        let (first, second) = into.split_at_mut(into.len().min(self.size - start));
        self.memory.read(self.page + start, first)?;
        self.memory.read(self.page, second)
    }

    fn tail(&self) -> u64 {
        self.memory.u64_at(DATA_TAIL).map_or(0, |tail| tail.load(Ordering::Relaxed))
    }

    /// Gives everything before that position back to the kernel.
    fn free(&self, position: u64) {
        if let Some(tail) = self.memory.u64_at(DATA_TAIL) {
            tail.store(position, Ordering::Release);
        }
    }
}
