//! A program in each section that libbpf knows of, on known work: `tests/objects/every.bpf.c`.

use std::ops::Range;

use quadrant_testing::{COUNT, Outcome};

use super::{number, source};
use crate::common::{good, needs_root, quadrant, refused, target};

/// The most that the command does besides its work: it looks for its libraries in many places.
const BESIDES: i64 = 1000;

/// Ends the calling test, as skipped, where the object cannot be made.
macro_rules! every {
    () => {
        match source("every") {
            Ok(path) => quadrant().args(["load", &path, "--tolerant", "--set", "target_tgid=cpid"]),
            Err(missing) => return quadrant_testing::skip(missing),
        }
    };
}

/// Reasons of kernels for leaving out a program; any other is a mistake of the loader.
const REASONS: [&str; 8] = [
    "this kernel has no kprobes",
    "this kernel has no links to",
    "EOPNOTSUPP: this kernel does not support it",
    "is not sleepable",
    "programs can be sleepable",
    "EPERM",
    "this kernel has no types for",
    "EINVAL: the kernel's verifier rejected the program or does not know one of its features",
];

/// Why a program was left out; `None` if it was not.
fn left_out<'a>(outcome: &'a Outcome, program: &str) -> Option<&'a str> {
    let start = format!("left out `{program}`: ");
    let reason = outcome.stderr.lines().find_map(|line| line.split_once(&start))?.1;
    assert!(REASONS.iter().any(|known| reason.contains(known)), "{}", outcome.describe());
    Some(reason)
}

/// All of these programs counted so much, unless the kernel does not have their kind; how many did.
#[track_caller]
fn check(outcome: &Outcome, names: &[&str], expected: &Range<i64>) -> usize {
    let there = names.iter().filter(|name| left_out(outcome, &format!("on_{name}")).is_none());
    let counted = there.inspect(|name| {
        let count = number(outcome, &format!("n_{name}"));
        assert!(expected.contains(&count), "{name} counted {count}: {}", outcome.describe());
    });
    counted.count()
}

fn once() -> Range<i64> {
    COUNT as i64..COUNT as i64 + BESIDES
}

#[test]
fn programs_of_the_kernels_functions_and_tracepoints() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = every!().args(["--attach", "on_iter_elements=bpf_map_elem:numbers"]);
    let outcome = good(load.args(["-c", &format!("{syscalls} openat {COUNT} /nowhere")]));
    check(&outcome, &["kprobe", "kretprobe", "kprobe_multi", "kretprobe_multi", "ksyscall", "kretsyscall"], &once());
    check(&outcome, &["fentry", "fexit", "fentry_s", "fexit_s"], &once());
    check(&outcome, &["kprobe_session"], &(2 * COUNT as i64..2 * (COUNT as i64 + BESIDES)));
    assert_eq!(check(&outcome, &["tracepoint", "tp"], &once()), 2, "{}", outcome.describe());
    let raw = ["raw_tracepoint", "raw_tp", "raw_tracepoint_w", "raw_tp_w", "tp_btf"];
    // Each step of the work is one system call or two.
    let all = COUNT as i64..2 * COUNT as i64 + BESIDES;
    assert_eq!(check(&outcome, &raw, &all), raw.len(), "{}", outcome.describe());
    let walks = ["iter_task", "iter_task_file", "iter_task_vma", "iter_task_s", "iter_bpf_map", "iter_elements"];
    assert!(check(&outcome, &walks, &(1..i64::MAX)) >= 4, "{}", outcome.describe());
    for other in ["xdp", "tc", "tcx", "freplace", "lsm_cgroup", "cgroup_skb", "struct_ops"] {
        assert!(outcome.stderr.contains(&format!("skipped `on_{other}`: ")), "{other}: {}", outcome.describe());
    }
    // Programs that a loader runs came with Linux 5.14.
    let is_known = left_out(&outcome, "by_its_own_loader").is_none();
    let told = outcome.stderr.contains("`by_its_own_loader` is for its own loader to run");
    assert_eq!(told, is_known, "{}", outcome.describe());
    assert!(outcome.stderr.contains("`on_uprobe` is not attached: its section"), "{}", outcome.describe());
}

#[test]
fn programs_of_security_hooks() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = good(every!().args(["-c", &format!("{syscalls} openat {COUNT} /dev/null")]));
    check(&outcome, &["fmod_ret"], &once());
    let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    if !modules.contains("bpf") && number(&outcome, "n_lsm") == 0 {
        return quadrant_testing::skip("this kernel calls no programs at its security hooks (lsm=bpf)");
    }
    check(&outcome, &["lsm", "lsm_s"], &once());
}

#[test]
fn programs_of_user_functions_and_perf_events() {
    needs_root!();
    let calls = target!("calls");
    let each = ["uprobe", "uretprobe", "uprobe_s", "uretprobe_s"];
    let many = ["uprobe_multi", "uretprobe_multi", "uprobe_multi_s", "uretprobe_multi_s"];
    let both = ["uprobe_session", "uprobe_session_s"];
    let mut load = every!().args(["--attach", "on_sample=software:task-clock:1000000"]);
    for name in each.iter().chain(&many).chain(&both) {
        load = load.args(["--attach", &format!("on_{name}={calls}:target_call")]);
    }
    let outcome = good(load.args(["-c", &format!("{calls} {COUNT}")]));
    let exactly = |count: u64| count as i64..count as i64 + 1;
    // Programs that sleep came to user probes in Linux 6.0.
    assert!(check(&outcome, &each, &exactly(COUNT)) >= 2, "{}", outcome.describe());
    check(&outcome, &many, &exactly(COUNT));
    check(&outcome, &both, &exactly(2 * COUNT));
    assert!(number(&outcome, "n_sample") > 0, "{}", outcome.describe());
    // Messages name the file, not the descriptor by which the kernel is led to it.
    assert!(!outcome.stderr.contains("/proc/self/fd"), "{}", outcome.describe());
}

#[test]
fn programs_of_static_probes() {
    needs_root!();
    super::needs_cookies!();
    let usdt = target!("usdt");
    let mut load = every!();
    for name in ["usdt", "usdt_s"] {
        load = load.args(["--attach", &format!("on_{name}={usdt}:demo:hit")]);
    }
    let outcome = good(load.args(["-c", &format!("{usdt} {COUNT}")]));
    assert!(check(&outcome, &["usdt", "usdt_s"], &(COUNT as i64..COUNT as i64 + 1)) >= 1, "{}", outcome.describe());
}

#[test]
fn programs_that_are_not_for_tracing_are_named_when_asked_for() {
    needs_root!();
    let path = match source("every") {
        Ok(path) => path,
        Err(missing) => return quadrant_testing::skip(missing),
    };
    let message = refused(quadrant().args(["load", &path, "--only", "on_xdp"]));
    assert!(message.contains("`on_xdp` is not for tracing: its section is `xdp`"), "{message}");
}

#[test]
fn a_place_within_an_instruction_is_refused() {
    needs_root!();
    let path = match source("every") {
        Ok(path) => path,
        Err(missing) => return quadrant_testing::skip(missing),
    };
    let message =
        refused(quadrant().args(["load", &path, "--only", "on_kprobe", "--attach", "on_kprobe=do_sys_openat2+1"]));
    if message.contains("EPERM") || message.contains("has no kprobes") {
        return quadrant_testing::skip("this kernel lets nobody trace its functions");
    }
    assert!(message.contains("no instruction starts at that offset"), "{message}");
}
