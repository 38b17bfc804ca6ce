//! Names of addresses in processes that have ended when they are printed.

use std::fs;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use quadrant_testing::{Outcome, Program, Running, Signal, skip};

use crate::common::{attached, folder, needs_callers, needs_root, run_on, script, target};

/// Every tracer that names user stacks is told of all processes, so the test with too many of them runs alone.
static PEACE: RwLock<()> = RwLock::new(());

fn in_peace() -> RwLockReadGuard<'static, ()> {
    PEACE.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    PEACE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the tracer; ends the calling test, as skipped, where the tracer was not given the time to follow all processes that started on
/// this machine. It says so, and that names may be missing.
macro_rules! ended {
    ($tracer:expr) => {{
        let outcome = end($tracer);
        if outcome.stderr.lines().any(is_report) {
            return skip("processes start here faster than the tracer is given time to follow them");
        }
        outcome
    }};
}

/// Ends the tracer, which must not have lost anything but samples (an emulated machine is late with its timers) and reports.
fn end(tracer: Running) -> Outcome {
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    let is_sample = |line: &str| line.contains("firing") && line.contains(" of profile:");
    let mut losses = outcome.stderr.lines().filter(|line| line.contains("LOST"));
    assert!(losses.all(|line| is_sample(line) || is_report(line)), "{}", outcome.describe());
    outcome
}

/// The loss of what the kernel reports about processes.
fn is_report(line: &str) -> bool {
    line.contains("LOST") && (line.contains("report about a process") || line.contains("reports about processes"))
}

/// The entries of a map with stacks as keys: the lines of the stack, and the number.
fn entries(outcome: &Outcome) -> Vec<(Vec<String>, u64)> {
    let mut entries = Vec::new();
    let mut stack: Vec<String> = Vec::new();
    for line in outcome.stdout.lines() {
        match line.split_once("]: ") {
            Some((_, number)) => entries.push((std::mem::take(&mut stack), number.parse().unwrap())),
            None if line.starts_with('@') => stack.clear(),
            None => stack.push(line.trim().to_owned()),
        }
    }
    entries
}

/// Every entry's stack must have all these functions, in this order; the sum of the numbers.
#[track_caller]
fn assert_all(outcome: &Outcome, functions: &[&str]) -> u64 {
    let entries = entries(outcome);
    assert!(!entries.is_empty(), "{}", outcome.describe());
    for (stack, _) in &entries {
        let mut lines = stack.iter();
        for function in functions {
            let is_it = |line: &String| line.split('+').next() == Some(*function);
            assert!(lines.any(is_it), "{function} is not in its place: {}", outcome.describe());
        }
    }
    entries.iter().map(|(_, number)| number).sum()
}

