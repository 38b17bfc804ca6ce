//! How probes are made, and what a script becomes, before anything is attached.

use std::process::Command;

use quadrant_testing::Running;

use crate::common::{assert_lines, attached, end, folder, good, needs_root, quadrant, refused, script};

#[test]
fn the_plan_is_printed_and_nothing_runs() {
    needs_root!();
    let script =
        "BEGIN { printf(\"never\\n\"); } tracepoint:sched:sched_switch { @ = count(); } interval:s:1 { exit(); }";
    let outcome = good(quadrant().args(["--explain", "-e", script]));
    let wanted = ["tracepoint:sched:sched_switch: raw tracepoints", "interval:s:1: perf events"];
    assert_lines(&outcome, &wanted);
}

#[test]
fn a_mechanism_that_does_not_exist_is_an_error_at_its_place() {
    needs_root!();
    let script = "config = { kprobe_mechanism = \"fast\" } BEGIN { exit(); }";
    let outcome = quadrant().args(["-e", script]).run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    let wanted = "`kprobe_mechanism` is multi, session, perf or tracefs";
    assert!(outcome.stderr.contains(wanted), "{}", outcome.describe());
}

const SCRIPT: &str = "tracepoint:syscalls:sys_enter_getppid /pid == 1/ { @n[tid] = count(); @last = nsecs; }";

#[test]
fn one_part_alone_has_no_heading() {
    needs_root!();
    let outcome = good(quadrant().args(["explain", "--only", "probes", "-e", SCRIPT]));
    let because = "  because the raw tracepoint of system calls would run the program at every one of them";
    assert_lines(&outcome, &["tracepoint:syscalls:sys_enter_getppid", "  perf events of tracepoints", because]);
}

#[test]
fn every_part_is_there() {
    needs_root!();
    let outcome = good(quadrant().args(["explain", "--all", "-e", SCRIPT]));
    let headings: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.strip_prefix("== ")).collect();
    let titles: Vec<&str> = headings.iter().map(|heading| heading.split(':').next().unwrap()).collect();
    let wanted =
        ["Probes", "Maps", "Typed program", "SSA", "eBPF", "Helper functions", "Translated", "Machine code", "Cost"];
    assert_eq!(titles, wanted, "{}", outcome.describe());
    let count = outcome.stdout.matches(": @n[tid] = count()\n").count();
    assert_eq!(count, 3, "the line stands in the listings of all three kinds of code: {}", outcome.describe());
    assert!(outcome.stdout.contains("finds the value of a key in a map"), "{}", outcome.describe());
}

/// The instructions of a listing: lines that start with a number and a colon.
/// Without the spaces before the number, which are as many as the tool likes.
fn instructions(listing: &str) -> Vec<&str> {
    let is_instruction =
        |line: &&str| line.split_once(": (").is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok());
    listing.lines().filter(is_instruction).map(str::trim).collect()
}

/// The programs that a process holds, by their numbers.
fn programs_of(pid: u32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("it runs").flatten();
    let infos = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let number = |info: String| info.lines().find_map(|line| Some(line.strip_prefix("prog_id:")?.trim().to_owned()));
    let mut numbers: Vec<String> = infos.filter_map(number).collect();
    numbers.sort();
    numbers.dedup();
    numbers
}

/// What a tracer's programs are, here and by bpftool.
fn assert_shown_as_by_bpftool(tracer: Running, least: usize) {
    let mut count = 0;
    for id in programs_of(tracer.pid()) {
        let theirs = Command::new("bpftool").args(["prog", "dump", "xlated", "id", &id]).output().expect("it runs");
        let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
        let ours = good(quadrant().args(["explain", "--program", &id, "--only", "xlated"]));
        let (ours, theirs) = (instructions(&ours.stdout), instructions(&theirs));
        // Names of called functions are each tool's choice where an address has several.
        let plain = |line: &&str| line.split("call ").next().unwrap_or_default().to_owned();
        assert_eq!(ours.iter().map(plain).collect::<Vec<_>>(), theirs.iter().map(plain).collect::<Vec<_>>());
        count += theirs.len();
    }
    end(tracer);
    assert!(count > least, "{count}");
}

