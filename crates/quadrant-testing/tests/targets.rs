//! The targets do what the tests of the tracer rely on.

use std::time::Duration;

use quadrant_testing::{COUNT, Program, Signal, target};

/// The path of a target, or none, said as skipped, if its compiler is not here.
fn built(name: &str) -> Option<std::path::PathBuf> {
    match target(name) {
        Ok(path) => Some(path),
        Err(missing) if missing.is_absence() => {
            quadrant_testing::skip(missing);
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn reports(name: &str, args: &[&str], operations: u64) {
    let Some(path) = built(name) else { return };
    let run = Program::new(path).args(args).env("TARGET_REPORT", "1").run().unwrap();
    assert!(run.success(), "{}", run.describe());
    assert!(run.stderr.starts_with(&format!("work: {operations} operations, ")), "{}", run.describe());
}

#[test]
fn calls_as_often_as_asked() {
    reports("calls", &[], COUNT);
    reports("calls-shared", &["23"], 23);
    reports("stacks", &["17", "3"], 17);
    reports("threads", &["11", "3"], 33);
    reports("sleepers", &["11", "3"], 33);
    reports("mangled-cc", &["19"], 19);
}

#[test]
fn makes_each_kind_of_system_call() {
    for call in ["openat", "getppid", "read", "write"] {
        reports("syscalls", &[call, "29"], 29);
    }
}

#[test]
fn does_what_counters_count() {
    // Not `spawn`: its children report, too.
    for what in ["fork", "vfork", "threads", "touch", "copy", "kernel", "move", "vectors", "sem", "msg"] {
        reports("counted", &[what, "7"], 7);
    }
}

#[test]
fn nobody_listens_to_a_gated_probe_without_a_tracer() {
    let Some(path) = built("usdt") else { return };
    let run = Program::new(path).arg("5").env("TARGET_REPORT", "1").run().unwrap();
    assert!(run.stderr.ends_with("enabled: 0 of 5\n"), "{}", run.describe());
}

#[test]
fn ends_as_it_was_told() {
    let Some(path) = built("lives") else { return };
    let run = |how: &str| Program::new(&path).args([how, "3"]).run().unwrap();
    assert_eq!(run("exit").code(), Some(42));
    assert_eq!(run("exec").code(), Some(42));
    assert_eq!(run("fork").code(), Some(0));
    assert_eq!(run("abort").signal(), Some(6));
}

#[test]
fn waits_for_a_go() {
    let Some(path) = built("calls") else { return };
    let mut running = Program::new(path).arg("1").env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready\n").unwrap();
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
}

#[test]
fn a_program_that_takes_too_long_is_killed_and_says_so() {
    let run = Program::new("sleep").arg("600").limit(Duration::from_millis(50)).run().unwrap();
    assert!(run.timed_out && !run.success());
    assert_eq!(run.signal(), Some(9));
}

#[test]
fn a_signal_reaches_the_program() {
    let running = Program::new("sleep").arg("600").start().unwrap();
    running.signal(Signal::TERM).unwrap();
    assert_eq!(running.finish().unwrap().signal(), Some(15));
}

#[test]
fn text_that_never_comes_is_an_error_with_what_came() {
    let running = Program::new("echo").arg("other").start().unwrap();
    let error = running.wait_for_stdout("expected").unwrap_err();
    assert_eq!(error.to_string(), "the program did not print \"expected\"; it printed:\nother\n");
}

#[test]
fn an_unknown_target_is_named() {
    assert_eq!(target("nothing").unwrap_err().to_string(), "there is no target named nothing in tests/targets");
}
