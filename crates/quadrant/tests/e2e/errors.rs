//! What bad input gets: a message that says where, what and what to do, and status 1.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use quadrant_testing::Program;

use crate::common::{assert_lines, binary, folder, needs_root, quadrant, refused, script, target};

#[track_caller]
fn assert_message(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in:\n{message}");
    }
}

#[test]
fn a_syntax_error_has_its_place_and_a_caret() {
    let message = refused(script("BEGIN { printf(\"x\\n\" }"));
    assert_message(&message, &["error", ":1:", "^"]);
}

#[test]
fn several_errors_are_told_in_one_run() {
    let message = refused(script("BEGIN { $x = nosuch(1); }\nEND { print($undefined); }"));
    assert_message(&message, &[":1:14", "nosuch", ":2:13", "$undefined"]);
    let message = refused(script("BEGIN { $x = ; }\nEND { $y = ); }"));
    assert_message(&message, &[":1:14", ":2:12"]);
}

#[test]
fn a_misspelt_function_gets_a_suggestion() {
    let message = refused(script("BEGIN { prinft(\"x\\n\"); exit(); }"));
    assert_message(&message, &["prinft", "printf", "^"]);
}

#[test]
fn a_misspelt_builtin_gets_a_suggestion() {
    assert_message(&refused(script("BEGIN { print(nsec); exit(); }")), &["nsec", "nsecs"]);
}

#[test]
fn types_that_do_not_fit_are_refused_with_both_named() {
    let message = refused(script("BEGIN { @a = 1; @a = \"text\"; exit(); }"));
    assert_message(&message, &["@a", "int", "string", ":1:"]);
}

#[test]
fn a_misspelt_tracepoint_gets_the_nearest_names() {
    needs_root!();
    let message = refused(script("tracepoint:syscalls:sys_enter_opnat { exit(); }"));
    assert_message(&message, &["sys_enter_opnat", "sys_enter_openat"]);
}

#[test]
fn a_misspelt_argument_gets_the_nearest_names() {
    needs_root!();
    let message = refused(script("tracepoint:syscalls:sys_enter_openat { print(str(args.filenam)); }"));
    assert_message(&message, &["filenam", "filename"]);
}

#[test]
fn a_misspelt_function_of_a_program_gets_the_nearest_names() {
    needs_root!();
    let calls = target!("calls");
    let message = refused(script(&format!("uprobe:{calls}:target_cal {{ @++; }}")));
    assert_message(&message, &["target_cal", "target_call"]);
}

#[test]
fn a_misspelt_usdt_probe_gets_the_nearest_names() {
    needs_root!();
    let usdt = target!("usdt");
    assert_message(&refused(script(&format!("usdt:{usdt}:demo:hitt {{ @++; }}"))), &["hitt", "hit"]);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    needs_root!();
    assert_message(&refused(script("uprobe:/nowhere/at/all:main { @++; }")), &["/nowhere/at/all", "ENOENT"]);
}

#[test]
fn an_offset_inside_an_instruction_is_refused() {
    needs_root!();
    let usdt = target!("stacks");
    let message = refused(script(&format!("uprobe:{usdt}:target_recurse+2 {{ @++; }}")));
    assert_message(&message, &["target_recurse+2", "instruction"]);
}

#[test]
fn a_file_that_is_no_program_is_refused() {
    needs_root!();
    let path = folder("no-program").join("text");
    fs::write(&path, "this is no ELF file").unwrap();
    assert_message(&refused(script(&format!("uprobe:{}:main {{ @++; }}", path.display()))), &["ELF"]);
}

#[test]
fn a_program_cut_short_is_no_crash() {
    needs_root!();
    let calls = target!("calls");
    let whole = fs::read(&calls).unwrap();
    let dir = folder("cut");
    for length in [5, 63, 64, 200, 1000, whole.len() / 2, whole.len() - 100] {
        let path = dir.join(format!("cut-{length}"));
        fs::write(&path, &whole[..length]).unwrap();
        let outcome = script(&format!("uprobe:{}:target_call {{ exit(); }}", path.display())).run().unwrap();
        let listed = quadrant().args(["-l", &format!("usdt:{}:*", path.display())]).run().unwrap();
        for outcome in [outcome, listed] {
            assert!(outcome.code().is_some() && !outcome.stderr.contains("panicked"), "{}", outcome.describe());
        }
    }
}

#[test]
fn too_many_probes_ask_for_a_flag_and_say_how_many() {
    needs_root!();
    let message = refused(script("tracepoint:*:* { @++; }"));
    assert_message(&message, &["--max-probes", "1024"]);
}

