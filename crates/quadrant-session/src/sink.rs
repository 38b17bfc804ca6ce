//! Where a trace's answers go. The session does not print: it calls a [`Sink`].

use std::cell::Cell;
use std::collections::HashSet;
use std::io;
use std::path::Path;

use quadrant_bpf::process::Status;
use quadrant_bpf::sideband::Event;
use quadrant_program::Program;
use quadrant_program::map::MapId;
use quadrant_program::record::RecordId;
use quadrant_program::snapshot::Snapshot;
use quadrant_program::ty::StackType;

use crate::backlog::Backlog;
use crate::backlog::Change;
use crate::error::Error;
use crate::ledger::Ledger;
use crate::overhead::Cost;
use crate::overhead::Step;
use crate::world::World;

/// What a sink may look at while it handles an event.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(crate) program: &'a Program,
    pub(crate) world: &'a dyn World,
    /// Counts what is not done any more of what [`View::allows`] is asked for.
    pub(crate) left: Option<&'a Cell<u64>>,
    /// What still waits when the trace is at its end.
    pub(crate) backlog: Option<&'a Backlog>,
}

impl<'a> View<'a> {
    pub(crate) fn new(program: &'a Program, world: &'a dyn World) -> View<'a> {
        View { program, world, left: None, backlog: None }
    }

    /// Whether one more command is to be run, or file shown. When a signal has ended the trace, those that wait are left, and counted
    /// here: they may take for ever.
    pub fn allows(&self) -> bool {
        self.left.inspect(|left| left.set(left.get() + 1)).is_none()
    }

    /// Whether a map is to be printed once more. When the trace is at its end, and printing takes long, orders that come again for what was
    /// printed since are left, and counted.
    pub fn prints(&self, map: MapId) -> bool {
        self.prints_for(None, map)
    }

    /// The same for the order in a record.
    pub(crate) fn prints_for(&self, record: Option<RecordId>, map: MapId) -> bool {
        let has_keys = self.program.maps[map.0 as usize].key.is_some();
        self.backlog.is_none_or(|backlog| !has_keys || backlog.admits(record, map))
    }

    /// The program that runs.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// The addresses of a stored stack, innermost first; empty when it was lost or had no frames.
    pub fn stack(&self, kind: StackType, id: u32) -> Vec<u64> {
        self.world.stack(kind, id)
    }

    /// The content of a map.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn snapshot(&self, map: MapId) -> io::Result<Snapshot> {
        self.world.snapshot(self.program, map).map_err(Error::into_io)
    }

    /// Remove all keys of a map (`zero`: keep keys, set values to zero).
    ///
    /// # Errors
    /// Those of writing it.
    pub fn clear(&self, map: MapId, zero: bool) -> io::Result<()> {
        self.clear_once(map, zero).map_err(Error::into_io)
    }

    /// The same, but not again when the trace is at its end.
    pub(crate) fn clear_once(&self, map: MapId, zero: bool) -> Result<(), Error> {
        let change = if zero { Change::Zero } else { Change::Clear };
        if self.changes(map, change) { self.world.clear(self.program, map, zero) } else { Ok(()) }
    }

    /// Whether a map is still to be cut to so many keys: at the end of the trace, once is enough.
    pub fn truncates(&self, map: MapId, count: i64) -> bool {
        self.changes(map, Change::Truncate(count))
    }

    fn changes(&self, map: MapId, change: Change) -> bool {
        self.backlog.is_none_or(|backlog| backlog.changes(map, change))
    }

    /// Remove these keys of a map, in the form of [`View::snapshot`].
    ///
    /// # Errors
    /// Those of changing it.
    pub fn remove(&self, map: MapId, keys: &HashSet<&[u8]>) -> io::Result<()> {
        self.world.remove(self.program, map, keys).map_err(Error::into_io)
    }

    /// A speculation has been committed or discarded: its number can be given out again.
    ///
    /// # Errors
    /// Those of writing.
    pub fn free_speculation(&self, number: u64) -> io::Result<()> {
        self.world.free_speculation(self.program, number).map_err(Error::into_io)
    }

    /// What the programs have lost so far.
    pub fn losses(&self) -> Ledger {
        self.world.losses()
    }

    /// Now, by the boot clock, in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.world.now_ns()
    }
}

/// A map that is to be printed.
#[derive(Clone, Copy, Debug)]
pub struct MapPrint<'a> {
    /// Which.
    pub map: MapId,
    /// What it holds.
    pub snapshot: &'a Snapshot,
    /// Only the greatest so many; 0 for all.
    pub top: u64,
    /// Values are divided by this; 0 and 1 leave them.
    pub div: u64,
    /// The record by which the script asked for it; `None` at the end of the trace.
    pub record: Option<(RecordId, &'a [u8])>,
}

