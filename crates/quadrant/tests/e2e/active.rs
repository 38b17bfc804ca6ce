//! `quadrant active`: what is attached is shown, with its target, owner and hits.

use std::os::fd::OwnedFd;

use quadrant_testing::{COUNT, Program, Running};
use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use serde_json::Value;

use crate::common::{attached, good, needs_root, quadrant, refused, script, target};

/// The answer as JSON, with those options.
fn active(options: &[&str]) -> Value {
    let outcome = good(quadrant().args(["active", "--json"]).args(options));
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.describe()))
}

/// The attachments of a process, each with a kind and a place.
fn held_by(running: &Running) -> Vec<Value> {
    let owner = running.pid().to_string();
    let answer = active(&["--owner", &owner]);
    answer["attachments"].as_array().expect("a list").clone()
}

/// The one attachment of that kind.
#[track_caller]
fn of_kind<'a>(attachments: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = attachments.iter().filter(|attachment| attachment["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {attachments:#?}");
    found[0]
}

fn place(attachment: &Value) -> &str {
    attachment["targets"][0]["text"].as_str().expect("a text")
}

#[test]
fn each_attachment_of_a_trace_has_its_target_owner_and_hits() {
    needs_root!();
    let (calls, syscalls) = (target!("calls"), target!("syscalls"));
    let _counting = quadrant_bpf::prog::enable_stats().expect("root may count");
    let trace = attached(script(&format!(
        "rawtracepoint:sys_enter {{ @a = count(); }}
         tracepoint:sched:sched_process_exec {{ @b[str(args.filename)] = count(); }}
         uprobe:{calls}:target_call {{ @c = count(); }}
         interval:s:1000 {{ @d = count(); }}"
    )));
    good(Program::new(&calls).arg(COUNT.to_string()));
    good(Program::new(&syscalls).args(["getppid", &COUNT.to_string()]));
    let found = held_by(&trace);
    let raw = of_kind(&found, "rawtracepoint");
    assert!(place(raw) == "sys_enter" && raw["hits"].as_u64() >= Some(COUNT), "{raw:#}");
    assert!(raw["mean_ns"].as_f64() > Some(0.0), "{raw:#}");
    let exec = of_kind(&found, "tracepoint");
    assert!(place(exec) == "sched:sched_process_exec" && exec["hits"].as_u64() >= Some(2), "{exec:#}");
    let user = of_kind(&found, "uprobe");
    assert_eq!((user["hits"].as_u64(), user["hits_of"].as_str()), (Some(COUNT), Some("attachment")), "{user:#}");
    assert_eq!(user["targets"][0]["path"].as_str(), Some(&calls[..]));
    assert_eq!(user["targets"][0]["function"], "target_call");
    // Before Linux 6.6 the kernel does not tell of what kind such an event is.
    let timer = found.iter().find(|one| ["software", "perf_event"].contains(&one["kind"].as_str().unwrap_or("")));
    assert!(["cpu-clock", "?"].contains(&place(timer.expect("the timer is there"))), "{timer:#?}");
    for one in &found {
        assert_eq!(one["owners"][0]["pid"].as_u64(), Some(trace.pid().into()), "{one:#}");
        assert_eq!(one["owners"][0]["comm"], "quadrant");
    }
}

/// An event of tracefs, removed when the test ends in whatever way.
struct TracefsEvent {
    /// tracefs, which need not be mounted.
    root: OwnedFd,
}

impl TracefsEvent {
    /// A probe at a place of a file, switched on.
    fn new(place: &str) -> TracefsEvent {
        let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC).expect("root may mount");
        fsconfig_create(&context).expect("there is a tracefs");
        let root = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).expect("it is mounted");
        let event = TracefsEvent { root };
        event.append("uprobe_events", &format!("p:quadrant_test/one {place}"));
        event.switch("1");
        event
    }

    fn switch(&self, to: &str) {
        self.append("events/quadrant_test/one/enable", to);
    }

    fn append(&self, path: &str, line: &str) {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
        let file = openat(&self.root, path, flags, Mode::empty()).expect("root may write to tracefs");
        rustix::io::write(file, line.as_bytes()).expect("the line is accepted");
    }
}