#[test]
fn probes_that_go_side_by_side_need_no_threads() {
    needs_root!();
    let clauses: String = (1..=20).map(|n| format!("interval:s:{n} {{ @[{n}] = count(); }} ")).collect();
    let program = Program::new(target!("threadless")).env("NO_COLOR", "1").arg(binary());
    let outcome = program.args(["-e", &format!("{clauses} BEGIN {{ printf(\"%d\\n\", 42); exit(); }}")]).run().unwrap();
    assert!(outcome.success(), "{}", outcome.describe());
    assert_lines(&outcome, &["42"]);
}

#[test]
fn without_proc_files_say_what_is_missing() {
    needs_root!();
    let dir = folder("without-proc");
    fs::copy(binary(), dir.join("quadrant")).unwrap();
    let outcome =
        Program::new("chroot").arg(&dir).args(["/quadrant", "-e", "uprobe:/quadrant:main { }"]).run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert_message(&outcome.stderr, &["/quadrant: /proc is not mounted here"]);
}

#[test]
fn what_finds_no_room_says_so() {
    for (words, message) in [
        ("bpftrace -l 'interval:*'", "ERROR: cannot write the list: ENOSPC"),
        ("dtrace -l -n BEGIN", "dtrace: cannot write the list: ENOSPC"),
        ("dtrace --help", "dtrace: cannot write the help: ENOSPC"),
        ("dtrace -V", "dtrace: cannot write the version: ENOSPC"),
        ("--help", "quadrant: error: cannot write the help: ENOSPC"),
    ] {
        let shell = Program::new("/bin/sh").args(["-c", &format!("exec \"$0\" {words} >/dev/full")]).arg(binary());
        let outcome = shell.run().unwrap();
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert_message(&outcome.stderr, &[message]);
    }
}

/// The kernel sends a signal there, which by default ends a program without a word.
#[test]
fn a_limit_of_file_size_says_so_and_is_the_commands_own() {
    needs_root!();
    let dir = folder("file-size");
    let lines = "interval:ms:1 { printf(\"%512d\\n\", 1); }";
    for words in ["-o file", "record -o file"] {
        let limited = format!("cd {}; ulimit -f 2; exec \"$0\" {words} -e '{lines}'", dir.display());
        let outcome = Program::new("/bin/sh").args(["-c", &limited]).arg(binary()).run().unwrap();
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert_message(&outcome.stderr, &["cannot write", "EFBIG"]);
    }
    let begin = "BEGIN { }";
    let limited = format!("cd {}; ulimit -f 2; exec \"$0\" -e '{begin}' -c \"dd if=/dev/zero of=file\"", dir.display());
    let outcome = Program::new("/bin/sh").args(["-c", &limited]).arg(binary()).run().unwrap();
    // SIGXFSZ.
    assert_eq!(outcome.code(), Some(128 + 25), "{}", outcome.describe());
}

#[test]
fn a_small_stack_is_made_as_large_as_usual_but_not_the_commands() {
    needs_root!();
    let nested = format!("BEGIN {{ $a = {}1{}; }}", "(".repeat(100), ")".repeat(100));
    let limited = format!("ulimit -S -s 256; exec \"$0\" -e '{nested}' -c \"sh -c 'test $(ulimit -s) = 256'\"");
    let limited = limited.replace("$(ulimit", "\\$(ulimit");
    let outcome = Program::new("/bin/sh").args(["-c", &limited]).arg(binary()).run().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
}

/// Soft limits of open files and of the stack, in both languages.
#[test]
fn programs_that_scripts_start_have_the_old_limits() {
    needs_root!();
    let script = "BEGIN { system(\"ulimit -s; ulimit -n\"); exit(); }";
    for words in [format!("--unsafe -e '{script}'"), format!("dtrace -wqn '{}'", script.replace("exit()", "exit(0)"))] {
        let limited = format!("ulimit -S -s 1000; ulimit -S -n 500; exec \"$0\" {words}");
        let outcome = Program::new("/bin/sh").args(["-c", &limited]).arg(binary()).run().unwrap();
        let numbers: Vec<&str> = outcome.stdout.split_whitespace().collect();
        assert!(outcome.success() && numbers.ends_with(&["1000", "500"]), "{}", outcome.describe());
    }
}

