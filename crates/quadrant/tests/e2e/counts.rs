//! Each kind of probe counts exactly: targets do a prime number of operations, and that number comes out.

use quadrant_bpf::features::Features;
use quadrant_testing::{COUNT, Program, skip};

use crate::common::{
    assert_lines, attached, needs_root, number, quadrant, refused, run, run_on, script, sum_below, target,
};

/// The number of getppid(2).
const GETPPID: u32 = if cfg!(target_arch = "x86_64") { 110 } else { 173 };

#[test]
fn tracepoint_of_a_system_call() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid {COUNT}"),
        "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @ = count(); }",
    );
    assert_lines(&outcome, &["@: 10007"]);
}

#[test]
fn tracepoint_of_all_system_calls() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid {COUNT}"),
        &format!("tracepoint:raw_syscalls:sys_enter /comm == \"syscalls\" && args.id == {GETPPID}/ {{ @ = count(); }}"),
    );
    assert_lines(&outcome, &["@: 10007"]);
}

#[test]
fn raw_tracepoint_with_typed_arguments() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid {COUNT}"),
        &format!("rawtracepoint:sys_enter /comm == \"syscalls\" && args.id == {GETPPID}/ {{ @ = count(); }}"),
    );
    assert_lines(&outcome, &["@: 10007"]);
}

#[test]
fn path_of_a_system_call() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} openat {COUNT} /nowhere/at/all"),
        "tracepoint:syscalls:sys_enter_openat /comm == \"syscalls\"/ { @[str(args.filename)] = count(); }",
    );
    assert_eq!(number(&outcome, "@[/nowhere/at/all]"), 10007);
}

#[test]
fn entry_and_return_of_a_system_call() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} write {COUNT}"),
        "tracepoint:syscalls:sys_enter_write /comm == \"syscalls\"/ { @start[tid] = nsecs; }
         tracepoint:syscalls:sys_exit_write /@start[tid]/ {
             @n = count(); @bytes = sum(args.ret); @positive = min(nsecs - @start[tid] > 0); delete(@start, tid);
         }",
    );
    assert_lines(&outcome, &["@bytes: 10007", "@n: 10007", "@positive: 1"]);
}

/// What comes between print() and clear() is in the next print().
#[test]
fn print_and_clear_lose_no_count() {
    needs_root!();
    let syscalls = target!("syscalls");
    // An emulated machine needs its time to print.
    let guest = std::env::var_os("QUADRANT_GUEST").is_some();
    let (calls, every) = if guest { (200_000, 20) } else { (500_000, 1) };
    let outcome = run_on(
        &format!("{syscalls} getppid {calls}"),
        &format!("tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ {{ @ = count(); @key[tid] = count(); @avg[comm] = avg(1); @sum[1] = sum(1); }}
         interval:ms:{every} {{ print(@); print(@key); print(@avg); print(@sum); clear(@); clear(@key); clear(@avg); clear(@sum); }}"),
    );
    let values = |name: &str| -> Vec<u64> {
        let lines = outcome.lines().into_iter().filter(|line| line.starts_with(name));
        lines.map(|line| line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")).collect()
    };
    for name in ["@: ", "@key[", "@sum["] {
        assert!(guest || values(name).len() > 20, "the map is printed again and again: {}", outcome.describe());
        assert_eq!(values(name).iter().sum::<u64>(), calls, "{name}");
    }
    // An average has two words: the event between them, when it is read, is in one interval's sum and in the next one's number.
    let averages = values("@avg[");
    let torn = averages.iter().filter(|average| **average != 1).count();
    assert!(guest || torn * 10 <= averages.len(), "{}", outcome.describe());
}

#[test]
fn function_of_a_program() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} {COUNT} words"),
        &format!(
            "uprobe:{calls}:target_call {{ @n = count(); @sum = sum(arg0); @text[str(arg1)] = count(); @max = max(arg0); }}"
        ),
    );
    let sum = format!("@sum: {}", sum_below(COUNT));
    assert_lines(&outcome, &["@max: 10006", "@n: 10007", &sum, "@text[words]: 10007"]);
}

/// As many probes as the script allows, whatever the command line's limit is; without one, all functions of a program.
#[test]
fn thousands_of_functions() {
    needs_root!();
    if !Features::new().uprobe_multi() {
        return skip(
            "this kernel has no links to many user functions (Linux 6.6): thousands of single ones take an emulated one too long",
        );
    }
    let many = target!("many");
    let probes = format!("uprobe:{many}:many_*0* {{ @ = count(); }}");
    assert_lines(&run_on(&many, &probes), &["@: 2084"]);
    let text = |most: u32| format!("config = {{ max_probes = {most} }} {probes}");
    assert_lines(&run_on(&many, &text(2084)), &["@: 2084"]);
    let message = refused(quadrant().args(["-e", &text(2083)]));
    assert!(message.contains("matches 2084 probes, more than the limit of 2083"), "{message}");
}

