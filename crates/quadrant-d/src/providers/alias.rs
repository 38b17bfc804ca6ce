//! Names of other systems, so that the scripts of books run. One line each; `aliases` in [`super::Settings`] switches all off.

/// A name, and what it means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The provider, or `(variable)` and `(module)`.
    pub provider: &'static str,
    /// The name that scripts use. For system calls: the whole text of the description's function, so `open*` is a name here.
    pub name: &'static str,
    /// What it means here.
    pub means: &'static str,
    /// How many arguments of the system call `means` come before those of `name`: with 1, `arg0` is its second.
    pub shift: u8,
}

/// All of them, in the order of listings.
pub fn aliases() -> impl Iterator<Item = Alias> {
    CALLS.iter().chain(MODULES).chain(FUNCTIONS).chain(PROBES).chain(VARIABLES).copied()
}

/// The system calls that a name of another system means.
pub(super) fn of_call(name: &str) -> impl Iterator<Item = &'static Alias> {
    CALLS.iter().filter(move |alias| alias.name == name)
}

/// The kernel's module that a module of another system means.
pub(super) fn of_module(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|alias| alias.name == name).map(|alias| alias.means)
}

/// The probe that `FUNCTION:NAME` of another system is here, where its provider has no functions. `provider` may be empty.
pub(super) fn of_function(provider: &str, function: &str, name: &str) -> Option<Alias> {
    let is_it = |alias: &&Alias| {
        (provider.is_empty() || provider == alias.provider) && alias.name.split_once(':') == Some((function, name))
    };
    FUNCTIONS.iter().find(is_it).copied()
}

/// The tracepoint (`category:event`) that a probe of another system's `sdt` means.
pub(super) fn of_probe(provider: &str, name: &str) -> Option<&'static str> {
    PROBES.iter().find(|alias| alias.provider == provider && alias.name == name).map(|alias| alias.means)
}

const fn call(name: &'static str, means: &'static str) -> Alias {
    Alias { provider: "syscall", name, means, shift: 0 }
}

/// A call whose first argument comes before those of the name: the directory that a path is relative to.
const fn at(name: &'static str, means: &'static str) -> Alias {
    Alias { provider: "syscall", name, means, shift: 1 }
}

const fn module(name: &'static str) -> Alias {
    Alias { provider: "(module)", name, means: super::KERNEL, shift: 0 }
}

const fn sdt(name: &'static str, means: &'static str) -> Alias {
    Alias { provider: "sdt", name, means, shift: 0 }
}

const fn variable(name: &'static str, means: &'static str) -> Alias {
    Alias { provider: "(variable)", name, means, shift: 0 }
}

const CALLS: &[Alias] = &[
    at("open*", "openat"),
    at("open*", "openat2"),
    at("open64", "openat"),
    at("open64", "openat2"),
    call("exec", "execve"),
    call("exece", "execve"),
    call("fork1", "fork"),
    call("fork1", "vfork"),
    call("fork1", "clone"),
    call("fork1", "clone3"),
    call("forkall", "fork"),
    call("forkall", "clone"),
    call("forkall", "clone3"),
    call("forksys", "fork"),
    call("forksys", "clone"),
    call("forksys", "clone3"),
    call("rexit", "exit_group"),
    call("creat64", "creat"),
    call("stat", "newstat"),
    call("stat64", "newstat"),
    at("stat64", "newfstatat"),
    at("stat64", "statx"),
    call("xstat", "newstat"),
    at("xstat", "newfstatat"),
    call("stat*", "newstat"),
    at("stat*", "newfstatat"),
    at("stat*", "statx"),
    call("lstat", "newlstat"),
    call("lstat64", "newlstat"),
    call("lstat*", "newlstat"),
    call("lxstat", "newlstat"),
    call("fstat", "newfstat"),
    call("fstat64", "newfstat"),
    call("fstat*", "newfstat"),
    call("fxstat", "newfstat"),
    call("fstatat", "newfstatat"),
    call("fstatat64", "newfstatat"),
    call("statvfs", "statfs"),
    call("statvfs64", "statfs"),
    call("fstatvfs", "fstatfs"),
    call("fstatvfs64", "fstatfs"),
    call("uname", "newuname"),
    call("sendfile", "sendfile64"),
    call("umount2", "umount"),
    call("llseek", "lseek"),
    call("mmap64", "mmap"),
    call("ftruncate64", "ftruncate"),
    call("truncate64", "truncate"),
    call("gtime", "time"),
    call("setrlimit64", "setrlimit"),
    call("getrlimit64", "getrlimit"),
    call("so_socket", "socket"),
    call("so_socketpair", "socketpair"),
    call("send", "sendto"),
    call("recv", "recvfrom"),
    call("pollsys", "poll"),
    call("pollsys", "ppoll"),
    call("waitsys", "wait4"),
    call("waitsys", "waitid"),
    call("wait", "wait4"),
    call("sigaction", "rt_sigaction"),
    call("sigprocmask", "rt_sigprocmask"),
    call("sigpending", "rt_sigpending"),
    call("sigsuspend", "rt_sigsuspend"),
    call("sigtimedwait", "rt_sigtimedwait"),
    call("sigqueue", "rt_sigqueueinfo"),
    call("lwp_create", "clone"),
    call("lwp_create", "clone3"),
    call("lwp_exit", "exit"),
    call("lwp_kill", "tgkill"),
    call("lwp_kill", "tkill"),
    call("lwp_self", "gettid"),
    call("lwp_park", "futex"),
    call("lwp_mutex_timedlock", "futex"),
    call("lwp_cond_wait", "futex"),
    call("lwp_sema_wait", "futex"),
    call("yield", "sched_yield"),
    call("fdsync", "fsync"),
    call("uadmin", "reboot"),
    call("pgrpsys", "setpgid"),
    // The effective one is the second of three there.
    at("seteuid", "setresuid"),
    at("setegid", "setresgid"),
];