#[test]
fn a_small_stack_that_cannot_be_raised_says_so() {
    needs_root!();
    if Program::new("setpriv").arg("--version").run().is_err() {
        return quadrant_testing::skip("setpriv is not installed: run `apt-get install util-linux`");
    }
    let limited = "ulimit -s 200; exec setpriv --bounding-set=-sys_resource \"$0\" -e 'BEGIN { exit(); }'";
    let outcome = Program::new("/bin/sh").args(["-c", limited]).arg(binary()).run().unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    assert_message(&outcome.stderr, &["the stack is limited to 200 KiB", "ulimit -s 8192", "CAP_SYS_RESOURCE"]);
}

#[test]
fn without_root_one_line_says_so() {
    needs_root!();
    let Ok(found) = Program::new("setpriv").arg("--version").run() else {
        return quadrant_testing::skip("setpriv is not installed: run `apt-get install util-linux`");
    };
    assert!(found.success());
    // Another user cannot enter every build folder, but everybody's folder for temporary files.
    let dir = std::env::temp_dir().join(format!("quadrant-unprivileged-{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    let copy = dir.join("quadrant");
    fs::copy(binary(), &copy).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let program = Program::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    let outcome = program.arg(&copy).args(["-e", "tracepoint:syscalls:sys_enter_getppid { @++; }"]).run().unwrap();
    for words in [&["-l"][..], &["bpftrace", "-l"], &["dtrace", "-l"]] {
        let program = Program::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        let list = program.arg(&copy).args(words).run().unwrap();
        assert!(list.success() && list.stderr.contains("probes are left out: "), "{}", list.describe());
    }
    fs::remove_dir_all(&dir).unwrap();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    let message = outcome.stderr;
    assert!(message.contains("root") || message.contains("CAP_"), "{message}");
    assert!(message.contains("sudo"), "{message}");
}

#[test]
fn a_wrong_command_line_is_refused() {
    assert_message(&refused(quadrant().arg("--no-such-flag")), &["--no-such-flag"]);
    assert!(!refused(quadrant()).is_empty());
}

#[test]
fn a_script_file_that_is_not_there_is_named() {
    assert_message(&refused(quadrant().arg("/nowhere/script.bt")), &["/nowhere/script.bt"]);
}

#[test]
fn a_command_that_is_not_there_is_named() {
    needs_root!();
    assert_message(&refused(script("BEGIN { }").args(["-c", "/nowhere/command"])), &["/nowhere/command"]);
}

#[test]
fn a_process_that_is_not_there_is_named() {
    needs_root!();
    assert_message(&refused(script("BEGIN { }").args(["-p", "4194303"])), &["4194303"]);
}

#[test]
fn what_changes_the_system_needs_a_flag() {
    needs_root!();
    assert_message(&refused(script("BEGIN { system(\"true\"); exit(); }")), &["system", "--unsafe"]);
    let killed = "tracepoint:syscalls:sys_enter_read { signal(\"KILL\"); }";
    assert_message(&refused(script(killed)), &["signal", "--unsafe"]);
}

#[test]
fn bytes_that_are_no_script_are_no_crash() {
    let dir = folder("bytes");
    let scripts: [&[u8]; 6] = [b"", b"\0\0\0", b"\xff\xfe{{{{", b"BEGIN {", b"/*", b"BEGIN { printf(\""];
    for (index, bytes) in scripts.iter().enumerate() {
        let path = dir.join(format!("script-{index}"));
        fs::write(&path, bytes).unwrap();
        let message = refused(quadrant().arg(&path));
        assert!(!message.contains("panicked"), "{message}");
    }
    let deep = "(".repeat(100_000);
    let message = refused(script(&format!("BEGIN {{ print({deep}); }}")));
    assert!(!message.contains("panicked") && !message.contains("overflow"), "{message}");
}

#[test]
fn a_full_disk_under_standard_error_is_no_crash() {
    let full = fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let outcome =
        quadrant().args(["bpftrace", "-e", "BEGIN { nonsense }"]).stderr(full).run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
}

#[test]
fn devices_are_no_scripts() {
    let message = refused(quadrant().arg("/dev/zero"));
    assert_message(&message, &["/dev/zero", "longer than 16 MiB"]);
}

#[test]
fn few_open_files_are_told_as_such() {
    needs_root!();
    let tracer = crate::common::binary();
    let script = "BEGIN { @a[1] = hist(5); exit(); }";
    for limit in 7..12 {
        let limited = format!("ulimit -n {limit}; exec \"$0\" bpftrace -e '{script}'");
        let shell = quadrant_testing::Program::new("/bin/sh").args(["-c", &limited]).arg(&tracer);
        let outcome = shell.run().expect("the shell runs");
        assert!(!outcome.stderr.contains("verifier") && !outcome.stderr.contains("panicked"), "{}", outcome.describe());
    }
}
