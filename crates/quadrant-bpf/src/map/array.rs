//! An array map as memory of this process.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use super::{Map, MapKind};
use crate::error::{Error, Result};
use crate::explain::Operation;
use crate::mmap::{Access, Mapping, page_size};

/// The values of an array map created with [`super::flags::MMAPABLE`], mapped: reading and writing them costs no system
/// call.
///
/// Offsets are bytes from the first value. Values follow each other, each padded to 8 bytes. Programs may write at any
/// time: aligned 8-byte numbers are never torn, longer reads may see the middle of an update.
pub struct MappedArray {
    mapping: Mapping,
    len: usize,
    name: String,
}

impl MappedArray {
    /// Maps the whole map.
    pub fn new(map: &Map) -> Result<MappedArray> {
        let spec = map.spec();
        let what = || format!("cannot map the memory of map {:?}", spec.name);
        if spec.kind != MapKind::Array {
            return Err(Error::new(what(), "only arrays can be mapped"));
        }
        let len = (spec.value_size as usize).next_multiple_of(8) * spec.max_entries as usize;
        let mapped = len.next_multiple_of(page_size());
        let mapping = Mapping::new(map.as_fd(), mapped, 0, Access::ReadWrite)
            .map_err(|errno| Error::os(what(), Operation::Map, errno))?;
        Ok(MappedArray { mapping, len, name: spec.name.clone() })
    }

    /// Bytes of all values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the array has no bytes, which the kernel does not allow.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number at `offset`, a multiple of 8.
    pub fn read_u64(&self, offset: usize) -> Result<u64> {
        self.check(offset, 8)?;
        let number = self.mapping.u64_at(offset).ok_or_else(|| self.outside(offset, 8))?;
        Ok(number.load(Ordering::Relaxed))
    }

    /// Sets the number at `offset`, a multiple of 8.
    pub fn write_u64(&self, offset: usize, value: u64) -> Result<()> {
        self.check(offset, 8)?;
        let number = self.mapping.u64_at(offset).ok_or_else(|| self.outside(offset, 8))?;
        number.store(value, Ordering::Relaxed);
        Ok(())
    }

    /// A copy of `len` bytes at `offset`.
    pub fn read_bytes(&self, offset: usize, len: usize) -> Result<Vec<u8>> {
        self.check(offset, len)?;
        let mut bytes = vec![0; len];
        self.mapping.read(offset, &mut bytes).ok_or_else(|| self.outside(offset, len))?;
        Ok(bytes)
    }

    /// Writes `bytes` at `offset`.
    pub fn write_bytes(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        self.check(offset, bytes.len())?;
        self.mapping.write(offset, bytes).ok_or_else(|| self.outside(offset, bytes.len()))
    }

    /// Writes `len` zero bytes at `offset`.
    pub fn zero(&self, offset: usize, len: usize) -> Result<()> {
        self.check(offset, len)?;
        self.mapping.write(offset, &vec![0; len]).ok_or_else(|| self.outside(offset, len))
    }

    fn check(&self, offset: usize, len: usize) -> Result<()> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len);
        end.map(drop).ok_or_else(|| self.outside(offset, len))
    }

    fn outside(&self, offset: usize, len: usize) -> Error {
        Error::new(
            format!("cannot access map {:?}", self.name),
            format!("{len} bytes at {offset} are outside its {} bytes, or not aligned", self.len),
        )
    }
}
