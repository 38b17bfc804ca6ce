//! The scripts, one for each kind of work that a program does on an event.

use super::{Case, Event};
use crate::bench::script::Script;
use crate::bench::target::Target;

const GETPPID: Target = Target { name: "syscalls", mode: &["getppid"], count: 1_000_003 };
const READ: Target = Target { name: "syscalls", mode: &["read"], count: 500_009 };
const OPENAT: Target = Target { name: "syscalls", mode: &["openat"], count: 200_003 };
/// What is printed at full speed is mostly lost, and to lose is cheap: so many records fit into a buffer.
const GETPPID_PRINTED: Target = Target { name: "syscalls", mode: &["getppid"], count: 20_011 };
const OPENAT_PRINTED: Target = Target { name: "syscalls", mode: &["openat"], count: 5_003 };
const CALLS: Target = Target { name: "calls", mode: &[], count: 100_003 };
const USDT: Target = Target { name: "usdt", mode: &[], count: 100_003 };
/// What is sampled runs for half a second: of fewer samples most meet cold caches, and other stacks with each tool.
const READ_SAMPLED: Target = Target { name: "syscalls", mode: &["read"], count: 2_500_009 };
const STACKS: Target = Target { name: "deep-cc", mode: &[], count: 1_500_007 };

/// All of them.
pub fn all() -> Vec<Case> {
    [tracepoints(), system_calls(), printed(), user_functions(), static_probes(), known_stacks(), samples()].concat()
}

fn case(name: &'static str, about: &'static str, target: Target, script: Script) -> Case {
    Case { name, about, event: Event::Operation, is_for_all: false, target, script }
}

fn tracepoints() -> Vec<Case> {
    let count = Script::bpftrace("tracepoint:raw_syscalls:sys_enter { @ = count(); }")
        .or_d("syscall:::entry { @ = count(); }")
        .or_by_hand(&["count"])
        .or_perf("stat -o /dev/null -e raw_syscalls:sys_enter")
        .or_strace("-c -o /dev/null");
    let by_comm = Script::bpftrace("tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }")
        .or_ply("tracepoint:raw_syscalls/sys_enter { @[comm] = count(); }")
        .or_d("syscall:::entry { @[execname] = count(); }")
        .or_by_hand(&["count_comm"]);
    let by_call = Script::bpftrace("tracepoint:raw_syscalls:sys_enter { @[pid, args.id] = count(); }")
        .or_ply("tracepoint:raw_syscalls/sys_enter { @[pid, data->id] = count(); }")
        .or_by_hand(&["count_call"])
        .or_perf("trace -s -o /dev/null");
    let filter = Script::bpftrace("tracepoint:raw_syscalls:sys_enter /pid == 1/ { @ = count(); }")
        .or_d("syscall:::entry /pid == 1/ { @ = count(); }")
        .or_by_hand(&["count_of_init"]);
    let raw = Script::bpftrace("rawtracepoint:sys_enter { @[arg1] = count(); }").or_by_hand(&["count_id"]);
    vec![
        Case { is_for_all: true, ..case("event-count", "count() on raw_syscalls:sys_enter", GETPPID, count) },
        case("event-by-comm", "count() by comm on raw_syscalls:sys_enter", GETPPID, by_comm),
        case("event-by-call", "count() by process and system call", GETPPID, by_call),
        case("event-filter", "a condition that never holds on raw_syscalls:sys_enter", GETPPID, filter),
        case("event-raw", "count() by an argument of a raw tracepoint", GETPPID, raw),
    ]
}

fn system_calls() -> Vec<Case> {
    let latency = Script::bpftrace(
        "tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; } \
         tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }",
    )
    .or_d(
        "syscall::read:entry { self->t = timestamp; } \
         syscall::read:return /self->t/ { @ = quantize(timestamp - self->t); self->t = 0; }",
    )
    .or_by_hand(&["read_enter", "read_exit"]);
    let sizes =
        Script::bpftrace("tracepoint:syscalls:sys_enter_read { @ = stats(args.count); }").or_by_hand(&["read_sizes"]);
    let paths = Script::bpftrace("tracepoint:syscalls:sys_enter_openat { @[str(args.filename)] = count(); }")
        .or_d("syscall::openat:entry { @[copyinstr(arg1)] = count(); }")
        .or_by_hand(&["count_path"]);
    vec![
        case("event-latency", "hist() of read's latency, by thread", READ, latency),
        case("event-stats", "stats() of read's size", READ, sizes),
        case("event-path-key", "count() by path on openat", OPENAT, paths),
    ]
}

