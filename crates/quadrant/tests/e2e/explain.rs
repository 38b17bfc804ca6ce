//! How probes are made, before anything is attached.

use crate::common::{assert_lines, good, needs_root, quadrant};

#[test]
fn the_plan_is_printed_and_nothing_runs() {
    needs_root!();
    let script =
        "BEGIN { printf(\"never\\n\"); } tracepoint:sched:sched_switch { @ = count(); } interval:s:1 { exit(); }";
    let outcome = good(quadrant().args(["--explain", "-e", script]));
    let wanted = ["tracepoint:sched:sched_switch: raw tracepoints", "interval:s:1: perf events"];
    assert_lines(&outcome, &wanted);
}

#[test]
fn a_mechanism_that_does_not_exist_is_an_error_at_its_place() {
    needs_root!();
    let script = "config = { kprobe_mechanism = \"fast\" } BEGIN { exit(); }";
    let outcome = quadrant().args(["-e", script]).run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    let wanted = "`kprobe_mechanism` is multi, session, perf or tracefs";
    assert!(outcome.stderr.contains(wanted), "{}", outcome.describe());
}
