//! What a tracer costs before the first event, and to end.

use std::fmt::Write;
use std::time::Duration;

use quadrant_testing::Outcome;

use super::process;
use super::script::{Placed, Script};
use super::target::Target;
use super::tool::{Tool, finished, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const WALL: Metric = Metric { name: "exec to exit", unit: "ms" };
const CPU: Metric = Metric { name: "processor time", unit: "ms" };
const PEAK: Metric = Metric { name: "peak memory", unit: "MiB" };
const ATTACHED: Metric = Metric { name: "exec to attached", unit: "ms" };
const ENDED: Metric = Metric { name: "Ctrl-C to exit", unit: "ms" };
const BINARY: Metric = Metric { name: "binary", unit: "MiB" };
const LIBRARIES: Metric = Metric { name: "shared libraries", unit: "MiB" };

const CALLS: Target = Target { name: "calls", mode: &[], count: 1 };
const IDLE: Metric = Metric { name: "memory when attached", unit: "MiB" };

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    [whole_runs(), attached_and_ended(), long_scripts()].into_iter().flatten().collect()
}

fn whole_runs() -> Vec<Bench> {
    let begin = Bench::new("begin-exit", "BEGIN { exit(); }, from exec to exit", |tool| whole_run(tool, &begin_exit()));
    let one_liner = Bench::new("one-liner", "a one-liner that ends before it is attached", |tool| {
        whole_run(tool, &short_one_liner())
    });
    vec![Bench { is_for_all: true, ..begin }, one_liner]
}

fn attached_and_ended() -> Vec<Bench> {
    let simple = |name, about, script: Script| Bench::new(name, about, move |tool| attach(tool, &script.anywhere()));
    let user = |name, about, script: Script| Bench::new(name, about, move |tool| attach(tool, &script.at(&CALLS)?));
    let wildcard = simple("syscall-wildcard", "tracepoint:syscalls:sys_enter_*, attached and ended", wildcard());
    vec![
        simple("attach-one", "a tracepoint one-liner, attached and ended", one_liner()),
        simple("attach-opens", "paths and results of openat, printed", opens()),
        simple("attach-profile", "a profile of kernel stacks", profile()),
        user("attach-uprobe", "a histogram of a function's latency", user_latency()),
        Bench { at_most: 1, ..wildcard },
        Bench { at_most: 1, ..Bench::new("size", "the binary, the libraries that it maps, and its memory", size) },
    ]
}

fn long_scripts() -> Vec<Bench> {
    let long = |name, about, lines, at_most| Bench {
        at_most,
        ..Bench::new(name, about, move |tool| whole_run(tool, &long_script(lines)))
    };
    vec![
        long("script-250", "a script of 250 lines that exits at once", 250, 3),
        long("script-1000", "a script of 1,000 lines that exits at once", 1000, 3),
        long("script-5000", "a script of 5,000 lines that exits at once", 5000, 1),
    ]
}

fn begin_exit() -> Script {
    Script::bpftrace("BEGIN { exit(); }").or_ply("BEGIN { exit(0); }").or_d("BEGIN { exit(0); }")
}

fn one_liner() -> Script {
    Script::bpftrace("tracepoint:sched:sched_process_exec { @[comm] = count(); }")
        .or_ply("tracepoint:sched/sched_process_exec { @[comm] = count(); }")
        .or_d("proc:::exec-success { @[execname] = count(); }")
}

fn short_one_liner() -> Script {
    Script::bpftrace("tracepoint:syscalls:sys_enter_read { @[comm] = count(); } BEGIN { exit(); }")
        .or_d("syscall::read:entry { @[execname] = count(); } BEGIN { exit(0); }")
}

