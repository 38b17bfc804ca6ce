//! Maps: what is cleared, printed and counted, and how many there may be.

use std::time::Duration;

use quadrant_testing::{Outcome, Program, Running, Signal};

use crate::common::{
    assert_lines, attached, end, needs_loops, needs_root, number, quadrant, run, run_on, script, target,
};

/// Runs `work` while the tracer is stopped, so that the ring buffer is as full as it gets.
fn while_stopped(tracer: Running, work: Program) -> Outcome {
    tracer.signal(Signal::STOP).unwrap();
    assert!(work.run().unwrap().success());
    tracer.signal(Signal::CONT).unwrap();
    end(tracer)
}

/// bpftrace #3924: `clear()` is lost when the ring buffer is full, and the map prints in spite of it.
#[test]
fn a_full_ring_buffer_loses_no_clear() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @calls = count(); @by[tid] = count(); print((pid, nsecs)); }
                tracepoint:syscalls:sys_enter_exit_group /comm == \"syscalls\"/ { clear(@by); zero(@calls); }";
    let tracer = attached(script(text).limit(Duration::from_secs(60)));
    let outcome = while_stopped(tracer, Program::new(syscalls).args(["getppid", "1000003"]));
    assert!(outcome.stderr.contains("LOST: "), "{}", outcome.describe());
    assert!(!outcome.stderr.contains(":2:"), "a clear was lost: {}", outcome.describe());
    assert!(!outcome.stdout.contains("@by["), "{}", outcome.describe());
    assert_eq!(number(&outcome, "@calls"), 0);
}

/// To clear an empty map is to walk over its whole table, nearly a millisecond: of many orders in a row one does it.
#[test]
fn a_map_that_is_cleared_at_each_event_keeps_nobody_waiting() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @by[tid] = 1; clear(@by); @calls++; }";
    let outcome = run_on(&format!("{syscalls} getppid 100003"), text);
    assert_lines(&outcome, &["@calls: 100003"]);
}

/// bpftrace #277, #817: `print(@); clear(@)` in an interval gives wrong counts. Both CPUs count while the map is printed and cleared.
#[test]
fn printing_and_clearing_loses_no_event() {
    needs_root!();
    let threads = target!("threads");
    let outcome = run_on(
        &format!("{threads} 100003 4"),
        &format!(
            "uprobe:{threads}:target_call {{ @[comm] = count(); @all = count(); }}
             interval:ms:3 {{ print(@); clear(@); print(@all); clear(@all); }}"
        ),
    );
    assert_eq!(total(&outcome, "@["), 400_012, "{}", outcome.stderr);
    assert_eq!(total(&outcome, "@all"), 400_012, "{}", outcome.stderr);
}

/// The same where all CPUs share the entries, because there may be very many.
#[test]
fn printing_and_clearing_a_map_for_very_many_keys_loses_no_event() {
    needs_root!();
    let threads = target!("threads");
    let outcome = run_on(
        &format!("{threads} 100003 4"),
        &format!(
            "config = {{ max_map_keys = 140000 }} uprobe:{threads}:target_call {{ @[comm] = count(); @by[arg0 % 7] = sum(1); }}
             interval:ms:100 {{ print(@); clear(@); print(@by); clear(@by); }}"
        ),
    );
    assert_eq!(total(&outcome, "@["), 400_012, "{}", outcome.stderr);
    assert_eq!(total(&outcome, "@by["), 400_012, "{}", outcome.stderr);
}

/// The sum of the numbers of all lines that start with a map's name.
fn total(outcome: &Outcome, map: &str) -> u64 {
    let values = outcome.stdout.lines().filter(|line| line.starts_with(map)).filter_map(|line| line.rsplit_once(": "));
    values.filter_map(|(_, number)| number.parse::<u64>().ok()).sum()
}

/// bpftrace #3175: `@x++` reads, adds and stores, and loses what another CPU does in between.
#[test]
fn increments_of_several_cpus_all_count() {
    needs_root!();
    let threads = target!("threads");
    let outcome = run_on(
        &format!("{threads} 100003 4"),
        &format!("uprobe:{threads}:target_call {{ @plain++; @keyed[0]++; @added[\"a\"] += 3; }}"),
    );
    assert_eq!(number(&outcome, "@plain"), 400_012);
    assert_eq!(number(&outcome, "@keyed[0]"), 400_012);
    assert_eq!(number(&outcome, "@added[a]"), 3 * 400_012);
}

/// bpftrace #2809: maps silently stop taking keys.
#[test]
fn a_full_map_is_named() {
    needs_root!();
    let outcome = run("config = { max_map_keys = 2 } BEGIN { @small[1] = 1; @small[2] = 1; @small[3] = 1; exit(); }");
    assert!(outcome.stderr.contains("LOST: 1 update") && outcome.stderr.contains("@small"), "{}", outcome.describe());
}

/// bpftrace #3549: `clear()` happens some time later, and takes what the script stored since.
#[test]
fn what_is_stored_after_clear_stays() {
    needs_root!();
    needs_loops!();
    for (how_many, shown) in [("print(len(@plain));", "1"), ("print(@plain[1]);", "0")] {
        let outcome = run(&format!(
            "BEGIN {{
                @plain[1] = 1; @text[\"a\"] = 2; @counted[\"a\", 1] = count(); @one = 7;
                clear(@plain); clear(@text); clear(@counted); clear(@one);
                @plain[3] = 3; @text[\"b\"] = 4; @counted[\"b\", 2] = count(); {how_many}
                exit();
            }}"
        ));
        assert_lines(&outcome, &[shown, "@counted[b, 2]: 1", "@plain[3]: 3", "@text[b]: 4"]);
    }
}

