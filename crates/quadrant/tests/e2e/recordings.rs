//! Recordings of what a script's own state decides: where memory is read, where a fault ends a clause, and where the trace ends.

mod loops;

use std::path::Path;

use quadrant_testing::Program;

use crate::common::{folder, good, needs_loops, needs_root, quadrant, refused, target};
use crate::replay::{assert_replays, assert_replays_d};

/// What stands behind a fault does not happen, in the recorder either; what stands before it does.
#[test]
fn a_fault_in_what_is_printed_ends_the_clause() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry {
            self->n = arg0; printf("%s\n", copyinstr(arg0 % 2 ? arg1 : 8)); self->p = arg1;
        }
        pid$target:calls:target_call:return { printf("%d\n", self->n); }
        pid$target:calls:target_call:return /self->p/ { printf("at %d %s\n", self->n, copyinstr(self->p)); self->p = 0; }
        ERROR { errors++; lost = pid; } END { printf("%d %d\n", errors, lost == $target); }"#;
    assert_replays_d("record-d-fault-first", &format!("{calls} 11"), text);
    // What ERROR does decides where memory is read, and where the end is.
    let text = r#"int far; int seen; pid$target:calls:target_call:entry { p[0] = arg1; p[1] = arg1 + 1; }
        pid$target:calls:target_call:entry /arg0 % 3 == 1/ { trace(10 / (arg0 % 3 - 1)); }
        pid$target:calls:target_call:return { printf("%s\n", copyinstr(p[far])); }
        ERROR { printf("%d %d %x\n", arg2, arg4, arg5); far = 1; seen++; }
        ERROR /seen == 3/ { exit(0); }
        END { printf("%d\n", seen); }"#;
    assert_replays_d("record-d-fault-exits", &format!("{calls} 11"), text);
}

/// A fault that is none of an address is itself in the replay, too. Addresses of the clause's own memory are others each time.
#[test]
fn faults_of_all_kinds() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"int n[3]; struct s { int a[4]; };
        pid$target:calls:target_call:entry { trace(copyinstr(arg1 + 1 / (arg0 % 3))); trace("\n"); }
        pid$target:calls:target_call:entry { this->p = copyin(arg1, arg0 * 100); trace(*(char *)this->p); trace("\n"); }
        pid$target:calls:target_call:entry { trace(((struct s *)alloca(16))->a[arg0]); trace("\n"); }
        ERROR { printf("error %d %d %d\n", arg2, arg4, arg5 < 0); }"#;
    assert_replays_d("record-d-faults", &format!("{calls} 7"), text);
}

