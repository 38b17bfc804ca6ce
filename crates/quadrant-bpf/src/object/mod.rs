//! Programs, maps, links and types that the kernel has now, whoever made them.
//!
//! The kernel numbers them; [`ids`] lists the numbers and [`open`] gives a descriptor, which takes CAP_SYS_ADMIN. An
//! open descriptor keeps the object alive, so none is held longer than it takes to ask.

mod btf;
mod code;
mod link;
mod map;
mod program;
mod task;

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use crate::attr;
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys::{self, Attr, Command};

pub use btf::BtfObject;
pub use code::{CodeLine, JitedFunction, ProgramCode};
pub use link::{LinkObject, LinkTarget, MISSED_INFO_LEN, PerfTarget};
pub use map::{MapObject, map_kind_name};
pub use program::{ProgramObject, attach_type_name, program_kind_name};
pub use task::{TaskAttachment, TaskProbe, task_attachment};

/// What the kernel keeps a list of.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum ObjectKind {
    /// Programs.
    Program,
    /// Maps.
    Map,
    /// Links (Linux 5.8).
    Link,
    /// Type information.
    Btf,
}

/// The numbers of all objects of a kind, ascending.
pub fn ids(kind: ObjectKind) -> Result<Vec<u32>> {
    let mut ids = Vec::new();
    let mut last = 0;
    while let Some(next) = next(kind, last)? {
        // A number that does not rise would never end.
        if next <= last {
            break;
        }
        ids.push(next);
        last = next;
    }
    Ok(ids)
}

fn next(kind: ObjectKind, id: u32) -> Result<Option<u32>> {
    let mut request = attr::ObjectId { id, ..Default::default() };
    match sys::bpf(kind.next_command(), &mut request) {
        Ok(_) => Ok(Some(request.next_id)),
        Err(errno) if errno.is(libc::ENOENT) => Ok(None),
        Err(errno) => Err(Error::os(format!("cannot list the kernel's BPF {}s", kind.word()), Operation::Admin, errno)),
    }
}

/// A descriptor of an object; `None` if there is none of that number, because it is gone by now or, of a link, because it
/// is still being made (EAGAIN).
pub fn open(kind: ObjectKind, id: u32) -> Result<Option<OwnedFd>> {
    let mut request = attr::ObjectId { id, ..Default::default() };
    match sys::bpf_fd(kind.open_command(), &mut request) {
        Ok(fd) => Ok(Some(fd)),
        Err(errno) if errno.is(libc::ENOENT) || errno.is(libc::EAGAIN) => Ok(None),
        Err(errno) => Err(Error::os(format!("cannot open BPF {} {id}", kind.word()), Operation::Admin, errno)),
    }
}

/// Pins an object at a path of a BPF file system, where nothing may be yet. It lives until the file is removed.
pub fn pin(object: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let mut request =
        attr::Object { pathname: path.as_ptr() as u64, bpf_fd: object.as_raw_fd() as u32, ..Default::default() };
    let answer = sys::bpf(Command::ObjectPin, &mut request);
    let failed = |errno| Error::os(format!("cannot pin at {}", path.to_string_lossy()), Operation::Query, errno);
    answer.map(drop).map_err(failed)
}

/// A descriptor of the object that is pinned at a path of a BPF file system.
pub fn open_pinned(path: &CStr) -> Result<OwnedFd> {
    let mut request = attr::Object { pathname: path.as_ptr() as u64, ..Default::default() };
    sys::bpf_fd(Command::ObjectGet, &mut request).map_err(|errno| not_opened(path, errno))
}

/// The kernel answers EACCES for files of all other kinds, too.
fn not_opened(path: &CStr, errno: Errno) -> Error {
    let error = Error::os(format!("cannot open the pin {}", path.to_string_lossy()), Operation::Query, errno);
    if !errno.is(libc::EACCES) {
        return error;
    }
    let why = "it is no pin of a map, a program or a link, or this user may not open it";
    error.because(why).with_hint("`quadrant maps` and `quadrant progs` list what is pinned, and where")
}

impl ObjectKind {
    fn word(self) -> &'static str {
        match self {
            ObjectKind::Program => "program",
            ObjectKind::Map => "map",
            ObjectKind::Link => "link",
            ObjectKind::Btf => "type",
        }
    }

    fn next_command(self) -> Command {
        match self {
            ObjectKind::Program => Command::ProgNextId,
            ObjectKind::Map => Command::MapNextId,
            ObjectKind::Link => Command::LinkNextId,
            ObjectKind::Btf => Command::BtfNextId,
        }
    }

    fn open_command(self) -> Command {
        match self {
            ObjectKind::Program => Command::ProgById,
            ObjectKind::Map => Command::MapById,
            ObjectKind::Link => Command::LinkById,
            ObjectKind::Btf => Command::BtfById,
        }
    }
}

/// Fills in a structure about an object. Fields of it say where longer answers shall go. Returns how many bytes of it
/// the kernel knows.
fn describe<A: Attr>(fd: BorrowedFd<'_>, info: &mut A, what: &str) -> Result<u32> {
    let mut place = [*info];
    let mut request = attr::InfoByFd {
        bpf_fd: fd.as_raw_fd() as u32,
        info_len: size_of::<A>() as u32,
        info: sys::address_mut(&mut place),
    };
    let answer = sys::bpf(Command::InfoByFd, &mut request);
    answer.map_err(|errno| Error::os(format!("cannot describe a BPF {what}"), Operation::Query, errno))?;
    [*info] = place;
    Ok(request.info_len)
}

/// The bytes before the terminator.
fn until_nul(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default().to_vec()
}
