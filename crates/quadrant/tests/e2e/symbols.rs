//! Stacks and names: static functions, inlined ones, C++ and Rust, the kernel.

pub mod gone;

use quadrant_testing::Program;

use crate::common::{needs_callers, needs_loops, needs_root, run, run_on, target};

/// The position of each function among the stack's lines; they must stand in this order.
#[track_caller]
fn assert_stack(output: &str, functions: &[&str]) {
    let mut lines = output.lines();
    for function in functions {
        assert!(lines.any(|line| line.contains(function)), "{function} is not in its place in:\n{output}");
    }
}

#[test]
fn user_stack_with_static_and_inlined_functions() {
    needs_root!();
    needs_callers!();
    let stacks = target!("stacks");
    let outcome =
        run_on(&format!("{stacks} 10007 4"), &format!("uprobe:{stacks}:target_leaf {{ @[ustack] = count(); }}"));
    let recursion = ["target_recurse"; 4];
    assert_stack(
        &outcome.stdout,
        &[&["target_leaf", "target_inlined", "target_static"], &recursion[..], &["main", "]: 10007"]].concat(),
    );
}

/// In this mode every frame is an offset in a file, also of a function with inlined ones.
#[test]
fn user_stack_by_build_ids() {
    needs_root!();
    needs_callers!();
    let stacks = target!("stacks");
    let Ok(notes) = Program::new("readelf").args(["-n", &stacks]).run() else {
        return quadrant_testing::skip("readelf is not installed: run `apt-get install binutils`");
    };
    let id = notes.stdout.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).map(str::to_owned);
    let Some(id) = id else { return quadrant_testing::skip("the compiler gives programs no build id") };
    let outcome = run_on(
        &format!("{stacks} 1 4"),
        &format!("uprobe:{stacks}:target_leaf {{ print(ustack(build_id)); print(ustack(raw)); }}"),
    );
    let frames = |is_meant: &dyn Fn(&str) -> bool| outcome.lines().into_iter().filter(|line| is_meant(line)).count();
    let of_program = frames(&|line| line.starts_with(&format!("{id} 0x")));
    // The leaf, the function that it was inlined into with another, four rounds of the recursion, and main.
    assert_eq!(of_program, 7, "{}", outcome.describe());
    let (known, raw) = (frames(&|line| line.contains(' ')), frames(&|line| !line.contains(' ')));
    assert_eq!(known, raw, "{}", outcome.describe());
}

#[test]
fn ten_thousand_stacks_are_all_kept() {
    needs_root!();
    needs_callers!();
    let deep = target!("deep-cc");
    let outcome =
        run_on(&format!("{deep} 10007"), &format!("uprobe:{deep}:target_leaf {{ @[ustack(raw)] = count(); }}"));
    assert_eq!(outcome.stdout.matches("\n]: 1\n").count(), 10007, "{}", outcome.describe());
    assert!(!outcome.stdout.contains("lost") && !outcome.stderr.contains("lost"), "{}", outcome.describe());
}

#[test]
fn user_stack_is_limited_as_asked() {
    needs_root!();
    let stacks = target!("stacks");
    let outcome =
        run_on(&format!("{stacks} 3 50"), &format!("uprobe:{stacks}:target_leaf {{ @[ustack(2)] = count(); }}"));
    assert!(!outcome.stdout.contains("main"), "{}", outcome.describe());
    assert!(outcome.stdout.contains("]: 3"), "{}", outcome.describe());
}

#[test]
fn demangled_names_of_cxx() {
    needs_root!();
    needs_callers!();
    let mangled = target!("mangled-cc");
    let outcome = run_on(
        &format!("{mangled} 23"),
        &format!("uprobe:{mangled}:cpp:\"shapes::Circle<long>::area\" {{ @[ustack] = count(); }}"),
    );
    assert_stack(&outcome.stdout, &["shapes::Circle<long>::area(int) const", "shapes::measure(long)", "main", "]: 23"]);
}

#[test]
fn demangled_names_of_rust() {
    needs_root!();
    needs_callers!();
    for mangled in [target!("mangled-rs"), target!("mangled-rs-v0")] {
        let outcome =
            run_on(&format!("{mangled} 23"), &format!("uprobe:{mangled}:*Circle*area* {{ @[ustack] = count(); }}"));
        assert_stack(&outcome.stdout, &["mangled::shapes::Circle", "mangled::shapes::measure", "]: 23"]);
    }
}

