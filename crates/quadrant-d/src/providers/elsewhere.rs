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
    /// The provider is here, but not what is named of it.
    NotOfIt(String),
    /// Programs have it if they are built so.
    IfBuilt(String),
}

/// Advice for the provider of a description, or for a function of another kernel in it.
pub(super) fn instead(wanted: &Wanted) -> Option<Instead> {
    if let ("sdt", Some("vmm"), _) | ("sdt" | "", _, Some("zfs-dbgmsg")) =
        (wanted.provider.text(), wanted.module.literal(), wanted.name.literal())
    {
        return Some(Instead::NotOfIt(VIRTUAL_AND_ZFS.to_owned()));
    }
    if let Some((name, advice)) = function(wanted) {
        return Some(Instead::NotOfIt(format!("`{name}` is a function of {advice}")));
    }
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

/// What is said of a function that is named, where the provider has probes without functions here, or is `fbt`.
fn function(wanted: &Wanted) -> Option<(&'static str, &'static str)> {
    let name = wanted.function.literal()?;
    let matters = ["", "io", "sched", "proc", "fbt", "sdt", "vminfo", "sysinfo"].contains(&wanted.provider.text());
    let entry = FUNCTIONS.iter().find(|entry| entry.names.contains(&name)).filter(|_| matters)?;
    Some((*entry.names.iter().find(|known| **known == name)?, entry.advice))
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
    at(&["freebsd", "opensolaris"], "FreeBSD; here `dtrace -l -P sdt` lists the kernel's own probes"),
    at(&["sdp"], "Solaris; here `dtrace -l -n 'sdt:rdma*::'` lists the probes of RDMA, once its modules are loaded"),
    at(
        &["vmm"],
        "illumos and FreeBSD; here `dtrace -l -n 'sdt:kvm::'` lists the probes of virtual machines, once the module is loaded",
    ),
    at(
        &["zfs"],
        "FreeBSD and illumos; here `dtrace -l -n 'sdt:zfs::'` lists the probes of that module, once it is loaded",
    ),
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

/// About probes of `sdt` that only two modules of other systems have.
const VIRTUAL_AND_ZFS: &str = "FreeBSD and illumos have that; here `dtrace -l -n 'sdt:kvm::'` lists the probes of virtual machines, \
    and `dtrace -l -n 'sdt:zfs::'` those of ZFS, once the module is loaded";

/// Functions of Solaris' kernel that scripts name in descriptions, or whose probes have meanings.
const FUNCTIONS: &[Elsewhere] = &[
    at(
        &["resume", "swtch", "swtch_to", "swtch_from_zombie"],
        "Solaris; here `sched:::on-cpu` and `sched:::off-cpu` tell who runs, without a function",
    ),
    at(
        &["setbackdq", "setfrontdq", "dispdeq", "disp_getwork"],
        "Solaris; here `sched:::enqueue` and `sched:::dequeue` tell of the queues of processors",
    ),
    at(
        &["bdev_strategy", "default_physio", "sd_start_cmds"],
        "Solaris; here `io:::start` tells of requests to devices",
    ),
    at(&["biodone", "sd_return_command"], "Solaris; here `io:::done` tells of requests that are done"),
    at(&["biowait"], "Solaris; here `io:::wait-start` and `io:::wait-done` tell who waits for a request"),
    at(
        &["fop_read", "fop_write", "fop_open", "fop_close"],
        "Solaris; here `fbt::vfs_read:entry` and its like are the operations of all file systems",
    ),
    at(
        &["zfs_read", "zfs_write", "zio_create"],
        "ZFS; here `fbt:zfs::entry` lists what that module has, once it is loaded",
    ),
    at(&["squeue_enter_chain", "squeue_enter"], "Solaris; here `tcp:::receive` and `ip:::receive` tell of packets"),
    at(&["as_fault", "page_create_va"], "Solaris; here `vminfo:::as_fault` and `sdt:kmem::` tell of pages"),
    at(
        &["kmem_alloc", "kmem_zalloc", "kmem_free"],
        "Solaris; here `sdt:kmem::kmalloc` and `sdt:kmem::kfree` tell of the kernel's allocations",
    ),
    at(
        &["exec_common", "exec_args"],
        "Solaris; here `proc:::exec` and `proc:::exec-success` tell of programs that start",
    ),
    at(
        &["cv_wait", "cv_wait_sig", "cv_timedwait"],
        "Solaris; here `sched:::off-cpu` with `stack()` tells who waits, and where",
    ),
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
            Instead::NotHere(advice) | Instead::NotOfIt(advice) | Instead::IfBuilt(advice) => advice,
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
        assert!(told("vmm").unwrap().contains("sdt:kvm::"));
        assert_eq!(told("nosuch"), None);
        assert_eq!(told("syscall"), None);
    }

    #[test]
    fn functions_of_other_kernels_have_advice() {
        let told = |provider: &str, function: &str| {
            let desc = ProbeDesc {
                provider: provider.to_owned(),
                function: function.to_owned(),
                name: "on-cpu".to_owned(),
                ..ProbeDesc::default()
            };
            matches!(instead(&Wanted::of(&desc)), Some(Instead::NotOfIt(advice)) if advice.contains("sched:::on-cpu"))
        };
        let vmm = ProbeDesc { provider: "sdt".to_owned(), module: "vmm".to_owned(), ..ProbeDesc::default() };
        let dbgmsg = ProbeDesc { name: "zfs-dbgmsg".to_owned(), ..ProbeDesc::default() };
        assert!([vmm, dbgmsg].iter().all(|desc| instead(&Wanted::of(desc)).is_some()));
        assert!(told("sched", "resume") && told("", "resume") && told("fbt", "swtch"));
        // Programs may have a function of that name.
        assert!(!told("pid12", "resume") && !told("sched", "resum*") && !told("sched", ""));
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
