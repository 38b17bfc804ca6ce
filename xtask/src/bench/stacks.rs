//! Stacks of user programs, from addresses to names.

use std::fs::{self, File};
use std::path::Path;

use super::script::Script;
use super::startup::{mib_of_kib, ms};
use super::target::Target;
use super::throughput::output_path;
use super::tool::{Tool, finished, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const FIRST: Metric = Metric { name: "exec to the first stack, printed", unit: "ms" };
const NAMED: Metric = Metric { name: "Ctrl-C to exit, all stacks printed", unit: "ms" };
const PEAK: Metric = Metric { name: "peak memory", unit: "MiB" };
const CPU: Metric = Metric { name: "processor time", unit: "ms" };
const MISSING: Metric = Metric { name: "stacks not shown", unit: "stacks" };

const CXX: Target = Target { name: "deep-cc", mode: &[], count: 10_007 };
const RUST: Target = Target { name: "deep-rs", mode: &[], count: 10_007 };

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    vec![
        Bench::new("first-stack-cc", "the first user stack of a C++ program with debug information", |tool| {
            first(tool, &CXX)
        }),
        Bench::new("first-stack-rs", "the first user stack of a Rust program with debug information", |tool| {
            first(tool, &RUST)
        }),
        bench("stacks-cc", "10,007 different user stacks of a C++ program, 32 frames deep", CXX),
        bench("stacks-rs", "10,007 different user stacks of a Rust program, 32 frames deep", RUST),
    ]
}

fn bench(name: &str, about: &str, target: Target) -> Bench {
    Bench { at_most: 3, ..Bench::new(name, about, move |tool| all(tool, &target)) }
}

/// The tool starts the target itself, so that its whole run is one time. The target works on until the tool ends it: of a
/// process that is gone, not all tools know the names.
fn first(tool: &Tool, target: &Target) -> Result<Vec<Value>, Failure> {
    let target = Target { count: 100_000_007, ..target.clone() };
    let script = Script::bpftrace("uprobe:PATH:target_leaf { printf(\"%s\\n\", ustack); exit(); }").at(&target)?;
    let running = tool.with(&["-c", &target.command()?]).start(&script, None)?;
    running.wait_for_stdout("target_leaf")?;
    let first = tool.since_start(&running);
    let outcome = finished(running)?;
    Ok(vec![(FIRST, ms(first)), (CPU, ms(outcome.cpu)), (PEAK, mib_of_kib(outcome.peak_kib))])
}

fn all(tool: &Tool, target: &Target) -> Result<Vec<Value>, Failure> {
    let path = output_path("stacks");
    let values = measure(tool, target, &path);
    // What is left of a failed measurement is of no use, and to leave it is no failure of its own.
    let _ = fs::remove_file(&path);
    values
}

fn measure(tool: &Tool, target: &Target, path: &Path) -> Result<Vec<Value>, Failure> {
    let script = Script::bpftrace("uprobe:PATH:target_leaf { @[ustack] = count(); }").at(target)?;
    let (running, _) = tool.attach(&script, Some(File::create(path)?))?;
    let target_running = target.start_staying()?;
    let (outcome, ended) = interrupt(running)?;
    target.finish(target_running)?;
    let named = fs::read_to_string(path)?.matches("target_leaf").count();
    Ok(vec![
        (NAMED, ms(ended)),
        (CPU, ms(outcome.cpu)),
        (PEAK, mib_of_kib(outcome.peak_kib)),
        (MISSING, target.count as f64 - named as f64),
    ])
}
