//! Numbers that C programs know by name through headers, and the kernel's type
//! information does not have (macros leave no trace in it). Values of the Linux ABI.

use quadrant_program::{errno, syscalls};

/// Those of headers for programs (`<linux/icmp.h>`, `<linux/stat.h>`, ...) that are the same on all architectures, and some of the
/// kernel's own that have been the same in all kernels: a line each.
const CONSTANTS: &str = include_str!("constants.txt");

/// Those of one architecture.
const NATIVE: &[(&str, i64)] = if cfg!(target_arch = "x86_64") {
    &[
        ("O_DIRECT", 0o40_000),
        ("O_LARGEFILE", 0o100_000),
        ("O_DIRECTORY", 0o200_000),
        ("O_NOFOLLOW", 0o400_000),
        ("O_TMPFILE", 0o20_200_000),
        ("MAP_32BIT", 0x40),
        ("PAGE_SHIFT", 12),
        ("PAGE_SIZE", 4096),
    ]
} else {
    &[
        ("O_DIRECTORY", 0o40_000),
        ("O_NOFOLLOW", 0o100_000),
        ("O_DIRECT", 0o200_000),
        ("O_LARGEFILE", 0o400_000),
        ("O_TMPFILE", 0o20_040_000),
    ]
};

/// Other names of errors.
const MORE_ERRORS: &[(&str, i64)] = &[("EWOULDBLOCK", 11), ("EDEADLOCK", 35), ("ENOTSUP", 95)];

/// The value of a well-known constant; of an error, a signal (`SIGKILL`), and the number of a system call (`__NR_read`), too.
pub(super) fn value(name: &str) -> Option<i64> {
    let few = few().find(|(known, _)| *known == name).map(|(_, value)| value);
    few.or_else(|| lines().find(|(known, _)| *known == name)?.1.parse().ok())
        .or_else(|| super::call::signal_number(name.strip_prefix("SIG")?))
        .or_else(|| syscalls::number_of(name.strip_prefix("__NR_")?).map(i64::from))
}

/// Names of constants and errors.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    few().map(|(name, _)| name).chain(lines().map(|(name, _)| name))
}

fn few() -> impl Iterator<Item = (&'static str, i64)> {
    NATIVE.iter().chain(MORE_ERRORS).copied().chain(errno::all())
}

/// Names and numbers of the list, as they stand there.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    CONSTANTS.lines().filter_map(|line| line.split_once(' '))
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
    fn every_line_of_the_list_is_a_name_and_a_number_and_no_name_comes_twice() {
        assert_eq!(CONSTANTS.lines().count(), lines().filter(|(_, number)| number.parse::<i64>().is_ok()).count());
        let different: std::collections::BTreeSet<_> = names().collect();
        assert_eq!(different.len(), names().count());
    }

    #[test]
    fn numbers_of_headers() {
        let known = [
            ("ICMP_ECHO", 8),
            ("ICMPV6_ECHO_REQUEST", 128),
            ("IPPROTO_ICMPV6", 58),
            ("ETH_P_IPV6", 0x86dd),
            ("S_IFMT", 0o170_000),
            ("S_IRUSR", 0o400),
            ("AT_FDCWD", -100),
            ("CLONE_NEWNS", 0x2_0000),
            ("EPOLLET", 1 << 31),
            ("NSEC_PER_SEC", 1_000_000_000),
            ("PF_KTHREAD", 0x20_0000),
            ("TASK_KILLABLE", 0x102),
            ("EXT4_SUPER_MAGIC", 0xef53),
        ];
        known.iter().for_each(|(name, number)| assert_eq!(value(name), Some(*number), "{name}"));
    }

    #[test]
    fn system_calls_and_signals() {
        assert_eq!(value("__NR_read").map(|number| syscalls::name(number as u64)), Some(Some("read")));
        assert_eq!((value("SIGKILL"), value("SIGNONE"), value("__NR_none")), (Some(9), None, None));
    }
}
