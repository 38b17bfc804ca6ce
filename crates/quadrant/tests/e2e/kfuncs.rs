//! Functions of the kernel that programs may call.

use crate::common::{good, needs_root, script};

#[test]
fn what_is_allowed_depends_on_the_kind_of_probe() {
    needs_root!();
    let text = "rawtracepoint:sys_enter {
            if (kfunc_exist(\"bpf_task_from_pid\") && kfunc_exist(\"bpf_rcu_read_lock\")) {
                print((kfunc_allowed(\"bpf_task_from_pid\"), kfunc_allowed(\"bpf_rcu_read_lock\")));
            } else { print((true, true)); }
            print((kfunc_allowed(\"vfs_read\"), kfunc_allowed(\"there_is_no_such_function\")));
            exit();
        }";
    let outcome = good(script(text));
    assert!(outcome.stdout.contains("(true, true)\n(false, false)\n"), "{}", outcome.describe());
}

/// Functions of texts, which programs of all kinds may call since Linux 6.17.
#[test]
fn functions_of_the_kernel_are_called_by_name() {
    needs_root!();
    let text = "BEGIN {
            if comptime kfunc_allowed(\"bpf_strlen\") {
                $text = \"hi you\";
                print((bpf_strlen(\"hello\"), bpf_strlen(&$text), bpf_strlen($text), bpf_strcmp(\"a\", \"b\")));
            } else { print((5, 6, 6, -1)); }
            exit();
        }";
    assert_eq!(good(script(text)).stdout.trim(), "(5, 6, 6, -1)");
}

#[test]
fn what_a_function_gives_can_be_tested_used_and_given_back() {
    needs_root!();
    let text = "interval:ms:1 {
            if comptime kfunc_allowed(\"bpf_task_from_pid\") {
                $task = bpf_task_from_pid(curtask->pid);
                if ($task) { print($task->pid == curtask->pid); bpf_task_release($task); } else { print(true); }
            } else { print(true); }
            exit();
        }";
    assert_eq!(good(script(text)).stdout.trim(), "true");
}

#[test]
fn what_a_function_gives_can_be_compared_with_zero() {
    needs_root!();
    for (test, then, other) in
        [("$task != 0", "use", "none"), ("0 == $task", "none", "use"), ("!($task == 0)", "use", "none")]
    {
        let text = "interval:ms:1 {
                if comptime kfunc_allowed(\"bpf_task_from_pid\") {
                    $task = bpf_task_from_pid(curtask->pid);
                    if (TEST) { THEN } else { OTHER }
                } else { print(true); }
                exit();
            }";
        let part = |which| match which {
            "use" => "print($task->pid == curtask->pid); bpf_task_release($task);",
            _ => "print(true);",
        };
        let text = text.replace("TEST", test).replace("THEN", part(then)).replace("OTHER", part(other));
        assert_eq!(good(script(&text)).stdout.trim(), "true", "{test}");
    }
}

#[test]
fn a_tracepoint_stays_one_for_what_raw_ones_may_not_call() {
    needs_root!();
    let text = "tracepoint:raw_syscalls:sys_enter {
            if comptime kfunc_allowed(\"bpf_task_from_pid\") {
                $task = bpf_task_from_pid(0);
                if ($task) { bpf_task_release($task); }
            }
            print(\"done\"); exit();
        }";
    // Another processor may be at the probe before it has gone.
    assert_eq!(good(script(text)).stdout.lines().next(), Some("done"));
}

#[test]
fn what_may_not_be_called_is_said() {
    needs_root!();
    let outcome = script("BEGIN { vfs_read(1); }").run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(1));
    let said = &outcome.stderr;
    assert!(said.contains("the kernel does not let a probe of type `begin` call vfs_read()"), "{said}");
    let outcome = script("BEGIN { there_is_no_such_function(1); }").run().expect("the tracer runs");
    assert!(outcome.stderr.contains("unknown function `there_is_no_such_function`"), "{}", outcome.describe());
}

/// No process has the largest number that there is.
#[test]
fn names_of_other_tasks_are_looked_up_in_the_kernel() {
    needs_root!();
    let own = std::process::id();
    let text = format!(
        "interval:ms:1 {{
            print(comm({own}));
            @by[comm({own})] = count();
            print(comm(0x7fffffff) == \"\");
            exit();
        }}"
    );
    let outcome = script(&text).run().expect("the tracer runs");
    let reasons =
        ["the tracer sees others", "needs the kernel's bpf_task_from_pid()", "cannot be used in a probe of type"];
    if let Some(reason) = reasons.iter().find(|reason| outcome.stderr.contains(**reason)) {
        return quadrant_testing::skip(reason);
    }
    let name = std::fs::read_to_string(format!("/proc/{own}/comm")).expect("this is a process");
    let name = name.trim();
    assert!(outcome.stdout.starts_with(&format!("{name}\ntrue\n")), "{}", outcome.describe());
    assert!(outcome.stdout.contains(&format!("@by[{name}]: 1\n")), "{}", outcome.describe());
    assert!(outcome.stderr.contains("No such process (pid=2147483647)"), "{}", outcome.describe());
}