#[test]
fn kernel_stack_of_a_busy_program() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid 11"),
        "rawtracepoint:sys_enter /comm == \"syscalls\"/ { @[kstack] = count(); }",
    );
    assert_stack(&outcome.stdout, &["do_syscall_64", "entry_SYSCALL_64"]);
}

/// They run as raw tracepoints, where the kernel's walk begins in the program and in what called it. (Linux 6.1 has no stacks at all at
/// single system calls, by any tracer.)
#[test]
fn stacks_at_tracepoints_begin_where_the_event_is() {
    needs_root!();
    let syscalls = target!("syscalls");
    for probe in ["raw_syscalls:sys_enter", "syscalls:sys_enter_getppid", "sched:sched_process_exit"] {
        let text = format!(
            "tracepoint:{probe} /comm == \"syscalls\"/ {{ @top[kstack(2)] = count(); @all[kstack] = count(); }}"
        );
        let outcome = run_on(&format!("{syscalls} getppid 11"), &text);
        let own = outcome.stdout.contains("bpf_prog_") || outcome.stdout.contains("bpf_trace_run");
        let has_none = probe.starts_with("syscalls:") && outcome.stdout.contains("[\n]: 11");
        assert!((outcome.stdout.contains("+") || has_none) && !own, "{}", outcome.describe());
    }
}

/// Rounds of loops have frames of their own, and so have the kernel's events of system calls.
#[test]
fn stacks_are_the_same_in_loops() {
    needs_root!();
    needs_loops!();
    let syscalls = target!("syscalls");
    for probe in ["raw_syscalls:sys_enter", "sched:sched_process_exit"] {
        let text = format!(
            "tracepoint:{probe} /pid == cpid && @n == 0/ {{
                 @n = 1;
                 @seen[0] = 1;
                 @[kstack(2)] = count();
                 for ($i : 0..3) {{ for ($j : 0..2) {{ @[kstack(2)] = count(); }} @[kstack(2)] = count(); }}
                 for ($seen : @seen) {{ @[kstack(2)] = count(); }}
             }}
             END {{ clear(@seen); clear(@n); }}"
        );
        let outcome = run_on(&format!("{syscalls} getppid 1"), &text);
        let keys = outcome.stdout.matches("]: ").count();
        assert!(keys == 1 && outcome.stdout.contains("]: 11\n"), "{probe}: {}", outcome.describe());
        assert!(!outcome.stdout.contains("bpf"), "{}", outcome.describe());
    }
}

#[test]
fn stacks_of_samples() {
    needs_root!();
    let stacks = target!("stacks");
    let mut busy = Program::new(&stacks).args(["0"]).with_input().start().unwrap();
    let text =
        "profile:hz:499 /comm == \"stacks\"/ { @[kstack, ustack, comm] = count(); @n++; if (@n > 100) { exit(); } }";
    let outcome = run(text);
    busy.close_input();
    assert!(busy.finish().unwrap().success());
    assert_stack(&outcome.stdout, &["target_spin", "target_static", "main"]);
}

#[test]
fn names_and_addresses() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} 1"),
        &format!(
            "uprobe:{calls}:target_call {{ printf(\"%s %s\\n\", usym(reg(\"ip\")), func); printf(\"%s\\n\", probe); }}"
        ),
    );
    let lines = outcome.lines();
    assert_eq!(lines[0], "target_call target_call", "{}", outcome.describe());
    assert_eq!(lines[1], format!("uprobe:{calls}:target_call"));
}

#[test]
fn a_kernel_that_hides_its_addresses_is_told_of_once() {
    needs_root!();
    let paranoid = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    if paranoid.trim().parse().is_ok_and(|level: i32| level <= 1) {
        return quadrant_testing::skip("kernel.perf_event_paranoid shows addresses to all");
    }
    let text =
        "BEGIN { printf(\"%s %s\\n\", ksym((uint64)0xffffffff81000100), ksym((uint64)0xffffffff81000200)); exit(); }";
    let without = ["--bounding-set=-syslog", "--inh-caps=-syslog"];
    let tracer = Program::new("setpriv").args(without).arg(crate::common::binary()).args(["-e", text]);
    let outcome = tracer.run().unwrap();
    assert!(outcome.success() && outcome.stdout.contains("0xffffffff81000100"), "{}", outcome.describe());
    let told = outcome.stderr.matches("kernel functions have no names: the kernel hides its addresses").count();
    assert!(told == 1 && outcome.stderr.contains("CAP_SYSLOG"), "{}", outcome.describe());
}
