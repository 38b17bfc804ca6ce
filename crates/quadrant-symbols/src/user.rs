//! Addresses in processes.

use std::sync::Arc;

use crate::blob::Blob;
use crate::cache::Cache;
use crate::demangle::demangle;
use crate::error::Error;
use crate::files::FileSymbols;
use crate::frame::{Frame, Missing, Symbol};
use crate::pins::{FileId, Pins};
use crate::process::{Backing, MappedFile, Mapping, Process, Processes, Snapshot};
use crate::symbolizer::Options;
use crate::uaddr;
use crate::warnings::Warnings;

/// What generated code is called as a module.
const JIT: &str = "[jit]";

/// Everything that is known about processes and their files.
#[derive(Debug)]
pub(crate) struct User {
    processes: Processes,
    pins: Pins,
    files: Files,
}

/// Symbols of files, and the frames already made of them.
#[derive(Debug)]
struct Files {
    symbols: Cache<FileId, Arc<Result<FileSymbols, Missing>>>,
    frames: Cache<(FileId, u64, bool), Arc<[Frame]>>,
}

/// An address to look up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    /// The address that was asked for.
    pub(crate) addr: u64,
    /// It is a return address: the call before it is meant.
    pub(crate) is_return: bool,
}

impl Lookup {
    /// The address whose symbol is wanted.
    pub(crate) fn call(self) -> u64 {
        self.addr.saturating_sub(u64::from(self.is_return))
    }
}

impl User {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            processes: Processes::new(options.max_processes),
            pins: Pins::new(options.max_files),
            files: Files {
                symbols: Cache::new(options.cache_bytes / 4 * 3),
                frames: Cache::new(options.cache_bytes / 4),
            },
        }
    }

    /// The process `pid`, looked at when it is new.
    pub(crate) fn process(&mut self, pid: u32, log: &mut Warnings) -> Option<&mut Process> {
        self.processes.get(pid, &mut self.pins, log)
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
        let snapshot = process.snapshot().map_err(|_| Error::NoProcess { pid })?;
        let mut mapped = false;
        for (file, id) in snapshot.code_files() {
            if !module.is_none_or(|module| uaddr::is_called(&file.path, module)) {
                continue;
            }
            mapped = true;
            let symbols = self.files.symbols(id, &mut self.pins, log);
            if let Some(addr) = uaddr::in_snapshot(snapshot, file, &symbols, symbol) {
                return Ok(addr);
            }
        }
        Err(uaddr::not_found(pid, module.filter(|_| !mapped), symbol))
    }

    /// The frames of each address, for a process by pid.
    pub(crate) fn frames(
        &mut self,
        pid: u32,
        lookups: impl Iterator<Item = Lookup>,
        log: &mut Warnings,
    ) -> Vec<Vec<Frame>> {
        let Some(process) = self.processes.get(pid, &mut self.pins, log) else {
            return lookups.map(|l| vec![Frame::unknown(l.addr, Missing::ProcessGone)]).collect();
        };
        let mut batch = Batch { process, pins: &mut self.pins, files: &mut self.files, log, refreshed: false };
        lookups.map(|lookup| batch.frames(lookup)).collect()
    }
}

/// One call's worth of work on one process.
struct Batch<'a> {
    process: &'a mut Process,
    pins: &'a mut Pins,
    files: &'a mut Files,
    log: &'a mut Warnings,
    refreshed: bool,
}

impl Batch<'_> {
    fn frames(&mut self, lookup: Lookup) -> Vec<Frame> {
        let found = self.mapped(lookup);
        let missing = match found {
            Ok(frames) => return frames,
            Err(missing) => missing,
        };
        match self.generated(lookup) {
            Some(frame) => vec![frame],
            None => vec![missing],
        }
    }

    /// Frames from the file that is mapped at the address.
    fn mapped(&mut self, lookup: Lookup) -> Result<Vec<Frame>, Frame> {
        let unknown = |missing| Frame::unknown(lookup.addr, missing);
        self.refresh_for(lookup.call());
        let Some((snapshot, mapping)) = self.process.find(lookup.call()) else {
            let missing = self.process.snapshot().err();
            return Err(unknown(missing.unwrap_or(Missing::NotMapped)));
        };
        match &mapping.backing {
            Backing::Anonymous => Err(unknown(Missing::Anonymous)),
            Backing::Vdso | Backing::Vsyscall => Err(unknown(Missing::NoSymbol)),
            Backing::File(file) => {
                let place = Place::new(lookup, snapshot, mapping, file);
                self.files.frames(&place, self.pins, self.log)
            }
        }
    }

    /// A library may have been loaded since the mappings were read.
    fn refresh_for(&mut self, addr: u64) {
        if self.refreshed || self.process.find(addr).is_some() {
            return;
        }
        self.refreshed = true;
        self.process.refresh_if_changed(self.pins, self.log);
    }

    /// A frame from the process's perf map.
    fn generated(&mut self, lookup: Lookup) -> Option<Frame> {
        let pid = self.process.id.pid;
        if self.process.alive().is_some() {
            self.process.jit.open(pid, self.log);
        }
        let region = self.process.jit.find(pid, lookup.call(), self.log)?;
        let raw: Arc<str> = String::from_utf8_lossy(region.name).into();
        let symbol = Symbol {
            name: demangle(&raw).map_or_else(|| Arc::clone(&raw), Arc::from),
            raw,
            offset: lookup.addr - region.start,
            size: region.size,
        };
        Some(Frame {
            symbol: Some(symbol),
            module: Some(Arc::from(JIT)),
            missing: None,
            ..Frame::unknown(lookup.addr, Missing::NoSymbol)
        })
    }
}

