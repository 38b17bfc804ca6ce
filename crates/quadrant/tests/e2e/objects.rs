//! `quadrant maps` and `quadrant progs`: what a trace keeps in the kernel is shown, with its content and cost.

use std::ffi::OsStr;
use std::time::Duration;

use quadrant_testing::{COUNT, Program, Running};
use serde_json::Value;

use crate::common::{attached, binary, good, needs_root, quadrant, refused, script, target};

fn json(words: &[&str]) -> Value {
    let outcome = good(quadrant().args(words).args(["--format", "json"]));
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.describe()))
}

/// The objects of a list that a process holds.
fn held(list: &Value, running: &Running) -> Vec<Value> {
    let holds = |object: &&Value| {
        let owners = object["owners"].as_array().expect("a list");
        owners.iter().any(|owner| owner["pid"].as_u64() == Some(running.pid().into()))
    };
    list.as_array().expect("a list").iter().filter(holds).cloned().collect()
}

/// The number of the trace's map of that name.
#[track_caller]
fn map(running: &Running, name: &str) -> String {
    let maps = held(&json(&["maps"])["maps"], running);
    let found: Vec<&Value> = maps.iter().filter(|map| map["name"] == name).collect();
    assert_eq!(found.len(), 1, "{maps:#?}");
    assert!(!found[0]["programs"].as_array().expect("a list").is_empty(), "{:#}", found[0]);
    found[0]["id"].to_string()
}

#[test]
fn maps_of_a_trace_and_what_is_in_them() {
    needs_root!();
    let calls = target!("calls");
    let trace = attached(script(&format!("uprobe:{calls}:target_call {{ @n[1234] = count(); @last[56] = 78; }}")));
    good(Program::new(&calls).arg(COUNT.to_string()));
    let last = map(&trace, "AT_last");
    let text = |words: &[&str]| good(quadrant().arg("maps").args(words)).stdout;
    assert_eq!(text(&["dump", &last]), "AT_last[56]: 78\n");
    assert_eq!(text(&["watch", &last, "--count", "2", "--interval", "1ms"]), "+ AT_last[56]: 78\n");
    let dumped = json(&["maps", "dump", &last, "--top", "1"]);
    assert_eq!((&dumped["entries"][0]["key"], &dumped["entries"][0]["value"]), (&56.into(), &78.into()), "{dumped:#}");
    // The values of all processors, and their sum in the end.
    let counts = text(&["dump", &map(&trace, "AT_n")]);
    assert_eq!(counts.lines().last(), Some(&*format!("AT_n[1234]: {COUNT}")), "{counts}");
    assert!(counts.starts_with("AT_n[1234] cpu "), "{counts}");
}

#[test]
fn maps_of_a_trace_have_types() {
    needs_root!();
    let calls = target!("calls");
    let probe = "@n[\"some\", arg0 >= 0] = count(); @h[1] = hist(3); @last = -1;";
    let trace = attached(script(&format!("uprobe:{calls}:target_call {{ {probe} }}")));
    good(Program::new(&calls).arg(COUNT.to_string()));
    let entry = |name: &str| json(&["maps", "dump", &map(&trace, name)])["entries"][0].clone();
    let counted = entry("AT_n");
    assert_eq!((&counted["key"]["part0"], &counted["key"]["part1"]), (&"some".into(), &1.into()), "{counted:#}");
    let data = entry("q_data");
    assert_eq!(data["value"]["last"]["value"], Value::from(-1), "{data:#}");
    let text = good(quadrant().args(["maps", "dump", &map(&trace, "AT_h")])).stdout;
    assert!(text.contains("[2, 4)") && text.contains("|@"), "{text}");
}

#[test]
fn programs_by_what_they_cost() {
    needs_root!();
    let trace = attached(script("rawtracepoint:sys_enter { @n = count(); }"));
    let programs = held(&json(&["progs"])["programs"], &trace);
    assert_eq!(programs.len(), 1, "{programs:#?}");
    assert!(programs[0]["xlated_bytes"].as_u64() > Some(0) && programs[0]["name"] == "sys_enter", "{programs:#?}");
    // Looking is itself work with system calls.
    let top = json(&["progs", "top", "--count", "1", "--interval", "10ms"]);
    let runs = top["programs"].as_array().expect("a list");
    let run = runs.iter().find(|run| run["id"] == programs[0]["id"]).unwrap_or_else(|| panic!("{top:#}"));
    assert!(run["runs"].as_u64() > Some(0) && run["run_time_ns"].as_u64() > Some(0), "{run:#}");
}

#[test]
fn a_reader_that_leaves_ends_looks_quietly() {
    needs_root!();
    let trace = attached(script("rawtracepoint:sys_enter { @k[1] = 1; }"));
    let watch = format!("maps watch {} --interval 10ms", map(&trace, "AT_k"));
    for words in [watch.as_str(), "progs top --interval 10ms"] {
        let line = format!("\"$0\" {words} | head -1 >/dev/null; echo \"status ${{PIPESTATUS[0]}}\"");
        let program = Program::new("bash").args([OsStr::new("-c"), OsStr::new(&line), &binary()]);
        let outcome = good(program.limit(Duration::from_secs(20)));
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("status 0\n", ""), "{}", outcome.describe());
    }
}

#[test]
fn what_cannot_be_shown_is_refused() {
    needs_root!();
    assert!(refused(quadrant().args(["maps", "dump", "no_such_map"])).contains("the kernel has no map `no_such_map`"));
    assert!(refused(quadrant().args(["maps", "dump", "4294967295"])).contains("the kernel has no map `4294967295`"));
    assert!(refused(quadrant().args(["progs", "top", "--count", "0"])).contains("--count"));
}
