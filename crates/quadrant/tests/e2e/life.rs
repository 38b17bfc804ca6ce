//! Targets that end, fork, become another program, or are replaced on disk while they are traced.

use std::fs;

use quadrant_testing::{Folder, Program, Signal};

use crate::common::{assert_lines, attached, folder, needs_root, number, quadrant, script, target};

#[test]
fn the_status_of_the_command_is_ours() {
    needs_root!();
    let lives = target!("lives");
    let outcome = script(&format!("uprobe:{lives}:target_call {{ @ = count(); }}"));
    let outcome = outcome.args(["-c", &format!("{lives} exit 7")]).run().unwrap();
    assert_eq!(outcome.code(), Some(42), "{}", outcome.describe());
    assert_lines(&outcome, &["@: 7"]);
}

#[test]
fn the_status_of_the_script_goes_before_that_of_the_command() {
    needs_root!();
    let lives = target!("lives");
    let text = format!("uprobe:{lives}:target_call /arg0 == 3/ {{ exit(5); }}");
    let outcome = script(&text).args(["-c", &format!("{lives} exit 1000000")]).run().unwrap();
    assert_eq!(outcome.code(), Some(5), "{}", outcome.describe());
}

#[test]
fn a_command_killed_by_a_signal_is_told_as_shells_do() {
    needs_root!();
    let lives = target!("lives");
    let outcome = script(&format!("uprobe:{lives}:target_call {{ @ = count(); }}"));
    let outcome = outcome.args(["-c", &format!("{lives} abort 3")]).run().unwrap();
    assert_eq!(outcome.code(), Some(128 + 6), "{}", outcome.describe());
    assert_lines(&outcome, &["@: 3"]);
}

#[test]
fn a_command_that_becomes_itself_again_is_still_traced() {
    needs_root!();
    let lives = target!("lives");
    let outcome = script(&format!("uprobe:{lives}:target_call {{ @ = count(); }}"));
    let outcome = outcome.args(["-c", &format!("{lives} exec 10007")]).run().unwrap();
    assert_eq!(outcome.code(), Some(42), "{}", outcome.describe());
    assert_lines(&outcome, &["@: 20014"]);
}

#[test]
fn the_output_of_the_command_is_passed_on() {
    needs_root!();
    let outcome = crate::common::run_on("/bin/echo 'two words' \"and more\"", "BEGIN { printf(\"first\\n\"); }");
    assert_lines(&outcome, &["first", "two words and more"]);
}

#[test]
fn a_traced_process_that_ends_ends_the_trace() {
    needs_root!();
    let calls = target!("calls");
    let mut running = Program::new(&calls).arg("10007").env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let tracer = script(&format!("uprobe:{calls}:target_call {{ @ = count(); }}"));
    let tracer = attached(tracer.args(["-p", &running.pid().to_string()]));
    // Another process of the same program is not counted.
    assert!(Program::new(&calls).arg("29").run().unwrap().success());
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert_lines(&outcome, &["@: 10007"]);
}

/// As in bpftrace 0.27; timers, which belong to nobody, fire all the same.
#[test]
fn events_of_other_processes_do_not_count() {
    needs_root!();
    let syscalls = target!("syscalls");
    let work = |count: &str| Program::new(&syscalls).args(["getppid", count]);
    let mut running = work("10007").env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let text = "tracepoint:syscalls:sys_enter_getppid { @one[comm] = count(); }
                tracepoint:syscalls:sys_*_getppid { @two[comm] = count(); }
                rawtracepoint:sys_enter /comm == \"syscalls\" && args.id == 110/ { @raw = count(); }
                interval:ms:1 { @timer = 1; }";
    let tracer = attached(script(text).args(["-p", &running.pid().to_string()]));
    assert!(work("29").run().unwrap().success());
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    let outcome = tracer.finish().unwrap();
    let raw = if cfg!(target_arch = "x86_64") { &["@raw: 10007"][..] } else { &[] };
    let wanted = [&["@one[syscalls]: 10007"][..], raw, &["@timer: 1", "@two[syscalls]: 20014"]].concat();
    assert_lines(&outcome, &wanted);
}

#[test]
fn a_predicate_on_a_process_given_as_a_parameter() {
    needs_root!();
    let calls = target!("calls");
    let mut running = Program::new(&calls).arg("10007").env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let text = format!("uprobe:{calls}:target_call /pid == $1/ {{ @bytes = hist(arg0); @n = count(); }}");
    let tracer = attached(script(&text).arg(running.pid().to_string()));
    assert!(Program::new(&calls).arg("29").run().unwrap().success());
    running.write("go\n").unwrap();
    assert!(running.finish().unwrap().success());
    tracer.signal(Signal::INT).unwrap();
    assert_eq!(number(&tracer.finish().unwrap(), "@n"), 10007);
}

