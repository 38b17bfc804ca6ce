//! Reading records: the ring buffer, or perf buffers on kernels without one. Packets come by perf buffers on all.

use std::ops::ControlFlow;

use quadrant_bpf::perfbuf::PerfBuffer;
use quadrant_bpf::ringbuf::RingBuffer;
use quadrant_codegen::object::MapRole;

use crate::error::Error;
use crate::kernel::Kernel;

/// The reading side of the records' map.
pub(crate) enum Reader {
    /// The script sends no records.
    None,
    /// Linux 5.8 and later.
    Ring(RingBuffer),
    /// Before.
    Perf(PerfBuffer),
}

/// The reading side of the packets' map, if the script writes packets.
pub(crate) struct Packets(Option<PerfBuffer>);

impl Packets {
    pub(crate) fn open(kernel: &Kernel) -> Result<Packets, Error> {
        let buffer = kernel.map(MapRole::Packets).map(|map| PerfBuffer::new(map, PERF_PAGES, PACKET_WAKEUP));
        Ok(Packets(buffer.transpose()?))
    }

    /// Hand up to `max` packets to `handle`; how many there were.
    pub(crate) fn consume(&mut self, max: usize, handle: impl FnMut(&[u8])) -> usize {
        self.0.as_mut().map_or(0, |buffer| buffer.consume(max, handle))
    }

    /// They become readable when packets have come.
    pub(crate) fn fds(&self) -> impl Iterator<Item = std::os::fd::BorrowedFd<'_>> {
        self.0.iter().flat_map(PerfBuffer::fds)
    }

    /// Packets that arrived in pieces.
    pub(crate) fn damaged(&self) -> u64 {
        self.0.as_ref().map_or(0, PerfBuffer::damaged)
    }
}

/// Pages of each CPU's perf buffer, where there is no ring buffer.
const PERF_PAGES: usize = 256;
/// Records after which the kernel wakes the reader; it looks by itself before.
const PERF_WAKEUP: u32 = 1024;
/// The same of packets: a buffer holds some hundred of them.
const PACKET_WAKEUP: u32 = 32;

impl Reader {
    pub(crate) fn open(kernel: &Kernel) -> Result<Reader, Error> {
        let Some(map) = kernel.map(MapRole::Records) else {
            return Ok(Reader::None);
        };
        Ok(match map.spec().kind {
            quadrant_bpf::map::MapKind::RingBuffer => Reader::Ring(RingBuffer::new(map)?),
            _ => Reader::Perf(PerfBuffer::new(map, PERF_PAGES, PERF_WAKEUP)?),
        })
    }

    /// Hand up to `max` records to `handle`, oldest first, until it says that one is the last; how many there were.
    pub(crate) fn consume(&mut self, max: usize, handle: impl FnMut(&[u8]) -> ControlFlow<()>) -> usize {
        match self {
            Reader::None => 0,
            Reader::Ring(ring) => ring.consume_until(max, handle),
            Reader::Perf(buffer) => buffer.consume_until(max, handle),
        }
    }

    /// Records that arrived in pieces. (Records that found no room are counted by the program that sent them.)
    pub(crate) fn damaged(&self) -> u64 {
        match self {
            Reader::Perf(buffer) => buffer.damaged(),
            _ => 0,
        }
    }

    /// Becomes readable when a program wakes the reader.
    pub(crate) fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        match self {
            Reader::Ring(ring) => Some(std::os::fd::AsFd::as_fd(ring)),
            _ => None,
        }
    }
}