/// Whose wildcards mean very many functions may not know what each call costs then.
#[test]
fn what_very_many_probes_of_all_wildcards_cost_is_told_unless_quiet() {
    needs_root!();
    if !Features::new().uprobe_multi() {
        return skip(
            "this kernel has no links to many user functions (Linux 6.6): thousands of single ones take an emulated one too long",
        );
    }
    let many = target!("many");
    let attach = |flags: &[&str], names: [&str; 2]| {
        let [one, other] = names.map(|name| format!("uprobe:{many}:{name}"));
        let text = format!("{one}, {other} {{ }} interval:ms:1 {{ exit(); }}");
        quadrant().args(flags).args(["-e", &text]).run().unwrap()
    };
    let (crowd, told) = (["many_1*", "many_2*"], "probes are put in");
    let outcome = attach(&[], crowd);
    let line = format!("probes are put in {many}, which no process runs now: each hit takes its thread");
    assert!(outcome.stderr.contains(&line), "{}", outcome.describe());
    assert!(!attach(&["-q"], crowd).stderr.contains(told));
    assert!(!attach(&[], ["many_11*", "many_22*"]).stderr.contains(told));
    let json = attach(&["--format", "json"], crowd);
    assert!(json.stdout.contains(&line), "{}", json.describe());
}

#[test]
fn return_of_a_function() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} {COUNT}"),
        &format!("uretprobe:{calls}:target_call {{ @n = count(); @sum = sum(retval); }}"),
    );
    assert_lines(&outcome, &["@n: 10007", &format!("@sum: {}", 2 * sum_below(COUNT))]);
}

#[test]
fn entry_and_return_of_a_function() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} {COUNT}"),
        &format!(
            "uprobe:{calls}:target_call {{ @at[tid] = arg0; }}
             uretprobe:{calls}:target_call {{ @twice = sum(retval == 2 * @at[tid]); delete(@at, tid); }}"
        ),
    );
    assert_lines(&outcome, &["@twice: 10007"]);
}

#[test]
fn function_of_a_library() {
    needs_root!();
    let (library, calls) = (target!("libcalls.so"), target!("calls-shared"));
    let outcome = run_on(
        &format!("{calls} {COUNT}"),
        &format!(
            "uprobe:{library}:target_call {{ @n = count(); }} uretprobe:{library}:target_call {{ @r = count(); }}"
        ),
    );
    assert_lines(&outcome, &["@n: 10007", "@r: 10007"]);
}

#[test]
fn arguments_beyond_the_registers_and_memory_behind_a_pointer() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} 1"),
        &format!(
            "struct point {{ int x; unsigned short flags; const char *label; }};
             uprobe:{calls}:target_many {{ @many = (arg0, arg1, arg2, arg3, arg4, arg5); }}
             uprobe:{calls}:target_point {{
                 $p = (struct point *)arg0;
                 printf(\"%d %d %s\\n\", $p->x, $p->flags, str($p->label));
             }}
             uretprobe:{calls}:target_point {{ printf(\"%d\\n\", (int32)retval); }}"
        ),
    );
    assert_lines(&outcome, &["-7 513 origin", "-7", "@many: (1, 2, 3, 4, 5, 6)"]);
}

#[test]
fn wildcard_over_functions() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(&format!("{calls} {COUNT}"), &format!("uprobe:{calls}:target_* {{ @[func] = count(); }}"));
    assert_lines(&outcome, &["@[target_many]: 1", "@[target_point]: 1", "@[target_call]: 10007"]);
}

#[test]
fn wildcard_over_system_calls() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid {COUNT}"),
        "tracepoint:syscalls:sys_enter_getp* /comm == \"syscalls\"/ { @[probe] = count(); }",
    );
    assert_lines(&outcome, &["@[tracepoint:syscalls:sys_enter_getppid]: 10007"]);
}

#[test]
fn two_bodies_and_a_list_on_one_point() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(
        &format!("{calls} {COUNT}"),
        &format!(
            "uprobe:{calls}:target_call {{ @first++; }}
             uprobe:{calls}:target_call, uprobe:{calls}:target_many {{ @both++; }}
             uprobe:{calls}:target_call /@first == @both/ {{ @in_order++; }}"
        ),
    );
    assert_lines(&outcome, &["@both: 10008", "@first: 10007", "@in_order: 10007"]);
}

