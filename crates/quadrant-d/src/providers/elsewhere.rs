//! Providers that other systems have and this one has not: what to use instead. And the nearest name for a misspelt one.

use super::pattern::{Pattern, Wanted};
use quadrant_types::suggest;

/// Names of providers, without the number of a process, and what to do.
struct Elsewhere {
    names: &'static [&'static str],
    advice: &'static str,
}

const fn at(names: &'static [&'static str], advice: &'static str) -> Elsewhere {
    Elsewhere { names, advice }
}

/// What to do where a provider has no probes. The second is for providers that a program can have.
pub(super) enum Instead {
    /// There is no such provider on Linux.
    NotHere(String),
    /// Programs have it if they are built so.
    IfBuilt(String),
}

/// Advice for the provider of a description.
pub(super) fn instead(wanted: &Wanted) -> Option<Instead> {
    if let Some((name, advice)) = advice(SYSTEMS, &wanted.provider) {
        return Some(Instead::NotHere(format!("`{name}` is a provider of {advice}")));
    }
    let (name, advice) = advice(PROGRAMS, &wanted.provider)?;
    Some(Instead::IfBuilt(format!("the probes of `{name}` are in {advice}")))
}

/// The description with the nearest provider that there is.
pub(super) fn nearest(wanted: &Wanted) -> Option<String> {
    let near = suggest(wanted.provider.literal()?, OURS.iter().copied())?;
    Some(format!("did you mean `{}`?", Wanted { provider: Pattern::new(near), ..wanted.clone() }))
}

/// What a table says of a provider, under the name that it has there. A process's number may follow the name.
fn advice(table: &'static [Elsewhere], provider: &Pattern) -> Option<(&'static str, &'static str)> {
    let base = provider.text().trim_end_matches(|c: char| c.is_ascii_digit() || c == '*');
    let is_it = |name: &&&str| **name == provider.text() || **name == base;
    table.iter().find_map(|entry| Some((*entry.names.iter().find(is_it)?, entry.advice)))
}

/// Providers with one name.
const OURS: &[&str] = &[
    "cpc", "dtrace", "fbt", "io", "ip", "lockstat", "mib", "proc", "profile", "rawfbt", "rawtp", "sched", "sdt",
    "syscall", "sysinfo", "tcp", "udp", "vminfo",
];

const SYSTEMS: &[Elsewhere] = &[
    at(&["audit"], "FreeBSD; here `syscall:::entry` and `syscall:::return` tell what its events tell"),
    at(
        &["callout", "callout_execute"],
        "FreeBSD; here `sdt:timer::timer_expire_entry` and `timer_expire_exit` tell of timers that run",
    ),
    at(&["dtmalloc"], "FreeBSD; here `sdt:kmem::kmalloc` and `sdt:kmem::kfree` tell of the kernel's allocations"),
    at(&["fasttrap"], "Solaris, which programs named by mistake; functions of processes are `pid$target:::entry`"),
    at(
        &["fc", "srp"],
        "Solaris; here `sdt:scsi::scsi_dispatch_cmd_start` and `scsi_dispatch_cmd_done` tell of the commands of all transports",
    ),
    at(&["fpuinfo"], "Solaris; here `dtrace -l -n 'sdt:x86_fpu::'` lists what tells of the floating point unit"),
    at(
        &["fsinfo", "vfs"],
        "Solaris or FreeBSD; here `fbt::vfs_*:entry` are the operations of all file systems, and `syscall::read:entry` with `fds[arg0].fi_pathname` those of programs",
    ),
    at(
        &["iscsi"],
        "Solaris; here `dtrace -l -n 'sdt:iscsi::'` lists the probes of the initiator and `sdt:target::` those of the target, once their modules are loaded",
    ),
    at(
        &["kinst"],
        "FreeBSD; here `fbt` has the entries and returns of functions, and bpftrace's language their instructions (`kprobe:FUNCTION+OFFSET`)",
    ),
    at(&["lx-syscall", "linux32"], "other systems; all system calls here are `syscall`"),
    at(&["mac", "mac_framework"], "FreeBSD; here `fbt::security_*:entry` are the questions to security modules"),
    at(&["mach_trap"], "macOS; here `syscall:::entry` is every way into the kernel"),
    at(
        &["nfsv3", "nfsv4", "nfsv"],
        "Solaris; here `dtrace -l -n 'sdt:nfsd::'` lists the probes of the server, `sdt:nfs::` and `sdt:nfs4::` those of the client, once their modules are loaded",
    ),
    at(
        &["nfscl", "nfsclient"],
        "FreeBSD; here `dtrace -l -n 'sdt:nfs::'` lists the probes of the client (`sdt:nfs4::` those of version 4), once its module is loaded",
    ),
    at(
        &["objc", "objc_runtime", "CoreData", "magmalloc", "Cocoa_Autorelease", "Cocoa_Layout"],
        "macOS; here functions of a process are `pid$target:::entry`",
    ),
    at(
        &["plockstat"],
        "Solaris; here `pid$target:libc:pthread_mutex_lock:entry` and `:return` are a program's locks, and `syscall::futex:entry` where it waits for one",
    ),
    at(
        &["priv"],
        "FreeBSD; here `fbt::cap_capable:entry` and `:return` are the questions whether somebody may (0: yes)",
    ),
    at(&["sctp"], "Solaris and FreeBSD; here `dtrace -l -n 'sdt:sctp::'` lists the probes, once its module is loaded"),
    at(
        &["smb"],
        "Solaris; here `dtrace -l -n 'sdt:cifs::'` lists the probes of the client, once its module is loaded; a server is a process: `pid$target`",
    ),
    at(&["sysevent"], "Solaris; here `fbt::kobject_uevent_env:entry` tells of devices that come and go"),
    at(&["udplite"], "FreeBSD; here `udp:::send` and `udp:::receive` tell of plain datagrams"),
    at(&["xpv"], "Solaris; here `dtrace -l -n 'sdt:xen::'` lists the probes, under Xen"),
];

