//! Elements of arrays by an index that is known only when the program runs.

use crate::common::{assert_lines, needs_loops, needs_root, number, run, run_on, target};

/// The kernel lets nothing be added to its own pointers that it knows no bounds of, such as the variable of a loop.
#[test]
fn a_loop_over_an_array_of_the_context_sees_all_elements() {
    needs_root!();
    needs_loops!();
    let syscalls = target!("syscalls");
    let probes = [
        ("tracepoint:sched:sched_switch", "args.next_comm"),
        ("rawtracepoint:sched_switch", "args.next->comm"),
        ("rawtracepoint:sched_switch", "((struct task_struct *)arg2)->comm"),
    ];
    for (probe, name) in probes {
        let text = format!(
            "{probe} {{
                $length = (uint64)0;
                for ($at : 0..16) {{ if ({name}[$at] != 0) {{ $length++; }} }}
                if ($length == strlen({name})) {{ @same = 1; }} else {{ @differs = count(); }}
             }}"
        );
        assert_lines(&run_on(&format!("{syscalls} getppid 1009"), &text), &["@same: 1"]);
    }
}

#[test]
fn arguments_of_a_system_call_are_found_by_a_running_index() {
    needs_root!();
    needs_loops!();
    let syscalls = target!("syscalls");
    let text = "tracepoint:raw_syscalls:sys_enter /pid == cpid && comm == \"syscalls\"/ {
        for ($at : 0..6) {
            if ($at == 0 && args.args[$at] != args.args[0]) { @wrong = count(); }
            if ($at == 1 && args.args[$at] != args.args[1]) { @wrong = count(); }
            if ($at == 5 && args.args[$at] != args.args[5]) { @wrong = count(); }
            @elements = count();
        }
        @calls = count();
    }";
    let outcome = run_on(&format!("{syscalls} getppid 1009"), text);
    assert_eq!(number(&outcome, "@elements"), 6 * number(&outcome, "@calls"), "{}", outcome.describe());
    assert!(!outcome.stdout.contains("@wrong"), "{}", outcome.describe());
}

/// bpftrace #608, #4491: what lies behind an array is read as in C, and that it was is told.
#[test]
fn an_index_outside_of_its_array_is_told() {
    needs_root!();
    let outcome = run(
        "BEGIN { $at = (uint64)cpu * 0 + 16; $inside = curtask->comm[$at - 16]; $outside = curtask->comm[$at]; exit(); }",
    );
    let told: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("LOST: ")).collect();
    assert_eq!(told.len(), 1, "{}", outcome.describe());
    assert!(told[0].starts_with("LOST: 1 element at ") && told[0].contains(":1:83: the index was outside"), "{told:?}");
}
