//! Recordings: what a replay prints is what the trace printed.

use std::path::PathBuf;

use quadrant_testing::Program;

use crate::common::{binary, folder, good, needs_callers, needs_loops, needs_root, quadrant, refused, target};

/// Runs a script on a command, records the same with it, and replays that without any capability; all three must agree.
#[track_caller]
fn assert_replays(name: &str, command: &str, text: &str) {
    let dir = folder(name);
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    std::fs::write(&script, text).unwrap();
    let live = good(quadrant().args(["-c", command]).arg(&script));
    good(quadrant().args(["record", "-c", command, "-o"]).arg(&recording).arg(&script));
    let plain = Program::new("setpriv").args(["--bounding-set=-all", "--inh-caps=-all", "--reset-env"]);
    let replayed = good(plain.arg(binary()).arg("replay").arg(&script).arg(&recording));
    assert!(!live.lines().is_empty(), "{}", live.describe());
    assert_eq!(replayed.stdout, live.stdout, "{}", replayed.describe());
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
fn what_depends_on_maps_cannot_be_recorded() {
    needs_root!();
    let script = "tracepoint:syscalls:sys_enter_read { @p = args.buf; @s = str(@p); }";
    let message = refused(quadrant().args(["record", "-o", "/dev/null", "-e", script]));
    assert!(message.contains("cannot be recorded"), "{message}");
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

#[test]
fn what_a_recording_has_no_use_for_is_refused() {
    needs_root!();
    let record = |flags: &[&str], script: &str| {
        refused(quadrant().arg("record").args(flags).args(["-o", "/dev/null", "-e", script]))
    };
    let message = record(&["--overhead"], "BEGIN { }");
    assert!(message.contains("has no use for --overhead"), "{message}");
    let message = record(&["--cgroup", "/no/such/group"], "BEGIN { }");
    assert!(message.contains("/no/such/group"), "{message}");
    let packets = "rawtracepoint:net_dev_queue { skboutput(\"/dev/null\", args.skb, 64, 0); }";
    assert!(record(&[], packets).contains("skboutput() cannot be recorded"));
}
