//! What a trace says of its own cost, and what it does when that is too high.

use std::time::Duration;

use quadrant_testing::{Outcome, Program, Running};
use serde_json::Value;

use crate::common::{good, needs_root, number, quadrant, script, target};

/// The runs of a probe, as the table of `--overhead` has them.
#[track_caller]
fn runs(outcome: &Outcome, probe: &str) -> i64 {
    let mut rows = outcome.stderr.lines().filter(|line| line.ends_with(&format!("  {probe}")));
    let runs = rows.next().and_then(|row| row.split_whitespace().next()?.parse().ok());
    runs.unwrap_or_else(|| panic!("no row of {probe}: {}", outcome.describe()))
}

/// Firings that were left out.
fn left_out(outcome: &Outcome) -> i64 {
    let lines = outcome.stderr.lines().filter_map(|line| line.strip_prefix("LOST: ")?.split_once(' '));
    lines.filter(|(_, rest)| rest.starts_with("firing")).filter_map(|(count, _)| count.parse::<i64>().ok()).sum()
}

/// A process that calls the kernel without end.
pub fn busy(syscalls: &str) -> Running {
    Program::new(syscalls).args(["getppid", "1000000000000"]).limit(Duration::from_secs(120)).start().expect("it runs")
}

const ALL_CALLS: &str = "tracepoint:raw_syscalls:sys_enter { @ = count(); }";

#[test]
fn each_run_is_in_the_table() {
    needs_root!();
    let calls = target!("calls");
    let script = format!("uprobe:{calls}:target_call {{ @ = count(); }} interval:s:100 {{ }} BEGIN {{ }}");
    let outcome = good(crate::common::script(&script).args(["--overhead", "-c", &format!("{calls} 10007")]));
    assert_eq!(runs(&outcome, &format!("uprobe:{calls}:target_call")), 10007, "{}", outcome.describe());
    assert_eq!(runs(&outcome, "interval:s:100"), 0, "{}", outcome.describe());
    for part in ["Overhead: ", " of one CPU (", "for 10007 runs of user probes", "The tracer itself: ", " MB of memory"]
    {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.describe());
    }
    assert!(!outcome.stderr.contains("BEGIN") && !outcome.stderr.contains("begin"), "{}", outcome.describe());
}

#[test]
fn below_the_limit_every_firing_counts() {
    needs_root!();
    let calls = target!("calls");
    let script = format!("uprobe:{calls}:target_call {{ @ = count(); }}");
    let tracer = crate::common::script(&script).args(["--max-overhead", "10000%", "-c", &format!("{calls} 10007")]);
    let outcome = good(tracer);
    assert_eq!(number(&outcome, "@"), 10007);
    assert!(!outcome.stderr.contains("overhead") && !outcome.stderr.contains("LOST"), "{}", outcome.describe());
}

/// Warn, let fewer count, end; and what was left out is known to the last firing.
#[test]
fn a_trace_that_costs_too_much_samples_and_then_ends() {
    needs_root!();
    let busy = busy(&target!("syscalls"));
    let tracer = script(ALL_CALLS).args(["--overhead", "--max-overhead", "0.0001%", "--strict"]);
    let outcome = tracer.limit(Duration::from_secs(60)).run().expect("the tracer runs");
    busy.signal(quadrant_testing::Signal::KILL).expect("it runs");
    assert_eq!(outcome.code(), Some(3), "{}", outcome.describe());
    let warnings: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("quadrant: warning: ")).collect();
    assert!(warnings.iter().all(|warning| warning.contains("the 0.0001% that --max-overhead allows")), "{warnings:?}");
    let [first, between @ .., last] = warnings.as_slice() else { panic!("{}", outcome.describe()) };
    assert!(first.ends_with("allows") && last.contains("allows: the trace ends, after "), "{}", outcome.describe());
    assert!(
        !between.is_empty() && between.iter().all(|step| step.ends_with("firings counts")),
        "{}",
        outcome.describe()
    );
    assert!(outcome.stdout.contains("(sampled to spare the machine (1 in "), "{}", outcome.describe());
    let (counted, skipped) = (number(&outcome, "@"), left_out(&outcome));
    assert_eq!(counted + skipped, runs(&outcome, "tracepoint:raw_syscalls:sys_enter"), "{}", outcome.describe());
    assert!(counted > 0 && skipped > 0);
}

/// A time between two firings of which one was left out would be no time of anything.
#[test]
fn firings_that_belong_together_are_never_left_out() {
    needs_root!();
    let busy = busy(&target!("syscalls"));
    let latency = "tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; }
        tracepoint:raw_syscalls:sys_exit /@start[tid]/ { @ = hist(nsecs - @start[tid]); delete(@start, tid); }";
    let tracer = script(latency).args(["--max-overhead", "0.0001%", "--format", "json"]);
    let outcome = tracer.limit(Duration::from_secs(60)).run().expect("the tracer runs");
    busy.signal(quadrant_testing::Signal::KILL).expect("it runs");
    let lines = crate::json_schema::lines(&outcome);
    let limits: Vec<&Value> = lines.iter().filter(|line| line["type"] == "limit").collect();
    let actions: Vec<&str> = limits.iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(actions, ["warned", "detached"], "{}", outcome.describe());
    assert!(limits[1]["why"].as_str().is_some_and(|why| why.contains("@start carries")), "{}", outcome.describe());
    assert!(lines.iter().filter(|line| line["type"] == "map").all(|line| line["sampled"] == false));
    assert_eq!(lines.last().expect("a line")["reason"], "overhead");
}

