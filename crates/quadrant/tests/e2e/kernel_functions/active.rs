//! `quadrant active` agrees with the kernel's own files while traces of every kind are on.

use std::collections::BTreeSet;
use std::path::Path;

use quadrant_testing::Running;
use serde_json::Value;

use super::{needs_guest, needs_kprobes, needs_multi, tracefs};
use crate::common::{attached, end, folder, good, is_before, quadrant, script};

/// Calls of a function between the start of a trace and the look at it: a prime.
const CALLS: usize = 101;

const KPROBES: &str = "/sys/kernel/debug/kprobes/list";

fn attachments() -> Vec<Value> {
    let outcome = good(quadrant().args(["active", "--json"]));
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {}", outcome.describe()));
    answer["attachments"].as_array().expect("a list").clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn owned(attachment: &Value, tracer: &Running) -> bool {
    let owners = attachment["owners"].as_array().expect("a list");
    owners.iter().any(|owner| owner["pid"].as_u64() == Some(tracer.pid().into()))
}

/// Functions of those attachments.
fn functions(attachments: &[Value], is: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let targets = attachments.iter().filter(|one| is(one)).flat_map(|one| one["targets"].as_array().expect("a list"));
    targets.map(|target| text(target, "function").to_owned()).collect()
}

/// A folder made and removed again, so often. (In 5.10, removing does not pass vfs_rmdir: it is inlined into its caller.)
fn make_and_remove(inside: &Path) {
    let folder = inside.join("made");
    for _ in 0..CALLS {
        std::fs::create_dir(&folder).expect("the folder can be made");
        std::fs::remove_dir(&folder).expect("the folder can be removed");
    }
}

#[test]
fn events_of_tracefs_have_the_kernels_hits_and_misses() {
    needs_kprobes!();
    needs_guest!();
    let inside = folder("active");
    let tracer = script("kprobe:vfs_mkdir { @ = count(); } kretprobe:vfs_mkdir { @r = count(); }");
    let tracer = attached(tracer.args(["--kprobe-mechanism", "tracefs"]));
    make_and_remove(&inside);
    let (seen, defined, profile) = (attachments(), tracefs("kprobe_events"), tracefs("kprobe_profile"));
    let seen: Vec<&Value> = seen.iter().filter(|one| owned(one, &tracer) && one["via"] == "tracefs").collect();
    assert_eq!(seen.len(), 2, "{seen:#?}");
    for (kind, letter) in [("kprobe", "p"), ("kretprobe", "r")] {
        let one = seen.iter().find(|one| one["kind"] == kind).expect("one of each kind");
        let line = defined.lines().find(|line| line.contains(text(one, "event"))).expect("the event is defined");
        assert!(line.starts_with(letter) && line.ends_with(text(&one["targets"][0], "function")), "{line} {one:#}");
        let name = text(one, "event").split('/').next_back().expect("a name");
        let line = profile.lines().find(|line| line.split_whitespace().next() == Some(name)).expect("it is counted");
        let counts: Vec<u64> = line.split_whitespace().skip(1).filter_map(|count| count.parse().ok()).collect();
        assert_eq!(
            [one["hits"].as_u64(), one["misses"].as_u64()],
            [Some(counts[0]), Some(counts[1])],
            "{line} {one:#}"
        );
        assert_eq!(counts[0], CALLS as u64, "{line}");
    }
    end(tracer);
}

#[test]
fn each_line_of_the_kernels_list_belongs_to_an_attachment() {
    needs_kprobes!();
    let ways = ["perf", "tracefs"].map(|way| {
        let text = "kprobe:vfs_mkdir { @ = count(); } kretprobe:vfs_rmdir { @r = count(); } kprobe:vfs_rename { @n = count(); }";
        attached(script(text).args(["--kprobe-mechanism", way]))
    });
    let seen = attachments();
    let list = std::fs::read_to_string(KPROBES).expect("debugfs is mounted");
    for line in list.lines() {
        let (place, mut words) = (line, line.split_whitespace());
        let (address, letter) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let flags: Vec<String> =
            line.split('[').skip(1).map(|part| part.trim_end().trim_end_matches(']').to_owned()).collect();
        let kind = if letter == "r" { "kretprobe" } else { "kprobe" };
        let is_it = |kprobe: &Value| {
            let known = text(kprobe, "address").trim_start_matches("0x").trim_start_matches('0');
            let shown: Vec<&str> =
                kprobe["flags"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
            known == address.trim_start_matches('0') && shown == flags
        };
        let holders = seen.iter().filter(|one| one["kind"] == kind);
        let found = holders.filter(|one| one["kprobes"].as_array().expect("a list").iter().any(is_it)).count();
        assert!(found > 0, "{place}\n{list}\n{seen:#?}");
    }
    for tracer in &ways {
        let own = functions(&seen, |one| owned(one, tracer));
        assert_eq!(own.iter().map(String::as_str).collect::<Vec<_>>(), ["vfs_mkdir", "vfs_rename", "vfs_rmdir"]);
    }
    for tracer in ways {
        end(tracer);
    }
}

#[test]
fn functions_by_trampoline_are_those_that_the_kernel_has_enabled() {
    needs_kprobes!();
    let tracer = attached(script("fentry:vfs_mkdir { @ = count(); } fexit:vfs_rmdir { @r = count(); }"));
    let (seen, enabled) = (attachments(), tracefs("enabled_functions"));
    for (kind, function) in [("fentry", "vfs_mkdir"), ("fexit", "vfs_rmdir")] {
        let own = functions(&seen, |one| owned(one, &tracer) && one["kind"] == kind);
        // Before Linux 5.13 a link does not tell what its function is.
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        assert!(own == [function] || (own == [""] && is_before((5, 13))), "{own:?} {seen:#?}");
        assert!(enabled.lines().any(|line| line.starts_with(&format!("{function} "))), "{enabled}");
    }
}

#[test]
fn functions_of_one_link_are_those_that_the_kernel_has_enabled() {
    needs_multi!();
    let before: BTreeSet<String> = enabled();
    let tracer = attached(script("kprobe:vfs_mk*,kprobe:vfs_rm* { @ = count(); }"));
    let seen = functions(&attachments(), |one| owned(one, &tracer) && one["via"] == "multi_link");
    assert_eq!(seen, enabled().difference(&before).cloned().collect());
    assert!(seen.contains("vfs_mkdir") && seen.contains("vfs_rmdir"), "{seen:?}");
}

/// Functions that something of the kernel is called at.
fn enabled() -> BTreeSet<String> {
    // What serves a function stands in lines of its own, with a tab before.
    let text = tracefs("enabled_functions");
    let lines = text.lines().filter(|line| !line.starts_with([' ', '\t']));
    lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}
