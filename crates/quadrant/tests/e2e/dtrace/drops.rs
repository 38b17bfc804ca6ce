//! Each kind of loss is provoked, and told on standard error in DTrace's words.

use quadrant_testing::{Outcome, allowed_cpu, skip};

use super::{dtrace, quietly};
use crate::common::{good, needs_root, target};

#[track_caller]
fn tells(outcome: &Outcome, message: &str) {
    assert!(outcome.stderr.contains(&format!("dtrace: {message}\n")), "{message}: {}", outcome.describe());
}

/// The number in the messages about a loss, which may come in parts, and of each CPU.
fn lost(outcome: &Outcome, what: &str) -> u64 {
    let number =
        |line: &str| without_cpu(line).strip_prefix("dtrace: ")?.strip_suffix(what)?.trim().parse::<u64>().ok();
    outcome.stderr.lines().filter_map(number).sum()
}

/// A message without the CPU at its end.
fn without_cpu(line: &str) -> &str {
    line.rsplit_once(" on CPU ").filter(|(_, cpu)| cpu.parse::<u32>().is_ok()).map_or(line, |(what, _)| what)
}

/// The message ends with a CPU.
#[track_caller]
fn tells_on_a_cpu(outcome: &Outcome, message: &str) {
    let wanted = format!("dtrace: {message}");
    let is_it = |line: &str| line != wanted && without_cpu(line) == wanted;
    assert!(outcome.stderr.lines().any(is_it), "{message}: {}", outcome.describe());
}

#[test]
fn records() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "syscall::getppid:entry /pid == $target/ { printf(\"x\\n\"); }";
    let cpu = allowed_cpu();
    let command = format!("taskset -c {cpu} {syscalls} getppid 10007");
    let outcome = good(dtrace().args(["-x", "bufsize=16", "-qn", text, "-c", &command]));
    let printed = outcome.stdout.lines().filter(|line| *line == "x").count() as u64;
    let dropped = lost(&outcome, " drops");
    assert_eq!(printed + dropped, 10007, "{}", outcome.stderr);
    assert!(dropped > 0, "{}", outcome.stderr);
    let place = format!(" on CPU {cpu}");
    let mut messages = outcome.stderr.lines().filter(|line| line.contains(" drop"));
    assert!(messages.all(|line| line.ends_with(&place)), "{}", outcome.stderr);
}

#[test]
fn records_that_are_larger_than_a_buffer() {
    needs_root!();
    let text = "BEGIN { printf(\"%d %d\\n\", pid, uid); } BEGIN { exit(0); }";
    let outcome = good(dtrace().args(["-x", "bufpolicy=ring", "-x", "bufsize=16", "-qn", text]));
    assert_eq!(lost(&outcome, " drops"), 2, "{}", outcome.describe());
    tells_on_a_cpu(&outcome, "2 drops");
}

#[test]
fn an_exit_whose_record_has_no_room_ends_the_trace() {
    needs_root!();
    let part = format!("strjoin(execname, \"{}\")", "long ".repeat(10_000));
    let text = format!("BEGIN {{ printf(\"%s%s\", {part}, {part}); exit(0); }}");
    let outcome = good(dtrace().args(["-x", "bufsize=4k", "-x", "strsize=64k", "-qn", &text]));
    tells_on_a_cpu(&outcome, "1 drop");
}

#[test]
fn aggregations() {
    needs_root!();
    let text = "BEGIN { @[1] = count(); @[2] = count(); @[3] = count(); @[4] = count(); exit(0); }";
    let outcome = good(dtrace().args(["-x", "aggsize=32", "-qn", text]));
    assert_eq!(outcome.lines().len(), 2, "{}", outcome.describe());
    tells_on_a_cpu(&outcome, "2 aggregation drops");
}

#[test]
fn dynamic_variables() {
    needs_root!();
    let text = "BEGIN { a[1] = 1; a[2] = 2; a[3] = 3; printf(\"%d\\n\", a[1] + a[2] + a[3]); exit(0); }";
    let outcome = good(dtrace().args(["-x", "dynvarsize=32", "-qn", text]));
    assert_eq!(outcome.lines(), ["3"]);
    tells(&outcome, "1 dynamic variable drop");
}

