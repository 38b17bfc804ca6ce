//! Recordings: what a replay prints is what the trace printed.

use std::path::Path;
use std::path::PathBuf;

use quadrant_testing::{Program, Signal};

use crate::common::{binary, folder, good, needs_callers, needs_loops, needs_root, quadrant, refused, target};

/// Runs a script on a command, records the same with it, and replays that without any capability; all three must agree.
#[track_caller]
pub fn assert_replays(name: &str, command: &str, text: &str) {
    assert_agree(name, "script.bt", command, text, &|script| quadrant().args(["-c", command]).arg(script));
}

/// The same for a script in D. Rows name the CPU, so its options have `quiet`.
#[track_caller]
pub fn assert_replays_d(name: &str, command: &str, text: &str) {
    let text = format!("#pragma D option quiet\n{text}");
    let live = |script: &Path| quadrant().args(["dtrace", "-s"]).arg(script).args(["-c", command]);
    assert_agree(name, "script.d", command, &text, &live);
}

#[track_caller]
fn assert_agree(name: &str, file: &str, command: &str, text: &str, live: &dyn Fn(&Path) -> Program) {
    let dir = folder(name);
    let (script, recording) = (dir.join(file), dir.join("recording.json"));
    std::fs::write(&script, text).unwrap();
    let live = good(live(&script));
    good(quadrant().args(["record", "-c", command, "-o"]).arg(&recording).arg(&script));
    let plain = Program::new("setpriv").args(["--bounding-set=-all", "--inh-caps=-all", "--reset-env"]);
    let replayed = good(plain.arg(binary()).arg("replay").arg(&script).arg(&recording));
    assert!(!live.lines().is_empty(), "{}", live.describe());
    assert_eq!(replayed.stdout, live.stdout, "{}", replayed.describe());
}

/// Five scripts in D, which between them use what a replay has to have: predicates, variables of threads and clauses, aggregations,
/// stacks, faults, speculations, translators, and the start and the end.
#[test]
fn d_system_calls() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = r#"BEGIN { start = timestamp; printf("begin %d\n", $target > 0); }
        syscall::openat:entry /pid == $target/ { @n[probefunc, copyinstr(arg1)] = count(); self->t = timestamp; }
        syscall::openat:return /self->t/ { @e[execname, errno] = count(); @ok = quantize((timestamp - self->t) > 0); self->t = 0; }
        END { printf("end %d\n", timestamp > start); printa(@n); }"#;
    assert_replays_d("replay-d-syscalls", &format!("{syscalls} openat 101 /nowhere/at/all"), text);
}

#[test]
fn d_functions_and_their_results() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry {
            @s = sum(arg0); @q = quantize(arg0); @l = lquantize(arg0, 0, 100, 10); self->d = arg0;
            this->t = copyinstr(arg1); @t[this->t, strlen(this->t)] = count(); @u[ustack(2)] = count();
        }
        pid$target:calls:target_call:return /self->d > 3/ { @r = max(arg1); @m = min(arg1); @st = stddev(arg1); self->d = 0; }"#;
    assert_replays_d("replay-d-calls", &format!("{calls} 101"), text);
}

#[test]
fn d_faults() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry { printf("%d %s\n", arg0 % 7, probefunc); }
        pid$target:calls:target_call:entry /arg0 % 3 == 0/ { trace("before"); trace(copyinstr(0x10)); }
        pid$target:calls:target_call:entry /arg0 % 5 == 0/ { trace(*(int *)(arg0 + 8)); }
        pid$target:calls:target_call:entry /arg0 % 11 == 0/ { tracemem(arg0, 8); printf("after\n"); }
        ERROR { printf("error %d %d %x\n", arg2, arg4, arg5); }"#;
    assert_replays_d("replay-d-faults", &format!("{calls} 31"), text);
}

#[test]
fn d_speculations() {
    needs_root!();
    let calls = target!("calls");
    let text = r#"pid$target:calls:target_call:entry { self->s = speculation(); }
        pid$target:calls:target_call:entry /self->s/ { speculate(self->s); printf("spec %d\n", arg0); }
        pid$target:calls:target_call:return /self->s && arg1 % 2/ { commit(self->s); self->s = 0; }
        pid$target:calls:target_call:return /self->s/ { discard(self->s); self->s = 0; }
        END { printf("the end\n"); }"#;
    assert_replays_d("replay-d-speculations", &format!("{calls} 31"), text);
}

