//! What the kernel's ways to a user probe cost: a hit of a program that does nothing.

use super::script::Script;
use super::target::Target;
use super::tool::{Tool, interrupt};
use super::turns::{Bench, Metric, Value};
use crate::Failure;

const ADDED: Metric = Metric { name: "added to the target", unit: "ns/hit" };
/// Calls each of its functions once an operation.
const ENTRIES: Target = Target { name: "entries", mode: &[], count: 100_003 };
/// Passes a static probe as headers of `dtrace -h` make it once an operation.
const PAIRED: Target = Target { name: "paired", mode: &[], count: 100_003 };

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
    let functions =
        WAYS.into_iter().map(|(name, about, places)| (name, about, format!("uprobe:PATH:{places}"), ENTRIES));
    let usdt = ("hit-usdt", "a static probe of a header of `dtrace -h`", "usdt:PATH:demo:paired".to_owned(), PAIRED);
    functions.chain([usdt]).map(|(name, about, probe, target)| bench(name, about, &probe, target)).collect()
}

fn bench(name: &str, about: &str, probe: &str, target: Target) -> Bench {
    let script = Script::bpftrace(format!("{probe} {{ }}"));
    Bench::new(name, about, move |tool| added(tool, &script, &target))
}

/// Ours probes some of these nops only when told to: the kernel's call there breaks programs that fork, which these do not.
fn added(tool: &Tool, script: &Script, target: &Target) -> Result<Vec<Value>, Failure> {
    let alone = target.run()?.ns_each();
    let (running, _) = tool.with(&["--unsafe"]).attach(&script.at(target)?, None)?;
    let traced = target.run()?.ns_each();
    interrupt(running)?;
    Ok(vec![(ADDED, traced - alone)])
}
