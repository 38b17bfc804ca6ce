//! Each kind of loss is provoked, and told when the trace is over: on standard error, and in JSON with its kind.

use std::time::Duration;

use quadrant_output::ledger::{Entry, Kind, ledger};
use quadrant_testing::{Outcome, skip};
use serde_json::Value;

use crate::common::{needs_root, script};
use crate::json_schema::{lines, schema};
use crate::kernel_functions::kprobes;
use crate::losses::beside_updates;
use crate::overhead::busy;
use crate::symbols::gone::beside_forks;

/// A trace that loses something, with more options of the tracer; otherwise why there is none on this machine.
type Trace = fn(&[&str]) -> Result<Outcome, String>;

/// How often something of a kind was lost, as an outcome says.
type Count = fn(Kind, &Outcome) -> u64;

/// How often something is lost.
enum Times {
    Exactly(u64),
    Some,
}

/// Makes a test of each kind that can be provoked, and their list.
macro_rules! provoked {
    ($($test:ident: $kind:ident, $times:expr, $trace:expr;)*) => {
        const PROVOKED: &[Kind] = &[$(Kind::$kind),*];

        $(#[test]
        fn $test() {
            needs_root!();
            check(Kind::$kind, &$times, $trace);
        })*
    };
}

provoked! {
    records_for_which_there_is_no_room: Records, Times::Some, |with| {
        let text = "0123456789".repeat(5);
        let print = format!("unroll(20) {{ unroll(20) {{ printf(\"%s\\n\", \"{text}\"); }} }}");
        run(&format!("config = {{ perf_rb_pages = 1 }} BEGIN {{ {print} exit(); }}"), with)
    };
    keys_for_which_there_is_no_room: Keys, Times::Exactly(1), |with| {
        run("config = { max_map_keys = 2 } BEGIN { @[1] = 1; @[2] = 1; @[3] = 1; exit(); }", with)
    };
    texts_that_are_cut: Texts, Times::Exactly(1), |with| {
        let text = "config = { max_strlen = 8 } tracepoint:syscalls:sys_enter_execve /pid == cpid/ { @ = str(args.filename); }";
        run_on("calls", "1", text, with)
    };
    reads_that_fail: Reads, Times::Exactly(1), |with| run("BEGIN { @ = str(8); exit(); }", with);
    stacks_for_which_there_is_no_room: Stacks, Times::Some, |with| {
        let ways = made("ways")?;
        run_on("ways", "17", &format!("uprobe:{ways}:target_end {{ @ = ustack; }}"), with)
    };
    // Four programs can be at work on a processor at the same time. Each waits for its text.
    runs_that_interrupt_too_many: Nested, Times::Exactly(3), |with| {
        if !quadrant_bpf::features::Features::new().sleepable_uprobe() {
            return Err("programs of this kernel do not wait for pages (Linux 6.0)".to_owned());
        }
        let stalled = made("stalled")?;
        run_on("stalled", "7", &format!("uprobe:{stalled}:target_text {{ @ = str(arg0); }}"), with)
    };
    // What the program reads is a fault of a page, too.
    runs_that_the_kernel_skips: Missed, Times::Some, |with| {
        // Came a version later.
        if !quadrant_bpf::features::Features::new().for_each_map_elem() {
            return Err("this kernel does not count the runs that it skips (Linux 5.12)".to_owned());
        }
        run_on("untouched", "17", "tracepoint:exceptions:page_fault_kernel { @ = str(8); }", with)
    };
    firings_that_the_kernel_passes_over: Firings, Times::Some, |with| {
        beside_updates(|| run("interval:ms:1 { @ = count(); } interval:ms:1900 { exit(); }", with))
    };
    returns_that_the_kernel_does_not_follow: Returns, Times::Some, |with| {
        kprobes()?;
        run_on("sleepers", "11 8", "kretprobe:hrtimer_nanosleep { @ = count(); }", &[&["--maxactive", "1"], with].concat())
    };
    divisions_by_zero: Divisions, Times::Exactly(5), |with| {
        run("BEGIN { @z = 0; unroll(5) { @ = 1 / @z; } exit(); }", with)
    };
    elements_outside_of_their_array: Elements, Times::Exactly(1), |with| {
        run("BEGIN { $at = (uint64)cpu * 0 + 16; @ = curtask->comm[$at]; exit(); }", with)
    };
    loops_without_an_end: Loops, Times::Exactly(1), |with| {
        if !quadrant_bpf::features::Features::new().bpf_loop() {
            return Err("this kernel has no bpf_loop (Linux 5.17)".to_owned());
        }
        run("BEGIN { while (true) { } exit(); }", with)
    };
    writes_to_where_nothing_is: Writes, Times::Exactly(11), |with| {
        let text = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { write_user(8, 1); }";
        let outcome = run_on("syscalls", "getppid 11", text, with)?;
        let told = [outcome.stdout.as_str(), &outcome.stderr].concat();
        match told.contains("this kernel does not let programs write") {
            true => Err("this kernel does not let programs write the memory of processes".to_owned()),
            false => Ok(outcome),
        }
    };
    signals_to_who_is_ending: Signals, Times::Exactly(1), |with| {
        run_on("calls", "1", "tracepoint:sched:sched_process_exit /pid == cpid/ { signal(\"USR1\"); }", with)
    };
    firings_that_are_left_out: Skipped, Times::Some, |with| {
        let busy = busy(&made("syscalls")?);
        let with = [&["--max-overhead", "0.0001%"], with].concat();
        let outcome = run("tracepoint:raw_syscalls:sys_enter { @ = count(); }", &with);
        busy.signal(quadrant_testing::Signal::KILL).expect("it runs");
        outcome
    };
    reports_about_processes: Reports, Times::Some, |with| Ok(beside_forks(with));
    commands_that_a_signal_leaves: Commands, Times::Exactly(1), |with| {
        run("BEGIN { system(\"kill -INT $PPID\"); system(\"true\"); }", with)
    };
    // The trace ends with the process, while the first command runs. Half a second later nothing is printed once more.
    prints_of_maps_that_pile_up: Prints, Times::Exactly(1), |with| {
        let calls = made("calls")?;
        let ended = "while grep State /proc/%d/status | grep -vq Z; do sleep 0.1; done 2> /dev/null; sleep 0.1";
        let clause = format!("{{ @[1] = 1; system(\"{ended}\", pid); unroll(2) {{ print(@); system(\"sleep 1\"); }} }}");
        run_on("calls", "1", &format!("uprobe:{calls}:target_call {clause}"), with)
    };
}

