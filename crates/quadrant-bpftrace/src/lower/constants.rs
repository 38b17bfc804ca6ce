//! Numbers that C programs know by name through headers, and the kernel's type
//! information does not have (macros leave no trace in it). Values of the Linux ABI.

use quadrant_program::{errno, syscalls};

const CONSTANTS: &[(&str, i64)] = &[
    ("AF_UNSPEC", 0),
    ("AF_UNIX", 1),
    ("AF_INET", 2),
    ("AF_INET6", 10),
    ("AF_NETLINK", 16),
    ("AF_PACKET", 17),
    ("AF_VSOCK", 40),
    ("AF_XDP", 44),
    ("O_RDONLY", 0),
    ("O_WRONLY", 1),
    ("O_RDWR", 2),
    ("O_CREAT", 0o100),
    ("O_EXCL", 0o200),
    ("O_TRUNC", 0o1000),
    ("O_APPEND", 0o2000),
    ("O_NONBLOCK", 0o4000),
    ("AT_FDCWD", -100),
    ("S_IFMT", 0o170_000),
    ("S_IFSOCK", 0o140_000),
    ("S_IFLNK", 0o120_000),
    ("S_IFREG", 0o100_000),
    ("S_IFBLK", 0o060_000),
    ("S_IFDIR", 0o040_000),
    ("S_IFCHR", 0o020_000),
    ("S_IFIFO", 0o010_000),
    ("PROT_READ", 1),
    ("PROT_WRITE", 2),
    ("PROT_EXEC", 4),
    ("MAP_SHARED", 1),
    ("MAP_PRIVATE", 2),
    ("MAP_ANONYMOUS", 0x20),
    ("TASK_RUNNING", 0),
    ("TASK_INTERRUPTIBLE", 1),
    ("TASK_UNINTERRUPTIBLE", 2),
    ("NULL", 0),
];

/// Other names of errors.
const MORE_ERRORS: &[(&str, i64)] = &[("EWOULDBLOCK", 11), ("EDEADLOCK", 35), ("ENOTSUP", 95)];

/// The value of a well-known constant; of an error, a signal (`SIGKILL`), and the number of a system call (`__NR_read`), too.
pub(super) fn value(name: &str) -> Option<i64> {
    let listed = listed().find(|(known, _)| *known == name).map(|(_, value)| value);
    listed
        .or_else(|| super::call::signal_number(name.strip_prefix("SIG")?))
        .or_else(|| syscalls::number_of(name.strip_prefix("__NR_")?).map(i64::from))
}

/// Names of constants and errors.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    listed().map(|(name, _)| name)
}

fn listed() -> impl Iterator<Item = (&'static str, i64)> {
    CONSTANTS.iter().chain(MORE_ERRORS).copied().chain(errno::all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_where_the_kernel_has_them() {
        let known =
            [("EPERM", 1), ("EDEADLK", 35), ("ENOMSG", 42), ("EBFONT", 59), ("EOVERFLOW", 75), ("EHWPOISON", 133)];
        known.iter().for_each(|(name, number)| assert_eq!(value(name), Some(*number), "{name}"));
        assert_eq!(value("-"), None);
    }

    #[test]
    fn system_calls_and_signals() {
        assert_eq!(value("__NR_read").map(|number| syscalls::name(number as u64)), Some(Some("read")));
        assert_eq!((value("SIGKILL"), value("SIGNONE"), value("__NR_none")), (Some(9), None, None));
    }
}
