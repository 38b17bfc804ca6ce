//! Options, exit statuses, and messages around a trace.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use quadrant_testing::Program;

use super::{dtrace, program, quietly};
use crate::common::{binary, folder, good, needs_root};

/// Runs to an end with this status; what it says on standard error.
#[track_caller]
pub fn ends_with(status: i32, tracer: Program) -> String {
    let outcome = tracer.run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(status), "{}", outcome.describe());
    outcome.stderr
}

#[test]
fn the_whole_of_a_small_trace() {
    needs_root!();
    let outcome = good(program("BEGIN { trace(1); trace(\"abc\"); exit(0); }"));
    assert_eq!(outcome.stderr, "dtrace: description 'BEGIN ' matched 1 probe\n");
    let expected = "CPU     ID                    FUNCTION:NAME\n\
                    \x20 C      1                           :BEGIN           1  abc                              \n\n";
    let stdout = outcome.stdout.replacen(&outcome.stdout[44..47], "  C", 1);
    assert_eq!(stdout, expected);
}

#[test]
fn statuses() {
    needs_root!();
    assert_eq!(ends_with(1, dtrace()), "dtrace: no probes specified\n");
    assert!(
        ends_with(1, dtrace().arg("-xnosuch")).starts_with("dtrace: failed to set -x nosuch: Invalid option name\n")
    );
    let usage = ends_with(2, dtrace().arg("-Q"));
    assert!(usage.starts_with("dtrace: invalid option -- 'Q'\nUsage: dtrace "), "{usage}");
    let usage = ends_with(2, dtrace().args(["--format", "json"]));
    assert!(usage.starts_with("dtrace: DTrace's output has no other format; `quadrant --format json`"), "{usage}");
    assert_eq!(ends_with(7, dtrace().args(["-qn", "BEGIN { exit(7); }"])), "");
    assert_eq!(ends_with(0, dtrace().args(["-en", "BEGIN { exit(7); }"])), "");
    assert!(good(dtrace().arg("-V")).stdout.starts_with("dtrace: D 2."));
}

#[test]
fn messages_about_programs() {
    needs_root!();
    let none = ends_with(1, dtrace().args(["-n", "nosuch:::probe"]));
    assert!(none.starts_with("dtrace: invalid probe specifier nosuch:::probe: probe description nosuch:::probe does not match any probes\n"), "{none}");
    let types = ends_with(1, dtrace().args(["-xerrtags", "-n", "BEGIN { x = 1; x = \"a\"; }"]));
    assert_eq!(
        types,
        "dtrace: invalid probe specifier BEGIN { x = 1; x = \"a\"; }: [D_OP_INCOMPAT] in action list: \
         operands have incompatible types: \"int\" = \"string\"\n"
    );
    let script = folder("messages").join("wrong.d");
    fs::write(&script, "BEGIN\n{\n\tx = y;\n}\n").unwrap();
    let message = ends_with(1, dtrace().arg("-s").arg(&script));
    let expected = format!("dtrace: failed to compile script {}: line 3: ", script.display());
    assert!(message.starts_with(&expected), "{message}");
    let nobody = ends_with(1, dtrace().args(["-xerrtags", "-n", "pid$target:::entry"]));
    assert!(nobody.ends_with("[D_PROC_BADPID] pid0 does not contain a valid pid\n"), "{nobody}");
    let missing = ends_with(1, dtrace().args(["-s", "/nonexistent"]));
    assert!(missing.starts_with("dtrace: failed to open /nonexistent: "), "{missing}");
}

