//! What an event costs: in the BPF programs, by the kernel's count, and in the traced program, by its own clock.

mod cases;

use std::fs::File;

use super::kernel;
use super::script::{Placed, Script};
use super::target::Target;
use super::tool::{self, Tool, interrupt};
use super::turns::{Bench, Metric, Net, Value};
use crate::Failure;

const BPF: Metric = Metric { name: "BPF run time", unit: "ns/event" };
const EMPTY: Metric = Metric { name: "BPF run time of an empty program", unit: "ns/event" };
const NET: Metric = Metric { name: "BPF run time, empty taken off", unit: "ns/event" };
const ADDED: Metric = Metric { name: "added to the target", unit: "ns/operation" };
const ADDED_EMPTY: Metric = Metric { name: "added by an empty program", unit: "ns/operation" };

const TAKEN_OFF: Net = Net { gross: BPF, empty: EMPTY, result: NET };

/// What one event is.
#[derive(Clone, Copy, PartialEq)]
enum Event {
    /// An operation of the target, with all the probes that it hits.
    Operation,
    /// A run of the program, by a timer, whatever the target does then.
    Run,
}

/// Probes, what a script does on them, and a target that hits them.
#[derive(Clone)]
struct Case {
    name: &'static str,
    about: &'static str,
    event: Event,
    is_for_all: bool,
    target: Target,
    script: Script,
}

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    cases::all().into_iter().map(bench).collect()
}

fn bench(case: Case) -> Bench {
    let (name, about, is_for_all) = (case.name, case.about, case.is_for_all);
    let bench = Bench::new(name, about, move |tool| measure(&case, tool));
    Bench { is_for_all, net: Some(TAKEN_OFF), ..bench }
}

/// The target alone, then under the script, and for this tracer under an empty program, too: all within seconds.
fn measure(case: &Case, tool: &Tool) -> Result<Vec<Value>, Failure> {
    let alone = case.target.run()?.ns_each();
    let script = case.script.at(&case.target)?;
    if let Some(words) = tool.wrap(&script)? {
        let wrapped = case.target.run_under(tool::program(&words)?)?;
        return Ok(vec![(ADDED, wrapped.ns_each() - alone)]);
    }
    let under_script = traced(case, tool, &script)?;
    let mut values = vec![(BPF, under_script.bpf_ns), (ADDED, under_script.target_ns - alone)];
    if tool.is_first {
        let under_empty = traced(case, tool, &case.script.emptied().at(&case.target)?)?;
        values.extend([(EMPTY, under_empty.bpf_ns), (ADDED_EMPTY, under_empty.target_ns - alone)]);
    }
    Ok(values)
}

/// Nanoseconds an event.
struct Cost {
    bpf_ns: f64,
    target_ns: f64,
}

/// Runs the target while a script is attached. What the script prints goes nowhere, for all tools that let it.
fn traced(case: &Case, tool: &Tool, script: &Placed) -> Result<Cost, Failure> {
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
