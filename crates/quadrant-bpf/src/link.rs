//! Attaching: every way gives a descriptor, and closing it (also by dying) detaches.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use crate::attr;
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::file;
use crate::object::{LinkObject, LinkTarget, PerfTarget};
use crate::perf::PerfEvent;
use crate::prog::{AttachType, Program};
use crate::sys::{self, Command};

/// An attached program. Dropping it detaches, which can take tens of milliseconds for tracepoints and probes.
#[derive(Debug)]
pub struct Link {
    attachment: Attachment,
}

#[derive(Debug)]
enum Attachment {
    /// A link of the kernel.
    Link(OwnedFd),
    /// A link to a perf event. The link comes first, so that it is closed first.
    LinkToEvent(OwnedFd, PerfEvent),
    /// A perf event that holds the program itself (before Linux 5.15).
    Event(PerfEvent),
}

/// Many places of one file, to attach to in one step.
#[derive(Copy, Clone, Debug)]
pub struct UprobeMulti<'a> {
    /// The file.
    pub path: &'a CStr,
    /// Offsets in the file, in bytes.
    pub offsets: &'a [u64],
    /// For each place the offset of a USDT semaphore, or 0; empty if there is none.
    pub ref_ctr_offsets: &'a [u64],
    /// For each place what `bpf_get_attach_cookie` gives; empty for 0.
    pub cookies: &'a [u64],
    /// The process, or `None` for all.
    pub pid: Option<u32>,
    /// When the program runs.
    pub when: When,
}

/// When the program of a multi-link runs. The program must have been loaded with the matching attach type.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum When {
    /// At the entry.
    Entry,
    /// At the return.
    Return,
    /// At both, with 8 bytes that the entry can leave for the return.
    Session,
}

/// Many functions of the kernel, to attach to in one step.
#[derive(Copy, Clone, Debug)]
pub struct KprobeMulti<'a> {
    /// Which functions.
    pub functions: KernelFunctions<'a>,
    /// For each function what `bpf_get_attach_cookie` gives; empty for 0.
    pub cookies: &'a [u64],
    /// When the program runs.
    pub when: When,
}

/// How the functions of a [`KprobeMulti`] are given.
#[derive(Copy, Clone, Debug)]
pub enum KernelFunctions<'a> {
    /// By name.
    Symbols(&'a [&'a CStr]),
    /// By address, which is faster.
    Addresses(&'a [u64]),
}

/// What an iterator walks over.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Walk {
    /// All objects of its kind.
    All,
    /// All cgroups of version 2, each before those in it: the kernel wants to be told (Linux 6.1).
    AllCgroups,
    /// What is in a map, by the map's descriptor.
    Map(RawFd),
}

/// Ways of attaching.
impl Link {
    /// Attaches a [`crate::prog::ProgramKind::RawTracepoint`] program to the raw tracepoint of that name. A cookie
    /// other than 0 needs Linux 6.10.
    pub fn raw_tracepoint(program: &Program, name: &CStr, cookie: u64) -> Result<Link> {
        let link = raw_tracepoint_open(program, name.as_ptr() as u64, cookie);
        let name = name.to_string_lossy();
        link.map(Link::of).map_err(|errno| match errno.number() {
            libc::ENOENT => failed(&format!("raw tracepoint {name}"), errno).because("there is no such tracepoint"),
            _ => cookie_failed(&format!("raw tracepoint {name}"), errno, cookie),
        })
    }

    /// Attaches a [`crate::prog::ProgramKind::Tracing`] program to what it was loaded for. A cookie other than 0 needs
    /// Linux 5.18 (functions) or 6.10 (tracepoints).
    pub fn tracing(program: &Program, attach_type: AttachType, cookie: u64) -> Result<Link> {
        let link = match attach_type {
            _ if cookie == 0 => raw_tracepoint_open(program, 0, 0),
            AttachType::TraceRawTp => raw_tracepoint_open(program, 0, cookie),
            _ => create_tracing(program, attach_type, cookie),
        };
        link.map(Link::of).map_err(|errno| cookie_failed(&format!("program {:?}", program.name()), errno, cookie))
    }

    /// Attaches a [`crate::prog::ProgramKind::Tracing`] program of the type [`AttachType::TraceIter`] to the iterator it
    /// was loaded for. It runs when what [`Link::iterate`] gives is read.
    pub fn iterator(program: &Program, walk: Walk) -> Result<Link> {
        let link = create_iterator(program, walk);
        link.map(Link::of).map_err(|errno| failed(&format!("program {:?}", program.name()), errno))
    }

