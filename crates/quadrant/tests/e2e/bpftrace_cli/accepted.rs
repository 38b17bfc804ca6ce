//! What bpftrace accepts though it looks odd, and so is accepted here.

use quadrant_testing::Outcome;

use super::{bpftrace, run};
use crate::common::{needs_loops, needs_root};

/// The result of a script that ends well.
#[track_caller]
fn done(script: &str) -> Outcome {
    let outcome = run(["-q", "-e", script]);
    assert_eq!(outcome.code(), Some(0), "{script}: {}", outcome.describe());
    outcome
}

#[test]
fn less_than_none_of_a_map_is_all_of_it() {
    needs_root!();
    let outcome = done("BEGIN { @x[1] = 1; @x[2] = 5; @x[3] = 3; print(@x, -1); clear(@x); exit(); }");
    assert_eq!(outcome.stdout.matches("@x[").count(), 3, "{}", outcome.describe());
}

#[test]
fn truths_of_settings_are_numbers_and_words() {
    needs_root!();
    for (value, shown) in [("2", true), ("on", true), ("TRUE", true), ("\"yes\"", true), ("off", false), ("no", false)]
    {
        let outcome = done(&format!("config = {{ print_maps_on_exit = {value} }} BEGIN {{ @x = 1; exit(); }}"));
        assert_eq!(outcome.stdout.contains("@x: 1"), shown, "{value}: {}", outcome.describe());
    }
}

#[test]
fn a_length_of_texts_beyond_the_limits_is_another_one() {
    needs_root!();
    for (value, taken) in [("0", "1024"), ("999999999", "1048576"), ("18446744073709551615", "1048576")] {
        let outcome =
            done(&format!("config = {{ max_strlen = {value} }} BEGIN {{ print(config.max_strlen); exit(); }}"));
        assert_eq!(outcome.stdout.trim_end(), taken, "{value}: {}", outcome.describe());
        assert!(outcome.stderr.contains("WARNING: `max_strlen`: texts "), "{value}: {}", outcome.describe());
    }
    let script = "BEGIN { print(config.max_strlen); exit(); }";
    let outcome = bpftrace().env("BPFTRACE_MAX_STRLEN", "-1").args(["-q", "-e", script]).run().expect("it runs");
    assert_eq!((outcome.stdout.trim_end(), outcome.code()), ("1048576", Some(0)), "{}", outcome.describe());
    assert!(outcome.stderr.contains("set in the environment, is `-1`: texts "), "{}", outcome.describe());
}

#[test]
fn what_follows_the_length_of_a_text_changes_nothing() {
    needs_root!();
    let outcome = done("BEGIN { print(str(\"abcdef\", 3, 1)); exit(); }");
    assert_eq!(outcome.stdout.trim_end(), "abc", "{}", outcome.describe());
    assert!(outcome.stderr.contains("more arguments change nothing"), "{}", outcome.describe());
}

#[test]
fn scripts_may_have_functions_and_macros_named_as_those_that_bpftrace_does_not_have() {
    needs_root!();
    for own in ["fn progenyof($x : int64) : int64 { return $x + 1; }", "macro progenyof(x) { x + 1 }"] {
        let outcome = done(&format!("{own} BEGIN {{ print(progenyof(4)); exit(); }}"));
        assert_eq!(outcome.stdout.trim_end(), "5", "{}", outcome.describe());
    }
}

#[test]
fn truths_of_the_kernel_are_shown_as_such_and_are_numbers_where_numbers_are_wanted() {
    needs_root!();
    let script = "BEGIN { $m = (struct bpf_map *)curtask; print($m->frozen); printf(\"%s\\n\", $m->frozen); \
                  print($m->frozen + 1 <= 2); print(sizeof($m->frozen)); \
                  print((uint64)&$m->frozen - (uint64)$m == offsetof(struct bpf_map, frozen)); \
                  @x = 5; @x = $m->frozen; clear(@x); exit(); }";
    let outcome = done(script);
    let lines = outcome.lines();
    assert!(["true", "false"].contains(&lines[0]) && lines[1] == lines[0], "{}", outcome.describe());
    assert_eq!(lines[2..5], ["true", "1", "true"], "{}", outcome.describe());
}