/// Twelve elements a firing, and as many freed: the kernel has memory at hand for fewer while interrupts are off.
#[test]
fn dynamic_variables_for_which_memory_is_not_ready() {
    needs_root!();
    let each = |from: &str, value: u32| (0..12).map(|at| format!("a[{from}, {at}] = {value}; ")).collect::<String>();
    let text = format!(
        "int n; profile-997 {{ {} n++; }} profile-997 {{ {} }} tick-1s {{ exit(0); }}",
        each("n", 1),
        each("n - 3", 0)
    );
    let outcome = good(dtrace().args(["-qn", &text]));
    let what =
        [" dynamic variable drops with non-empty dirty list", " dynamic variable drop with non-empty dirty list"];
    if what.iter().map(|what| lost(&outcome, what)).sum::<u64>() == 0 {
        skip("this kernel had memory at hand for each burst of new elements");
    }
    assert!(!outcome.stderr.contains("dynamic variable drops\n"), "{}", outcome.describe());
}

#[test]
fn speculations_that_are_too_big() {
    needs_root!();
    let text = "BEGIN { self->s = speculation(); }
        BEGIN { speculate(self->s); printf(\"%s\\n\", strjoin(execname, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\")); }
        BEGIN { commit(self->s); } BEGIN { exit(0); }";
    let outcome = good(dtrace().args(["-x", "specsize=32", "-qn", text]));
    assert_eq!(outcome.lines(), [""; 0]);
    tells(&outcome, "1 speculative drop");
}

#[test]
fn speculations_that_are_too_many() {
    needs_root!();
    let outcome = quietly(
        "BEGIN { self->s = speculation(); self->t = speculation(); printf(\"%d %d\\n\", self->s, self->t); exit(0); }",
    );
    assert_eq!(outcome.lines(), ["1 0"]);
    tells(&outcome, "1 failed speculation (no speculative buffer available)");
}

#[test]
fn speculations_that_are_ending() {
    needs_root!();
    let text =
        "BEGIN { self->s = speculation(); } BEGIN { commit(self->s); } BEGIN { self->t = speculation(); exit(0); }";
    tells(&quietly(text), "1 failed speculation (available buffer(s) still busy)");
}

#[test]
fn texts_that_are_joined() {
    needs_root!();
    let text = "BEGIN { printf(\"%s %s\\n\", strjoin(\"abc\", \"defg\"), strjoin(\"abcde\", \"fgh\")); }
        BEGIN { printf(\"%d %s\\n\", strlen(strjoin(execname, \"x\")), strjoin(\"a\", execname)); exit(0); }";
    let outcome = good(dtrace().args(["-x", "strsize=8", "-qn", text]));
    assert_eq!(outcome.lines(), ["abcdefg abcdefg", "7 aquadra"]);
    tells(&outcome, "3 strings cut at 8 bytes (strsize)");
}

/// Stacks for which there is no room: twice as many as are kept, which the kernel counts to some hundred.
#[test]
fn stacks() {
    needs_root!();
    let ways = target!("ways");
    let text =
        "pid$target:a.out:target_end:entry { n++; @[ustack()] = count(); } END { trunc(@); printf(\"%d\\n\", n); }";
    let outcome = good(dtrace().args(["-x", "aggsize=256m", "-qn", text, "-c", &format!("{ways} 17")]));
    assert!(outcome.lines().contains(&"131072"), "{}", outcome.describe());
    let dropped = lost(&outcome, " jstack()/ustack() string table overflows");
    assert!((60_000..70_000).contains(&dropped), "{dropped}: {}", outcome.describe());
}

#[test]
fn tags() {
    needs_root!();
    let outcome =
        good(dtrace().args(["-x", "droptags", "-qn", "BEGIN { s = speculation(); t = speculation(); exit(0); }"]));
    assert!(outcome.stderr.contains("[DTRACEDROP_"), "{}", outcome.describe());
}