#[test]
fn empty_programs() {
    needs_root!();
    let empty = ends_with(1, dtrace().args(["-xerrtags", "-s", "/dev/null"]));
    let expected = "dtrace: failed to compile script /dev/null: [D_EMPTY] line 1: empty D program translation unit\n";
    assert!(empty.starts_with(expected), "{empty}");
    ends_with(0, dtrace().args(["-x", "empty", "-e", "-s", "/dev/null"]));
    for option in ["-P", "-m", "-f", "-n", "-i"] {
        let empty = ends_with(1, dtrace().args(["-xerrtags", "-l", option, ""]));
        assert!(empty.contains("[D_EMPTY]"), "{option}: {empty}");
    }
    let script = folder("empty").join("declarations.d");
    fs::write(&script, "int x;\nchar x;\n").unwrap();
    let wrong = ends_with(1, dtrace().args(["-xerrtags", "-s"]).arg(&script));
    assert!(wrong.contains("[D_DECL_IDRED] line 2: identifier redeclared: x\n"), "{wrong}");
}

#[test]
fn what_is_only_compiled_needs_no_permission() {
    needs_root!();
    ends_with(0, dtrace().args(["-e", "-n", "BEGIN { raise(9); system(\"true\"); }"]));
    let wrong = ends_with(1, dtrace().args(["-e", "-xerrtags", "-n", "BEGIN { raise(\"a\"); }"]));
    assert!(wrong.contains("[D_PROTO_ARG]"), "{wrong}");
}

#[test]
fn options_that_are_wrong() {
    needs_root!();
    for (option, why) in [
        ("foo=1", "failed to set -x foo: Invalid option name"),
        ("strsize=abc", "failed to set -x strsize: Invalid value for specified option"),
        ("strsize=100g", "failed to set -x strsize: Value too large for defined data type"),
        ("scratchsize=1g", "failed to set -x scratchsize: Value too large for defined data type"),
        ("bufpolicy=abc", "failed to set -x bufpolicy: Invalid value for specified option"),
    ] {
        let message = ends_with(1, dtrace().args(["-x", option, "-n", "BEGIN"]));
        assert!(message.starts_with(&format!("dtrace: {why}\n")), "{message}");
    }
    let message = ends_with(1, dtrace().args(["-n", "BEGIN"]).env("DTRACE_OPT_STRSIZE", "x"));
    assert!(message.starts_with("dtrace: failed to set DTRACE_OPT_STRSIZE: "), "{message}");
    let unused = ends_with(1, dtrace().args(["-n", "BEGIN { exit(0); }", "foo"]));
    assert!(unused.contains("extraneous argument 'foo' ($1 is not referenced)"), "{unused}");
}

#[test]
fn sizes_of_nothing_are_refused_where_something_is_needed() {
    needs_root!();
    for (option, program, why) in [
        ("bufsize=0", "BEGIN { exit(0); }", "Enabling exceeds size of buffer\n  help: `bufsize` is 0\n"),
        ("aggsize=0", "BEGIN { @ = count(); }", "Enabling exceeds size of buffer\n  help: `aggsize` is 0\n"),
        ("dynvarsize=0", "BEGIN { a[1] = 1; }", "Enabling exceeds size of buffer\n  help: `dynvarsize` is 0\n"),
        ("nspec=0", "BEGIN { exit(0); }", "no speculations\n  help: `nspec` is 0\n"),
    ] {
        let message = ends_with(1, dtrace().args(["-qx", option, "-n", program]));
        assert_eq!(message, format!("dtrace: could not enable tracing: {why}"));
    }
    good(dtrace().args(["-qx", "aggsize=0", "-x", "dynvarsize=0", "-n", "BEGIN { exit(0); }"]));
}

#[test]
fn anonymous_tracing_is_refused() {
    for letter in ["-a", "-A"] {
        let outcome = dtrace().args([letter, "-n", "BEGIN"]).run().unwrap();
        assert_eq!(outcome.code(), Some(1));
        assert!(outcome.stderr.contains("anonymous tracing is not supported"), "{}", outcome.stderr);
    }
}

