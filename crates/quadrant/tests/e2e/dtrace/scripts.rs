//! One-liners that books and manuals show, and scripts in their manner, unchanged: with right answers for known work.

use std::time::Duration;

use quadrant_testing::{Outcome, Program};

use super::{dtrace, number, quietly, quietly_on};
use crate::common::{good, needs_root, refused, target};

/// Calls that the target `syscalls` makes.
const CALLS: i64 = 10_007;

/// Runs a one-liner, not quietly, on a command.
fn on(command: &str, text: &str) -> Outcome {
    good(dtrace().args(["-n", text, "-c", command]))
}

fn syscalls(call: &str) -> Option<String> {
    let path = quadrant_testing::target("syscalls").ok()?;
    Some(format!("{} {call} {CALLS}", path.display()))
}

/// The command that makes many system calls of a kind; ends the calling test, as skipped, where it cannot be made.
macro_rules! syscalls {
    ($call:literal) => {
        match syscalls($call) {
            Some(command) => command,
            None => return quadrant_testing::skip("there is no compiler for targets"),
        }
    };
}

#[test]
fn system_calls_by_call() {
    needs_root!();
    let outcome = on(&syscalls!("getppid"), "syscall:::entry { @num[probefunc] = count(); }");
    assert!(number(&outcome, "getppid") >= CALLS, "{}", outcome.describe());
    assert!(outcome.stderr.contains("matched "), "{}", outcome.describe());
}

#[test]
fn system_calls_by_program() {
    needs_root!();
    let outcome = on(&syscalls!("getppid"), "syscall:::entry { @num[execname] = count(); }");
    assert!(number(&outcome, "syscalls") >= CALLS, "{}", outcome.describe());
    let outcome = on(&syscalls!("getppid"), "syscall:::entry /pid == $target/ { @num[pid, execname] = count(); }");
    assert!(number(&outcome, "syscalls") >= CALLS, "{}", outcome.describe());
}

#[test]
fn system_calls_by_process() {
    needs_root!();
    let outcome = on(&syscalls!("getppid"), "syscall:::entry { @num[pid, execname, probefunc] = count(); }");
    let rows = outcome.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let counts: Vec<i64> = rows
        .filter(|words| matches!(words[..], [_, "syscalls", "getppid", _]))
        .filter_map(|words| words[3].parse().ok())
        .collect();
    assert_eq!(counts, [CALLS], "{}", outcome.describe());
}

#[test]
fn files_opened_by_name() {
    needs_root!();
    let outcome =
        on("/bin/cat /nowhere/at/all", "syscall::open*:entry { printf(\"%s %s\", execname, copyinstr(arg0)); }");
    assert!(outcome.stdout.contains("cat /nowhere/at/all"), "{}", outcome.describe());
    let outcome = quietly_on(
        "/bin/cat /nowhere/at/all",
        "syscall::openat:entry { printf(\"%-16s %s\\n\", execname, copyinstr(arg1)); }",
    );
    assert!(outcome.lines().contains(&"cat              /nowhere/at/all"), "{}", outcome.describe());
}

#[test]
fn new_programs_with_their_arguments() {
    needs_root!();
    let outcome = on("/bin/echo one two", "proc:::exec-success { trace(curpsinfo->pr_psargs); }");
    assert!(outcome.stdout.contains("/bin/echo one two"), "{}", outcome.describe());
    let outcome = quietly_on(
        "/bin/echo one two",
        "syscall::exec*:return { printf(\"%Y %s\\n\", walltimestamp, curpsinfo->pr_psargs); }",
    );
    let line = outcome.stdout.lines().find(|line| line.ends_with(" /bin/echo one two"));
    assert!(line.is_some_and(|line| line.starts_with("20")), "{}", outcome.describe());
}