const MODULES: &[Alias] = &[module("genunix"), module("unix"), module("kernel"), module("mach_kernel")];

const fn function(provider: &'static str, name: &'static str, means: &'static str) -> Alias {
    Alias { provider, name, means, shift: 0 }
}

/// Those in which the other system has all probes of that name.
const FUNCTIONS: &[Alias] = &[
    function("io", "bdev_strategy:start", "start"),
    function("io", "biodone:done", "done"),
    function("io", "biowait:wait-start", "wait-start"),
    function("io", "biowait:wait-done", "wait-done"),
    function("proc", "cfork:create", "create"),
    function("proc", "exec_common:exec", "exec"),
    function("proc", "exec_common:exec-success", "exec-success"),
    function("proc", "exec_common:exec-failure", "exec-failure"),
    function("sched", "resume:on-cpu", "on-cpu"),
];

const PROBES: &[Alias] = &[
    sdt("interrupt-start", "irq:irq_handler_entry"),
    sdt("interrupt-complete", "irq:irq_handler_exit"),
    sdt("callout-start", "timer:timer_expire_entry"),
    sdt("callout-end", "timer:timer_expire_exit"),
    sdt("softint-start", "irq:softirq_entry"),
    sdt("softint-complete", "irq:softirq_exit"),
];

/// Defined in the library's `compat.d`.
const VARIABLES: &[Alias] = &[
    variable("zonename", "\"global\""),
    variable("zoneid", "0"),
    variable("projid", "0"),
    variable("taskid", "0"),
    variable("poolid", "0"),
    variable("jid", "0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_a_line() {
        let all: Vec<Alias> = aliases().collect();
        for (index, alias) in all.iter().enumerate() {
            assert!(!all[..index].contains(alias), "{alias:?} twice");
            assert_ne!(alias.name, alias.means);
        }
        let opens: Vec<_> = of_call("open64").map(|alias| (alias.means, alias.shift)).collect();
        assert_eq!(opens, [("openat", 1), ("openat2", 1)]);
        let effective: Vec<_> = of_call("seteuid").map(|alias| (alias.means, alias.shift)).collect();
        assert_eq!(effective, [("setresuid", 1)]);
        assert_eq!(of_module("genunix"), Some("vmlinux"));
        assert_eq!(of_probe("sdt", "interrupt-start"), Some("irq:irq_handler_entry"));
        assert_eq!(of_probe("io", "interrupt-start"), None);
        let of = |provider| of_function(provider, "resume", "on-cpu").map(|alias| alias.means);
        assert_eq!([of(""), of("sched"), of("io")], [Some("on-cpu"), Some("on-cpu"), None]);
    }
}