/// What cannot be left out: the script's own clock, what it does to others, its end.
#[test]
fn the_script_s_own_course_goes_on() {
    needs_root!();
    let busy = busy(&target!("syscalls"));
    let text = format!("{ALL_CALLS} interval:s:2 {{ printf(\"tick\\n\"); exit(); }}");
    let tracer = script(&text).args(["--max-overhead", "0.0001%", "--overhead", "--format", "json"]);
    let outcome = tracer.limit(Duration::from_secs(60)).run().expect("the tracer runs");
    busy.signal(quadrant_testing::Signal::KILL).expect("it runs");
    let lines = crate::json_schema::lines(&outcome);
    let only = |kind: &str| lines.iter().find(|line| line["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    assert_eq!(only("printf")["text"], "tick\n");
    assert_eq!(only("map")["sampled"], true);
    let probes = only("overhead")["probes"].as_array().expect("a list");
    let runs =
        probes.iter().find(|probe| probe["probe"] == "tracepoint:raw_syscalls:sys_enter").expect("it ran")["runs"]
            .as_u64();
    let counted = only("map")["entries"][0]["value"].as_u64();
    let skipped = only("losses")["losses"].as_array().and_then(|list| list.iter().find(|one| one["kind"] == "skipped"));
    let skipped = skipped.and_then(|one| one["count"].as_u64());
    // Behind exit() programs still run, and do nothing.
    let told = counted.zip(skipped).map(|(counted, skipped)| counted + skipped);
    assert!(told.is_some() && told <= runs, "{}", outcome.describe());
    assert_eq!(lines.last().expect("a line")["reason"], "exit");
}

#[test]
fn programs_are_the_same_without_a_limit() {
    needs_root!();
    let listing = |flags: &[&str]| good(script(ALL_CALLS).args(["-d", "bpf"]).args(flags)).stdout;
    let plain = listing(&[]);
    assert_eq!(listing(&["--overhead"]), plain);
    assert!(listing(&["--max-overhead", "2%"]).lines().count() > plain.lines().count());
}

#[test]
fn the_other_command_lines_have_it_too() {
    needs_root!();
    let calls = target!("calls");
    let probe = format!("uprobe:{calls}:target_call");
    let bpftrace =
        quadrant().args(["bpftrace", "--overhead", "--max-overhead=10000%", "-c", &format!("{calls} 10007")]);
    let outcome = good(bpftrace.args(["-e", &format!("{probe} {{ @ = count(); }}")]));
    assert_eq!((runs(&outcome, &probe), number(&outcome, "@")), (10007, 10007));
    let d =
        quadrant().args(["dtrace", "--overhead", "--max-overhead", "10000%", "-q", "-c", &format!("{calls} 10007")]);
    let outcome = good(d.args(["-n", "pid$target::target_call:entry { @ = count(); }"]));
    assert!(outcome.stderr.contains("         10007 "), "{}", outcome.describe());
    for line in [&["bpftrace", "-e", "BEGIN{}"][..], &["dtrace", "-n", "BEGIN"], &["-e", "BEGIN{}"]] {
        let outcome = quadrant().args(line).args(["--max-overhead=x"]).run().expect("the tracer runs");
        assert!(!outcome.success() && outcome.stderr.contains("no number of percent"), "{}", outcome.describe());
    }
}

#[test]
fn a_trace_that_ends_at_once_has_a_table_too() {
    needs_root!();
    let outcome = good(script("BEGIN { exit(); } interval:s:1 { }").args(["--overhead"]));
    assert!(outcome.stderr.contains(" 0 runs\n"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("The tracer itself: "), "{}", outcome.describe());
}

/// What is counted of all points of a program is not the first one's.
#[test]
fn a_program_of_many_points_is_named_with_their_number() {
    needs_root!();
    let text = "tracepoint:sched:* { @ = count(); } interval:ms:300 { exit(); }";
    let outcome = good(script(text).args(["--overhead"]));
    let of_many = |line: &str| line.contains("  tracepoint:sched:") && line.contains(" more");
    assert!(outcome.stderr.lines().any(of_many), "{}", outcome.describe());
    let outcome = good(quadrant().args(["dtrace", "-qn", "sdt:::{ @ = count(); } tick-1s { exit(0); }"]));
    // How many there are is up to the kernel.
    let mut missed = outcome.stderr.lines().filter(|line| line.contains(" missed by sdt:"));
    assert!(missed.all(|line| line.ends_with(" more")), "{}", outcome.describe());
}