#[test]
fn bytes_read_by_program() {
    needs_root!();
    let outcome = on(&syscalls!("read"), "sysinfo:::readch { @bytes[execname] = sum(arg0); }");
    assert!(number(&outcome, "syscalls") >= CALLS, "{}", outcome.describe());
    let outcome = on(&syscalls!("write"), "sysinfo:::writech { @dist[execname] = quantize(arg0); }");
    assert!(outcome.stdout.contains("value  ------------- Distribution ------------- count"), "{}", outcome.describe());
}

#[test]
fn page_faults_by_program() {
    needs_root!();
    let outcome = on("/bin/true", "vminfo:::as_fault { @mem[execname] = sum(arg0); }");
    assert!(number(&outcome, "true") > 10, "{}", outcome.describe());
}

#[test]
fn signals_with_sender_and_target() {
    needs_root!();
    let outcome = on(
        "/bin/sh -c 'trap : USR1; kill -USR1 $$; sleep 0'",
        "proc:::signal-send /pid/ { printf(\"%s -%d %d\", execname, args[2], args[1]->pr_pid); }",
    );
    assert!(outcome.stdout.contains("sh -10 "), "{}", outcome.describe());
}

#[test]
fn allocations_by_stack() {
    needs_root!();
    // Threads have their room from calloc; the first text that is printed comes out of malloc.
    let command = format!("{} 3 4", target!("threads"));
    let outcome =
        on(&command, "pid$target:libc:malloc:entry,pid$target:libc:calloc:entry { @[ustack()] = quantize(arg0); }");
    assert!(outcome.stdout.contains("`calloc"), "{}", outcome.describe());
    assert!(outcome.stdout.contains("Distribution"), "{}", outcome.describe());
}

#[test]
fn failed_reads_by_program_and_error() {
    needs_root!();
    let outcome = on("/bin/cat /", "syscall::read:return /errno/ { @[execname, errno] = count(); }");
    let line = outcome.stdout.lines().find(|line| line.trim_start().starts_with("cat "));
    let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["cat", "21", "1"], "{}", outcome.describe());
}

#[test]
fn calls_and_returns_are_indented() {
    needs_root!();
    let calls = target!("calls");
    let outcome = good(dtrace().args([
        "-F",
        "-n",
        "pid$target:a.out:target_*:entry,pid$target:a.out:target_*:return",
        "-c",
        &format!("{calls} 1"),
    ]));
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
    assert_eq!(lines[0], "CPU FUNCTION", "{}", outcome.describe());
    let flow: Vec<&str> = lines[1..].iter().filter_map(|line| line.get(4..)).collect();
    let expected =
        ["-> target_call", "<- target_call", "-> target_many", "<- target_many", "-> target_point", "<- target_point"];
    let expected = expected.map(|row| format!(" {row}"));
    assert_eq!(flow, expected, "{}", outcome.describe());
}

/// A return probe where a program starts would take the place of the number of its arguments: it is left out, and the program runs as
/// without a trace.
#[test]
fn all_calls_and_returns_of_a_program_are_indented() {
    needs_root!();
    let calls = target!("calls");
    let text = "pid$target:a.out::entry,pid$target:a.out::return";
    let outcome = good(dtrace().args(["-F", "-n", text, "-c", &format!("{calls} 2")]));
    let mut lines = outcome.stdout.lines().map(str::trim_end);
    assert_eq!(lines.next(), Some("CPU FUNCTION"), "{}", outcome.describe());
    let flow: Vec<&str> = lines.filter_map(|line| line.get(4..)).collect();
    // What the C library's start-up code has differs from one to the next; the program's own functions are all between those of main.
    let main = flow.iter().position(|row| row.trim() == "-> main").expect("main is entered");
    let depth = flow[main].len() - flow[main].trim_start().len();
    let own: Vec<&str> = flow[main..].iter().take(10).map(|row| &row[depth..]).collect();
    let expected = [
        "-> main",
        "  -> target_call",
        "  <- target_call",
        "  -> target_call",
        "  <- target_call",
        "  -> target_many",
        "  <- target_many",
        "  -> target_point",
        "  <- target_point",
        "<- main",
    ];
    assert_eq!(own, expected, "{}", outcome.describe());
    assert_eq!(flow.first().map(|row| row.trim()), Some("-> _start"), "{}", outcome.describe());
    // Whatever was entered is left, but for the start of all.
    let (mut open, mut left) = (Vec::new(), 0);
    for row in flow.iter().map(|row| row.trim()).filter(|row| !row.is_empty()) {
        match row.split_once(' ').expect("an arrow and a name") {
            ("->", function) => open.push(function),
            (_, function) => {
                assert_eq!(open.pop(), Some(function), "{}", outcome.describe());
                left += 1;
            }
        }
    }
    assert!(left >= 5 && open == ["_start"], "{open:?}: {}", outcome.describe());
    let outcome = dtrace().args(["-n", "pid$target:a.out:_start:return", "-c", &calls]).run().expect("it runs");
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.stderr.contains("it never returns"), "{}", outcome.describe());
}

