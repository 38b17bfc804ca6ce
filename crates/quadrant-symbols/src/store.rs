//! What was read from files, kept as long as the budget allows.

use std::sync::Arc;

use quadrant_types::DebugInfo;

use crate::cache::Cache;
use crate::debug_files::Finder;
use crate::files::FileSymbols;
use crate::frame::{Frame, Missing, Symbol};
use crate::inlined::{Want, with_inlined};
use crate::pins::{FileId, Pins};
use crate::place::Place;
use crate::symbolizer::Options;
use crate::warnings::Warnings;

/// Symbols and debug information of files, and the frames already made of them.
#[derive(Debug)]
pub(crate) struct Store {
    symbols: Cache<FileId, Arc<Result<FileSymbols, Missing>>>,
    debug: Cache<FileId, Option<DebugInfo>>,
    frames: Cache<(FileId, u64, bool), Arc<[Frame]>>,
    want: Want,
    /// The largest debug information of one file, in bytes.
    debug_limit: u64,
}

impl Store {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            symbols: Cache::new(options.cache_bytes / 2),
            debug: Cache::new(options.debug_bytes),
            frames: Cache::new(options.cache_bytes / 4),
            want: Want { inlines: options.inlines, source: options.source },
            debug_limit: (options.debug_bytes / 2) as u64,
        }
    }

    /// The frames of a place, or one frame with the reason why there are none.
    pub(crate) fn frames(&mut self, place: &Place, pins: &mut Pins, log: &mut Warnings) -> Vec<Frame> {
        let id = match &place.file {
            Ok(id) => *id,
            Err(why) => return vec![place.unknown(why.clone())],
        };
        let key = (id, place.offset, place.lookup.is_return);
        if let Some(frames) = self.frames.get(&key) {
            return place.placed(frames);
        }
        let finder = finder(place);
        let symbols = self.symbols(id, &finder, pins, log);
        let symbols = match &*symbols {
            Ok(symbols) => symbols,
            Err(why) => return vec![place.unknown(why.clone())],
        };
        let want = self.want;
        let debug = match want.any() {
            true => self.debug(id, symbols, &finder, log),
            false => None,
        };
        let frames: Arc<[Frame]> = make_frames(symbols, debug, want, place, log).into();
        self.frames.insert(key, Arc::clone(&frames), weight(&frames));
        place.placed(&frames)
    }

    /// The symbols of a file, or why there are none.
    pub(crate) fn symbols(
        &mut self,
        id: FileId,
        finder: &Finder,
        pins: &mut Pins,
        log: &mut Warnings,
    ) -> Arc<Result<FileSymbols, Missing>> {
        if let Some(symbols) = self.symbols.get(&id) {
            return Arc::clone(symbols);
        }
        let symbols = Arc::new(read_symbols(id, finder, self.want.any(), pins, log));
        let bytes = symbols.as_ref().as_ref().map_or(64, FileSymbols::bytes);
        self.symbols.insert(id, Arc::clone(&symbols), bytes);
        symbols
    }

    /// Lets go of what holds files open that were closed to make room. Frames already made of
    /// them stay.
    pub(crate) fn forget(&mut self, closed: &[FileId]) {
        for id in closed {
            self.symbols.remove(id);
        }
    }

    fn debug(&mut self, id: FileId, symbols: &FileSymbols, finder: &Finder, log: &mut Warnings) -> Option<&DebugInfo> {
        if self.debug.get(&id).is_none() {
            let read = symbols.debug_info(finder, self.debug_limit);
            let info = read.unwrap_or_else(|why| {
                let path = finder.path.display();
                log.add(format!("{path}: debug information not used: {why}"));
                None
            });
            if info.as_ref().is_some_and(DebugInfo::is_incomplete) {
                let path = finder.path.display();
                log.add(format!("{path}: debug information is too large or damaged: parts are not used"));
            }
            // The tables that are made of the sections take about as much again.
            let bytes = info.as_ref().map_or(64, |info| 2 * info.bytes());
            self.debug.insert(id, info, bytes);
        }
        self.debug.get(&id)?.as_ref()
    }
}

/// Where the debug files of a place's file are to be looked for.
pub(crate) fn finder(place: &Place) -> Finder {
    Finder::new(&*place.path, place.pid)
}

fn read_symbols(
    id: FileId,
    finder: &Finder,
    debug_info: bool,
    pins: &mut Pins,
    log: &mut Warnings,
) -> Result<FileSymbols, Missing> {
    let closed = || Missing::FileUnreadable("closed to make room for others".into());
    let pin = pins.get(id).ok_or_else(closed)?;
    let symbols = FileSymbols::open(pin.blob, finder, debug_info);
    match &symbols {
        Err(why) => log.add(format!("{}: {why}", pin.path)),
        Ok(symbols) if symbols.is_cut() => {
            log.add(format!("{}: it has more symbols than are kept", pin.path));
        }
        Ok(_) => {}
    }
    symbols
}

fn make_frames(
    symbols: &FileSymbols,
    debug: Option<&DebugInfo>,
    want: Want,
    place: &Place,
    log: &mut Warnings,
) -> Vec<Frame> {
    let Some(vaddr) = symbols.elf.vaddr_of(place.offset) else {
        return vec![frame(place, symbols, None)];
    };
    let lookup = place.lookup.before(vaddr);
    let mut outer = frame(place, symbols, symbols.symbol(vaddr, lookup));
    let Some(debug) = debug else {
        return vec![outer];
    };
    if let Some(name) = debug.missing_split_file(lookup) {
        log.add(format!("{}: its debug information in {name} was not found (no inlined functions there)", place.path));
    }
    let functions = debug.functions(lookup);
    if functions.is_empty() && want.source {
        outer.source = debug.line(lookup);
    }
    with_inlined(outer, functions, vaddr, want)
}

fn frame(place: &Place, symbols: &FileSymbols, symbol: Option<Symbol>) -> Frame {
    Frame {
        missing: symbol.is_none().then_some(Missing::NoSymbol),
        symbol,
        build_id: symbols.build_id.clone(),
        ..place.unknown(Missing::NoSymbol)
    }
}

/// About how much memory frames take.
fn weight(frames: &[Frame]) -> usize {
    let text = |frame: &Frame| {
        let symbol = frame.symbol.as_ref();
        let source = frame.source.as_ref();
        symbol.map_or(0, |symbol| symbol.name.len() + symbol.raw.len()) + source.map_or(0, |source| source.file.len())
    };
    let texts: usize = frames.iter().map(text).sum();
    size_of_val(frames) + texts + 64
}
