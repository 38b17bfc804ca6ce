//! Capabilities are given up when all is attached and nothing needs them any more.

use quadrant_testing::Program;

use crate::common::{end, needs_root, quadrant, script};

const BPF: u64 = 1 << 39;
const PERFMON: u64 = 1 << 38;
const KILL: u64 = 1 << 5;

/// A field of /proc/PID/status that is a set of capabilities.
fn set(pid: u32, name: &str) -> u64 {
    u64::from_str_radix(&field(pid, name), 16).unwrap()
}

fn field(pid: u32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(other, _)| *other == name).unwrap().1.trim().to_owned()
}

/// What a trace has left while it runs. The script says `runs` when all is attached.
fn left(tracer: Program) -> (u64, u64, u64, String) {
    let running = tracer.start().unwrap();
    running.wait_for_stdout("runs").unwrap();
    let pid = running.pid();
    let left = (set(pid, "CapEff"), set(pid, "CapPrm"), set(pid, "CapBnd"), field(pid, "NoNewPrivs"));
    assert!(end(running).success());
    left
}

#[test]
fn a_trace_of_numbers_and_texts_keeps_only_the_right_to_its_maps_and_timers() {
    needs_root!();
    let text = "interval:ms:20 { @runs[comm] = count(); printf(\"runs\\n\"); } END { print(@runs); }";
    let kept = BPF | PERFMON;
    let bounds = kept & set(std::process::id(), "CapBnd");
    assert_eq!(left(script(text)), (kept, kept, bounds, "1".to_owned()));
    assert_eq!(left(script(text).args(["--format", "json"])), (kept, kept, bounds, "1".to_owned()));
    assert_eq!(left(quadrant().args(["bpftrace", "-e", text])), (kept, kept, bounds, "1".to_owned()));
    let of_command = kept | KILL;
    let (effective, ..) = left(script(text).args(["-c", "/bin/sleep 100"]));
    assert_eq!(effective, of_command);
}

#[test]
fn a_command_has_all_that_it_was_started_with() {
    needs_root!();
    let tracer = script("interval:ms:20 { @ = count(); }").args(["-c", "/bin/cat /proc/self/status"]);
    let outcome = tracer.run().unwrap();
    let mine = format!("{:016x}", set(std::process::id(), "CapEff"));
    let line = format!("CapEff:\t{mine}");
    assert!(outcome.lines().contains(&line.as_str()), "{}", outcome.describe());
    assert!(outcome.lines().contains(&"NoNewPrivs:\t0"), "{}", outcome.describe());
}

#[test]
fn what_is_found_out_late_keeps_all() {
    needs_root!();
    let mine = set(std::process::id(), "CapEff");
    // Not faster: an emulated machine takes long to run a command.
    let scripts = [
        "interval:s:1 { printf(\"runs\\n\"); } profile:hz:1 { @[kstack] = count(); }",
        "interval:s:1 { printf(\"runs\\n\"); } profile:hz:1 { @[usym(0)] = count(); }",
        "interval:s:1 { printf(\"runs %s\\n\", cgroup_path(cgroup)); }",
        "interval:s:1 { cat(\"/proc/version\"); printf(\"runs\\n\"); }",
        "interval:s:1 { system(\"true\"); printf(\"runs\\n\"); }",
    ];
    for text in scripts {
        let (effective, ..) = left(script(text).arg("--unsafe"));
        assert_eq!(effective, mine, "{text}");
    }
}