#[test]
fn a_program_is_killed_by_its_name() {
    needs_root!();
    let text = "syscall::execve:return,syscall::exece:return /execname == \"sleep\" && pid == $target/ { raise(9); }";
    let outcome = good(dtrace().args(["-wn", text, "-c", "/bin/sleep 20"]).limit(Duration::from_secs(15)));
    assert!(outcome.stderr.contains("terminated by signal 9 (Killed)"), "{}", outcome.describe());
}

#[test]
fn kernel_stacks_by_sampling() {
    needs_root!();
    let outcome = quietly("profile-997 { @[stack()] = count(); } tick-300ms { trunc(@, 2); exit(0); }");
    assert!(outcome.stdout.contains('`') && outcome.stdout.contains("+0x"), "{}", outcome.describe());
}

/// Runs a program on a process that spins.
fn spinning(stacks: &str, text: &str) -> Outcome {
    let mut busy = Program::new(stacks).args(["0"]).with_input().start().expect("it starts");
    let outcome = good(dtrace().args(["-qn", text, "-p", &busy.pid().to_string()]));
    busy.close_input();
    busy.finish().expect("it ends");
    outcome
}

#[test]
fn user_stacks_by_sampling() {
    needs_root!();
    let text = "profile-997 /pid == $target/ { @[ustack()] = count(); } tick-500ms { exit(0); }";
    let outcome = spinning(&target!("stacks"), text);
    assert!(outcome.stdout.contains("stacks`target_spin+0x"), "{}", outcome.describe());
}

#[test]
fn samples_by_function() {
    needs_root!();
    let text = "profile-997 /arg1 && pid == $target/ { @u[ufunc(arg1)] = count(); } tick-500ms { exit(0); }";
    let outcome = spinning(&target!("stacks"), text);
    assert!(number(&outcome, "stacks`target_spin") > 10, "{}", outcome.describe());
    let text = "profile-997 /arg0/ { @k[func(arg0)] = count(); @m[mod(arg0)] = count(); } tick-300ms { exit(0); }";
    let outcome = quietly(text);
    assert!(outcome.stdout.contains("vmlinux"), "{}", outcome.describe());
}

#[test]
fn time_in_a_system_call() {
    needs_root!();
    let outcome = quietly_on(
        "/bin/sleep 0.1",
        "syscall::*nanosleep:entry /pid == $target/ { self->start = timestamp; }
         syscall::*nanosleep:return /self->start/ {
             @time[probefunc] = max((timestamp - self->start) / 1000000); self->start = 0;
         }",
    );
    let slept = number(&outcome, "clock_nanosleep");
    assert!((100..1000).contains(&slept), "{}", outcome.describe());
}