    /// Pins it at a path of a BPF file system: it stays as that file.
    pub fn pin(&self, path: &std::ffi::CStr) -> Result<()> {
        crate::object::pin(self.as_fd(), path)
    }

    /// A pass of an iterator: reading it runs the program for one object after the other and gives what they write.
    pub fn iterate(&self) -> Result<std::fs::File> {
        let mut request = attr::IterCreate { link_fd: self.as_fd().as_raw_fd() as u32, flags: 0 };
        let pass = sys::bpf_fd(Command::IterCreate, &mut request);
        pass.map(Into::into).map_err(|errno| Error::os("cannot start an iterator", Operation::Attach, errno))
    }

    /// Attaches a program to a perf event and enables it.
    ///
    /// A cookie needs a perf link (Linux 5.15); without one, and with cookie 0, older kernels attach in their own way.
    pub fn perf_event(program: &Program, event: PerfEvent, cookie: u64) -> Result<Link> {
        let attachment = attach_to_event(program, event, cookie)?;
        let link = Link { attachment };
        link.event().map_or(Ok(()), PerfEvent::enable)?;
        Ok(link)
    }

    /// Attaches a program loaded with [`AttachType::TraceUprobeMulti`] (or the session's) to many places of a file
    /// (Linux 6.6).
    pub fn uprobe_multi(program: &Program, places: &UprobeMulti<'_>) -> Result<Link> {
        let what = match places.offsets.len() {
            1 => format!("a place of {}", file::shown(places.path)),
            count => format!("{count} places of {}", file::shown(places.path)),
        };
        same_len(&what, places.offsets.len(), &[places.ref_ctr_offsets.len(), places.cookies.len()])?;
        let link = create_uprobe_multi(program, places);
        link.map(Link::of).map_err(|errno| uprobe_failed(&what, errno, program, places.when))
    }

    /// Attaches a program loaded with [`AttachType::TraceKprobeMulti`] (or the session's) to many kernel functions
    /// (Linux 5.18).
    pub fn kprobe_multi(program: &Program, places: &KprobeMulti<'_>) -> Result<Link> {
        let count = places.functions.len();
        let what = format!("{count} kernel function{}", if count == 1 { "" } else { "s" });
        same_len(&what, count, &[places.cookies.len()])?;
        let link = create_kprobe_multi(program, places);
        link.map(Link::of).map_err(|errno| kprobe_failed(&what, errno, program, places.when))
    }

    /// Detaches now. What is left of a perf event's link is its event, which runs nothing any more but whose closing
    /// can take tens of milliseconds: it is given back, to be closed when nobody waits. Before Linux 5.15 the event
    /// itself holds the program (on tracepoints and probes even a disabled one runs it), so there it is closed here.
    pub fn detach(self) -> Option<PerfEvent> {
        match self.attachment {
            Attachment::Link(_) => None,
            Attachment::LinkToEvent(link, event) => {
                drop(link);
                Some(event)
            }
            Attachment::Event(_) => None,
        }
    }

    /// How often a kernel probe did not run the program: it fired within another probe, or (a return) more calls were
    /// under way than the kernel keeps track of. `None` if this kernel does not tell (before Linux 6.7), or the link
    /// is none of a kernel probe.
    pub fn missed(&self) -> Option<u64> {
        let link = match &self.attachment {
            Attachment::Link(link) | Attachment::LinkToEvent(link, _) => link.as_fd(),
            Attachment::Event(_) => return None,
        };
        let object = LinkObject::of(link).ok().filter(|object| object.counts_missed)?;
        match object.target {
            LinkTarget::KprobeMulti { missed, .. } | LinkTarget::PerfEvent(PerfTarget::Kprobe { missed, .. }) => {
                Some(missed)
            }
            _ => None,
        }
    }

    /// The perf event that the program is attached to, if it is one.
    pub fn event(&self) -> Option<&PerfEvent> {
        match &self.attachment {
            Attachment::Link(_) => None,
            Attachment::LinkToEvent(_, event) | Attachment::Event(event) => Some(event),
        }
    }

    fn of(link: OwnedFd) -> Link {
        Link { attachment: Attachment::Link(link) }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.attachment {
            Attachment::Link(link) | Attachment::LinkToEvent(link, _) => link.as_fd(),
            Attachment::Event(event) => event.as_fd(),
        }
    }
}

/// Whether this kernel has links to perf events: it looks at the attach type before it looks at the (impossible) event.
pub(crate) fn knows_perf_links(program: &Program) -> bool {
    const NO_EVENT: u32 = u32::MAX;
    matches!(create_perf(program, NO_EVENT, 0), Err(errno) if errno.is(libc::EBADF))
}

