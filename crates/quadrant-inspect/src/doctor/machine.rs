//! What a bug report needs to say of the machine.

use std::path::Path;

use quadrant_bpf::kconfig::Kconfig;
use quadrant_bpf::{Operation, cpus, missing_capabilities, security};

use super::model::Fact;

/// Facts about kernel, machine, settings and this process.
pub fn facts() -> Vec<Fact> {
    let mut facts = kernel();
    facts.extend(machine());
    facts.extend(SYSCTLS.iter().map(|name| fact(name, read(&format!("/proc/sys/{}", name.replace('.', "/"))))));
    facts.extend(process());
    facts
}

fn fact(name: &str, value: Option<String>) -> Fact {
    Fact { name: name.to_owned(), value }
}

const SYSCTLS: &[&str] = &[
    "kernel.perf_event_paranoid",
    "kernel.perf_event_max_sample_rate",
    "kernel.perf_event_max_stack",
    "kernel.kptr_restrict",
    "kernel.unprivileged_bpf_disabled",
    "kernel.bpf_stats_enabled",
    "kernel.ftrace_enabled",
    "kernel.randomize_va_space",
    "kernel.yama.ptrace_scope",
    "net.core.bpf_jit_enable",
    "net.core.bpf_jit_harden",
    "debug.kprobes-optimization",
];

fn kernel() -> Vec<Fact> {
    let btf = std::fs::metadata("/sys/kernel/btf/vmlinux").ok().map(|metadata| format!("{} bytes", metadata.len()));
    vec![
        fact("kernel.release", Some(quadrant_bpf::kernel::release())),
        fact("kernel.version", Some(quadrant_bpf::kernel::version())),
        fact("kernel.config", Kconfig::open().map(|config| config.path().to_owned())),
        fact("kernel.btf", btf),
        fact("kernel.lockdown", security::lockdown_level()),
        fact("kernel.lsm", security::modules().map(|modules| modules.join(","))),
        fact("kernel.perf_units", names("/sys/bus/event_source/devices")),
    ]
}

fn machine() -> Vec<Fact> {
    let count = |list: quadrant_bpf::Result<Vec<u32>>| list.ok().map(|list| list.len().to_string());
    let memory = field("/proc/meminfo", "MemTotal:");
    vec![
        fact("machine.arch", Some(std::env::consts::ARCH.to_owned())),
        fact("machine.distribution", distribution()),
        fact("machine.cpus_online", count(cpus::online())),
        fact("machine.cpus_possible", count(cpus::possible())),
        fact("machine.memory", memory),
        fact("machine.hypervisor", hypervisor()),
        fact("machine.container", container()),
        fact("machine.cgroup", cgroup()),
        fact("machine.mounts", mounts()),
    ]
}

fn process() -> Vec<Fact> {
    const STATUS: &str = "/proc/thread-self/status";
    let missing = [Operation::Load, Operation::Admin].map(missing_capabilities).concat();
    let missing = if missing.is_empty() { "none".to_owned() } else { missing.join(",") };
    let user_namespace = read("/proc/self/uid_map").map(|map| !map.split_whitespace().eq(["0", "0", "4294967295"]));
    vec![
        fact("process.uid", field(STATUS, "Uid:").map(|ids| ids.replace('\t', " "))),
        fact("process.capabilities", field(STATUS, "CapEff:")),
        fact("process.missing_capabilities", Some(missing)),
        fact("process.seccomp", field(STATUS, "Seccomp:")),
        fact("process.no_new_privs", field(STATUS, "NoNewPrivs:")),
        fact("process.user_namespace", user_namespace.map(|inside| if inside { "yes" } else { "no" }.to_owned())),
        fact("process.memlock", limit("Max locked memory")),
        fact("process.nofile", limit("Max open files")),
    ]
}

fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// What follows a name at the start of a line.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned())
}

/// The soft limit.
fn limit(name: &str) -> Option<String> {
    field("/proc/self/limits", name)?.split_whitespace().next().map(str::to_owned)
}

fn names(folder: &str) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Some(names.join(","))
}

fn distribution() -> Option<String> {
    let name = field("/etc/os-release", "PRETTY_NAME=")?;
    Some(name.trim_matches('"').to_owned())
}

/// The processor says whether it is a virtual one.
fn hypervisor() -> Option<String> {
    if let Some(kind) = read("/sys/hypervisor/type") {
        return Some(kind);
    }
    let flags = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let flags = flags.lines().find(|line| line.starts_with("flags"))?;
    Some(if flags.split(' ').any(|flag| flag == "hypervisor") { "yes" } else { "no" }.to_owned())
}

/// The kernel's first process namespace has a number of its own (linux/proc_ns.h).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

fn container() -> Option<String> {
    if let Some(kind) = read("/run/systemd/container") {
        return Some(kind);
    }
    let files = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];
    if let Some((_, kind)) = files.iter().find(|(path, _)| Path::new(path).exists()) {
        return Some((*kind).to_owned());
    }
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(if namespace == Path::new(FIRST_PID_NAMESPACE) { "no" } else { "yes" }.to_owned())
}

fn cgroup() -> Option<String> {
    let mounts = read("/proc/self/mounts")?;
    let has = |kind: &str| mounts.lines().any(|line| line.split(' ').nth(2) == Some(kind));
    let version = match (has("cgroup2"), has("cgroup")) {
        (true, false) => "2",
        (true, true) => "1 and 2",
        (false, true) => "1",
        (false, false) => "none mounted",
    };
    Some(version.to_owned())
}

/// Which of the kernel's file systems that tracing uses are mounted, and where.
fn mounts() -> Option<String> {
    let mounts = read("/proc/self/mounts")?;
    let mounted = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        matches!(kind, "tracefs" | "debugfs" | "bpf" | "securityfs").then(|| format!("{kind} {point}"))
    });
    let mounted: Vec<String> = mounted.collect();
    Some(if mounted.is_empty() { "none".to_owned() } else { mounted.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_kernel_is_known() {
        let facts = facts();
        let names: std::collections::BTreeSet<_> = facts.iter().map(|fact| &fact.name).collect();
        assert_eq!(names.len(), facts.len());
        assert!(facts.iter().any(|fact| fact.name == "kernel.release" && fact.value.is_some()));
    }
}
