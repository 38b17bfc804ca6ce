//! `quadrant doctor`: what works is told as it is, and why not.

use std::path::Path;

use quadrant_testing::{Outcome, Program, is_root, skip};
use serde_json::Value;

use crate::common::{needs_root, quadrant};

fn doctor(program: Program) -> (Value, Outcome) {
    let outcome = program.args(["doctor", "--json"]).run().expect("it runs");
    let report = serde_json::from_str(&outcome.stdout);
    (report.unwrap_or_else(|error| panic!("{error}: {}", outcome.describe())), outcome)
}

fn checks(report: &Value) -> &[Value] {
    report["checks"].as_array().expect("a list")
}

#[track_caller]
fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    let found = checks(report).iter().find(|check| check["id"] == id);
    found.unwrap_or_else(|| panic!("no check {id}"))
}

fn works(report: &Value, id: &str) -> bool {
    check(report, id)["verdict"] == "works"
}

#[test]
fn root_learns_what_works_and_why_not() {
    needs_root!();
    let (report, outcome) = doctor(quadrant());
    assert_eq!(outcome.code(), Some(if report["able"] == true { 0 } else { 1 }));
    for check in checks(&report) {
        assert_ne!(check["verdict"], "untried", "{check:#}");
        let fails = check["verdict"] == "fails";
        assert_eq!(check["why"].is_string(), fails, "{check:#}");
        assert_eq!(check["instead"].is_string(), fails, "{check:#}");
    }
}

#[test]
fn the_answers_agree_with_the_kernels_own_signs() {
    needs_root!();
    let (report, _) = doctor(quadrant());
    let unit = |name: &str| Path::new("/sys/bus/event_source/devices").join(name).exists();
    assert_eq!(works(&report, "kprobe"), unit("kprobe"));
    assert_eq!(works(&report, "uprobe"), unit("uprobe"));
    assert_eq!(works(&report, "types.kernel"), Path::new("/sys/kernel/btf/vmlinux").exists());
    for id in ["tracepoint", "rawtracepoint", "timer", "software", "map.array"] {
        assert!(works(&report, id), "{:#}", check(&report, id));
    }
    assert!(works(&report, "ring_buffer") || works(&report, "perf_buffer"));
}

/// Ends the calling test, as skipped, on other kernels than one without kernel probes and in lockdown, such as CI has.
macro_rules! needs_closed_kernel {
    ($report:expr) => {
        let option = |name: &str| check($report, "kprobe")["options"].as_array()?.iter().find(|o| o["name"] == name);
        let lockdown =
            $report["machine"].as_array().and_then(|facts| facts.iter().find(|f| f["name"] == "kernel.lockdown"));
        let closed = option("CONFIG_KPROBES").is_some_and(|option| option["value"].is_null());
        if !closed || lockdown.is_none_or(|level| level["value"] != "integrity") {
            return skip("this kernel has kernel probes, or is not in lockdown");
        }
    };
}

#[test]
fn a_kernel_without_kernel_probes_is_explained() {
    needs_root!();
    let (report, _) = doctor(quadrant());
    needs_closed_kernel!(&report);
    let fails = [
        ("kprobe", "ENOENT", "CONFIG_KPROBES"),
        ("kretprobe", "ENOENT", "CONFIG_KPROBES"),
        ("kprobe.tracefs", "ENOENT", "CONFIG_KPROBES"),
        ("kprobe.multi", "EOPNOTSUPP", "CONFIG_KPROBES"),
        ("fentry", "EPERM", "lockdown (integrity)"),
        ("fexit", "EPERM", "lockdown (integrity)"),
        ("hardware.cycles", "ENOENT", "virtual machines"),
        ("watchpoint.kernel", "EINVAL", "CONFIG_KPROBES"),
    ];
    for (id, errno, why) in fails {
        let check = check(&report, id);
        assert_eq!((check["verdict"].as_str(), check["errno"].as_str()), (Some("fails"), Some(errno)), "{check:#}");
        assert!(check["why"].as_str().is_some_and(|text| text.contains(why)), "{check:#}");
    }
    assert!(check(&report, "fentry")["instead"].as_str().is_some_and(|text| text.contains("tracepoints")));
    let working =
        ["rawtracepoint.btf", "uprobe.multi", "uprobe.session", "usdt.semaphore", "iter.task", "watchpoint.write"];
    working.iter().for_each(|id| assert!(works(&report, id), "{:#}", check(&report, id)));
}

