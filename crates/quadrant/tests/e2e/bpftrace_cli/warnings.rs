//! Warnings about habits, which bpftrace gives and its users know.

use super::{assert_run, run};
use crate::common::{needs_loops, needs_root};

/// A script that ends by itself and prints nothing, the marked columns, and what is said.
#[track_caller]
fn assert_warning(script: &str, (start, end): (usize, usize), message: &str, hint: &str) {
    needs_root!();
    let marks = format!("{:width$}{}", "", "~".repeat(end - start), width = start - 1);
    let expected = format!("stdin:1:{start}-{end}: WARNING: {message}\n{script}\n{marks}\n{hint}Attached 1 probe\n");
    assert_run(["-e", script], "\n\n", &expected, 0);
    assert_run(["--no-warnings", "-e", script], "\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn results_that_are_thrown_away() {
    let message = "Return value discarded.";
    assert_warning("BEGIN { strlen(\"a\"); exit(); }", (9, 21), message, "");
    assert_warning("BEGIN { @a[1] = 1; delete(@a, 1); exit(); }", (20, 34), message, "");
    assert_warning("BEGIN { pid; exit(); }", (9, 13), message, "");
}

#[test]
fn a_result_may_be_thrown_away_on_purpose() {
    needs_root!();
    let script = "BEGIN { @a[1] = 1; _ = delete(@a, 1); _ = strlen(\"a\"); exit(); }";
    assert_run(["-e", script], "\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn what_nothing_comes_to() {
    needs_loops!();
    let message = "Unreachable statement.";
    assert_warning("BEGIN { exit(); print(1); }", (17, 26), message, "");
    let script = "BEGIN { for ($i : 0..2) { continue; print(1); } exit(); }";
    assert_warning(script, (37, 46), message, "");
    let script = "BEGIN { if (pid) { exit(); } else { return; } print(1); }";
    assert_warning(script, (47, 56), message, "");
}

#[test]
fn what_nothing_is_put_into() {
    assert_warning("BEGIN { let $x; exit(); }", (9, 15), "Variable $x was never assigned to.", "");
    assert_warning("let @a = hash(10); BEGIN { exit(); }", (1, 19), "Unused map: @a", "");
}

#[test]
fn what_is_read_before_anything_is_put_into_it() {
    let message = "Variable used before it was assigned: $x";
    assert_warning("BEGIN { let $x: int64; if ($x) { } $x = 2; exit(); }", (28, 30), message, "");
    assert_warning("BEGIN { let $x: int64; $x = $x * 2; exit(); }", (29, 31), message, "");
    needs_root!();
    let script = "BEGIN { let $x: int64; $y = sizeof($x); $x = 1; print(($x, $y)); exit(); }";
    assert_run(["-e", script], "(1, 8)\n\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn averages_are_divided_whatever_is_said() {
    needs_root!();
    let script = "BEGIN { @m[1] = stats(8); @m[2] = stats(9); print(@m, 1, 2); clear(@m); exit(); }";
    let warning = "stdin:1:45-60: WARNING: print()'s top and div arguments are ignored when used on stats() maps.\n";
    let expected = format!("{warning}{script}\n{:44}{}\nAttached 1 probe\n", "", "~".repeat(15));
    assert_run(["-e", script], "@m[2]: { .count = 1, .average = 4, .total = 9 }\n\n\n", &expected, 0);
}

#[test]
fn what_find_puts_into_a_variable_counts() {
    needs_root!();
    let script = "BEGIN { let $x; @a[1] = 7; _ = find(@a, 1, $x); print($x); clear(@a); exit(); }";
    assert_run(["-e", script], "7\n\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn loops_that_may_go_away() {
    needs_loops!();
    let hint =
        "HINT: For loops support ranges (e.g. `for ($x : $start..$end) { ... }`), and can be used in place of while.\n";
    let message = "While loops are deprecated and may be removed in the future.";
    assert_warning("BEGIN { $i = 0; while ($i < 2) { $i++; } exit(); }", (17, 41), message, hint);
}

#[test]
fn lines_in_a_log_that_is_shared() {
    let message = "The debugf() builtin is not recommended for production use. \
                   For more information see bpf_trace_printk in bpf-helpers(7).";
    assert_warning("BEGIN { if (pid == 0) { debugf(\"x\"); } exit(); }", (25, 36), message, "");
}

#[test]
fn casts_and_signs() {
    let message = "Unnecessary cast: expression is already of type uint64";
    assert_warning("BEGIN { $x = (uint64)nsecs; exit(); }", (14, 22), message, "");
    let message = "Expression of type: uint64 being cast to type: int64. \
                   This may cause unexpected results. Use an explicit cast to suppress this warning.";
    assert_warning("BEGIN { $x = nsecs; $x = -1; exit(); }", (14, 19), message, "");
    for sum in ["$x = 0; $x += nsecs;", "$x = 1; $x = $x + nsecs;", "$x = 1; if (nsecs > $x) { }"] {
        assert_run(["-e", &format!("BEGIN {{ {sum} exit(); }}")], "\n\n", "Attached 1 probe\n", 0);
    }
    for sum in ["@x = 0; @x += nsecs;", "@x = 0; @x = nsecs | @x;", "@x[1] = 0; @x[1] += nsecs;"] {
        let script = format!("BEGIN {{ {sum} clear(@x); exit(); }}");
        assert_run(["-e", &script], "\n\n", "Attached 1 probe\n", 0);
    }
    let hint = "HINT: a cast makes it clear: `(int64)...`, or `(uint64)...` on the other side\n";
    assert_warning("BEGIN { $x = 1; $x++; $x = $x + nsecs; exit(); }", (33, 38), message, hint);
    assert_warning("BEGIN { @x = (int64)1; @x |= nsecs; clear(@x); exit(); }", (30, 35), message, hint);
    // What comes to $x is known after it was looked at.
    assert_warning(
        "BEGIN { $x = 0; for ($i : 0..2) { if ($x < nsecs) { } $x = @m; @m = -3; } clear(@m); exit(); }",
        (44, 49),
        message,
        hint,
    );
    assert_warning("BEGIN { $x = -1; $x = $x + nsecs; exit(); }", (28, 33), message, hint);
    assert_warning("BEGIN { $x = (int64)1; $x = ((uint64)$x) + $x; exit(); }", (30, 38), message, hint);
    assert_warning("BEGIN { $x = pid ? nsecs : -1; exit(); }", (20, 25), message, "");
    assert_warning("BEGIN { $x = (int64)1; $x = $x << nsecs; exit(); }", (35, 40), message, "");
    assert_warning("BEGIN { $x = nsecs - 5; exit(); }", (14, 19), message, hint);
    let message = "signed operands for '%' can lead to undefined behavior (cast to unsigned to silence warning)";
    assert_warning("BEGIN { $x = (int32)pid % 3; exit(); }", (14, 28), message, "");
}

#[test]
fn results_that_are_kept_in_less() {
    let message = "Expression of type: int64 being cast to type: int32. \
                   This may cause unexpected results. Use an explicit cast to suppress this warning.";
    assert_warning("BEGIN { let $x : int32 = 1; $x += 3; exit(); }", (32, 36), message, "");
}

#[test]
fn settings_that_are_gone() {
    let message = "unstable_map_decl is deprecated and has no effect";
    assert_warning("config = { unstable_map_decl = enable } BEGIN { exit(); }", (12, 38), message, "");
}

#[test]
fn settings_of_what_is_always_so_are_taken_in_silence() {
    needs_root!();
    let script = "config = { lazy_symbolication = true; license = \"GPL\" } BEGIN { exit(); }";
    assert_run(["-e", script], "\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn unstable_features_are_told_refused_or_taken() {
    needs_root!();
    let script = |value: &str| {
        format!("config = {{ unstable_tseries = {value} }} BEGIN {{ @ = tseries(1, 1s, 2); clear(@); exit(); }}")
    };
    let warning = "WARNING: Script is using an unstable feature: tseries. To prevent this warning you must explicitly \
                   enable it in the config e.g. unstable_tseries=enable\n";
    assert_run(["-e", &script("warn")], "\n\n", &format!("{warning}Attached 1 probe\n"), 0);
    assert_run(["-e", &script("enable")], "\n\n", "Attached 1 probe\n", 0);
    let refused = script("error");
    let message = "tseries feature is not enabled by default. To enable this unstable feature, set the config flag to \
                   enable. unstable_tseries=enable";
    let expected = format!("stdin:1:51-68: ERROR: {message}\n{refused}\n{:50}{}\n", "", "~".repeat(17));
    assert_run(["-e", &refused], "", &expected, 1);
}

#[test]
fn a_probe_that_may_be_missing_is_skipped() {
    needs_root!();
    let script = "config = { missing_probes = warn } t:nosuch:a,BEGIN { exit(); }";
    let expected = format!(
        "stdin:1:36-46: WARNING: No matches for tracepoint nosuch:a. Skipping.\n{script}\n{:35}{}\nAttached 1 probe\n",
        "",
        "~".repeat(10)
    );
    assert_run(["-e", script], "\n\n", &expected, 0);
}

#[test]
fn a_probe_of_which_nothing_is_there_is_told_with_the_reason() {
    needs_root!();
    let script = "config = { missing_probes = warn } t:nosuch:a { } BEGIN { exit(); }";
    let said = |message: &str| format!("stdin:1:36-46: WARNING: {message}\n{script}\n{:35}{}\n", "", "~".repeat(10));
    let skipped = said("No matches for tracepoint nosuch:a. Skipping.");
    let message = "Probe has no valid attach points. It is being removed which may cause issues with program behavior.";
    let expected = format!("{skipped}{}Attached 1 probe\n", said(message));
    assert_run(["-e", script], "\n\n", &expected, 0);
}

#[test]
fn a_division_by_zero_is_told_and_gives_1() {
    needs_root!();
    needs_loops!();
    let script = "BEGIN { $z = 0; for ($i : 0..3) { print(5 / $z); } print(7 % $z); exit(); }";
    let outcome = run(["-q", "-e", script]);
    let message = "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.";
    assert_eq!(outcome.stdout, "1\n1\n1\n1\n\n\n", "{}", outcome.describe());
    for place in
        [format!("stdin:1:41-47: WARNING: {message} (3 times)\n"), format!("stdin:1:58-64: WARNING: {message}\n")]
    {
        assert!(outcome.stderr.contains(&place), "{place}{}", outcome.describe());
    }
    let outcome = run(["-q", "-f", "json", "-e", "BEGIN { $z = 0; for ($i : 0..3) { $x = 5 / $z; } exit(); }"]);
    let error = format!(
        r#"{{"type": "runtime_error", "msg": "{message}", "filename": "stdin", "line": 1, "col": 40, "count": 3}}"#
    );
    assert_eq!(outcome.lines(), [&error], "{}", outcome.describe());
}
