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
    let message = refused(script("iter:t*:list { @ = count(); }"));
    assert!(message.contains("a file shows one iterator"), "{message}");
    let message = refused(script("iter:task { @ = ctx.tusk; }"));
    assert!(message.contains("has no member `tusk`"), "{message}");
}

/// What a shell prints that has a BPF file system of its own, where `$Q` is the tracer; `None` where none can be mounted.
fn with_files(line: &str) -> Option<Outcome> {
    let line = format!(
        "mount -t bpf bpf /sys/fs/bpf && Q='{}' && {line}",
        std::path::Path::new(&crate::common::binary()).display()
    );
    let outcome = Program::new("unshare").args(["-m", "sh", "-c", &line]).run().unwrap();
    let can = !outcome.stderr.contains("mount:") && !outcome.stderr.contains("unshare:");
    can.then_some(outcome)
}

/// Ends the calling test, as skipped, where there can be no such files.
macro_rules! with_files {
    ($($line:tt)*) => {
        match with_files(&format!($($line)*)) {
            Some(outcome) => outcome,
            None => return quadrant_testing::skip("no BPF file system can be mounted here"),
        }
    };
}

#[test]
fn one_that_stays_shows_each_time_what_is_there() {
    needs_root!();
    needs_iterator!("task_file");
    let shell = idle_shell();
    let text = format!(
        "iter:task_file:list /ctx.task.tgid == {} && ctx.fd > 4 && ctx.fd < 8/ {{ @n++; printf(\"%d %d\\n\", ctx.fd, @n); }} BEGIN {{ printf(\"begin\\n\"); }}",
        shell.pid()
    );
    let outcome = with_files!(
        "$Q -e 'BEGIN {{ exit(); }} iter:task:list {{ @[1] = 1; }}' && $Q -e '{text}' && cat /sys/fs/bpf/list && cat /sys/fs/bpf/list; $Q -e '{text}'"
    );
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    let walks = ["5 1", "6 2", "7 3", "5 4", "6 5", "7 6"];
    let lines: Vec<&str> = outcome.lines().into_iter().filter(|line| line.contains(' ')).collect();
    assert_eq!(lines[..6], walks, "{}", outcome.describe());
    // The one that finds the file has not begun.
    assert_eq!(outcome.lines().iter().filter(|line| **line == "begin").count(), 1, "{}", outcome.describe());
    assert!(outcome.stderr.contains("/sys/fs/bpf/list was not made: the script ended"), "{}", outcome.describe());
    for wanted in
        ["Program pinned to /sys/fs/bpf/list\n", "there already is such a file (EEXIST)", "rm /sys/fs/bpf/list"]
    {
        assert!(outcome.stderr.contains(wanted), "{}", outcome.describe());
    }
    end_idle(shell);
}

/// Formats are the kernel's, and mean what they mean in the tracer.
#[test]
fn a_file_has_the_text_that_the_tracer_would_print() {
    needs_root!();
    needs_iterator!("task");
    let comm = Program::new("/bin/sh").args(["-c", "exec -a x sleep 1000"]).start().unwrap();
    let statements = r#"
        $i = (int32)-5; $u = (uint32)4000000000; $b = (uint64)1 << 40; $l = (int64)-7; $s = ctx.task.comm;
        printf("%d|%5d|%-5d|%05d|%+d|% d|%i|%ld|%lld|%hhd|%hd|\n", $i, 7, 7, 7, 7, 7, $u, $l, $b, 258, 65537);
        printf("%u|%8u|%x|%08lx|%hx|%hhx|%x|%x|%lx|%p|%x|%d|%d|\n", $u, 7, $i, 18, 65537, 258, $l, $b, $l, 18, $u, $b, $u);
        printf("%s|%10s|%-10s|%.3s|%5.2s|%c|%3c|%-3c|%s|%s|100%%\n", $s, $s, $s, $s, $s, 65, 66, 67, $i < 0, $u == 0);
        printf("é%s|%6s|%-6s|%.1s|%s %s\n", "lit", "ab", "ab", "ab", $l, $b);
        printf("%s %s\n", str(kptr(1)), str($s, 3));
        print($l); print($b); print($s); print("own %d");
        if (ctx.task.pid > 0) { unroll(2) { printf("more %d\n", $i); } }
        printf("%d%d%d%d%d%d%d%d%d%d%d%d%d%d\n", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)"#;
    let clause = |file: &str| format!("iter:task{file} /ctx.task.pid == {}/ {{ {statements} }}", comm.pid());
    let outcome = with_files!("$Q -q -e '{}' > /dev/null && cat /sys/fs/bpf/shown", clause(":shown"));
    let printed = run(&clause(""));
    let wanted: Vec<&str> = printed.lines();
    assert!(wanted.len() > 10, "{}", printed.describe());
    assert_eq!(outcome.lines(), wanted, "{}", outcome.describe());
    comm.signal(Signal::KILL).unwrap();
    comm.finish().unwrap();
}

