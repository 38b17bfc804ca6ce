//! Memory that is mapped from a descriptor: the one owner of the pointer, with bounds-checked access.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::errno::Errno;

/// What a mapping may be used for.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Shared with the kernel, to look only.
    Read,
    /// Shared with the kernel, to look and write.
    ReadWrite,
    /// A private view of a file.
    Private,
}

/// A mapped range; unmapped when dropped.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    access: Access,
}

// SAFETY: a mapping is an address range that belongs to the process, not to a thread; shared bytes are only touched
// atomically.
unsafe impl Send for Mapping {}
// SAFETY: as above; `&Mapping` gives atomic access or plain reads of memory that its user promised to be constant.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes (not 0) of `fd` from byte `offset` (a multiple of the page size).
    pub fn new(fd: BorrowedFd<'_>, len: usize, offset: usize, access: Access) -> Result<Mapping, Errno> {
        let (protection, flags) = match access {
            Access::Read => (libc::PROT_READ, libc::MAP_SHARED),
            Access::ReadWrite => (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED),
            Access::Private => (libc::PROT_READ, libc::MAP_PRIVATE),
        };
        let offset = libc::off_t::try_from(offset).map_err(|_| Errno::new(libc::EOVERFLOW))?;
        // SAFETY: the kernel chooses a free address, so no existing memory is touched.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, fd.as_raw_fd(), offset) };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let start = NonNull::new(start.cast()).ok_or(Errno::new(libc::EFAULT))?;
        Ok(Mapping { start, len, access })
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The 8 bytes at `offset` as an atomic number; `None` outside the mapping or unaligned.
    pub fn u64_at(&self, offset: usize) -> Option<&AtomicU64> {
        let place = self.place(offset, 8)?;
        // SAFETY: `place` checked bounds and alignment; the memory lives as long as `self` and is only accessed
        // atomically.
        Some(unsafe { AtomicU64::from_ptr(place.cast().as_ptr()) })
    }

    /// The 4 bytes at `offset` as an atomic number; `None` outside the mapping or unaligned.
    pub fn u32_at(&self, offset: usize) -> Option<&AtomicU32> {
        let place = self.place(offset, 4)?;
        // SAFETY: as in `u64_at`.
        Some(unsafe { AtomicU32::from_ptr(place.cast().as_ptr()) })
    }

    /// Copies memory that others may write meanwhile; `None` outside the mapping. Aligned words are never torn.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        self.check(offset, into.len())?;
        let (head, rest) = into.split_at_mut(to_alignment(offset).min(into.len()));
        let (words, tail) = rest.as_chunks_mut::<8>();
        let words_at = offset + head.len();
        let tail_at = words_at + size_of_val(words);
        for (place, word) in words.iter_mut().enumerate() {
            *word = self.u64_at(words_at + place * 8)?.load(Ordering::Relaxed).to_ne_bytes();
        }
        self.read_each(offset, head)?;
        self.read_each(tail_at, tail)
    }

    /// Writes into memory that others may use meanwhile; `None` outside the mapping or if it is not writable.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Option<()> {
        self.check(offset, bytes.len())?;
        let memory = self.writable()?;
        let (head, rest) = bytes.split_at(to_alignment(offset).min(bytes.len()));
        let (words, tail) = rest.as_chunks::<8>();
        let words_at = offset + head.len();
        let tail_at = words_at + size_of_val(words);
        for (place, word) in words.iter().enumerate() {
            memory.u64_at(words_at + place * 8)?.store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
        memory.write_each(offset, head)?;
        memory.write_each(tail_at, tail)
    }

    /// This mapping, if it may be written.
    pub fn writable(&self) -> Option<&Mapping> {
        (self.access == Access::ReadWrite).then_some(self)
    }

    /// A view of `len` bytes at `offset`; `None` outside the mapping.
    ///
    /// # Safety
    /// Nobody writes those bytes while the view lives.
    pub unsafe fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        self.check(offset, len)?;
        // SAFETY: in bounds by `check`; constant by the caller's promise.
        Some(unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(offset), len) })
    }

    fn read_each(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        for (place, byte) in into.iter_mut().enumerate() {
            *byte = self.u8_at(offset + place)?.load(Ordering::Relaxed);
        }
        Some(())
    }

    fn write_each(&self, offset: usize, bytes: &[u8]) -> Option<()> {
        for (place, byte) in bytes.iter().enumerate() {
            self.u8_at(offset + place)?.store(*byte, Ordering::Relaxed);
        }
        Some(())
    }

    fn u8_at(&self, offset: usize) -> Option<&AtomicU8> {
        let place = self.place(offset, 1)?;
        // SAFETY: as in `u64_at`.
        Some(unsafe { AtomicU8::from_ptr(place.as_ptr()) })
    }

    fn place(&self, offset: usize, size: usize) -> Option<NonNull<u8>> {
        self.check(offset, size)?;
        // SAFETY: `check` says that the range lies inside the mapping.
        offset.is_multiple_of(size).then(|| unsafe { self.start.add(offset) })
    }

    fn check(&self, offset: usize, len: usize) -> Option<()> {
        (offset.checked_add(len)? <= self.len).then_some(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range came from mmap and every view of it borrows `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Bytes from `offset` to the next multiple of 8.
fn to_alignment(offset: usize) -> usize {
    offset.wrapping_neg() % 8
}

/// The machine's page size in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: no memory is involved.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}
