//! The event loop of a trace.

use std::cell::Cell;
use std::fs::File;
use std::io::ErrorKind;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use quadrant_bpf::hotplug;
use quadrant_bpf::interrupt;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_bpf::process::Status;
use quadrant_bpf::wait::Epoll;
use quadrant_bpf::wait::Signals;
use quadrant_program::Program;
use quadrant_program::probe::Site;

use crate::attaching::Attachment;
use crate::backlog::Backlog;
use crate::clock;
use crate::controls::Controls;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::overhead::Change;
use crate::overhead::Meter;
use crate::plan::Planned;
use crate::probed::Probed;
use crate::processes::Processes;
use crate::processors;
use crate::processors::Processors;
use crate::reader::Packets;
use crate::reader::Reader;
use crate::records;
use crate::records::Progress;
use crate::sink::Sink;
use crate::sink::View;
use crate::stuck;
use crate::targets::Targets;
use crate::trace::Focus;

/// Why a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The script called exit() with this status.
    Exit(i32),
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// The sink has no room for more.
    Full,
    /// It cost more than it may.
    Overhead,
    /// The traced process ended; the exit status if it was our child (128 + signal when a signal ended it).
    Target(Option<i32>),
}

/// What is watched besides records.
pub(crate) struct Watch {
    epoll: Epoll,
    /// Those that end the trace.
    pub(crate) signals: Signals,
    /// Those that the script has clauses for.
    own: Signals,
    targets: Targets,
    ready: Vec<u64>,
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

impl Watch {
    /// Watch for signals, those of the script (`own`) too, and for the end of these processes.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn new(focus: Focus, own: &[i32]) -> Result<Watch, Error> {
        let (epoll, signals, own) = (Epoll::new()?, Signals::take_ending(&ending(own))?, Signals::take(own)?);
        epoll.add(signals.as_fd(), 0)?;
        epoll.add(own.as_fd(), 0)?;
        let targets = Targets::new(focus);
        targets.pidfds().try_for_each(|pidfd| epoll.add(pidfd.as_fd(), 0))?;
        Ok(Watch { epoll, signals, own, targets, ready: Vec::new() })
    }

    /// Also wake when this becomes readable.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn add(&self, fd: BorrowedFd) -> Result<(), Error> {
        Ok(self.epoll.add(fd, 0)?)
    }

    /// The processes given by id.
    pub(crate) fn processes(&self) -> impl Iterator<Item = u32> {
        self.targets.processes.iter().map(PidFd::pid)
    }

    /// Whether commands were started for this trace.
    pub(crate) fn has_commands(&self) -> bool {
        !self.targets.children.is_empty()
    }

    /// Let the commands run that were started for this trace.
    ///
    /// # Errors
    /// A command that cannot be executed.
    pub(crate) fn release_children(&mut self) -> Result<(), Error> {
        Ok(self.targets.children.iter_mut().try_for_each(Child::release)?)
    }

    /// Why the trace is at its end, if it is. `told` gets the processes that have ended, and how.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn ended(&mut self, told: &mut dyn FnMut(u32, Option<Status>)) -> Result<Option<End>, Error> {
        if self.signals.next()?.is_some() {
            return Ok(Some(End::Signal));
        }
        let Watch { epoll, targets, .. } = self;
        targets.ended(told, &mut |pidfd| Ok(epoll.remove(pidfd.as_fd())?))
    }

    /// Sleep until something happens that cannot wait for the next look at the records. `also` is waited for this time.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(crate) fn wait(&mut self, longest: Duration, also: Option<BorrowedFd>) -> Result<(), Error> {
        also.map_or(Ok(()), |fd| self.epoll.add(fd, 0))?;
        self.epoll.wait(Some(longest), &mut self.ready)?;
        Ok(also.map_or(Ok(()), |fd| self.epoll.remove(fd))?)
    }
}

/// The signals that end a trace whose script has clauses for `own`. A terminal that goes away is one of them, unless whoever started the
/// tracer wants it to go on.
pub(crate) fn ending(own: &[i32]) -> Vec<i32> {
    let hangs_up = !own.contains(&SIGHUP) && !Signals::is_ignored(SIGHUP);
    [SIGINT, SIGTERM].into_iter().chain(hangs_up.then_some(SIGHUP)).collect()
}

/// Shortest and longest wait between looks at the records.
const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_millis(50);
/// So many looks at the records in vain after a program has called exit(), and its record is taken for lost.
const SILENT: u32 = 4;
/// Records taken before signals are looked at again; the one that runs a command, or fills the output, is the last in any case.
const BATCH: usize = 4096;
/// So long records are handled before signals are looked at again: to print a large map takes longer than its order takes to come again.
const SLICE: Duration = Duration::from_millis(50);