#[test]
fn increments_of_many_threads_are_all_kept() {
    needs_root!();
    let threads = target!("threads");
    let outcome = run_on(
        &format!("{threads} {COUNT} 4"),
        &format!("uprobe:{threads}:target_call {{ @plain++; @[comm]++; @count = count(); }}"),
    );
    assert_eq!((number(&outcome, "@plain"), number(&outcome, "@count")), (40028, 40028));
    for worker in 0..4 {
        assert_eq!(number(&outcome, &format!("@[worker-{worker}]")), 10007);
    }
}

/// More keys than the tables in front of the maps have slots for, some of which are taken while other threads come to them.
#[test]
fn keys_that_many_threads_feed_are_all_counted() {
    needs_root!();
    let threads = target!("threads");
    let outcome = run_on(
        &format!("{threads} 100003 4"),
        &format!(
            "uprobe:{threads}:target_call {{ @by[arg0 % 1009] = count(); @sum[comm, arg0 % 307] = sum(1); @h[arg0 % 101] = hist(0); }}
             interval:ms:20 {{ print(@by); }}"
        ),
    );
    let last = outcome.stdout.rsplit("\n\n\n").next().unwrap_or_default();
    let total = |map: &str| -> u64 {
        let lines = last.lines().filter_map(|line| line.strip_prefix(map)?.split_once("]: "));
        lines.filter_map(|(_, count)| count.parse::<u64>().ok()).sum()
    };
    // The kernel may have no memory at hand for a new key, which is told.
    let lost = |map: &str| -> u64 {
        let lines = outcome.stderr.lines().filter(|line| line.contains(&format!(" of {map} at ")));
        lines.filter_map(|line| line.strip_prefix("LOST: ")?.split(' ').next()?.parse::<u64>().ok()).sum()
    };
    let all = [total("@by[") + lost("@by"), total("@sum[") + lost("@sum")];
    assert_eq!(all, [400_012; 2], "{}", outcome.describe());
    let rows = last.lines().filter_map(|line| line.strip_prefix("[0]")?.split_whitespace().next());
    let counted: u64 = rows.filter_map(|count| count.parse::<u64>().ok()).sum();
    assert_eq!(counted + lost("@h"), 400_012, "{}", outcome.describe());
}

/// The kernel's verifier knows which of these are pointers, and allows hardly any arithmetic on them.
#[test]
fn addresses_among_the_arguments_of_raw_tracepoints_can_be_computed_with() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid {COUNT}"),
        &format!(
            "rawtracepoint:sys_enter /comm == \"syscalls\" && arg1 == {GETPPID}/ {{
                 @same = sum(((arg0 >> 4) << 4 | arg0 & 15) == (uint64)args.regs ? 1 : 0);
                 @high[arg0 % 1] = sum(arg0 >> 63);
                 @low = max((uint8)args.regs & 7);
                 @at[(struct pt_regs *)(arg1 - arg1), 1] = count();
                 @start[args.regs] = nsecs;
                 @n = sum(@start[args.regs] > 0);
                 delete(@start, args.regs);
                 @off = max((uint64)args.regs / 8 * 8 + ~(uint64)args.regs + 1);
             }}"
        ),
    );
    assert_lines(
        &outcome,
        &["@at[0x0, 1]: 10007", "@high[0]: 10007", "@low: 0", "@n: 10007", "@off: 0", "@same: 10007"],
    );
}

