//! Addresses in processes.

use std::path::Path;
use std::sync::Arc;

use crate::debug_files::Finder;
use crate::error::{Error, errno_name};
use crate::files::readable;
use crate::frame::{Frame, Missing, Symbol};
use crate::pins::Pins;
use crate::place::{Lookup, Place};
use crate::process::{Backing, Mapped, Process, ProcessId, Processes};
use crate::store::Store;
use crate::symbolizer::Options;
use crate::uaddr;
use crate::warnings::Warnings;

/// What generated code is called as a module.
const JIT: &str = "[jit]";
/// The page of the oldest system call entries on x86.
const VSYSCALL: &str = "[vsyscall]";

/// Everything that is known about processes and their files.
#[derive(Debug)]
pub(crate) struct User {
    processes: Processes,
    pins: Pins,
    store: Store,
    /// Memory for what is read of perf maps, in bytes.
    generated_limit: usize,
}

/// Which process is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// The one that has the pid now, or had it last.
    Pid(u32),
    /// One that was seen before.
    Id(ProcessId),
}

impl User {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            processes: Processes::new(options.max_processes),
            pins: Pins::new(options.max_files),
            store: Store::new(options),
            generated_limit: options.cache_bytes / 4,
        }
    }

    /// The identity of process `pid`, which is looked at when it is new.
    pub(crate) fn remember(&mut self, pid: u32, log: &mut Warnings) -> Option<ProcessId> {
        let id = self.processes.remember(pid, &mut self.pins, log);
        self.store.forget(&self.pins.take_closed());
        id
    }

    /// Opens a file that processes will have mapped.
    pub(crate) fn keep(&mut self, path: &Path) {
        // One that cannot be opened is looked for in each process.
        let _ = path.to_str().map(|path| self.pins.open(path));
        self.store.forget(&self.pins.take_closed());
    }

    /// A process became two.
    pub(crate) fn forked(&mut self, pid: u32, parent: u32, time: u64, log: &mut Warnings) {
        self.processes.forked(pid, parent, time, &mut self.pins, log);
        self.store.forget(&self.pins.take_closed());
    }

    /// A process becomes another program.
    pub(crate) fn executed(&mut self, pid: u32, time: u64, log: &mut Warnings) {
        self.processes.executed(pid, time, log);
    }

    /// A process has new executable memory.
    pub(crate) fn mapped(&mut self, mapped: &Mapped<'_>, log: &mut Warnings) {
        self.processes.mapped(mapped, &mut self.pins, log);
        self.store.forget(&self.pins.take_closed());
    }

    /// The address of a symbol in a process.
    pub(crate) fn addr_of(
        &mut self,
        pid: u32,
        module: Option<&str>,
        symbol: &str,
        log: &mut Warnings,
    ) -> Result<u64, Error> {
        let process = self.processes.get(pid, &mut self.pins, log);
        let process = process.ok_or(Error::NoProcess { pid })?;
        process.refresh_if_changed(&mut self.pins, log);
        let snapshot = process.snapshot().map_err(|_| Error::NoProcess { pid })?;
        let mut mapped = false;
        for (file, id) in snapshot.code_files() {
            if !module.is_none_or(|module| uaddr::is_called(&file.path, module)) {
                continue;
            }
            mapped = true;
            let finder = Finder::new(&*file.path, Some(pid));
            let symbols = self.store.symbols(id, &finder, &mut self.pins, log);
            if let Some(addr) = uaddr::in_snapshot(snapshot, file, &symbols, symbol) {
                return Ok(addr);
            }
        }
        Err(uaddr::not_found(pid, module.filter(|_| !mapped), symbol))
    }

    /// The frames at offsets of a file.
    pub(crate) fn file_frames(
        &mut self,
        path: &str,
        lookups: impl Iterator<Item = Lookup>,
        log: &mut Warnings,
    ) -> Vec<Vec<Frame>> {
        let file = self.pins.open(path);
        let file = file.map_err(|error| Missing::FileUnreadable(errno_name(&error).into()));
        let path: Arc<str> = path.into();
        let frames = lookups.map(|lookup| {
            let place = Place { lookup, offset: lookup.addr, path: path.clone(), file: file.clone(), pid: None };
            self.store.frames(&place, &mut self.pins, log)
        });
        frames.collect()
    }

    /// The frames of each address.
    pub(crate) fn frames(
        &mut self,
        who: Who,
        lookups: impl Iterator<Item = Lookup>,
        log: &mut Warnings,
    ) -> Vec<Vec<Frame>> {
        let lookups: Vec<Lookup> = lookups.collect();
        let image = match who {
            Who::Pid(pid) => self.processes.choose(pid, &lookups, &mut self.pins, log),
            Who::Id(id) => self.processes.choose_of(id, &lookups, &mut self.pins, log),
        };
        let found = image.and_then(|image| Some((self.processes.by_id(image.process)?, image.number)));
        let Some((process, image)) = found else {
            let gone = |lookup: Lookup| vec![Frame::unknown(lookup.addr, Missing::ProcessGone)];
            return lookups.into_iter().map(gone).collect();
        };
        let mut batch = Batch {
            pid: process.running.then_some(process.id.pid),
            process,
            image,
            pins: &mut self.pins,
            store: &mut self.store,
            log,
            read_generated: false,
        };
        let frames = lookups.into_iter().map(|lookup| batch.frames(lookup)).collect();
        let read_generated = batch.read_generated;
        self.store.forget(&self.pins.take_closed());
        if read_generated {
            self.processes.limit_generated(self.generated_limit);
        }
        frames
    }
}

