//! What the scripts of the benchmarks call: no helper that the answer does not need, each as seldom as can be.

use std::os::unix::fs::MetadataExt;

use crate::common::{good, needs_root, quadrant};

/// The table in front, an array, for which the kernel makes no call; then a look-up in the map; if there is no such key, its first value,
/// which another processor may have stored first.
const COUNTED: [&str; 4] = ["map_lookup_elem", "map_lookup_elem", "map_update_elem", "map_lookup_elem"];
/// Scratch memory: one of a processor's four entries.
const CLAIMED: [&str; 5] =
    ["get_smp_processor_id", "map_lookup_elem", "map_lookup_elem", "map_lookup_elem", "map_lookup_elem"];

/// The helpers that a script calls, in the order of its code.
fn calls(script: &str) -> Vec<String> {
    let listing = good(quadrant().args(["explain", "--only", "bpf", "-e", script]));
    let name = |line: &str| Some(line.split_once("call bpf_")?.1.split('#').next()?.to_owned());
    listing.stdout.lines().filter_map(name).collect()
}

/// Where pid and tid are those of another namespace than the kernel's, they take another helper.
fn is_in_a_namespace() -> bool {
    std::fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() != 0xefff_fffc)
}

#[test]
fn scripts_call_what_they_need() {
    needs_root!();
    if is_in_a_namespace() {
        return quadrant_testing::skip("process ids of a namespace take another helper");
    }
    let (ids, task, clock) = ("get_current_pid_tgid", "get_current_task_btf", "ktime_get_boot_ns");
    let (look_up, update, delete) = ("map_lookup_elem", "map_update_elem", "map_delete_elem");
    let expected: [(&str, Vec<&str>); 9] = [
        ("tracepoint:raw_syscalls:sys_enter { @ = count(); }", vec![look_up]),
        // The condition comes before all else.
        ("tracepoint:raw_syscalls:sys_enter /pid == 1/ { @ = count(); }", vec![ids, look_up]),
        ("tracepoint:raw_syscalls:sys_enter { @[pid, args.id] = count(); }", [&[ids][..], &COUNTED].concat()),
        // The name is read in place; once for the condition and the key, and the ids with it.
        (
            "tracepoint:raw_syscalls:sys_enter /comm == \"cat\"/ { @[comm, pid, tid] = count(); }",
            [&[task][..], &COUNTED].concat(),
        ),
        ("tracepoint:syscalls:sys_enter_read { @ = stats(args.count); }", vec![look_up]),
        // The record is made in its place in the ring buffer.
        (
            "tracepoint:syscalls:sys_enter_getppid { printf(\"%d %d %d\", pid, tid, cpu); }",
            vec![ids, "get_smp_processor_id", "ringbuf_reserve", "ringbuf_submit"],
        ),
        (
            "tracepoint:syscalls:sys_enter_openat { printf(\"%d %s %s\", pid, comm, str(args.filename)); }",
            [&CLAIMED[..], &[task, "probe_read_user_str", "ringbuf_output"]].concat(),
        ),
        (
            "tracepoint:syscalls:sys_enter_openat /pid == 1/ { printf(\"%s\", str(args.filename)); }",
            [&[ids][..], &CLAIMED, &["probe_read_user_str", "ringbuf_output"]].concat(),
        ),
        // One look-up for the test, the value and the end of a key that stays.
        (
            "tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; } \
             tracepoint:syscalls:sys_exit_read /@start[tid]/ \
             { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }",
            [&[clock, ids][..], &[look_up, update, look_up, update], &[ids, look_up, clock, look_up, delete]].concat(),
        ),
    ];
    for (script, wanted) in expected {
        assert_eq!(calls(script), wanted, "{script}");
    }
}

#[test]
fn what_a_parameter_rules_out_is_no_code() {
    needs_root!();
    let script = "BEGIN { if ($1 == 1) { printf(\"%s\", comm); } else { @x = 1; } }";
    let listing = |parameter| good(quadrant().args(["explain", "--only", "bpf", "-e", script, parameter])).stdout;
    assert!(!listing("0").contains("call "), "{}", listing("0"));
    assert!(listing("1").contains("call bpf_ringbuf_"), "{}", listing("1"));
}