/// What cannot be provoked in this way, and why.
const ELSEWHERE: &[(Kind, &str)] = &[
    (Kind::Faults, "only programs in D have clauses that handle faults: `dtrace::faults`, in DTrace's words"),
    (Kind::Speculations, "only programs in D speculate: `dtrace::drops`, in DTrace's words"),
    (
        Kind::Malformed,
        "no program sends a record that makes no sense: it would be a bug of the tracer, which this kind tells",
    ),
];

#[test]
fn every_kind_of_loss_is_provoked_or_says_why_not() {
    let tested =
        |kind: &Kind| PROVOKED.iter().chain(ELSEWHERE.iter().map(|(kind, _)| kind)).filter(|it| *it == kind).count();
    Kind::ALL.iter().for_each(|kind| assert_eq!(tested(kind), 1, "{kind:?}"));
}

#[test]
fn the_schema_has_every_kind_of_loss() {
    let schema = schema();
    let named: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(schema["$defs"]["loss"]["properties"]["kind"]["enum"], Value::from(named));
}

fn run(text: &str, with: &[&str]) -> Result<Outcome, String> {
    let tracer = script(text).arg("--unsafe").args(with).limit(Duration::from_secs(60));
    Ok(tracer.run().expect("the tracer runs"))
}

fn run_on(target: &str, args: &str, text: &str, with: &[&str]) -> Result<Outcome, String> {
    let command = format!("{} {args}", made(target)?);
    run(text, &[with, &["-c", &command]].concat())
}

/// The path of a target.
fn made(target: &str) -> Result<String, String> {
    match quadrant_testing::target(target) {
        Ok(path) => Ok(path.to_str().expect("the build folder's name is UTF-8").to_owned()),
        Err(missing) if missing.is_absence() => Err(missing.to_string()),
        Err(other) => panic!("{other}"),
    }
}

#[track_caller]
fn check(kind: Kind, times: &Times, trace: Trace) {
    let forms: [(&[&str], Count); 2] = [(&[], in_text), (&["--format", "json"], in_json)];
    for (with, count) in forms {
        let outcome = match trace(with) {
            Ok(outcome) => outcome,
            Err(reason) => return skip(reason),
        };
        match (count(kind, &outcome), times) {
            (told, Times::Exactly(times)) => assert_eq!(told, *times, "{}", outcome.describe()),
            (told, Times::Some) => assert!(told > 0, "{}", outcome.describe()),
        }
    }
}

/// As standard error says: what, perhaps whose and where, and why.
fn in_text(kind: Kind, outcome: &Outcome) -> u64 {
    let told = |line: &str| {
        let count = line.strip_prefix("LOST: ")?.split(' ').next()?.parse().ok()?;
        let (what, why) = said(kind, count);
        (line.starts_with(&what) && line.ends_with(&why)).then_some(count)
    };
    outcome.stderr.lines().filter_map(told).sum()
}

fn said(kind: Kind, count: u64) -> (String, String) {
    let mut line = Vec::new();
    ledger(&mut line, &[Entry { kind, subject: None, count, place: None }]);
    let line = String::from_utf8(line).expect("what is said is text");
    let (what, why) = line.trim_end().trim_start_matches("LOST: ").split_once(": ").expect("what and why");
    (format!("LOST: {what}"), format!(": {why}"))
}

/// As JSON says.
fn in_json(kind: Kind, outcome: &Outcome) -> u64 {
    let lines = lines(outcome);
    let told = lines.iter().filter(|line| line["type"] == "losses").flat_map(|line| line["losses"].as_array());
    let of_kind = told.flatten().filter(|loss| loss["kind"] == kind.name());
    of_kind.filter_map(|loss| loss["count"].as_u64()).sum()
}
