//! Nothing is lost silently: what happened is what was answered plus what the ledger says.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use quadrant_bpf::limits;
use quadrant_bpf::map::{Map, MapKind, MapSpec, Update};
use quadrant_testing::{Program, Signal, skip};

use crate::common::{attached, end, folder, is_before, needs_root, number, run, run_on, script, target};

/// The sum of the counts of the ledger's lines of one kind, as in `LOST: 12 records: why`.
fn lost(stderr: &str, kind: &str) -> i64 {
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("LOST: ")?.split_once(' '));
    lines.filter(|(_, rest)| rest.starts_with(kind)).filter_map(|(count, _)| count.parse::<i64>().ok()).sum()
}

#[test]
fn records_at_full_speed_add_up() {
    needs_root!();
    let syscalls = target!("syscalls");
    let path = folder("losses").join("output");
    let tracer = script(
        "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { printf(\"event %d %d %d\\n\", pid, tid, cpu); }",
    );
    let tracer = attached(tracer.stdout(File::create(&path).unwrap()).limit(Duration::from_secs(60)));
    assert!(Program::new(syscalls).args(["getppid", "1000003"]).run().unwrap().success());
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    let lines = BufReader::new(File::open(&path).unwrap()).lines().map_while(Result::ok);
    let printed = lines.filter(|line| line.starts_with("event ")).count() as i64;
    assert_eq!(printed + lost(&outcome.stderr, "record"), 1_000_003, "{}", outcome.describe());
}

/// While a system call is at a map, the kernel runs no program of a timer on that processor, and counts it nowhere.
#[test]
fn firings_that_the_kernel_passes_over_are_counted() {
    needs_root!();
    let outcome = beside_updates(|| {
        run("interval:ms:1 { if (@n == 0) { @first = nsecs; } @n++; @last = nsecs; } interval:ms:1900 { exit(); }")
    });
    let passed_over = lost(&outcome.stderr, "firing");
    assert!(passed_over > 0, "{}", outcome.describe());
    let due = (number(&outcome, "@last") - number(&outcome, "@first")) / 1_000_000 + 1;
    let told = number(&outcome, "@n") + passed_over;
    // There may be some before the first and behind the last; the clocks by which is counted differ a little.
    assert!(told >= due - due / 500 - 2, "{told} of {due}: {}", outcome.describe());
}

/// Does something while all processors update maps.
pub fn beside_updates<T>(work: impl FnOnce() -> T) -> T {
    // Linux 5.10 counts maps as locked memory.
    limits::bump_memlock();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (0..4 * processors).for_each(|_| drop(scope.spawn(|| update_until(&over))));
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}

fn update_until(over: &AtomicBool) {
    const VALUE: usize = 4096;
    let map = Map::create(&MapSpec::new(MapKind::Hash, 8, VALUE as u32, 1)).unwrap();
    while !over.load(Ordering::Relaxed) {
        map.update(&[0; 8], &[0; VALUE], Update::Any).unwrap();
    }
}

#[test]
fn keys_beyond_the_maps_size_are_counted() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} 10007"),
        &format!("config = {{ max_map_keys = 100 }} uprobe:{calls}:target_call {{ @[arg0] = count(); }}"),
    );
    let kept = outcome.stdout.lines().filter(|line| line.starts_with("@[")).count() as i64;
    assert_eq!(kept + lost(&outcome.stderr, "update"), 10007, "{}", outcome.describe());
}

/// Parts of histograms are large, and of per-CPU memory programs get only what was set aside before: for a burst of new keys that is
/// too little.
#[test]
fn a_burst_of_new_histograms_loses_none() {
    needs_root!();
    let calls = target!("calls");
    // Old kernels set all keys aside, and so have a limit of their own.
    let text = format!(
        "config = {{ max_map_keys = 20000 }} uprobe:{calls}:target_call {{ @by[arg0] = hist(arg0); @calls = count(); }}"
    );
    let outcome = run_on(&format!("{calls} 10007"), &text);
    assert!(!outcome.stderr.contains("LOST"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout.matches("@by[").count() as i64, number(&outcome, "@calls"));
}

/// Each run of a program has other addresses, and so other stacks. Those for which the kernel has no memory at hand, as on a busy machine,
/// are lost, and share a key of their process.
#[test]
fn who_asks_for_more_keys_has_room_for_as_many_stacks() {
    const RUNS: i64 = 5;
    const ALL: i64 = RUNS * 16384;
    needs_root!();
    if is_before((6, 1)) {
        return skip("before Linux 6.1, the memory for all stacks is taken at the start");
    }
    let deep = target!("deep-cc");
    let clauses = format!(
        "uprobe:{deep}:target_leaf {{ @[ustack(20)] = count(); }}
         END {{ for ($key : @) {{ @calls += (int64)$key.1; }} @keys = (int64)len(@); clear(@); }}"
    );
    let on_all = |text: &str| {
        let tracer = attached(script(text));
        (0..RUNS).for_each(|_| assert!(Program::new(&deep).args(["16384"]).run().unwrap().success()));
        end(tracer)
    };
    let usual = on_all(&clauses);
    assert!(number(&usual, "@keys") <= 65536 && lost(&usual.stderr, "update") > 0, "{}", usual.describe());
    assert_eq!(number(&usual, "@calls") + lost(&usual.stderr, "update"), ALL, "{}", usual.describe());
    assert!(lost(&usual.stderr, "stack") > 0, "{}", usual.describe());
    assert!(usual.stderr.contains("`max_map_keys`"), "{}", usual.describe());
    let raised = on_all(&format!("config = {{ max_map_keys = 100000 }} {clauses}"));
    assert_eq!((number(&raised, "@calls"), lost(&raised.stderr, "update")), (ALL, 0), "{}", raised.describe());
    let without_memory = lost(&raised.stderr, "stack");
    assert!(without_memory < lost(&usual.stderr, "stack") / 2, "{}", raised.describe());
    let shared_keys = number(&raised, "@keys") + without_memory - ALL;
    assert!((0..=RUNS).contains(&shared_keys), "{}", raised.describe());
}

#[test]
fn texts_that_are_cut_are_counted_at_their_place() {
    needs_root!();
    let outcome = run("config = { max_strlen = 16 } tracepoint:syscalls:sys_enter_* { @ = str(\"unused\"); exit(); }");
    assert!(!outcome.stderr.contains("LOST"), "{}", outcome.describe());
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} openat 11 /nowhere/far/far/far/away"),
        "config = { max_strlen = 16 }
         tracepoint:syscalls:sys_enter_openat /comm == \"syscalls\"/ { @[str(args.filename)] = count(); }",
    );
    assert!(lost(&outcome.stderr, "text") >= 11, "{}", outcome.describe());
    assert!(outcome.stderr.contains(":2:"), "{}", outcome.describe());
}

