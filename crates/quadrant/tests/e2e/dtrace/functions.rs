//! Functions of the kernel by `fbt` and `rawfbt`. They need a kernel with kernel probes, which the guests of `cargo xtask test --vm` have.

use quadrant_testing::Outcome;

use super::{dtrace, number, quietly_on};
use crate::common::{good, target};
use crate::kernel_functions::{entry_of, needs_kprobes};

/// What the calls of the target are counted with: it writes a byte at a time.
const CALLS: i64 = 10_007;

fn on_writes(syscalls: &str, text: &str) -> Outcome {
    quietly_on(&format!("{syscalls} write {CALLS}"), text)
}

#[test]
fn entries_and_returns_are_counted_exactly() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    for provider in ["fbt", "rawfbt"] {
        let text = format!(
            "{provider}::vfs_write:entry /pid == $target && arg2 == 1/ {{ @calls[probefunc] = count(); }}
             {provider}::vfs_write:return /pid == $target && arg1 == 1/ {{ @written[probename] = sum(arg1); }}"
        );
        let outcome = on_writes(&syscalls, &text);
        assert_eq!(number(&outcome, "vfs_write"), CALLS, "{provider}: {}", outcome.describe());
        assert_eq!(number(&outcome, "return"), CALLS, "{provider}: {}", outcome.describe());
    }
}

#[test]
fn arguments_have_types() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "fbt::vfs_write:entry /pid == $target && args[2] == 1/ {
        @[args[0]->f_inode->i_mode != 0, stringof(args[0]->f_path.dentry->d_name.name)] = count();
    }";
    let outcome = on_writes(&syscalls, text);
    let words: Vec<&str> = outcome.lines()[0].split_whitespace().collect();
    assert_eq!(words, ["1", "null", "10007"], "{}", outcome.describe());
}

#[test]
fn functions_by_pattern_and_by_module() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text =
        "fbt:vmlinux:vfs_writ[e]:entry,fbt::vfs_rea?:entry /pid == $target && arg2 == 1/ { @[probefunc] = count(); }";
    let outcome = on_writes(&syscalls, text);
    assert_eq!(number(&outcome, "vfs_write"), CALLS, "{}", outcome.describe());
}

#[test]
fn calls_and_returns_of_the_kernel_are_indented() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let function = entry_of("getppid");
    let text = format!(
        "fbt::{function}:entry,fbt::{function}:return,syscall::getppid: /pid == $target/ {{ trace(probename); }}"
    );
    let outcome = good(dtrace().args(["-F", "-n", &text, "-c", &format!("{syscalls} getppid 1")]));
    let rows: Vec<&str> = outcome.stdout.lines().skip(1).filter_map(|line| line.get(3..)).map(str::trim).collect();
    let marks: Vec<String> =
        rows.iter().map(|row| row.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    let expected = ["=> getppid", &format!("-> {function}"), &format!("<- {function}"), "<= getppid"];
    assert_eq!(marks[..4], expected, "{}", outcome.describe());
}

#[test]
fn a_listing_of_functions() {
    needs_kprobes!();
    let outcome = good(dtrace().args(["-ln", "fbt::vfs_write:,rawfbt::vfs_write:"]));
    let rows: Vec<Vec<&str>> =
        outcome.stdout.lines().skip(1).map(|line| line.split_whitespace().skip(1).collect()).collect();
    let row = |provider, name| vec![provider, "vmlinux", "vfs_write", name];
    for wanted in [row("fbt", "entry"), row("fbt", "return"), row("rawfbt", "entry"), row("rawfbt", "return")] {
        assert!(rows.contains(&wanted), "{wanted:?}: {}", outcome.describe());
    }
}
