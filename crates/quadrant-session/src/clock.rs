//! Clocks.

use std::time::Duration;

use rustix::time::ClockId;
use rustix::time::DynamicClockId;
use rustix::time::Timespec;
use rustix::time::clock_gettime;
use rustix::time::clock_gettime_dynamic;

/// CLOCK_BOOTTIME in nanoseconds.
pub fn boot_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Boottime)) as u64
}

/// CLOCK_MONOTONIC_COARSE: some milliseconds behind, and cheap enough to be asked for each record.
pub fn coarse() -> Duration {
    clock_gettime(ClockId::MonotonicCoarse).try_into().unwrap_or_default()
}

/// What must be added to a time of the boot clock to get the time since 1970, in nanoseconds.
pub fn wall_offset_ns() -> i64 {
    offset(DynamicClockId::Known(ClockId::Realtime))
}

/// What must be added to a time of the boot clock to get international atomic time, in nanoseconds.
pub fn tai_offset_ns() -> i64 {
    offset(DynamicClockId::Tai)
}

fn offset(clock: DynamicClockId) -> i64 {
    let before = nanoseconds(clock_gettime(ClockId::Boottime));
    // Every kernel that has eBPF has both clocks; without one the times would be those of the boot clock.
    let there = clock_gettime_dynamic(clock).map_or(before, nanoseconds);
    let after = nanoseconds(clock_gettime(ClockId::Boottime));
    there - (before + after) / 2
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
