//! Symbols of the running kernel, its modules and its BPF programs.

mod image;
mod kallsyms;
mod table;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use table::Table;

use crate::cache::Cache;
use crate::error::Error;
use crate::files::readable;
use crate::frame::{Frame, Missing, Symbol};
use crate::inlined::{Want, with_inlined};
use crate::place::Lookup;
use crate::symbolizer::Options;
use crate::warnings::Warnings;
use image::Image;
use kallsyms::Line;

/// A table is read again for an unknown address (a module or BPF program that is new), but
/// not more often than this.
const MIN_AGE: Duration = Duration::from_secs(1);

/// The kernel's symbols, read when they are first needed.
#[derive(Debug)]
pub(crate) struct Kernel {
    table: Option<(Result<Table, Error>, Instant)>,
    want: Want,
    /// Where the image with debug information is, when the user says so.
    vmlinux: Option<PathBuf>,
    image: Option<Result<Image, String>>,
    debug_limit: u64,
    /// Frames with debug information, which take long to make.
    frames: Cache<(u64, bool), Arc<[Frame]>>,
}

impl Kernel {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            table: None,
            want: Want { inlines: options.inlines, source: options.source },
            vmlinux: options.vmlinux.clone(),
            image: None,
            debug_limit: (options.debug_bytes / 2) as u64,
            frames: Cache::new(options.cache_bytes / 16),
        }
    }

    /// The frames at an address, innermost first.
    pub(crate) fn frames(&mut self, lookup: Lookup, log: &mut Warnings) -> Vec<Frame> {
        if !self.want.any() {
            return vec![self.frame(lookup)];
        }
        let key = (lookup.addr, lookup.is_return);
        if let Some(frames) = self.frames.get(&key) {
            return frames.to_vec();
        }
        let outer = self.frame(lookup);
        let frames = self.with_debug_info(outer, lookup, log);
        let bytes = frames.len() * 2 * size_of::<Frame>();
        // What is unknown now may become known with the next table.
        if frames.iter().all(|frame| frame.symbol.is_some()) {
            self.frames.insert(key, frames.as_slice().into(), bytes);
        }
        frames
    }

    /// What is at an address, without debug information.
    pub(crate) fn frame(&mut self, lookup: Lookup) -> Frame {
        let (addr, call) = (lookup.addr, lookup.call());
        if let Some(frame) = self.find(addr, call) {
            return frame;
        }
        if self.is_old() {
            self.table = None;
            if let Some(frame) = self.find(addr, call) {
                return frame;
            }
        }
        Frame::unknown(addr, self.missing())
    }

    /// The address of the kernel symbol `name`. Without a table in memory this reads the list
    /// only as far as the name and keeps nothing.
    pub(crate) fn addr_of(&self, name: &str) -> Result<u64, Error> {
        let found = match &self.table {
            Some((Ok(table), _)) => table.addr_of(name.as_bytes()),
            _ => None,
        };
        match found {
            Some(addr) => Ok(addr),
            None => stream_addr_of(Search::of(name)),
        }
    }

    /// The address of the symbol `name` of a module that is loaded.
    pub(crate) fn addr_in(module: &str, name: &str) -> Result<u64, Error> {
        stream_addr_of(Search { module: Some(module), ..Search::of(name) })
    }

    fn find(&mut self, addr: u64, call: u64) -> Option<Frame> {
        let table = self.table().as_ref().ok()?;
        let found = table.find(call)?;
        let raw: Arc<str> = String::from_utf8_lossy(found.name).into();
        let symbol = Symbol { name: readable(&raw), raw, offset: addr - found.addr, size: found.size };
        Some(Frame {
            symbol: Some(symbol),
            module: Some(Arc::clone(found.module)),
            missing: None,
            ..Frame::unknown(addr, Missing::NoSymbol)
        })
    }

    /// Modules have their debug information elsewhere, in a form that needs relocation: only
    /// the kernel itself gets inlined functions and lines.
    fn with_debug_info(&mut self, outer: Frame, lookup: Lookup, log: &mut Warnings) -> Vec<Frame> {
        if outer.module.as_deref() != Some(table::KERNEL) {
            return vec![outer];
        }
        let want = self.want;
        match self.image(log) {
            Some(image) => with_inlined(outer, image.functions(lookup.call()), lookup.addr, want),
            None => vec![outer],
        }
    }

    fn image(&mut self, log: &mut Warnings) -> Option<&Image> {
        if self.image.is_none() {
            let start = self.addr_of(Image::start_symbol()).map_err(|error| error.to_string());
            let image = start.and_then(|start| Image::find(self.vmlinux.as_deref(), start, self.debug_limit));
            if let Err(why) = &image {
                log.add(format!("no inlined functions and lines of the kernel: {why}"));
            }
            self.image = Some(image);
        }
        self.image.as_ref()?.as_ref().ok()
    }

    fn table(&mut self) -> &Result<Table, Error> {
        let load = || (Table::load(), Instant::now());
        &self.table.get_or_insert_with(load).0
    }

    /// Why no address has a name, if one was asked for.
    pub(crate) fn trouble(&self) -> Option<&Error> {
        self.table.as_ref().and_then(|(table, _)| table.as_ref().err())
    }

    fn is_old(&self) -> bool {
        let loaded = self.table.as_ref().map(|(_, when)| *when);
        loaded.is_none_or(|when| when.elapsed() >= MIN_AGE)
    }

    fn missing(&mut self) -> Missing {
        match self.table() {
            Ok(_) => Missing::NoSymbol,
            Err(Error::KernelAddressesHidden) => Missing::KernelAddressesHidden,
            Err(error) => Missing::KernelUnreadable(error.to_string().into()),
        }
    }
}

