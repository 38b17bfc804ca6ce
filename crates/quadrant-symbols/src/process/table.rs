//! The processes seen so far, bounded in number.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::snapshot::Snapshot;
use super::stat::Stat;
use super::{Mapping, ProcessId};
use crate::frame::Missing;
use crate::perf_map::Jit;
use crate::pins::Pins;
use crate::warnings::Warnings;

/// Mappings are read again for an address that nothing covers when the size of the address
/// space changed, or when they are older than this.
const MAX_AGE: Duration = Duration::from_secs(1);

/// All processes that were seen.
#[derive(Debug)]
pub(crate) struct Processes {
    known: HashMap<ProcessId, Process>,
    /// The process that a pid meant when it was last looked at.
    current: HashMap<u32, ProcessId>,
    limit: usize,
    clock: u64,
}

/// What is kept of one process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    /// Whether it ran when it was last looked at.
    pub(crate) running: bool,
    stat: Stat,
    state: Result<Snapshot, Missing>,
    /// Of the program that the process ran before it executed another one.
    before: Option<Snapshot>,
    pub(crate) jit: Jit,
    taken: Instant,
    used: u64,
}

impl Processes {
    /// A table of at most `limit` processes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { known: HashMap::new(), current: HashMap::new(), limit: limit.max(1), clock: 0 }
    }

    /// The process that `pid` means now, or when it has ended meant last. A process seen for
    /// the first time is looked at; one that executed another program since is looked at again.
    pub(crate) fn get(&mut self, pid: u32, pins: &mut Pins, log: &mut Warnings) -> Option<&mut Process> {
        let (id, running) = match Stat::read(pid) {
            Some(stat) => (self.observe(pid, stat, pins, log), true),
            None => (*self.current.get(&pid)?, false),
        };
        self.use_now(id, |_| running)
    }

    /// A process that was seen before, running or not.
    pub(crate) fn by_id(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.use_now(id, |process| process.alive().is_some())
    }

    /// Keeps what was read of perf maps within `limit` bytes, but for the process used last.
    pub(crate) fn limit_generated(&mut self, limit: usize) {
        let bytes = |process: &Process| process.jit.bytes();
        let mut total: usize = self.known.values().map(bytes).sum();
        let mut holders: Vec<(u64, ProcessId)> =
            self.known.values().filter(|p| bytes(p) > 0).map(|p| (p.used, p.id)).collect();
        holders.sort_unstable();
        holders.pop();
        for (_, id) in holders {
            if total <= limit {
                return;
            }
            if let Some(process) = self.known.get_mut(&id) {
                total -= bytes(process);
                process.jit.forget();
            }
        }
    }

    fn use_now(&mut self, id: ProcessId, running: impl FnOnce(&Process) -> bool) -> Option<&mut Process> {
        self.clock += 1;
        let process = self.known.get_mut(&id)?;
        process.used = self.clock;
        process.running = running(process);
        Some(process)
    }

    fn observe(&mut self, pid: u32, stat: Stat, pins: &mut Pins, log: &mut Warnings) -> ProcessId {
        let id = ProcessId { pid, start_time: stat.start_time };
        self.current.insert(pid, id);
        if let Some(process) = self.known.get_mut(&id) {
            process.follow_exec(stat, pins, log);
            return id;
        }
        if self.known.len() >= self.limit {
            self.forget_oldest(log);
        }
        self.known.insert(id, Process::look(id, stat, pins, log));
        id
    }

    /// Drops an eighth of the processes, those that were not used for the longest time.
    fn forget_oldest(&mut self, log: &mut Warnings) {
        let mut uses: Vec<(u64, ProcessId)> = self.known.values().map(|process| (process.used, process.id)).collect();
        uses.sort_unstable();
        let count = self.limit.div_ceil(8).min(uses.len());
        for (_, id) in &uses[..count] {
            self.known.remove(id);
            if self.current.get(&id.pid) == Some(id) {
                self.current.remove(&id.pid);
            }
        }
        log.add_many("processes forgotten: more than the symbol cache may hold", count as u64);
    }
}

impl Process {
    fn look(id: ProcessId, stat: Stat, pins: &mut Pins, log: &mut Warnings) -> Self {
        let state = Snapshot::take(id.pid, pins, log);
        let mut jit = Jit::default();
        if state.as_ref().is_ok_and(Snapshot::has_generated_code) {
            jit.open(id.pid, log);
        }
        Self { id, running: true, stat, state, before: None, jit, taken: Instant::now(), used: 0 }
    }

    /// The mappings, or why there are none.
    pub(crate) fn snapshot(&self) -> Result<&Snapshot, Missing> {
        self.state.as_ref().map_err(Clone::clone)
    }

    /// The mapping that covers `addr` and the snapshot it belongs to: of the program that runs
    /// now, else of the one before.
    pub(crate) fn find(&self, addr: u64) -> Option<(&Snapshot, &Mapping)> {
        let now = self.state.as_ref().ok();
        let snapshots = now.into_iter().chain(&self.before);
        snapshots.into_iter().find_map(|snapshot| Some((snapshot, snapshot.find(addr)?)))
    }

    /// Reads the mappings again when they may have changed. Returns whether it did.
    pub(crate) fn refresh_if_changed(&mut self, pins: &mut Pins, log: &mut Warnings) -> bool {
        let Some(stat) = self.alive() else {
            return false;
        };
        if stat.memory == self.stat.memory && self.taken.elapsed() < MAX_AGE {
            return false;
        }
        self.refresh(stat, pins, log);
        true
    }

    /// Opens the file mapped at `addr` again when it was closed to make room for others.
    pub(crate) fn reopen(&mut self, addr: u64, pins: &mut Pins) {
        if let (true, Ok(snapshot)) = (self.running, &mut self.state) {
            snapshot.reopen(self.id.pid, addr, pins);
        }
    }

    /// Reads the mappings again. What was unloaded since stays known.
    fn refresh(&mut self, stat: Stat, pins: &mut Pins, log: &mut Warnings) {
        self.stat = stat;
        self.taken = Instant::now();
        let Ok(mut new) = Snapshot::take(self.id.pid, pins, log) else {
            return;
        };
        if let Ok(old) = &mut self.state {
            new.keep_unloaded(std::mem::take(old));
        }
        self.state = Ok(new);
    }

    /// What `/proc/PID/stat` says, when the process still runs.
    fn alive(&self) -> Option<Stat> {
        let stat = Stat::read(self.id.pid)?;
        (stat.start_time == self.id.start_time).then_some(stat)
    }

    /// After an exec the whole memory is another one.
    fn follow_exec(&mut self, stat: Stat, pins: &mut Pins, log: &mut Warnings) {
        if stat.image == self.stat.image || stat.image == (0, 0) {
            return;
        }
        let Ok(new) = Snapshot::take(self.id.pid, pins, log) else {
            return;
        };
        self.stat = stat;
        self.taken = Instant::now();
        self.before = std::mem::replace(&mut self.state, Ok(new)).ok();
        self.jit = Jit::default();
    }
}
