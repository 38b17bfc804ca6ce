//! Why the kernel refused, and the command that changes it.
//!
//! The kernel's answer is one number for many reasons, so this module looks at the things that commonly cause it: the
//! process's capabilities, user namespace and seccomp filter, the kernel's lockdown level and its sysctls.

use crate::errno::Errno;
use crate::{limits, security};

/// What was tried; the same error number means different things for each.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Creating a map.
    Create,
    /// Using a map.
    Map,
    /// Loading a program.
    Load,
    /// Attaching a program.
    Attach,
    /// Opening or using a perf event.
    Perf,
    /// Opening a perf event that probes code; fixed kernels of 2025 and later want all of root's power for it
    /// (CVE-2025-38466).
    Probe,
    /// Running a program for a test, or asking the kernel about an object.
    Query,
    /// Looking at what other processes made, or counting all programs: root's power even if asked for one's own.
    Admin,
    /// Mounting or reading tracefs.
    TraceFs,
    /// Any other file.
    File,
}

/// The capabilities that an operation needs and this process has not. Empty too if /proc does not tell.
pub fn missing_capabilities(operation: Operation) -> Vec<&'static str> {
    Process::this().missing(operation)
}

/// The reason and the remedy; either may be empty.
pub(crate) struct Explanation {
    pub why: String,
    pub hint: String,
}

impl Explanation {
    fn new(why: impl Into<String>, hint: impl Into<String>) -> Explanation {
        Explanation { why: why.into(), hint: hint.into() }
    }
}

pub(crate) fn explain(operation: Operation, errno: Errno) -> Explanation {
    match errno.number() {
        libc::EPERM | libc::EACCES => denied(operation, errno),
        libc::ENOSYS => absent(operation),
        libc::E2BIG => too_big(operation),
        libc::ENOMEM => out_of_memory(operation),
        libc::EMFILE => {
            Explanation::new("too many open files in this process", "raise the limit with `ulimit -n 65536`")
        }
        libc::EFBIG => Explanation::new(
            "it is as large as files of this process may be, or files of this file system",
            "raise the limit with `ulimit -f unlimited`",
        ),
        libc::ENFILE => {
            Explanation::new("too many open files on this machine", "raise the limit with `sysctl fs.file-max=1000000`")
        }
        _ if errno.is_unsupported() => Explanation::new("this kernel does not support it, or was built without it", ""),
        _ => specific(operation, errno),
    }
}

/// Answers that mean something else for each operation.
fn specific(operation: Operation, errno: Errno) -> Explanation {
    match (operation, errno.number()) {
        (Operation::Perf, libc::ENOENT) => {
            Explanation::new("this machine has no such event (virtual machines often lack hardware counters)", "")
        }
        (Operation::Perf | Operation::Probe, libc::EILSEQ) => {
            Explanation::new("no instruction starts at that offset", "")
        }
        (Operation::Perf, libc::EBUSY) => Explanation::new("another user of the counter has it for itself", ""),
        (Operation::Attach, libc::ENOENT) => Explanation::new("this kernel has no such attach point", ""),
        (Operation::Attach, libc::EEXIST) => {
            Explanation::new("a program that cannot share its place is already attached there", "")
        }
        (Operation::TraceFs, libc::ENODEV) => no_tracefs(),
        (Operation::Load, libc::EINVAL) => {
            Explanation::new("the kernel's verifier rejected the program or does not know one of its features", "")
        }
        // What it answers to more than 8192 branches on one path.
        (Operation::Load, libc::EFAULT) => Explanation::new("the program is too complex for the kernel's verifier", ""),
        _ => Explanation::new(errno.text().unwrap_or_default(), ""),
    }
}

fn absent(operation: Operation) -> Explanation {
    let option = match operation {
        Operation::Perf | Operation::Probe => "CONFIG_PERF_EVENTS",
        Operation::TraceFs | Operation::File => {
            return Explanation::new("this kernel lacks the system call, or a sandbox hides it", "");
        }
        _ => "CONFIG_BPF_SYSCALL",
    };
    Explanation::new(
        format!("this kernel was built without {option}, or a sandbox hides the system call"),
        format!("check with `zgrep {option} /proc/config.gz`"),
    )
}

