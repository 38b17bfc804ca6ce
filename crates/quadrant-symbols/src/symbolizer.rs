//! The front of the crate: addresses in, frames out.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::place::Lookup;
use crate::process::{Mapped, ProcessId};
use crate::uaddr::{self, FileAddr};
use crate::user::{User, Who};
use crate::warnings::{Warning, Warnings};

/// What to look for and how much to keep.
#[derive(Debug, Clone)]
pub struct Options {
    /// Also report functions that the compiler inlined (needs DWARF).
    pub inlines: bool,
    /// Also report source files and lines (needs DWARF).
    pub source: bool,
    /// Memory for symbol tables and results, in bytes.
    pub cache_bytes: usize,
    /// Memory for debug information, in bytes. A file with more than half of it is used
    /// without inlined functions and lines.
    pub debug_bytes: usize,
    /// The kernel's image with debug information. When unset, the one of the running kernel
    /// is looked for where distributions install it.
    pub vmlinux: Option<PathBuf>,
    /// Processes that are remembered; those used least recently are forgotten.
    pub max_processes: usize,
    /// Mapped files that are held open; the same.
    pub max_files: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inlines: false,
            source: false,
            cache_bytes: 256 << 20,
            debug_bytes: 1 << 30,
            vmlinux: None,
            max_processes: 32768,
            max_files: 512,
        }
    }
}

/// Turns addresses into symbols. Nothing is read before it is needed.
#[derive(Debug)]
pub struct Symbolizer {
    kernel: Kernel,
    user: User,
    log: Warnings,
}

impl Symbolizer {
    /// A symbolizer that knows nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { kernel: Kernel::new(&options), user: User::new(&options), log: Warnings::default() }
    }

    /// The frames of each kernel address, innermost first; at least one for each.
    pub fn kernel(&mut self, addrs: &[u64]) -> Vec<Vec<Frame>> {
        self.kernel_frames(addrs.iter().map(|addr| exact(*addr)))
    }

    /// The same for a stack, innermost first: all addresses but the first are return
    /// addresses, so the call before each of them is what is looked up.
    pub fn kernel_stack(&mut self, stack: &[u64]) -> Vec<Vec<Frame>> {
        self.kernel_frames(stack_lookups(stack))
    }

    /// The frames of each address in process `pid`, innermost first; at least one for each.
    pub fn process(&mut self, pid: u32, addrs: &[u64]) -> Vec<Vec<Frame>> {
        let lookups = addrs.iter().map(|addr| exact(*addr));
        self.user.frames(Who::Pid(pid), lookups, &mut self.log)
    }

    /// The same for a stack; see [`Symbolizer::kernel_stack`].
    pub fn process_stack(&mut self, pid: u32, stack: &[u64]) -> Vec<Vec<Frame>> {
        self.user.frames(Who::Pid(pid), stack_lookups(stack), &mut self.log)
    }

    /// The same for a process that was remembered, whoever has its pid now.
    pub fn process_stack_by_id(&mut self, id: ProcessId, stack: &[u64]) -> Vec<Vec<Frame>> {
        self.user.frames(Who::Id(id), stack_lookups(stack), &mut self.log)
    }

    /// Why no kernel address has a name, and what to do; nothing if they have, or none was asked for.
    pub fn kernel_trouble(&self) -> Option<String> {
        self.kernel.trouble().map(Error::to_string)
    }

    /// The function at a kernel address, without inlined ones.
    pub fn ksym(&mut self, addr: u64) -> Frame {
        self.kernel.frame(exact(addr))
    }

    /// The frames at each offset of an ELF file, innermost first; at least one for each.
    pub fn file(&mut self, path: &str, offsets: &[u64]) -> Vec<Vec<Frame>> {
        self.user.file_frames(path, offsets.iter().map(|offset| exact(*offset)), &mut self.log)
    }

    /// The function at an address of a process, without inlined ones.
    pub fn usym(&mut self, pid: u32, addr: u64) -> Frame {
        let lookup = std::iter::once(exact(addr));
        let frames = self.user.frames(Who::Pid(pid), lookup, &mut self.log).pop();
        let outermost = frames.and_then(|mut frames| frames.pop());
        outermost.unwrap_or_else(|| Frame::unknown(addr, crate::Missing::NotMapped))
    }

    /// The address of a kernel symbol.
    pub fn kaddr(&self, name: &str) -> Result<u64, Error> {
        self.kernel.addr_of(name)
    }

    /// The same of a module that is loaded.
    pub fn kaddr_in_module(&self, module: &str, name: &str) -> Result<u64, Error> {
        Kernel::addr_in(module, name)
    }

    /// The address of a symbol in an ELF file.
    pub fn uaddr_in_file(&self, path: &str, symbol: &str) -> Result<FileAddr, Error> {
        uaddr::in_file(path, symbol)
    }

    /// The same, with how far it is in every process behind the code at `offset` of the file.
    ///
    /// # Errors
    /// The file cannot be read, has no such symbol, or no code there.
    pub fn uaddr_behind(&self, path: &str, symbol: &str, offset: u64) -> Result<(FileAddr, i64), Error> {
        uaddr::behind(path, symbol, offset)
    }

    /// The address of a symbol in a process. `module` chooses the mapped file by its path, its
    /// file name, or its file name up to `.so` (`libc`); without it all files are searched, the
    /// program itself first.
    pub fn uaddr_in_process(&mut self, pid: u32, module: Option<&str>, symbol: &str) -> Result<u64, Error> {
        self.user.addr_of(pid, module, symbol, &mut self.log)
    }

    /// Reads what is needed to symbolize addresses of a process later, even after it ended.
    /// To be called when a pid is seen for the first time; cheap when it is known. `None` when
    /// there is no such process.
    pub fn remember(&mut self, pid: u32) -> Option<ProcessId> {
        self.user.remember(pid, &mut self.log)
    }

    /// Opens a file of the tracer's own root that processes will have mapped. So their addresses in it have names also
    /// where a process that has ended had another root, in which nobody can look any more.
    pub fn keep(&mut self, path: &Path) {
        self.user.keep(path);
    }

    /// The kernel reported that `pid` is a new process, a copy of `parent`; `time` is that of the boot clock, in
    /// nanoseconds. Reports are to be given in the order of time. From the first one on, processes that are known
    /// are not looked at again.
    pub fn forked(&mut self, pid: u32, parent: u32, time: u64) {
        self.user.forked(pid, parent, time, &mut self.log);
    }

    /// The kernel reported that a process becomes another program: its memory is empty.
    pub fn executed(&mut self, pid: u32, time: u64) {
        self.user.executed(pid, time, &mut self.log);
    }

    /// The kernel reported that a process has new executable memory. Its file is opened at once: the process may be gone
    /// soon.
    pub fn mapped(&mut self, mapped: &Mapped<'_>) {
        self.user.mapped(mapped, &mut self.log);
    }

    /// What went wrong since the last call, each with a count.
    pub fn warnings(&mut self) -> Vec<Warning> {
        self.log.take()
    }

    fn kernel_frames(&mut self, lookups: impl Iterator<Item = Lookup>) -> Vec<Vec<Frame>> {
        lookups.map(|lookup| self.kernel.frames(lookup, &mut self.log)).collect()
    }
}

fn exact(addr: u64) -> Lookup {
    Lookup { addr, is_return: false }
}

fn stack_lookups(stack: &[u64]) -> impl Iterator<Item = Lookup> {
    stack.iter().enumerate().map(|(depth, addr)| Lookup { addr: *addr, is_return: depth > 0 })
}
