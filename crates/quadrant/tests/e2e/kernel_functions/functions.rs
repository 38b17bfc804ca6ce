//! Functions of the language that only some kernels allow.

use super::needs_kprobes;
use crate::common::{assert_lines, good, needs_loops, script};

#[test]
fn memory_of_the_process_is_written() {
    needs_kprobes!();
    let text = "tracepoint:syscalls:sys_enter_write /comm == \"bash\" && args.fd == 1/ {
            write_user(args.buf, \"HE\", 2); write_user(args.buf + 4, (uint8)79);
        }
        tracepoint:syscalls:sys_enter_openat /comm == \"bash\"/ { @n++; if (@n == 1) { write_user(0, 1); } }";
    let outcome = good(script(text).args(["--unsafe", "-c", "bash -c 'echo hello; : < /dev/null'"]));
    assert!(outcome.stdout.contains("HEllO\n"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("LOST: 1 write at"), "{}", outcome.describe());
}

#[test]
fn variables_of_each_processor() {
    needs_kprobes!();
    let text = "BEGIN {
            $first = (struct rq *)percpu_kaddr(\"runqueues\", 0); $second = (struct rq *)percpu_kaddr(\"runqueues\", 1);
            $own = (struct rq *)percpu_kaddr(\"runqueues\");
            print(($first->cpu, $second->cpu, $own->cpu == cpu, percpu_kaddr(\"runqueues\", 99)));
            exit();
        }";
    let outcome = good(script(text));
    assert_lines(&outcome, &["(0, 1, true, 0x0)"]);
}

#[test]
fn names_of_files_from_any_probe() {
    needs_kprobes!();
    needs_loops!();
    let text = "kprobe:vfs_open /comm == \"bash\"/ { @[path((struct path *)arg0)] = count(); }";
    let outcome = good(script(text).args(["-c", "bash -c ': < /proc/self/net/../status'"]));
    assert!(
        outcome.stdout.lines().any(|line| line.starts_with("@[/proc/") && line.ends_with("/status]: 1")),
        "{}",
        outcome.describe()
    );
}