fn no_tracefs() -> Explanation {
    Explanation::new(
        "this kernel was built without tracefs (CONFIG_TRACING)",
        "check with `grep tracefs /proc/filesystems`",
    )
}

fn too_big(operation: Operation) -> Explanation {
    let why = match operation {
        Operation::Load => {
            "the program is too large, or its paths are too many for the verifier (one million instructions)"
        }
        Operation::Create => "the map is too large, or this kernel does not know one of its settings",
        Operation::Map => "the map is full",
        _ => "this kernel does not know a field of the request, or the limit of attached programs is reached",
    };
    Explanation::new(why, "")
}

fn out_of_memory(operation: Operation) -> Explanation {
    let hint = match operation {
        Operation::Create | Operation::Map => {
            "use a smaller map, or raise the memory limit of this control group if it has one"
        }
        _ => "",
    };
    Explanation::new("the kernel could not get the memory", hint)
}

/// EPERM and EACCES: the first cause found is the one reported, most specific first.
fn denied(operation: Operation, errno: Errno) -> Explanation {
    let process = Process::this();
    missing_capability(operation, &process)
        .or_else(|| closed_events(operation, errno, &process, paranoid_level()?))
        .or_else(|| process.in_user_namespace.then(user_namespace))
        .or_else(|| process.seccomp.then(|| seccomp(operation)))
        .or_else(|| verifier_denied(operation, errno))
        .or_else(|| closed_files(operation, errno, &process))
        .or_else(|| locked_down(operation))
        .or_else(|| memory_limit(operation, errno, limits::memlock()))
        .unwrap_or_else(|| Explanation::new(errno.text().unwrap_or_default(), ""))
}

fn missing_capability(operation: Operation, process: &Process) -> Option<Explanation> {
    let missing = process.missing(operation);
    if missing.is_empty() {
        return None;
    }
    let mut why = format!("this process lacks {}", missing.join(" and "));
    if matches!(operation, Operation::Perf | Operation::Probe) {
        why.push_str(&paranoid());
    }
    Some(Explanation::new(why, process.way_to_capabilities(operation)))
}

/// `kernel.perf_event_paranoid` says what users without CAP_PERFMON may measure.
fn paranoid() -> String {
    paranoid_level().map(|level| format!(" (kernel.perf_event_paranoid is {level})")).unwrap_or_default()
}

fn paranoid_level() -> Option<i32> {
    std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?.trim().parse().ok()
}

/// Above 2, some distributions' kernels (Debian, Ubuntu, Android) leave perf_event_open(2) to root, whatever else CAP_PERFMON allows.
fn closed_events(operation: Operation, errno: Errno, process: &Process, paranoid: i32) -> Option<Explanation> {
    let is_admin = process.capabilities.is_none_or(|held| held >> CAP_SYS_ADMIN & 1 == 1);
    (operation == Operation::Perf && errno.is(libc::EACCES) && !is_admin && paranoid > 2).then(|| {
        Explanation::new(
            format!("kernel.perf_event_paranoid is {paranoid}, which takes CAP_SYS_ADMIN here, and this process has it no more or never had it"),
            "run `sysctl kernel.perf_event_paranoid=2`",
        )
    })
}

fn user_namespace() -> Explanation {
    Explanation::new(
        "this process is root only inside a user namespace, which does not count for tracing",
        "run it outside, as root of the machine",
    )
}

fn seccomp(operation: Operation) -> Explanation {
    let calls = if operation == Operation::File { "the system call" } else { "bpf(2) and perf_event_open(2)" };
    Explanation::new(
        "a seccomp filter restricts this process, as in a container",
        format!("allow {calls} there (docker: --privileged, or --security-opt seccomp=unconfined)"),
    )
}

/// The verifier answers EACCES, never EPERM, when it does not like what a program does.
fn verifier_denied(operation: Operation, errno: Errno) -> Option<Explanation> {
    (operation == Operation::Load && errno.is(libc::EACCES))
        .then(|| Explanation::new("the kernel's verifier rejected a memory access of the program", ""))
}

