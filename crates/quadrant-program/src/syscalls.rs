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

/// The number of a system call by the name in its tracepoint (`sys_enter_<name>`).
pub fn number(tracepoint: &str) -> Option<u32> {
    let known = TRACEPOINT_NAMES.iter().find(|(kernel, _)| *kernel == tracepoint);
    let name = known.map_or(tracepoint, |(_, user)| user);
    number_of(name)
}

/// The number of a system call by its name.
pub fn number_of(name: &str) -> Option<u32> {
    Sysno::from_str(name).ok().map(|number| number.id() as u32)
}

/// The name of a system call in its tracepoint, by its number.
pub fn tracepoint(number: u64) -> Option<&'static str> {
    let name = name(number)?;
    Some(TRACEPOINT_NAMES.iter().find(|(_, user)| *user == name).map_or(name, |(kernel, _)| kernel))
}

/// The name of a system call.
pub fn name(number: u64) -> Option<&'static str> {
    Sysno::new(usize::try_from(number).ok()?).map(|number| number.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(name(u64::from(number("openat").unwrap())), Some("openat"));
        assert_eq!(number("newfstat"), number("fstat"));
        assert_eq!(number("newfstat").and_then(|number| tracepoint(number.into())), Some("newfstat"));
        assert_eq!(number("openat").and_then(|number| tracepoint(number.into())), Some("openat"));
        assert_eq!(number("no_such_call"), None);
        assert_eq!(name(u64::MAX), None);
    }
}
