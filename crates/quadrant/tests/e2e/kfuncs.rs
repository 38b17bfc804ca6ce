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
