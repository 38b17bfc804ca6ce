//! Results that scripts give in place of the kernel. Debian's kernels are built without that: `cargo xtask test overrides --vm own` runs
//! these under a kernel of one's own.

use quadrant_bpf::features::Features;
use quadrant_bpf::helper::OVERRIDE_RETURN;
use quadrant_bpf::prog::ProgramKind;
use quadrant_testing::{Program, skip};

use super::{entry_of, needs_kprobes, ways};
use crate::common::{attached, end, number, refused, script};

/// Ends the calling test, as skipped, where results cannot be overridden.
macro_rules! needs_override {
    () => {
        needs_kprobes!();
        if !Features::new().helper(ProgramKind::Kprobe, OVERRIDE_RETURN) {
            return skip("this kernel does not let programs override results (CONFIG_BPF_KPROBE_OVERRIDE)");
        }
    };
}

/// What a shell thinks its parent is: it asks once, at its start.
fn parent_of_a_shell() -> String {
    let outcome = Program::new("sh").args(["-c", "echo $PPID"]).run().expect("there is a shell");
    outcome.stdout.trim().to_owned()
}

#[test]
fn a_system_call_returns_what_the_script_says_in_every_way() {
    needs_override!();
    let own = std::process::id().to_string();
    let text = format!("kprobe:{} /comm == \"sh\"/ {{ @ = count(); override(4711); }}", entry_of("getppid"));
    for way in ways() {
        let tracer = attached(way.script(&text).arg("--unsafe"));
        assert_eq!(parent_of_a_shell(), "4711", "{}", way.name);
        assert_eq!(number(&end(tracer), "@"), 1, "{}", way.name);
        assert_eq!(parent_of_a_shell(), own, "{}", way.name);
    }
}

/// One program, or one session, for the entry and the return: only the entry overrides.
#[test]
fn other_clauses_see_the_result_that_is_given() {
    needs_override!();
    let call = entry_of("getppid");
    let text = format!(
        "kprobe:{call} /comm == \"sh\"/ {{ if (pid > 0) {{ override(-1); }} }} tracepoint:syscalls:sys_exit_getppid /comm == \"sh\"/ \
         {{ @[args.ret] = count(); }} kprobe:{call} /comm == \"sh\"/ {{ @after = count(); }}"
    );
    let tracer = attached(script(&text).arg("--unsafe"));
    parent_of_a_shell();
    let outcome = end(tracer);
    assert_eq!((number(&outcome, "@[-1]"), number(&outcome, "@after")), (1, 1), "{}", outcome.describe());
}

/// The kernel has a list of functions whose results may be overridden.
#[test]
fn a_function_that_may_not_be_overridden_is_refused_with_the_reason() {
    needs_override!();
    for way in ways() {
        let refusal = refused(way.script("kprobe:vfs_read { override(-1); }").arg("--unsafe"));
        assert!(refusal.contains("vfs_read") && refusal.contains("error_injection/list"), "{}: {refusal}", way.name);
    }
}
