//! System call numbers and names of this architecture.

use std::str::FromStr;

use syscalls::Sysno;

/// Tracepoints are named after the kernel's functions; these differ from the names that users know.
const TRACEPOINT_NAMES: &[(&str, &str)] = &[
    ("newstat", "stat"),
    ("newfstat", "fstat"),
    ("newlstat", "lstat"),
    ("newuname", "uname"),
    ("sendfile64", "sendfile"),
    ("umount", "umount2"),
];

/// System calls that are newer than the table of the crate. A call whose number is not known has a tracepoint of its own, which takes
/// a hundred times as long to attach and close as its share of `sys_enter`.
const NEWER: &[(&str, u32)] = &[
    #[cfg(target_arch = "x86_64")]
    ("uprobe", 336),
    ("file_getattr", 468),
    ("file_setattr", 469),
    ("listns", 470),
    ("rseq_slice_yield", 471),
];

/// The number of a system call by the name in its tracepoint (`sys_enter_<name>`).
pub fn number(tracepoint: &str) -> Option<u32> {
    let known = TRACEPOINT_NAMES.iter().find(|(kernel, _)| *kernel == tracepoint);
    let name = known.map_or(tracepoint, |(_, user)| user);
    number_of(name)
}

/// The number of a system call by its name.
pub fn number_of(name: &str) -> Option<u32> {
    let newer = || NEWER.iter().find(|(newer, _)| *newer == name).map(|(_, number)| *number);
    Sysno::from_str(name).ok().map(|number| number.id() as u32).or_else(newer)
}

/// The name of a system call in its tracepoint, by its number.
pub fn tracepoint(number: u64) -> Option<&'static str> {
    let name = name(number)?;
    Some(TRACEPOINT_NAMES.iter().find(|(_, user)| *user == name).map_or(name, |(kernel, _)| kernel))
}

/// The name of a system call.
pub fn name(number: u64) -> Option<&'static str> {
    let newer = || NEWER.iter().find(|(_, newer)| u64::from(*newer) == number).map(|(name, _)| *name);
    Sysno::new(usize::try_from(number).ok()?).map(|number| number.name()).or_else(newer)
}

/// All system calls, each with its number, in the order of these.
pub fn all() -> impl Iterator<Item = (i64, &'static str)> {
    (0..=LAST).filter_map(|number| Some((number as i64, name(number)?)))
}

/// No architecture has a greater number in its plain table.
const LAST: u64 = 1023;

/// What stands for the name of a number that is no system call's.
pub const UNKNOWN: &str = "Unknown syscall";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(name(u64::from(number("openat").unwrap())), Some("openat"));
        assert_eq!(number("newfstat"), number("fstat"));
        assert_eq!(number("newfstat").and_then(|number| tracepoint(number.into())), Some("newfstat"));
        assert_eq!(number("openat").and_then(|number| tracepoint(number.into())), Some("openat"));
        assert_eq!((number("file_getattr"), name(469)), (Some(468), Some("file_setattr")));
        assert_eq!(number("no_such_call"), None);
        assert_eq!(name(u64::MAX), None);
    }
}