/// The recorder ends where the script does, and what came later is not in the file.
#[test]
fn a_condition_ends_the_recording() {
    needs_root!();
    let calls = target!("calls");
    let command = format!("{calls} 1009");
    let lines = |name: &str| {
        let path = folder(name).join("recording.json");
        std::fs::read_to_string(path).unwrap().lines().filter(|line| line.contains("\"values\"")).count()
    };
    let text = format!(
        "config = {{ print_maps_on_exit = false }}
         uprobe:{calls}:target_call {{ @n++; @last = arg1; if (@n == 5) {{ printf(\"five\\n\"); exit(); }} }}
         END {{ printf(\"%d %s\\n\", @n, comm); }}"
    );
    assert_replays("record-exit", &command, &text);
    assert_eq!(lines("record-exit"), 6);
    let text = r#"pid$target:calls:target_call:entry { n++; self->t = timestamp; }
        pid$target:calls:target_call:return /self->t && n == 5/ { printf("five %d\n", arg1); exit(0); }
        END { printf("%d\n", n); }"#;
    assert_replays_d("record-d-exit", &command, text);
    assert_eq!(lines("record-d-exit"), 10);
    // The number of a speculation decides it.
    let text = r#"pid$target:calls:target_call:entry { self->s = speculation(); }
        pid$target:calls:target_call:entry /self->s/ { speculate(self->s); printf("spec %d\n", arg0); n++; }
        pid$target:calls:target_call:return /self->s/ { commit(self->s); self->s = 0; }
        pid$target:calls:target_call:return /n == 1/ { exit(0); }"#;
    assert_replays_d("record-d-exit-speculation", &command, text);
}

/// Where a loop is decides what it reads.
#[test]
fn reads_in_loops() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let text = format!(
        "uprobe:{calls}:target_call /arg0 % 5 == 2/ {{
            $p = (uint8 *)arg1; $n = 0;
            while (*$p) {{ printf(\"%c%s \", *$p, str($p, 2)); $p++; $n++; if ($n > arg0) {{ break; }} }}
            for ($i : 0..3) {{ @[*(uint8 *)(arg1 + $i), str(arg1 + $i)] = count(); }}
            unroll(2) {{ $p--; printf(\"%s%d\\n\", str($p), *$p); }}
        }}"
    );
    assert_replays("record-loops", &format!("{calls} 31"), &text);
    let text = format!(
        "config = {{ print_maps_on_exit = false }}
         uprobe:{calls}:target_call /pid == cpid/ {{
            $t = curtask; $n = 0;
            while ($n < 3) {{ if ($t.pid <= 1) {{ break; }} $t = $t.real_parent; $n++; @depth[$n, $t.pid > 0] = count(); }}
            printf(\"%d %d\\n\", $n, @depth[1, true]);
         }}"
    );
    assert_replays("record-parents", &format!("{calls} 5"), &text);
}

/// A clause changes a map, and reads memory by it.
#[test]
fn reads_by_what_was_just_remembered() {
    needs_root!();
    let syscalls = target!("syscalls");
    let command = format!("{syscalls} openat 11 /nowhere/at/all");
    let text = "config = { print_maps_on_exit = false } macro show(@m) { printf(\"%s\\n\", str(@m[tid])); }
        tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @f[tid] = args.filename; show(@f); @p = args.filename; @s = str(@p); delete(@p); printf(\"%s\\n\", @s); }
        tracepoint:syscalls:sys_enter_openat /pid == cpid && str(@f[tid], 3) == \"/n\"/ { @n[str(@f[tid])] = count(); @f[tid] = args.filename + 1; }
        END { print(@n); }";
    assert_replays("record-remembered", &command, text);
    let text = r#"inline string f = copyinstr(self->p);
        syscall::openat:entry /pid == $target/ { self->p = arg1; printf("%s\n", f); this->p = arg1; }
        syscall::openat:entry /this->p/ { this->p = this->p + 1; @[copyinstr(this->p)] = count(); this->p = 0; }"#;
    assert_replays_d("record-d-remembered", &command, text);
}

/// Maps that the script empties while it runs. An order is carried out some time later, so another trace sees it elsewhere: here nothing
/// is left to be seen.
#[test]
fn reads_by_maps_that_are_emptied() {
    needs_root!();
    let syscalls = target!("syscalls");
    let command = format!("{syscalls} openat 11 /nowhere/at/all");
    for order in ["clear(@n);", "print(@n); clear(@n);"] {
        let text = format!(
            "config = {{ print_maps_on_exit = false }}
             tracepoint:syscalls:sys_enter_openat /pid == cpid/ {{ @f[tid] = args.filename; @n[0]++; }}
             tracepoint:syscalls:sys_exit_openat /pid == cpid/ {{ printf(\"%s\\n\", str(@f[tid])); }}
             tracepoint:syscalls:sys_exit_openat /pid == cpid && @n[0] == 11/ {{ clear(@f); }}
             interval:s:100 {{ {order} }}"
        );
        assert_replays("record-emptied", &command, &text);
    }
    let text =
        "config = { print_maps_on_exit = false } BEGIN { @task[0] = curtask; exit(); } BEGIN { delete(@task, 0); }
        END { clear(@task); printf(\"%d\\n\", @task[0].pid > 0); }";
    assert_replays("record-emptied-end", "true", text);
}

/// The tracer empties a map some time after the order, while programs run on all CPUs: a replay shows what they saw.
#[test]
fn what_is_seen_of_maps_that_are_emptied_meanwhile() {
    needs_root!();
    let threads = target!("threads");
    let dir = folder("record-seen");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    for last in ["", "delete(@f, tid);"] {
        let text = format!(
            "config = {{ print_maps_on_exit = false }}
             uprobe:{threads}:target_call {{ @f[tid] = arg1; @n++; if (@n % 100 == 0) {{ clear(@f); }} }}
             uretprobe:{threads}:target_call /@f[tid]/ {{ printf(\"%s\\n\", str(@f[tid])); {last} }}
             uretprobe:{threads}:target_call {{ if (!@f[tid]) {{ printf(\"none\\n\"); }} }}"
        );
        std::fs::write(&script, text).unwrap();
        good(quadrant().args(["record", "-c", &format!("{threads} 1501 2"), "-o"]).arg(&recording).arg(&script));
        let replayed = good(quadrant().arg("replay").arg(&script).arg(&recording));
        let shown: Vec<&str> = replayed.stdout.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(shown, seen(&recording, !last.is_empty()), "{}", replayed.describe());
    }
}

/// What the returns of a recording show by what they read, event by event.
fn seen(recording: &Path, removes: bool) -> Vec<String> {
    let text = std::fs::read_to_string(recording).unwrap();
    let mut firings: Vec<(serde_json::Value, Vec<String>)> = Vec::new();
    for line in text.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        let place = |of: &serde_json::Value| serde_json::json!([of["point"], of["cpu"], of["tid"]]);
        if let Some(later) = line.get("later").filter(|later| later["name"] == "str(@f[tid])") {
            let (_, read) = firings.iter_mut().rev().find(|(firing, _)| *firing == place(later)).unwrap();
            read.push(later["value"].as_str().unwrap().to_owned());
        } else if line["point"] == 1 {
            firings.push((place(&line), Vec::new()));
        }
    }
    let none = || "none".to_owned();
    let shown = firings.into_iter().flat_map(|(_, read)| match read.is_empty() {
        true => vec![none()],
        false => read.into_iter().chain(removes.then(none)).collect(),
    });
    shown.collect()
}

/// What programs on other CPUs do to a map between two events is in no order; what was seen of it is.
#[test]
fn a_replay_goes_by_what_was_seen() {
    let text = "interval:s:1 { @p = 5; @c++; if (@c == 7) { printf(\"%s\\n\", str(kptr((uint64)@p))); } else { printf(\"%d\\n\", @c); } exit(); }";
    let read = r#""str(kptr((uint64)@p))":["seven"]"#;
    assert_eq!(good(replay_of("record-seen-by-hand", text, &format!(r#""@c":[7],{read}"#))).lines()[0], "seven");
    assert_eq!(
        good(replay_of("record-seen-by-hand", text, &format!(r#""@c":[3],"@c #2":[4],{read}"#))).lines()[0],
        "4"
    );
    assert_eq!(good(replay_of("record-seen-by-hand", text, read)).lines()[0], "1", "the replay has a map, too");
    let message = refused(replay_of("record-seen-by-hand", text, r#""@c":[3],"@c #2":[]"#));
    assert!(message.contains("the event has no value for `@c #2`"), "{message}");
}

/// What the maps of one script had in them says nothing of another's.
#[test]
fn a_script_that_was_changed_has_its_own_maps() {
    needs_root!();
    let calls = target!("calls");
    let dir = folder("record-changed");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    let text = |step: u32| {
        format!("uprobe:{calls}:target_call {{ @n += {step}; if (@n == 6) {{ printf(\"%d\\n\", arg0); exit(); }} }}")
    };
    for (step, shown) in [(1, "5"), (2, "2"), (3, "1")] {
        std::fs::write(&script, text(step)).unwrap();
        if step == 1 {
            good(quadrant().args(["record", "-c", &format!("{calls} 11"), "-o"]).arg(&recording).arg(&script));
            assert!(std::fs::read_to_string(&recording).unwrap().contains(r#""name":"@n""#));
        }
        let replayed = good(quadrant().arg("replay").arg(&script).arg(&recording));
        assert_eq!(replayed.lines()[0], shown, "{}", replayed.describe());
    }
}

/// Events that had begun on other CPUs when one ended the trace are in the recording, and in the replay.
#[test]
fn what_happens_on_other_cpus_at_the_end() {
    let dir = folder("record-last");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    let header =
        r#"{"quadrant":"recording","version":3,"cpus":2,"points":[{"name":"interval:s:1","kind":"interval"}]}"#;
    let event = |cpu: u32, task: u32| format!(r#"{{"point":0,"cpu":{cpu},"values":{{"curtask":{task}}}}}"#);
    let exit = r#"{"exit":{"point":0,"cpu":0,"tid":0}}"#;
    let lines = [event(0, 1), event(0, 2), exit.to_owned(), event(1, 3), r#"{"turn":9}"#.to_owned(), event(1, 4)];
    std::fs::write(&recording, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    for (condition, shown) in [("curtask == 2", &["1", "2", "3", "4"][..]), ("curtask == 1", &["1"])] {
        let text = format!("interval:s:1 {{ printf(\"%d\\n\", curtask); }} interval:s:1 /{condition}/ {{ exit(); }}");
        std::fs::write(&script, text).unwrap();
        let replayed = good(quadrant().arg("replay").arg(&script).arg(&recording));
        let lines: Vec<&str> = replayed.stdout.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, shown, "{}", replayed.describe());
    }
}

/// What a clause learns on its way does not bring the events that its predicate leaves out.
#[test]
fn only_what_the_predicate_wants() {
    needs_root!();
    needs_loops!();
    let path = folder("record-wanted").join("recording.json");
    for text in [
        "tracepoint:syscalls:sys_enter_openat /pid == cpid/ {
            $n = 0; while ($n < 2) { printf(\"%s\\n\", str(args.filename + $n)); $n++; } }",
        "tracepoint:syscalls:sys_enter_openat /pid == cpid && rand % 2 < 2/ { printf(\"%d\\n\", rand); }",
    ] {
        let command = "sh -c '{ read line; cat; } < /etc/passwd; wait'";
        good(quadrant().args(["record", "-c", command, "-e", text, "-o"]).arg(&path));
        let recording = std::fs::read_to_string(&path).unwrap();
        let header: serde_json::Value = serde_json::from_str(recording.lines().next().unwrap()).unwrap();
        let own = format!("\"pid\":{},", header["cpid"]);
        let events: Vec<&str> = recording.lines().filter(|line| line.contains("\"values\":")).collect();
        assert!(!events.is_empty() && events.iter().all(|event| event.contains(&own)), "{recording}");
    }
}

/// What was lost is told as in a trace.
#[test]
fn losses_are_told() {
    needs_root!();
    let calls = target!("calls");
    let dir = folder("record-losses");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    std::fs::write(&script, format!("uprobe:{calls}:target_call {{ printf(\"%s\", str(8)); }}")).unwrap();
    let record = |script: &Path| {
        let record = quadrant().args(["record", "-c", &format!("{calls} 5"), "-o"]).arg(&recording);
        good(record.arg(script)).stderr
    };
    let told = record(&script);
    assert!(told.contains("5 events recorded\n"), "{told}");
    assert!(told.contains("LOST: 5 reads at ") && told.contains("script.bt:1:"), "{told}");
    let script = dir.join("script.d");
    std::fs::write(
        &script,
        "#pragma D option strsize=3\npid$target:calls:target_call:entry { trace(copyinstr(arg1)); }",
    )
    .unwrap();
    let told = record(&script);
    assert!(told.contains("5 events recorded\n") && told.contains("dtrace: 5 strings cut at 3 bytes"), "{told}");
}

/// Memory that is copied into the script's own.
#[test]
fn d_copies() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry {
            this->c = (char *)copyin(arg1, 6); printf("%c%c %s\n", this->c[0], this->c[4], stringof(this->c));
            this->m = (char *)alloca(8); bcopy(this->c, this->m, 3); this->m[1] = 'x'; printf("%s\n", stringof(this->m));
            copyinto(arg1 + arg0 % 4, 3, this->m); tracemem(this->m, 4); trace(*(short *)this->m); trace("\n");
            printf("%d\n", *(char *)copyin(arg1 + 1, 1));
        }
        pid$target:calls:target_call:entry { printf("%s\n", stringof(copyin(8, 4))); }"#;
    assert_replays_d("record-d-copies", &format!("{calls} 5"), text);
}

/// What ERROR asks for is known wherever something faults.
#[test]
fn d_what_faults_are_told_with() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry { printf("%s\n", copyinstr(arg0 % 2 ? arg1 : 8)); }
        END { trace(*(int *)16); }
        ERROR { printf("%s %d %s %d\n", execname, arg4, curpsinfo->pr_fname, pid > 0); } ERROR /arg5 == 8/ { ustack(1); }"#;
    assert_replays_d("record-d-told", &format!("{calls} 5"), text);
    let message = refused_script("told.d", "BEGIN { trace(*(int *)16); } ERROR { trace(*(int *)arg5); }");
    assert!(message.contains("a clause of ERROR reads memory where the fault"), "{message}");
}

/// The replay of a script by an event with these values.
fn replay_of(name: &str, text: &str, values: &str) -> Program {
    let dir = folder(name);
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    std::fs::write(&script, text).unwrap();
    let header =
        r#"{"quadrant":"recording","version":3,"cpus":1,"points":[{"name":"interval:s:1","kind":"interval"}]}"#;
    let event = format!(r#"{{"point":0,"tid":7,"values":{{{values}}}}}"#);
    std::fs::write(&recording, format!("{header}\n{event}\n")).unwrap();
    quadrant().arg("replay").arg(script).arg(recording)
}

/// What the tracer does when it reads records, it does in the replay when the recorder read them.
#[test]
fn the_tracer_acts_at_its_turns() {
    let dir = folder("record-turns");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    std::fs::write(&script, "interval:s:1 { @n += nsecs; print(@n); }").unwrap();
    let header =
        r#"{"quadrant":"recording","version":3,"cpus":1,"points":[{"name":"interval:s:1","kind":"interval"}]}"#;
    let event = |number: u32| format!(r#"{{"point":0,"values":{{"nsecs":{number}}}}}"#);
    let turn = r#"{"turn":9}"#;
    for (lines, shown) in [
        (vec![event(1), event(2), event(4)], ["@n: 1", "@n: 3", "@n: 7"]),
        (vec![event(1), event(2), turn.into(), event(4), turn.into()], ["@n: 3", "@n: 3", "@n: 7"]),
        (vec![event(1), turn.into(), event(2), event(4)], ["@n: 1", "@n: 3", "@n: 7"]),
    ] {
        std::fs::write(&recording, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
        let outcome = good(quadrant().arg("replay").arg(&script).arg(&recording));
        let lines: Vec<&str> = outcome.stdout.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[..3], shown, "{}", outcome.describe());
    }
}

#[track_caller]
fn refused_script(name: &str, text: &str) -> String {
    let script = folder("record-refused").join(name);
    std::fs::write(&script, text).unwrap();
    refused(quadrant().args(["record", "-c", "true", "-o", "/dev/null"]).arg(script))
}

/// Texts that are cut in the trace are cut in the replay.
#[test]
fn texts_that_are_cut() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let text = format!(
        "config = {{ max_strlen = 4; }} struct s {{ char a[4]; char rest[2]; }}
         uprobe:{calls}:target_call {{ $s = (struct s *)arg1; printf(\"%s %s %s\\n\", str(arg1), $s.a, str(arg1 + 3));
            $i = 0; while ($i < 3) {{ printf(\"%s\\n\", str(arg1 + $i)); $i++; }} }}"
    );
    assert_replays("record-cut", &format!("{calls} 3"), &text);
}

/// Keys of an aggregation are removed, those that are kept in short as well.
#[test]
fn d_truncated_texts() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry { @[strjoin(copyinstr(arg1), lltostr(arg0))] = sum(arg0); }
        END { trunc(@, 2); printa("%s %@d\n", @); }"#;
    assert_replays_d("record-d-truncated", &format!("{calls} 5"), text);
}

/// Symbols of addresses that a map remembered, or that were computed.
#[test]
fn symbols_of_remembered_addresses() {
    needs_root!();
    let calls = target!("calls");
    let text = format!(
        "uprobe:{calls}:target_call {{ @ip[tid] = reg(\"ip\"); $f = (uint64)reg(\"ip\"); $f += 1; printf(\"%s\\n\", usym($f)); }}
         uretprobe:{calls}:target_call {{ printf(\"%s\\n\", usym(@ip[tid])); @[usym(@ip[tid] + 2)] = count(); clear(@ip); }}"
    );
    assert_replays("record-symbols", &format!("{calls} 5"), &text);
    let text = r#"pid$target:calls:target_call:entry { self->f = uregs[R_PC]; }
        pid$target:calls:target_call:return { @[ufunc(self->f)] = count(); printf("%A\n", self->f); usym(self->f + 1); }"#;
    assert_replays_d("record-d-symbols", &format!("{calls} 5"), text);
}

/// A loop that goes on longer than its list reads nothing else of the event.
#[test]
fn lists_that_are_too_short() {
    let dir = folder("record-short");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    let text = "interval:s:1 { $p = (uint64)curtask; $n = 0; while ($n < 800) { @[*kptr((uint64 *)$p)] = count(); $p++; $n++; }
        printf(\"%s\\n\", str(kptr($p))); }";
    std::fs::write(&script, text).unwrap();
    let text = r#"{"quadrant":"recording","version":3,"cpus":1,"points":[{"name":"interval:s:1","kind":"interval"}]}
        {"point":0,"tid":7,"values":{"curtask":5,"*kptr((uint64 *)$p)":[1,2],"str(kptr($p))":["a text"]}}"#;
    std::fs::write(&recording, text).unwrap();
    let message = refused(quadrant().arg("replay").arg(&script).arg(&recording));
    assert!(message.contains("recording.json:2: the event has only 2 values for `*kptr((uint64 *)$p)`"), "{message}");
}

/// The number of a speculation may be what the probe gives.
#[test]
fn a_speculation_of_an_argument() {
    needs_root!();
    let calls = target!("calls");
    let text = "pid$target:calls:target_call:entry { speculate(arg0); seen++; } END { printf(\"%d\\n\", seen); }";
    assert_replays_d("record-d-speculate-argument", &format!("{calls} 3"), text);
}

/// A value that a clause learns on its way can be written by hand, as a list.
#[test]
fn lists_by_hand() {
    let dir = folder("record-lists");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    std::fs::write(
        &script,
        "interval:s:1 { $p = (uint64)curtask; $p++; printf(\"%s\\n\", str(kptr($p))); @p = nsecs; }",
    )
    .unwrap();
    let header =
        r#"{"quadrant":"recording","version":3,"cpus":2,"points":[{"name":"interval:s:1","kind":"interval"}]}"#;
    let replay = |event: &str, more: &str| {
        std::fs::write(&recording, format!("{header}\n{event}\n{more}")).unwrap();
        quadrant().arg("replay").arg(&script).arg(&recording)
    };
    let event =
        |list: &str| format!(r#"{{"point":0,"tid":7,"values":{{"curtask":5,"nsecs":9,"str(kptr($p))":{list}}}}}"#);
    assert_eq!(good(replay(&event("[\"a text\"]"), "")).lines()[0], "a text");
    let later = r#"{"later":{"point":0,"tid":7,"name":"str(kptr($p))","value":"later"}}"#;
    assert_eq!(good(replay(&event("[]"), later)).lines()[0], "later");
    let cpu = |cpu: u32, list: &str| event(list).replacen("\"tid\"", &format!("\"cpu\":{cpu},\"tid\""), 1);
    let later_of = |cpu: u32| later.replacen("\"tid\"", &format!("\"cpu\":{cpu},\"tid\""), 1);
    let two = format!("{}\n{}\n{}", cpu(1, "[]"), later_of(1), later_of(0).replace("\"later\"}", "\"first\"}"));
    let lines: Vec<String> = good(replay(&cpu(0, "[]"), &two)).lines().iter().map(ToString::to_string).collect();
    assert_eq!(lines[..2], ["first", "later"]);
    let lost = good(replay(&event("[\"a\"]"), r#"{"lost":{"records":3}}"#));
    assert!(lost.stderr.contains("3 records"), "{}", lost.describe());
    // A list may be too short for what was lost.
    assert_eq!(good(replay(&event("[]"), r#"{"lost":{"records":1}}"#)).lines()[0], "<fault>");
    for (list, more, why) in [
        ("[]", "", "recording.json:2: the event has no value for `str(kptr($p))`"),
        ("[-1]", "", "recording.json:2: the value of `str(kptr($p))` is no text"),
        ("5", later, "recording.json:3: in the event of the value there is no list"),
        ("[]", r#"{"later":{"point":0,"tid":8}}"#, "recording.json:3: the value belongs to no event"),
        ("[]", r#"{"later":{"point":0,"tid":7}}"#, "recording.json:3: the value has no name"),
    ] {
        let message = refused(replay(&event(list), more));
        assert!(message.contains(why), "{message}");
    }
    for (event, more) in [(event("5"), ""), (event("[[1]]"), ""), (event("5"), later), (event("[]"), "{\"later\":7}")] {
        assert!(refused(replay(&event, more)).contains("recording.json:"), "{event} {more}");
    }
}

/// The types of a program's arguments are taken from the file that is there: if that was built anew, they may be others.
#[test]
fn a_program_of_another_build_is_told() {
    needs_root!();
    let (typed, other) = (target!("typed"), target!("typed-plain"));
    let dir = folder("record-rebuilt");
    let [program, script, recording] = ["program", "s.bt", "recording.json"].map(|name| dir.join(name));
    std::fs::copy(&typed, &program).expect("it can be copied");
    let text = format!("uprobe:{}:typed_scalars {{ print(args.color); }}", program.display());
    std::fs::write(&script, text).unwrap();
    let words = |words: &[&dyn AsRef<std::ffi::OsStr>]| words.iter().fold(quadrant(), |all, word| all.arg(word));
    let record: [&dyn AsRef<std::ffi::OsStr>; 6] = [&"record", &"-o", &recording, &"-c", &program, &script];
    good(words(&record));
    let replay: [&dyn AsRef<std::ffi::OsStr>; 3] = [&"replay", &script, &recording];
    let same = good(words(&replay));
    assert!(!same.stderr.contains("build"), "{}", same.describe());
    std::fs::copy(&other, &program).expect("it can be copied");
    let rebuilt = good(words(&replay));
    let told = format!("{} is of another build than it was when it was recorded", program.display());
    assert!(rebuilt.stderr.contains(&told), "{}", rebuilt.describe());
    assert_eq!(rebuilt.stdout, same.stdout);
}

/// A path may have colons, and a script may write a place otherwise than a recording.
#[test]
fn user_probes_are_found_again_as_the_script_writes_them() {
    needs_root!();
    let typed = target!("typed");
    let dir = folder("record:colons");
    let program = dir.join("program");
    std::fs::copy(&typed, &program).expect("it can be copied");
    let command = program.display().to_string();
    assert_replays(
        "record-colons",
        &command,
        &format!("uprobe:\"{command}\":typed_scalars {{ @[args.color] = count(); }}"),
    );
    assert_replays("record-offset", &command, &format!("uprobe:\"{command}\":typed_scalars+0x0 {{ @ = count(); }}"));
}
