//! Symbols of the running kernel, its modules and its BPF programs.

mod kallsyms;
mod table;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use table::Table;

use crate::demangle::demangle;
use crate::error::Error;
use crate::frame::{Frame, Missing, Symbol};

/// A table is read again for an unknown address (a module or BPF program that is new), but
/// not more often than this.
const MIN_AGE: Duration = Duration::from_secs(1);

/// The kernel's symbols, read when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    table: Option<(Result<Table, Error>, Instant)>,
}

impl Kernel {
    /// What is at `addr`. `call` is the address to look up: one less than `addr` for return
    /// addresses.
    pub(crate) fn frame(&mut self, addr: u64, call: u64) -> Frame {
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

    /// Forgets the table; the next look-up reads it again.
    pub(crate) fn forget(&mut self) {
        self.table = None;
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
            None => stream_addr_of(name),
        }
    }

    fn find(&mut self, addr: u64, call: u64) -> Option<Frame> {
        let table = self.table().as_ref().ok()?;
        let found = table.find(call)?;
        let raw: Arc<str> = String::from_utf8_lossy(found.name).into();
        let symbol = Symbol {
            name: demangle(&raw).map_or_else(|| Arc::clone(&raw), Arc::from),
            raw,
            offset: addr - found.addr,
            size: found.size,
        };
        Some(Frame {
            symbol: Some(symbol),
            module: Some(Arc::clone(found.module)),
            missing: None,
            ..Frame::unknown(addr, Missing::NoSymbol)
        })
    }

    fn table(&mut self) -> &Result<Table, Error> {
        let load = || (Table::load(), Instant::now());
        &self.table.get_or_insert_with(load).0
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

/// Reads kallsyms as far as `name`.
fn stream_addr_of(name: &str) -> Result<u64, Error> {
    let mut seen_address = false;
    let mut zero = None;
    let flow = kallsyms::read(|line| {
        seen_address |= line.addr != 0;
        if line.name != name.as_bytes() {
            return ControlFlow::Continue(());
        }
        zero = zero.or(Some(line.addr));
        match line.addr {
            0 => ControlFlow::Continue(()),
            addr => ControlFlow::Break(addr),
        }
    })?;
    match (flow, seen_address, zero) {
        (ControlFlow::Break(addr), _, _) => Ok(addr),
        (_, false, _) => Err(Error::KernelAddressesHidden),
        (_, true, Some(addr)) => Ok(addr),
        (_, true, None) => {
            Err(Error::NoSuchSymbol { name: name.to_owned(), place: "the kernel (/proc/kallsyms)".to_owned() })
        }
    }
}
