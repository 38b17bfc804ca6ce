//! Aggregations from two processors at full speed.

use super::script::Script;
use super::target::{Target, Work};
use super::tool::{Tool, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const ADDED: Metric = Metric { name: "added to each target", unit: "ns/operation" };
const RATE: Metric = Metric { name: "both together", unit: "events/s" };
const MISSING: Metric = Metric { name: "neither counted nor reported lost", unit: "events" };

const TARGET: Target = Target { name: "syscalls", mode: &["getppid"], count: 1_500_007 };
const PROCESSORS: [usize; 2] = [0, 1];

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    let count = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @ = count(); }";
    let keyed = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @[comm] = count(); }";
    vec![
        bench("both-count", "count() from two processors at once", count),
        bench("both-by-comm", "count() by comm, the same key from two processors", keyed),
    ]
}

fn bench(name: &str, about: &str, script: &'static str) -> Bench {
    Bench::new(name, about, move |tool| measure(tool, script))
}

fn measure(tool: &Tool, script: &str) -> Result<Vec<Value>, Failure> {
    let alone = ns_each(&at_once()?);
    let (running, _) = tool.attach(&Script::bpftrace(script).anywhere(), None)?;
    let works = at_once()?;
    let (outcome, _) = interrupt(running)?;
    let counted = outcome.lines().iter().find_map(|line| line.rsplit_once(": ")?.1.trim().parse::<f64>().ok());
    let counted = counted.ok_or_else(|| format!("it printed no count: {}", outcome.describe()))?;
    let happened: u64 = works.iter().map(|work| work.operations).sum();
    let longest = works.iter().map(|work| work.ns).max().unwrap_or(1);
    Ok(vec![
        (ADDED, ns_each(&works) - alone),
        (RATE, happened as f64 * 1e9 / longest as f64),
        (MISSING, happened as f64 - counted),
    ])
}

fn at_once() -> Result<Vec<Work>, Failure> {
    let running = PROCESSORS.map(|processor| TARGET.start_on(processor));
    running.into_iter().map(|running| TARGET.finish(running?)).collect()
}

fn ns_each(works: &[Work]) -> f64 {
    works.iter().map(|work| work.ns_each()).sum::<f64>() / works.len() as f64
}
