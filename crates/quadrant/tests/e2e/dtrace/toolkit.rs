//! Scripts in the manner of those that people share, run as they are with `-s`, on known work.

use std::path::Path;

use quadrant_testing::Outcome;

use super::dtrace;
use crate::common::{good, needs_root, target};

/// Runs `toolkit/NAME.d` with arguments on a command.
fn tool(name: &str, args: &[&str], command: &str) -> Outcome {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/dtrace/toolkit").join(name);
    good(dtrace().arg("-s").arg(script).args(args).args(["-c", command]))
}

#[track_caller]
fn has_line(outcome: &Outcome, line: &str) {
    assert!(outcome.stdout.lines().any(|other| other == line), "{line}: {}", outcome.describe());
}

#[test]
fn execsnoop() {
    needs_root!();
    let outcome = tool("execsnoop.d", &[], "/bin/sh -c '/bin/echo one; /bin/echo two; :'");
    has_line(&outcome, "  UID  CHILD ARGS");
    for line in ["    0    yes /bin/echo one", "    0    yes /bin/echo two"] {
        assert_eq!(outcome.stdout.lines().filter(|other| *other == line).count(), 1, "{}", outcome.describe());
    }
}

#[test]
fn opensnoop() {
    needs_root!();
    let outcome = tool("opensnoop.d", &["0", "cat"], "/bin/cat /nowhere/at/all");
    has_line(&outcome, "cat                2 /nowhere/at/all");
    let all_are_cats = outcome.stdout.lines().skip(1).all(|line| line.is_empty() || line.starts_with("cat "));
    assert!(all_are_cats, "{}", outcome.describe());
}

#[test]
fn dtruss() {
    needs_root!();
    let outcome = tool("dtruss.d", &[], "/bin/echo hello");
    has_line(&outcome, "write(0x1, \"hello\\n\", 0x6) = 6 0");
    has_line(&outcome, &format!("  {:<50} {:>16}", "write", 1));
    has_line(&outcome, &format!("  {:<50} {:>16}", "elapsed >= cpu", 1));
}

#[test]
fn procsystime() {
    needs_root!();
    let outcome = tool("procsystime.d", &[], "/bin/sleep 0.2");
    let slept =
        outcome.stdout.lines().find_map(|line| line.strip_prefix("clock_nanosleep ")?.split_whitespace().next());
    let milliseconds: u64 = slept.and_then(|number| number.parse().ok()).unwrap_or(0);
    assert!((200..2000).contains(&milliseconds), "{}", outcome.describe());
}

#[test]
fn errinfo() {
    needs_root!();
    let outcome = tool("errinfo.d", &[], "/bin/cat /");
    has_line(&outcome, &format!("{:>16} {:>16} {:>4} {:>6}", "cat", "read", 21, 1));
}

#[test]
fn kill() {
    needs_root!();
    let outcome = tool("kill.d", &[], "/bin/sh -c 'trap : USR1; kill -USR1 $$'");
    assert_eq!(outcome.lines(), ["sh 10 self 0"], "{}", outcome.describe());
}

#[test]
fn sigdist() {
    needs_root!();
    let outcome = tool("sigdist.d", &[], "/bin/sh -c 'trap : USR1; kill -USR1 $$; kill -USR1 $$'");
    assert_eq!(outcome.lines(), ["sh sh 10 2"], "{}", outcome.describe());
}

#[test]
fn cpuwalk() {
    needs_root!();
    let spin = "/bin/sh -c 'while :; do :; done'";
    let outcome = tool("cpuwalk.d", &[], spin);
    let total: u64 = outcome.lines().last().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    let rows = outcome
        .stdout
        .lines()
        .filter_map(|line| line.split_once('|')?.1.split_whitespace().last()?.parse::<u64>().ok());
    assert!(total > 10 && rows.sum::<u64>() == total, "{}", outcome.describe());
}

#[test]
fn pathopens() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = tool("pathopens.d", &[], &format!("{syscalls} openat 10007 /nowhere/at/all"));
    assert_eq!(outcome.lines(), [" 10007 /nowhere/at/all"], "{}", outcome.describe());
}

#[test]
fn rwtop() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = tool("rwtop.d", &["1"], &format!("{syscalls} write 10007"));
    let bytes = outcome.lines()[0].strip_prefix("syscalls         W ").and_then(|bytes| bytes.parse::<u64>().ok());
    assert!(bytes.is_some_and(|bytes| (10007..11000).contains(&bytes)), "{}", outcome.describe());
    assert_eq!(outcome.lines()[1..], ["more than ten thousand: yes"], "{}", outcome.describe());
}

#[test]
fn flow() {
    needs_root!();
    let calls = target!("calls");
    let outcome = tool("flow.d", &[], &format!("{calls} 2"));
    let expected = [
        " -> target_call(0)",
        " <- target_call = 0",
        " -> target_call(1)",
        " <- target_call = 2",
        " -> target_many(1)",
        " <- target_many = 36",
    ];
    let lines: Vec<&str> = outcome.stdout.lines().take(expected.len()).collect();
    assert_eq!(lines, expected, "{}", outcome.describe());
    assert!(outcome.stdout.contains(" <- target_point = -7\n"), "{}", outcome.describe());
}

#[test]
fn newproc() {
    needs_root!();
    let outcome = tool("newproc.d", &[], "/bin/sh -c '/bin/true; /bin/sleep 0; :'");
    let expected = ["+ /bin/true", "- true exited", "+ /bin/sleep 0", "- sleep exited", "- sh exited"];
    assert_eq!(outcome.lines()[1..], expected, "{}", outcome.describe());
}
