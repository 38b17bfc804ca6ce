//! `-l` and `-lv`.

use std::path::Path;

use crate::common::{folder, good, needs_root, quadrant, target};

fn list(pattern: &str) -> Vec<String> {
    good(quadrant().args(["-l", pattern])).lines().into_iter().map(str::to_owned).collect()
}

#[test]
fn tracepoints_of_a_subsystem() {
    needs_root!();
    let lines = list("tracepoint:sched:*");
    assert!(lines.contains(&"tracepoint:sched:sched_switch".to_owned()), "{lines:?}");
    assert!(lines.len() > 10 && lines.iter().all(|line| line.starts_with("tracepoint:sched:")), "{lines:?}");
}

#[test]
fn arguments_of_a_tracepoint() {
    needs_root!();
    let outcome = good(quadrant().args(["-lv", "tracepoint:syscalls:sys_enter_openat"]));
    let lines = outcome.lines();
    assert_eq!(lines[0], "tracepoint:syscalls:sys_enter_openat", "{}", outcome.describe());
    for argument in
        ["    int __syscall_nr", "    int dfd", "    const char * filename", "    int flags", "    umode_t mode"]
    {
        assert!(lines.contains(&argument), "{argument}: {}", outcome.describe());
    }
}

#[test]
fn raw_tracepoints() {
    needs_root!();
    let lines = list("rawtracepoint:*sched_switch");
    assert!(lines.iter().any(|line| line.ends_with("sched_switch")), "{lines:?}");
}

#[test]
fn functions_of_a_program() {
    needs_root!();
    let calls = target!("calls");
    let wanted = ["call", "many", "point"].map(|name| format!("uprobe:{calls}:target_{name}"));
    assert_eq!(list(&format!("uprobe:{calls}:target_*")), wanted);
}

#[test]
fn functions_of_a_library_by_its_short_name() {
    needs_root!();
    let lines = list("uprobe:libc:mem*");
    assert!(lines.iter().any(|line| line.ends_with(":memfrob")), "{lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("uprobe:/") && line.contains("libc.so")), "{lines:?}");
}

#[test]
fn static_probes_of_a_program() {
    needs_root!();
    let usdt = target!("usdt");
    let names = ["constants", "empty", "gated", "hit", "many", "memory", "place", "sizes", "whole"];
    let wanted: Vec<_> = names.iter().map(|name| format!("usdt:{usdt}:demo:{name}")).collect();
    let mut lines = list(&format!("usdt:{usdt}:*"));
    lines.sort();
    assert_eq!(lines, wanted);
}

#[test]
fn names_that_a_program_chose_move_no_cursor() {
    needs_root!();
    let mut bytes = std::fs::read(target!("usdt")).unwrap();
    let places: Vec<usize> = (0..bytes.len() - 5).filter(|at| bytes[*at..].starts_with(b"demo\0")).collect();
    places.iter().for_each(|at| bytes[*at..][..4].copy_from_slice(b"\x1b[2J"));
    let file = folder("hostile-names").join("program");
    std::fs::write(&file, bytes).unwrap();
    let pattern = format!("usdt:{}:*", file.display());
    for words in [&["-l"][..], &["-lv"], &["-l", "--tree"], &["-l", "--count"], &["bpftrace", "-l"]] {
        let outcome = good(quadrant().args(words).args([&pattern]));
        assert!(!outcome.stdout.contains('\x1b'), "{:?}", outcome.stdout);
        assert!(outcome.stdout.contains("\\x1b[2J") || words.contains(&"--count"), "{}", outcome.describe());
    }
}

#[test]
fn static_probes_of_an_interpreter_that_nobody_here_made() {
    needs_root!();
    if !Path::new("/usr/bin/python3").exists() {
        return quadrant_testing::skip("python3 is not installed: run `apt-get install python3`");
    }
    let lines = list("usdt:/usr/bin/python3:*");
    if lines.is_empty() {
        return quadrant_testing::skip("this python3 has no static probes");
    }
    assert!(lines.iter().any(|line| line.ends_with(":python:gc__start")), "{lines:?}");
}

#[test]
fn what_does_not_exist_lists_nothing() {
    needs_root!();
    let outcome = quadrant().args(["-l", "tracepoint:nosuch:*"]).run().unwrap();
    assert!(outcome.lines().is_empty() && outcome.code().is_some(), "{}", outcome.describe());
}

#[test]
fn a_script_instead_of_a_pattern_is_told_what_lists_its_probes() {
    let script = folder("listed-script").join("script.bt");
    std::fs::write(&script, "BEGIN { exit(); }").unwrap();
    let script = script.to_str().unwrap();
    let outcome = quadrant().args(["-l", script]).run().unwrap();
    assert_eq!(outcome.code(), Some(1));
    let advice = format!("`quadrant bpftrace -l {script}` lists");
    assert!(outcome.stderr.contains(&advice), "{}", outcome.describe());
}

#[test]
fn software_events_and_timers() {
    needs_root!();
    assert!(list("software:*").iter().any(|line| line.starts_with("software:page-faults:")));
}

#[test]
fn a_name_alone_is_looked_for_in_events_and_their_subsystems() {
    needs_root!();
    let lines = list("*sched_switch*");
    assert!(lines.contains(&"tracepoint:sched:sched_switch".to_owned()), "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("sched_switch")), "{lines:?}");
    let subsystem = list("workqueue");
    assert!(subsystem.contains(&"tracepoint:workqueue:workqueue_queue_work".to_owned()), "{subsystem:?}");
}

#[test]
fn tracepoints_as_a_tree_with_counts() {
    needs_root!();
    let flat = list("tracepoint:sched:*");
    let tree = good(quadrant().args(["list", "--tree", "tracepoint:sched:*"]));
    let lines = tree.lines();
    let heads = [format!("tracepoint ({})", flat.len()), format!("  sched ({})", flat.len())];
    assert_eq!(lines[..2], heads, "{}", tree.describe());
    assert!(lines.contains(&"    sched_switch") && lines.len() == flat.len() + 2, "{}", tree.describe());
    let count = good(quadrant().args(["list", "--count", "tracepoint:sched:*"]));
    assert_eq!(count.lines(), heads, "{}", count.describe());
}

#[test]
fn functions_of_the_kernel_with_the_names_and_types_of_their_arguments() {
    needs_root!();
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return quadrant_testing::skip("this kernel has no types (CONFIG_DEBUG_INFO_BTF)");
    }
    let kprobe = good(quadrant().args(["-lv", "kprobe:vfs_readlink"]));
    assert_eq!(
        kprobe.lines()[..2],
        ["kprobe:vfs_readlink", "    struct dentry * arg0 (dentry)"],
        "{}",
        kprobe.describe()
    );
    let fentry = good(quadrant().args(["-lv", "fentry:vfs_readlink"]));
    assert_eq!(
        fentry.lines()[..2],
        ["fentry:vmlinux:vfs_readlink", "    struct dentry * dentry"],
        "{}",
        fentry.describe()
    );
    let modules = good(quadrant().args(["list", "--count", "kprobe:vmlinux:vfs_read*"]));
    assert!(modules.lines()[1].starts_with("  vmlinux ("), "{}", modules.describe());
}
