//! Very many probes at once, of every kind.

use quadrant_testing::Outcome;

use super::script::Script;
use super::startup::{attach, attach_and_end};
use super::target::Target;
use super::tool::{Tool, finished};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const COUNTED: Metric = Metric { name: "calls not counted", unit: "calls" };
const PROBES: Metric = Metric { name: "attached", unit: "probes" };
const FUNCTIONS: u64 = 5000;
/// Tracers guard against so many by mistake.
const ALL: &str = "config = { max_probes = 6000 } uprobe:PATH:many_* { @ = count(); }";
const TARGET: Target = Target { name: "many", mode: &[], count: FUNCTIONS };
const STATIC: Target = Target { name: "many-usdt", mode: &[], count: 200 };

/// What is traced in the kernel, by name: no functions that everything calls, for the machine has to go on.
const IN_THE_KERNEL: [(&str, &str, &str); 8] = [
    ("many-kprobes", "hundreds of kernel functions", "kprobe:tcp_*,kprobe:vfs_*"),
    ("many-kprobes-thousands", "thousands of kernel functions", "kprobe:a*,kprobe:x*"),
    ("many-kretprobes", "hundreds of kernel functions' returns", "kretprobe:tcp_*,kretprobe:vfs_*"),
    ("many-fentry", "hundreds of kernel functions by trampoline", "fentry:tcp_*,fentry:vfs_*,fentry:ip_*"),
    ("many-fexit", "their returns by trampoline", "fexit:tcp_*,fexit:vfs_*,fexit:ip_*"),
    ("many-syscalls", "all tracepoints of system calls", "tracepoint:syscalls:*"),
    ("many-tracepoints", "all tracepoints", "tracepoint:*:*"),
    ("many-rawtracepoints", "all raw tracepoints", "rawtracepoint:*"),
];

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    let kernel = IN_THE_KERNEL.into_iter().map(|(name, about, probes)| in_the_kernel(name, about, probes));
    user_functions().into_iter().chain(kernel).collect()
}

fn user_functions() -> Vec<Bench> {
    vec![
        bench(
            "uprobes-1000",
            "1,000 functions of a program, attached and ended",
            TARGET,
            "uprobe:PATH:many_0* { @ = count(); }",
        ),
        bench("uprobes-5000", "5,000 functions of a program", TARGET, ALL),
        bench("uretprobes-1000", "1,000 functions' returns", TARGET, "uretprobe:PATH:many_0* { @ = count(); }"),
        bench("usdt-200", "200 USDT probes of a program", STATIC, "usdt:PATH:many:p_* { @ = count(); }"),
        Bench {
            at_most: 1,
            ..Bench::new("uprobes-counted", "all calls of 5,000 probed functions are counted", counted)
        },
    ]
}

fn bench(name: &str, about: &str, target: Target, script: &'static str) -> Bench {
    let run = move |tool: &Tool| attach(tool, &Script::bpftrace(script).at(&target)?);
    Bench { at_most: 3, ..Bench::new(name, about, run) }
}

fn in_the_kernel(name: &str, about: &str, probes: &str) -> Bench {
    let guards = "config = { max_probes = 50000; max_bpf_progs = 50000 }";
    let script = Script::bpftrace(format!("{guards} {probes} {{ @ = count(); }}")).anywhere();
    let run = move |tool: &Tool| {
        let (mut values, outcome) = attach_and_end(tool, &script)?;
        values.extend(probes_of(&outcome).map(|probes| (PROBES, probes)));
        Ok(values)
    };
    Bench { at_most: 3, ..Bench::new(name, about, run) }
}

/// `Attached 466 probes`.
fn probes_of(outcome: &Outcome) -> Option<f64> {
    outcome.stderr.lines().find_map(|line| line.strip_prefix("Attached ")?.split(' ').next()?.parse().ok())
}

fn counted(tool: &Tool) -> Result<Vec<Value>, Failure> {
    let script = Script::bpftrace(ALL).at(&TARGET)?;
    let (running, _) = tool.attach(&script, None)?;
    TARGET.run()?;
    running.signal(quadrant_testing::Signal::INT)?;
    let outcome = finished(running)?;
    let count = outcome.lines().iter().find_map(|line| line.strip_prefix("@: ")?.trim().parse::<u64>().ok());
    let count = count.ok_or_else(|| format!("it printed no count: {}", outcome.describe()))?;
    Ok(vec![(COUNTED, FUNCTIONS as f64 - count as f64)])
}
