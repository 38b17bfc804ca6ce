//! Kernel probes count exactly, in every way that the kernel has.
//!
//! A program's loader reads and opens files, too: the number of bytes tells the target's own calls.

use quadrant_bpf::features::Features;
use quadrant_testing::{COUNT, skip};

use super::{entry_of, needs_kprobes, needs_multi, ways};
use crate::common::{assert_lines, good, script, target};

#[test]
fn entries_of_a_function_in_every_way() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    for way in ways() {
        let text = "kprobe:vfs_read /comm == \"syscalls\" && arg2 == 1/ { @n = count(); @bytes = sum(arg2); }";
        let outcome = way.run_on(&format!("{syscalls} read {COUNT}"), text);
        assert_lines(&outcome, &["@bytes: 10007", "@n: 10007"]);
    }
}

#[test]
fn returns_of_a_function_in_every_way() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    for way in ways() {
        let text = "kretprobe:vfs_read /comm == \"syscalls\" && retval == 1/ { @n = count(); @bytes = sum(retval); }";
        let outcome = way.run_on(&format!("{syscalls} read {COUNT}"), text);
        assert_lines(&outcome, &["@bytes: 10007", "@n: 10007"]);
    }
}

#[test]
fn entry_and_return_of_a_function_in_every_way() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    for way in ways() {
        let text = "kprobe:vfs_write /comm == \"syscalls\"/ { @at[tid] = arg2; }
            kretprobe:vfs_write /@at[tid]/ { @same = sum(retval == @at[tid]); delete(@at, tid); }";
        assert_lines(&way.run_on(&format!("{syscalls} write {COUNT}"), text), &["@same: 10007"]);
    }
}

#[test]
fn wildcard_over_functions_in_every_way() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    for way in ways() {
        let text = "kprobe:vfs_rea*,kprobe:vfs_write* /comm == \"syscalls\" && arg2 == 1/ { @[func] = count(); }";
        assert_lines(&way.run_on(&format!("{syscalls} read {COUNT}"), text), &["@[vfs_read]: 10007"]);
    }
}

#[test]
fn entries_of_a_system_calls_own_function() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = format!("kprobe:{} /comm == \"syscalls\"/ {{ @[func] = count(); }}", entry_of("getppid"));
    let outcome = good(script(&text).args(["-c", &format!("{syscalls} getppid {COUNT}")]));
    assert_lines(&outcome, &[&format!("@[{}]: 10007", entry_of("getppid"))]);
}

#[test]
fn the_tracer_chooses_a_way_by_itself() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "kprobe:vfs_read /comm == \"syscalls\" && arg2 == 1/ { @n = count(); }
        kretprobe:vfs_read /comm == \"syscalls\" && retval == 1/ { @r = count(); }";
    let outcome = good(script(text).args(["-v", "-c", &format!("{syscalls} read {COUNT}")]));
    assert_lines(&outcome, &["@n: 10007", "@r: 10007"]);
    let chosen = [": perf events\n", "(kprobe_session)\n"].map(|words| outcome.stderr.contains(words));
    assert!(chosen.contains(&true), "{}", outcome.describe());
}

#[test]
fn entry_and_return_by_one_program() {
    needs_kprobes!();
    if !Features::new().kprobe_session() {
        return skip("this kernel has no links to entry and return together (Linux 6.10, with CONFIG_FPROBE)");
    }
    let syscalls = target!("syscalls");
    let text = "kprobe:vfs_write /comm == \"syscalls\"/ { @at[tid] = arg2; @n = count(); }
        kretprobe:vfs_write /@at[tid]/ { @same = sum(retval == @at[tid]); delete(@at, tid); }";
    let tracer = script(text).args(["-v", "--kprobe-mechanism", "session", "-c", &format!("{syscalls} write {COUNT}")]);
    let outcome = good(tracer);
    assert_lines(&outcome, &["@n: 10007", "@same: 10007"]);
    let says = "one program and one link for entries and returns (kprobe_session)";
    assert!(outcome.stderr.contains(says), "{}", outcome.describe());
}

#[test]
fn many_functions_become_one_link_by_themselves() {
    needs_multi!();
    let syscalls = target!("syscalls");
    let text = "kprobe:vfs_* /comm == \"syscalls\" && arg2 == 1/ { @[func] = count(); }";
    let outcome = good(script(text).args(["-v", "-c", &format!("{syscalls} read {COUNT}")]));
    assert!(outcome.lines().contains(&"@[vfs_read]: 10007"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("more: one link for all functions (kprobe_multi)\n"), "{}", outcome.describe());
}