#[test]
fn d_processes_and_files() {
    needs_root!();
    let text = r#"proc:::exec-success /pid == $target/ { printf("%s %s\n", execname, curpsinfo->pr_psargs); }
        syscall::read:entry /pid == $target/ { @fd[fds[arg0].fi_pathname, fds[arg0].fi_fs] = count(); @a = avg(arg2); }
        proc:::exit /pid == $target/ { printf("exit %d %d %s\n", args[0], ppid == 0, curthread->comm); }
        sched:::off-cpu /pid == $target/ { x = args[1]->pr_pid; }
        END { printa("%40s %10s %@d\n", @fd); trunc(@fd, 1); }"#;
    assert_replays_d("replay-d-files", "cp /etc/hostname /dev/null", text);
}

/// Texts are read at the return, where they surely are in memory, by the address of the entry.
#[test]
fn what_maps_remember() {
    needs_root!();
    let syscalls = target!("syscalls");
    let command = format!("{syscalls} openat 11 /nowhere/at/all");
    let text = r#"syscall::openat:entry /pid == $target/ { self->p = arg1; self->n = 1; }
        syscall::openat:return /self->p/ { printf("%s %d\n", copyinstr(self->p), errno); self->p = 0; @[self->n] = count(); }"#;
    assert_replays_d("replay-d-remembered", &command, text);
    let text = "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @name[tid] = args.filename; @n++; }
        tracepoint:syscalls:sys_exit_openat /@name[tid]/ {
            $p = @name[tid]; printf(\"%s %d %d\\n\", str($p), args.ret < 0, @n); delete(@name, tid);
        }";
    assert_replays("replay-remembered", &command, text);
}

/// What fills the maps is also in loops, blocks, predicates, conditions and arguments, between statements that send records.
#[test]
fn what_maps_remember_on_the_way() {
    needs_root!();
    needs_loops!();
    let syscalls = target!("syscalls");
    let text = "config = { print_maps_on_exit = false }
        macro show(@m, @k) { printf(\"%s\\n\", str(@m[@k, 0])); }
        macro noted(n) { printf(\"noted %d\\n\", n); args.filename }
        tracepoint:syscalls:sys_enter_openat /pid == cpid && @calls++ < 5/ {
            for ($i : 0..3) { if ($i == 2) { printf(\"%d\\n\", $i); break; } @f[@n, $i] = args.filename; printf(\"x\"); }
            @at[@odd] = noted(@n); if (@odd++ > 3) { printf(\"many\\n\"); }
            @count[@c % 2 == 0 ? @c++ : @c--] = count(); @last = @n; printf(\"%d %d\\n\", delete(@f, (@n, 1)), @n++);
        }
        tracepoint:syscalls:sys_exit_openat /pid == cpid && @f[@last, 0]/ {
            show(@f, @last); printf(\"%s\\n\", str(@at[@odd - 1])); printf(\"%d %s\\n\", @c, str(@f[@last, @c]));
            if (@last == 4) { exit(); }
        }";
    let command = format!("{syscalls} openat 11 /nowhere/at/all");
    assert_replays("replay-on-the-way", &command, text);
    let text = r#"int n; int calls; int shown;
        syscall::openat:entry /pid == $target && calls++ < 5/ { p[n] = arg1; printf("%d\n", n++); }
        syscall::openat:return /pid == $target && shown < n/ { printf("%s %d\n", copyinstr(p[n - 1]), ++shown); }"#;
    assert_replays_d("replay-d-on-the-way", &command, text);
}

/// The script in D may change as long as it asks for what was recorded.
#[test]
fn d_other_questions() {
    needs_root!();
    let calls = target!("calls");
    let command = format!("{calls} 11");
    let dir = folder("replay-d-other");
    let (script, recording) = (dir.join("script.d"), dir.join("recording.json"));
    let replay = || quadrant().arg("replay").arg(&script).arg(&recording);
    std::fs::write(&script, "pid$target:calls:target_call:entry { @ = sum(arg0); @n[copyinstr(arg1)] = count(); }")
        .unwrap();
    good(quadrant().args(["record", "-c", &command, "-o"]).arg(&recording).arg(&script));
    let other = "#pragma D option quiet\nBEGIN { trace(\"go\"); } pid*:::entry { this->n = arg0; @m = max(this->n); }";
    std::fs::write(&script, other).unwrap();
    assert_eq!(good(replay()).stdout, "go\n               10\n");
    std::fs::write(&script, "pid*:::entry { trace(arg3); }").unwrap();
    let message = refused(replay());
    assert!(message.contains("the event has no value for `arg3`"), "{message}");
    std::fs::write(&script, "syscall::read:entry { trace(1); }").unwrap();
    let message = refused(replay());
    assert!(message.contains("the recording has no probe syscall::read:entry"), "{message}");
}

#[test]
fn what_the_start_and_the_end_learn() {
    needs_root!();
    let text = "BEGIN { @start = nsecs; printf(\"%s %d\\n\", comm, pid > 0); }
        tracepoint:syscalls:sys_enter_exit_group /pid == cpid/ { $c = args.error_code; if ($c == 0) { printf(\"%s %d\\n\", comm, $c); } }
        END { printf(\"%d\\n\", nsecs > @start); clear(@start); }";
    assert_replays("replay-start", "true", text);
}

#[test]
fn arguments_of_system_calls() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "tracepoint:syscalls:sys_enter_openat /comm == \"syscalls\"/ {
            @path[tid] = str(args.filename); @n[str(args.filename), args.flags & 3] = count(); printf(\"%s %d\\n\", comm, args.dfd);
        }
        tracepoint:syscalls:sys_exit_openat /comm == \"syscalls\" && @path[tid] != \"\"/ {
            @result[@path[tid], strerror(-args.ret)] = count(); delete(@path, tid);
        }
        END { printf(\"the end\\n\"); }";
    assert_replays("replay-syscalls", &format!("{syscalls} openat 101 /nowhere/at/all"), text);
}

#[test]
fn arguments_of_functions_and_their_results() {
    needs_root!();
    let calls = target!("calls");
    let text = format!(
        "uprobe:{calls}:target_call {{ $n = arg0; $text = str(arg1); @h = hist($n); @l = lhist($n % 100, 0, 100, 10); @s = stats($n); @t[$text] = sum($n); }}
         uretprobe:{calls}:target_call {{ @r = max(retval); @m = min(retval); @avg = avg(retval); if (retval > 50) {{ @big++; }} }}"
    );
    assert_replays("replay-calls", &format!("{calls} 1009"), &text);
}

#[test]
fn arguments_of_static_probes() {
    needs_root!();
    let usdt = target!("usdt");
    let text = format!(
        "usdt:{usdt}:demo:* {{ @[probe] = count(); }} usdt:{usdt}:demo:hit {{ @text[str(arg1)] = sum(arg0); }} usdt:{usdt}:demo:sizes {{ @sizes[arg0, arg1, arg4] = count(); }}"
    );
    assert_replays("replay-usdt", &format!("{usdt} 101"), &text);
}

#[test]
fn loops_variables_and_maps() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let text = format!(
        "uprobe:{calls}:target_call /arg0 % 7 == 0/ {{
            $sum = (uint64)0; for ($i : 0..5) {{ $sum += arg0 * $i; }}
            @seen[arg0 % 3, \"x\"] = $sum; @last = (arg0, str(arg1)); unroll(3) {{ @u++; }}
            for ($kv : @seen) {{ @total[$kv.0] = sum($kv.1); }}
            if (arg0 > 300) {{ clear(@total); }}
        }}"
    );
    assert_replays("replay-loops", &format!("{calls} 401"), &text);
}

#[test]
fn a_clause_at_points_that_other_clauses_share_in_part() {
    needs_root!();
    let calls = target!("calls");
    let text = format!(
        "uprobe:{calls}:target_call {{ @sum = sum(arg0); }}
         uprobe:{calls}:target_call,uprobe:{calls}:main {{ @[comm, func] = count(); }}"
    );
    assert_replays("replay-shared", &format!("{calls} 101"), &text);
}

#[test]
fn stacks_and_symbols() {
    needs_root!();
    needs_callers!();
    let calls = target!("calls");
    let text = format!("uprobe:{calls}:target_call {{ @[ustack(2)] = count(); @f[usym(reg(\"ip\"))] = count(); }}");
    assert_replays("replay-stacks", &format!("{calls} 17"), &text);
}

/// The script and the recording of the repository, which is not there in a guest.
fn example() -> (PathBuf, PathBuf) {
    let dir = folder("replay-example");
    let (script, recording) = (dir.join("opens.bt"), dir.join("opens.json"));
    std::fs::write(&script, include_str!("../../../../examples/opens.bt")).unwrap();
    std::fs::write(&recording, include_str!("../../../../examples/opens.json")).unwrap();
    (script, recording)
}

#[test]
fn the_recording_that_comes_along() {
    let (script, recording) = example();
    let outcome = good(quadrant().arg("replay").arg(script).arg(recording));
    assert_eq!(outcome.stdout, include_str!("../../../../examples/opens.out"));
}

#[test]
fn the_recording_of_a_script_in_d_that_comes_along() {
    let dir = folder("replay-example-d");
    let (script, recording) = (dir.join("opens.d"), dir.join("opens-d.json"));
    std::fs::write(&script, include_str!("../../../../examples/opens.d")).unwrap();
    std::fs::write(&recording, include_str!("../../../../examples/opens-d.json")).unwrap();
    let outcome = good(quadrant().arg("replay").arg(script).arg(recording));
    assert_eq!(outcome.stdout, include_str!("../../../../examples/opens-d.out"));
}

/// A recording may be anybody's: no code of it runs, wherever it stands.
#[test]
fn a_hostile_recording_runs_nothing() {
    let dir = folder("replay-hostile");
    let (script, recording, proof) = (dir.join("opens.d"), dir.join("evil.json"), dir.join("pwned"));
    std::fs::write(&script, include_str!("../../../../examples/opens.d")).unwrap();
    let good = include_str!("../../../../examples/opens-d.json");
    let command = format!("system(\\\"touch {}\\\")", proof.display());
    let clause = format!("BEGIN {{ {command}; }}");
    for (honest, evil) in [
        ("\"requires\":[]", format!("\"requires\":[\"{clause}\"]")),
        ("\"ends\":[]", format!("\"ends\":[\"{clause}\"]")),
        ("\"predicate\":null", format!("\"predicate\":\"{command}\"")),
        ("\"errno\":null", format!("\"errno\":\"{command}\"")),
        ("\"thread\":null", format!("\"thread\":\"{command}\"")),
        ("\"inputs\":[]", format!("\"inputs\":[{{\"text\":\"{command}\"}}]")),
        ("\"raw\":[", format!("\"raw\":[{{\"text\":\"{command}\"}},")),
        ("\"args\":[", format!("\"args\":[{{\"type\":{{\"c\":\"int\"}},\"value\":{{\"text\":\"{command}\"}}}},")),
        ("{\"c\":\"int\"}", format!("{{\"d\":\"{command}\"}}")),
    ] {
        assert!(good.contains(honest), "{honest}");
        std::fs::write(&recording, good.replacen(honest, &evil, 1)).unwrap();
        let message = refused(quadrant().arg("replay").arg(&script).arg(&recording));
        assert!(message.contains("has code that is not quadrant's"), "{message}");
        assert!(!proof.exists(), "{evil}");
    }
}

/// What changes the system is as the script itself says.
#[test]
fn a_replay_runs_commands_only_of_scripts_that_may() {
    let dir = folder("replay-destructive");
    let (script, recording) = (dir.join("opens.d"), dir.join("opens-d.json"));
    std::fs::write(&recording, include_str!("../../../../examples/opens-d.json")).unwrap();
    let text = "BEGIN { system(\"echo here\"); }";
    std::fs::write(&script, text).unwrap();
    let message = refused(quadrant().arg("replay").arg(&script).arg(&recording));
    assert!(message.contains("Destructive actions not allowed"), "{message}");
    assert!(good(quadrant().args(["replay", "--unsafe"]).arg(&script).arg(&recording)).stdout.contains("here\n"));
    std::fs::write(&script, format!("#pragma D option destructive\n#pragma D option quiet\n{text}")).unwrap();
    assert_eq!(good(quadrant().arg("replay").arg(&script).arg(&recording)).lines()[0], "here");
}

/// The script's commands get values of the recording, which may be anybody's.
#[test]
fn a_replay_runs_commands_only_if_they_are_allowed() {
    let (_, recording) = example();
    let script = folder("replay-unsafe").join("unsafe.bt");
    std::fs::write(&script, "BEGIN { system(\"echo here\"); }").unwrap();
    let message = refused(quadrant().arg("replay").arg(&script).arg(&recording));
    assert!(message.contains("system() runs commands"), "{message}");
    assert_eq!(good(quadrant().args(["replay", "--unsafe"]).arg(&script).arg(&recording)).lines()[0], "here");
}

#[test]
fn a_recording_ends_where_begin_ends_the_trace() {
    needs_root!();
    let path = folder("record-exit").join("nothing.json");
    for text in ["BEGIN { exit(); }", "BEGIN { printf(\"%d\", pid); exit(); }"] {
        good(quadrant().args(["record", "-o"]).arg(&path).args(["-e", text]));
    }
}

/// What the exiting clause and those before it put into maps, the end has; what comes after it does not happen.
#[test]
fn what_is_remembered_where_the_trace_is_ended() {
    needs_root!();
    let text = "config = { print_maps_on_exit = false }
        BEGIN { @task[0] = curtask; exit(); } BEGIN { delete(@task, 0); } END { printf(\"%d\\n\", @task[0].pid > 0); }";
    assert_replays("replay-begin-exits", "true", text);
    let syscalls = target!("syscalls");
    let text = "config = { print_maps_on_exit = false }
        tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @p[0] = curtask.parent; @n++; }
        tracepoint:syscalls:sys_enter_exit_group { if (pid != cpid) { return; } @p[1] = @p[0]; exit(); }
        END { printf(\"%d %d\\n\", @n > 10, @p[1].pid > 0); }";
    assert_replays("replay-event-exits", &format!("{syscalls} openat 11 /nowhere/at/all"), text);
}

/// On another machine they are others, and without privileges there are no addresses of the kernel.
#[test]
fn names_are_those_of_the_recorded_machine() {
    needs_root!();
    let calls = target!("calls");
    let text = format!(
        "BEGIN {{ printf(\"%x %d\\n\", kaddr(\"schedule\"), cgroupid(\"/sys/fs/cgroup\")); }}
         uprobe:{calls}:target_call /arg0 == 1/ {{
            printf(\"%d\\n\", (uint64)uaddr(\"target_call\") == reg(\"ip\")); @user[uid] = 1;
            printf(\"%s %s %s\\n\", username, cgroup_path(cgroup), container);
         }}
         uprobe:{calls}:main {{ printf(\"%d\\n\", (uint64)uaddr(\"target_call\") - reg(\"ip\")); }}"
    );
    assert_replays("replay-names", &format!("{calls} 5"), &text);
    let dir = folder("replay-names");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    let recorded = std::fs::read_to_string(&recording).unwrap();
    let replay = |changed: &str| {
        std::fs::write(&recording, changed).unwrap();
        quadrant().arg("replay").arg(&script).arg(&recording)
    };
    let other = replay(&recorded.replace("\"name\":\"root\",\"user\":0", "\"name\":\"somebody\",\"user\":0"));
    assert!(good(other).stdout.contains("\nsomebody "));
    let message = refused(replay(&recorded.replacen("schedule", "another", 1)));
    assert!(message.contains("the recording does not say what the address of `schedule` is"), "{message}");
}

/// A clause that asks for the time again gets another one. Some clocks tick slowly, so there is work in between.
#[test]
fn times_that_are_asked_for_again() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let work = "$n = 0; while ($n < 2000) { $n++; }";
    let text = format!(
        "config = {{ print_maps_on_exit = false }}
         uprobe:{calls}:target_call {{
            $a = nsecs; $b = nsecs(monotonic); @t = elapsed; {work}
            printf(\"%d %d\\n\", nsecs > $a, nsecs(monotonic) > $b);
            $m = 0; while ($m < 3) {{ if (nsecs > $a) {{ @later++; }} $m++; }} printf(\"%d\\n\", @later);
         }}
         uprobe:{calls}:target_call /nsecs > 0/ {{ printf(\"%d\\n\", elapsed > @t); if (nsecs > @t && arg0 == 3) {{ exit(); }} }}"
    );
    assert_replays("replay-times", &format!("{calls} 5"), &text);
    let text = r#"uint64_t t; pid$target:calls:target_call:entry /timestamp > t/ { t = timestamp; printf("%d\n", timestamp - t); }
        pid$target:calls:target_call:entry { printf("%d\n", timestamp > t); }"#;
    assert_replays_d("replay-d-times", &format!("{calls} 5"), text);
}

/// The debug information is that of the machine that replays.
#[test]
fn named_arguments_of_functions() {
    needs_root!();
    let typed = target!("typed");
    let text = format!(
        "uprobe:{typed}:typed_scalars {{ printf(\"%d %s %s\\n\", args.item.mid, args.item.in.name, str(args.text)); print(args.color); }}
         uprobe:{typed}:typed_structs {{ print(args.triple); }}
         uretprobe:{typed}:typed_pointer {{ $i = (struct item *)retval; printf(\"%d %s\\n\", $i.id, $i.field.name); }}"
    );
    assert_replays("replay-typed", &typed, &text);
}

/// A symbol is at another distance from each place of a probe.
#[test]
fn addresses_at_probes_in_several_places() {
    needs_root!();
    let usdt = target!("usdt");
    let text = format!("usdt:{usdt}:demo:place {{ printf(\"%d %d\\n\", *(uint64 *)uaddr(\"in_memory\"), arg0); }}");
    assert_replays("replay-places", &format!("{usdt} 2"), &text);
}

/// The process is gone when its record is read.
#[test]
fn symbols_of_a_process_that_is_gone() {
    needs_root!();
    let calls = target!("calls");
    let text = "pid$target:calls:target_call:entry { usym(uregs[R_PC]); }";
    assert_replays_d("replay-d-gone", &format!("{calls} 1"), text);
}

/// Each random number is another, wherever it is drawn; one that decides whether an event counts is known before.
#[test]
fn random_numbers() {
    needs_root!();
    needs_loops!();
    let calls = target!("calls");
    let text = format!(
        "uprobe:{calls}:target_call {{
            $a = rand; $b = rand; printf(\"%d\\n\", $a == $b); if (rand == $a) {{ @same++; }}
            for ($i : 0..3) {{ $last = $b; $b = rand; @equal = count(); if ($b != $last) {{ @differ++; }} }}
         }}"
    );
    assert_replays("replay-random", &format!("{calls} 5"), &text);
    let text = "pid$target:calls:target_call:entry { printf(\"%d\\n\", rand() == rand()); }";
    assert_replays_d("replay-d-random", &format!("{calls} 5"), text);
    let path = folder("replay-random-wanted").join("recording.json");
    let text = format!("uprobe:{calls}:target_call /rand % 2 == 2/ {{ @n++; }}");
    good(quadrant().args(["record", "-c", &format!("{calls} 5"), "-e", &text, "-o"]).arg(&path));
    assert!(!std::fs::read_to_string(&path).unwrap().contains("\"values\""));
}

/// The end empties maps when all events are over.
#[test]
fn what_the_end_empties_was_remembered() {
    needs_root!();
    let syscalls = target!("syscalls");
    let command = format!("{syscalls} openat 11 /nowhere/at/all");
    let text = "tracepoint:syscalls:sys_enter_openat /pid == cpid/ { @path[tid] = args.filename; @seen[cpid > 0] = 1; }
        tracepoint:syscalls:sys_exit_openat /@path[tid]/ { printf(\"%d %s\\n\", args.ret < 0, str(@path[tid])); delete(@path, tid); }
        END { printf(\"the end\\n\"); clear(@path); zero(@seen); }";
    assert_replays("replay-end-empties", &command, text);
}

#[test]
fn a_script_that_wants_more_is_told_what() {
    let (_, recording) = example();
    let script = folder("replay-more").join("more.bt");
    let replay = |text: &str| {
        std::fs::write(&script, text).unwrap();
        refused(quadrant().arg("replay").arg(&script).arg(&recording))
    };
    let message = replay("tracepoint:syscalls:sys_enter_openat { @[args.flags] = count(); }");
    assert!(message.contains("opens.json:2: the event has no value for `args.flags`"), "{message}");
    let message = replay("tracepoint:syscalls:sys_enter_read { @ = count(); }");
    assert!(message.contains("the recording has no probe `tracepoint:syscalls:sys_enter_read`"), "{message}");
}

#[test]
fn only_the_process_that_is_asked_for_is_recorded() {
    needs_root!();
    let path = folder("record-process").join("recording.json");
    let script = "tracepoint:raw_syscalls:sys_enter { @[pid] = count(); } interval:ms:300 { exit(); }";
    let sleep = Program::new("sleep").arg("1").start().unwrap();
    let pid = sleep.pid().to_string();
    good(quadrant().args(["record", "-p", &pid, "-e", script, "-o"]).arg(&path));
    let text = std::fs::read_to_string(&path).unwrap();
    let others = text.lines().filter(|line| line.contains("\"point\":0,") && !line.contains(&format!("\"pid\":{pid}")));
    assert_eq!(others.count(), 0, "{text}");
    sleep.finish().unwrap();
}

/// What an inline of a library means of a term is no part of its name.
#[test]
fn names_in_d_end_with_the_script() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = "syscall::read:entry /pid == $target/ { @[fds[arg0].fi_name, fds[arg0].fi_pathname] = count(); }";
    assert_replays_d("replay-d-names", &format!("{syscalls} read 3"), text);
    let recording = std::fs::read_to_string(folder("replay-d-names").join("recording.json")).unwrap();
    assert!(recording.contains("\"fds[arg0].fi_name\":") && !recording.contains("translator"), "{recording}");
}

/// `$target` is a name in D, and no filter.
#[test]
fn a_target_of_d_leaves_no_other_process_out() {
    needs_root!();
    let dir = folder("record-d-target");
    let (script, recording) = (dir.join("script.d"), dir.join("recording.json"));
    std::fs::write(&script, "syscall:::entry /pid != $target/ { exit(0); }").unwrap();
    let sleep = Program::new("sleep").arg("1000").start().unwrap();
    let record = quadrant().args(["record", "-p", &sleep.pid().to_string(), "-o"]).arg(&recording).arg(&script);
    let outcome = good(record);
    assert!(!outcome.stderr.contains("0 events recorded") && !sleep.has_ended(), "{}", outcome.describe());
    sleep.signal(Signal::TERM).unwrap();
    sleep.finish().unwrap();
}

#[test]
fn what_a_recording_has_no_use_for_is_refused() {
    needs_root!();
    let record = |flags: &[&str], script: &str| {
        refused(quadrant().arg("record").args(flags).args(["-o", "/dev/null", "-e", script]))
    };
    let message = record(&["--overhead"], "BEGIN { }");
    assert!(message.contains("has no use for --overhead"), "{message}");
    for flags in [&["--format", "json"][..], &["--strict"], &["-d", "ast"], &["--dry-run"], &["--tree"], &["--count"]] {
        let message = record(flags, "BEGIN { }");
        assert!(message.contains("`quadrant record` has no use for --"), "{message}");
    }
    let help = good(quadrant().args(["record", "--help"])).stdout;
    assert!(help.contains("--events") && !help.contains("--format") && !help.contains("--list"), "{help}");
    let message = record(&["--cgroup", "/no/such/group"], "BEGIN { }");
    assert!(message.contains("/no/such/group"), "{message}");
    let packets = "rawtracepoint:net_dev_queue { skboutput(\"/dev/null\", args.skb, 64, 0); }";
    assert!(record(&[], packets).contains("skboutput() cannot be recorded"));
}