/// Opens a raw tracepoint by the address of its name, 0 for programs that know theirs; without a cookie in the old,
/// shorter form.
fn raw_tracepoint_open(program: &Program, name: u64, cookie: u64) -> std::result::Result<OwnedFd, Errno> {
    let prog_fd = program.as_fd().as_raw_fd() as u32;
    if cookie == 0 {
        let mut request = attr::RawTracepoint { name, prog_fd, _pad: 0 };
        return sys::bpf_fd(Command::RawTracepointOpen, &mut request);
    }
    let mut request = attr::RawTracepointCookie { name, prog_fd, _pad: 0, cookie };
    sys::bpf_fd(Command::RawTracepointOpen, &mut request)
}

fn create_tracing(program: &Program, kind: AttachType, cookie: u64) -> std::result::Result<OwnedFd, Errno> {
    let mut request = attr::LinkTracing {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        attach_type: kind as u32,
        cookie,
        ..Default::default()
    };
    sys::bpf_fd(Command::LinkCreate, &mut request)
}

fn create_iterator(program: &Program, walk: Walk) -> std::result::Result<OwnedFd, Errno> {
    /// `BPF_CGROUP_ITER_DESCENDANTS_PRE`; without a cgroup, from the root.
    const DESCENDANTS: u32 = 2;
    let cgroups = [attr::WalkCgroups { order: DESCENDANTS, ..Default::default() }];
    let map = [if let Walk::Map(map) = walk { map } else { -1 }];
    let (iter_info, iter_info_len) = match walk {
        Walk::All => (0, 0),
        Walk::AllCgroups => (sys::address(&cgroups), size_of_val(&cgroups) as u32),
        Walk::Map(_) => (sys::address(&map), size_of_val(&map) as u32),
    };
    let mut request = attr::LinkIter {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        attach_type: AttachType::TraceIter as u32,
        iter_info,
        iter_info_len,
        ..Default::default()
    };
    sys::bpf_fd(Command::LinkCreate, &mut request)
}

fn create_perf(program: &Program, target_fd: u32, cookie: u64) -> std::result::Result<OwnedFd, Errno> {
    let mut request = attr::LinkPerf {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        target_fd,
        attach_type: AttachType::PerfEvent as u32,
        flags: 0,
        cookie,
    };
    sys::bpf_fd(Command::LinkCreate, &mut request)
}

fn create_uprobe_multi(program: &Program, places: &UprobeMulti<'_>) -> std::result::Result<OwnedFd, Errno> {
    let mut request = attr::LinkUprobeMulti {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        attach_type: places.when.uprobe_type() as u32,
        path: places.path.as_ptr() as u64,
        offsets: sys::address(places.offsets),
        ref_ctr_offsets: sys::address(places.ref_ctr_offsets),
        cookies: sys::address(places.cookies),
        count: places.offsets.len() as u32,
        multi_flags: places.when.flags(),
        pid: places.pid.unwrap_or(0),
        ..Default::default()
    };
    sys::bpf_fd(Command::LinkCreate, &mut request)
}

/// Whether this kernel has such links for such programs: it finds that a folder cannot be probed. One that does not
/// know them does not get so far.
pub(crate) fn knows_uprobe_multi(program: &Program, when: When) -> bool {
    let folder = UprobeMulti { path: c"/", offsets: &[0], ref_ctr_offsets: &[], cookies: &[], pid: None, when };
    matches!(create_uprobe_multi(program, &folder), Err(errno) if errno.is(libc::EBADF))
}

fn create_kprobe_multi(program: &Program, places: &KprobeMulti<'_>) -> std::result::Result<OwnedFd, Errno> {
    let (names, addresses) = places.functions.lists();
    let mut request = attr::LinkKprobeMulti {
        prog_fd: program.as_fd().as_raw_fd() as u32,
        attach_type: places.when.kprobe_type() as u32,
        multi_flags: places.when.flags(),
        count: places.functions.len() as u32,
        symbols: sys::address(&names),
        addresses: sys::address(addresses),
        cookies: sys::address(places.cookies),
        ..Default::default()
    };
    sys::bpf_fd(Command::LinkCreate, &mut request)
}

/// Whether this kernel has such links for such programs: it looks the name up, and does not find it.
pub(crate) fn knows_kprobe_multi(program: &Program, when: When) -> bool {
    let names = [c"no such function"];
    let nowhere = KprobeMulti { functions: KernelFunctions::Symbols(&names), cookies: &[], when };
    let answer = create_kprobe_multi(program, &nowhere);
    matches!(answer, Err(errno) if errno.is(libc::ESRCH) || errno.is(libc::ENOENT))
}