#[test]
fn children_of_a_program_are_traced_system_wide() {
    needs_root!();
    let lives = target!("lives");
    let tracer = attached(script(&format!("uprobe:{lives}:target_call {{ @n = count(); @by[pid] = count(); }}")));
    let target = Program::new(&lives).args(["fork", "10007"]).run().unwrap();
    assert!(target.success(), "{}", target.describe());
    tracer.signal(quadrant_testing::Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(number(&outcome, "@n"), 30021, "{}", outcome.describe());
    let by_process = outcome.stdout.lines().filter(|line| line.starts_with("@by[") && line.ends_with("]: 10007"));
    assert_eq!(by_process.count(), 3, "{}", outcome.describe());
}

#[test]
fn writes_of_a_watched_variable() {
    needs_root!();
    let watched = target!("watched");
    let address = Program::new(&watched).arg("where").run().unwrap().stdout;
    let outcome =
        run_on(&format!("{watched} {COUNT}"), &format!("watchpoint:{}:8:w {{ @ = count(); }}", address.trim()));
    assert_lines(&outcome, &["@: 10007"]);
}

/// Watchpoints that are taken away fire no more.
#[test]
fn watchpoints_that_are_taken_away() {
    needs_root!();
    let watched = target!("watched");
    let address = Program::new(&watched).arg("where").run().unwrap().stdout;
    let address = address.trim();
    let mut running = Program::new(&watched).env("TARGET_WAIT", "1").with_input().start().unwrap();
    running.wait_for_stdout("ready").unwrap();
    let text = format!(
        "watchpoint:{address}:8:w {{ @gone = count(); }} watchpoint:{address}:4:w {{ @gone = count(); }}
         interval:ms:1 /!@done/ {{ unwatch({address}); @done = 1; printf(\"away\\n\"); }}"
    );
    let tracer = attached(script(&text).args(["-p", &running.pid().to_string()]));
    tracer.wait_for_stdout("away").unwrap();
    running.write("go\n").unwrap();
    running.finish().unwrap();
    let outcome = tracer.finish().unwrap();
    assert_lines(&outcome, &["away", "@done: 1"]);
}

#[test]
fn samples_of_a_busy_program() {
    needs_root!();
    let stacks = target!("stacks");
    let mut busy = Program::new(&stacks).args(["0"]).with_input().start().unwrap();
    let outcome = run("profile:hz:999 /comm == \"stacks\"/ { @++; if (@ >= 101) { exit(); } }");
    busy.close_input();
    assert!(number(&outcome, "@") >= 101);
    assert!(busy.finish().unwrap().success());
}

#[test]
fn faults_of_pages() {
    needs_root!();
    let calls = target!("calls");
    let outcome = run_on(&format!("{calls} 1"), "software:page-faults:1 /comm == \"calls\"/ { @ = count(); }");
    assert!(number(&outcome, "@") > 10, "{}", outcome.describe());
}

#[test]
fn scheduler_switches_by_raw_tracepoint() {
    needs_root!();
    let outcome =
        run("rawtracepoint:sched_switch { @[cpu, args.prev.comm] = count(); @n++; if (@n > 50) { exit(); } }");
    assert!(number(&outcome, "@n") > 50);
    assert!(outcome.stdout.lines().any(|line| line.starts_with("@[0, ")), "{}", outcome.describe());
}

/// Code in a file that is no ELF file, at an offset in it.
#[test]
fn code_in_a_file_of_another_format() {
    needs_root!();
    let raw = target!("raw");
    // `lea eax, [rdi+1]; ret`, and `add w0, w0, #1; ret`.
    let x86 = cfg!(target_arch = "x86_64");
    let code: &[u8] = if x86 { b"\x8d\x47\x01\xc3" } else { b"\x00\x04\x00\x11\xc0\x03\x5f\xd6" };
    let file = crate::common::folder("raw").join("code.bin");
    std::fs::write(&file, code).unwrap();
    let file = file.display();
    let probe = format!("uprobe:{file}:0 {{ @[arg0 < {COUNT}] = count(); }}");
    let outcome = crate::common::good(script(&probe).args(["--unsafe", "-c", &format!("{raw} {file} {COUNT}")]));
    assert_lines(&outcome, &["@[true]: 10007"]);
    let message = crate::common::refused(script(&probe));
    assert!(message.contains("not an ELF file"), "{message}");
    let message = crate::common::refused(script(&probe.replace(":0 ", ":4096 ")).args(["--unsafe"]));
    assert!(message.contains("beyond the end"), "{message}");
}

/// A counter that the machine lacks is passed over where the script says so; 6.18 and the guests have no hardware counters.
#[test]
fn a_missing_counter_is_passed_over() {
    needs_root!();
    let text = "hardware:cpu-cycles { @cycles = count(); } BEGIN { @ran = 1; } interval:ms:1 { exit(); }";
    let whole = script(text).run().expect("the tracer runs");
    if whole.success() {
        return quadrant_testing::skip("this machine has hardware counters");
    }
    assert!(whole.stderr.contains("no such event"), "{}", whole.describe());
    let outcome = run(&format!("config = {{ missing_probes = \"warn\" }} {text}"));
    assert!(outcome.stderr.contains("warning: cannot open hardware event"), "{}", outcome.describe());
    assert_lines(&outcome, &["@ran: 1"]);
    let outcome = run(&format!("config = {{ missing_probes = \"ignore\" }} {text}"));
    assert!(!outcome.stderr.contains("cycles"), "{}", outcome.describe());
}
