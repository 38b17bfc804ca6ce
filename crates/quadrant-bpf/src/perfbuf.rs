//! The perf buffer: records by way of perf events, one buffer a processor, for kernels without ring buffers (before
//! Linux 5.8).

use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};

use crate::cpus;
use crate::error::{Error, Result};
use crate::map::{Map, MapKind};
use crate::perf::PerfEvent;
use crate::perf_ring::{HEADER, Next, PerfRing};

/// Kinds of record (`enum perf_event_type`).
const RECORD_LOST: u32 = 2;
const RECORD_SAMPLE: u32 = 9;

/// The reading side of a perf buffer.
pub struct PerfBuffer {
    buffers: Vec<PerfRing>,
    /// Record that is being read, copied because it may wrap.
    record: Vec<u8>,
    lost: u64,
    damaged: u64,
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
            buffers.push(open(map, cpu, pages, wakeup)?);
        }
        Ok(PerfBuffer { buffers, record: Vec::new(), lost: 0, damaged: 0 })
    }

    /// Gives up to `max` records to `handle`: each processor's in order, one processor after the other. Returns how
    /// many. A record may end with up to 7 bytes of padding that its program did not send.
    pub fn consume(&mut self, max: usize, mut handle: impl FnMut(&[u8])) -> usize {
        self.consume_until(max, |record| {
            handle(record);
            ControlFlow::Continue(())
        })
    }

    /// The same, but the record is the last of this call after which `handle` says so.
    pub fn consume_until(&mut self, max: usize, mut handle: impl FnMut(&[u8]) -> ControlFlow<()>) -> usize {
        let (mut count, mut flow) = (0, ControlFlow::Continue(()));
        for place in 0..self.buffers.len() {
            while count < max
                && flow.is_continue()
                && let Some(next) = self.next(place)
            {
                if let Some(len) = next {
                    flow = handle(self.record.get(HEADER + 4..HEADER + 4 + len).unwrap_or_default());
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
        self.buffers.iter().map(PerfRing::available).sum()
    }

    /// Descriptors to wait for with epoll, one for each processor.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.buffers.iter().map(|buffer| buffer.event().as_fd())
    }

    /// Takes one record out of that buffer. `None`: it is empty; `Some(None)`: the record was not a program's; else its
    /// length.
    fn next(&mut self, place: usize) -> Option<Option<usize>> {
        let buffer = self.buffers.get(place)?;
        match buffer.take(buffer.head(), &mut self.record) {
            Next::Empty => None,
            Next::Record => Some(self.payload()),
            Next::Damaged => {
                self.damaged += 1;
                Some(None)
            }
        }
    }

    fn payload(&mut self) -> Option<usize> {
        match word(&self.record, 0)? {
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

fn open(map: &Map, cpu: u32, pages: usize, wakeup: u32) -> Result<PerfRing> {
    let ring = PerfRing::new(PerfEvent::open_output(cpu, wakeup)?, pages)?;
    map.update_fd(&cpu.to_ne_bytes(), ring.event().as_fd())?;
    ring.event().enable()?;
    Ok(ring)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}