/// Security modules answer EPERM or EACCES, lockdown EPERM, permissions of files EACCES.
fn closed_files(operation: Operation, errno: Errno, process: &Process) -> Option<Explanation> {
    let reads_all = process.capabilities.is_none_or(|held| held >> CAP_DAC_OVERRIDE & 1 == 1);
    (operation == Operation::TraceFs && errno.is(libc::EACCES) && !reads_all).then(|| {
        Explanation::new(
            "its files are root's, and this process lacks CAP_DAC_OVERRIDE",
            "run it as root, for example with sudo",
        )
    })
}

fn locked_down(operation: Operation) -> Option<Explanation> {
    if matches!(operation, Operation::File | Operation::Create | Operation::Map) {
        return None;
    }
    let level = security::lockdown()?;
    Some(Explanation::new(
        format!("kernel lockdown ({level}) or another security module closes it"),
        "lockdown is set at boot: remove lockdown= from the kernel command line, or switch Secure Boot off",
    ))
}

/// Old kernels answer EPERM, not ENOMEM, when a map or a program does not fit into the limit of locked memory.
fn memory_limit(operation: Operation, errno: Errno, limit: Option<u64>) -> Option<Explanation> {
    let limit = limit.filter(|_| errno.is(libc::EPERM) && matches!(operation, Operation::Create | Operation::Load))?;
    let why = format!(
        "kernels before 5.11 count maps and programs as locked memory, of which this process may have {} KiB",
        limit >> 10
    );
    Some(Explanation::new(why, "raise the limit with `ulimit -l unlimited`"))
}

/// What matters of this process, from /proc: capabilities belong to the thread.
struct Process {
    is_root: bool,
    capabilities: Option<u64>,
    seccomp: bool,
    in_user_namespace: bool,
}

/// Bits of CapEff (linux/capability.h).
const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

impl Process {
    fn this() -> Process {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let uid_map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        Process::parse(&status, &uid_map)
    }

    fn parse(status: &str, uid_map: &str) -> Process {
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let whole_range = |map: &str| map.split_whitespace().eq(["0", "0", "4294967295"]);
        Process {
            is_root: field("Uid:").and_then(|ids| ids.split_whitespace().nth(1)) == Some("0"),
            capabilities: field("CapEff:").and_then(|hex| u64::from_str_radix(hex, 16).ok()),
            seccomp: field("Seccomp:").is_some_and(|mode| mode != "0"),
            in_user_namespace: !uid_map.is_empty() && !whole_range(uid_map),
        }
    }

    /// The capabilities that the operation needs and this process has not.
    fn missing(&self, operation: Operation) -> Vec<&'static str> {
        let Some(capabilities) = self.capabilities else { return Vec::new() };
        let has = |bit: u32| capabilities >> bit & 1 == 1 || capabilities >> CAP_SYS_ADMIN & 1 == 1;
        needs(operation).iter().filter(|need| !has(need.0)).map(|need| need.1).collect()
    }

    /// What to do when they are missing. Who is root already, as in a container, is not helped by becoming root.
    fn way_to_capabilities(&self, operation: Operation) -> &'static str {
        match operation {
            _ if !self.is_root => "run it as root, for example with sudo",
            Operation::TraceFs => {
                "mount it beforehand: `mount -t tracefs tracefs /sys/kernel/tracing` \
                 (docker: -v /sys/kernel/tracing:/sys/kernel/tracing)"
            }
            _ => "this root does not have all of root's capabilities (docker: --privileged, or --cap-add)",
        }
    }
}

