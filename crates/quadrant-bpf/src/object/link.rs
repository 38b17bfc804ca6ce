//! What the kernel says about any link: what it attaches a program to.
//!
//! The layouts are those of `struct bpf_link_info` (linux/bpf.h). A kernel that does not know a part leaves it 0.

use std::os::fd::BorrowedFd;

use super::{describe, until_nul};
use crate::attr;
use crate::error::Result;
use crate::sys;

/// A link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkObject {
    /// The kernel's number.
    pub id: u32,
    /// The program's number.
    pub prog_id: u32,
    /// What the program is attached to.
    pub target: LinkTarget,
    /// Whether this kernel counts the hits that links lose (Linux 6.7); else the counts are 0.
    pub counts_missed: bool,
}

/// What a link attaches its program to. Names and paths are bytes that whoever made the link may have chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkTarget {
    /// A raw tracepoint, with or without BTF.
    RawTracepoint {
        /// Its name.
        name: Vec<u8>,
        /// What the program gets as its cookie (0 before Linux 6.18).
        cookie: u64,
    },
    /// A function of the kernel or of a program, by trampoline.
    Tracing {
        /// `enum bpf_attach_type`; see [`super::attach_type_name`].
        attach_type: u32,
        /// The number of the types, or of the program, that the function is in.
        object: u32,
        /// The function's type there.
        btf_id: u32,
        /// What the program gets as its cookie (0 before Linux 6.18).
        cookie: u64,
    },
    /// A control group.
    Cgroup {
        /// The group's number.
        cgroup: u64,
        /// `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// An iterator.
    Iterator {
        /// Over what, such as `task`.
        name: Vec<u8>,
        /// The map that it goes over, or 0.
        map: u32,
    },
    /// A network namespace.
    NetNamespace {
        /// The namespace's number.
        inode: u32,
        /// `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// A network interface: XDP.
    Xdp {
        /// The interface's number.
        interface: u32,
    },
    /// A perf event.
    PerfEvent(PerfTarget),
    /// Many kernel functions.
    KprobeMulti {
        /// At the return, not at the entry.
        on_return: bool,
        /// How many functions.
        count: u32,
        /// Their addresses, if the kernel tells them.
        addresses: Vec<u64>,
        /// Their cookies, in the same order; empty if the kernel does not tell them (Linux 6.9).
        cookies: Vec<u64>,
        /// Hits that were lost.
        missed: u64,
    },
    /// Operations that the kernel calls.
    StructOps {
        /// The map that holds them.
        map: u32,
    },
    /// A hook of the packet filter.
    Netfilter {
        /// Protocol family.
        family: u32,
        /// Number of the hook.
        hook: u32,
        /// Place in the order.
        priority: i32,
    },
    /// A network interface: traffic control.
    Tcx {
        /// The interface's number.
        interface: u32,
        /// `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// Many places of a file.
    UprobeMulti {
        /// The file; empty if the kernel does not tell it (Linux 6.8).
        path: Vec<u8>,
        /// At the return, not at the entry.
        on_return: bool,
        /// The process, or 0 for all.
        pid: u32,
        /// How many places.
        count: u32,
        /// Their offsets in the file, in bytes.
        offsets: Vec<u64>,
        /// Offsets of their USDT semaphores, or 0.
        semaphores: Vec<u64>,
        /// Their cookies.
        cookies: Vec<u64>,
    },
    /// A network interface: netkit.
    Netkit {
        /// The interface's number.
        interface: u32,
        /// `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// A map of sockets.
    SockMap {
        /// The map.
        map: u32,
        /// `enum bpf_attach_type`.
        attach_type: u32,
    },
    /// A kind that this crate does not know: its number in `enum bpf_link_type`.
    Other(u32),
}

/// What a link to a perf event attaches its program to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PerfTarget {
    /// The kernel does not say (before Linux 6.6).
    Unknown,
    /// A place in a file.
    Uprobe {
        /// The file.
        path: Vec<u8>,
        /// Offset in the file, in bytes.
        offset: u32,
        /// At the return.
        on_return: bool,
        /// The cookie (Linux 6.9).
        cookie: u64,
        /// Offset of the USDT semaphore, or 0.
        semaphore: u64,
    },
    /// A place in the kernel.
    Kprobe {
        /// The function; empty if it was given by address.
        function: Vec<u8>,
        /// Bytes after its start.
        offset: u32,
        /// The address; 0 if the kernel hides it.
        address: u64,
        /// At the return.
        on_return: bool,
        /// Hits that were lost.
        missed: u64,
        /// The cookie (Linux 6.9).
        cookie: u64,
    },
    /// A tracepoint.
    Tracepoint {
        /// Its name without its category.
        name: Vec<u8>,
        /// The cookie (Linux 6.9).
        cookie: u64,
    },
    /// Any other event.
    Event {
        /// `perf_event_attr.type`.
        kind: u32,
        /// `perf_event_attr.config`.
        config: u64,
        /// The cookie (Linux 6.9).
        cookie: u64,
    },
}

/// Longest name or path, with its terminator.
const PATH_MAX: usize = 4096;

/// Bytes of `struct bpf_link_info` up to and with the count of misses of a perf event's kprobe. Both kinds of link to
/// kernel probes learned to count in the same version, which made the structure longer.
pub const MISSED_INFO_LEN: u32 = 56;

/// More places than one link can have.
const MOST_PLACES: u32 = 1 << 20;

impl LinkObject {
    /// What the kernel says about an open link.
    pub fn of(fd: BorrowedFd<'_>) -> Result<LinkObject> {
        let mut info = attr::LinkInfo::default();
        let counts_missed = describe(fd, &mut info, "link")? >= MISSED_INFO_LEN;
        Ok(LinkObject { id: info.id, prog_id: info.prog_id, target: target(fd, &info)?, counts_missed })
    }
}

/// `info` holds what needs no memory of ours; a second question brings the rest.
fn target(fd: BorrowedFd<'_>, info: &attr::LinkInfo) -> Result<LinkTarget> {
    let body = Body(info.body);
    Ok(match info.kind {
        1 => {
            let (name, body) = with_name(fd, 0)?;
            LinkTarget::RawTracepoint { name, cookie: body.word(2) }
        }
        2 => LinkTarget::Tracing {
            attach_type: body.low(0),
            object: body.high(0),
            btf_id: body.low(1),
            cookie: body.word(2),
        },
        3 => LinkTarget::Cgroup { cgroup: body.word(0), attach_type: body.low(1) },
        4 => {
            let (name, body) = with_name(fd, 0)?;
            LinkTarget::Iterator { name, map: body.high(1) }
        }
        5 => LinkTarget::NetNamespace { inode: body.low(0), attach_type: body.high(0) },
        6 => LinkTarget::Xdp { interface: body.low(0) },
        7 => LinkTarget::PerfEvent(perf_target(fd, body.low(0))?),
        8 => kprobe_multi(fd, &body)?,
        9 => LinkTarget::StructOps { map: body.low(0) },
        10 => LinkTarget::Netfilter { family: body.low(0), hook: body.high(0), priority: body.low(1) as i32 },
        11 => LinkTarget::Tcx { interface: body.low(0), attach_type: body.high(0) },
        12 => uprobe_multi(fd, &body)?,
        13 => LinkTarget::Netkit { interface: body.low(0), attach_type: body.high(0) },
        14 => LinkTarget::SockMap { map: body.low(0), attach_type: body.high(0) },
        other => LinkTarget::Other(other),
    })
}

/// The words behind the head.
struct Body([u64; 8]);

impl Body {
    fn word(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// The first `u32` of a word in memory.
    fn low(&self, index: usize) -> u32 {
        self.half(index, 0)
    }

    /// The second `u32` of a word in memory.
    fn high(&self, index: usize) -> u32 {
        self.half(index, 1)
    }

    fn half(&self, index: usize, which: usize) -> u32 {
        let bytes = self.word(index).to_ne_bytes();
        bytes.as_chunks::<4>().0.get(which).map_or(0, |half| u32::from_ne_bytes(*half))
    }
}

/// A word with that `u32` first in memory and another behind it.
fn halves(first: u32, second: u32) -> u64 {
    let [a, b, c, d] = first.to_ne_bytes();
    let [e, f, g, h] = second.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// Asks with room for a name, whose address is word `at`, followed by its length.
fn with_name(fd: BorrowedFd<'_>, at: usize) -> Result<(Vec<u8>, Body)> {
    let mut name = vec![0u8; PATH_MAX];
    let mut info = attr::LinkInfo::default();
    info.body[at] = sys::address_mut(&mut name);
    info.body[at + 1] = halves(PATH_MAX as u32, 0);
    describe(fd, &mut info, "link")?;
    Ok((until_nul(&name), Body(info.body)))
}

/// The kinds are those of `enum bpf_perf_event_type`.
fn perf_target(fd: BorrowedFd<'_>, kind: u32) -> Result<PerfTarget> {
    if !(1..=6).contains(&kind) {
        return Ok(PerfTarget::Unknown);
    }
    let (name, body) = with_name(fd, 1)?;
    Ok(match kind {
        1 | 2 => PerfTarget::Uprobe {
            path: name,
            offset: body.high(2),
            on_return: kind == 2,
            cookie: body.word(3),
            semaphore: body.word(4),
        },
        3 | 4 => PerfTarget::Kprobe {
            function: name,
            offset: body.high(2),
            address: body.word(3),
            on_return: kind == 4,
            missed: body.word(4),
            cookie: body.word(5),
        },
        5 => PerfTarget::Tracepoint { name, cookie: body.word(3) },
        _ => PerfTarget::Event { config: body.word(1), kind: body.low(2), cookie: body.word(3) },
    })
}

/// The bit of `flags` that says "at the return", of both kinds of multi-link.
const ON_RETURN: u32 = 1;

fn kprobe_multi(fd: BorrowedFd<'_>, first: &Body) -> Result<LinkTarget> {
    let count = first.low(1).min(MOST_PLACES);
    let (mut addresses, mut cookies) = (vec![0u64; count as usize], vec![0u64; count as usize]);
    let mut info = attr::LinkInfo::default();
    info.body[0] = sys::address_mut(&mut addresses);
    info.body[1] = halves(count, 0);
    info.body[3] = sys::address_mut(&mut cookies);
    if count > 0 {
        describe(fd, &mut info, "link")?;
    }
    let known = |list: Vec<u64>| if list.iter().any(|value| *value != 0) { list } else { Vec::new() };
    let on_return = first.high(1) & ON_RETURN != 0;
    let missed = first.word(2);
    Ok(LinkTarget::KprobeMulti { on_return, count, addresses: known(addresses), cookies: known(cookies), missed })
}

fn uprobe_multi(fd: BorrowedFd<'_>, first: &Body) -> Result<LinkTarget> {
    let count = first.high(4).min(MOST_PLACES);
    let mut path = vec![0u8; PATH_MAX];
    let mut lists: [Vec<u64>; 3] = std::array::from_fn(|_| vec![0; count as usize]);
    let mut info = attr::LinkInfo::default();
    info.body[0] = sys::address_mut(&mut path);
    for (word, list) in (1..).zip(&mut lists) {
        info.body[word] = sys::address_mut(list);
    }
    info.body[4] = halves(PATH_MAX as u32, count);
    if count > 0 {
        describe(fd, &mut info, "link")?;
    }
    let [offsets, semaphores, cookies] = lists;
    Ok(LinkTarget::UprobeMulti {
        path: until_nul(&path),
        on_return: first.low(5) & ON_RETURN != 0,
        pid: first.high(5),
        count,
        offsets,
        semaphores,
        cookies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_in_memory_order() {
        let body = Body([halves(7, 9), 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((body.low(0), body.high(0)), (7, 9));
        assert_eq!((body.low(8), body.word(99)), (0, 0));
    }
}