/// Which arrays of truth values there are depends on the kernel's build.
#[test]
fn arrays_of_truths_of_the_kernel_are_shown_as_such_and_their_elements_are_numbers_too() {
    needs_root!();
    let arrays = [("throtl_grp", "has_rules_bps"), ("selinux_state", "policycap")];
    let is_there = |(record, member): &(&str, &str)| {
        run(["-q", "-e", &format!("BEGIN {{ print(offsetof(struct {record}, {member})); exit(); }}")]).success()
    };
    let Some((record, member)) = arrays.into_iter().find(is_there) else {
        return quadrant_testing::skip("the kernel's types have no array of bool that is known here");
    };
    let outcome = done(&format!(
        "BEGIN {{ $m = (struct {record} *)curtask; $a = $m->{member}; print($a); print($a[0]); print($m->{member}[1]);
             $i = 1; print($a[$i]); print($a[0] + $m->{member}[1] < 3); print(-$a[0] < 1); $b = 3; $b = $a[1]; @x = $a; @x = $m->{member};
             print((uint64)&$m->{member}[1] - (uint64)&$m->{member}[0]); print(@x); clear(@x); exit(); }}"
    ));
    let lines = outcome.lines();
    let shown: Vec<&str> = lines[0].trim_matches(['[', ']']).split(',').collect();
    assert!(shown.iter().all(|element| ["true", "false"].contains(element)), "{}", outcome.describe());
    assert_eq!(lines[1..7], [shown[0], shown[1], shown[1], "true", "true", "1"], "{}", outcome.describe());
    assert_eq!(lines[7], format!("@x: {}", lines[0]), "{}", outcome.describe());
}

/// Scripts for versions of bpftrace in which a bool of the kernel was a number go on to run.
#[test]
fn truths_of_the_kernel_are_numbers_through_variables_and_maps_where_they_meet_numbers() {
    needs_root!();
    needs_loops!();
    let truth = "((struct bpf_map *)curtask)->frozen";
    for (body, shown) in [
        ("$a = B; $b = 3; $b = $a; print($b < 2); print($b + 1 < 3);", "true\ntrue\n"),
        ("$a = B; @[$a, 1] = 1; @[2, 1] = 2; print(@[2, 1]); clear(@);", "2\n"),
        ("@a = B; @c[@a] = 1; @c[3] = 4; print(@c[3]); clear(@a); clear(@c);", "4\n"),
        ("@a = B; @b = 3; @b = @a; print(@b < 2); clear(@a); clear(@b);", "true\n"),
        ("@t[B] = 1; for ($kv : @t) { @u[$kv.0] = 1; } @u[9] = 7; print(@u[9]); clear(@t); clear(@u);", "7\n"),
        (
            "@t[B, 5] = B; for ($kv : @t) { @u[$kv.0] = $kv.1; } @u[9, 9] = 7; print(@u[9, 9]); clear(@t); clear(@u);",
            "7\n",
        ),
        ("$t = (B, 1); @x = (3, 4); @x = $t; print(@x.0 < 2); clear(@x);", "true\n"),
        ("$a = B; print(-$a < 1); print(~$a < 0);", "true\ntrue\n"),
        ("$a = B; print($a == B); print($a ? 1 : 0 < 2);", "true\n"),
        ("$k = ksym(B); $u = usym(B); $n = ntop(B); print(1);", "1\n"),
        ("$b = pid == 1; $x = 5; $x = $b; print($x);", "0\n"),
        ("$a = B; if ($a) { print($a); } else { print(!$a); }", "true\n"),
    ] {
        let body = body.replace('B', truth);
        let outcome = done(&format!("BEGIN {{ {body} exit(); }}"));
        assert!(outcome.stdout.starts_with(shown), "{body}: {}", outcome.describe());
    }
}

/// What `true` or `false` came to is no number, wherever it is read from.
#[test]
fn truths_of_the_script_are_no_numbers_through_variables_and_maps_either() {
    needs_root!();
    needs_loops!();
    for body in [
        "$a = true; $b = 3; $b = $a;",
        "@a = true; $b = 3; $b = @a;",
        "@t[true] = 1; for ($kv : @t) { @u[$kv.0] = 1; } @u[9] = 1;",
        "$a = pid == 1; $a = false; @x = 3; @x = $a;",
        "$b = 3; $b = @a; @a = true;",
    ] {
        let outcome = run(["-q", "-e", &format!("BEGIN {{ {body} exit(); }}")]);
        assert!(outcome.code() != Some(0) && outcome.stderr.contains("ismatch for"), "{body}: {}", outcome.describe());
    }
}
