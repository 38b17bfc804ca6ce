//! Clocks: events have the time of the boot clock, files that of the day.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The boot clock, in nanoseconds.
pub(crate) fn boot_ns() -> u64 {
    u64::try_from(nanoseconds(clock_gettime(ClockId::Boottime))).unwrap_or(0)
}

/// Nanoseconds since 1970 at a time of the boot clock.
pub(crate) fn wall_ns(boot_ns: u64) -> i128 {
    let offset = nanoseconds(clock_gettime(ClockId::Realtime)) - nanoseconds(clock_gettime(ClockId::Boottime));
    i128::from(boot_ns) + offset
}

/// The unit of start times in `/proc/PID/stat`: ticks of the boot clock.
pub(crate) fn ticks(boot_ns: u64) -> u64 {
    let ticks = u128::from(boot_ns) * u128::from(rustix::param::clock_ticks_per_second()) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Whether so much time has passed since a time of the boot clock.
pub(crate) fn is_older(boot_time: u64, age: Duration) -> bool {
    u128::from(boot_ns().saturating_sub(boot_time)) >= age.as_nanos()
}

fn nanoseconds(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_agree() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert!((wall_ns(boot_ns()) - now.as_nanos() as i128).abs() < 60_000_000_000);
        assert_eq!(ticks(3_000_000_000), 3 * rustix::param::clock_ticks_per_second());
        assert!(!is_older(boot_ns(), Duration::from_secs(3600)) && is_older(0, Duration::from_nanos(1)));
    }
}
