//! Kernels that have no kernel probes: an error that helps, or trampolines instead.

use quadrant_bpf::kconfig::{Kconfig, Setting};
use quadrant_testing::{COUNT, Program, skip};

use super::needs_kprobes;
use crate::common::{assert_lines, binary, needs_root, refused, script, target};

#[test]
fn the_error_names_the_option_and_a_tracepoint() {
    needs_root!();
    let config = Kconfig::open();
    let absent = |option| config.as_ref().is_some_and(|config| config.get(option) == Setting::Absent);
    if !absent("CONFIG_KPROBES") {
        return skip("this kernel was built with kernel probes");
    }
    for (probe, tracepoint) in [("kprobe", "sys_enter_read"), ("kretprobe", "sys_exit_read")] {
        let outcome =
            script(&format!("{probe}:vfs_read {{ @ = count(); }} interval:ms:1 {{ exit(); }}")).run().unwrap();
        if outcome.success() {
            assert!(outcome.stderr.contains("trampolines"), "{}", outcome.describe());
            continue;
        }
        let message = outcome.stderr;
        for part in ["CONFIG_KPROBES", &format!("use `tracepoint:syscalls:{tracepoint}` instead"), "^"] {
            assert!(message.contains(part), "{part:?} is not in:\n{message}");
        }
    }
}

/// Runs the tracer where it sees a tracefs without files for kernel probes (such as each of its instances is), and no kernel probes
/// among the kinds of perf events: as if the kernel had been built without them.
fn hidden(text: &str, rest: &[&str]) -> (Program, Instance) {
    let instance = Instance::new();
    let shell = "set -e
        instance=$1
        shift
        mount --bind $instance /sys/kernel/tracing
        mount -t tmpfs none /sys/bus/event_source/devices
        exec \"$@\"";
    let program = Program::new("unshare").args(["-m", "sh", "-c", shell, "sh", INSTANCE]).env("NO_COLOR", "1");
    (program.arg(binary()).args(["-e", text]).args(rest), instance)
}

const INSTANCE: &str = "/sys/kernel/tracing/instances/quadrant-test";

/// An instance of tracefs, removed when it is dropped.
struct Instance;

impl Instance {
    fn new() -> Instance {
        std::fs::create_dir_all(INSTANCE).expect("this kernel has instances of tracefs");
        Instance
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // An instance that stays does no harm.
        let _ = std::fs::remove_dir(INSTANCE);
    }
}

#[test]
fn kernel_probes_run_by_trampolines_where_there_are_none() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "kprobe:vfs_read /comm == \"syscalls\" && arg2 == 1/ { @n = count(); @[probe, func] = count(); }
        kretprobe:vfs_read /comm == \"syscalls\" && retval == 1/ { @r = count(); }";
    let command = format!("{syscalls} read {COUNT}");
    let (tracer, _instance) = hidden(text, &["-v", "-c", &command]);
    let outcome = tracer.run().unwrap();
    assert!(outcome.success(), "{}", outcome.describe());
    assert_lines(&outcome, &["@[kprobe:vfs_read, vfs_read]: 10007", "@n: 10007", "@r: 10007"]);
    for part in
        ["kprobe probes run by trampolines", "kretprobe probes run by trampolines", ": a trampoline for each function"]
    {
        assert!(outcome.stderr.contains(part), "{part:?}: {}", outcome.describe());
    }
}

#[test]
fn what_only_kernel_probes_can_do_is_refused_there() {
    needs_kprobes!();
    let (tracer, _instance) = hidden("kprobe:vfs_read+5 { @++; }", &[]);
    let message = refused(tracer);
    assert!(message.contains("this kernel has no kprobes, which a place within a function needs"), "{message}");
}