/// What happens when tests and benchmarks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check<'a> {
    /// BEGIN has run; so many tests or benchmarks follow.
    All(usize),
    /// All have run; END is next.
    Over,
    /// The one of this name is run now.
    Start(&'a str),
    /// A test is over.
    Tested {
        /// Its name.
        name: &'a str,
        /// It returned 0, did not end the script with another status, and called errorf() not once.
        passed: bool,
        /// How long it took, with the call of the kernel.
        ns: u64,
    },
    /// A benchmark is over.
    Measured {
        /// Its name.
        name: &'a str,
        /// How often it ran.
        runs: u64,
        /// What a run took by the kernel's own count; `None` when it ended the script.
        average_ns: Option<u64>,
    },
}

/// Takes what a trace says. An error of kind `BrokenPipe` ends the trace quietly.
pub trait Sink {
    /// Attaching takes long: so many of all points are done.
    fn attaching(&mut self, _done: usize, _points: usize) {}

    /// A signal came when only so many of all points were attached to: the trace ends.
    fn interrupted(&mut self, _done: usize, _points: usize) {}

    /// Something is not as the script has it, and the trace goes on: a point that could not be attached to, a file that is another one by
    /// now, a processor that was switched off.
    fn warned(&mut self, _of: &str) {}

    /// All is as the script has it, and costs more than its author may know.
    fn advised(&mut self, of: &str) {
        self.warned(of);
    }

    /// All probes are attached; `points` of them.
    ///
    /// # Errors
    /// Those of writing.
    fn attached(&mut self, view: View, points: usize) -> io::Result<()>;

    /// An iterator stays as this file when the trace is over.
    ///
    /// # Errors
    /// Those of writing.
    fn pinned(&mut self, path: &Path) -> io::Result<()>;

    /// Whether the sink itself does nothing, once all is attached, that takes capabilities: it shows what it is given.
    fn only_shows(&self) -> bool {
        false
    }

    /// A record that is printed, run or shown: everything but maps and exit.
    ///
    /// # Errors
    /// Those of writing.
    fn record(&mut self, view: View, record: RecordId, bytes: &[u8]) -> io::Result<()>;

    /// A map is to be printed.
    ///
    /// # Errors
    /// Those of writing.
    fn map(&mut self, view: View, print: &MapPrint<'_>) -> io::Result<()>;

    /// The script called exit() with this status: its record.
    ///
    /// # Errors
    /// Those of writing.
    fn exits(&mut self, view: View, record: RecordId, bytes: &[u8], status: i32) -> io::Result<()> {
        let _ = (view, record, bytes, status);
        Ok(())
    }

    /// All probes are detached and END has run; what follows are the maps.
    ///
    /// # Errors
    /// Those of writing.
    fn ending(&mut self, view: View) -> io::Result<()>;

    /// No more events for now: time to look at what was lost, and at the clock. Followed by [`Sink::flush`].
    ///
    /// # Errors
    /// Those of writing.
    fn idle(&mut self, view: View) -> io::Result<()> {
        let _ = view;
        Ok(())
    }

    /// The trace shall end: there is no room for more.
    fn is_full(&self) -> bool {
        false
    }

    /// One of the processes with which the trace ends has ended; how, if it was a command of the trace.
    fn ended(&mut self, pid: u32, status: Option<Status>) {
        let _ = (pid, status);
    }

    /// No more events for now: bring everything to the reader.
    ///
    /// # Errors
    /// Those of writing.
    fn flush(&mut self) -> io::Result<()>;

    /// A step of [`crate::Trace::check`].
    ///
    /// # Errors
    /// Those of writing.
    fn check(&mut self, step: Check<'_>) -> io::Result<()> {
        let _ = step;
        Ok(())
    }

    /// A process became two, became another program, or has new code. Only for scripts with addresses of processes, and
    /// always before the addresses that it matters for.
    fn happened(&mut self, event: &Event) {
        let _ = event;
    }

    /// Probes of processes are in this file, so there will be addresses in it, of processes that may be gone then.
    fn probed(&mut self, file: &Path) {
        let _ = file;
    }

    /// There are addresses of this process, which will be asked for later: it may be gone then.
    fn seen(&mut self, pid: u32) {
        let _ = pid;
    }

    /// The trace costs more than it may, or less again: what is done.
    ///
    /// # Errors
    /// Those of writing.
    fn limited(&mut self, step: &Step) -> io::Result<()> {
        let _ = step;
        Ok(())
    }

    /// What the trace has cost, if that was asked for; after the maps.
    ///
    /// # Errors
    /// Those of writing.
    fn cost(&mut self, cost: &Cost) -> io::Result<()> {
        let _ = cost;
        Ok(())
    }

    /// The end: what was lost.
    ///
    /// # Errors
    /// Those of writing.
    fn ledger(&mut self, view: View, ledger: &Ledger) -> io::Result<()>;
}