/// Values by keys with long texts, in records: the room of a record is given back on every way.
#[test]
fn what_is_by_a_long_text_can_be_printed() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "tracepoint:syscalls:sys_enter_openat /comm == \"syscalls\"/ {
            @a[str(args.filename)] = comm; @t[comm, str(args.filename)] = (1, 2);
            printf(\"%s\\n\", @a[str(args.filename)]); print(@t[comm, str(args.filename)]); print((@a[str(args.filename)], 2));
            clear(@a); clear(@t);
        }";
    let outcome = run_on(&format!("{syscalls} openat 1 /nowhere/at/all"), text);
    assert!(outcome.stdout.contains("syscalls\n(1, 2)\n(syscalls, 2)\n"), "{}", outcome.describe());
}

/// oracle/dtrace#6: a clause with 97 quantize() cannot be loaded. A program can use 64 maps of the kernel.
#[test]
fn a_clause_has_any_number_of_aggregations() {
    needs_root!();
    let feeds: String = (0..97).map(|n| format!("@q{n} = quantize({n}); @c{n} = count(); ")).collect();
    let text = format!("BEGIN {{ {feeds} clear(@c1); trunc(@c2); printa(\"%@d\\n\", @c96); exit(0); }}");
    let outcome = quadrant().args(["dtrace", "-qn", &text]).run().unwrap();
    assert_eq!(outcome.stdout.matches("Distribution").count(), 97, "{}", outcome.describe());
    let counts: Vec<&str> = outcome.lines().into_iter().filter(|line| matches!(line.trim(), "0" | "1")).collect();
    assert_eq!((counts[0], counts[1].trim(), counts[2].trim(), counts.len()), ("1", "1", "0", 96));

    let feeds: String = (0..65).map(|n| format!("@c{n} = count(); @h{n} = hist({n}); ")).collect();
    let outcome = run(&format!("BEGIN {{ {feeds} zero(@c1); clear(@c2); exit(); }}"));
    assert_eq!(outcome.stdout.matches("@h").count(), 65, "{}", outcome.describe());
    assert_eq!((number(&outcome, "@c0"), number(&outcome, "@c1")), (1, 0));
    assert!(!outcome.stdout.contains("@c2:"), "{}", outcome.describe());
}

/// The same with keys, in both languages.
#[test]
fn a_clause_has_any_number_of_maps_with_keys() {
    needs_root!();
    let each: String =
        (0..70).map(|n| format!("@c{n}[pid] = count(); a{n}[pid, \"x\"] = {n}; self->s{n} = {n}; ")).collect();
    let text = format!(
        "BEGIN {{ {each} clear(@c1); trunc(@c2); a3[pid, \"x\"] = 0;
            printf(\"%d %d %d\\n\", a3[pid, \"x\"], a69[pid, \"x\"], self->s69); }}
         END {{ printa(\"%@d \", @c0); printa(\"%@d \", @c1); printa(\"%@d \", @c2); }} BEGIN {{ exit(0); }}"
    );
    let outcome = quadrant().args(["dtrace", "-qn", &text]).run().unwrap();
    assert!(outcome.stdout.starts_with("0 69 69\n1 0 "), "{}", outcome.describe());

    needs_loops!();
    let each: String = (0..70)
        .map(|n| format!("@c{n}[pid] = count(); @s{n}[tid] = 1; delete(@s{n}, tid); @k{n}[tid] += {n}; "))
        .collect();
    let rest =
        "clear(@c1); for ($kv : @k2) { printf(\"%d \", $kv.1); } printf(\"%d %d.\", len(@k3), has_key(@s4, tid));";
    let outcome = run(&format!("BEGIN {{ {each} {rest} exit(); }}"));
    assert!(outcome.stdout.starts_with("2 1 0.\n"), "{}", outcome.describe());
    let shown = |start| outcome.lines().iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((shown("@c"), shown("@s"), shown("@k")), (69, 0, 70), "{}", outcome.describe());
}

/// The loops of games and monitors in public repositories (bpftrace-tetris, bpftrace-tricks), which fill maps from timers: where
/// interrupts are off, the kernel has memory for four new keys of a map that grows.
#[test]
fn a_timer_gives_maps_any_number_of_keys_at_once() {
    needs_root!();
    needs_loops!();
    // Histograms and long texts of any number would be too much memory.
    let outcome = run("let @hist = percpuhash(200); let @text = percpuhash(2000);
        interval:ms:10 {
            for ($n : 0..1009) {
                @plain[$n] = $n; @count[$n] = count(); @hist[(uint64)$n % 101] = hist($n); @avg[$n] = avg($n); @max[$n] = max($n);
                @stats[comm, $n] = stats(3); @text[str(\"abc\"), $n] = sum(2); @twice[$n] = 1; delete(@twice, $n - 1);
            }
            exit();
        }
        END {
            print((len(@plain), len(@count), len(@hist), len(@avg), len(@max), len(@stats), len(@text), len(@twice)));
            print((@plain[1008], (uint64)@count[1008], (int64)@max[1008]));
            clear(@plain); clear(@count); clear(@hist); clear(@avg); clear(@max); clear(@stats); clear(@text); clear(@twice);
        }");
    assert_lines(&outcome, &["(1009, 1009, 101, 1009, 1009, 1009, 1009, 1)", "(1008, 1, 1008)"]);
}
