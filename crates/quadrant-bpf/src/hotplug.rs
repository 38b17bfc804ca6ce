//! Processors that are switched on or off meanwhile, as the kernel reports it: uevents, over netlink.
//!
//! A perf event of a processor ends for good where that is switched off, and nothing tells its owner.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::sys;

/// What has become of a processor.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is on.
    On(u32),
    /// It is off.
    Off(u32),
}

impl Change {
    /// The processor's number.
    pub fn cpu(self) -> u32 {
        match self {
            Change::On(cpu) | Change::Off(cpu) => cpu,
        }
    }
}

/// Listens from when it is opened.
#[derive(Debug)]
pub struct Hotplug {
    fd: OwnedFd,
}

impl Hotplug {
    /// Starts to listen.
    ///
    /// # Errors
    /// A sandbox without netlink.
    pub fn open() -> Result<Hotplug> {
        const KERNEL: u32 = 1;
        let failed = |errno| Error::os("cannot listen for processors that are switched on", Operation::File, errno);
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: only numbers are passed.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_KOBJECT_UEVENT) };
        let fd = sys::own(sys::check(fd.into()).map_err(failed)? as i32);
        only_processors(fd.as_fd()).map_err(failed)?;
        // SAFETY: the structure is all numbers, so zeros are values.
        let mut address = unsafe { std::mem::zeroed::<libc::sockaddr_nl>() };
        address.nl_family = libc::AF_NETLINK as u16;
        address.nl_groups = KERNEL;
        let len = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        // SAFETY: the address is valid for reads of its length.
        let bound = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len) };
        sys::check(bound.into()).map_err(failed)?;
        Ok(Hotplug { fd })
    }

    /// The next change, if there was one.
    pub fn next(&self) -> Option<Change> {
        let mut message = [0; 4096];
        loop {
            let len = sys::read(self.fd.as_fd(), &mut message).ok()?;
            if let Some(change) = parse(message.get(..len)?) {
                return Some(change);
            }
        }
    }
}

impl AsFd for Hotplug {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// `online@/devices/system/cpu/cpu3`, and behind a zero byte the same in variables. Those with a `SYNTH_UUID` were asked for by a process
/// that wrote to `/sys/.../uevent`, as `udevadm trigger` does: nothing has become of the processor.
fn parse(message: &[u8]) -> Option<Change> {
    let mut parts = message.split(|byte| *byte == 0);
    let line = parts.next()?;
    if parts.any(|variable| variable.starts_with(b"SYNTH_UUID=")) {
        return None;
    }
    let (action, path) = std::str::from_utf8(line).ok()?.split_once('@')?;
    let cpu = path.strip_prefix("/devices/system/cpu/cpu")?.parse().ok()?;
    match action {
        "online" => Some(Change::On(cpu)),
        "offline" => Some(Change::Off(cpu)),
        _ => None,
    }
}

/// Leaves all other messages to the kernel: a machine that starts containers has thousands, which would wake the tracer, and could fill
/// the socket.
fn only_processors(fd: BorrowedFd<'_>) -> std::result::Result<(), crate::errno::Errno> {
    let mut code = filter();
    let program = libc::sock_fprog { len: code.len() as u16, filter: code.as_mut_ptr() };
    let len = size_of::<libc::sock_fprog>() as libc::socklen_t;
    // SAFETY: the structure and the code that it points to are valid for reads; the kernel copies both.
    let answer = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const program).cast(), len)
    };
    sys::check(answer.into()).map(drop)
}

/// Four bytes each tell `online@/devices/system/cpu/` and `offline@…` from all else.
fn filter() -> [libc::sock_filter; 13] {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let load = |at| step(LOAD, 0, 0, at);
    let is = |text: &[u8; 4], jt, jf| step(EQUAL, jt, jf, u32::from_be_bytes(*text));
    let take = |bytes| step(RETURN, 0, 0, bytes);
    [
        load(0),
        is(b"onli", 1, 0),
        is(b"offl", 4, 8),
        load(16),
        is(b"syst", 0, 6),
        load(23),
        is(b"cpu/", 5, 4),
        load(17),
        is(b"syst", 0, 2),
        load(24),
        is(b"cpu/", 1, 0),
        take(0),
        take(u32::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_processors_are_told_from_others() {
        let of = |text: &str| parse(text.as_bytes());
        assert_eq!(of("online@/devices/system/cpu/cpu1\0ACTION=online\0"), Some(Change::On(1)));
        assert_eq!(of("offline@/devices/system/cpu/cpu12\0ACTION=offline\0"), Some(Change::Off(12)));
        for other in [
            "",
            "add@/devices/system/cpu/cpu1",
            "online@/devices/system/memory/memory1",
            "online@/devices/system/cpu/cpufreq",
            "online@/devices/system/cpu/cpu1\0ACTION=online\0SYNTH_UUID=0\0",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
