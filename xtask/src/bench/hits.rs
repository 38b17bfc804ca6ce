//! What the kernel's ways to a user probe cost: a hit of a program that does nothing.

use super::script::Script;
use super::target::Target;
use super::tool::{Tool, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const ADDED: Metric = Metric { name: "added to the target", unit: "ns/hit" };
/// Calls each of its functions once an operation.
const ENTRIES: Target = Target { name: "entries", mode: &[], count: 100_003 };

/// Name, what is measured, and the places: of several, one is hit.
const WAYS: [(&str, &str, &str); 5] = [
    ("hit-emulated", "a user probe on an instruction that the kernel emulates", "push_entry"),
    ("hit-stepped", "a user probe on an instruction that the kernel executes in single step", "entry_stepped"),
    ("hit-marked", "a user probe on a function that starts with endbr64, before a push", "entry_marked"),
    ("hit-nop", "a user probe on a five-byte nop", "nop_entry"),
    ("hit-nop-multi", "the same by a link to several places", "nop_entry,uprobe:PATH:main"),
];

/// The benchmarks of this kind.
pub fn benches() -> Vec<Bench> {
    WAYS.into_iter().map(|(name, about, places)| bench(name, about, places)).collect()
}

fn bench(name: &str, about: &str, places: &str) -> Bench {
    let script = Script::bpftrace(format!("uprobe:PATH:{places} {{ }}"));
    Bench::new(name, about, move |tool| added(tool, &script))
}

fn added(tool: &Tool, script: &Script) -> Result<Vec<Value>, Failure> {
    let alone = ENTRIES.run()?.ns_each();
    let (running, _) = tool.attach(&script.at(&ENTRIES)?, None)?;
    let traced = ENTRIES.run()?.ns_each();
    interrupt(running)?;
    Ok(vec![(ADDED, traced - alone)])
}
