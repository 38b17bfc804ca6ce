//! Reading a ring buffer map (Documentation/bpf/ringbuf.rst).
//!
//! The kernel shares three areas: the position up to which this process has read (one page, writable), the position up
//! to which programs have reserved (one page), and the data, mapped twice in a row so that a record never breaks at the
//! end. Each record has an 8-byte header whose first word is its length with two flags on top, and is padded to 8
//! bytes.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::map::{Map, MapKind};
use crate::mmap::{Access, Mapping, page_size};

/// The record is reserved but not yet submitted.
const BUSY: u32 = 1 << 31;
/// The record was discarded.
const DISCARD: u32 = 1 << 30;
/// Bytes of a record's header.
const HEADER: usize = 8;

/// The reading side of a ring buffer. There may be only one for each map.
pub struct RingBuffer {
    fd: OwnedFd,
    consumer: Mapping,
    /// The producer's page, then the data twice.
    producer: Mapping,
    /// Bytes of data; a power of two.
    size: usize,
    page: usize,
    /// Up to where this process has read.
    position: u64,
    /// Up to where programs have been told that it has.
    freed: u64,
    /// Up to where programs had written when last looked at.
    written: u64,
}

/// Bytes that are read before programs are told: each look at a position that the other side writes takes its cache line away, which
/// costs a program more than the rest of sending a record.
const FREE_EVERY: u64 = 32 << 10;

impl RingBuffer {
    /// Maps a [`MapKind::RingBuffer`].
    pub fn new(map: &Map) -> Result<RingBuffer> {
        let what = || format!("cannot read ring buffer {:?}", map.spec().name);
        if map.spec().kind != MapKind::RingBuffer {
            return Err(Error::new(what(), "the map is of another kind"));
        }
        RingBuffer::map(map).map_err(|errno| Error::os(what(), Operation::Map, errno))
    }

    fn map(map: &Map) -> std::result::Result<RingBuffer, Errno> {
        let (page, size) = (page_size(), map.spec().max_entries as usize);
        let fd = map.as_fd().try_clone_to_owned().map_err(|error| Errno::of(&error))?;
        let consumer = Mapping::new(fd.as_fd(), page, 0, Access::ReadWrite)?;
        let producer = Mapping::new(fd.as_fd(), page + 2 * size, page, Access::Read)?;
        let mut ring = RingBuffer { fd, consumer, producer, size, page, position: 0, freed: 0, written: 0 };
        ring.position = ring.consumed();
        ring.freed = ring.position;
        ring.written = ring.position;
        Ok(ring)
    }

    /// Gives up to `max` records to `handle`, oldest first, and frees them after they were handled. Returns how many.
    ///
    /// It stops early at a record that a program still writes; that record comes in a later call.
    pub fn consume(&mut self, max: usize, mut handle: impl FnMut(&[u8])) -> usize {
        self.consume_until(max, |record| {
            handle(record);
            ControlFlow::Continue(())
        })
    }

    /// The same, but the record is the last of this call after which `handle` says so.
    pub fn consume_until(&mut self, max: usize, mut handle: impl FnMut(&[u8]) -> ControlFlow<()>) -> usize {
        let (mut count, mut flow) = (0, ControlFlow::Continue(()));
        while count < max && flow.is_continue() {
            match self.front() {
                Front::Empty => break,
                Front::Discarded { len } => self.advance(len),
                Front::Record { start, len } => {
                    // SAFETY: the record is submitted and not yet freed, so no program writes it until `advance`.
                    if let Some(record) = unsafe { self.producer.bytes(start, len) } {
                        flow = handle(record);
                    }
                    self.advance(len);
                    count += 1;
                }
            }
        }
        self.free();
        count
    }

    /// Bytes that programs have reserved and this process has not freed, headers included.
    pub fn available(&self) -> u64 {
        self.produced().wrapping_sub(self.position)
    }

    /// Bytes of data that the buffer holds.
    pub fn size(&self) -> usize {
        self.size
    }

    fn front(&mut self) -> Front {
        if self.position >= self.written {
            self.written = self.produced();
        }
        if self.position >= self.written {
            return Front::Empty;
        }
        let start = self.page + (self.position as usize & (self.size - 1));
        let Some(header) = self.producer.u32_at(start) else { return Front::Empty };
        let header = header.load(Ordering::Acquire);
        let len = (header & !(BUSY | DISCARD)) as usize;
        match (header & BUSY != 0, header & DISCARD != 0) {
            (true, _) => Front::Empty,
            (false, true) => Front::Discarded { len },
            (false, false) => Front::Record { start: start + HEADER, len },
        }
    }

    fn advance(&mut self, len: usize) {
        self.position += (len + HEADER).next_multiple_of(8) as u64;
        if self.position.wrapping_sub(self.freed) >= FREE_EVERY.min(self.size as u64 / 4) {
            self.free();
        }
    }

    /// Tells programs how far this process has read.
    fn free(&mut self) {
        if let Some(position) = self.consumer.u64_at(0).filter(|_| self.freed != self.position) {
            position.store(self.position, Ordering::Release);
            self.freed = self.position;
        }
    }

    fn produced(&self) -> u64 {
        self.producer.u64_at(0).map_or(0, |position| position.load(Ordering::Acquire))
    }

    fn consumed(&self) -> u64 {
        self.consumer.u64_at(0).map_or(0, |position| position.load(Ordering::Acquire))
    }
}

/// What is next to read.
enum Front {
    /// Nothing, or a record that is not finished.
    Empty,
    /// A record that nobody shall see.
    Discarded { len: usize },
    /// A record; `start` counts from the producer's mapping.
    Record { start: usize, len: usize },
}

/// To wait with epoll: readable when there is a record, as programs' wake-up flags say.
impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
