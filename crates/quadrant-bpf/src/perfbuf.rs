//! The perf buffer: records by way of perf events, one buffer a processor, for kernels without ring buffers (before
//! Linux 5.8).
//!
//! The layout is that of perf_event_open(2): a page with positions, then the data, a power of two of pages. Records
//! wrap at the end.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;

use crate::cpus;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::map::{Map, MapKind};
use crate::mmap::{Access, Mapping, page_size};
use crate::perf::PerfEvent;

/// Offsets in `struct perf_event_mmap_page`.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// Kinds of record (`enum perf_event_type`).
const RECORD_LOST: u32 = 2;
const RECORD_SAMPLE: u32 = 9;

/// Bytes of `struct perf_event_header`: kind, flags, length.
const HEADER: usize = 8;

/// The reading side of a perf buffer.
pub struct PerfBuffer {
    buffers: Vec<CpuBuffer>,
    /// Record that is being read, copied because it may wrap.
    record: Vec<u8>,
    lost: u64,
    damaged: u64,
}

struct CpuBuffer {
    event: PerfEvent,
    memory: Mapping,
    page: usize,
    /// Bytes of data; a power of two.
    size: usize,
}

impl PerfBuffer {
    /// Opens a buffer of `pages` (a power of two) for each processor that is on, and puts it into the map, a
    /// [`MapKind::PerfEventArray`]. Readers are woken after `wakeup` records (1: each).
    pub fn new(map: &Map, pages: usize, wakeup: u32) -> Result<PerfBuffer> {
        let what = || format!("cannot read perf buffer {:?}", map.spec().name);
        if map.spec().kind != MapKind::PerfEventArray || !pages.is_power_of_two() {
            return Err(Error::new(what(), "it is of another kind, or its pages are not a power of two"));
        }
        let mut buffers = Vec::new();
        for cpu in cpus::online()? {
            buffers.push(CpuBuffer::open(map, cpu, pages, wakeup)?);
        }
        Ok(PerfBuffer { buffers, record: Vec::new(), lost: 0, damaged: 0 })
    }

    /// Gives up to `max` records to `handle`: each processor's in order, one processor after the other. Returns how
    /// many. A record may end with up to 7 bytes of padding that its program did not send.
    pub fn consume(&mut self, max: usize, mut handle: impl FnMut(&[u8])) -> usize {
        let mut count = 0;
        for place in 0..self.buffers.len() {
            while count < max
                && let Some(next) = self.next(place)
            {
                if let Some(len) = next {
                    handle(self.record.get(HEADER + 4..HEADER + 4 + len).unwrap_or_default());
                    count += 1;
                }
            }
        }
        count
    }

    /// How many records the kernel had no room for, as far as it has said so: each processor tells with the next record
    /// that fits, and so never tells about the last ones. The program that sent them knows them all: its helper returned
    /// an error for each. Add up one of the two numbers, not both.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many times a buffer held nonsense and was emptied; 0 unless something is badly wrong.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Bytes that wait to be read.
    pub fn available(&self) -> u64 {
        self.buffers.iter().map(|buffer| buffer.head().wrapping_sub(buffer.tail())).sum()
    }

    /// Descriptors to wait for with epoll, one for each processor.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.buffers.iter().map(|buffer| buffer.event.as_fd())
    }

    /// Takes one record out of that buffer. `None`: it is empty; `Some(None)`: the record was not a program's; else its
    /// length.
    fn next(&mut self, place: usize) -> Option<Option<usize>> {
        let buffer = self.buffers.get(place)?;
        let (head, tail) = (buffer.head(), buffer.tail());
        if tail == head {
            return None;
        }
        let Some(kind) = buffer.copy(tail, head, &mut self.record) else {
            buffer.free(head);
            self.damaged += 1;
            return Some(None);
        };
        buffer.free(tail + self.record.len() as u64);
        Some(self.payload(kind))
    }

    fn payload(&mut self, kind: u32) -> Option<usize> {
        match kind {
            RECORD_SAMPLE => Some(word(&self.record, HEADER)? as usize),
            RECORD_LOST => {
                let lost = self.record.get(HEADER + 8..)?.first_chunk::<8>()?;
                self.lost += u64::from_ne_bytes(*lost);
                None
            }
            _ => None,
        }
    }
}

impl CpuBuffer {
    fn open(map: &Map, cpu: u32, pages: usize, wakeup: u32) -> Result<CpuBuffer> {
        let event = PerfEvent::open_output(cpu, wakeup)?;
        let page = page_size();
        let size = pages * page;
        let memory = Mapping::new(event.as_fd(), page + size, 0, Access::ReadWrite)
            .map_err(|errno| Error::os(format!("cannot map {}", event.what()), Operation::Perf, errno))?;
        map.update_fd(&cpu.to_ne_bytes(), event.as_fd())?;
        event.enable()?;
        Ok(CpuBuffer { event, memory, page, size })
    }

    /// Copies the record at `tail` and returns its kind; `None` if what is there cannot be a record.
    fn copy(&self, tail: u64, head: u64, into: &mut Vec<u8>) -> Option<u32> {
        let mut header = [0; HEADER];
        self.read(tail, &mut header)?;
        let len = usize::from(u16::from_ne_bytes([header[6], header[7]]));
        if len < HEADER || len as u64 > head.wrapping_sub(tail) {
            return None;
        }
        into.resize(len, 0);
        self.read(tail, into)?;
        word(&header, 0)
    }

    /// Copies bytes from that position on, around the end.
    fn read(&self, position: u64, into: &mut [u8]) -> Option<()> {
        let start = position as usize & (self.size - 1);
        let (first, second) = into.split_at_mut(into.len().min(self.size - start));
        self.memory.read(self.page + start, first)?;
        self.memory.read(self.page, second)
    }

    fn head(&self) -> u64 {
        self.memory.u64_at(DATA_HEAD).map_or(0, |head| head.load(Ordering::Acquire))
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

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}