/// Reads kallsyms as far as the symbol.
fn stream_addr_of(mut search: Search<'_>) -> Result<u64, Error> {
    match kallsyms::read(|line| search.line(line))? {
        ControlFlow::Break(addr) => Ok(addr),
        ControlFlow::Continue(()) => search.at_end(),
    }
}

/// What was seen of the list while a symbol was looked for.
struct Search<'a> {
    name: &'a str,
    /// Where it has to be, if not anywhere.
    module: Option<&'a str>,
    address: bool,
    data: bool,
    /// The symbol is there, at address 0.
    zero: bool,
}

impl<'a> Search<'a> {
    fn of(name: &'a str) -> Self {
        Self { name, module: None, address: false, data: false, zero: false }
    }

    fn line(&mut self, line: Line<'_>) -> ControlFlow<u64> {
        self.address |= line.addr != 0;
        self.data |= matches!(line.kind, b'd' | b'D' | b'b' | b'B');
        if line.name != self.name.as_bytes() || self.module.is_some_and(|is| line.module != Some(is.as_bytes())) {
            return ControlFlow::Continue(());
        }
        self.zero |= line.addr == 0;
        if line.addr == 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(line.addr) }
    }

    fn at_end(&self) -> Result<u64, Error> {
        match (self.address, self.zero) {
            (false, _) => Err(Error::KernelAddressesHidden),
            (true, true) => Ok(0),
            (true, false) => Err(Error::NoSuchSymbol { name: self.name.to_owned(), place: self.place() }),
        }
    }

    fn place(&self) -> String {
        match (self.module, self.data) {
            (Some(module), true) => format!("the module `{module}` (/proc/kallsyms)"),
            (None, true) => "the kernel (/proc/kallsyms)".to_owned(),
            (_, false) => {
                "the kernel: /proc/kallsyms has functions only, no data (it was built without CONFIG_KALLSYMS_ALL)"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr_of(list: &str, name: &str) -> Result<u64, String> {
        found(list, Search::of(name))
    }

    fn found(list: &str, mut search: Search<'_>) -> Result<u64, String> {
        let flow = kallsyms::lines(list.as_bytes(), |line| search.line(line)).unwrap();
        flow.break_value().map_or_else(|| search.at_end(), Ok).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_of_one_module() {
        let list = "ff00 D debug\nff10 d debug\t[one]\nff20 d debug\t[two]\n";
        let of = |module| found(list, Search { module: Some(module), ..Search::of("debug") });
        assert_eq!((addr_of(list, "debug"), of("one"), of("two")), (Ok(0xff00), Ok(0xff10), Ok(0xff20)));
        assert_eq!(of("three").unwrap_err(), "no symbol `debug` in the module `three` (/proc/kallsyms)");
    }

    #[test]
    fn addresses_by_name() {
        let list = "ff00 T code\nff10 D data\n0 A percpu\n";
        assert_eq!(addr_of(list, "data"), Ok(0xff10));
        assert_eq!(addr_of(list, "percpu"), Ok(0));
        assert_eq!(addr_of(list, "nosuch").unwrap_err(), "no symbol `nosuch` in the kernel (/proc/kallsyms)");
    }

    #[test]
    fn lists_without_data_say_so() {
        let error = addr_of("ff00 T code\n", "avenrun").unwrap_err();
        assert!(error.contains("`avenrun`") && error.contains("CONFIG_KALLSYMS_ALL"), "{error}");
        assert!(addr_of("0 T code\n", "code").unwrap_err().contains("kptr_restrict"));
    }
}
