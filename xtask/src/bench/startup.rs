//! What a tracer costs before the first event, and to end.

use std::fmt::Write;
use std::time::Duration;

use super::process;
use super::tool::{Script, Tool, finished, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const WALL: Metric = Metric { name: "exec to exit", unit: "ms" };
const CPU: Metric = Metric { name: "processor time", unit: "ms" };
const PEAK: Metric = Metric { name: "peak memory", unit: "MiB" };
const ATTACHED: Metric = Metric { name: "exec to attached", unit: "ms" };
const ENDED: Metric = Metric { name: "Ctrl-C to exit", unit: "ms" };
const BINARY: Metric = Metric { name: "binary", unit: "MiB" };
const LIBRARIES: Metric = Metric { name: "shared libraries", unit: "MiB" };

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    vec![
        bench("begin-exit", "BEGIN { exit(); }, from exec to exit", 100, |tool| whole_run(tool, &begin_exit())),
        bench("one-liner", "a one-liner that ends before it is attached", 100, |tool| {
            whole_run(tool, &short_one_liner())
        }),
        bench("attach-one", "a tracepoint one-liner, attached and ended", 100, |tool| attach(tool, &one_liner())),
        bench("script-250", "a script of 250 lines that exits at once", 5, |tool| whole_run(tool, &long_script(250))),
        bench("script-1000", "a script of 1,000 lines that exits at once", 5, |tool| {
            whole_run(tool, &long_script(1000))
        }),
        bench("syscall-wildcard", "tracepoint:syscalls:sys_enter_*, attached and ended", 1, |tool| {
            attach(tool, &wildcard())
        }),
        bench("size", "the binary and the libraries that it maps", 1, size),
    ]
}

fn bench(
    name: &str,
    about: &str,
    at_most: usize,
    measure: impl Fn(&Tool) -> Result<Vec<Value>, Failure> + 'static,
) -> Bench {
    Bench { name: name.into(), about: about.into(), at_most, measure: Box::new(measure), net: None }
}

fn begin_exit() -> Script {
    Script::bpftrace("BEGIN { exit(); }").or_ply("BEGIN { exit(0); }").or_d("BEGIN { exit(0); }")
}

fn one_liner() -> Script {
    Script::bpftrace("tracepoint:sched:sched_process_exec { @[comm] = count(); }")
        .or_ply("tracepoint:sched/sched_process_exec { @[comm] = count(); }")
}

fn short_one_liner() -> Script {
    Script::bpftrace("tracepoint:syscalls:sys_enter_read { @[comm] = count(); } BEGIN { exit(); }")
        .or_d("syscall::read:entry { @[execname] = count(); } BEGIN { exit(0); }")
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
    let outcome = finished(tool.start(script, None)?)?;
    Ok(vec![(WALL, ms(outcome.elapsed)), (CPU, ms(outcome.cpu)), (PEAK, mib_of_kib(outcome.peak_kib))])
}

fn attach(tool: &Tool, script: &Script) -> Result<Vec<Value>, Failure> {
    let (running, attached) = tool.attach(script, None)?;
    let (outcome, ended) = interrupt(running)?;
    let cpu = (CPU, ms(outcome.cpu));
    Ok(vec![(ATTACHED, ms(attached)), (ENDED, ms(ended)), cpu, (PEAK, mib_of_kib(outcome.peak_kib))])
}

fn size(tool: &Tool) -> Result<Vec<Value>, Failure> {
    let (running, _) = tool.attach(&one_liner(), None)?;
    let (binary, libraries) = process::file_sizes(running.pid())?;
    interrupt(running)?;
    Ok(vec![(BINARY, mib(binary)), (LIBRARIES, mib(libraries))])
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn mib_of_kib(kib: u64) -> f64 {
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
