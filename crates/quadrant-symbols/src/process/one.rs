//! What is kept of one process.

use std::sync::Arc;
use std::time::Duration;

use super::pin::{Owner, pin};
use super::snapshot::{Snapshot, reader_of};
use super::stat::Stat;
use super::{Mapped, Mapping, ProcessId};
use crate::clock;
use crate::frame::Missing;
use crate::perf_map::Jit;
use crate::pins::Pins;
use crate::place::Lookup;
use crate::warnings::Warnings;

/// Mappings are read again for an address that nothing covers when the size of the address
/// space changed, or when they are older than this.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Programs that are kept of a process which executes one after the other.
const MAX_IMAGES: usize = 8;

/// A process that was seen, running or not.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    /// Whether it ran when it was last looked at.
    pub(crate) running: bool,
    /// Its number and start come from a report of the kernel, so that the start is a little late.
    reported: bool,
    parent: Option<u32>,
    stat: Option<Stat>,
    /// When its mappings were read last, by the boot clock; 0 when all that is known of them was reported.
    read: u64,
    /// When it was last tried to read them.
    tried: u64,
    /// What it maps, and, oldest first, what it mapped before it executed other programs. A copy shares them with the
    /// process that it is a copy of.
    images: Vec<Arc<Snapshot>>,
    /// Why there is no image.
    missing: Missing,
    pub(crate) jit: Jit,
    pub(super) used: u64,
}

impl Process {
    /// A process that is looked at for the first time.
    pub(super) fn look(id: ProcessId, stat: Stat, pins: &mut Pins, log: &mut Warnings) -> Self {
        let mut process = Self { running: true, reported: false, ..Self::reported(id, None) };
        process.stat = Some(stat);
        process.tried = clock::boot_ns();
        match Snapshot::take(id.pid, pins, log) {
            Ok(snapshot) => {
                process.read = snapshot.seen;
                process.images.push(Arc::new(snapshot));
            }
            Err(missing) => process.missing = missing,
        }
        process.open_jit(log);
        process
    }

    /// A process that the kernel reported; `origin` is the process that it is a copy of.
    pub(super) fn reported(id: ProcessId, origin: Option<&Process>) -> Self {
        Self {
            id,
            running: true,
            reported: true,
            parent: origin.map(|origin| origin.id.pid),
            stat: None,
            read: 0,
            tried: 0,
            images: origin.and_then(|origin| origin.images.last().cloned()).into_iter().collect(),
            missing: Missing::ProcessGone,
            jit: Jit::default(),
            used: 0,
        }
    }

    /// Whether this is the process that `/proc` tells of. A start that was reported is later than the real one, but no
    /// process with the same number can have started in between.
    pub(super) fn is(&self, stat: Stat) -> bool {
        stat.start_time == self.id.start_time || (self.reported && stat.start_time < self.id.start_time)
    }

    /// How many mappings are kept; those shared with other processes count for each.
    pub(super) fn weight(&self) -> usize {
        self.images.iter().map(|image| image.len()).sum()
    }

    /// What it maps, or why that is not known.
    pub(crate) fn snapshot(&self) -> Result<&Snapshot, Missing> {
        self.images.last().map(|image| &**image).ok_or_else(|| self.missing.clone())
    }

    /// How many of the addresses are in each of its programs.
    pub(super) fn covered(&self, lookups: &[Lookup]) -> impl Iterator<Item = usize> {
        let covered = |image: &Snapshot| lookups.iter().filter(|lookup| image.find(lookup.call()).is_some()).count();
        self.images.iter().map(move |image| covered(image))
    }

    /// One of its programs.
    pub(super) fn image(&self, number: usize) -> Option<&Arc<Snapshot>> {
        self.images.get(number)
    }

    /// The mapping that covers `addr` and the snapshot it belongs to: of the program that is preferred, else of the last
    /// one that has it.
    pub(crate) fn find(&self, addr: u64, preferred: usize) -> Option<(&Snapshot, &Mapping)> {
        let images = self.images.get(preferred).into_iter().chain(self.images.iter().rev());
        images.into_iter().find_map(|image| Some((&**image, image.find(addr)?)))
    }