#[test]
fn the_kernels_instructions_are_those_that_bpftool_shows() {
    needs_root!();
    if !Command::new("bpftool").arg("version").output().is_ok_and(|output| output.status.success()) {
        return quadrant_testing::skip("bpftool is not installed");
    }
    let tracer = attached(script(
        "tracepoint:syscalls:sys_enter_openat /comm == \"explained\"/ {
            @[comm, str(args.filename)] = count(); @h = hist(nsecs % 1000); for ($i : 0..3) { printf(\"%d %s\\n\", $i, ustack); }
        }",
    ));
    assert_shown_as_by_bpftool(tracer, 100);
    let clauses = "BEGIN { trace(\"begun\"); } syscall::openat:entry /execname == \"explained\"/ { @[copyinstr(arg1)] = quantize(arg2); }
        ERROR { trace(arg4); }";
    let tracer = quadrant().args(["dtrace", "-n", clauses]).start().expect("the tracer runs");
    tracer.wait_for_stdout("begun").expect("it attaches");
    assert_shown_as_by_bpftool(tracer, 100);
    let file = folder("explain-bpftool").join("counts.bpf.o");
    good(quadrant().args(["build", "-o"]).arg(&file).args(["-e", SCRIPT_OF_OBJECT]));
    assert_shown_as_by_bpftool(attached(quadrant().arg("load").arg(&file)), 10);
}

#[test]
fn parts_that_are_not_there_are_told() {
    needs_root!();
    let tracer = attached(script("rawtracepoint:sys_exit { @told = count(); }"));
    let ask = |parts: &[&str]| {
        let only = parts.iter().flat_map(|part| ["--only", part]);
        quadrant().args(["explain", "--program", "sys_exit"]).args(only).run().unwrap()
    };
    let (none, some) = (ask(&["ssa", "bpf"]), ask(&["cost", "bpf"]));
    end(tracer);
    assert_eq!((none.code(), none.stdout.as_str()), (Some(1), ""), "{}", none.describe());
    assert!(none.stderr.contains("does not have these parts of a program: ssa, bpf"), "{}", none.describe());
    assert!(some.code() == Some(0) && some.stdout.contains("instructions verified"), "{}", some.describe());
    assert!(
        some.stderr.contains("note: the kernel does not have these parts of a program: bpf"),
        "{}",
        some.describe()
    );
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    needs_root!();
    let outcome = quadrant().args(["explain", "--program", "no such program"]).run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert!(outcome.stderr.contains("the kernel has no program `no such program`"), "{}", outcome.describe());
}

/// Each stage of the compiler by itself, the whole of it. `UPDATE=1` writes the files anew; read what has changed. What
/// the kernel makes of the code is its own, and compared with what bpftool shows.
#[test]
fn each_stage_alone() {
    needs_root!();
    if std::env::var_os("QUADRANT_GUEST").is_some() {
        return quadrant_testing::skip("what the compiler makes for another kernel is compared on the host");
    }
    let stages = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/explain");
    let script = "interval:s:1 { @n++; if (@n > 2) { @low[cpu] = min(@n); } }";
    for part in ["probes", "maps", "model", "ssa", "bpf", "helpers"] {
        let said = good(quadrant().args(["explain", "--only", part, "-e", script])).stdout;
        let (said, file) = (without_memory(&said), stages.join(part).with_extension("txt"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &said).expect("the folder is there");
        }
        assert_eq!(said, std::fs::read_to_string(&file).unwrap_or_default(), "{part}");
    }
}

/// How much memory a map has is a matter of the machine's processors.
fn without_memory(table: &str) -> String {
    let header = table.lines().next().unwrap_or_default();
    let Some((start, end)) = header.find("MEMORY NOW").zip(header.find("WHAT FOR")) else { return table.to_owned() };
    table.lines().map(|line| format!("{}{}\n", &line[..start], &line[end..])).collect()
}

/// A tag is the same for all programs of the same instructions, here and on other machines.
#[test]
fn a_program_by_its_tag() {
    needs_root!();
    let tracer = attached(script("tracepoint:syscalls:sys_enter_getppid { @tagged = count(); }"));
    let infos = std::fs::read_dir(format!("/proc/{}/fdinfo", tracer.pid())).expect("it runs").flatten();
    let mut infos = infos.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let tag =
        infos.find_map(|info| Some(info.lines().find_map(|line| line.strip_prefix("prog_tag:"))?.trim().to_owned()));
    let tag = tag.expect("the tracer has a program");
    let outcome = good(quadrant().args(["explain", "--program", &tag, "--only", "cost"]));
    end(tracer);
    assert!(outcome.stdout.contains("instructions verified"), "{}", outcome.describe());
    let gone = refused(quadrant().args(["explain", "--program", "0123456789abcdef"]));
    assert!(gone.contains("the kernel has no program `0123456789abcdef`"), "{gone}");
    let no_pin = refused(quadrant().args(["explain", "--program", "/etc/passwd"]));
    assert!(no_pin.contains("/etc/passwd: EACCES: it is no pin of a map, a program or a link"), "{no_pin}");
}

#[test]
fn scripts_in_d() {
    needs_root!();
    let file = folder("explain-d").join("script.d");
    std::fs::write(&file, "syscall::getppid:entry\n/pid > $1/\n{\n\t@[execname] = count();\n}\n")
        .expect("it can be written");
    let explain = |parts: &[&str]| good(quadrant().arg("explain").args(parts).arg(&file).arg("7")).stdout;
    let all = explain(&["--all"]);
    for part in
        ["== Probes", "== Typed program", "== SSA", "== eBPF", "== Translated: ", "== Machine code: ", "== Cost"]
    {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert_eq!(all.matches("script.d:4:2: @[execname] = count()\n").count(), 3, "{all}");
    assert!(explain(&["--only", "probes"]).starts_with("syscall:vmlinux:getppid:entry\n"));
}

#[test]
fn scripts_in_d_for_a_command() {
    needs_root!();
    let file = folder("explain-d-target").join("script.d");
    std::fs::write(&file, "syscall::getppid:entry /pid == $target/ { @ = count(); }").expect("it can be written");
    let outcome = good(quadrant().args(["explain", "--only", "probes", "-c", "/bin/true"]).arg(&file));
    assert!(outcome.stdout.starts_with("syscall:vmlinux:getppid:entry\n"), "{}", outcome.describe());
}

#[test]
fn flags_that_explain_cannot_heed_are_refused() {
    for flags in [
        &["-o", "/dev/null"][..],
        &["--format", "json"],
        &["--overhead"],
        &["-l"],
        &["-dast"],
        &["--tree"],
        &["--count"],
    ] {
        let message = refused(quadrant().arg("explain").args(flags).args(["-e", "BEGIN { }"]));
        assert!(message.contains("`quadrant explain` has no use for --"), "{message}");
    }
    let help = good(quadrant().args(["explain", "--help"])).stdout;
    assert!(help.contains("--only") && !help.contains("--output") && !help.contains("--strict"), "{help}");
}

#[test]
fn objects() {
    needs_root!();
    let file = folder("explain-object").join("counts.bpf.o");
    good(quadrant().args(["build", "-o"]).arg(&file).args(["-e", SCRIPT_OF_OBJECT]));
    let outcome = good(quadrant().arg("explain").arg(&file));
    for part in [
        "SEC(\"tracepoint/syscalls/sys_enter_getppid\"): syscalls/sys_enter_getppid",
        "\nn      percpu_hash",
        "finds the value of a key in a map",
        "== Translated: sys_enter_getppid_tracepoint (program ",
        "; stdin:1:51: @n[tid] = count()",
        "\nsys_enter_getppid_tracepoint  ",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.describe());
    }
    let message = refused(quadrant().args(["explain", "--only", "ssa"]).arg(&file));
    assert!(message.contains("an object does not have these parts of a program: ssa"), "{message}");
}

const SCRIPT_OF_OBJECT: &str = "tracepoint:syscalls:sys_enter_getppid /pid > 1/ { @n[tid] = count(); }";
