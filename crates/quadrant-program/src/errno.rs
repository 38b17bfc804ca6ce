//! Names of the kernel's errors.

use syscalls::Errno;

/// The greatest number that programs see; the kernel has more for itself.
const LAST: i32 = 133;

/// The errors that programs see, by name as in errno.h, each with its number.
pub fn all() -> impl Iterator<Item = (&'static str, i64)> {
    (1..=LAST).filter_map(|number| Some((Errno::new(number).name()?, i64::from(number))))
}
