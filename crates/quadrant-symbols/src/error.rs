//! The one error type of this crate.

use std::fmt;
use std::io;

/// Why a symbol or an address could not be found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read. `errno` is the name (`EACCES`).
    Io {
        /// What was tried, for example `read /proc/kallsyms`.
        action: String,
        /// The errno by name.
        errno: String,
    },
    /// `/proc/kallsyms` shows only zeros: `kernel.kptr_restrict` or a missing capability.
    KernelAddressesHidden,
    /// No symbol has this name.
    NoSuchSymbol {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        place: String,
    },
    /// A file is not what it should be (not ELF, cut off, offsets outside).
    Malformed {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The process does not exist (any more) and was never seen before.
    NoProcess {
        /// The process id asked for.
        pid: u32,
    },
    /// The process does not map the file that was named.
    NotMapped {
        /// The process id asked for.
        pid: u32,
        /// The file or symbol that was looked for.
        what: String,
    },
}

impl Error {
    /// An [`Error::Io`] of a file in /proc.
    pub(crate) fn of_proc(action: impl Into<String>, error: &io::Error) -> Self {
        let is_mounted = error.kind() != io::ErrorKind::NotFound || std::path::Path::new("/proc/self").exists();
        match Self::io(action, error) {
            Self::Io { action, errno } if !is_mounted => Self::Io {
                action,
                errno: format!("{errno}: /proc is not mounted here: run `mount -t proc proc /proc`"),
            },
            error => error,
        }
    }

    /// An [`Error::Io`] from an I/O error and what was being done.
    pub(crate) fn io(action: impl Into<String>, error: &io::Error) -> Self {
        Self::Io { action: action.into(), errno: errno_name(error) }
    }

    /// An [`Error::Malformed`].
    pub(crate) fn malformed(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Malformed { file: file.into(), what: what.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, errno } => write!(f, "cannot {action}: {errno}"),
            Self::KernelAddressesHidden => f.write_str(
                "the kernel hides its addresses (all zero in /proc/kallsyms): \
                 run with CAP_SYSLOG, or set sysctl kernel.kptr_restrict=0",
            ),
            Self::NoSuchSymbol { name, place } => write!(f, "no symbol `{name}` in {place}"),
            Self::Malformed { file, what } => write!(f, "{file} is malformed: {what}"),
            Self::NoProcess { pid } => write!(f, "process {pid} does not exist and was not seen while it ran"),
            Self::NotMapped { pid, what } => write!(f, "process {pid} does not map {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// The errno of an I/O error by its C name, or the error's own text when it has none.
pub(crate) fn errno_name(error: &io::Error) -> String {
    let Some(code) = error.raw_os_error() else {
        return error.to_string();
    };
    match NAMES.iter().find(|(number, _)| *number == code) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("errno {code}"),
    }
}

/// The errno values that opening and reading files in /proc, sysfs and file systems give.
const NAMES: &[(i32, &str)] = &[
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (9, "EBADF"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (26, "ETXTBSY"),
    (36, "ENAMETOOLONG"),
    (38, "ENOSYS"),
    (40, "ELOOP"),
    (75, "EOVERFLOW"),
    (95, "EOPNOTSUPP"),
    (107, "ENOTCONN"),
    (110, "ETIMEDOUT"),
    (116, "ESTALE"),
];
