//! The library that every script can use: types, translators, inlines, constants, written in D.
//!
//! Nothing of it is parsed that a script does not name: [`items`] gives the pieces of a name, as text. The files are split at their top
//! level only, once.

mod split;

pub use split::{Item, Kind};

use std::collections::HashMap;
use std::sync::OnceLock;

/// The file whose names are [`crate::providers::aliases`].
pub const ALIASES: &str = "compat.d";

const FILES: &[(&str, &str)] = &[
    ("procfs.d", include_str!("../../library/procfs.d")),
    ("sched.d", include_str!("../../library/sched.d")),
    ("signal.d", include_str!("../../library/signal.d")),
    ("io.d", include_str!("../../library/io.d")),
    ("net.d", include_str!("../../library/net.d")),
    ("errno.d", include_str!("../../library/errno.d")),
    (ALIASES, include_str!("../../library/compat.d")),
];

/// Files that other systems have, too; what is here of them is in files of other names.
const ELSEWHERE: &[&str] = &["ip.d", "lockstat.d", "pcap.d", "regs.d", "tcp.d", "udp.d", "unistd.d"];

/// Whether a library may say that it depends on this file.
pub fn is_file(name: &str) -> bool {
    FILES.iter().any(|(file, _)| *file == name) || ELSEWHERE.contains(&name)
}

/// What the library has under a name, in its order: `name` is an inline or a typedef, `struct name` a struct, and `translator name`
/// all translators to that type.
pub fn items(name: &str) -> impl Iterator<Item = &'static Item> {
    index().get(name).into_iter().flatten()
}

/// All names.
pub fn names() -> impl Iterator<Item = &'static str> {
    index().keys().map(String::as_str)
}

fn index() -> &'static HashMap<String, Vec<Item>> {
    static INDEX: OnceLock<HashMap<String, Vec<Item>>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index: HashMap<String, Vec<Item>> = HashMap::new();
        for (file, text) in FILES {
            for item in split::split(file, text) {
                for name in item.names() {
                    index.entry(name).or_default().push(item);
                }
            }
        }
        index
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_by_name() {
        let one = |name: &str| items(name).next().unwrap_or_else(|| panic!("{name}")).text;
        assert_eq!(one("SIGKILL"), "inline int SIGKILL = 9;");
        assert!(one("psinfo_t").starts_with("typedef struct psinfo {"));
        assert!(one("struct psinfo").ends_with("} psinfo_t;"));
        assert!(one("curpsinfo").starts_with("inline psinfo_t *curpsinfo"));
        assert!(one("fds").starts_with("inline fileinfo_t fds[int fd]"));
        assert_eq!(items("translator fileinfo_t").count(), 2);
        assert_eq!(items("translator tcpsinfo_t").count(), 5);
        assert_eq!(items("nothing").count(), 0);
        assert_eq!(items("zonename").next().unwrap().file, ALIASES);
    }

    /// Every piece is one declaration without mistakes.
    #[test]
    fn all_of_it_is_d() {
        for name in names() {
            for item in items(name) {
                let parsed = crate::parse(item.text);
                assert!(parsed.diagnostics.is_empty(), "{name} in {}: {:?}", item.file, parsed.diagnostics);
                assert_eq!(parsed.script.items.len(), 1, "{name} in {}", item.file);
            }
        }
    }
}