/// One call's worth of work on one process.
struct Batch<'a> {
    process: &'a mut Process,
    /// The pid while the process runs.
    pid: Option<u32>,
    /// Which of its programs the addresses fit best.
    image: usize,
    pins: &'a mut Pins,
    store: &'a mut Store,
    log: &'a mut Warnings,
    /// A perf map was looked into and may have been read on.
    read_generated: bool,
}

impl Batch<'_> {
    fn frames(&mut self, lookup: Lookup) -> Vec<Frame> {
        let frames = self.mapped(lookup);
        if !frames.iter().any(may_be_generated) {
            return frames;
        }
        self.generated(lookup).map_or(frames, |frame| vec![frame])
    }

    /// Frames from the file that is mapped at the address.
    fn mapped(&mut self, lookup: Lookup) -> Vec<Frame> {
        let unknown = |missing| Frame::unknown(lookup.addr, missing);
        self.process.reopen(lookup.call(), self.image, self.pins);
        let Some((snapshot, mapping)) = self.process.find(lookup.call(), self.image) else {
            let missing = self.process.snapshot().err();
            return vec![unknown(missing.unwrap_or(Missing::NotMapped))];
        };
        match &mapping.backing {
            Backing::Anonymous => vec![unknown(Missing::Anonymous)],
            Backing::Vsyscall => {
                vec![Frame { module: Some(VSYSCALL.into()), ..unknown(Missing::NoSymbol) }]
            }
            Backing::File(file) => {
                let place = Place::new(lookup, snapshot, mapping, file, self.pid);
                self.store.frames(&place, self.pins, self.log)
            }
        }
    }

    /// A frame from the process's perf map.
    fn generated(&mut self, lookup: Lookup) -> Option<Frame> {
        let pid = self.process.id.pid;
        match self.pid {
            Some(pid) => self.process.jit.open(pid, self.log),
            None => self.process.jit.open_at_home(pid, self.log),
        }
        self.read_generated = true;
        let region = self.process.jit.find(pid, lookup.call(), self.log)?;
        let raw: Arc<str> = String::from_utf8_lossy(region.name).into();
        let symbol = Symbol { name: readable(&raw), raw, offset: lookup.addr - region.start, size: region.size };
        Some(Frame {
            symbol: Some(symbol),
            module: Some(Arc::from(JIT)),
            missing: None,
            ..Frame::unknown(lookup.addr, Missing::NoSymbol)
        })
    }
}

/// Generated code lies in memory without a file, or in a file that is none (memfd).
fn may_be_generated(frame: &Frame) -> bool {
    match &frame.missing {
        Some(Missing::Anonymous | Missing::NotMapped) => true,
        Some(Missing::BadFile(_) | Missing::FileUnreadable(_)) => true,
        Some(_) | None => false,
    }
}