#[test]
fn destructive_actions_need_a_flag() {
    needs_root!();
    let refused = ends_with(1, program("BEGIN { system(\"echo hi\"); exit(0); }"));
    assert!(refused.contains("estructive actions not allowed"), "{refused}");
    let outcome = good(
        dtrace().args(["-wqn", "BEGIN { printf(\"a\\n\"); system(\"echo %s\", \"hi\"); printf(\"b\\n\"); exit(0); }"]),
    );
    assert_eq!(outcome.lines(), ["a", "hi", "b"]);
    let said = ends_with(0, dtrace().args(["-wn", "BEGIN { exit(0); }"]));
    assert_eq!(said, "dtrace: description 'BEGIN ' matched 1 probe\ndtrace: allowing destructive actions\n");
}

#[test]
fn several_programs_are_one() {
    needs_root!();
    let script = folder("several").join("last.d");
    fs::write(&script, "BEGIN { printf(\"%d %d\\n\", x, $1); exit(0); }\n").unwrap();
    let outcome =
        good(dtrace().args(["-qn", "BEGIN { x = 1; }", "-n", "BEGIN { x += 2; }", "-s"]).arg(&script).arg("9"));
    assert_eq!(outcome.lines(), ["3 9"]);
}

#[test]
fn scripts_run_by_their_first_line() {
    needs_root!();
    let dir = folder("shebang");
    let (link, script) = (dir.join("dtrace"), dir.join("args.d"));
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(binary(), &link).unwrap();
    let text = format!("#!{} -qs\nBEGIN {{ printf(\"%s %d\\n\", $$1, $2); exit(4); }}\n", link.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = Program::new(&script).args(["word", "5"]).run().unwrap();
    assert_eq!(outcome.code(), Some(4), "{}", outcome.describe());
    assert_eq!(outcome.stdout, "word 5\n\n");
}

#[test]
fn the_preprocessor() {
    needs_root!();
    if Program::new("cpp").arg("--version").run().is_err() {
        return quadrant_testing::skip("there is no cpp");
    }
    let text = "#ifdef __SUNW_D\n#define A 3\n#endif\nBEGIN { printf(\"%d %d\\n\", A, B); exit(0); }";
    let outcome = good(dtrace().args(["-C", "-DB=4", "-qn", text]));
    assert_eq!(outcome.lines(), ["3 4"]);
}

#[test]
fn output_is_added_to_a_file() {
    needs_root!();
    let file = folder("output").join("out");
    let _ = fs::remove_file(&file);
    for word in ["one", "two"] {
        let outcome =
            good(dtrace().args(["-qn", &format!("BEGIN {{ printf(\"{word}\\n\"); exit(0); }}"), "-o"]).arg(&file));
        assert_eq!(outcome.stdout, "");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\n\ntwo\n\n");
}

#[test]
fn output_moves_between_files() {
    needs_root!();
    let file = folder("freopen").join("out");
    let _ = fs::remove_file(&file);
    let text = format!(
        "BEGIN {{ printf(\"a\\n\"); freopen(\"{}\"); printf(\"gone\\n\"); ftruncate(); printf(\"b\\n\"); freopen(\"\"); printf(\"c\\n\"); exit(0); }}",
        file.display()
    );
    let outcome = good(dtrace().args(["-wqn", &text]));
    assert_eq!(outcome.lines(), ["a", "c"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "b\n");
}

#[test]
fn options_from_everywhere() {
    needs_root!();
    let text = "#pragma D option quiet\nBEGIN { printf(\"%s\\n\", strjoin(execname, \"ghij\")); exit(0); }";
    let outcome = good(dtrace().args(["-n", text]).env("DTRACE_OPT_STRSIZE", "5"));
    assert_eq!(outcome.stdout, "quad\n\n");
    let outcome = good(dtrace().args(["-x", "strsize=7", "-n", text]).env("DTRACE_OPT_STRSIZE", "5"));
    assert_eq!(outcome.stdout, "quadra\n\n");
}

#[test]
fn a_listing_of_the_code() {
    needs_root!();
    let outcome = good(dtrace().args(["-eSn", "BEGIN { x = 1; }"]));
    assert!(outcome.stderr.contains("dtrace:::BEGIN") && outcome.stderr.contains("exit"), "{}", outcome.describe());
}

/// What a row began as, it stays.
#[test]
fn quiet_is_left_in_the_middle_of_a_row() {
    needs_root!();
    let text =
        "BEGIN { printf(\"a\"); setopt(\"quiet\", \"no\"); printf(\"b\\n\"); } BEGIN { printf(\"c\"); exit(0); }";
    let outcome = quietly(text);
    assert!(outcome.stdout.starts_with("ab\n ") && !outcome.stdout.contains("CPU"), "{}", outcome.describe());
    assert_eq!(outcome.lines()[1].split_whitespace().skip(1).collect::<Vec<_>>(), ["1", ":BEGIN", "c"]);
}

#[test]
fn the_end_comes_last_and_once() {
    needs_root!();
    let outcome = quietly(
        "END { printf(\"end\\n\"); } BEGIN { printf(\"begin\\n\"); exit(0); } tick-1ms { printf(\"tick\\n\"); }",
    );
    assert_eq!(outcome.lines(), ["begin", "end"]);
}

#[test]
fn libraries_of_ones_own() {
    needs_root!();
    let dir = folder("libraries");
    fs::write(dir.join("broken.d"), "inline int HALF = ;\nstruct {").unwrap();
    fs::write(dir.join("good.d"), "#pragma D depends_on library broken.d\ninline int ANSWER = 42;\n").unwrap();
    let outcome = good(dtrace().arg("-L").arg(&dir).args(["-qn", "BEGIN { printf(\"%d\\n\", ANSWER); exit(0); }"]));
    assert_eq!((outcome.lines(), outcome.stderr.as_str()), (vec!["42"], ""));
    let missing = good(dtrace().args(["-L", "/nonexistent", "-qn", "BEGIN { exit(0); }"]));
    let message = "dtrace: warning: failed to read libraries in /nonexistent: ENOENT";
    assert!(missing.stderr.starts_with(message), "{}", missing.describe());
    let unrelated = good(dtrace().arg("-L").arg(&dir).args(["-qn", "BEGIN { printf(\"on\\n\"); exit(0); }"]));
    assert_eq!(unrelated.lines(), ["on"]);
    let without = ends_with(1, dtrace().args(["-qn", "BEGIN { printf(\"%d\\n\", ANSWER); exit(0); }"]));
    assert!(without.contains("ANSWER"), "{without}");
}

#[test]
fn libraries_that_need_what_is_not_here_are_left_out() {
    needs_root!();
    let dir = folder("left_out");
    let library = |file: &str, text: &str| fs::write(dir.join(file), text).unwrap();
    library("a.d", "#pragma D depends_on provider nosuch\ninline int WITH_PROVIDER = 1;\ninline int EITHER = 1;\n");
    library("b.d", "#pragma D depends_on module nosuch\ntypedef struct left { int out; } left_t; inline int ;\n");
    library("c.d", "#pragma D depends_on library nosuch.d\ninline int WITH_LIBRARY = 1;\n");
    library("d.d", "#pragma D depends_on library tcp.d\n#pragma D depends_on module vmlinux\ninline int EITHER = 4;\n");
    let run = |text: &str| dtrace().arg("-L").arg(&dir).args(["-qn", text]);
    let outcome = good(run("BEGIN { printf(\"%d\\n\", EITHER); exit(0); }"));
    assert_eq!((outcome.lines(), outcome.stderr.as_str()), (vec!["4"], ""));
    for (text, name, reason) in [
        ("WITH_PROVIDER", "WITH_PROVIDER", "a.d requires provider nosuch, which is not here"),
        ("sizeof (left_t)", "left_t", "b.d requires module nosuch, which is not here"),
        ("((struct left *)0)->out", "left", "b.d requires module nosuch, which is not here"),
        ("WITH_LIBRARY", "WITH_LIBRARY", "c.d requires library nosuch.d, which is not here"),
    ] {
        let message = ends_with(1, run(&format!("BEGIN {{ trace({text}); }}")));
        assert!(message.contains(&format!("help: `{name}` is in a library that was left out: ")), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn stability_of_a_program() {
    needs_root!();
    let outcome = good(dtrace().args(["-vn", "dtrace:::BEGIN { exit(0); }"]));
    let report = "\nStability attributes for description dtrace:::BEGIN :\n\n\tMinimum Probe Description Attributes\n\t\tIdentifier Names: Stable\n";
    assert!(outcome.stdout.starts_with(report), "{}", outcome.describe());
    for (description, [names, data, class]) in [
        ("BEGIN", ["Unstable", "Unstable", "Common"]),
        ("dtr*:::BEGIN", ["Unstable", "Unstable", "Common"]),
        ("dtrace:::B*", ["Stable", "Stable", "Common"]),
        ("tick-1s", ["Unstable", "Unstable", "Common"]),
        ("profile:::tick-1s", ["Evolving", "Evolving", "Common"]),
        ("syscall:::entry", ["Evolving", "Evolving", "Common"]),
        ("syscall::r*d:entry", ["Evolving", "Evolving", "Common"]),
        ("syscall::read:entry", ["Private", "Private", "ISA"]),
        ("syscall:vmlinux:read:entry", ["Private", "Private", "Unknown"]),
        ("syscall::read:", ["Unstable", "Unstable", "Common"]),
        ("proc:::start", ["Evolving", "Evolving", "ISA"]),
        ("1", ["Stable", "Stable", "Common"]),
    ] {
        let outcome = good(dtrace().args(["-ven", description]));
        let least = format!(
            "Probe Description Attributes\n\t\tIdentifier Names: {names}\n\t\tData Semantics:   {data}\n\t\tDependency Class: {class}\n"
        );
        assert!(outcome.stdout.contains(&least), "{description}: {}", outcome.describe());
    }
    let text = "BEGIN { trace(curthread->pid); } syscall::read:entry { trace(args[0]); }";
    let outcome = good(dtrace().args(["-ven", text]));
    let least: String =
        [("Identifier Names: ", "Private"), ("Data Semantics:   ", "Private"), ("Dependency Class: ", "ISA")]
            .iter()
            .map(|(label, word)| format!("\t\t{label}{word}\n"))
            .collect();
    let both = format!("\tMinimum Probe Description Attributes\n{least}\n\tMinimum Statement Attributes\n{least}\n");
    assert!(outcome.stdout.ends_with(&both), "{}", outcome.describe());
    let text = "#pragma D option aggrate=10hz\nBEGIN { exit(0); }";
    let outcome = good(dtrace().args(["-x", "cleanrate=101hz", "-x", "strsize=32", "-vn", text]));
    for idle in
        ["option cleanrate changes nothing: dynamic variables are freed at once", "option aggrate changes nothing: "]
    {
        assert!(outcome.stderr.contains(idle), "{}", outcome.describe());
    }
    assert!(!outcome.stderr.contains("strsize"), "{}", outcome.describe());
}

/// Of the script; what a library has behind its names is not the script's.
#[test]
fn less_stability_than_the_minimum_is_refused() {
    needs_root!();
    for (amin, text, what) in [
        (
            "Stable/Stable/Common",
            "dtrace:::BEGIN { trace(curthread->pid); }",
            "scalar curthread (Stable/Private/Common)",
        ),
        ("Unstable/Unstable", "BEGIN { trace(`jiffies); }", "symbol `jiffies (Private/Private/Unknown)"),
        ("stable/stable", "dtrace:::BEGIN { trace(htonl(1)); }", "function htonl (Evolving/Evolving/Common)"),
        (
            "Evolving/Evolving/Common",
            "syscall::read:entry { trace(pid); }",
            "probe description syscall::read:entry (Private/Private/ISA)",
        ),
    ] {
        let stderr = ends_with(1, dtrace().args(["-x", &format!("amin={amin}"), "-en", text]));
        assert!(stderr.contains(&format!("attributes for {what} are less than predefined minimum")), "{stderr}");
    }
    let stderr = ends_with(1, dtrace().args(["-x", "amin=Evolving/Evolving", "-en", "BEGIN { trace(pid); }"]));
    assert!(stderr.contains("probe description BEGIN (Unstable/Unstable/Common)"), "{stderr}");
    // A module counts where it is named.
    let kept = |text: &str| dtrace().args(["-x", "amin=Evolving/Evolving/ISA", "-en", text]);
    good(kept("io:::start { trace(args[0]->b_bcount); }"));
    let stderr = ends_with(1, kept("io:vmlinux::start { trace(pid); }"));
    assert!(stderr.contains("probe description io:vmlinux::start (Private/Private/Unknown)"), "{stderr}");
    let pragmas = "#pragma D option amin=Stable/Stable/Common\n#pragma D attributes Evolving/Stable/Common x\nint x;\n";
    let stderr =
        ends_with(1, dtrace().args(["-x", "errtags", "-en", &format!("{pragmas}dtrace:::BEGIN {{ x = 1; }}")]));
    assert!(stderr.contains("[D_ATTR_MIN] "), "{stderr}");
    good(dtrace().args([
        "-x",
        "amin=Stable/Stable/Common",
        "-en",
        "dtrace:::BEGIN { x = pid; trace(curpsinfo->pr_pid); }",
    ]));
}

#[test]
fn names_can_be_left_out() {
    needs_root!();
    let outcome = good(dtrace().args(["-x", "noresolve", "-qn", "profile-997 /arg0/ { stack(1); exit(0); }"]));
    assert!(outcome.lines()[0].trim_start().starts_with("0xffff"), "{}", outcome.describe());
}

/// As in C, and with the folders of `-I`; the names that are defined and those that are not.
#[test]
fn files_are_included_from_beside_the_script() {
    needs_root!();
    if std::process::Command::new("cpp").arg("--version").output().is_err() {
        return quadrant_testing::skip("cpp is not installed");
    }
    let folder = folder("beside");
    fs::create_dir_all(folder.join("inc")).unwrap();
    fs::write(folder.join("one.h"), "#define ONE 1\n").unwrap();
    fs::write(folder.join("inc/two.h"), "#ifdef UNDEFINED\n#define TWO 0\n#else\n#define TWO 2\n#endif\n").unwrap();
    let script = folder.join("a.d");
    let text = "#!/usr/sbin/dtrace -Cs\n#include \"one.h\"\n#include <two.h>\nBEGIN { printf(\"%d\", ONE + TWO + THREE); exit(0); }\n";
    fs::write(&script, text).unwrap();
    let inc = format!("-I{}", folder.join("inc").display());
    let tracer = dtrace().args(["-qC", "-DTHREE=3", "-DUNDEFINED", "-U", "UNDEFINED", &inc, "-s"]).arg(&script);
    assert_eq!(good(tracer).stdout.trim(), "6");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_command_without_its_interpreter_is_told_from_one_without_permission() {
    needs_root!();
    let folder = folder("interpreter");
    fs::create_dir_all(&folder).unwrap();
    let script = folder.join("script");
    fs::write(&script, "#!/nosuch/interp\n").unwrap();
    let told = |mode: u32| {
        fs::set_permissions(&script, fs::Permissions::from_mode(mode)).unwrap();
        ends_with(1, dtrace().args(["-q", "-n", "BEGIN { }", "-c"]).arg(&script))
    };
    let missing = "it is there, but the program that its first line names";
    assert!(told(0o755).contains(missing), "{}", told(0o755));
    assert!(told(0o644).contains("Permission denied"), "{}", told(0o644));
    fs::remove_dir_all(&folder).unwrap();
}

/// With attributes, functions and keywords that only compilers know.
#[test]
fn headers_of_c_are_included() {
    needs_root!();
    const HEADERS: [&str; 22] = [
        "sys/types.h",
        "sys/mman.h",
        "sys/socket.h",
        "netinet/in.h",
        "fcntl.h",
        "stdlib.h",
        "sys/stat.h",
        "linux/types.h",
        "sys/epoll.h",
        "sys/sysinfo.h",
        "sys/random.h",
        "netinet/ip.h",
        "netinet/ip6.h",
        "netinet/tcp.h",
        "arpa/inet.h",
        "signal.h",
        "pthread.h",
        "linux/bpf.h",
        "linux/perf_event.h",
        "linux/ethtool.h",
        "linux/rtnetlink.h",
        "linux/io_uring.h",
    ];
    let there = |header: &&str| {
        let plain = std::path::Path::new("/usr/include");
        let multiarch = plain.join(format!("{}-linux-gnu", std::env::consts::ARCH));
        plain.join(header).exists() || multiarch.join(header).exists()
    };
    if std::process::Command::new("cpp").arg("--version").output().is_err() || !HEADERS.iter().all(there) {
        return quadrant_testing::skip("cpp or the headers of C are not installed");
    }
    for header in HEADERS {
        let text = format!("#include <{header}>\nBEGIN {{ printf(\"read\"); exit(0); }}\n");
        assert_eq!(good(dtrace().args(["-qCn", &text])).stdout, "read\n", "{header}");
    }
    // Packed, and with a constant that is no `int`.
    let text = "#include <sys/epoll.h>\nBEGIN { printf(\"%d %x\", sizeof (struct epoll_event), EPOLLET); exit(0); }";
    let size = if cfg!(target_arch = "x86_64") { 12 } else { 16 };
    assert_eq!(good(dtrace().args(["-qCn", text])).stdout.trim(), format!("{size} 80000000"));
    let constants =
        "#include <sys/mman.h>\n#include <fcntl.h>\nBEGIN { printf(\"%d %d\", PROT_EXEC, O_CREAT); exit(0); }\n";
    assert_eq!(good(dtrace().args(["-qCn", constants])).stdout.trim(), "4 64");
    // Also behind headers of the C library, which define attributes away for compilers that they do not know.
    let packed = "#include <sys/types.h>\nstruct __attribute__((packed)) mine { char a; int b; };\n\
                  BEGIN { printf(\"%d\", sizeof (struct mine)); exit(0); }\n";
    assert_eq!(good(dtrace().args(["-qCn", packed])).stdout.trim(), "5");
}

/// Such scripts run, and find hardly any failure.
#[test]
fn failures_that_are_looked_for_as_on_other_systems() {
    needs_root!();
    let folder = folder("failures");
    let script = folder.join("a.d");
    fs::write(&script, "BEGIN { exit(0); }\nsyscall::read:return\n/(int)arg0 == -1/ { @ = count(); }\n").unwrap();
    let outcome = good(dtrace().arg("-qs").arg(&script));
    let told = format!("dtrace: warning: {}: line 3: `arg0 == -1` finds failures on other systems", script.display());
    assert!(outcome.stderr.starts_with(&told), "{}", outcome.describe());
    let outcome = good(dtrace().args(["-qn", "BEGIN { exit(0); } syscall:::return /arg1 != -1/ { @ = count(); }"]));
    assert!(outcome.stderr.starts_with("dtrace: warning: line 1: `arg1 != -1` finds"), "{}", outcome.describe());
    fs::remove_dir_all(&folder).unwrap();
}

/// Scripts for other systems, and older ones, take them for the kernel's pointers.
#[test]
fn fields_of_sdt_that_are_taken_for_pointers() {
    needs_root!();
    let outcome = dtrace().args(["-n", "sdt:sched::sched_switch { trace(args[1]->pid); }"]).run().unwrap();
    let told = "help: `rawtp:sched::sched_switch` has the kernel's own arguments";
    assert!(outcome.stderr.contains(told), "{}", outcome.describe());
    let outcome = dtrace().args(["-n", "sdt:sched::sched_switch { this->x = 1; trace(this->x->pid); }"]).run().unwrap();
    assert!(!outcome.stderr.contains("rawtp"), "{}", outcome.describe());
}

/// A library that the command opens later, as Java does, would be missed in silence.
#[test]
fn static_probes_that_the_command_has_not_yet() {
    needs_root!();
    let outcome = good(dtrace().args(["-Zqn", "hotspot$target:::gc-begin { }", "-c", "true"]));
    let told = "name that: `hotspot$target:/PATH/OF/LIBRARY::gc-begin`";
    assert!(outcome.stderr.contains("dtrace: warning: ") && outcome.stderr.contains(told), "{}", outcome.describe());
}

/// It is no error with `-Z`, but what starts later would be missed in silence.
#[test]
fn static_probes_that_no_process_has_yet() {
    needs_root!();
    for words in [["-Zqn", "nosuchprov*:::go {} BEGIN { exit(0); }"], ["-ln", "nosuchprov*:::go"]] {
        let outcome = dtrace().args(words).run().unwrap();
        let told: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("no process has probes of")).collect();
        assert_eq!(told.len(), 1, "{}", outcome.describe());
        assert!(told[0].starts_with("dtrace: warning: ") && told[0].contains("`nosuchprov*:/PATH"), "{}", told[0]);
    }
}

/// What the tracer does in the process before that is its own.
#[test]
fn the_first_call_of_a_command_is_its_start() {
    needs_root!();
    let script = "syscall:::entry /pid == $target/ { printf(\"%s\\n\", probefunc); } syscall::exec*:return /pid == $target/ { exit(0); }";
    let outcome = good(dtrace().args(["-c", "true", "-qn", script]));
    // On a busy machine it may have to be woken first: it is waiting then.
    let calls: Vec<&str> = outcome.stdout.lines().filter(|call| !matches!(*call, "" | "read")).collect();
    assert_eq!(calls, ["execve"], "{}", outcome.describe());
}

/// Each in DTrace's words, with its status.
#[test]
fn command_lines_that_ask_for_two_things() {
    needs_root!();
    for words in [&["-l", "-h"][..], &["-V", "-V"]] {
        let outcome = dtrace().args(words).run().unwrap();
        let told = "dtrace: only one of the [-GhlV] options can be specified at a time\n";
        assert_eq!((outcome.status.code(), outcome.stderr.as_str()), (Some(2), told), "{}", outcome.describe());
    }
    assert!(good(dtrace().arg("-e")).stdout.is_empty());
    let outcome = dtrace().args(["-l", "-xerrtags", "-n", "a:b:c:d:e"]).run().unwrap();
    let told = "dtrace: invalid probe specifier a:b:c:d:e: [D_PDESC_INVAL] invalid probe description \"a:b:c:d:e\": Overspecified probe description\n";
    assert_eq!((outcome.status.code(), outcome.stderr.as_str()), (Some(1), told), "{}", outcome.describe());
    let outcome = dtrace().args(["-c", "/etc/passwd", "-n", "BEGIN"]).run().unwrap();
    assert!(
        outcome.stdout.is_empty() && outcome.stderr.contains("failed to start /etc/passwd: Permission denied"),
        "{}",
        outcome.describe()
    );
}

/// Books describe them by the functions of Solaris in which they are.
#[test]
fn probes_by_the_functions_that_they_are_in_elsewhere() {
    needs_root!();
    let script = "sched:unix:resume:on-cpu, io::bdev_strategy:start, biodone:done { } BEGIN { trace(1); exit(0); }";
    let outcome = good(dtrace().args(["-n", script]));
    assert!(outcome.stderr.contains("matched 4 probes"), "{}", outcome.describe());
    let outcome = dtrace().args(["-xaliases=no", "-en", "sched::resume:on-cpu"]).run().unwrap();
    assert!(outcome.stderr.contains("`resume` is a function of Solaris"), "{}", outcome.describe());
}
