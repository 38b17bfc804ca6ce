//! fentry and fexit, with arguments and results by their types.

use quadrant_testing::{COUNT, Program};

use super::needs_kprobes;
use crate::common::{assert_lines, attached, end, good, needs_loops, number, script, target};

#[test]
fn entries_with_typed_arguments() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "fentry:vfs_read /comm == \"syscalls\" && args.count == 1/ {
            @n = count(); @bytes = sum(args.count); @[str(args.file.f_path.dentry.d_name.name)] = count();
        }";
    let outcome = good(script(text).args(["-v", "-c", &format!("{syscalls} read {COUNT}")]));
    assert_lines(&outcome, &["@[zero]: 10007", "@bytes: 10007", "@n: 10007"]);
    assert!(outcome.stderr.contains(": a trampoline for each function\n"), "{}", outcome.describe());
}

#[test]
fn returns_with_arguments_and_a_typed_result() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "fexit:vfs_read /comm == \"syscalls\" && args.count == 1/ { @n = count(); @sum = sum(retval); }
        fexit:vfs_write /comm == \"syscalls\" && args.count == 1/ { @writes = count(); }";
    let outcome = good(script(text).args(["-c", &format!("{syscalls} read {COUNT}")]));
    assert_lines(&outcome, &["@n: 10007", "@sum: 10007"]);
}

#[test]
fn a_result_that_is_an_error() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "fexit:do_sys_openat2 /comm == \"syscalls\" && str(uptr(args.filename)) == \"/nowhere/at/all\"/ {
            @[retval, args.dfd] = count();
        }";
    let outcome = good(script(text).args(["-c", &format!("{syscalls} openat {COUNT} /nowhere/at/all")]));
    assert_lines(&outcome, &["@[-2, -100]: 10007"]);
}

#[test]
fn wildcard_over_functions() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "fentry:vfs_rea*,fentry:vfs_writ* /comm == \"syscalls\"/ { @[func] = count(); }
        fentry:vfs_read /comm == \"syscalls\" && args.count != 1/ { @others = count(); }";
    let outcome = good(script(text).args(["-c", &format!("{syscalls} read {COUNT}")]));
    let own = number(&outcome, "@[vfs_read]") - number(&outcome, "@others");
    assert_eq!(own, COUNT as i64, "{}", outcome.describe());
}

/// Before Linux 6.6 no trampoline leads to do_mmap: its return is then probed in another way, and a wildcard passes
/// over it.
#[test]
fn functions_with_more_arguments_than_registers_hold() {
    needs_kprobes!();
    let text = "kretprobe:do_mmap /comm == \"true\"/ { @mapped = count(); } fentry:do_m*map* { @entered = count(); }";
    let outcome = good(script(text).args(["-c", "/bin/true"]));
    assert!(number(&outcome, "@mapped") > 0, "{}", outcome.describe());
}

#[test]
fn functions_of_another_program() {
    needs_kprobes!();
    needs_loops!();
    let syscalls = target!("syscalls");
    // A program of several functions, as loops make it, has types for the kernel.
    let inner = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ {
            @seen = count(); $i = 0; while ($i < 3) { $i++; }
        }";
    let inner = attached(script(inner));
    let outer = "fentry:bpf:*main* /comm == \"syscalls\"/ { @n = count(); } fexit:bpf:*main* /comm == \"syscalls\"/ { @[retval] = count(); }";
    let outer = attached(script(outer));
    let target = Program::new(&syscalls).args(["getppid", &COUNT.to_string()]).run().unwrap();
    assert!(target.success(), "{}", target.describe());
    assert_lines(&end(outer), &["@[0]: 10007", "@n: 10007"]);
    assert_lines(&end(inner), &["@seen: 10007"]);
}