#[test]
fn memory_that_cannot_be_read_is_counted() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} 17"),
        &format!("uprobe:{calls}:target_call {{ @text = str(arg0 + 1); @n = count(); }}"),
    );
    assert_eq!(number(&outcome, "@n"), 17);
    assert_eq!(lost(&outcome.stderr, "read"), 17, "{}", outcome.describe());
}

#[test]
fn texts_in_pages_that_nothing_touched_are_read_or_counted() {
    needs_root!();
    let untouched = target!("untouched");
    let outcome = run_on(
        &format!("{untouched} 17"),
        &format!(
            "uprobe:{untouched}:target_text {{ @n = count(); if (str(arg0) == \"never touched\") {{ @read = count(); }} }}"
        ),
    );
    assert_eq!(number(&outcome, "@n"), 17);
    let read = if outcome.stdout.contains("@read") { number(&outcome, "@read") } else { 0 };
    // Programs wait for pages from Linux 6.0 on.
    if quadrant_bpf::features::Features::new().sleepable_uprobe() {
        assert_eq!(read, 17, "{}", outcome.describe());
    }
    assert_eq!(read + lost(&outcome.stderr, "read"), 17, "{}", outcome.describe());
}

/// Programs at tracepoints cannot wait for a page; when the system call returns, the kernel itself has waited for it.
#[test]
fn texts_that_could_not_be_read_at_an_entry_are_read_at_the_return() {
    needs_root!();
    let untouched = target!("untouched");
    let text = "tracepoint:syscalls:sys_enter_readlinkat /pid == cpid/ { @at[tid] = args.pathname; printf(\"%s at entry\\n\", str(args.pathname)); }
                tracepoint:syscalls:sys_exit_readlinkat /pid == cpid/ { printf(\"%s at return\\n\", str(@at[tid])); delete(@at, tid); }";
    let outcome = run_on(&format!("{untouched} 17"), text);
    let shown = |line: &str| outcome.lines().iter().filter(|shown| **shown == line).count();
    // The kernel may bring pages that lie behind the one it waited for.
    let faults = shown("<fault> at entry");
    assert!(faults > 0, "{}", outcome.describe());
    assert_eq!(faults + shown("never touched at entry"), 17, "{}", outcome.describe());
    assert_eq!(shown("never touched at return"), 17, "{}", outcome.describe());
    assert_eq!(lost(&outcome.stderr, "read"), faults as i64, "{}", outcome.describe());
}

#[test]
fn kept_texts_that_cannot_be_read_do_not_look_empty() {
    needs_root!();
    let outcome = run("BEGIN { @k[str(8)] = 1; $v = str(8); @v = $v; $null = str(0); @null = $null == \"\"; exit(); }");
    assert!(outcome.stdout.contains("@k[<fault>]: 1\n"), "{}", outcome.describe());
    assert!(outcome.stdout.contains("@v: <fault>\n"), "{}", outcome.describe());
    assert!(outcome.stdout.contains("@null: true\n"), "{}", outcome.describe());
    assert_eq!(lost(&outcome.stderr, "read"), 3, "{}", outcome.describe());
}

#[test]
fn division_by_zero_is_counted() {
    needs_root!();
    let outcome = run("BEGIN { @z = 0; unroll(5) { @q = 10 / @z; } exit(); }");
    assert_eq!(lost(&outcome.stderr, "division"), 5, "{}", outcome.describe());
}

#[test]
fn strict_makes_a_loss_the_status() {
    needs_root!();
    let text = "config = { max_map_keys = 2 } BEGIN { @[1] = 1; @[2] = 1; @[3] = 1; exit(); }";
    assert_eq!(script(text).run().unwrap().code(), Some(0));
    let outcome = script(text).arg("--strict").run().unwrap();
    assert_eq!(outcome.code(), Some(3), "{}", outcome.describe());
}

#[test]
fn an_ordinary_run_reports_no_loss() {
    needs_root!();
    let calls = target!("calls");
    let outcome =
        run_on(&format!("{calls} 10007"), &format!("uprobe:{calls}:target_call {{ @[str(arg1)] = count(); }}"));
    assert!(!outcome.stderr.contains("LOST"), "{}", outcome.describe());
}
