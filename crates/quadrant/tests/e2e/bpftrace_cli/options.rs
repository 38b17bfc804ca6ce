//! Options, streams, and statuses.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use quadrant_testing::Program;

use super::{assert_run, bpftrace, run};
use crate::common::{binary, needs_root, target};

/// What a script that prints nothing leaves on standard output.
const NOTHING: &str = "\n\n";

#[test]
fn the_header_comes_first_and_goes_to_standard_error() {
    needs_root!();
    assert_run(["-e", "BEGIN { printf(\"hi\\n\"); exit(); }"], "hi\n\n\n", "Attached 1 probe\n", 0);
    assert_run(["-q", "-e", "BEGIN { printf(\"hi\\n\"); exit(); }"], "hi\n\n\n", "", 0);
    assert_run(["-e", "END { } END { } BEGIN { exit(); }"], NOTHING, "Attached 3 probes\n", 0);
}

#[test]
fn a_link_of_that_name_is_the_same() {
    needs_root!();
    let dir = std::env::temp_dir().join(format!("quadrant-bpftrace-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder can be made");
    let link = dir.join("bpftrace");
    symlink(binary(), &link).expect("a link can be made");
    let outcome = Program::new(&link).args(["-e", "BEGIN { exit(4); }"]).run().expect("it runs");
    std::fs::remove_dir_all(&dir).expect("the folder is ours");
    assert_eq!((outcome.stderr.as_str(), outcome.code()), ("Attached 1 probe\n", Some(4)));
}

#[test]
fn the_status_is_the_scripts_and_not_the_commands() {
    needs_root!();
    assert_run(["-q", "-c", "/bin/false", "-e", "END { }"], NOTHING, "", 0);
    assert_run(["-q", "-c", "/bin/false", "-e", "BEGIN { exit(7); }"], NOTHING, "", 7);
}

#[test]
fn a_script_to_which_nothing_can_happen_ends() {
    needs_root!();
    assert_run(["-e", "BEGIN { printf(\"hi\\n\"); }"], "hi\n\n\n", "Attached 1 probe\n", 0);
}

#[test]
fn what_the_kernel_refuses_has_a_status_of_its_own() {
    needs_root!();
    // No processor can watch so many addresses.
    let points: Vec<String> = (0..17).map(|index| format!("watchpoint:{:#x}:8:w", 0x60_0000 + 8 * index)).collect();
    let outcome = run(["-c", "/bin/true", "-e", &format!("{} {{ }}", points.join(","))]);
    assert!(outcome.stderr.starts_with("ERROR: cannot open watchpoint"), "{}", outcome.describe());
    assert_eq!((outcome.stdout.as_str(), outcome.code()), ("", Some(255)));
}

#[test]
fn parameters_of_the_script() {
    needs_root!();
    let script = "BEGIN { printf(\"%d %d %d\\n\", getopt(\"num\", 5, \"how many\"), getopt(\"flag\"), $1); exit(); }";
    assert_run(["-q", "-e", script, "9"], "5 0 9\n\n\n", "", 0);
    assert_run(["-q", "-e", script, "--", "--num=7", "--flag", "9"], "7 1 9\n\n\n", "", 0);
    assert_run(["-q", "-e", script, "--", "--num=7", "--num=8", "9"], "8 0 9\n\n\n", "", 0);
    assert_run(["-e", script, "--", "--help"], "", "HINT: expected program options:\n--flag\n--num: how many\n", 1);
    let unexpected =
        "ERROR: unexpected program command line options: --bogus\nHINT: expected program options: --flag, --num\n";
    assert_run(["-e", script, "--", "--bogus=1"], "", unexpected, 1);
    let none = "ERROR: unexpected program command line options: --c\nHINT: no custom program options defined.\n";
    assert_run(["-e", "BEGIN { exit(); }", "--", "--c"], "", none, 1);
}

#[test]
fn a_filter_chooses_what_is_attached() {
    needs_root!();
    let script = "BEGIN { } interval:ms:1 { exit(3); } interval:ms:2 { exit(4); } END { }";
    assert_run(["--probe-filter", "interval:ms:1", "-e", script], NOTHING, "Attached 3 probes\n", 3);
    assert_run(["--probe-filter", "nope", "-e", script], NOTHING, "Attached 2 probes\n", 0);
    assert_run(["--probe-filter", "nope", "-e", "i:s:1 { }"], "No probes to attach\n", "", 1);
    assert_run(["--probe-filter", "nope", "-e", "test:one { }"], "No probes to attach\n", "", 1);
}

#[test]
fn tests_that_are_benchmarks() {
    needs_root!();
    let one_of_each = |kind: &str| format!("{kind}:one {{ }}");
    for (flag, kind, other) in [("--test", "bench", "--bench"), ("--bench", "test", "--test")] {
        let what = if kind == "test" { "test" } else { "benchmark" };
        let message = format!("ERROR: No probes attached; use {other} to run {what} probes.\n");
        assert_run([flag, "-e", &one_of_each(kind)], "", &message, 255);
    }
}

#[test]
fn a_list_of_functions_is_there() {
    let message = "ERROR: Failed to open kernel function info: Could not read functions from /nowhere. (No such file or directory)\n";
    assert_run(["--traceable-functions", "/nowhere", "-e", "BEGIN { exit(); }"], "", message, 1);
}

#[test]
fn warnings_of_the_script_can_be_switched_off() {
    needs_root!();
    let script = "BEGIN { errorf(\"e\"); warnf(\"w\"); exit(); }";
    let error = "Attached 1 probe\nstdin:1:9-20: ERROR: e\n";
    assert_run(["--no-warnings", "-e", script], NOTHING, error, 0);
}

#[test]
fn wrong_command_lines() {
    let program = "BEGIN { exit(); }";
    for (option, value, message) in [
        ("-f", "xml", "ERROR: Invalid output format \"xml\"\nValid formats: 'text', 'json'\n"),
        ("-B", "foo", "ERROR: USAGE: -B must be either 'line', 'full', or 'none'.\n"),
        ("-p", "abc", "ERROR: Failed to parse pid: invalid integer: abc\n"),
        ("-p", "1x", "ERROR: Failed to parse pid: invalid trailing bytes: 1x\n"),
        ("-p", "-1", "ERROR: Pid out of range: 18446744073709551615\n"),
        ("-p", "99999999", "ERROR: Pid out of range: 99999999\n"),
        ("-d", "foo", "ERROR: USAGE: invalid option for -d: foo\n"),
        (
            "--mode",
            "foo",
            "ERROR: USAGE: --mode can only be 'codegen', 'compiler-bench', 'bench', 'test' or 'format'.\n",
        ),
        (
            "--no-feature",
            "foo",
            "ERROR: USAGE: --no-feature can only have values 'kprobe_multi,kprobe_session,uprobe_multi'.\n",
        ),
        ("-k", "-k", "ERROR: USAGE: -kk has been deprecated: a single -k reports all reads that fail\n"),
    ] {
        assert_run([option, value, "-e", program], "", message, 1);
    }
    assert_run(["nofile.bt"], "", "ERROR: failed to open file 'nofile.bt': No such file or directory\n", 1);
    assert_run(["-e", ""], "", "ERROR: USAGE: filename or -e 'program' required.\n", 1);
    let outcome = run(["--foo"]);
    assert!(outcome.stderr.starts_with("bpftrace: unrecognized option '--foo'\nbpftrace - "), "{}", outcome.describe());
    assert_eq!(outcome.code(), Some(1));
}

#[test]
fn what_there_is_not_is_said() {
    for args in [["--mode=codegen", "-e", "BEGIN { }"], ["--mode=compiler-bench", "-e", "BEGIN { }"]] {
        let outcome = run(args);
        assert!(outcome.stderr.contains("not supported"), "{}", outcome.describe());
        assert_eq!(outcome.code(), Some(1));
    }
}

#[test]
fn scripts_in_the_usual_form() {
    assert_run(["--fmt", "-e", "BEGIN { /* a */ exit() }"], "BEGIN\n{ /* a */\n  exit();\n}\n", "", 0);
    let message =
        |wanted: &str| format!("stdin:1:12-13: ERROR: syntax: expected {wanted}\nBEGIN {{ x( ; }}\n           ~\n");
    let messages = message("expression") + &message("')'");
    assert_run(["--mode", "format", "-e", "BEGIN { x( ; }"], "", &messages, 1);
}

#[test]
fn answers_go_to_a_file() {
    needs_root!();
    let path = std::env::temp_dir().join(format!("quadrant-bpftrace-out-{}", std::process::id()));
    let name = path.to_str().expect("the folder's name is UTF-8");
    assert_run(["-o", name, "-e", "BEGIN { printf(\"hi\\n\"); exit(); }"], "", "Attached 1 probe\n", 0);
    let written = std::fs::read_to_string(&path).expect("it was written");
    std::fs::remove_file(&path).expect("the file is ours");
    assert_eq!(written, "hi\n\n\n");
    let refused = "ERROR: Failed to open output file: \"/nowhere/x\": No such file or directory\n";
    assert_run(["-o", "/nowhere/x", "-e", "BEGIN { exit(); }"], "", refused, 1);
}

/// Whoever waits for the header may count on the probes.
#[test]
fn the_header_comes_when_all_is_attached() {
    needs_root!();
    let script = "BEGIN { printf(\"begin\\n\"); } tracepoint:syscalls:sys_enter_kill /args.pid == 1 && args.sig == 0/ { exit(); }";
    for waits_for_header in [true, false] {
        let running = bpftrace().args(["-e", script]).start().expect("it runs");
        let ready =
            if waits_for_header { running.wait_for_stderr("Attached") } else { running.wait_for_stdout("begin") };
        ready.expect("it attaches");
        std::process::Command::new("kill").args(["-0", "1"]).status().expect("there is a kill");
        let outcome = running.finish().expect("it ends");
        assert!(outcome.success() && outcome.stdout.starts_with("begin\n"), "{}", outcome.describe());
    }
}

#[test]
fn messages_come_behind_the_header() {
    needs_root!();
    let script = "BEGIN { errorf(\"bad\"); exit(3); }";
    let message = format!("Attached 1 probe\nstdin:1:9-22: ERROR: bad\n{script}\n        ~~~~~~~~~~~~~\n");
    let outcome = run(["-e", script]);
    assert!(message.starts_with(&outcome.stderr), "{}", outcome.describe());
    assert_eq!(outcome.code(), Some(3));
    let outcome = bpftrace().env("BPFTRACE_COLOR", "always").args(["-e", "BEGIN { foo }"]).run().expect("it runs");
    let first = outcome.stderr.lines().next();
    assert_eq!(first, Some("\u{1b}[31mstdin:1:9-12: ERROR: Unknown identifier: 'foo'\u{1b}[0m"));
}

#[test]
fn a_service_manager_hears_of_it() {
    needs_root!();
    let path = std::env::temp_dir().join(format!("quadrant-ready-{}", std::process::id()));
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("bound");
    let outcome = bpftrace().env("NOTIFY_SOCKET", &path).args(["-e", "BEGIN { } END { }"]).run().expect("it runs");
    std::fs::remove_file(&path).expect("ours");
    assert!(outcome.success(), "{}", outcome.describe());
    let mut text = [0; 64];
    let length = socket.recv(&mut text).expect("something was sent before it ended");
    assert!(text[..length].starts_with(b"READY=1\n"));
}

#[test]
fn a_program_that_waits_for_the_probes_hears_of_them() {
    needs_root!();
    let line = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";
    let script = "BEGIN { printf(\"hi\\n\"); exit(); }";
    let outcome = bpftrace().env(line, "1").args(["-q", "-e", script]).run().expect("it runs");
    assert_eq!(outcome.lines(), [line, "hi"], "{}", outcome.describe());
    let outcome = bpftrace().env(line, "1").args(["-q", "-o", "/dev/null", "-e", script]).run().expect("it runs");
    assert_eq!(outcome.lines(), [line], "{}", outcome.describe());
}

#[test]
fn answers_can_be_gathered() {
    needs_root!();
    let script =
        "BEGIN { printf(\"a\\n\"); } interval:ms:10 { @n++; printf(\"b\\n\"); if (@n == 2) { clear(@n); exit(); } }";
    let outcome = run(["-q", "-B", "full", "-e", script]);
    assert_eq!(outcome.lines(), ["a", "b", "b"], "{}", outcome.describe());
}

/// The list takes the place of tracefs' own for patterns.
#[test]
fn functions_come_from_a_file() {
    needs_root!();
    let path = std::env::temp_dir().join(format!("quadrant-functions-{}", std::process::id()));
    std::fs::write(&path, "vfs_read\nvfs_write\nvfs_nosuch\n").expect("written");
    let outcome = run(["--traceable-functions", path.to_str().expect("UTF-8"), "-l", "kprobe:vfs_*"]);
    std::fs::remove_file(&path).expect("ours");
    assert_eq!(outcome.lines(), ["kprobe:vfs_read", "kprobe:vfs_write"], "{}", outcome.describe());
}

#[test]
fn listings() {
    needs_root!();
    assert_run(
        ["-l", "tracepoint:sched:sched_wakeup*"],
        "tracepoint:sched:sched_wakeup\ntracepoint:sched:sched_wakeup_new\n",
        "",
        0,
    );
    assert_run(
        ["-l", "tracepoint:sched:sched_wakeup,tracepoint:sched:sched_waking"],
        "tracepoint:sched:sched_wakeup\ntracepoint:sched:sched_waking\n",
        "",
        0,
    );
    assert_run(["-l", "-e", "tracepoint:sched:sched_wakeup { } END { }"], "tracepoint:sched:sched_wakeup\n", "", 0);
    assert_run(["-l", "-e", "test:a { } bench:b { } test:c { }"], "test:a\nbench:b\ntest:c\n", "", 0);
    assert_run(["-l", "-e", "$1:sched_$2 { }", "tracepoint:sched", "waking"], "tracepoint:sched:sched_waking\n", "", 0);
    assert_run(["-l", "tracepoint:nosuch:foo"], "", "", 0);
    assert_run(["-l", "struct qstr"], "struct qstr\n", "", 0);
    assert_run(["-l", "union bpf_iter_link*,enum pid_t*"], "union bpf_iter_link_info\nenum pid_type\n", "", 0);
    assert_run(["-l", "trace*:sched_wakeup_n*"], "tracepoint:sched:sched_wakeup_new\n", "", 0);
    let outcome = run(["-lv", "enum pid_type"]);
    assert!(outcome.stdout.starts_with("vmlinux: enum pid_type {\n"), "{}", outcome.describe());
    assert!(outcome.stdout.ends_with("};\n\n"), "{}", outcome.describe());
}

#[test]
fn listings_call_a_file_as_the_pattern_does() {
    needs_root!();
    let usdt = target!("usdt");
    let link = std::env::temp_dir().join(format!("quadrant-link-to-usdt-{}", std::process::id()));
    symlink(&usdt, &link).expect("the name is free");
    let file = link.to_str().expect("UTF-8");
    let outcomes = [run(["-l", &format!("usdt:{file}:demo:g*")]), run(["-l", &format!("uretprobe:{file}:mai*")])];
    std::fs::remove_file(&link).expect("ours");
    assert_eq!(outcomes[0].lines(), [format!("usdt:{file}:demo:gated")], "{}", outcomes[0].describe());
    assert_eq!(outcomes[1].lines(), [format!("uretprobe:{file}:main")], "{}", outcomes[1].describe());
}

#[test]
fn what_the_kernel_can_do() {
    needs_root!();
    let outcome = run(["--info"]);
    for part in ["System\n  OS: Linux ", "\n\nKernel helpers\n  dpath: ", " uprobe_multi: ", " iter: "] {
        assert!(outcome.stdout.contains(part), "{}", outcome.describe());
    }
    // What the kernel can do, whether or not it has modules now.
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel says what it is");
    let types_of_modules = if release.starts_with("5.10.") { "module btf: no" } else { "module btf: yes" };
    assert!(outcome.stdout.contains(types_of_modules), "{}", outcome.describe());
    assert!(run(["-V"]).stdout.starts_with("bpftrace v0.27."));
}

#[test]
fn losses_are_told_in_bpftraces_words() {
    needs_root!();
    let script = "config = { max_map_keys = 2 } BEGIN { @a[1] = 1; @a[2] = 1; @a[3] = 1; exit(); }";
    let outcome = run(["-e", script]);
    let expected = format!(
        "Attached 1 probe\nstdin:1:61-70: WARNING: Map full; can't update element. Try increasing max_map_keys config or manually \
         setting the max entries in a map declaration e.g. `let @a = hash(5000)`\nAdditional Info - helper: map_update_elem, \
         retcode: -7\n{script}\n{:60}~~~~~~~~~\n",
        ""
    );
    assert_eq!(outcome.stderr, expected);
}

#[test]
fn the_ring_has_a_page_for_each_processor() {
    needs_root!();
    let cpus = quadrant_bpf::cpus::possible_count().expect("the kernel tells how many there are");
    let kept = |pages: usize| {
        let text = "x".repeat(400);
        let script = format!(
            "config = {{ perf_rb_pages = {pages} }} BEGIN {{ unroll(100) {{ print((\"{text}\", 1)); }} exit(); }}"
        );
        run(["-e", &script]).stdout.matches("xxx, 1)").count()
    };
    assert_eq!(kept(1), kept(cpus));
}

#[test]
fn settings_of_the_environment() {
    needs_root!();
    let script = "BEGIN { printf(\"%s\\n\", comm); }";
    let outcome = bpftrace().env("BPFTRACE_MAX_STRLEN", "64").args(["-q", "-e", script]).run().expect("it runs");
    assert_eq!((outcome.stderr.as_str(), outcome.code()), ("", Some(0)));
    let outcome = bpftrace().env("BPFTRACE_MAX_MAP_KEYS", "x").args(["-e", script]).run().expect("it runs");
    let message = "max_map_keys: expecting a number, got x\n";
    assert_eq!((outcome.stderr.as_str(), outcome.code()), (message, Some(2)));
    let latin1 = std::ffi::OsStr::from_bytes(b"\xe9");
    let outcome = bpftrace().env("BPFTRACE_MAX_MAP_KEYS", latin1).args(["-e", script]).run().expect("it runs");
    assert_eq!(
        (outcome.stderr.as_str(), outcome.code()),
        ("max_map_keys: expecting a number, got \u{fffd}\n", Some(2))
    );
    let script = "BEGIN { print(config.max_strlen); }";
    let outcome = bpftrace().env("BPFTRACE_MAX_STRLEN", "0x10").args(["-q", "-e", script]).run().expect("it runs");
    assert_eq!((outcome.stdout.trim_end(), outcome.code()), ("16", Some(0)), "{}", outcome.describe());
    let outcome = bpftrace().env("BPFTRACE_LICENSE", "Free").args(["-e", script]).run().expect("it runs");
    assert!(
        outcome.stderr.starts_with("Invalid value for license. Found: Free. Valid values: Dual MIT/GPL, "),
        "{}",
        outcome.describe()
    );
    assert_eq!(outcome.code(), Some(2));
}

#[test]
fn tests_run_in_a_dry_run_too() {
    needs_root!();
    let outcome = run(["--test", "--dry-run", "-e", "test:a { return 0 }"]);
    assert!(outcome.stdout.contains("1 test ran."), "{}", outcome.describe());
    assert_run(["--dry-run", "-e", "BEGIN { printf(\"never\\n\"); }"], "", "", 0);
}
