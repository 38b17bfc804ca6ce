//! Thousands of functions: attached with a handful of system calls where the kernel can, with progress and an answer to an interrupt
//! where it cannot.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use quadrant_testing::{Outcome, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{needs_kprobes, needs_multi, tracefs};
use crate::common::{binary, good, number, quadrant, script};

/// An emulated machine needs its time.
const LIMIT: Duration = Duration::from_secs(120);

/// Patterns, by first letters, for about so many functions or somewhat more.
fn patterns(wanted: usize) -> String {
    let known = tracefs("available_filter_functions");
    let (mut chosen, mut count) = (Vec::new(), 0);
    // Among them are no functions that everything calls: the machine has to go on.
    for letter in ["x", "a", "b", "c", "d", "e", "f", "i"] {
        if count < wanted {
            count += known.lines().filter(|line| line.starts_with(letter)).count();
            chosen.push(format!("kprobe:{letter}*"));
        }
    }
    chosen.join(",")
}

/// What a tracer with these probes costs from its start to its end, counted by another one.
struct Calls {
    points: u64,
    bpf: i64,
    perf: i64,
    all: i64,
}

impl Calls {
    fn of(probes: &str) -> Calls {
        let inner = format!(
            "'{}' --max-probes 50000 -e '{probes} {{ @ = count(); }} BEGIN {{ }} interval:ms:10 {{ exit(); }}'",
            binary().display()
        );
        // Growing memory is reading the kernel's lists of names; it has nothing to do with attaching.
        let text = "tracepoint:raw_syscalls:sys_enter /pid == cpid/ { @calls[args.id] = count(); @all = count(); }
            tracepoint:syscalls:sys_enter_bpf /pid == cpid/ { @bpf = count(); }
            tracepoint:syscalls:sys_enter_perf_event_open /pid == cpid/ { @perf = count(); }
            tracepoint:syscalls:sys_enter_read /pid == cpid/ { @read = count(); }
            tracepoint:syscalls:sys_enter_mmap, tracepoint:syscalls:sys_enter_munmap,
            tracepoint:syscalls:sys_enter_mremap, tracepoint:syscalls:sys_enter_brk /pid == cpid/ { @memory = count(); }
            BEGIN { @read = count(); @memory = count(); }";
        let outcome = good(script(text).arg("--no-inlines").args(["-c", &inner]).limit(LIMIT));
        let all = number(&outcome, "@all") - number(&outcome, "@read") - number(&outcome, "@memory");
        Calls { points: points(&outcome), bpf: number(&outcome, "@bpf"), perf: number(&outcome, "@perf"), all }
    }
}

/// The number of probes of the inner tracer, whose messages come second.
fn points(outcome: &Outcome) -> u64 {
    let lines =
        outcome.stderr.lines().filter_map(|line| line.strip_prefix("Attached ")?.split(' ').next()?.parse().ok());
    lines.max().unwrap_or_default()
}

#[test]
fn ten_thousand_functions_take_as_many_system_calls_as_two() {
    needs_multi!();
    let (few, some, many) = (Calls::of("kprobe:vfs_mk*"), Calls::of("kprobe:vfs_*"), Calls::of(&patterns(10_000)));
    assert!(
        few.points < 10 && some.points > 30 && many.points > 10_000,
        "{} {} {}",
        few.points,
        some.points,
        many.points
    );
    println!(
        "{} functions: {} calls of bpf(2), {} of perf_event_open(2), {} in all",
        many.points, many.bpf, many.perf, many.all
    );
    for calls in [&some, &many] {
        assert_eq!((calls.bpf, calls.perf), (few.bpf, few.perf), "{} functions", calls.points);
        // The rest are those of the warnings about functions that are left out.
        assert!((calls.all - few.all).abs() < 100, "{} functions: {} against {}", calls.points, calls.all, few.all);
    }
}

/// A script on many functions, made one by one.
fn slow(way: &str) -> quadrant_testing::Program {
    let text = "kprobe:x*,kprobe:a* { @ = count(); } END { printf(\"the end\\n\"); }";
    script(text).args(["--max-probes", "50000", "--kprobe-mechanism", way]).limit(LIMIT)
}

/// The kernel's list of kernel probes.
fn probes() -> String {
    std::fs::read_to_string("/sys/kernel/debug/kprobes/list").expect("debugfs is mounted")
}

#[test]
fn an_interrupt_while_attaching_is_answered() {
    needs_kprobes!();
    for way in ["perf", "tracefs"] {
        good(quadrant().arg("cleanup"));
        let before = probes();
        let tracer = slow(way).start().unwrap();
        tracer.wait_for_stderr("Attaching: ").unwrap();
        tracer.signal(Signal::INT).unwrap();
        let asked = Instant::now();
        tracer.wait_for_stderr("quadrant: interrupted when ").unwrap();
        assert!(asked.elapsed() < Duration::from_secs(2), "{way}: answered after {:?}", asked.elapsed());
        let group = format!("quadrant_{}_", tracer.pid());
        let outcome = tracer.finish().unwrap();
        assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
        assert!(outcome.stdout.contains("the end") && !outcome.stderr.contains("Attached"), "{}", outcome.describe());
        assert!(!tracefs("kprobe_events").contains(&group), "{}", tracefs("kprobe_events"));
        assert_eq!(probes(), before);
    }
}

#[test]
fn a_second_interrupt_while_attaching_ends_at_once() {
    needs_kprobes!();
    let tracer = slow("perf").start().unwrap();
    tracer.wait_for_stderr("Attaching: ").unwrap();
    tracer.signal(Signal::INT).unwrap();
    tracer.wait_for_stderr("quadrant: interrupted when ").unwrap();
    while tracer.signal(Signal::INT).is_ok() && !tracer.has_ended() {
        std::thread::yield_now();
    }
    let outcome = tracer.finish().unwrap();
    assert!(!outcome.timed_out && !outcome.stdout.contains("the end"), "{}", outcome.describe());
}

#[test]
fn progress_is_written_over_on_a_terminal() {
    needs_kprobes!();
    let (mut terminal, other_side) = terminal();
    let tracer = slow("perf").stderr(other_side).start().unwrap();
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while shown.matches("\rAttaching: ").count() < 3 {
        let length = terminal.read(&mut buffer).expect("the tracer still writes");
        shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let line = shown.rsplit('\r').next().unwrap_or_default().to_owned();
    assert!(line.contains(" of ") && !shown.contains("probes\r\n"), "{shown:?}");
    tracer.signal(Signal::INT).unwrap();
    while !shown.contains("interrupted when ") {
        let length = terminal.read(&mut buffer).expect("the tracer still writes");
        shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    // The line is taken away before anything else is written.
    assert!(shown.contains("\r\x1b[Kquadrant: interrupted"), "{shown:?}");
    assert!(tracer.finish().unwrap().stdout.contains("the end"));
}

/// A new terminal: what is shown on it, and the side for a program.
fn terminal() -> (File, OwnedFd) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
    grantpt(&shown).expect("it is ours");
    unlockpt(&shown).expect("it can be opened");
    let name = ptsname(&shown, Vec::new()).expect("it has a name");
    let program =
        rustix::fs::open(name, rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY, rustix::fs::Mode::empty());
    (shown.into(), program.expect("it can be opened"))
}
