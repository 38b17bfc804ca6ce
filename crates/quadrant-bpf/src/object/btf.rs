//! Type information that the kernel has loaded.

use std::os::fd::BorrowedFd;

use super::{describe, until_nul};
use crate::attr;
use crate::error::Result;
use crate::sys;

/// Types: the kernel's own, a module's, or a program's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BtfObject {
    /// The kernel's number.
    pub id: u32,
    /// `vmlinux`, a module's name, or empty for types that a process loaded.
    pub name: Vec<u8>,
    /// Whether it belongs to the kernel or a module (Linux 5.11; false before).
    pub kernel: bool,
    /// Bytes.
    pub size: u32,
}

/// Longest name of a module, with its terminator, and more.
const NAME: usize = 128;

/// Most bytes of types that are copied.
const MOST: u32 = 256 << 20;

impl BtfObject {
    /// What the kernel says about an open object.
    pub fn of(fd: BorrowedFd<'_>) -> Result<BtfObject> {
        let mut name = [0; NAME];
        let mut info = attr::BtfInfo { name: sys::address_mut(&mut name), name_len: NAME as u32, ..Default::default() };
        match describe(fd, &mut info, "type") {
            // Before Linux 5.11 there are no names.
            Err(error) if error.errno().is_some_and(|errno| errno.name() == Some("E2BIG")) => {
                info = attr::BtfInfo::default();
                describe(fd, &mut info, "type")?;
            }
            described => {
                described?;
            }
        }
        Ok(BtfObject { id: info.id, name: until_nul(&name), kernel: info.kernel_btf != 0, size: info.btf_size })
    }

    /// The types themselves.
    pub fn content(&self, fd: BorrowedFd<'_>) -> Result<Vec<u8>> {
        let mut content = vec![0; self.size.min(MOST) as usize];
        let mut info =
            attr::BtfInfo { btf: sys::address_mut(&mut content), btf_size: content.len() as u32, ..Default::default() };
        describe(fd, &mut info, "type")?;
        Ok(content)
    }
}