/// The old way is taken only if the kernel does not know the new one: any other refusal would only be repeated, or
/// hidden.
fn attach_to_event(program: &Program, event: PerfEvent, cookie: u64) -> Result<Attachment> {
    match create_perf(program, event.as_fd().as_raw_fd() as u32, cookie) {
        Ok(link) => Ok(Attachment::LinkToEvent(link, event)),
        Err(errno) if lacks_links(errno) && !knows_perf_links(program) => attach_in_event(program, event, cookie),
        Err(errno) => Err(failed(event.what(), errno)),
    }
}

fn lacks_links(errno: Errno) -> bool {
    errno.is_unsupported() || errno.is(libc::EINVAL)
}

fn attach_in_event(program: &Program, event: PerfEvent, cookie: u64) -> Result<Attachment> {
    if cookie != 0 {
        let why = "this kernel has no attach cookies for perf events (Linux 5.15)";
        return Err(Error::new(format!("cannot attach to {}", event.what()), why));
    }
    match event.set_program(program.as_fd()) {
        Ok(()) => Ok(Attachment::Event(event)),
        Err(errno) => Err(failed(event.what(), errno)),
    }
}

/// The kernel reads as many numbers from each list as there are places.
fn same_len(what: &str, count: usize, others: &[usize]) -> Result<()> {
    if others.iter().all(|len| *len == 0 || *len == count) {
        return Ok(());
    }
    Err(Error::new(format!("cannot attach to {what}"), "the lists of the request differ in length"))
}

fn failed(what: &str, errno: Errno) -> Error {
    Error::os(format!("cannot attach to {what}"), Operation::Attach, errno)
}

/// EINVAL has many meanings, so the simplest one is looked for first.
fn uprobe_failed(what: &str, errno: Errno, program: &Program, when: When) -> Error {
    let error = failed(what, errno);
    match errno.number() {
        libc::EINVAL if !knows_uprobe_multi(program, when) => error.because(when.no_uprobe_multi()),
        libc::EINVAL => error.because(UPROBE_REFUSED),
        libc::ENOENT => error.because("there is no such file"),
        libc::ESRCH => error.because("there is no such process"),
        _ => error,
    }
}

fn kprobe_failed(what: &str, errno: Errno, program: &Program, when: When) -> Error {
    let error = failed(what, errno);
    match errno.number() {
        libc::EINVAL if !knows_kprobe_multi(program, when) => error.because(when.no_kprobe_multi()),
        libc::ESRCH | libc::ENOENT => error.because("one of them does not exist, or cannot be probed"),
        _ => error,
    }
}

/// What EINVAL means for a place in a file.
pub(crate) const UPROBE_REFUSED: &str = "the place is outside the file, its instruction cannot be probed, or another \
    probe there was attached with another semaphore (the kernel keeps one for each place)";

fn cookie_failed(what: &str, errno: Errno, cookie: u64) -> Error {
    let error = failed(what, errno);
    if cookie != 0 && errno.is(libc::EINVAL) {
        return error.because("this kernel has no attach cookies there");
    }
    error
}

impl When {
    fn flags(self) -> u32 {
        const RETURN: u32 = 1;
        if self == When::Return { RETURN } else { 0 }
    }

    fn uprobe_type(self) -> AttachType {
        if self == When::Session { AttachType::TraceUprobeSession } else { AttachType::TraceUprobeMulti }
    }

    fn kprobe_type(self) -> AttachType {
        if self == When::Session { AttachType::TraceKprobeSession } else { AttachType::TraceKprobeMulti }
    }

    fn no_uprobe_multi(self) -> &'static str {
        match self {
            When::Session => "this kernel has no links to entry and return of user functions (Linux 6.13)",
            _ => "this kernel has no links to many places of a file (Linux 6.6)",
        }
    }

    fn no_kprobe_multi(self) -> &'static str {
        match self {
            When::Session => "this kernel has no links to entry and return of kernel functions (Linux 6.10)",
            _ => "this kernel has no links to many kernel functions (Linux 5.18, with CONFIG_FPROBE)",
        }
    }
}

impl<'a> KernelFunctions<'a> {
    fn len(&self) -> usize {
        match self {
            KernelFunctions::Symbols(names) => names.len(),
            KernelFunctions::Addresses(addresses) => addresses.len(),
        }
    }

    /// Addresses of the names, and addresses of the functions; one of the lists is empty.
    fn lists(&self) -> (Vec<u64>, &'a [u64]) {
        match *self {
            KernelFunctions::Symbols(names) => (names.iter().map(|name| name.as_ptr() as u64).collect(), &[]),
            KernelFunctions::Addresses(addresses) => (Vec::new(), addresses),
        }
    }
}
