//! The lines that a newcomer tries first, each as it stands in the documents, apart from a shorter time.

use quadrant_testing::{Program, Signal};

use crate::common::{attached, needs_root, number, run, script, target};

#[test]
fn system_calls_by_program() {
    needs_root!();
    let outcome = run("tracepoint:raw_syscalls:sys_enter { @[comm] = count(); } interval:ms:300 { exit(); }");
    assert!(outcome.stdout.contains("@[quadrant]: "), "{}", outcome.describe());
}

#[test]
fn files_that_are_opened() {
    needs_root!();
    let tracer = attached(script(
        "tracepoint:syscalls:sys_enter_openat { printf(\"%-6d %-16s %s\\n\", pid, comm, str(args.filename)); }",
    ));
    let cat = Program::new("cat").arg("/nowhere/at/all").start().unwrap();
    let wanted = format!("{:<6} {:<16} /nowhere/at/all\n", cat.pid(), "cat");
    cat.finish().unwrap();
    tracer.wait_for_stdout(&wanted).unwrap();
    tracer.signal(Signal::INT).unwrap();
    assert_eq!(tracer.finish().unwrap().code(), Some(0));
}

#[test]
fn latency_of_reads_by_program() {
    needs_root!();
    let syscalls = target!("syscalls");
    let tracer = attached(script(
        "tracepoint:syscalls:sys_enter_read { @s[tid] = nsecs; }
         tracepoint:syscalls:sys_exit_read /@s[tid]/ { @us[comm] = hist((nsecs - @s[tid]) / 1000); delete(@s, tid); }
         END { clear(@s); }",
    ));
    assert!(Program::new(syscalls).args(["read", "10007"]).run().unwrap().success());
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert!(hits(&outcome.stdout, "@us[syscalls]:") >= 10007, "{}", outcome.describe());
}

/// The sum over the buckets of a histogram.
fn hits(output: &str, heading: &str) -> u64 {
    let rows =
        output.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| line.starts_with(['[', '(']));
    let counts = rows.filter_map(|row| row.split_once([')', ']'])?.1.split_whitespace().next()?.parse::<u64>().ok());
    counts.sum()
}

#[test]
fn allocations_of_a_process() {
    needs_root!();
    let threads = target!("threads");
    let mut running = Program::new(&threads).args(["3", "4"]).env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let tracer = script(
        "uprobe:libc:calloc /pid == $1/ { @bytes = hist(arg0 * arg1); @n = count(); }
         uretprobe:libc:calloc { @null = sum(retval == 0); }",
    );
    let tracer = attached(tracer.arg(running.pid().to_string()));
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert_eq!(number(&outcome, "@null"), 0);
}

#[test]
fn static_probe_of_a_command() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = crate::common::run_on(
        &format!("{usdt} 1000"),
        &format!("usdt:{usdt}:demo:hit {{ @[str(arg1)] = sum(arg0); }}"),
    );
    assert_eq!(number(&outcome, "@[hello]"), 499_500);
}