#[test]
fn processor_time_is_not_wall_time() {
    needs_root!();
    let outcome = quietly_on(
        "/bin/sleep 0.2",
        "syscall::*nanosleep:entry /pid == $target/ { self->t = timestamp; self->v = vtimestamp; }
         syscall::*nanosleep:return /self->t/ {
             printf(\"%d %d\\n\", timestamp - self->t > 200000000, vtimestamp - self->v < 100000000);
         }",
    );
    assert_eq!(outcome.lines(), ["1 1"], "{}", outcome.describe());
}

#[test]
fn a_profile_of_processors() {
    needs_root!();
    let outcome = quietly("profile-101hz { @[cpu] = count(); } tick-1s { exit(0); }");
    let counts: Vec<u64> =
        outcome.lines().iter().map(|line| line.split_whitespace().last().unwrap().parse().unwrap()).collect();
    // The kernel stops a clock that it finds too busy until the processor's next tick, which an idle one does not have.
    assert!(counts.iter().any(|count| (80..=110).contains(count)), "{}", outcome.describe());
    assert!(counts.iter().all(|count| *count <= 110), "{}", outcome.describe());
}

#[test]
fn ticks_come_on_one_processor() {
    needs_root!();
    let outcome = quietly(
        "int64_t first; tick-10ms /!first/ { first = timestamp; } tick-10ms { n++; last = timestamp; }
         tick-505ms { printf(\"%d %d\\n\", n, (last - first) / 10000000); exit(0); }",
    );
    let (ticks, time) = outcome.lines()[0].split_once(' ').unwrap();
    let (ticks, time): (u64, u64) = (ticks.parse().unwrap(), time.parse().unwrap());
    assert!(ticks >= 2 && ticks <= time + 2, "{}", outcome.describe());
}

#[test]
fn scheduling_on_and_off() {
    needs_root!();
    let outcome = quietly_on(
        "/bin/sh -c 'for i in 1 2 3; do /bin/sleep 0.01; done'",
        "sched:::off-cpu /execname == \"sleep\"/ { @off[execname] = count(); }
         sched:::on-cpu /execname == \"sleep\"/ { @on[execname] = count(); }",
    );
    assert!(number(&outcome, "sleep") >= 3, "{}", outcome.describe());
}

#[test]
fn lives_of_processes() {
    needs_root!();
    let outcome = quietly_on(
        "/bin/sh -c '/bin/true; :'",
        "proc:::create /pid == $target/ { printf(\"create\\n\"); }
         proc:::exit /execname == \"true\" && progenyof($target)/ { printf(\"exit %d\\n\", args[0]); }",
    );
    assert_eq!(outcome.lines(), ["create", "exit 1"], "{}", outcome.describe());
}

#[test]
fn static_probes_of_a_program() {
    needs_root!();
    let usdt = target!("usdt");
    let outcome = quietly_on(&format!("{usdt} 1000"), "demo$target:::hit { @[copyinstr(arg1)] = sum(arg0); }");
    assert_eq!(number(&outcome, "hello"), 499_500);
}

#[test]
fn tracepoints_as_static_probes_of_the_kernel() {
    needs_root!();
    let outcome = quietly_on("/bin/true", "sdt:sched::sched_process_exec { @[execname] = count(); }");
    assert_eq!(number(&outcome, "true"), 1, "{}", outcome.describe());
    let outcome = quietly_on("/bin/true", "rawtp:sched::sched_process_exec { @[execname] = count(); }");
    assert_eq!(number(&outcome, "true"), 1, "{}", outcome.describe());
}

/// `rawtp` has what the kernel hands to the tracepoint instead.
#[test]
fn what_tracepoints_record_is_the_arguments_of_static_probes_of_the_kernel() {
    needs_root!();
    let recorded =
        "sdt:sched::sched_process_exec /args[1] == $target/ { printf(\"%s %d\\n\", stringof(args[0]), arg1 == pid); }";
    assert_eq!(quietly_on("/bin/true", recorded).lines(), ["/bin/true 1"]);
    let handed = "rawtp:sched::sched_process_exec /args[0]->tgid == $target/ { printf(\"%d\\n\", arg1 == pid); }";
    assert_eq!(quietly_on("/bin/true", handed).lines(), ["1"]);
    // More events than one looks up the types of.
    let many =
        "sdt:sched::sched_process_exec, sdt:sched:: /probename == \"sched_process_exec\" && arg1 == $target/ { n++; }
                END { printf(\"%d\\n\", n); }";
    assert_eq!(quietly_on("/bin/true", many).lines(), ["2"]);
}

#[test]
fn a_report_every_second() {
    needs_root!();
    let text = "#pragma D option quiet
        dtrace:::BEGIN { printf(\"%-10s %8s\\n\", \"PROGRAM\", \"CALLS\"); }
        syscall::getppid:entry /pid == $target/ { @calls[execname] = count(); }
        profile:::tick-1s, dtrace:::END { printa(\"%-10s %@8d\\n\", @calls); trunc(@calls); }";
    let outcome = good(dtrace().args(["-n", text, "-c", &syscalls!("getppid")]));
    let counts = outcome
        .lines()
        .iter()
        .filter_map(|line| line.strip_prefix("syscalls   ")?.trim().parse::<i64>().ok())
        .sum::<i64>();
    assert_eq!(counts, CALLS, "{}", outcome.describe());
}

#[test]
fn file_names_between_entry_and_return() {
    needs_root!();
    let text = "syscall::open*:entry /pid == $target/ { self->path = arg0; self->ok = 1; }
        syscall::open*:return /self->ok && errno/ { printf(\"%d %s\\n\", errno, copyinstr(self->path)); }
        syscall::open*:return /self->ok/ { self->ok = 0; self->path = 0; }";
    let outcome = quietly_on("/bin/cat /nowhere/at/all", text);
    assert!(outcome.lines().contains(&"2 /nowhere/at/all"), "{}", outcome.describe());
}

#[test]
fn block_devices() {
    needs_root!();
    let file = crate::common::folder("block").join("data");
    let write = |file: &std::path::Path| {
        let of = format!("of={}", file.display());
        Program::new("dd").args(["if=/dev/zero", &of, "bs=4096", "count=8", "oflag=direct"]).run()
    };
    if !write(&file).is_ok_and(|outcome| outcome.success()) {
        return quadrant_testing::skip("no file here can be written past the cache");
    }
    let command = format!("dd if=/dev/zero of={} bs=4096 count=8 oflag=direct", file.display());
    let outcome = quietly_on(&command, "io:::start /execname == \"dd\"/ { @size[execname] = sum(args[0]->b_bcount); }");
    match outcome.stdout.contains("dd") {
        true => assert!(number(&outcome, "dd") >= 8 * 4096, "{}", outcome.describe()),
        false => quadrant_testing::skip("this file is on no block device"),
    }
}

#[test]
fn packets_and_connections() {
    needs_root!();
    let outcome = quietly_on(
        "/bin/true",
        "ip:::send,tcp:::send,udp:::send { @[probeprov] = count(); } BEGIN { printf(\"on\\n\"); }",
    );
    assert_eq!(outcome.lines().first(), Some(&"on"), "{}", outcome.describe());
}

#[test]
fn constants_of_other_systems() {
    needs_root!();
    let outcome = quietly("BEGIN { printf(\"%s %d\\n\", zonename, curpsinfo->pr_pid == pid); exit(0); }");
    assert_eq!(outcome.lines(), ["global 1"]);
}

#[test]
fn symbols_of_the_kernel_are_those_of_the_module_that_is_named() {
    needs_root!();
    let text = "BEGIN { printf(\"%d\\n\", (uint64_t)&printk`vfs_read == (uint64_t)&vmlinux`vfs_read); exit(0); }";
    assert_eq!(good(dtrace().args(["-qn", text])).lines(), ["1"], "printk is built in");
    let message = refused(dtrace().args(["-qn", "BEGIN { trace((uint64_t)&nosuch`vfs_read); exit(0); }"]));
    assert!(message.contains("failed to resolve nosuch`vfs_read: Module is no longer loaded"), "{message}");
}
