//! The processes seen so far, bounded in number.

use std::collections::HashMap;
use std::sync::Arc;

use super::one::Process;
use super::snapshot::Snapshot;
use super::stat::Stat;
use super::{Mapped, ProcessId};
use crate::clock;
use crate::pins::Pins;
use crate::place::Lookup;
use crate::warnings::Warnings;

/// Mappings that are kept of all processes together: some 300 MiB.
const MAX_MAPPINGS: usize = 1 << 21;

/// All processes that were seen.
#[derive(Debug)]
pub(crate) struct Processes {
    known: HashMap<ProcessId, Process>,
    /// Those that had the same pid, oldest first; the last one has it now, or had it last.
    by_pid: HashMap<u32, Vec<ProcessId>>,
    limit: usize,
    clock: u64,
    /// Mappings that were reported since they were counted last.
    added: usize,
    /// The kernel reports what happens to processes.
    followed: bool,
}

/// A process, and one of the programs that it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) process: ProcessId,
    pub(crate) number: usize,
}

impl Processes {
    /// A table of at most `limit` processes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { known: HashMap::new(), by_pid: HashMap::new(), limit: limit.max(1), clock: 0, added: 0, followed: false }
    }

    /// The process that `pid` means now, or when it has ended meant last. A process seen for
    /// the first time is looked at; one that executed another program since is looked at again.
    pub(crate) fn get(&mut self, pid: u32, pins: &mut Pins, log: &mut Warnings) -> Option<&mut Process> {
        let (id, running) = match Stat::read(pid) {
            Some(stat) => (self.observe(pid, stat, pins, log), true),
            None => (self.current(pid)?, false),
        };
        let process = self.touch(id)?;
        process.running = running;
        Some(process)
    }

    /// The identity of a process, which is looked at when it is new.
    pub(crate) fn remember(&mut self, pid: u32, pins: &mut Pins, log: &mut Warnings) -> Option<ProcessId> {
        match self.current(pid).filter(|_| self.followed) {
            // Whatever happened to it was reported.
            Some(id) => self.touch(id).map(|process| {
                process.open_jit(log);
                id
            }),
            None => self.get(pid, pins, log).map(|process| process.id),
        }
    }

    /// A process that was seen before, running or not.
    pub(crate) fn by_id(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.touch(id)
    }

    /// Among all processes that had a pid and all programs that they ran, the one that the addresses fit best; the last
    /// one when they fit several.
    pub(crate) fn choose(
        &mut self,
        pid: u32,
        lookups: &[Lookup],
        pins: &mut Pins,
        log: &mut Warnings,
    ) -> Option<Image> {
        let running = self.get(pid, pins, log)?.running;
        let (best, count) = self.best(self.by_pid.get(&pid)?, lookups, pins)?;
        if count == lookups.len() || !running {
            return Some(best);
        }
        // A library may have been loaded since the mappings were read.
        let current = self.current(pid)?;
        if !self.known.get_mut(&current)?.refresh_if_changed(pins, log) {
            return Some(best);
        }
        self.best(self.by_pid.get(&pid)?, lookups, pins).map(|(best, _)| best)
    }

    /// The same for one process.
    pub(crate) fn choose_of(
        &mut self,
        id: ProcessId,
        lookups: &[Lookup],
        pins: &mut Pins,
        log: &mut Warnings,
    ) -> Option<Image> {
        let process = self.touch(id)?;
        process.running = process.alive().is_some();
        if process.covered(lookups).all(|count| count < lookups.len()) {
            process.refresh_if_changed(pins, log);
        }
        self.best(&[id], lookups, pins).map(|(best, _)| best)
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

    /// A process became two.
    pub(crate) fn forked(&mut self, pid: u32, parent: u32, time: u64, pins: &mut Pins, log: &mut Warnings) {
        self.followed = true;
        if self.current(pid).is_some_and(|id| self.known.get(&id).is_some_and(|process| process.knows(time))) {
            return;
        }
        let origin = self.current(parent).or_else(|| Some(self.get(parent, pins, log)?.id));
        let id = self.unused_id(pid, time);
        let origin = origin.and_then(|origin| self.known.get(&origin));
        self.insert(Process::reported(id, origin), log);
    }

    /// A process becomes another program.
    pub(crate) fn executed(&mut self, pid: u32, time: u64, log: &mut Warnings) {
        self.followed = true;
        let id = self.current(pid).unwrap_or_else(|| {
            let id = self.unused_id(pid, time);
            self.insert(Process::reported(id, None), log);
            id
        });
        if let Some(process) = self.touch(id) {
            process.executed(time);
        }
    }

    /// A process has new executable memory.
    pub(crate) fn mapped(&mut self, event: &Mapped<'_>, pins: &mut Pins, log: &mut Warnings) {
        self.followed = true;
        let known = self.current(event.pid).or_else(|| Some(self.get(event.pid, pins, log)?.id));
        let id = known.unwrap_or_else(|| {
            let id = self.unused_id(event.pid, event.time);
            self.insert(Process::reported(id, None), log);
            id
        });
        let kept = self.touch(id).is_none_or(|process| process.mapped(event, pins, log));
        log.add_many("mappings of a process left out: more than are kept", u64::from(!kept));
        self.added += 1;
        self.limit_mappings(log);
    }

    fn current(&self, pid: u32) -> Option<ProcessId> {
        self.by_pid.get(&pid)?.last().copied()
    }

    fn touch(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.clock += 1;
        let process = self.known.get_mut(&id)?;
        process.used = self.clock;
        Some(process)
    }

    /// The program that most of the addresses are in, and how many they are. Programs at fixed addresses, one after the other under a pid,
    /// may all have them: then it is the one in whose code calls stand before what is returned to. Later ones go before earlier ones.
    fn best(&self, ids: &[ProcessId], lookups: &[Lookup], pins: &mut Pins) -> Option<(Image, usize)> {
        let mut fits: Vec<(Image, usize)> = ids.iter().flat_map(|id| self.fits(*id, lookups)).collect();
        let most = fits.iter().map(|(_, count)| *count).max()?;
        fits.retain(|(_, count)| *count == most);
        let images: Vec<&Arc<Snapshot>> = fits.iter().filter_map(|(image, _)| self.image(*image)).collect();
        if images.windows(2).all(|pair| matches!(pair, [one, other] if Arc::ptr_eq(one, other))) {
            return fits.pop();
        }
        let mut calls = |image| self.image(image).map_or(0, |snapshot| snapshot.calls(lookups, pins));
        fits.into_iter().max_by_key(|(image, _)| calls(*image))
    }

    /// How many of the addresses are in each program of a process; none are in one of which nothing is known.
    fn fits(&self, id: ProcessId, lookups: &[Lookup]) -> Vec<(Image, usize)> {
        let Some(process) = self.known.get(&id) else { return Vec::new() };
        let counts = process.covered(lookups).enumerate();
        let fits: Vec<_> = counts.map(|(number, count)| (Image { process: id, number }, count)).collect();
        if fits.is_empty() { vec![(Image { process: id, number: 0 }, 0)] } else { fits }
    }

    fn image(&self, image: Image) -> Option<&Arc<Snapshot>> {
        self.known.get(&image.process)?.image(image.number)
    }

    fn observe(&mut self, pid: u32, stat: Stat, pins: &mut Pins, log: &mut Warnings) -> ProcessId {
        let current = self.current(pid).and_then(|id| self.known.get_mut(&id));
        if let Some(process) = current.filter(|process| process.is(stat)) {
            process.follow(stat, pins, log);
            return process.id;
        }
        let id = ProcessId { pid, start_time: stat.start_time };
        self.insert(Process::look(id, stat, pins, log), log);
        id
    }

    /// An identity for a process that was reported.
    fn unused_id(&self, pid: u32, time: u64) -> ProcessId {
        let mut id = ProcessId { pid, start_time: clock::ticks(time) };
        while self.known.contains_key(&id) {
            id.start_time += 1;
        }
        id
    }

    fn insert(&mut self, process: Process, log: &mut Warnings) {
        if self.known.len() >= self.limit {
            self.forget_oldest(self.limit.div_ceil(8), log);
        }
        let id = process.id;
        self.added += process.weight();
        let same_pid = self.by_pid.entry(id.pid).or_default();
        same_pid.retain(|known| *known != id);
        for ended in same_pid.iter() {
            self.known.get_mut(ended).into_iter().for_each(|process| process.running = false);
        }
        same_pid.push(id);
        self.known.insert(id, process);
        self.touch(id);
    }

    /// Drops those processes that were not used for the longest time.
    fn forget_oldest(&mut self, count: usize, log: &mut Warnings) {
        let mut uses: Vec<(u64, ProcessId)> = self.known.values().map(|process| (process.used, process.id)).collect();
        uses.sort_unstable();
        uses.truncate(count);
        for (_, id) in &uses {
            self.known.remove(id);
            if let Some(same_pid) = self.by_pid.get_mut(&id.pid) {
                same_pid.retain(|known| known != id);
                if same_pid.is_empty() {
                    self.by_pid.remove(&id.pid);
                }
            }
        }
        log.add_many("processes forgotten: more than the symbol cache may hold", uses.len() as u64);
    }

    /// Processes can map as much as they like: the mappings are counted from time to time, and old processes forgotten
    /// when they are too many.
    fn limit_mappings(&mut self, log: &mut Warnings) {
        if self.added < MAX_MAPPINGS / 8 {
            return;
        }
        self.added = 0;
        while self.known.len() > 1 && self.known.values().map(Process::weight).sum::<usize>() > MAX_MAPPINGS {
            self.forget_oldest(self.known.len().div_ceil(8), log);
        }
    }
}