    /// Reads the mappings again when they may have changed. Returns whether it did.
    pub(crate) fn refresh_if_changed(&mut self, pins: &mut Pins, log: &mut Warnings) -> bool {
        let Some(stat) = self.alive() else {
            return false;
        };
        let same_size = self.stat.is_some_and(|known| known.memory == stat.memory);
        if same_size && !clock::is_older(self.tried, MAX_AGE) {
            return false;
        }
        self.refresh(stat, pins, log);
        true
    }

    /// Opens the file mapped at `addr` again when it was closed to make room for others.
    pub(crate) fn reopen(&mut self, addr: u64, preferred: usize, pins: &mut Pins) {
        let images = (0..self.images.len()).rev().filter(|at| *at != preferred);
        let mut images = std::iter::once(preferred).chain(images);
        let has_it = |at: &usize| self.images.get(*at).is_some_and(|image| image.find(addr).is_some());
        let Some(image) = images.find(has_it).and_then(|at| self.images.get_mut(at)) else { return };
        let Some((mapping, file)) = image.closed_at(addr, pins) else { return };
        let reader = if self.running { reader_of(self.id.pid) } else { None };
        let mapped = reader.is_none().then(|| image.seen);
        let owner = Owner { reader: reader.unwrap_or(self.id.pid), parent: self.parent, mapped };
        let opened = pin(owner, mapping, file, pins);
        if let (inode, Ok(id)) = (file.inode, opened) {
            Arc::make_mut(image).opened(inode, id);
        }
    }

    /// Opens the perf map of a process that makes code at run time.
    pub(super) fn open_jit(&mut self, log: &mut Warnings) {
        if self.jit.is_closed() && self.snapshot().is_ok_and(Snapshot::has_generated_code) {
            self.jit.open(self.id.pid, log);
        }
    }

    /// What `/proc/PID/stat` says, when the process still runs.
    pub(super) fn alive(&self) -> Option<Stat> {
        Stat::read(self.id.pid).filter(|stat| self.is(*stat))
    }

    /// It was seen running. After an exec that was not reported the whole memory is another one.
    pub(super) fn follow(&mut self, stat: Stat, pins: &mut Pins, log: &mut Warnings) {
        match self.stat {
            None if self.images.is_empty() => self.refresh(stat, pins, log),
            None => self.stat = Some(stat),
            Some(known) if stat.image == known.image || stat.image == (0, 0) => {}
            Some(_) => {
                if let Ok(new) = Snapshot::take(self.id.pid, pins, log) {
                    self.stat = Some(stat);
                    self.read = new.seen;
                    self.begin(new);
                }
            }
        }
    }

    /// The kernel reported that it executes another program.
    pub(super) fn executed(&mut self, time: u64) {
        if !self.knows(time) {
            self.stat = None;
            self.begin(Snapshot::default());
        }
    }

    /// The kernel reported new executable memory. False when there is more than can be kept.
    pub(super) fn mapped(&mut self, event: &Mapped<'_>, pins: &mut Pins, log: &mut Warnings) -> bool {
        let Some(mapping) = Mapping::reported(event).filter(|_| !self.knows(event.time)) else {
            return true;
        };
        if self.images.is_empty() {
            self.images.push(Arc::default());
        }
        let Some(image) = self.images.last_mut() else { return true };
        let generated = mapping.is_generated();
        let owner = Owner { reader: self.id.pid, parent: self.parent, mapped: Some(event.time) };
        let kept = Arc::make_mut(image).map(mapping, owner, event.time, pins);
        if generated && self.jit.is_closed() {
            self.jit.open(self.id.pid, log);
        }
        kept
    }

    /// Whether what happened at a time is in the mappings that were read.
    pub(super) fn knows(&self, time: u64) -> bool {
        self.read >= time
    }

    /// Reads the mappings again. What was unloaded since stays known.
    fn refresh(&mut self, stat: Stat, pins: &mut Pins, log: &mut Warnings) {
        self.stat = Some(stat);
        self.tried = clock::boot_ns();
        let mut new = match Snapshot::take(self.id.pid, pins, log) {
            Ok(new) => new,
            Err(missing) => {
                self.missing = missing;
                return;
            }
        };
        self.read = new.seen;
        if let Some(old) = self.images.pop() {
            new.keep_unloaded(&old);
        }
        self.images.push(Arc::new(new));
    }

    /// It runs another program from now on.
    fn begin(&mut self, image: Snapshot) {
        if self.images.len() >= MAX_IMAGES {
            self.images.remove(0);
        }
        self.images.push(Arc::new(image));
        self.jit = Jit::default();
    }
}