fn needs(operation: Operation) -> &'static [(u32, &'static str)] {
    match operation {
        Operation::Create | Operation::Map | Operation::Query => &[(CAP_BPF, "CAP_BPF")],
        Operation::Load | Operation::Attach => &[(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")],
        Operation::Perf => &[(CAP_PERFMON, "CAP_PERFMON")],
        Operation::Admin | Operation::TraceFs | Operation::Probe => &[(CAP_SYS_ADMIN, "CAP_SYS_ADMIN")],
        Operation::File => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "         0          0 4294967295\n";

    #[test]
    fn names_missing_capabilities() {
        let process = Process::parse("Name:\tx\nCapEff:\t0000000000000000\nSeccomp:\t0\n", HOST);
        assert_eq!(process.missing(Operation::Load), ["CAP_BPF", "CAP_PERFMON"]);
        assert!(process.way_to_capabilities(Operation::Load).contains("sudo"));
        let process = Process::parse("Uid:\t0\t0\t0\t0\nCapEff:\t0000008000000000\n", HOST);
        assert_eq!(process.missing(Operation::Load), ["CAP_PERFMON"]);
        assert!(process.way_to_capabilities(Operation::Load).contains("--cap-add"));
        assert!(process.way_to_capabilities(Operation::TraceFs).contains("mount -t tracefs"));
        let process = Process::parse("CapEff:\t000001ffffffffff\n", HOST);
        assert!(process.missing(Operation::TraceFs).is_empty());
    }

    #[test]
    fn sees_sandboxes() {
        let process = Process::parse("Seccomp:\t2\n", "0 1000 1\n");
        assert!(process.seccomp && process.in_user_namespace);
        let process = Process::parse("Seccomp:\t0\n", HOST);
        assert!(!process.seccomp && !process.in_user_namespace);
    }

    #[test]
    fn files_that_are_roots_are_not_taken_for_locked_down() {
        let process = Process::parse("CapEff:\t0000000000200000\nSeccomp:\t0\n", HOST);
        let eacces = Errno::new(libc::EACCES);
        assert!(closed_files(Operation::TraceFs, eacces, &process).unwrap().why.contains("CAP_DAC_OVERRIDE"));
        assert!(closed_files(Operation::TraceFs, Errno::new(libc::EPERM), &process).is_none());
        let root = Process::parse("CapEff:\t000001ffffffffff\n", HOST);
        assert!(closed_files(Operation::TraceFs, eacces, &root).is_none());
    }

    #[test]
    fn a_kernel_that_leaves_events_to_root_is_told_from_one_that_lacks_a_capability() {
        let perfmon = Process::parse("CapEff:\t000000c000000000\nSeccomp:\t0\n", HOST);
        let eacces = Errno::new(libc::EACCES);
        assert!(missing_capability(Operation::Perf, &perfmon).is_none());
        let explanation = closed_events(Operation::Perf, eacces, &perfmon, 3).unwrap();
        assert!(explanation.why.contains("perf_event_paranoid is 3") && explanation.hint.contains("sysctl"));
        assert!(closed_events(Operation::Perf, eacces, &perfmon, 2).is_none());
        let root = Process::parse("CapEff:\t000001ffffffffff\nSeccomp:\t0\n", HOST);
        assert!(closed_events(Operation::Perf, eacces, &root, 3).is_none());
    }

    #[test]
    fn a_limit_of_locked_memory_is_a_reason_for_maps_and_programs() {
        let eperm = Errno::new(libc::EPERM);
        let explanation = memory_limit(Operation::Create, eperm, Some(64 << 10)).unwrap();
        assert!(explanation.why.contains("64 KiB") && explanation.hint.contains("ulimit -l"));
        assert!(memory_limit(Operation::Create, eperm, None).is_none());
        assert!(memory_limit(Operation::Map, eperm, Some(0)).is_none());
        assert!(memory_limit(Operation::Load, Errno::new(libc::EACCES), Some(0)).is_none());
    }

    #[test]
    fn explains_common_answers() {
        let explanation = explain(Operation::Perf, Errno::new(libc::ENOSYS));
        assert!(explanation.why.contains("CONFIG_PERF_EVENTS") && explanation.hint.contains("zgrep"));
        let explanation = explain(Operation::Map, Errno::new(libc::EMFILE));
        assert!(explanation.hint.contains("ulimit -n"));
        assert!(explain(Operation::File, Errno::new(libc::EFBIG)).hint.contains("ulimit -f"));
    }
}