#[test]
fn a_program_replaced_on_disk_is_no_crash() {
    needs_root!();
    let calls = target!("calls");
    let copy = folder("replaced").join("program");
    fs::copy(&calls, &copy).unwrap();
    let path = copy.display();
    let tracer = attached(script(&format!(
        "uprobe:{path}:target_call {{ @[ustack(1)] = count(); }} END {{ printf(\"ended\\n\"); }}"
    )));
    assert!(Program::new(&copy).arg("13").run().unwrap().success());
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, "no program any more").unwrap();
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert!(outcome.stdout.contains("ended") && outcome.stdout.contains("]: 13"), "{}", outcome.describe());
}

/// bpftrace #397, #1666, #4839: probes on the files of a command miss the processes that it starts.
#[test]
fn processes_that_a_command_starts_are_traced_where_the_script_asks_for_its_progeny() {
    needs_root!();
    let [threads, syscalls] = [target!("threads"), target!("syscalls")];
    let text = format!(
        "macro mine() {{ progenyof(cpid) }}
         uprobe:{threads}:target_call /progenyof(cpid)/ {{ @calls = count(); }}
         uprobe:{threads}:target_call {{ @own = count(); }}
         uprobe:{threads}:target_call {{ if (mine()) {{ @by_macro = count(); }} }}
         tracepoint:syscalls:sys_enter_getppid /progenyof(cpid) && comm == \"syscalls\"/ {{ @syscalls = count(); }}
         END {{ @stranger = progenyof(cpid); }}"
    );
    let command = format!("/bin/sh -c '{threads} 1009 1; {threads} 1013 1; {syscalls} getppid 1019; true'");
    let outcome = script(&text).args(["-c", &command]).run().unwrap();
    assert!(outcome.success(), "{}", outcome.describe());
    // Nothing is counted in the shell itself.
    let expected = ["@by_macro: 2022", "@calls: 2022", "@stranger: false", "@syscalls: 1019"];
    assert_lines(&outcome, &expected);
}

#[test]
fn clauses_that_ask_for_progeny_run_in_the_order_of_the_script() {
    needs_root!();
    let threads = target!("threads");
    let place = format!("uprobe:{threads}:target_call");
    let text = format!(
        "{place} {{ @x[tid] = arg0 + 1; }} {place} /progenyof(cpid)/ {{ @seen[@x[tid] > 0] = count(); }} {place} {{ delete(@x, tid); }}
         END {{ $one = (uint64)0x100000001; print(progenyof($one)); }}"
    );
    let outcome = script(&text).args(["-c", &format!("{threads} 1009 1")]).run().unwrap();
    assert_lines(&outcome, &["false", "@seen[true]: 1009"]);
}

#[test]
fn times_are_those_of_the_zone_that_is_named() {
    needs_root!();
    let folder = Folder::new("zones");
    // Nine hours ahead at all times.
    let part = [&b"TZif2"[..], &[0; 31], &[0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0x7e, 0x90, 0, 0], b"JST\0"].concat();
    fs::write(folder.join("East"), [&part[..], &part[..], b"\nJST-9\n"].concat()).unwrap();
    let text = "BEGIN { printf(\"%s\\n\", strftime(\"%H %Z %z\", 1800000000000000000)); exit(); }";
    for (zone, shown) in
        [("East", "17 JST +0900"), (":East", "17 JST +0900"), ("", "08 UTC +0000"), ("XYZ-1", "09 XYZ +0100")]
    {
        let outcome = script(text).env("TZDIR", folder.path()).env("TZ", zone).run().unwrap();
        assert_lines(&outcome, &[shown]);
    }
}

/// bpftrace #1319: a command that is looked for in `PATH` shows as many calls of execve(2), all but one in vain.
#[test]
fn a_command_is_looked_for_before_it_is_traced() {
    needs_root!();
    let text = "tracepoint:syscalls:sys_enter_execve /pid == cpid/ { @ = count(); }";
    let path = format!("/nonexistent:/nowhere:{}", std::env::var("PATH").unwrap_or_default());
    for tracer in [script(text), quadrant().args(["bpftrace", "-e", text])] {
        let outcome = tracer.env("PATH", &path).args(["-c", "true"]).run().unwrap();
        assert_eq!(number(&outcome, "@"), 1, "{}", outcome.describe());
    }
}
