//! What an event costs: in the BPF programs, by the kernel's count, and in the traced program, by its own clock.

use std::fs::File;

use super::kernel;
use super::target::Target;
use super::tool::{Script, Tool, interrupt};
use super::turns::{Bench, Metric, Net, Value};
use crate::Failure;

const BPF: Metric = Metric { name: "BPF run time", unit: "ns/event" };
const EMPTY: Metric = Metric { name: "BPF run time of an empty program", unit: "ns/event" };
const NET: Metric = Metric { name: "BPF run time, empty taken off", unit: "ns/event" };
const ADDED: Metric = Metric { name: "added to the target", unit: "ns/operation" };
const ADDED_EMPTY: Metric = Metric { name: "added by an empty program", unit: "ns/operation" };

const TAKEN_OFF: Net = Net { gross: BPF, empty: EMPTY, result: NET };

const GETPPID: Target = Target { name: "syscalls", mode: &["getppid"], count: 1_000_003 };
const READ: Target = Target { name: "syscalls", mode: &["read"], count: 500_009 };
const OPENAT: Target = Target { name: "syscalls", mode: &["openat"], count: 200_003 };
/// What is printed at full speed is mostly lost, and to lose is cheap: so many records fit into a buffer.
const GETPPID_PRINTED: Target = Target { name: "syscalls", mode: &["getppid"], count: 100_003 };
const OPENAT_PRINTED: Target = Target { name: "syscalls", mode: &["openat"], count: 10_007 };
const CALLS: Target = Target { name: "calls", mode: &[], count: 200_003 };
const USDT: Target = Target { name: "usdt", mode: &[], count: 200_003 };

/// What one event is.
#[derive(Clone, Copy, PartialEq)]
enum Event {
    /// An operation of the target, with all the probes that it hits.
    Operation,
    /// A run of the program, by a timer, whatever the target does then.
    Run,
}

/// Probes, what a script does on them, and a target that hits them.
struct Case {
    name: &'static str,
    about: &'static str,
    event: Event,
    target: Target,
    /// The probes with their bodies. PATH stands for the target's path.
    script: &'static str,
}

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    cases().into_iter().map(bench).collect()
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "event-count",
            about: "count() on raw_syscalls:sys_enter",
            event: Event::Operation,
            target: GETPPID,
            script: "tracepoint:raw_syscalls:sys_enter { @ = count(); }",
        },
        Case {
            name: "event-by-comm",
            about: "count() by comm on raw_syscalls:sys_enter",
            event: Event::Operation,
            target: GETPPID,
            script: "tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }",
        },
        Case {
            name: "event-latency",
            about: "hist() of read's latency, by thread",
            event: Event::Operation,
            target: READ,
            script: "tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; } \
                     tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }",
        },
        Case {
            name: "event-path-key",
            about: "count() by path on openat",
            event: Event::Operation,
            target: OPENAT,
            script: "tracepoint:syscalls:sys_enter_openat { @[str(args.filename)] = count(); }",
        },
        Case {
            name: "event-printf-path",
            about: "printf of a path on openat",
            event: Event::Operation,
            target: OPENAT_PRINTED,
            script: "tracepoint:syscalls:sys_enter_openat { printf(\"%-6d %-16s %s\\n\", pid, comm, str(args.filename)); }",
        },
        Case {
            name: "event-printf-ints",
            about: "printf of three integers on getppid",
            event: Event::Operation,
            target: GETPPID_PRINTED,
            script: "tracepoint:syscalls:sys_enter_getppid { printf(\"%d %d %d\\n\", pid, tid, cpu); }",
        },
        Case {
            name: "event-uprobe",
            about: "hist(arg0) on a function of a program",
            event: Event::Operation,
            target: CALLS,
            script: "uprobe:PATH:target_call { @ = hist(arg0); }",
        },
        Case {
            name: "event-uretprobe",
            about: "sum(retval) on a function's return",
            event: Event::Operation,
            target: CALLS,
            script: "uretprobe:PATH:target_call { @ = sum(retval); }",
        },
        Case {
            name: "event-usdt",
            about: "sum(arg0) on a USDT probe",
            event: Event::Operation,
            target: USDT,
            script: "usdt:PATH:demo:hit { @ = sum(arg0); }",
        },
        Case {
            name: "event-kstack",
            about: "count() by kernel stack, 4,999 times a second",
            event: Event::Run,
            target: READ,
            script: "profile:hz:4999 { @[kstack] = count(); }",
        },
    ]
}

fn bench(case: Case) -> Bench {
    let (name, about) = (case.name.to_owned(), case.about.to_owned());
    Bench {
        name,
        about,
        at_most: usize::MAX,
        measure: Box::new(move |tool| measure(&case, tool)),
        net: Some(TAKEN_OFF),
    }
}

/// The target alone, then under an empty program, then under the script, all within seconds.
fn measure(case: &Case, tool: &Tool) -> Result<Vec<Value>, Failure> {
    let path = case.target.path()?.to_string_lossy().into_owned();
    let script = Script::bpftrace(case.script.replace("PATH", &path));
    let empty = Script::bpftrace(emptied(&script.bpftrace));

    let alone = case.target.run()?.ns_each();
    let under_empty = traced(case, tool, &empty)?;
    let under_script = traced(case, tool, &script)?;
    Ok(vec![
        (BPF, under_script.bpf_ns),
        (EMPTY, under_empty.bpf_ns),
        (ADDED, under_script.target_ns - alone),
        (ADDED_EMPTY, under_empty.target_ns - alone),
    ])
}

/// Nanoseconds an event.
struct Cost {
    bpf_ns: f64,
    target_ns: f64,
}

/// Runs the target while a script is attached. What the script prints goes nowhere, for all tools alike.
fn traced(case: &Case, tool: &Tool, script: &Script) -> Result<Cost, Failure> {
    let counted = quadrant_bpf::prog::enable_stats()?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    let (running, _) = tool.attach(script, Some(nowhere))?;
    let before = kernel::programs(running.pid())?;
    let work = case.target.run()?;
    let runs = kernel::between(&before, &kernel::programs(running.pid())?);
    drop(counted);
    interrupt(running)?;
    let events = if case.event == Event::Run { runs.count } else { work.operations };
    if runs.count == 0 {
        return Err("its programs did not run".into());
    }
    Ok(Cost { bpf_ns: runs.ns as f64 / events as f64, target_ns: work.ns_each() })
}

/// The same probes, with nothing in their bodies and without their conditions.
fn emptied(script: &str) -> String {
    let clauses = script.split_inclusive('}').filter_map(|clause| clause.split_once('{'));
    clauses.map(|(head, _)| format!("{} {{ }} ", probe_of(head))).collect()
}

/// `probe /condition/` without the condition. A path has slashes too, so it is the first word.
fn probe_of(head: &str) -> &str {
    head.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_script_keeps_all_probes() {
        assert_eq!(
            emptied("uprobe:/a/b:c /@s[tid]/ { @ = count(); } interval:s:1 { exit(); }"),
            "uprobe:/a/b:c { } interval:s:1 { } "
        );
    }

    #[test]
    fn names_are_different() {
        let mut names: Vec<_> = cases().iter().map(|case| case.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 10);
    }
}
