//! Commands and processes: `-c`, `-p`, `$target`.

use quadrant_testing::{Folder, Outcome, Program, Running, Signal};

use super::{dtrace, number, quietly_on};
use crate::common::{folder, good, needs_root, sum_below, target};

#[test]
fn functions_of_a_command_are_counted_exactly() {
    needs_root!();
    let calls = target!("calls");
    let outcome = quietly_on(
        &format!("{calls} 10007 words"),
        "pid$target:a.out:target_call:entry { @n = count(); @sum = sum(arg0); @text[copyinstr(arg1)] = count(); }
         pid$target:a.out:target_call:return { @twice = sum(arg1); }",
    );
    let lines: Vec<&str> = outcome.lines().iter().map(|line| line.trim()).collect();
    let (sum, twice) = (sum_below(10007).to_string(), (2 * sum_below(10007)).to_string());
    assert_eq!(lines[..2], ["10007", &sum], "{}", outcome.describe());
    assert_eq!(number(&outcome, "words"), 10007);
    assert!(lines.contains(&twice.as_str()), "{}", outcome.describe());
}

#[test]
fn numbers_are_named_when_the_command_has_ended() {
    needs_root!();
    let calls = target!("calls");
    let text = "pid$target:a.out:target_call:entry { @[uregs[R_PC]] = count(); }
                END { printa(\"%A %@d\\n\", @); }";
    let outcome = quietly_on(&format!("{calls} 1009"), text);
    let last = outcome.lines().last().copied().unwrap_or_default();
    assert_eq!(last, "calls`target_call 1009", "{}", outcome.describe());
}

#[test]
fn every_instruction_of_a_function() {
    needs_root!();
    let calls = target!("calls");
    let text = "pid$target:a.out:target_call: { printf(\"%s\\n\", probename); }";
    let outcome = quietly_on(&format!("{calls} 1"), text);
    let lines = outcome.lines();
    assert_eq!(lines[..2], ["entry", "0"], "{}", outcome.describe());
    assert!(lines.len() > 3 && lines.last() == Some(&"return"), "{}", outcome.describe());
    let offsets: Vec<u64> =
        lines[1..lines.len() - 1].iter().map(|line| u64::from_str_radix(line, 16).expect(line)).collect();
    assert!(offsets.is_sorted(), "{}", outcome.describe());
    let digits =
        "pid$target:a.out:target_call:[0-9]* { @ = count(); } pid$target:a.out:target_cal*: { @all = count(); }";
    let outcome = quietly_on(&format!("{calls} 1"), digits);
    // A pattern of functions means their entries and returns.
    assert_eq!(outcome.lines().last().map(|line| line.trim()), Some("2"), "{}", outcome.describe());
}

/// Functions with data between their instructions: `long_data` begins a long instruction, `odd` is none.
const DATA_INSIDE: &str = r#"
#include <stdio.h>
#define FUNCTION(name, code) __asm__(".globl " name "\n.type " name ",@function\n" name ": " code "\n.size " name ",.-" name "\n");
FUNCTION("long_data", "nop; jmp 1f; .byte 0x48,0xb8; 1: nop;nop;nop;nop;nop;nop; mov $7,%eax; ret")
FUNCTION("odd", "nop; jmp 1f; .byte 6,6; 1: nop; nop; ret")
int long_data(void), odd(void);
int main(void) { odd(); printf("result %d\n", long_data()); return 0; }
"#;

#[test]
fn functions_with_data_inside() {
    needs_root!();
    if !cfg!(target_arch = "x86_64") {
        return quadrant_testing::skip("its code is for another processor");
    }
    let folder = Folder::new("data-inside");
    let Some(program) = folder.compile("data", DATA_INSIDE, &["-O1"]) else { return };
    let program = program.display().to_string();
    for function in ["long_data", "odd"] {
        let probe = |name: &str| format!("pid$target:a.out:{function}:{name}");
        let doubt = format!("it is not certain where the instructions of `{function}` start");
        // With nothing else it is an error, and with the entry, a warning.
        let outcome = dtrace().args(["-n", &probe("[0-9]*"), "-c", &program]).run().unwrap();
        assert!(outcome.code() == Some(1) && outcome.stderr.contains(&doubt), "{}", outcome.describe());
        let script = format!("{} {{ printf(\"%s\\n\", probename); }}", probe(""));
        let outcome = dtrace().args(["-q", "-n", &script, "-c", &program]).run().unwrap();
        assert!(outcome.stderr.contains("are left out") && outcome.stderr.contains(&doubt), "{}", outcome.describe());
        let has = |line: &str| outcome.stdout.lines().any(|found| found == line);
        assert!(has("entry") && has("return") && has("result 7"), "{}", outcome.describe());
        let outcome = dtrace().args(["-l", "-n", &probe(""), "-c", &program]).run().unwrap();
        assert!(outcome.stderr.contains(&doubt) && outcome.stdout.contains("return"), "{}", outcome.describe());
    }
    let within = dtrace().args(["-n", "pid$target:a.out:long_data:d", "-c", &program]).run().unwrap();
    assert!(within.stderr.contains("no instruction starts at `long_data+13`"), "{}", within.describe());
}

/// What is known of a probe that was found is told, once.
#[test]
fn copies_of_a_function_that_are_not_probed() {
    needs_root!();
    let target = target!("inlined");
    let outcome =
        dtrace().args(["-qn", "pid$target:a.out:both:entry { @ = count(); }", "-c"]).arg(format!("{target} 3"));
    let outcome = good(outcome);
    assert_eq!(outcome.stderr, "dtrace: warning: 1 inlined copies of `both` are not probed\n");
    assert_eq!(outcome.stdout.trim(), "1");
}

/// Of two files with a function of that name the instructions of one are not certain: that is told, by a command and by a process.
#[test]
fn a_function_with_data_inside_in_one_of_two_files() {
    const PROGRAM: &str = r#"
#include <unistd.h>
__asm__(".globl f\n.type f,@function\nf: nop; jmp 1f; .byte 6,6; 1: nop; ret\n.size f,.-f\n");
int f(void), g(void);
int main(int argc, char **argv) { g(); f(); if (argc > 1) pause(); return 0; }
"#;
    const LIBRARY: &str = "__attribute__((noinline)) int f(void) { return 7; }\nint g(void) { return f(); }\n";
    needs_root!();
    if !cfg!(target_arch = "x86_64") {
        return quadrant_testing::skip("its code is for another processor");
    }
    let folder = Folder::new("two-files");
    let shared = ["-O1", "-shared", "-fPIC"];
    let Some(library) = folder.compile("libplain.so", LIBRARY, &shared) else { return };
    let with_library = ["-O1", "-Wl,--no-as-needed", library.to_str().unwrap()];
    let Some(program) = folder.compile("prog", PROGRAM, &with_library) else { return };
    let program = program.display().to_string();
    let mut waiting = std::process::Command::new(&program).arg("wait").spawn().unwrap();
    let pid = waiting.id().to_string();
    let maps = || std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let is_loaded = |_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        maps().contains("libplain.so")
    };
    assert!((0..1000).any(is_loaded), "{program} does not start");
    let outcomes = [["-c", &program], ["-p", &pid]]
        .map(|which| dtrace().args(["-l", "-n", "pid$target::f:[0-9]*"]).args(which).run().unwrap());
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    for outcome in outcomes {
        let doubt = outcome.stderr.lines().find(|line| line.contains("where the instructions of `f` start"));
        assert!(
            doubt.is_some_and(|line| line.contains("/prog") && line.contains("left out")),
            "{}",
            outcome.describe()
        );
        assert!(outcome.stdout.contains("libplain.so"), "{}", outcome.describe());
        assert!(!outcome.stderr.contains("libc.so"), "{}", outcome.describe());
    }
}

#[test]
fn functions_that_are_not_there() {
    needs_root!();
    let calls = target!("calls");
    for (what, wanted) in [
        ("a.out:nosuch:entry", "failed to lookup 'nosuch' in module 'a.out'\n"),
        ("a.out:nosuch:4", "failed to lookup 'nosuch' in module 'a.out'\n"),
        ("a.out:main:zzz", "'zzz' is an invalid probe name\n"),
        ("a.out:main:fffff", "`main+1048575` is beyond the function's end"),
        ("nosuch:main:entry", "does not match any probes\n"),
        (":nosuch:entry", "does not match any probes\n"),
    ] {
        let outcome = dtrace().args(["-n", &format!("pid$target:{what}"), "-c", &calls]).run().unwrap();
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert!(outcome.stderr.contains(wanted), "{}", outcome.describe());
        assert!(!outcome.stderr.contains("grab"), "{}", outcome.describe());
    }
    let gone = dtrace().args(["-n", "pid99999999:a.out:main:entry"]).run().unwrap();
    assert!(gone.stderr.contains(": failed to grab process 99999999\n"), "{}", gone.describe());
}

#[test]
fn a_library_of_a_command() {
    needs_root!();
    let calls = target!("calls-shared");
    let outcome = quietly_on(&calls, "pid$target:libcalls:target_call:entry { @ = count(); }");
    assert_eq!(outcome.lines(), ["            10007"], "{}", outcome.describe());
}

#[test]
fn a_library_that_a_command_loads_later() {
    needs_root!();
    let (loads, library) = (target!("loads"), target!("libcalls.so"));
    let text = format!("pid$target:{library}:target_call:entry {{ @ = count(); }}");
    let outcome = quietly_on(&format!("{loads} {library} 10007"), &text);
    assert_eq!(outcome.lines(), ["            10007"], "{}", outcome.describe());
}

/// An address of the process may be read as one of the kernel is.
#[test]
fn memory_of_a_command_without_copies() {
    needs_root!();
    let calls = target!("calls");
    let outcome = quietly_on(
        &format!("{calls} 1 words"),
        "pid$target:a.out:target_call:entry { printf(\"%s %c\\n\", stringof((char *)arg1), *(char *)arg1); }
         syscall::write:entry /pid == $target && arg0 == 1/ { @[stringof(args[1]) != \"\"] = count(); }",
    );
    assert_eq!(outcome.lines()[0], "words w", "{}", outcome.describe());
    assert!(!outcome.stderr.contains("invalid address"), "{}", outcome.describe());
}

#[test]
fn symbols_of_a_command_are_refused() {
    needs_root!();
    for symbol in ["a.out`main", "libc`environ"] {
        let text = format!("pid$target:a.out:main:entry {{ trace({symbol}); }}");
        let outcome = dtrace().args(["-qn", &text, "-c", &target!("calls")]).run().unwrap();
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert!(outcome.stderr.contains("symbols of processes are not supported"), "{}", outcome.describe());
    }
}

#[test]
fn the_trace_ends_with_the_last_target() {
    needs_root!();
    let text = "syscall::exit_group:entry /pid == $target/ { printf(\"first\\n\"); } END { printf(\"end\\n\"); }";
    let outcome = good(dtrace().args(["-n", text, "-c", "/bin/true", "-c", "/bin/sleep 0.3"]));
    assert_eq!(outcome.stderr.matches(" has exited\n").count(), 2, "{}", outcome.describe());
    assert!(outcome.stdout.contains("first\n") && outcome.stdout.contains("end\n"), "{}", outcome.describe());
}

#[test]
fn the_status_of_a_command_is_told_but_not_ours() {
    needs_root!();
    let outcome = good(dtrace().args(["-n", "END", "-c", "/bin/sh -c 'exit 3'"]));
    assert!(outcome.stderr.contains(" exited with status 3\n"), "{}", outcome.describe());
}

#[test]
fn a_process_that_runs() {
    needs_root!();
    let threads = target!("threads");
    let mut running = Program::new(&threads).args(["3", "4"]).env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let pid = running.pid().to_string();
    let tracer = super::ready(dtrace().args([
        "-qn",
        "syscall::exit_group:entry /pid == $target/ { printf(\"%d\\n\", pid); }",
        "-p",
        &pid,
    ]));
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    let outcome = tracer.finish().unwrap();
    assert_eq!(super::answers(&outcome), [pid.as_str()], "{}", outcome.describe());
}

/// A program with static probes that waits for a line.
fn waiting(path: &str, count: u32) -> Running {
    let program = Program::new(path).arg(count.to_string()).env("TARGET_WAIT", "1").with_input().start().unwrap();
    program.wait_for_stdout("ready").unwrap();
    program
}

fn let_go(programs: Vec<Running>) {
    for mut program in programs {
        program.write("go\n").unwrap();
        assert!(program.finish().unwrap().success());
    }
}

fn interrupted(tracer: Running) -> Outcome {
    tracer.signal(Signal::INT).unwrap();
    tracer.finish().unwrap()
}

#[test]
fn two_processes_of_one_program_are_told_apart() {
    needs_root!();
    let path = target!("usdt");
    let (a, b) = (waiting(&path, 101), waiting(&path, 103));
    let (x, y) = (a.pid(), b.pid());
    let text = format!(
        "demo{x}:::hit, demo{y}:::hit {{ @n[pid] = count(); @prov[probeprov] = count(); }}
         pid{x}:a.out:places:entry, pid{y}:a.out:places:entry {{ @calls[pid, probeprov] = count(); }}"
    );
    let tracer = super::ready(dtrace().args(["-qn", &text]));
    let_go(vec![a, b]);
    let outcome = interrupted(tracer);
    for (pid, count) in [(x, 101), (y, 103)] {
        assert_eq!(number(&outcome, &pid.to_string()), count, "{}", outcome.describe());
        assert_eq!(number(&outcome, &format!("demo{pid}")), count, "{}", outcome.describe());
        assert_eq!(number(&outcome, &format!("pid{pid}")), 10, "{}", outcome.describe());
    }
}

#[test]
fn a_pattern_of_providers_has_processes_that_start_later() {
    needs_root!();
    // Other tests have processes with this provider, too: those that count here have a name of their own.
    let path = folder("later").join("usdt-later").display().to_string();
    std::fs::copy(target!("usdt"), &path).unwrap();
    let first = waiting(&path, 101);
    let text = "demo*:::hit /execname == \"usdt-later\"/ { @n[probeprov] = count(); @sum = sum(arg0); }
                demo*:::hit /execname == \"usdt-later\" && probeprov == strjoin(\"demo\", lltostr(pid))/ { @named = count(); }
                demo*:::hit /probeprov == \"demo1\" || id == 1/ { @other = count(); }";
    let tracer = super::ready(dtrace().args(["-qn", text]));
    let later = waiting(&path, 103);
    let pids = [first.pid(), later.pid()];
    let_go(vec![first, later]);
    let outcome = interrupted(tracer);
    assert_eq!(number(&outcome, &format!("demo{}", pids[0])), 101, "{}", outcome.describe());
    assert_eq!(number(&outcome, &format!("demo{}", pids[1])), 103, "{}", outcome.describe());
    let lines = outcome.lines();
    for wanted in [sum_below(101) + sum_below(103), 204] {
        assert!(lines.iter().any(|line| line.trim() == wanted.to_string()), "{}", outcome.describe());
    }
    assert_eq!(lines.len(), 5, "{}", outcome.describe());
}

#[test]
fn a_pattern_of_providers_in_a_file_needs_no_process() {
    needs_root!();
    let path = target!("usdt");
    let text = format!("demo*:{path}:main:hit {{ @[probeprov, probemod] = count(); }}");
    let outcome = good(dtrace().args(["-n", &text, "-c", &format!("{path} 101")]));
    assert!(outcome.stderr.starts_with(&format!("dtrace: description 'demo*:{path}:main:hit ' matched 1 probe\n")));
    assert_eq!(number(&outcome, "usdt"), 101, "{}", outcome.describe());
    let missing = dtrace().args(["-n", &format!("other*:{path}::hit")]).run().unwrap();
    assert!(missing.stderr.contains("does not match any probes"), "{}", missing.describe());
}

#[test]
fn what_cannot_be_traced() {
    needs_root!();
    let gone = dtrace().args(["-n", "BEGIN", "-p", "99999999"]).run().unwrap();
    assert_eq!(gone.code(), Some(1));
    assert!(gone.stderr.starts_with("dtrace: ") && gone.stderr.contains("no such process"), "{}", gone.stderr);
    let missing = dtrace().args(["-n", "BEGIN", "-c", "/nonexistent"]).run().unwrap();
    assert_eq!(missing.code(), Some(1));
    assert!(missing.stderr.contains("/nonexistent"), "{}", missing.stderr);
}

#[test]
fn an_interrupt_runs_the_end_and_prints_once() {
    needs_root!();
    let tracer = super::ready(dtrace().args(["-qn", "BEGIN { @ = sum(7); } END { printf(\"end\\n\"); }"]));
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert_eq!(super::answers(&outcome), ["end", "                7"], "{}", outcome.describe());
}

/// It would be seen to try one folder after the other.
#[test]
fn a_command_is_searched_before_it_is_traced() {
    needs_root!();
    let text = "syscall::execve:entry /pid == $target/ { n++; } END { printf(\"%d\\n\", n); }";
    let path = "/nonexistent:/nowhere:/usr/bin:/bin";
    let outcome = good(dtrace().args(["-qn", text, "-c", "true"]).env("PATH", path));
    assert_eq!(outcome.lines(), ["1"], "{}", outcome.describe());
}