/// Waits until a process has a file open.
fn wait_until_open(pid: u32, path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let is_open = || {
        let fds = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|link| link == path))
    };
    while !is_open() {
        assert!(Instant::now() < deadline, "the tracer never opened {}", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn a_process_that_starts_and_ends_during_the_trace() {
    needs_root!();
    needs_callers!();
    let _peace = in_peace();
    let stacks = target!("stacks");
    let tracer = attached(script(&format!("uprobe:{stacks}:target_leaf {{ @[ustack] = count(); }}")));
    assert!(Program::new(&stacks).args(["7", "3"]).run().unwrap().success());
    let outcome = ended!(tracer);
    assert_eq!(assert_all(&outcome, &["target_leaf", "target_static", "target_recurse", "main"]), 7);
}

#[test]
fn samples_of_a_process_that_lives_for_milliseconds() {
    needs_root!();
    let _peace = in_peace();
    let stacks = target!("stacks");
    let outcome = run_on(
        &format!("{stacks} 200000003 3"),
        "profile:hz:4999 /comm == \"stacks\"/ { @[ustack] = count(); @n = count(); }",
    );
    // Some CPUs take nearly all samples in the innermost function, before it has a frame of its own: its caller is not seen then.
    let of_target = |line: &String| line.starts_with("target_static+") || line.starts_with("target_recurse+");
    let inside = |(stack, _): &&(Vec<String>, u64)| stack.iter().any(of_target);
    let entries = entries(&outcome);
    assert!(entries.iter().filter(inside).count() > 0, "{}", outcome.describe());
}

#[test]
fn a_library_that_was_loaded_at_run_time() {
    needs_root!();
    needs_callers!();
    let _peace = in_peace();
    let (loads, library) = (target!("loads"), target!("libcalls.so"));
    let tracer = attached(script(&format!("uprobe:{library}:target_call {{ @[ustack] = count(); }}")));
    assert!(Program::new(&loads).args([&library, "13"]).run().unwrap().success());
    assert_eq!(assert_all(&ended!(tracer), &["target_call", "call_loaded", "main"]), 13);
}

#[test]
fn a_process_that_executes_another_program() {
    needs_root!();
    let (lives, stacks) = (target!("lives"), target!("stacks"));
    becomes_another(Program::new(&lives), &lives, &stacks);
}

/// As programs that are not position-independent always are.
#[test]
fn a_process_that_executes_another_program_at_the_same_addresses() {
    needs_root!();
    needs_callers!();
    if !Program::new("setarch").args(["-R", "true"]).run().is_ok_and(|outcome| outcome.success()) {
        return skip("addresses cannot be fixed here (setarch)");
    }
    let (lives, stacks) = (target!("lives"), target!("stacks"));
    becomes_another(Program::new("setarch").args(["-R", &lives]), &lives, &stacks);
}

fn becomes_another(program: Program, lives: &str, stacks: &str) {
    let _peace = in_peace();
    let tracer = attached(script(&format!(
        "uprobe:{lives}:target_call {{ @[ustack] = count(); }} uprobe:{stacks}:target_leaf {{ @[ustack] = count(); }}"
    )));
    assert!(program.args(["become", "17", stacks]).run().unwrap().success());
    let outcome = ended!(tracer);
    assert_eq!(assert_all(&outcome, &["main"]), 2 * 17);
    let innermost: Vec<String> = entries(&outcome).into_iter().map(|(stack, _)| stack[0].clone()).collect();
    for function in ["target_call+", "target_leaf+"] {
        assert!(innermost.iter().any(|line| line.starts_with(function)), "{}", outcome.describe());
    }
}

#[test]
fn a_process_that_executes_itself_elsewhere() {
    needs_root!();
    let _peace = in_peace();
    let lives = target!("lives");
    let tracer = attached(script(&format!("uprobe:{lives}:target_call {{ @[ustack] = count(); }}")));
    assert_eq!(Program::new(&lives).args(["exec", "19"]).run().unwrap().code(), Some(42));
    assert_eq!(assert_all(&ended!(tracer), &["target_call", "main"]), 2 * 19);
}

#[test]
fn copies_of_a_process_that_execute_nothing() {
    needs_root!();
    let _peace = in_peace();
    let lives = target!("lives");
    let tracer = attached(script(&format!("uprobe:{lives}:target_call {{ @[ustack, pid] = count(); }}")));
    assert!(Program::new(&lives).args(["fork", "23"]).run().unwrap().success());
    let outcome = ended!(tracer);
    assert_eq!(entries(&outcome).len(), 3, "{}", outcome.describe());
    assert_eq!(assert_all(&outcome, &["target_call", "main"]), 3 * 23);
}

#[test]
fn two_processes_with_the_same_code_at_other_addresses() {
    needs_root!();
    needs_callers!();
    let _peace = in_peace();
    let stacks = target!("stacks");
    let tracer = attached(script(&format!("uprobe:{stacks}:target_leaf {{ @[ustack(3)] = count(); }}")));
    for _ in 0..2 {
        assert!(Program::new(&stacks).args(["29", "3"]).run().unwrap().success());
    }
    assert_eq!(assert_all(&ended!(tracer), &["target_leaf", "target_static", "target_recurse"]), 2 * 29);
}

#[test]
fn a_process_that_was_there_before_and_is_killed() {
    needs_root!();
    let _peace = in_peace();
    let stacks = target!("stacks");
    let busy = Program::new(&stacks).args(["0"]).with_input().start().unwrap();
    let tracer = script("profile:hz:499 /comm == \"stacks\" && pid == $1/ { @[ustack] = count(); }");
    let tracer = attached(tracer.arg(busy.pid().to_string()));
    // It is looked at when it turns up in the map.
    wait_until_open(tracer.pid(), Path::new(&stacks));
    busy.signal(Signal::KILL).unwrap();
    assert_eq!(busy.finish().unwrap().code(), None);
    let outcome = ended!(tracer);
    let entries = entries(&outcome);
    assert!(
        entries.iter().any(|(stack, _)| stack.iter().any(|line| line.starts_with("main+"))),
        "{}",
        outcome.describe()
    );
}

#[test]
fn a_traced_process_that_is_killed() {
    needs_root!();
    needs_callers!();
    let _peace = in_peace();
    let stacks = target!("stacks");
    let mut running = Program::new(&stacks).args(["31", "3"]).env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let tracer = script(&format!("uprobe:{stacks}:target_leaf {{ @[ustack] = count(); }}"));
    let tracer = attached(tracer.args(["-p", &running.pid().to_string()]));
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    let outcome = tracer.finish().unwrap();
    assert_eq!(assert_all(&outcome, &["target_leaf", "target_static", "main"]), 31);
}

#[test]
fn a_program_whose_file_is_gone_too() {
    needs_root!();
    needs_callers!();
    let _peace = in_peace();
    let stacks = target!("stacks");
    let copy = folder("gone").join("program");
    fs::copy(&stacks, &copy).unwrap();
    let path = copy.display();
    let tracer = attached(script(&format!("uprobe:{path}:target_leaf {{ @[ustack] = count(); }}")));
    assert!(Program::new(&copy).args(["37", "3"]).run().unwrap().success());
    wait_until_open(tracer.pid(), &copy);
    fs::remove_file(&copy).unwrap();
    assert_eq!(assert_all(&ended!(tracer), &["target_leaf", "target_static", "main"]), 37);
}

#[test]
fn single_addresses_of_a_process_that_is_gone() {
    needs_root!();
    let _peace = in_peace();
    let calls = target!("calls");
    let outcome =
        run_on(&format!("{calls} 41"), &format!("uprobe:{calls}:target_call {{ @[usym(reg(\"ip\"))] = count(); }}"));
    assert_eq!(outcome.lines(), ["@[target_call]: 41"], "{}", outcome.describe());
}

/// Descriptors of a process that are perf events.
fn perf_events(pid: u32) -> usize {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    fds.filter(|fd| fs::read_link(fd.path()).is_ok_and(|link| link.as_os_str() == "anon_inode:[perf_event]")).count()
}

#[test]
fn only_scripts_with_user_stacks_follow_processes() {
    needs_root!();
    let _peace = in_peace();
    let tracer = attached(script("rawtracepoint:sys_enter { @[kstack(1)] = count(); }"));
    assert_eq!(perf_events(tracer.pid()), 0);
    end(tracer);
    let tracer = attached(script("rawtracepoint:sys_enter { @[ustack(1)] = count(); }"));
    assert!(perf_events(tracer.pid()) > 0);
    end(tracer);
}

/// A trace that follows processes, and has no time to read of those that start in the meantime.
pub fn beside_forks(with: &[&str]) -> Outcome {
    let _peace = alone();
    let text = "rawtracepoint:sched_process_exit /comm == \"\"/ { @[ustack] = count(); }";
    let tracer = script(text).args(with).start().unwrap();
    if with.is_empty() {
        tracer.wait_for_stderr("Attached ").unwrap();
    } else {
        tracer.wait_for_stdout("\"attached\"").unwrap();
    }
    tracer.signal(Signal::STOP).unwrap();
    let forks = "i=0; while [ $i -lt 3000 ]; do (:); i=$((i+1)); done";
    let cpu = quadrant_testing::allowed_cpu().to_string();
    assert!(Program::new("taskset").args(["-c", &cpu, "sh", "-c", forks]).run().unwrap().success());
    tracer.signal(Signal::CONT).unwrap();
    tracer.signal(Signal::INT).unwrap();
    tracer.finish().unwrap()
}
