//! A map of a million keys: to fill it, to print it, and the memory for it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::script::Script;
use super::startup::{mib_of_kib, ms};
use super::target::Target;
use super::throughput::output_path;
use super::tool::{Tool, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const FILL: Metric = Metric { name: "added to the target", unit: "ns/new key" };
const PRINT: Metric = Metric { name: "Ctrl-C to exit, all keys printed", unit: "ms" };
const PEAK: Metric = Metric { name: "peak memory", unit: "MiB" };
const CPU: Metric = Metric { name: "processor time", unit: "ms" };
const MISSING: Metric = Metric { name: "keys not printed", unit: "keys" };

const TARGET: Target = Target { name: "syscalls", mode: &["getppid"], count: 1_000_003 };

/// The benchmark of this kind.
pub fn benches() -> Vec<Bench> {
    let about = "a map of 1,000,003 keys: filled, printed into a file";
    vec![Bench { at_most: 3, ..Bench::new("million-keys", about, million) }]
}

/// The clock is the key: no two system calls have the same.
fn script() -> Script {
    Script::bpftrace(
        "config = { max_map_keys = 1100000 } \
         tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @[nsecs] = count(); }",
    )
}

fn million(tool: &Tool) -> Result<Vec<Value>, Failure> {
    let path = output_path("keys");
    let values = measure(tool, &path);
    // What is left of a failed measurement is of no use, and to leave it is no failure of its own.
    let _ = fs::remove_file(&path);
    values
}

fn measure(tool: &Tool, path: &Path) -> Result<Vec<Value>, Failure> {
    let alone = TARGET.run()?.ns_each();
    let (running, _) = tool.attach(&script().anywhere(), Some(File::create(path)?))?;
    let work = TARGET.run()?;
    let (outcome, ended) = interrupt(running)?;
    let printed = BufReader::new(File::open(path)?).split(b'\n').filter(is_entry).count();
    Ok(vec![
        (FILL, work.ns_each() - alone),
        (PRINT, ms(ended)),
        (PEAK, mib_of_kib(outcome.peak_kib)),
        (CPU, ms(outcome.cpu)),
        (MISSING, work.operations as f64 - printed as f64),
    ])
}

fn is_entry(line: &std::io::Result<Vec<u8>>) -> bool {
    line.as_ref().is_ok_and(|line| line.starts_with(b"@["))
}
