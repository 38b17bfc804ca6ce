//! Clocks.

use rustix::time::ClockId;
use rustix::time::Timespec;
use rustix::time::clock_gettime;

/// CLOCK_BOOTTIME in nanoseconds.
pub fn boot_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Boottime)) as u64
}

/// What must be added to a time of the boot clock to get the time since 1970, in nanoseconds.
pub fn wall_offset_ns() -> i64 {
    offset(ClockId::Realtime)
}

/// What must be added to a time of the boot clock to get international atomic time, in nanoseconds.
pub fn tai_offset_ns() -> i64 {
    offset(ClockId::Tai)
}

fn offset(clock: ClockId) -> i64 {
    let before = nanoseconds(clock_gettime(ClockId::Boottime));
    let there = nanoseconds(clock_gettime(clock));
    let after = nanoseconds(clock_gettime(ClockId::Boottime));
    there - (before + after) / 2
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