#[test]
fn nothing_stays_behind() {
    needs_root!();
    doctor(quadrant());
    let outcome = quadrant().args(["active", "--json", "--target", "quadrant_*/doctor"]).run().expect("it runs");
    assert!(outcome.stdout.contains("\"attachments\": []"), "{}", outcome.describe());
}

/// A copy of the tracer where everybody can run it; the build folder may be closed to others.
struct OpenCopy(std::path::PathBuf);

impl OpenCopy {
    fn new() -> OpenCopy {
        let path = std::env::temp_dir().join(format!("quadrant-doctor-{}", std::process::id()));
        std::fs::copy(crate::common::binary(), &path).expect("a copy");
        OpenCopy(path)
    }

    /// Run by a user without any right.
    fn powerless(&self) -> Program {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];
        Program::new("setpriv").args(nobody).arg(&self.0)
    }
}

impl Drop for OpenCopy {
    fn drop(&mut self) {
        // A copy that cannot be removed is no reason to fail.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn who_may_not_try_is_told_so() {
    if !is_root() {
        return skip("only root can become nobody");
    }
    let copy = OpenCopy::new();
    let (report, outcome) = doctor(copy.powerless());
    assert_eq!((report["able"].as_bool(), outcome.code()), (Some(false), Some(1)));
    let tracepoint = check(&report, "tracepoint");
    assert_eq!((tracepoint["verdict"].as_str(), tracepoint["errno"].as_str()), (Some("untried"), Some("EPERM")));
    assert!(tracepoint["why"].as_str().is_some_and(|why| why.contains("CAP_BPF")), "{tracepoint:#}");
    assert!(tracepoint["fix"].as_str().is_some_and(|fix| fix.contains("root")), "{tracepoint:#}");
}

/// Runs the tracer where nobody mounted /proc.
fn without_proc(args: &[&str]) -> Option<Outcome> {
    let line = "umount -l /proc && exec \"$@\"";
    let program = Program::new("unshare").args(["-m", "sh", "-c", line, "sh"]).arg(crate::common::binary()).args(args);
    let outcome = program.env("NO_COLOR", "1").run().expect("it runs");
    (!outcome.stderr.contains("umount:") && !outcome.stderr.contains("unshare:")).then_some(outcome)
}

#[test]
fn without_proc_the_version_is_known_and_tracepoints_are_listed() {
    needs_root!();
    let Some(outcome) = without_proc(&["doctor"]) else { return skip("no mount namespace can be made (unshare)") };
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert!(outcome.stdout.contains(&format!(" on Linux {},", release.trim())), "{}", outcome.describe());
    let listed = without_proc(&["-l", "tracepoint:sched:sched_switc*"]).unwrap();
    assert_eq!(listed.stdout, "tracepoint:sched:sched_switch\n", "{}", listed.describe());
}

#[test]
fn without_proc_what_needs_it_says_so() {
    needs_root!();
    let named = "BEGIN { printf(\"%p\", kaddr(\"vfs_read\")); exit(); }";
    for args in [&["-l", "kprobe:vfs_rea*"][..], &["-e", named], &["-l", "uprobe:/bin/sh:mai*"]] {
        let Some(outcome) = without_proc(args) else { return skip("no mount namespace can be made (unshare)") };
        assert!(!outcome.success(), "{}", outcome.describe());
        assert!(outcome.stderr.contains("run `mount -t proc proc /proc`"), "{}", outcome.describe());
    }
}
