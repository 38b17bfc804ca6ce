//! What processes map and become while they run, as the kernel reports it: new processes, executed programs, executable
//! mappings. A process that is gone by the time its addresses are to be named was told of here.
//!
//! One perf event on each processor writes records into a buffer (perf_event_open(2): PERF_RECORD_FORK, COMM, MMAP2).
//! It reports every process, even when only one is of interest: an event of one process misses the threads that the
//! process has already, and would still be needed once for each processor.

mod record;

use std::os::fd::{AsFd, BorrowedFd};

use crate::cpus;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::mmap::page_size;
use crate::perf::PerfEvent;
use crate::perf_ring::{Next, PerfRing};
use record::Record;

/// Bytes of each processor's buffer: about a thousand records, and an executed program makes seven.
const BYTES: usize = 128 << 10;

/// Something that happened to a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The process, as numbered in the pid namespace of this one.
    pub pid: u32,
    /// When, by the boot clock, in nanoseconds.
    pub time: u64,
    /// What.
    pub what: What,
}

/// What happened to a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// It is new: a copy of `parent`, with the same memory.
    Forked {
        /// The process that it is a copy of.
        parent: u32,
    },
    /// It becomes another program: what it had mapped before is gone.
    Executed,
    /// It has new executable memory.
    Mapped(Mapped),
}

/// Executable memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapped {
    /// The first address.
    pub start: u64,
    /// How many bytes.
    pub len: u64,
    /// Where they are in the file.
    pub offset: u64,
    /// Major and minor number of the file system; 0 for memory without a file.
    pub device: (u32, u32),
    /// The file's number in the file system; 0 for memory without a file.
    pub inode: u64,
    /// The path as the process saw it, in the same form as in `/proc/PID/maps`; for memory without a file, a name such as
    /// `//anon` or `[vdso]`.
    pub path: Vec<u8>,
}

/// The reading side of all processors' reports.
pub struct Sideband {
    rings: Vec<PerfRing>,
    /// Whose they are.
    cpus: Vec<u32>,
    /// Record that is being read.
    record: Vec<u8>,
    /// Events that are not given away yet.
    held: Vec<Event>,
    /// Losses told by records, for kernels that do not count them.
    told_lost: u64,
    /// Of buffers that are no more.
    lost_before: u64,
    damaged: u64,
}

impl Sideband {
    /// Starts to listen on every processor that is on.
    ///
    /// # Errors
    /// The kernel does not allow to watch whole processors, or has no memory for the buffers.
    pub fn open() -> Result<Sideband> {
        let (rings, cpus, record, held) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut sideband = Sideband { rings, cpus, record, held, told_lost: 0, lost_before: 0, damaged: 0 };
        for cpu in cpus::online()? {
            sideband.listen(cpu)?;
        }
        Ok(sideband)
    }

    /// Listens on a processor that was switched on, again if it was off meanwhile; what becomes readable for it.
    ///
    /// # Errors
    /// As of [`Sideband::open`].
    pub fn listen(&mut self, cpu: u32) -> Result<Option<BorrowedFd<'_>>> {
        if let Some(place) = self.cpus.iter().position(|known| *known == cpu) {
            self.read(place);
            let ended = self.rings.swap_remove(place);
            self.cpus.swap_remove(place);
            self.lost_before += ended.event().lost_records().unwrap_or(0);
        }
        let Some(ring) = open_on(cpu)? else { return Ok(None) };
        self.cpus.push(cpu);
        self.rings.push(ring);
        Ok(self.rings.last().map(|ring| ring.event().as_fd()))
    }

    /// Gives everything that happened before this call to `handle`, in the order of time. Returns how much that was.
    pub fn drain(&mut self, mut handle: impl FnMut(&Event)) -> usize {
        // The processors are read one after the other. What happened after the start of this call may have its cause in
        // a buffer that was read already, and is held until the next call.
        let until = boot_ns();
        for place in 0..self.rings.len() {
            self.read(place);
        }
        self.held.sort_by_key(|event| event.time);
        let count = self.held.partition_point(|event| event.time <= until);
        self.held.drain(..count).for_each(|event| handle(&event));
        count
    }

    /// Whether the next [`Sideband::drain`] will give something.
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty() || self.rings.iter().any(|ring| ring.available() > 0)
    }

    /// How many events there was no room for.
    pub fn lost(&self) -> u64 {
        let counted: Option<u64> = self.rings.iter().map(|ring| ring.event().lost_records()).sum();
        counted.map_or(self.told_lost, |counted| counted + self.lost_before) + self.damaged
    }

    /// Descriptors to wait for with epoll, one for each processor; readable when a program was executed
    /// or a few things have happened.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.rings.iter().map(|ring| ring.event().as_fd())
    }

    /// Reads what one processor has written up to now.
    fn read(&mut self, place: usize) {
        let Some(ring) = self.rings.get(place) else { return };
        let end = ring.head();
        loop {
            match ring.take(end, &mut self.record) {
                Next::Empty => return,
                Next::Damaged => self.damaged += 1,
                Next::Record => match record::parse(&self.record) {
                    Some(Record::Event(event)) => self.held.push(event),
                    Some(Record::Lost(count)) => self.told_lost += count,
                    Some(Record::Other) => {}
                    None => self.damaged += 1,
                },
            }
        }
    }
}

/// The buffer of one processor; none when it has been switched off meanwhile.
fn open_on(cpu: u32) -> Result<Option<PerfRing>> {
    match PerfEvent::open_sideband(cpu) {
        Ok(event) => PerfRing::new(event, (BYTES / page_size()).max(1)).map(Some),
        Err(errno) if errno.is(libc::ENODEV) => Ok(None),
        Err(errno) => Err(Error::os("cannot follow what processes map and execute", Operation::Perf, errno)),
    }
}

/// Now, by the clock of the records.
fn boot_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the result; the clock exists on every Linux that has eBPF.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
