//! Buffer policies: what is kept, and when it is printed.

use super::{dtrace, ready};
use crate::common::{good, needs_root, target};

const EACH: &str = "syscall::getppid:entry /pid == $target/ { printf(\"%d\\n\", ++n); }";

#[test]
fn a_ring_keeps_the_newest() {
    needs_root!();
    // Each processor keeps its own newest.
    let command = format!("taskset -c {} {} getppid 10007", quadrant_testing::allowed_cpu(), target!("syscalls"));
    let outcome = good(dtrace().args(["-x", "bufpolicy=ring", "-b", "1k", "-qn", EACH, "-c", &command]));
    let numbers: Vec<u32> = outcome.lines().iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers.last(), Some(&10007), "{}", outcome.describe());
    assert!(numbers.len() < 200 && numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{}", outcome.describe());
}

#[test]
fn a_buffer_fills_and_the_trace_ends() {
    needs_root!();
    let command = format!("{} getppid 100003", target!("syscalls"));
    let text = format!("{EACH} END {{ printf(\"end\\n\"); }}");
    let outcome = good(dtrace().args(["-x", "bufpolicy=fill", "-b", "1k", "-qn", &text, "-c", &command]));
    let lines = outcome.lines();
    assert_eq!((lines.first(), lines.last()), (Some(&"1"), Some(&"end")), "{}", outcome.describe());
    assert!(lines.len() < 200, "{}", outcome.describe());
}

#[test]
fn output_comes_at_once_otherwise() {
    needs_root!();
    // `ready` waits for a line that would otherwise come at the end, which does not come.
    let running = ready(dtrace().arg("-q"));
    running.signal(quadrant_testing::Signal::INT).unwrap();
    assert_eq!(running.finish().unwrap().code(), Some(0));
}

#[test]
fn one_cpu_only() {
    needs_root!();
    let text = "profile-997hz { @[cpu] = count(); } tick-300ms { exit(0); }";
    let outcome = good(dtrace().args(["-x", "cpu=0", "-qn", text]));
    assert!(outcome.lines().iter().all(|line| line.split_whitespace().next() == Some("0")), "{}", outcome.describe());
}
