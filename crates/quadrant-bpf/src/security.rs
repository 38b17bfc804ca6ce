//! What the kernel's security modules say of themselves, whether or not securityfs is mounted.

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use crate::sys;

/// The kernel's lockdown level, if one is in force: `integrity` or `confidentiality`.
pub fn lockdown() -> Option<String> {
    lockdown_level().filter(|level| level != "none")
}

/// The kernel's lockdown level, also if it is `none`; nothing if it cannot be known.
pub fn lockdown_level() -> Option<String> {
    let text = read("lockdown")?;
    let level = text.split_once('[')?.1.split_once(']')?.0;
    Some(level.to_owned())
}

/// The names of the active security modules.
pub fn modules() -> Option<Vec<String>> {
    Some(read("lsm")?.trim().split(',').map(str::to_owned).collect())
}

fn read(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/sys/kernel/security/{name}")).ok().or_else(|| read_detached(name))
}

fn read_detached(name: &str) -> Option<String> {
    let root = sys::mount_detached(c"securityfs").ok()?;
    let mut file = File::from(sys::open_at(root.as_fd(), &CString::new(name).ok()?, 0).ok()?);
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(text)
}
