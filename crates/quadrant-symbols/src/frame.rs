//! What an address is turned into.

use std::fmt;
use std::sync::Arc;

use quadrant_types::SourceLine;

/// One function at one address. An address that lies in inlined code gives several frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The address that was asked for.
    pub addr: u64,
    /// The function (or object) there; `None` when unknown, then [`Frame::missing`] says why.
    pub symbol: Option<Symbol>,
    /// Path of the mapped file, `[kernel]`, the name of a kernel module, `[vdso]` or `[jit]`.
    pub module: Option<Arc<str>>,
    /// Offset in the mapped file, when the address lies in one.
    pub file_offset: Option<u64>,
    /// Build id of the mapped file, when it was read and has one.
    pub build_id: Option<Arc<[u8]>>,
    /// Source position, when asked for and known.
    pub source: Option<SourceLine>,
    /// True for a function that the compiler inlined into the next frame.
    pub inlined: bool,
    /// Why there is no symbol. Always `None` when `symbol` is `Some`.
    pub missing: Option<Missing>,
}

/// A named piece of code or data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The name, demangled when it is a Rust or C++ one.
    pub name: Arc<str>,
    /// The name as the file has it. The same as `name` when nothing was demangled.
    pub raw: Arc<str>,
    /// Distance of the address from the start of the symbol, in bytes. For an inlined
    /// function this is the distance from the start of the function it is inlined into.
    pub offset: u64,
    /// Size in bytes; 0 when unknown.
    pub size: u64,
}

/// Why an address has no symbol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// No mapping of the process covers the address.
    NotMapped,
    /// The process was gone before anything could be read about it.
    ProcessGone,
    /// The process has no user memory: it has ended but was not waited for yet, or it is a
    /// thread of the kernel.
    NoMemory,
    /// The process may not be inspected; the errno by name.
    NoAccess(Arc<str>),
    /// A mapping without a file, and no perf map that covers the address.
    Anonymous,
    /// The file is known and readable, but no symbol covers the address.
    NoSymbol,
    /// The mapped file could not be opened or read; the reason.
    FileUnreadable(Arc<str>),
    /// The mapped file is not an ELF file or is damaged; the reason.
    BadFile(Arc<str>),
    /// `/proc/kallsyms` shows only zeros (`kernel.kptr_restrict`, no CAP_SYSLOG).
    KernelAddressesHidden,
    /// `/proc/kallsyms` could not be read; the errno by name.
    KernelUnreadable(Arc<str>),
}

impl Frame {
    /// A frame of which nothing is known, not even why.
    pub fn bare(addr: u64) -> Self {
        Self {
            addr,
            symbol: None,
            module: None,
            file_offset: None,
            build_id: None,
            source: None,
            inlined: false,
            missing: None,
        }
    }

    /// A frame of which only the reason for its lack of a symbol is known.
    pub(crate) fn unknown(addr: u64, missing: Missing) -> Self {
        Self { missing: Some(missing), ..Self::bare(addr) }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMapped => f.write_str("no mapping of the process covers the address"),
            Self::ProcessGone => f.write_str("the process ended before its mappings were read"),
            Self::NoMemory => f.write_str("the process has no user memory (ended, or a kernel thread)"),
            Self::NoAccess(errno) => write!(f, "the process may not be inspected: {errno}"),
            Self::Anonymous => f.write_str("memory without a file and without a perf map entry"),
            Self::NoSymbol => f.write_str("no symbol covers the address"),
            Self::FileUnreadable(why) => write!(f, "the mapped file cannot be read: {why}"),
            Self::BadFile(why) => write!(f, "the mapped file is no usable ELF file: {why}"),
            Self::KernelAddressesHidden => {
                f.write_str("the kernel hides its addresses (kernel.kptr_restrict or no CAP_SYSLOG)")
            }
            Self::KernelUnreadable(why) => write!(f, "/proc/kallsyms cannot be read: {why}"),
        }
    }
}