impl Drop for TracefsEvent {
    fn drop(&mut self) {
        self.switch("0");
        self.append("uprobe_events", "-:quadrant_test/one");
    }
}

/// The offset in the file of a function of a target, as the tracer itself finds it.
fn offset_of(file: &str, function: &str) -> u64 {
    let trace = attached(script(&format!("uprobe:{file}:{function} {{ }}")));
    let found = held_by(&trace);
    of_kind(&found, "uprobe")["targets"][0]["offset"].as_u64().expect("an offset")
}

#[test]
fn an_event_of_tracefs_counts_by_itself() {
    needs_root!();
    let calls = target!("calls");
    let event = TracefsEvent::new(&format!("{calls}:{:#x}", offset_of(&calls, "target_call")));
    good(Program::new(&calls).arg(COUNT.to_string()));
    let found = active(&["--target", "quadrant_test/*"]);
    let found = found["attachments"].as_array().expect("a list");
    let one = of_kind(found, "uprobe");
    assert_eq!((one["via"].as_str(), one["event"].as_str()), (Some("tracefs"), Some("quadrant_test/one")));
    assert_eq!((one["hits"].as_u64(), one["enabled"].as_bool()), (Some(COUNT), Some(true)), "{one:#}");
    assert_eq!(one["targets"][0]["function"], "target_call");
    drop(event);
    assert_eq!(active(&["--target", "quadrant_test/*"])["attachments"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_event_of_tracefs_is_no_tracepoint() {
    needs_root!();
    let calls = target!("calls");
    let event = TracefsEvent::new(&format!("{calls}:{:#x}", offset_of(&calls, "target_call")));
    let message = refused(script("tracepoint:quadrant_test:one { @ = count(); }"));
    assert!(message.contains("made of a probe") && message.contains("`p:quadrant_test/one "), "{message}");
    let message = refused(script("tracepoint:quadrant_test:* { @ = count(); }"));
    assert!(message.contains("there is no tracepoint `quadrant_test:*`"), "{message}");
    drop(event);
}

#[test]
fn a_measurement_counts_its_own_time() {
    needs_root!();
    let trace = attached(script("rawtracepoint:sys_enter { @ = count(); }"));
    let answer = active(&["--measure", "0.05", "--owner", &trace.pid().to_string()]);
    assert_eq!((answer["statistics"].as_str(), answer["seconds"].as_f64()), (Some("measured"), Some(0.05)));
    let one = of_kind(answer["attachments"].as_array().expect("a list"), "rawtracepoint");
    // The measuring process itself makes system calls.
    assert!(one["hits"].as_u64() > Some(0) && one["mean_ns"].as_f64() > Some(0.0), "{one:#}");
    assert_eq!(one["hits"], one["program"]["run_cnt"], "{one:#}");
}

#[test]
fn wrong_options_are_refused() {
    let message = refused(quadrant().args(["active", "--kind", "nonsense"]));
    assert!(message.contains("rawtracepoint"), "{message}");
    assert!(refused(quadrant().args(["active", "--measure", "-1"])).contains("--measure"));
    assert!(refused(quadrant().args(["-v", "active"])).contains("go behind it"));
}

#[test]
fn a_script_of_that_name_comes_first() {
    needs_root!();
    let folder = crate::common::folder("script-named-active");
    std::fs::write(folder.join("active"), "BEGIN { printf(\"the script\\n\"); exit(); }").expect("written");
    let outcome = good(quadrant().arg("active").dir(&folder));
    assert!(outcome.stdout.contains("the script"), "{}", outcome.describe());
}

#[test]
fn list_is_the_same_as_its_option() {
    needs_root!();
    let (command, option) = (["list", "software:c*"], ["-l", "software:c*"]);
    assert_eq!(good(quadrant().args(command)).stdout, good(quadrant().args(option)).stdout);
}
