//! Very many probes at once.

use super::script::Script;
use super::startup::attach;
use super::target::Target;
use super::tool::{Tool, finished};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const COUNTED: Metric = Metric { name: "calls not counted", unit: "calls" };
const FUNCTIONS: u64 = 5000;
/// Tracers guard against so many by mistake.
const ALL: &str = "config = { max_probes = 6000 } uprobe:PATH:many_* { @ = count(); }";
const TARGET: Target = Target { name: "many", mode: &[], count: FUNCTIONS };

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    vec![
        bench(
            "uprobes-1000",
            "1,000 functions of a program, attached and ended",
            "uprobe:PATH:many_0* { @ = count(); }",
        ),
        bench("uprobes-5000", "5,000 functions of a program", ALL),
        bench("uretprobes-1000", "1,000 functions' returns", "uretprobe:PATH:many_0* { @ = count(); }"),
        Bench {
            at_most: 1,
            ..Bench::new("uprobes-counted", "all calls of 5,000 probed functions are counted", counted)
        },
    ]
}

fn bench(name: &str, about: &str, script: &'static str) -> Bench {
    let run = move |tool: &Tool| attach(tool, &Script::bpftrace(script).at(&TARGET)?);
    Bench { at_most: 3, ..Bench::new(name, about, run) }
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
