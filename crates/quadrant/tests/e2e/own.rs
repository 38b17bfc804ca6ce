//! What the tracer runs itself: BEGIN and END, tests, benchmarks, and what a script has for signals.

use quadrant_testing::{Outcome, Program, Signal};

use crate::common::{assert_lines, attached, binary, needs_loops, needs_root, quadrant, refused, run, script};

const TESTS: &str = "test:zero { return 0; } test:one { return 1; } test:says { printf(\"said\\n\"); errorf(\"x %d\", 1); }
    test:ends { exit(3); } test:quiet { printf(\"hidden\\n\"); exit(); } test:loop { for ($i : 0..9) { if ($i == 4) { return $i; } } }";

fn tested(words: &[&str], text: &str) -> Outcome {
    quadrant().args(words).args(["-e", text]).run().expect("the tracer runs")
}

/// The lines without what tests took.
fn without_times(outcome: &Outcome) -> Vec<String> {
    let line = |line: &str| line.split_once(" (").map_or(line, |(name, _)| name).to_owned();
    outcome.lines().into_iter().map(line).collect()
}

#[test]
fn tests_pass_and_fail() {
    needs_root!();
    needs_loops!();
    let begin = "BEGIN { printf(\"first\\n\"); } END { printf(\"last\\n\"); } kprobe:there_is_no_such { @ = 1; }";
    for words in [&["--test"][..], &["bpftrace", "--test"], &["bpftrace", "--mode", "test"]] {
        let outcome = tested(words, &format!("{TESTS} {begin}"));
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        let wanted = [
            "first",
            "[==========] Running 6 tests.",
            "[ RUN      ] zero",
            "[       OK ] zero",
            "[ RUN      ] one",
            "[  FAILED  ] one",
            "[ RUN      ] says",
            "said",
            "stdin:1:78-95: ERROR: x 1",
            "[  FAILED  ] says",
            "[ RUN      ] ends",
            "[  FAILED  ] ends",
            "[ RUN      ] quiet",
            "[       OK ] quiet",
            "[ RUN      ] loop",
            "[  FAILED  ] loop",
            "[==========] 6 tests ran.",
            "[  PASSED  ] 2 tests.",
            "[  FAILED  ] 4 tests, listed below:",
            "[  FAILED  ] one",
            "[  FAILED  ] says",
            "[  FAILED  ] ends",
            "[  FAILED  ] loop",
            "last",
        ];
        assert_eq!(without_times(&outcome), wanted, "{}", outcome.describe());
    }
}

#[test]
fn tests_are_chosen_by_name() {
    needs_root!();
    let outcome = tested(&["--test", "--probe-filter", "^(zero|quiet)$"], TESTS);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert!(
        outcome.stdout.contains("Running 2 tests.") && !outcome.stdout.contains("hidden"),
        "{}",
        outcome.describe()
    );
    let outcome = tested(&["bpftrace", "--test", "--probe-filter", "none"], TESTS);
    assert_eq!((outcome.code(), outcome.stdout.trim()), (Some(1), "No probes to attach"), "{}", outcome.describe());
}

#[test]
fn results_of_tests_as_json() {
    needs_root!();
    needs_loops!();
    let outcome = tested(&["--test", "-f", "json"], TESTS);
    let results: Vec<serde_json::Value> =
        outcome.lines().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let result = |index: usize, name: &str| results[index]["data"][name].clone();
    assert_eq!(results.len(), 6, "{}", outcome.describe());
    assert!(results.iter().all(|result| result["type"] == "test_result"));
    assert!(result(0, "zero")["passed"] == true && result(0, "zero")["duration"].is_u64());
    assert_eq!(result(2, "says")["output"], "said\nstdin:1:78-95: ERROR: x 1\n");
    assert!(result(4, "quiet")["passed"] == true && result(4, "quiet")["output"] == "hidden\n");
    assert!(result(5, "loop")["passed"] == false);
}

/// A result of 1, where it is 1, is not told as 0.
#[test]
fn a_division_by_zero_in_a_test_is_told_with_its_result() {
    needs_root!();
    let text = "test:divides { $z = 0; print(5 / $z); }";
    for (words, shown, told) in [
        (&["--test", "-f", "json"][..], "0", "1 division at stdin:1:30: the divisor was 0, and so is the result"),
        (
            &["bpftrace", "--test", "-f", "json"],
            "1",
            "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is",
        ),
        (&["bpftrace", "--bench"], "", "1 is being used as the result. ("),
    ] {
        let outcome =
            tested(words, &if words.contains(&"--bench") { text.replace("test:", "bench:") } else { text.into() });
        let output = format!("\"output\":\"{shown}\\n\"");
        let is_shown = shown.is_empty() || outcome.stdout.replace(": ", ":").contains(&output);
        assert!(is_shown && outcome.stderr.contains(told), "{words:?}: {}", outcome.describe());
        assert_eq!(outcome.stderr.contains("so is the result"), shown == "0", "{words:?}: {}", outcome.describe());
    }
}

/// Maps stay from test to test, and END decides the status.
#[test]
fn tests_share_maps() {
    needs_root!();
    let text = "BEGIN { @n = 40; } test:first { @n++; return @n - 41; } test:second { @n++; return @n - 42; } END { exit(5); }";
    let outcome = tested(&["--test"], text);
    assert_eq!(outcome.code(), Some(5), "{}", outcome.describe());
    assert!(
        outcome.stdout.contains("[  PASSED  ] 2 tests.") && !outcome.stdout.contains("@n"),
        "{}",
        outcome.describe()
    );
}

#[test]
fn benchmarks_are_measured() {
    needs_root!();
    let text = "bench:nothing { return 0; } bench:counts { @ = count(); } bench:ends { exit(); } END { print(@); }";
    let outcome = tested(&["--bench"], text);
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.stderr.contains("Benchmark 'ends' failed."), "{}", outcome.describe());
    let lines = outcome.lines();
    assert_eq!(lines[0], "Benchmark                                Time(ns)       Iterations");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
    let (nothing, counts) = (words(lines[2]), words(lines[3]));
    assert!(nothing[0] == "nothing" && nothing[2].parse::<u64>().unwrap() >= 1000, "{}", outcome.describe());
    // Each run has counted.
    assert_eq!(lines[4], format!("@: {}", counts[2]), "{}", outcome.describe());
    let outcome = tested(&["bpftrace", "--bench", "-f", "json"], "bench:one { @[1] = count(); }");
    let result: serde_json::Value = serde_json::from_str(outcome.lines()[0]).unwrap();
    assert!(result["type"] == "benchmark_result" && result["data"]["one"]["iters"].is_u64(), "{}", outcome.describe());
}

#[test]
fn tests_run_only_when_asked_for() {
    needs_root!();
    let outcome = run(
        "test:x { printf(\"test\\n\"); } bench:x { printf(\"bench\\n\"); } BEGIN { printf(\"begin\\n\"); exit(); }",
    );
    assert_lines(&outcome, &["begin"]);
    let message = refused(script("test:x { return 0; }"));
    assert!(message.contains("use --test"), "{message}");
    let message = refused(script("test:x { @ = nothing; } BEGIN { exit(); }"));
    assert!(message.contains("unknown name `nothing`"), "{message}");
}

#[test]
fn mistakes_in_tests() {
    for (text, wanted) in [
        ("test { }", "`test:name`"),
        ("bench: { }", "`bench:name`"),
        ("test:a { } test:a { }", "already exists (line 1)"),
        ("test:a { return \"x\"; }", "a test returns a number"),
    ] {
        let mode = if text.starts_with("bench") { "--bench" } else { "--test" };
        let message = refused(quadrant().args([mode, "-e", text]));
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn a_signal_runs_its_clauses_in_order() {
    needs_root!();
    let text = "self:signal:SIGUSR1 { printf(\"one %d\\n\", ++@n); } self:signal:usr1 { printf(\"two\\n\"); if (@n == 2) { exit(); } }
                interval:s:3600 { @never = 1; } END { printf(\"end\\n\"); }";
    let tracer = attached(script(text));
    tracer.signal(Signal::USR1).unwrap();
    tracer.wait_for_stdout("two\n").unwrap();
    tracer.signal(Signal::USR1).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert_lines(&outcome, &["one 1", "two", "one 2", "two", "end", "@n: 2"]);
}

#[test]
fn one_clause_for_several_moments() {
    needs_root!();
    let tracer = attached(script("begin,end,self:signal:SIGHUP { printf(\"%s\\n\", probe); }"));
    tracer.signal(Signal::HUP).unwrap();
    tracer.wait_for_stdout("self:signal:SIGHUP").unwrap();
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_lines(&outcome, &["begin", "self:signal:SIGHUP", "end"]);
}

#[test]
fn signals_that_a_script_cannot_have() {
    for (text, wanted) in [
        ("self:signal:SIGINT { }", "no signal that a script can have"),
        ("self:signal:SIGUSR3 { }", "did you mean `SIGUSR1`"),
        ("self:timer:1 { }", "nothing that happens to the tracer"),
        ("self:signal { }", "`self:signal:NAME`"),
    ] {
        let message = refused(script(text));
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_tests_quietly() {
    needs_root!();
    let line = "\"$0\" --test -e 'test:one { } test:two { }' | true; echo \"status ${PIPESTATUS[0]}\"";
    let outcome = Program::new("bash").args(["-c", line]).arg(binary()).run().unwrap();
    assert_lines(&outcome, &["status 0"]);
    assert!(outcome.stderr.is_empty(), "{}", outcome.describe());
}

#[test]
fn strict_makes_a_loss_in_a_test_the_status() {
    needs_root!();
    let text = "config = { max_map_keys = 2 } test:full { @[1] = 1; @[2] = 1; @[3] = 1; }";
    let check = || quadrant().args(["--test", "-e", text]);
    assert_eq!(check().run().unwrap().code(), Some(0));
    assert_eq!(check().arg("--strict").run().unwrap().code(), Some(3));
}