/// A place in a mapped file.
struct Place {
    lookup: Lookup,
    /// Offset of the address in the file.
    offset: u64,
    path: Arc<str>,
    file: Result<FileId, Missing>,
}

impl Place {
    fn new(lookup: Lookup, snapshot: &Snapshot, mapping: &Mapping, file: &MappedFile) -> Self {
        let data = || Err(Missing::FileUnreadable("it has no executable mapping".into()));
        let inside = lookup.addr.wrapping_sub(mapping.start);
        Self {
            lookup,
            offset: inside.wrapping_add(mapping.offset),
            path: Arc::clone(&file.path),
            file: snapshot.file(file).unwrap_or_else(data),
        }
    }

    fn unknown(&self, missing: Missing) -> Frame {
        Frame {
            module: Some(Arc::clone(&self.path)),
            file_offset: Some(self.offset),
            ..Frame::unknown(self.lookup.addr, missing)
        }
    }

    /// Fits frames that were made for another process to this one.
    fn placed(&self, frames: &[Frame]) -> Vec<Frame> {
        let place =
            |frame: &Frame| Frame { addr: self.lookup.addr, module: Some(Arc::clone(&self.path)), ..frame.clone() };
        frames.iter().map(place).collect()
    }
}

impl Files {
    fn frames(&mut self, place: &Place, pins: &mut Pins, log: &mut Warnings) -> Result<Vec<Frame>, Frame> {
        let id = place.file.clone().map_err(|why| place.unknown(why))?;
        let key = (id, place.offset, place.lookup.is_return);
        if let Some(frames) = self.frames.get(&key) {
            return Ok(place.placed(&frames));
        }
        let symbols = self.symbols(id, pins, log);
        let symbols = match &*symbols {
            Ok(symbols) => symbols,
            Err(why) => return Err(place.unknown(why.clone())),
        };
        let frames: Arc<[Frame]> = make_frames(symbols, place).into();
        self.frames.insert(key, Arc::clone(&frames), weight(&frames));
        Ok(place.placed(&frames))
    }

    fn symbols(&mut self, id: FileId, pins: &mut Pins, log: &mut Warnings) -> Arc<Result<FileSymbols, Missing>> {
        if let Some(symbols) = self.symbols.get(&id) {
            return symbols;
        }
        let symbols = Arc::new(read_symbols(id, pins, log));
        let bytes = symbols.as_ref().as_ref().map_or(64, FileSymbols::bytes);
        self.symbols.insert(id, Arc::clone(&symbols), bytes);
        symbols
    }
}

fn read_symbols(id: FileId, pins: &mut Pins, log: &mut Warnings) -> Result<FileSymbols, Missing> {
    let closed = || Missing::FileUnreadable("closed to make room for others".into());
    let pin = pins.get(id).ok_or_else(closed)?;
    let blob =
        Blob::from_file(pin.file).map_err(|error| Missing::FileUnreadable(crate::error::errno_name(&error).into()))?;
    let symbols = FileSymbols::open(blob);
    match &symbols {
        Err(why) => log.add(format!("{}: {why}", pin.path)),
        Ok(symbols) if symbols.cut => {
            log.add(format!("{}: it has more symbols than are kept", pin.path));
        }
        Ok(_) => {}
    }
    symbols
}

fn make_frames(symbols: &FileSymbols, place: &Place) -> Vec<Frame> {
    let unknown = || vec![place.unknown(Missing::NoSymbol)];
    let Some(vaddr) = symbols.elf.vaddr_of(place.offset) else {
        return unknown();
    };
    let lookup = vaddr.saturating_sub(u64::from(place.lookup.is_return));
    match symbols.symbol(vaddr, lookup) {
        None => unknown(),
        Some(symbol) => vec![Frame { symbol: Some(symbol), missing: None, ..place.unknown(Missing::NoSymbol) }],
    }
}

/// About how much memory frames take.
fn weight(frames: &[Frame]) -> usize {
    let text = |frame: &Frame| {
        let symbol = frame.symbol.as_ref();
        symbol.map_or(0, |symbol| symbol.name.len() + symbol.raw.len())
    };
    frames.iter().map(|frame| size_of::<Frame>() + text(frame)).sum::<usize>() + 64
}
