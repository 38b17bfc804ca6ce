//! This process as the traced one: a function, a semaphore and a word of its own, and where they are in its file.

use std::hint::black_box;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use quadrant_bpf::{Error, Result};

/// The file that runs, whatever its path is by now.
pub const FILE: &std::ffi::CStr = c"/proc/self/exe";

/// A function to probe.
#[inline(never)]
extern "C" fn probed(number: u64) -> u64 {
    black_box(number) + 1
}

/// Another: the kernel refuses two probes at one place with different semaphores.
#[inline(never)]
extern "C" fn guarded(number: u64) -> u64 {
    black_box(number) + 2
}

/// Not 0 at the start, so that the file has a place for it.
static SEMAPHORE: AtomicU16 = AtomicU16::new(1);

static WATCHED: AtomicU64 = AtomicU64::new(0);

/// Calls the first function.
pub fn call() {
    black_box(probed(black_box(1)));
}

/// Calls the second function.
pub fn call_guarded() {
    black_box(guarded(black_box(1)));
}

/// Changes the word.
pub fn write() {
    WATCHED.fetch_add(1, Ordering::Relaxed);
}

/// The semaphore's value.
pub fn semaphore() -> u16 {
    SEMAPHORE.load(Ordering::Relaxed)
}

/// Address of the first function.
pub fn function_address() -> u64 {
    probed as *const () as u64
}

/// Address of the word.
pub fn word_address() -> u64 {
    WATCHED.as_ptr() as u64
}

/// Offset in the file of the first function.
pub fn function_offset() -> Result<u64> {
    offset(function_address())
}

/// Offsets in the file of the second function and of the semaphore.
pub fn guarded_offsets() -> Result<(u64, u64)> {
    Ok((offset(guarded as *const () as u64)?, offset(SEMAPHORE.as_ptr() as u64)?))
}

/// This thread's number.
pub fn thread() -> Result<u32> {
    let link = std::fs::read_link("/proc/thread-self");
    let link = link.map_err(|error| Error::io("cannot read /proc/thread-self", &error))?;
    let number = link.file_name().and_then(|name| name.to_str()?.parse().ok());
    number.ok_or_else(|| Error::new("cannot read /proc/thread-self", "it does not end with a number"))
}

/// Where in its file the kernel mapped an address from.
fn offset(address: u64) -> Result<u64> {
    let maps = std::fs::read("/proc/self/maps").map_err(|error| Error::io("cannot read /proc/self/maps", &error))?;
    let found = String::from_utf8_lossy(&maps).lines().find_map(|line| offset_in(line, address));
    found.ok_or_else(|| Error::new("cannot find a place of this program in its file", "/proc/self/maps lacks it"))
}

/// `START-END rwxp OFFSET ...`
fn offset_in(line: &str, address: u64) -> Option<u64> {
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let mut fields = line.split(' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let (start, end, base) = (hex(start)?, hex(end)?, hex(fields.nth(1)?)?);
    (start..end).contains(&address).then(|| address - start + base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_from_the_mapping() {
        let line = "55d000001000-55d000005000 r-xp 00002000 08:01 77 /bin/x y";
        assert_eq!(offset_in(line, 0x55d0_0000_1234), Some(0x2234));
        assert_eq!(offset_in(line, 0x55d0_0000_5000), None);
        assert!(function_offset().is_ok() && guarded_offsets().is_ok() && thread().is_ok());
    }
}