/// A terminal may show the file; one line stays one line.
#[test]
fn bytes_that_do_something_are_not_in_the_file() {
    needs_root!();
    needs_iterator!("task");
    let name = "a\x1b[2Jb\x7f\u{e9}";
    let line = "printf \"$1\" > /proc/self/comm; echo named; read nothing";
    let odd = Program::new("bash").args(["-c", line, "sh", name]).with_input().start().unwrap();
    odd.wait_for_stdout("named").unwrap();
    let clause =
        format!(r#"iter:task:odd /ctx.task.pid == {}/ {{ printf("%s|%c\n", ctx.task.comm, 27); }}"#, odd.pid());
    let outcome = with_files!("$Q -q -e '{clause}' > /dev/null && cat /sys/fs/bpf/odd");
    assert_eq!(outcome.stdout, "a?[2Jb???|?\n", "{}", outcome.describe());
    end_idle(odd);
}

/// The script's own text behind what is cut is whole; what stands for an unreadable text and truth values are not limited.
#[test]
fn only_texts_of_programs_are_limited_and_made_harmless() {
    needs_root!();
    needs_iterator!("task");
    let statements = r#"
        printf("%5.1s|%-7.0s|%.2s\n", true, true, false);
        printf("%.3s|%.3s|%10.3s\n", str(kptr(1)), "abcdef", str(kptr(1)));
        $names = (uint64)ctx.task.nsproxy.uts_ns + offsetof(struct uts_namespace, name);
        $long = kptr($names + offsetof(struct new_utsname, version));
        printf("%s|%.3s\n", str($long), str($long));"#;
    let clause = |file: &str| {
        format!(
            r#"config = {{ max_strlen = 8; str_trunc_trailer = "é…" }} iter:task{file} /(uint64)ctx.task == (uint64)curtask/ {{ {statements} }}"#
        )
    };
    let clause_of_file = clause(":limited");
    let outcome = with_files!("$Q -q -e '{clause_of_file}' > /dev/null && cat /sys/fs/bpf/limited");
    let printed = run(&clause(""));
    assert!(printed.stdout.contains("é…"), "{}", printed.describe());
    assert_eq!(outcome.lines(), printed.lines(), "{}", outcome.describe());
}

/// More than the kernel's buffer holds: no object is missing, and none counts twice.
#[test]
fn a_long_walk_counts_each_object_once() {
    needs_root!();
    needs_iterator!("task_file");
    let shell = idle_shell();
    // The tests' own files are among those that are walked over: more than fit into what is shown at once.
    let held: Vec<_> = (0..300).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
    let clause = r#"iter:task_file:long { @n++; printf("%d %250s\n", @n, ""); }"#;
    let outcome = with_files!("$Q -q -e '{clause}' > /dev/null && cat /sys/fs/bpf/long");
    let numbers: Vec<usize> = outcome.lines().iter().filter_map(|line| line.trim().parse().ok()).collect();
    assert!(numbers.len() > held.len(), "{} lines", numbers.len());
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    end_idle(shell);
}

#[test]
fn what_a_file_cannot_show() {
    needs_root!();
    needs_iterator!("task");
    let refusals = [
        ("time();", "time() in an iterator that stays as a file"),
        ("exit();", "exit() in an iterator"),
        ("@[1] = 1; print(@);", "print() of a map"),
        ("@ = count(); clear(@);", "clear()"),
        (r#"printf("%o", 1);"#, "`%o`"),
        (r#"printf("%#x", 1);"#, "`%#x`"),
        (r#"printf("%.3d", 1);"#, "`%.3d`"),
        (r#"printf("%*d", 3, 1);"#, "`*`"),
        (r#"printf("%r", buf(ctx.task.comm, 4));"#, "`%r`"),
        (r#"printf("%s", ksym(ctx.task.sched_class));"#, "neither number nor text"),
        ("print((1, 2));", "neither number nor text"),
        (r#"printf("%300s", ctx.task.comm);"#, "wider than 255"),
    ];
    for (statements, wanted) in refusals {
        let message = refused(script(&format!("iter:task:list {{ {statements} }}")));
        assert!(message.contains(wanted) && message.contains("not supported"), "{statements}: {message}");
    }
    let message = refused(script("iter:task:/proc/list { @ = count(); }"));
    assert!(message.contains("not in a BPF file system") && !message.contains("mount -t bpf"), "{message}");
    if iterators().contains("iter:cgroup") {
        let message = refused(script("iter:cgroup:list { printf(\"x\"); }"));
        assert!(message.contains("does not go on with that walk"), "{message}");
    }
    for iterator in ["iter:task", "iter:task:list"] {
        let clause = format!("{iterator} {{ printf(\"x\"); }}");
        let message = refused(quadrant().args(["record", "-o", "/dev/null", "-e", &clause]));
        assert!(message.contains("an iterator cannot be recorded"), "{message}");
    }
    let message = refused(script("iter:task:a.b { @ = count(); }"));
    assert!(message.contains("without dots"), "{message}");
}

#[test]
fn two_iterators_with_one_file() {
    needs_root!();
    needs_iterator!("task_file");
    let message = refused(script("BEGIN { printf(\"begin\"); } iter:task:twice { } iter:task_file:twice { }"));
    assert!(message.contains("two iterators of the script would stay as /sys/fs/bpf/twice"), "{message}");
    assert!(!message.contains("begin"), "{message}");
}