/// What was handled at a time.
struct Batch {
    count: usize,
    /// There was no more.
    is_last: bool,
}

/// A running trace, as the loop sees it.
pub(crate) struct Loop<'a> {
    pub(crate) program: &'a Program,
    pub(crate) units: &'a [Planned],
    pub(crate) kernel: &'a Kernel,
    pub(crate) reader: Reader,
    pub(crate) packets: Packets,
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) controls: Controls,
    pub(crate) progress: Progress,
    pub(crate) processes: Processes,
    pub(crate) probed: Probed,
    /// If the cost is of interest.
    pub(crate) meter: Option<Meter>,
    /// Commands and files that still wait are left.
    pub(crate) leaving: bool,
    /// How many were.
    pub(crate) left: Cell<u64>,
    /// Orders to print that still wait when the script has called exit(), or the trace is at its end.
    pub(crate) backlog: Option<Backlog>,
}

impl Loop<'_> {
    /// Run until something ends the trace.
    ///
    /// # Errors
    /// Those of writing and of reading maps.
    pub(crate) fn run(&mut self, watch: &mut Watch, attached: &mut [Attachment]) -> Result<End, Error> {
        stuck::look_after(&watch.signals);
        if let Some(fd) = self.reader.fd() {
            watch.add(fd)?;
        }
        self.packets.fds().try_for_each(|fd| watch.add(fd))?;
        let processors = Processors::open(attached, &self.processes, self.sink);
        processors.fd().map_or(Ok(()), |fd| watch.add(fd))?;
        let (mut wait, mut silent) = (SHORT, 0);
        loop {
            if self.backlog.is_none() && self.kernel.stopped().is_some() {
                self.backlog = Some(Backlog::new());
            }
            let happened = self.processes.drain(self.sink);
            let Batch { count, is_last } = self.drain_batch()?;
            self.unwatch(attached);
            self.follow_processors(&processors, attached);
            if let Some(end) = self.ended(watch)? {
                return Ok(end);
            }
            match self.kernel.stopped() {
                Some(status) if count == 0 && silent == SILENT => return Ok(End::Exit(status)),
                stopped => silent = if stopped.is_some() && count == 0 { silent + 1 } else { 0 },
            }
            if self.is_too_dear()? {
                return Ok(End::Overhead);
            }
            self.processes.look(self.program, self.kernel, self.sink)?;
            self.probed.look(self.sink);
            if count == BATCH {
                continue;
            }
            self.sink.idle(View::new(self.program, self.kernel))?;
            self.sink.flush()?;
            if !is_last {
                continue;
            }
            let busy = count + happened > 0 || self.processes.are_waiting();
            wait = if busy { SHORT } else { (wait * 2).min(LONG) };
            // A process that was executed may be gone soon; but no more wake-ups than with records.
            let also = if busy { None } else { self.processes.fd() };
            watch.wait(wait, also)?;
        }
    }

    /// Go through all objects of an iterator, and take the records that come meanwhile. The kernel stops now and then, when
    /// it has shown very many objects or half of the ring buffer is full, and goes on from there.
    ///
    /// # Errors
    /// Those of reading the walk, of writing and of reading maps.
    pub(crate) fn walk(&mut self, watch: &mut Watch, mut objects: File) -> Result<Option<End>, Error> {
        // Programs write nothing into it.
        let mut text = [0; 64];
        loop {
            let over = match objects.read(&mut text) {
                Ok(read) => read == 0,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => false,
                Err(error) => return Err(quadrant_bpf::Error::io("cannot read an iterator", &error).into()),
            };
            match self.drain_or_end(watch)? {
                None if !over => {}
                end => return Ok(end),
            }
        }
    }

    /// Handles what is there. While probes fire there may be ever more, so whether the trace ends is asked in between.
    fn drain_or_end(&mut self, watch: &mut Watch) -> Result<Option<End>, Error> {
        let end = self.handle_or_end(watch)?;
        self.sink.flush()?;
        Ok(end)
    }

    /// The same, but what the records say may still be held back.
    pub(crate) fn handle_or_end(&mut self, watch: &mut Watch) -> Result<Option<End>, Error> {
        loop {
            let batch = self.drain_batch()?;
            let end = self.ended(watch)?;
            if end.is_some() || batch.is_last {
                return Ok(end);
            }
        }
    }

    /// What fires on each processor is attached to those that were switched on.
    fn follow_processors(&mut self, processors: &Processors, attached: &mut [Attachment]) {
        while let Some(change) = processors.next() {
            if let hotplug::Change::On(cpu) = change
                && let Err(error) = self.processes.listen(cpu)
            {
                self.sink.warned(&format!(
                    "CPU {cpu} was switched on, but what processes map there is not followed: {error}"
                ));
            }
            processors::follow((self.program, self.units, self.kernel), attached, self.sink, change);
        }
    }

    /// Take away the watchpoints that the script wants no more.
    fn unwatch(&mut self, attached: &mut [Attachment]) {
        for wanted in std::mem::take(&mut self.progress.unwatched) {
            for one in &mut *attached {
                let loaded = &self.kernel.programs[one.loaded];
                let points = self.units[loaded.unit].unit.points.iter().skip(loaded.first).take(loaded.count);
                for (index, point) in points.enumerate() {
                    let site = &self.program.points[point.0 as usize].site;
                    if matches!(site, Site::Watchpoint { address, .. } if *address == wanted) {
                        one.attached.take_away(index);
                    }
                }
            }
        }
    }

    /// Looks at the cost, and has programs leave out firings if it is too high; whether the trace has to end.
    fn is_too_dear(&mut self) -> Result<bool, Error> {
        let Some(step) = self.meter.as_mut().and_then(|meter| meter.look(self.kernel)) else { return Ok(false) };
        if let Change::Sampled(every) = step.change {
            self.kernel.sample(every)?;
        }
        self.sink.limited(&step)?;
        Ok(step.change == Change::Detached)
    }

    /// Run what the script has for the signals that have come.
    fn answer_signals(&mut self, watch: &Watch) -> Result<(), Error> {
        while let Some(signal) = watch.own.next()? {
            self.kernel.run(self.program, self.units, |site| *site == Site::Signal(signal))?;
        }
        Ok(())
    }

    fn ended(&mut self, watch: &mut Watch) -> Result<Option<End>, Error> {
        if self.progress.exit.is_none() {
            self.answer_signals(watch)?;
        }
        match self.progress.exit {
            Some(status) => Ok(Some(End::Exit(status))),
            None if self.sink.is_full() => Ok(Some(End::Full)),
            None => watch.ended(&mut |pid, status| self.sink.ended(pid, status)),
        }
    }

    /// Handle all records that are there, and show what they say. No probe is to be attached: there may be ever more.
    ///
    /// # Errors
    /// Those of writing and of reading maps.
    pub(crate) fn drain(&mut self) -> Result<(), Error> {
        while self.drain_batch()?.count > 0 {}
        self.sink.flush()?;
        Ok(())
    }

    /// Handles some records: no more than can be handled before a signal must be looked at.
    fn drain_batch(&mut self) -> Result<Batch, Error> {
        let Loop { program, kernel, reader, packets, sink, progress, processes, leaving, left, backlog, .. } = self;
        let view = View { left: leaving.then_some(&*left), backlog: backlog.as_ref(), ..View::new(program, *kernel) };
        let (before, started) = (interrupt::made(), clock::coarse());
        let goes_on = || interrupt::made() == before && clock::coarse().saturating_sub(started) < SLICE;
        let mut failure = None;
        let mut handle = |bytes: &[u8]| {
            if failure.is_none() {
                failure = records::handle(view, &mut **sink, progress, processes, bytes).err();
            }
            if goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let count = reader.consume(BATCH, &mut handle);
        let count = count.max(packets.consume(BATCH, |bytes| _ = handle(bytes)));
        failure.map_or_else(|| records::clear(view, progress), Err)?;
        let is_last = count < BATCH && goes_on();
        if is_last {
            self.make_up()?;
        }
        Ok(Batch { count, is_last })
    }

    /// Carries out the orders whose records found no room.
    fn make_up(&mut self) -> Result<(), Error> {
        let view = View::new(self.program, self.kernel);
        let missed = self.controls.missed(self.program, |offset| self.kernel.word(offset));
        missed.into_iter().try_for_each(|order| records::obey(view, self.sink, &mut self.processes, order, None))
    }

    /// Print every map by name; what is shown of one without entries is the sink's to say.
    ///
    /// # Errors
    /// Those of writing and of reading maps.
    pub(crate) fn print_maps(&mut self) -> Result<(), Error> {
        records::print_maps(View::new(self.program, self.kernel), self.sink)?;
        Ok(self.sink.flush()?)
    }
}
