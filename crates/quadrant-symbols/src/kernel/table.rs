//! The kernel's symbols in memory, sorted by address.
//!
//! 16 bytes and the name for each: about 5 MB for 120,000 symbols.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::kallsyms::{self, Line};
use crate::error::Error;

/// What is in the image itself.
pub(crate) const KERNEL: &str = "[kernel]";
/// Below this no kernel address lies on a 64-bit machine; what kallsyms lists there are
/// offsets into per-CPU areas and other absolute values.
const LOWEST: u64 = 1 << 63;
/// How far behind the last symbol of a module an address may lie.
const MAX_TAIL: u64 = 256 * 1024;
/// More symbols or modules than any kernel has.
const MAX_SYMBOLS: usize = 4_000_000;

/// All symbols that have a kernel address.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    names: Vec<u8>,
    modules: Vec<Arc<str>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    addr: u64,
    name: u32,
    name_len: u16,
    module: u16,
}

/// A symbol that covers an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) addr: u64,
    /// 0 when the symbol is the last one of its module.
    pub(crate) size: u64,
    pub(crate) name: &'a [u8],
    pub(crate) module: &'a Arc<str>,
}

impl Table {
    /// Reads the running kernel's table.
    pub(crate) fn load() -> Result<Self, Error> {
        let mut builder = Builder::default();
        kallsyms::read(|line| builder.add(line))?.is_break();
        builder.finish()
    }

    /// The symbol that covers `addr`.
    pub(crate) fn find(&self, addr: u64) -> Option<Found<'_>> {
        let after = self.entries.partition_point(|entry| entry.addr <= addr);
        let last = self.entries.get(after.checked_sub(1)?)?;
        let first = self.entries.partition_point(|entry| entry.addr < last.addr);
        let same = self.entries.get(first..after)?;
        let best = same.iter().min_by_key(|entry| self.distaste(entry))?;
        let next = self.entries.get(after);
        let size = next.filter(|next| next.module == best.module).map_or(0, |next| next.addr - best.addr);
        if size == 0 && addr - best.addr >= MAX_TAIL {
            return None;
        }
        Some(Found {
            addr: best.addr,
            size,
            name: self.name(best),
            module: self.modules.get(usize::from(best.module))?,
        })
    }

    /// The address of the first symbol called `name`.
    pub(crate) fn addr_of(&self, name: &[u8]) -> Option<u64> {
        let named = self.entries.iter().find(|entry| self.name(entry) == name);
        named.map(|entry| entry.addr)
    }

    /// Bytes of memory in use.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>() + self.names.len()
    }

    fn name(&self, entry: &Entry) -> &[u8] {
        let start = entry.name as usize;
        let end = start + usize::from(entry.name_len);
        self.names.get(start..end).unwrap_or_default()
    }

    /// Orders the names of one address: the plainest name is the best, and of the system call
    /// entries the native one.
    fn distaste(&self, entry: &Entry) -> (bool, usize) {
        let name = self.name(entry);
        let underscores = name.iter().take_while(|byte| **byte == b'_').count();
        (name.starts_with(b"__ia32_"), underscores)
    }
}

#[derive(Default)]
struct Builder {
    entries: Vec<Entry>,
    names: Vec<u8>,
    modules: HashMap<Vec<u8>, u16>,
    seen_address: bool,
}

impl Builder {
    fn add(&mut self, line: Line<'_>) -> ControlFlow<()> {
        self.seen_address |= line.addr != 0;
        if line.addr < LOWEST {
            return ControlFlow::Continue(());
        }
        if self.entries.len() >= MAX_SYMBOLS {
            return ControlFlow::Break(());
        }
        if let Some(entry) = self.entry(line) {
            self.entries.push(entry);
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, line: Line<'_>) -> Option<Entry> {
        let name = u32::try_from(self.names.len()).ok()?;
        let name_len = u16::try_from(line.name.len()).ok()?;
        let module = self.module(line.module)?;
        self.names.extend_from_slice(line.name);
        Some(Entry { addr: line.addr, name, name_len, module })
    }

    /// The number of a module; 0 is the kernel itself.
    fn module(&mut self, name: Option<&[u8]>) -> Option<u16> {
        let Some(name) = name else { return Some(0) };
        if let Some(number) = self.modules.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.modules.len() + 1).ok()?;
        self.modules.insert(name.to_vec(), number);
        Some(number)
    }

    fn finish(mut self) -> Result<Table, Error> {
        if !self.seen_address {
            return Err(Error::KernelAddressesHidden);
        }
        self.entries.sort_by_key(|entry| entry.addr);
        self.entries.shrink_to_fit();
        let mut modules = vec![Arc::from(KERNEL); self.modules.len() + 1];
        for (name, number) in self.modules {
            modules[usize::from(number)] = String::from_utf8_lossy(&name).into();
        }
        Ok(Table { entries: self.entries, names: self.names, modules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, Error> {
        let mut builder = Builder::default();
        let flow = kallsyms::lines(text.as_bytes(), |line| builder.add(line));
        assert!(flow.is_ok());
        builder.finish()
    }

    const TEXT: &str = "0000000000000000 A percpu\n\
        ffffffff81000000 T _stext\n\
        ffffffff81000000 T stext_plain\n\
        ffffffff81000100 t second\n\
        ffffffffa0000040 t in_module\t[mod_a]\n\
        ffffffffa0000000 t first_in_module\t[mod_a]\n\
        ffffffffa0100000 t other\t[mod_b]\n";

    #[test]
    fn finds_name_size_and_module() {
        let table = table(TEXT).unwrap();
        let found = table.find(0xffff_ffff_8100_0010).unwrap();
        assert_eq!(found.name, b"stext_plain");
        assert_eq!((found.addr, found.size), (0xffff_ffff_8100_0000, 0x100));
        assert_eq!(&**found.module, KERNEL);
        let found = table.find(0xffff_ffff_a000_0001).unwrap();
        assert_eq!((found.name, found.size), (&b"first_in_module"[..], 0x40));
        assert_eq!(&**found.module, "mod_a");
    }

    #[test]
    fn the_last_of_a_module_has_no_size_and_a_bounded_reach() {
        let table = table(TEXT).unwrap();
        let found = table.find(0xffff_ffff_a000_0050).unwrap();
        assert_eq!((found.name, found.size), (&b"in_module"[..], 0));
        assert_eq!(table.find(0xffff_ffff_a00f_ffff), None);
        assert_eq!(table.find(0x10), None);
        assert_eq!(table.find(0xffff_ffff_8000_0000), None);
    }

    #[test]
    fn hidden_addresses_are_an_error() {
        let zeros = "0000000000000000 T _stext\n0000000000000000 t x\n";
        assert_eq!(table(zeros).unwrap_err(), Error::KernelAddressesHidden);
    }

    #[test]
    fn the_running_kernel_fits_in_little_memory() {
        match Table::load() {
            Ok(table) => assert!(table.bytes() < 64 << 20, "{} bytes", table.bytes()),
            Err(error) => println!("skipped: {error}"),
        }
    }
}
