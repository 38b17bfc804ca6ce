//! The types of subroutines' parameters, as messages tell them.

/// Subroutines and actions with the types of their parameters, where these are not those that messages tell of all calls.
const PROTOTYPES: &[(&str, &[&str])] = &[
    ("alloca", &["size_t"]),
    ("bcopy", &["void *", "void *", "size_t"]),
    ("commit", &["int"]),
    ("copyin", &["uintptr_t", "size_t"]),
    ("copyinstr", &["uintptr_t", "size_t"]),
    ("copyinto", &["uintptr_t", "size_t", "void *"]),
    ("copyout", &["void *", "uintptr_t", "size_t"]),
    ("copyoutstr", &["char *", "uintptr_t", "size_t"]),
    ("d_path", &["struct path *"]),
    ("discard", &["int"]),
    ("exit", &["int"]),
    ("func", &["uintptr_t"]),
    ("getmajor", &["dev_t"]),
    ("getminor", &["dev_t"]),
    ("htonl", &["uint32_t"]),
    ("htonll", &["uint64_t"]),
    ("htons", &["uint16_t"]),
    ("index", &["char *", "char *", "int"]),
    ("inet_ntoa", &["ipaddr_t *"]),
    ("inet_ntoa6", &["struct in6_addr *"]),
    ("inet_ntop", &["int", "void *"]),
    ("link_ntop", &["int", "void *"]),
    ("mod", &["uintptr_t"]),
    ("mutex_owned", &["struct mutex *"]),
    ("mutex_owner", &["struct mutex *"]),
    ("mutex_type_adaptive", &["struct mutex *"]),
    ("mutex_type_spin", &["struct mutex *"]),
    ("ntohl", &["uint32_t"]),
    ("ntohll", &["uint64_t"]),
    ("ntohs", &["uint16_t"]),
    ("progenyof", &["pid_t"]),
    ("raise", &["int"]),
    ("rindex", &["char *", "char *", "int"]),
    ("rw_iswriter", &["rwlock_t *"]),
    ("rw_read_held", &["rwlock_t *"]),
    ("rw_write_held", &["rwlock_t *"]),
    ("setopt", &["char *", "char *"]),
    ("speculate", &["int"]),
    ("strchr", &["char *", "char"]),
    ("strrchr", &["char *", "char"]),
    ("strtok", &["char *", "char *"]),
    ("substr", &["char *", "int", "int"]),
    ("sym", &["uintptr_t"]),
    ("uaddr", &["uintptr_t"]),
    ("ufunc", &["uintptr_t"]),
    ("umod", &["uintptr_t"]),
    ("usym", &["uintptr_t"]),
];

/// The type of a call's parameter, counted from 1.
pub(super) fn of(name: &str, number: usize) -> Option<&'static str> {
    let (_, types) = PROTOTYPES.iter().find(|(known, _)| *known == name)?;
    types.get(number - 1).copied()
}
