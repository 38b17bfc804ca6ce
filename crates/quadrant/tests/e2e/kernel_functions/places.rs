//! Places: within a function, by address, in a module.

use quadrant_testing::{COUNT, Outcome, Program};

use super::needs_kprobes;
use crate::common::{assert_lines, good, number, refused, script, target};

/// Every call of the function passes here, those of the target's loader, too; the function's own entry says how many.
fn assert_as_often_as_entries(outcome: &Outcome) {
    assert!(number(outcome, "@entries") >= COUNT as i64, "{}", outcome.describe());
    assert_eq!(number(outcome, "@inside"), number(outcome, "@entries"), "{}", outcome.describe());
}

#[test]
fn a_place_within_a_function() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let at = |offset: u32| {
        let text = format!(
            "kprobe:vfs_read+{offset} /comm == \"syscalls\"/ {{ @inside = count(); }}
             kprobe:vfs_read /comm == \"syscalls\"/ {{ @entries = count(); }}"
        );
        script(&text).args(["-c", &format!("{syscalls} read {COUNT}")])
    };
    // A function starts with five bytes for the function tracer; where the kernel is built for IBT, with four for that before.
    let first = if refuses(at(5)) { 9 } else { 5 };
    assert_as_often_as_entries(&good(at(first)));
}

fn refuses(tracer: Program) -> bool {
    tracer.arg("--dry-run").run().expect("the tracer runs").stderr.contains("no instruction starts at")
}

#[test]
fn within_an_instruction_is_refused() {
    needs_kprobes!();
    let message = refused(script("kprobe:vfs_read+1 { @++; }"));
    assert!(message.contains("no instruction starts at `vfs_read+1`"), "{message}");
    let message = refused(script("kprobe:vfs_read+1000000 { @++; }"));
    assert!(message.contains("is outside"), "{message}");
}

#[test]
fn an_address_needs_a_word_from_the_user() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let symbols = std::fs::read_to_string("/proc/kallsyms").expect("root can read it");
    let line = symbols.lines().find(|line| line.ends_with(" vfs_read")).expect("the kernel reads files");
    let address = line.split(' ').next().unwrap_or_default();
    let text = format!("kprobe:0x{address} /comm == \"syscalls\" && arg2 == 1/ {{ @[func] = count(); }}");
    assert!(refused(script(&text)).contains("--unsafe"));
    let outcome = good(script(&text).args(["--unsafe", "-c", &format!("{syscalls} read {COUNT}")]));
    assert_lines(&outcome, &["@[vfs_read]: 10007"]);
}

#[test]
fn a_function_of_the_image_by_its_module() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "kprobe:vmlinux:vfs_read /comm == \"syscalls\" && arg2 == 1/ { @[probe] = count(); }";
    let outcome = good(script(text).args(["-c", &format!("{syscalls} read {COUNT}")]));
    assert_lines(&outcome, &["@[kprobe:vmlinux:vfs_read]: 10007"]);
    let message = refused(script("kprobe:nosuchmodule:vfs_read { @++; }"));
    assert!(message.contains("the module `nosuchmodule` is not loaded"), "{message}");
}
