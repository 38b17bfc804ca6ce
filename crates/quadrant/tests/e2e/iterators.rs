//! Iterators: what the kernel shows against what /proc says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use quadrant_testing::{Outcome, Program, Running, Signal};

use crate::common::{assert_lines, attached, needs_root, number, quadrant, refused, run, script, target};

/// Ends the calling test, as skipped, where the kernel has no such iterator.
macro_rules! needs_iterator {
    ($object:literal) => {
        if !iterators().contains(concat!("iter:", $object)) {
            return quadrant_testing::skip(concat!("this kernel has no iterator over ", $object));
        }
    };
}

fn iterators() -> BTreeSet<String> {
    let listed = quadrant().args(["-l", "iter:*"]).run().expect("the tracer runs");
    listed.lines().into_iter().map(str::to_owned).collect()
}

/// A shell with some more open files, which does nothing.
fn idle_shell() -> Running {
    let opened = "exec 5</dev/null 6</dev/zero 7</dev/full; echo ready; read nothing";
    let shell = Program::new("/bin/sh").args(["-c", opened]).with_input().start().expect("there is a shell");
    shell.wait_for_stdout("ready").expect("it says so");
    shell
}

fn end_idle(mut shell: Running) {
    shell.close_input();
    shell.finish().expect("it can be waited for");
}

/// Waits until a process has so many threads.
fn wait_for_threads(pid: u32, wanted: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    while threads(pid).len() < wanted {
        assert!(Instant::now() < until, "{} threads", threads(pid).len());
        std::thread::yield_now();
    }
}

fn threads(pid: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut names: Vec<String> = tasks.flatten().map(|task| task.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn sorted(outcome: &Outcome) -> Vec<&str> {
    let mut lines = outcome.lines();
    lines.sort_unstable();
    lines
}

#[test]
fn all_threads_of_a_process() {
    needs_root!();
    needs_iterator!("task");
    let sleepers = target!("sleepers");
    let running = Program::new(&sleepers).args(["100000", "13", "999999"]).start().unwrap();
    wait_for_threads(running.pid(), 14);
    let text = format!(
        "iter:task /ctx.task.tgid == {}/ {{ printf(\"%d\\n\", ctx.task.pid); @[ctx.task.comm] = count(); }}",
        running.pid()
    );
    let outcome = run(&format!("{text} END {{ clear(@); }}"));
    assert_eq!(sorted(&outcome), threads(running.pid()), "{}", outcome.describe());
    assert_lines(&run(&text.replace("printf(\"%d\\n\", ctx.task.pid); ", "")), &["@[sleepers]: 14"]);
    running.signal(Signal::KILL).unwrap();
    running.finish().unwrap();
}

#[test]
fn all_open_files_of_a_process() {
    needs_root!();
    needs_iterator!("task_file");
    let shell = idle_shell();
    let outcome = run(&format!(
        "iter:task_file /ctx.task.tgid == {}/ {{ printf(\"%d %s\\n\", ctx.fd, str(ctx.file.f_path.dentry.d_name.name)); }}",
        shell.pid()
    ));
    let files = std::fs::read_dir(format!("/proc/{}/fd", shell.pid())).unwrap().flatten().count();
    assert_eq!(outcome.lines().len(), files, "{}", outcome.describe());
    for line in ["5 null", "6 zero", "7 full"] {
        assert!(outcome.lines().contains(&line), "{}", outcome.describe());
    }
    end_idle(shell);
}

#[test]
fn all_memory_of_a_process() {
    needs_root!();
    needs_iterator!("task_vma");
    let shell = idle_shell();
    let outcome = run(&format!(
        "iter:task_vma /ctx.task.tgid == {}/ {{ printf(\"%08lx-%08lx\\n\", ctx.vma.vm_start, ctx.vma.vm_end); }}",
        shell.pid()
    ));
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", shell.pid())).unwrap();
    // The page of old system calls is the same for all and belongs to nobody.
    let own = maps.lines().filter(|line| !line.ends_with("[vsyscall]"));
    let wanted: Vec<&str> = own.filter_map(|line| line.split(' ').next()).collect();
    assert_lines(&outcome, &wanted);
    end_idle(shell);
}

/// A walk goes at full speed; it waits when nobody has read what it printed.
#[test]
fn a_walk_prints_more_than_the_ring_buffer_holds() {
    needs_root!();
    needs_iterator!("task_file");
    let shell = idle_shell();
    let outcome = run("config = { perf_rb_pages = 1 }
        iter:task_file { printf(\"%d %256s\\n\", ctx.fd, \"\"); @ = count(); @bytes = sum(258); }");
    let printed = outcome.lines().into_iter().filter(|line| line.len() > 256).count();
    assert_eq!(i64::try_from(printed).unwrap(), number(&outcome, "@"), "{}", outcome.describe());
    assert!(number(&outcome, "@bytes") > 4096, "{}", outcome.describe());
    assert!(!outcome.stderr.contains("lost"), "{}", outcome.describe());
    end_idle(shell);
}

#[test]
fn a_walk_is_between_begin_and_end_and_exit_ends_it() {
    needs_root!();
    needs_iterator!("task");
    let outcome = run("END { printf(\"over\\n\"); } iter:task { @ = count(); } BEGIN { printf(\"first\\n\"); }");
    assert_eq!(outcome.lines()[..2], ["first", "over"], "{}", outcome.describe());
    assert!(number(&outcome, "@") > 1);
    let outcome = script("iter:task { @ = count(); exit(7); }").run().unwrap();
    assert_eq!(outcome.code(), Some(7), "{}", outcome.describe());
    assert_lines(&outcome, &["@: 1"]);
}

#[test]
fn walks_go_with_other_probes() {
    needs_root!();
    needs_iterator!("task");
    let tracer = attached(script(
        "iter:task,iter:bpf_m?p { @[probe] = count(); } iter:bpf_prog { printf(\"walked\\n\"); } interval:ms:1 { @i = 1; }",
    ));
    tracer.wait_for_stdout("walked").unwrap();
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert!(number(&outcome, "@[iter:task]") > 1 && number(&outcome, "@[iter:bpf_map]") > 0, "{}", outcome.describe());
}

#[test]
fn arguments_are_listed() {
    needs_root!();
    needs_iterator!("task_file");
    let listed = quadrant().args(["-v", "-l", "iter:task_file"]).run().unwrap();
    let wanted = [
        "iter:task_file",
        "    struct bpf_iter_meta * meta",
        "    struct task_struct * task",
        "    u32 fd",
        "    struct file * file",
    ];
    assert_lines(&listed, &wanted);
}

#[test]
fn what_there_is_not() {
    needs_root!();
    needs_iterator!("task");
    let message = refused(script("iter:tasks { @ = count(); }"));
    assert!(message.contains("no iterator `tasks`") && message.contains("`task`"), "{message}");
    let message = refused(script("iter:task:list { @ = count(); }"));
    assert!(message.contains("the file `list`") && message.contains("`iter:task` ends"), "{message}");
    let message = refused(script("iter:task { @ = ctx.tusk; }"));
    assert!(message.contains("has no member `tusk`"), "{message}");
}
