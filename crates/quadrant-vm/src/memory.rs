//! Memory as a program sees it: regions at made-up addresses, each access checked.

use std::collections::VecDeque;

use crate::error::{Step, VmErrorKind};

/// Distance of the regions' addresses from one another: no offset leads from one into the next.
const SPACING: u64 = 1 << 32;
/// Address of the first region. In the upper half, so that it is never taken for a user address.
const FIRST: u64 = 1 << 63;
/// Addresses below are what becomes of null pointers plus an offset.
const NULL_GUARD: u64 = 1 << 16;

/// What memory without content appears to contain, so that tests notice.
pub(crate) const GARBAGE: u8 = 0xa5;

/// Regions from which on addresses are used again: as late as that, so that tests notice who uses what has ended.
const REGIONS: usize = 1 << 15;

/// All regions of a machine. Of the addresses that can be used again, the one whose region ended first is.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    regions: Vec<Option<Region>>,
    /// Places of regions that ended, oldest first.
    ended: VecDeque<usize>,
}

#[derive(Debug)]
struct Region {
    bytes: Vec<u8>,
    writable: bool,
    /// Which bytes were written, for memory that starts without content.
    written: Option<Vec<bool>>,
}

impl Memory {
    /// Adds a region with content; returns its address.
    pub fn add(&mut self, bytes: Vec<u8>, writable: bool) -> u64 {
        self.push(Region { bytes, writable, written: None })
    }

    /// Adds a region whose bytes must be written before they are read.
    pub fn add_uninitialized(&mut self, len: usize) -> u64 {
        self.push(Region { bytes: vec![0; len], writable: true, written: Some(vec![false; len]) })
    }

    /// Ends the region at `addr`; its content, with [`GARBAGE`] where nothing was written.
    pub fn remove(&mut self, addr: u64) -> Option<Vec<u8>> {
        let at = index_of(addr)?;
        let mut region = self.regions.get_mut(at)?.take()?;
        self.ended.push_back(at);
        for (byte, written) in region.bytes.iter_mut().zip(region.written.iter().flatten()) {
            if !written {
                *byte = GARBAGE;
            }
        }
        Some(region.bytes)
    }

    /// Whether `addr` is in a live region.
    pub fn contains(&self, addr: u64) -> bool {
        index_of(addr).and_then(|at| self.regions.get(at)).is_some_and(Option::is_some)
    }

    /// The whole content of the region at `addr`.
    pub fn content(&self, addr: u64) -> Option<&[u8]> {
        Some(&self.regions.get(index_of(addr)?)?.as_ref()?.bytes)
    }

    /// Reads `len` bytes.
    pub fn read(&self, addr: u64, len: usize) -> Step<&[u8]> {
        let (at, offset) = self.locate(addr, len)?;
        let region = self.regions[at].as_ref().ok_or(VmErrorKind::BadAccess(addr, len))?;
        if let Some(written) = &region.written
            && let Some(first) = written[offset..offset + len].iter().position(|written| !written)
        {
            return Err(VmErrorKind::Uninitialized(format!("byte {} of {len} at {addr:#x}", first)));
        }
        Ok(&region.bytes[offset..offset + len])
    }

    /// Writes bytes.
    pub fn write(&mut self, addr: u64, bytes: &[u8]) -> Step<()> {
        let (at, offset) = self.locate(addr, bytes.len())?;
        let region = self.regions[at].as_mut().ok_or(VmErrorKind::BadAccess(addr, bytes.len()))?;
        if !region.writable {
            return Err(VmErrorKind::ReadOnly(addr));
        }
        region.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        if let Some(written) = &mut region.written {
            written[offset..offset + bytes.len()].fill(true);
        }
        Ok(())
    }

    /// Reads a number of 1, 2, 4 or 8 bytes, zero-extended.
    pub fn read_uint(&self, addr: u64, len: usize) -> Step<u64> {
        let bytes = self.read(addr, len)?;
        let mut wide = [0; 8];
        let start = if cfg!(target_endian = "big") { 8 - len } else { 0 };
        wide[start..start + len].copy_from_slice(bytes);
        Ok(u64::from_ne_bytes(wide))
    }

    /// Writes the low 1, 2, 4 or 8 bytes of a number.
    pub fn write_uint(&mut self, addr: u64, len: usize, value: u64) -> Step<()> {
        let wide = value.to_ne_bytes();
        let start = if cfg!(target_endian = "big") { 8 - len } else { 0 };
        self.write(addr, &wide[start..start + len])
    }

    fn push(&mut self, region: Region) -> u64 {
        let at = if self.regions.len() < REGIONS { None } else { self.ended.pop_front() };
        let at = at.unwrap_or_else(|| {
            self.regions.push(None);
            self.regions.len() - 1
        });
        self.regions[at] = Some(region);
        FIRST + at as u64 * SPACING
    }

    /// Index of the region and offset in it of a valid range.
    fn locate(&self, addr: u64, len: usize) -> Step<(usize, usize)> {
        if addr < NULL_GUARD {
            return Err(VmErrorKind::NullAccess(addr, len));
        }
        let bad = VmErrorKind::BadAccess(addr, len);
        let at = index_of(addr).ok_or(bad.clone())?;
        let region = self.regions.get(at).and_then(Option::as_ref).ok_or(bad.clone())?;
        let offset = (addr % SPACING) as usize;
        match offset.checked_add(len) {
            Some(end) if end <= region.bytes.len() => Ok((at, offset)),
            _ => Err(bad),
        }
    }
}

fn index_of(addr: u64) -> Option<usize> {
    usize::try_from(addr.checked_sub(FIRST)? / SPACING).ok()
}