const PROGRAMS: &[Elsewhere] = &[
    at(&["erlang"], "an Erlang built with `--with-dynamic-trace`: the file is beam.smp"),
    at(
        &["hotspot", "hotspot_jni"],
        "libjvm.so of a Java built with `--enable-dtrace`, and those of methods, objects and monitors need `java -XX:+ExtendedDTraceProbes`",
    ),
    at(&["http"], "an Apache httpd with mod_dtrace"),
    at(&["javascript", "node"], "Node.js 18 and older, built with `--with-dtrace`; newer ones have none"),
    at(&["mysql"], "MySQL 5.7 and older, built with `-DENABLE_DTRACE=1`; newer ones have none"),
    at(&["perl"], "a perl built with `-Dusedtrace`"),
    at(&["php"], "a PHP built with `--enable-dtrace`, and need `USE_ZEND_DTRACE=1` in its environment"),
    at(&["postgresql"], "a PostgreSQL built with `--enable-dtrace`"),
    at(&["python"], "a Python built with `--with-dtrace`"),
    at(&["ruby"], "a Ruby built with `--enable-dtrace`"),
    at(&["sh"], "the Bourne shell of Solaris; shells here have none"),
    at(&["tcl"], "a Tcl built with `--enable-dtrace`"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desc::ProbeDesc;
    use crate::providers::is_provider;

    fn told(provider: &str) -> Option<String> {
        let desc = ProbeDesc { provider: provider.to_owned(), name: "x".to_owned(), ..ProbeDesc::default() };
        instead(&Wanted::of(&desc)).map(|advice| match advice {
            Instead::NotHere(advice) | Instead::IfBuilt(advice) => advice,
        })
    }

    #[test]
    fn each_provider_of_other_systems_has_one_advice() {
        let tables = || SYSTEMS.iter().chain(PROGRAMS);
        let names: Vec<&str> = tables().flat_map(|entry| entry.names).copied().collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name} twice");
            assert!(!OURS.contains(name), "{name} is here");
            assert!(told(name).is_some_and(|advice| advice.contains(&format!("`{name}`"))), "{name}");
        }
    }

    #[test]
    fn the_number_of_a_process_is_no_part_of_the_name() {
        assert!(told("plockstat1234").unwrap().starts_with("`plockstat` is a provider of Solaris"));
        assert!(told("perl*").unwrap().starts_with("the probes of `perl` are in a perl built with"));
        assert!(told("nfsv3").unwrap().starts_with("`nfsv3` is"));
        assert_eq!(told("nosuch"), None);
        assert_eq!(told("syscall"), None);
    }

    #[test]
    fn providers_that_are_suggested_are_there() {
        assert!(OURS.iter().all(|name| is_provider(name)));
        let wanted = |provider: &str| {
            let desc = ProbeDesc { provider: provider.to_owned(), name: "entry".to_owned(), ..ProbeDesc::default() };
            nearest(&Wanted::of(&desc))
        };
        assert_eq!(wanted("syscal").unwrap(), "did you mean `syscall:::entry`?");
        assert_eq!(wanted("nothing_alike"), None);
    }
}