fn opens() -> Script {
    Script::bpftrace(
        "BEGIN { printf(\"%-6s %-16s %4s %s\\n\", \"PID\", \"COMM\", \"FD\", \"PATH\"); } \
         tracepoint:syscalls:sys_enter_openat { @path[tid] = args.filename; } \
         tracepoint:syscalls:sys_exit_openat /@path[tid]/ { \
         printf(\"%-6d %-16s %4d %s\\n\", pid, comm, args.ret, str(@path[tid])); delete(@path, tid); } \
         END { clear(@path); }",
    )
}

fn profile() -> Script {
    Script::bpftrace("profile:hz:99 { @[kstack] = count(); }")
}

fn user_latency() -> Script {
    Script::bpftrace(
        "uprobe:PATH:target_call { @start[tid] = nsecs; } \
         uretprobe:PATH:target_call /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }",
    )
}

fn wildcard() -> Script {
    Script::bpftrace("tracepoint:syscalls:sys_enter_* { @[probe] = count(); }")
}

/// A script of so many lines, in probes of 50: every kind of statement in turn, none of which can be left out by a
/// clever compiler. All probes are timers, so that it is compiled and loaded, and little else.
fn long_script(lines: usize) -> Script {
    const PROBE: usize = 50;
    let mut text = String::new();
    for n in 0..lines - 1 {
        let _ = match n % PROBE {
            0 => writeln!(text, "interval:s:{} {{ $x = nsecs;", n / PROBE + 1),
            _ if (n + 1) % PROBE == 0 || n == lines - 2 => writeln!(text, "}}"),
            _ => writeln!(text, "  {}", statement(n)),
        };
    }
    text.push_str("BEGIN { exit(); }\n");
    Script::bpftrace(text)
}

fn statement(n: usize) -> String {
    match n % 4 {
        0 => format!("$x = $x * {} + {n};", 2 * n + 3),
        1 => format!("@last[{n}] = $x;"),
        2 => format!("if ($x % {} == 1) {{ @hits[{}, tid] = count(); }}", n + 2, n % 16),
        _ => format!("@size = hist($x % {});", n + 1),
    }
}

fn whole_run(tool: &Tool, script: &Script) -> Result<Vec<Value>, Failure> {
    let outcome = finished(tool.start(&script.anywhere(), None)?)?;
    Ok(vec![(WALL, ms(tool.elapsed(&outcome))), (CPU, ms(outcome.cpu)), (PEAK, mib_of_kib(outcome.peak_kib))])
}

/// Attaches and ends at once.
pub fn attach(tool: &Tool, script: &Placed) -> Result<Vec<Value>, Failure> {
    Ok(attach_and_end(tool, script)?.0)
}

/// Attaches and ends at once; the figures, and what the tracer printed.
pub fn attach_and_end(tool: &Tool, script: &Placed) -> Result<(Vec<Value>, Outcome), Failure> {
    let (running, attached) = tool.attach(script, None)?;
    let (outcome, ended) = interrupt(running)?;
    let (cpu, peak) = (ms(outcome.cpu), mib_of_kib(outcome.peak_kib));
    Ok((vec![(ATTACHED, ms(attached)), (ENDED, ms(ended)), (CPU, cpu), (PEAK, peak)], outcome))
}

fn size(tool: &Tool) -> Result<Vec<Value>, Failure> {
    let (running, _) = tool.attach(&one_liner().anywhere(), None)?;
    let (binary, libraries) = process::file_sizes(running.pid())?;
    let idle = process::memory_kib(running.pid())?;
    interrupt(running)?;
    Ok(vec![(BINARY, mib(binary)), (LIBRARIES, mib(libraries)), (IDLE, mib_of_kib(idle))])
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Mebibytes of so many kibibytes.
pub fn mib_of_kib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_script_has_the_lines_that_it_says() {
        assert_eq!(long_script(250).bpftrace.lines().count(), 250);
        assert_eq!(long_script(1000).bpftrace.lines().count(), 1000);
        assert_eq!(long_script(250).bpftrace.matches('{').count(), long_script(250).bpftrace.matches('}').count());
    }
}
