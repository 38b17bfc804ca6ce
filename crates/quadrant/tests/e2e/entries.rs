//! Probes that stand behind a function's first instruction count the same, see the same, and cost less.

use quadrant_testing::Outcome;

use crate::common::{good, needs_root, number, quadrant, script, sum_below, target};

const FUNCTIONS: [&str; 5] = ["marked", "copied", "stepped", "copying", "looped"];
const CALLS: u64 = 10_007;

fn on(path: &str, text: &str, flags: &[&str]) -> Outcome {
    good(script(text).args(flags).args(["-v", "-c", &format!("{path} {CALLS}")]))
}

/// Whether the probes of a trace were said to have moved.
fn moved(outcome: &Outcome) -> bool {
    outcome.stderr.contains("behind the first instruction")
}

#[test]
fn counts_and_arguments_are_the_same() {
    needs_root!();
    let path = target!("entries");
    for function in FUNCTIONS {
        let text = format!("uprobe:{path}:entry_{function} {{ @n = count(); @s = sum(arg0); }}");
        for flags in [&[][..], &["--exact-entries"]] {
            let outcome = on(&path, &text, flags);
            assert_eq!(number(&outcome, "@n"), CALLS as i64, "{function} {flags:?}: {}", outcome.describe());
            assert_eq!(number(&outcome, "@s"), sum_below(CALLS), "{function} {flags:?}: {}", outcome.describe());
            let can = cfg!(target_arch = "x86_64") && flags.is_empty() && ["marked", "copied"].contains(&function);
            assert_eq!(moved(&outcome), can, "{function} {flags:?}: {}", outcome.describe());
        }
    }
}

/// The kernel has one breakpoint for both.
#[test]
fn entries_and_returns_move_together() {
    needs_root!();
    let path = target!("entries");
    let text = format!(
        "uprobe:{path}:entry_marked {{ @in = count(); @start[tid] = nsecs; }}
         uretprobe:{path}:entry_marked /@start[tid]/ {{ @out = count(); @s = sum(retval); delete(@start, tid); }}"
    );
    for flags in [&[][..], &["--exact-entries"]] {
        let outcome = on(&path, &text, flags);
        let found = ["@in", "@out", "@s"].map(|name| number(&outcome, name));
        assert_eq!(found, [CALLS as i64, CALLS as i64, sum_below(CALLS)], "{}", outcome.describe());
        assert_eq!(moved(&outcome), cfg!(target_arch = "x86_64") && flags.is_empty(), "{}", outcome.describe());
    }
}

#[test]
fn who_looks_at_the_place_finds_the_entry() {
    needs_root!();
    let path = target!("entries");
    for look in ["@[ustack(1)] = count();", "@[reg(\"ip\")] = count();"] {
        let text = format!("uprobe:{path}:entry_marked {{ {look} @n = count(); }}");
        let outcome = on(&path, &text, &[]);
        assert!(!moved(&outcome), "{}", outcome.describe());
        assert_eq!(number(&outcome, "@n"), CALLS as i64);
    }
    let text = format!("uprobe:{path}:entry_marked {{ @[ustack(1)] = count(); }}");
    assert!(on(&path, &text, &[]).stdout.contains("entry_marked+0"));
}

#[test]
fn all_command_lines_say_so() {
    needs_root!();
    let path = target!("entries");
    let probe = format!("uprobe:{path}:entry_*");
    let explained =
        good(quadrant().args(["explain", "--only", "probes", "-e", &format!("{probe} {{ @ = count(); }}")]));
    let d = good(quadrant().args([
        "dtrace",
        "-qn",
        "pid$target::entry_marked:entry { @ = sum(arg0); }",
        "-c",
        &format!("{path} {CALLS}"),
    ]));
    assert!(d.stdout.contains(&sum_below(CALLS).to_string()), "{}", d.describe());
    if cfg!(target_arch = "x86_64") {
        assert!(explained.stdout.contains("behind the first instruction of 2 of them"), "{}", explained.describe());
    }
}
