//! fentry and fexit, with arguments and results by their types.

use quadrant_testing::{COUNT, Program};

use super::needs_kprobes;
use crate::common::{assert_lines, attached, end, good, needs_loops, number, quadrant, refused, script, target};

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

/// The kernel's types do not say that the pointer is the program's.
#[test]
fn text_of_the_program_behind_an_argument() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    let text = "fentry:do_sys_openat2 /comm == \"syscalls\" && str(args.filename) == \"/nowhere/at/all\"/ { @n = count(); }
        fexit:vfs_read /comm == \"syscalls\" && args.count == 1/ { @[str(args.file.f_path.dentry.d_name.name), *args.buf] = count(); }";
    let outcome = good(script(text).args(["-c", &format!("{syscalls} openat {COUNT} /nowhere/at/all")]));
    assert_lines(&outcome, &["@n: 10007"]);
    let outcome = good(script(text).args(["-c", &format!("{syscalls} read {COUNT}")]));
    assert_lines(&outcome, &["@[zero, 0]: 10007"]);
}

/// The tracer's own program, whose name is another one in each trace, is no part of the kernel's stack.
#[test]
fn stacks_begin_at_the_function_or_event() {
    needs_kprobes!();
    let syscalls = target!("syscalls");
    for (probe, first) in [
        ("fentry:vfs_read", &["vfs_read+"][..]),
        // Where the trampoline returns to the caller, the function has no frame any more (Linux 7.2).
        ("fexit:vfs_read", &["vfs_read+", "ksys_read+"]),
        ("rawtracepoint:sched_process_exit", &["do_exit+"]),
    ] {
        let text = format!("{probe} /comm == \"syscalls\" && !@n/ {{ @n = 1; printf(\"%s\", kstack(2)); }}");
        let outcome = good(script(&text).args(["-c", &format!("{syscalls} read 3")]));
        let top = outcome.stdout.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        assert!(
            first.iter().any(|name| top.starts_with(name)) && !outcome.stdout.contains("bpf"),
            "{probe}: {}",
            outcome.describe()
        );
    }
}

#[test]
fn returns_that_never_come_are_refused_or_told() {
    needs_kprobes!();
    let told = "`do_exit` never returns: a probe on its return never fires";
    for probe in ["fexit:do_exit", "fexit:do_exi*", "kretprobe:do_exi*", "fexit:do_exit, fexit:vfs_read"] {
        let message = refused(script(&format!("{probe} {{ @++; }}")));
        assert!(message.contains(told), "{probe}: {message}");
    }
    let outcome = good(script("kretprobe:do_exit { @++; } BEGIN { exit(); }"));
    assert!(outcome.stderr.contains(told), "{}", outcome.describe());
    let outcome = good(script("fexit:do_exit*, fexit:vfs_mkd* { @++; } BEGIN { exit(); }"));
    assert!(outcome.stderr.contains("`do_exit` "), "{}", outcome.describe());
    let both = "fbt::do_exit: /execname == \"true\"/ { @[probename] = count(); }";
    let outcome = good(quadrant().args(["dtrace", "-qn", both, "-c", "/bin/true"]));
    assert!(outcome.stdout.contains("entry") && outcome.stderr.contains(told), "{}", outcome.describe());
}

#[test]
fn names_by_number_and_of_system_calls_are_told() {
    needs_kprobes!();
    let message = refused(script("fentry:vfs_read { print(arg2); }"));
    assert!(message.contains("its arguments have names: `args.count`"), "{message}");
    let message = refused(script("kprobe:sys_read { @++; }"));
    assert!(message.contains("the system call's is called `__") && message.contains("_sys_read`"), "{message}");
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

/// Functions of the verifier's numbers, which take and return whole structs of two words: what trampolines do not pass on, all or some of
/// it, depends on the kernel.
#[test]
fn a_wildcard_leaves_out_where_no_program_can_be() {
    needs_kprobes!();
    let outcome = script("fentry:tnum_a* { @ = count(); } interval:ms:1 { exit(); }").run().expect("the tracer runs");
    let told = [" left out: ", "no program can be at fentry:vmlinux:tnum_"];
    assert!(told.iter().any(|told| outcome.stderr.contains(told)), "{}", outcome.describe());
    assert!(!outcome.stderr.contains("fault of quadrant"), "{}", outcome.describe());
    let message = refused(script("fentry:tnum_add { @++; }"));
    assert!(
        message.contains("no program can be at fentry:vmlinux:tnum_add: ") && message.contains("`kprobe`"),
        "{message}"
    );
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
