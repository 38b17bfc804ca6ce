//! Events of tracefs outlive a tracer that is killed; nothing else does, and they do not for long.

use std::path::Path;

use quadrant_testing::{Running, Signal};

use super::{needs_kprobes, tracefs};
use crate::common::{attached, end, good, quadrant, script};

/// A function that nobody calls meanwhile.
const QUIET: &str = "kprobe:vfs_rmdir { @ = count(); } kretprobe:vfs_rmdir { @r = count(); }";

fn tracing() -> Running {
    attached(script(QUIET).args(["--kprobe-mechanism", "tracefs"]))
}

/// Kills a tracer; the group of the events that it leaves.
fn killed(tracer: Running) -> String {
    let prefix = format!("quadrant_{}_", tracer.pid());
    let before = events(&prefix);
    assert_eq!(before.len(), 2, "{before:?}");
    tracer.signal(Signal::KILL).unwrap();
    assert_eq!(tracer.finish().unwrap().signal(), Some(9));
    assert_eq!(events(&prefix), before, "these are what a start has to sweep");
    prefix
}

/// `group/event` of the events whose group begins so.
fn events(prefix: &str) -> Vec<String> {
    let list = tracefs("kprobe_events");
    let names = list.lines().filter_map(|line| line.split_once(':')?.1.split(' ').next());
    names.filter(|name| name.starts_with(prefix)).map(str::to_owned).collect()
}

fn assert_nothing(prefix: &str) {
    let group = || std::fs::read_dir(Path::new(super::TRACEFS).join("events")).expect("it can be listed").flatten();
    let folders: Vec<_> = group().filter(|it| it.file_name().to_string_lossy().starts_with(prefix)).collect();
    assert!(events(prefix).is_empty() && folders.is_empty(), "{folders:?}: {}", tracefs("kprobe_events"));
}

#[test]
fn a_trace_that_ends_leaves_nothing() {
    needs_kprobes!();
    let tracer = tracing();
    let prefix = format!("quadrant_{}_", tracer.pid());
    assert_eq!(events(&prefix).len(), 2);
    end(tracer);
    assert_nothing(&prefix);
}

#[test]
fn the_next_start_removes_what_a_killed_tracer_left() {
    needs_kprobes!();
    let prefix = killed(tracing());
    let next = tracing();
    assert_nothing(&prefix);
    // Those of a tracer that lives stay.
    assert_eq!(events(&format!("quadrant_{}_", next.pid())).len(), 2);
    end(next);
}

#[test]
fn cleanup_removes_what_a_killed_tracer_left() {
    needs_kprobes!();
    let living = tracing();
    let prefix = killed(tracing());
    let outcome = good(quadrant().arg("cleanup"));
    assert_eq!(outcome.lines().len(), 2, "{}", outcome.describe());
    assert!(
        outcome.lines().iter().all(|line| line.starts_with(&format!("removed {prefix}"))),
        "{}",
        outcome.describe()
    );
    assert_nothing(&prefix);
    assert_eq!(events(&format!("quadrant_{}_", living.pid())).len(), 2);
    end(living);
    assert_eq!(good(quadrant().arg("cleanup")).lines(), ["nothing was left"]);
}

#[test]
fn an_event_that_somebody_else_uses_is_told_of() {
    needs_kprobes!();
    let tracer = tracing();
    let prefix = format!("quadrant_{}_", tracer.pid());
    let used = events(&prefix).swap_remove(0);
    let switch = Path::new(super::TRACEFS).join("events").join(&used).join("enable");
    std::fs::write(&switch, "1").unwrap();
    killed(tracer);
    let outcome = quadrant().arg("cleanup").run().unwrap();
    assert_eq!((outcome.code(), events(&prefix)), (Some(1), vec![used.clone()]), "{}", outcome.describe());
    assert!(outcome.stderr.contains(&used) && outcome.stderr.contains("EBUSY"), "{}", outcome.describe());
    std::fs::write(&switch, "0").unwrap();
    good(quadrant().arg("cleanup"));
    assert_nothing(&prefix);
}