fn printed() -> Vec<Case> {
    let paths = Script::bpftrace(
        "tracepoint:syscalls:sys_enter_openat { printf(\"%-6d %-16s %s\\n\", pid, comm, str(args.filename)); }",
    )
    .or_d("syscall::openat:entry { printf(\"%-6d %-16s %s\\n\", pid, execname, copyinstr(arg1)); }")
    .or_by_hand(&["send_path"])
    .or_perf("trace -o /dev/null -e openat")
    .or_strace("-o /dev/null -e trace=openat");
    let numbers = Script::bpftrace("tracepoint:syscalls:sys_enter_getppid { printf(\"%d %d %d\\n\", pid, tid, cpu); }")
        .or_d("syscall::getppid:entry { printf(\"%d %d %d\\n\", pid, tid, cpu); }")
        .or_by_hand(&["send_numbers"])
        .or_perf("record -q -o /dev/null -e syscalls:sys_enter_getppid")
        .or_strace("-o /dev/null -e trace=getppid");
    vec![
        case("event-printf-path", "printf of a path on openat", OPENAT_PRINTED, paths),
        case("event-printf-ints", "printf of three integers on getppid", GETPPID_PRINTED, numbers),
    ]
}

fn user_functions() -> Vec<Case> {
    let sizes =
        Script::bpftrace("uprobe:PATH:target_call { @ = hist(arg0); }").or_by_hand(&["user_sizes=PATH:target_call"]);
    let texts = Script::bpftrace("uprobe:PATH:target_call { @[str(arg1)] = count(); }")
        .or_by_hand(&["user_text=PATH:target_call"]);
    let results = Script::bpftrace("uretprobe:PATH:target_call { @ = sum(retval); }")
        .or_by_hand(&["user_result=PATH:target_call"]);
    let latency = Script::bpftrace(
        "uprobe:PATH:target_call { @start[tid] = nsecs; } \
         uretprobe:PATH:target_call /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }",
    )
    .or_by_hand(&["user_enter=PATH:target_call", "user_exit=PATH:target_call"]);
    vec![
        case("event-uprobe", "hist(arg0) on a function of a program", CALLS, sizes),
        case("event-uprobe-text", "count() by a text argument of a function", CALLS, texts),
        case("event-uretprobe", "sum(retval) on a function's return", CALLS, results),
        case("event-ulatency", "hist() of a function's latency, by thread", CALLS, latency),
    ]
}

fn static_probes() -> Vec<Case> {
    let sum = Script::bpftrace("usdt:PATH:demo:hit { @ = sum(arg0); }").or_by_hand(&["static_sum=PATH:demo:hit"]);
    let texts =
        Script::bpftrace("usdt:PATH:demo:hit { @[str(arg1)] = count(); }").or_by_hand(&["static_text=PATH:demo:hit"]);
    vec![
        case("event-usdt", "sum(arg0) on a USDT probe", USDT, sum),
        case("event-usdt-text", "count() by a text argument of a USDT probe", USDT, texts),
    ]
}

/// One stack again and again: all tools walk the same frames, which those that a timer samples are not.
fn known_stacks() -> Vec<Case> {
    let kernel = Script::bpftrace("tracepoint:syscalls:sys_enter_getppid { @[kstack] = count(); }")
        .or_d("syscall::getppid:entry { @[stack()] = count(); }")
        .or_by_hand(&["kernel_stack_of_call"]);
    let user = Script::bpftrace("tracepoint:syscalls:sys_enter_getppid { @[ustack] = count(); }")
        .or_d("syscall::getppid:entry { @[ustack()] = count(); }")
        .or_by_hand(&["user_stack_of_call"]);
    vec![
        case("event-kstack-same", "count() by kernel stack on getppid", GETPPID, kernel),
        case("event-ustack-same", "count() by user stack on getppid", GETPPID, user),
    ]
}

fn samples() -> Vec<Case> {
    let kernel = Script::bpftrace("profile:hz:4999 { @[kstack] = count(); }")
        .or_by_hand(&["kernel_stacks=profile:hz:4999"])
        .or_perf("record -q -g -F 4999 -o /dev/null");
    let user = Script::bpftrace("profile:hz:4999 { @[ustack] = count(); }")
        .or_by_hand(&["user_stacks=profile:hz:4999"])
        .or_perf("record -q -g -F 4999 -o /dev/null");
    let sampled = |name, about, target, script| Case { event: Event::Run, ..case(name, about, target, script) };
    vec![
        sampled("event-kstack", "count() by kernel stack, 4,999 times a second", READ_SAMPLED, kernel),
        sampled("event-ustack", "count() by user stack, 4,999 times a second", STACKS, user),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different() {
        let mut names: Vec<_> = all().iter().map(|case| case.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 20);
    }
}
