//! How a trace ends: by signals, by a closed pipe, by being killed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use quadrant_testing::{Program, Signal};

use rustix::event::{PollFd, PollFlags, poll};

use crate::common::{assert_lines, attached, binary, folder, needs_loops, needs_root, quadrant, script, target};

#[test]
fn an_interrupt_prints_maps_once_and_runs_end() {
    needs_root!();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // What starts the tests behind the back of a terminal, as nohup(1) does, has programs ignore its end.
        if signal == Signal::HUP && ignores_hangup() {
            continue;
        }
        let tracer = attached(script("BEGIN { @kept = 42; } END { printf(\"ended\\n\"); }"));
        tracer.signal(signal).unwrap();
        let outcome = tracer.finish().unwrap();
        assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
        assert_lines(&outcome, &["ended", "@kept: 42"]);
    }
}

/// Each of a kernel's thousand raw tracepoints has a program of its own, which sees the types of its arguments.
#[test]
fn an_interrupt_while_programs_are_loaded_is_told() {
    needs_root!();
    let text = "config = { max_probes = 10000 } rawtracepoint:* { @[probe] = count(); }";
    let tracer = script(text).start().unwrap();
    let programs = || {
        let files = std::fs::read_dir(format!("/proc/{}/fd", tracer.pid())).into_iter().flatten().flatten();
        let links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        links.filter(|link| link.as_os_str() == "anon_inode:bpf-prog").count()
    };
    while !tracer.has_ended() && programs() < 8 {
        std::thread::sleep(Duration::from_millis(1));
    }
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.signal(), None, "{}", outcome.describe());
    assert!(outcome.stderr.contains("interrupted when"), "{}", outcome.describe());
}

/// Whether SIGHUP is ignored here, and so by what is started.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

#[test]
fn a_second_interrupt_ends_at_once() {
    needs_root!();
    needs_loops!();
    // Nobody reads the output and the map is larger than a pipe, so the tracer cannot finish by itself.
    let (reader, writer) = std::io::pipe().unwrap();
    let text = "config = { max_map_keys = 100000 } BEGIN { for ($i : 0..100000) { @[$i] = $i; } }";
    let tracer = attached(script(text).stdout(Stdio::from(writer)));
    tracer.signal(Signal::INT).unwrap();
    poll(&mut [PollFd::new(&reader, PollFlags::IN)], None).unwrap();
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert!(!outcome.timed_out, "{}", outcome.describe());
}

#[test]
fn a_second_interrupt_ends_a_trace_whose_output_nobody_reads() {
    needs_root!();
    let (reader, writer) = std::io::pipe().unwrap();
    let text = "interval:us:100 { printf(\"%64d\\n\", 1); } interval:us:100 { printf(\"%64d\\n\", 2); }";
    for words in [&["-e", text][..], &["dtrace", "-n", "profile-4999hz { printf(\"%64d\\n\", 1); }"]] {
        let tracer = quadrant().args(words).stdout(Stdio::from(writer.try_clone().unwrap())).start().unwrap();
        wait_until_stuck(tracer.pid());
        tracer.signal(Signal::INT).unwrap();
        tracer.signal(Signal::TERM).unwrap();
        let outcome = tracer.finish().unwrap();
        assert!(!outcome.timed_out && outcome.signal().is_some(), "{}", outcome.describe());
    }
    drop(reader);
}

/// `$0 -e SCRIPT` traces a program in the folder `$2`, over which a file system is mounted whose server never answers. It waits for that
/// when it looks whether the program was replaced.
const UNANSWERED: &str = r#"
    exec 3<>/dev/fuse || exit 9
    "$0" -e "$1" 3>&- 2>"$3" & tracer=$!
    until grep -q Attached "$3"; do [ -d /proc/$tracer ] || exit 8; sleep 0.1; done
    mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none "$2" || { kill $tracer; exit 9; }
    until grep -q '^State:.D' /proc/$tracer/status; do sleep 0.1; done
    kill $tracer; wait $tracer; echo "status $?"; cat "$3"
"#;

/// The kernel lets only what kills get through to a process that waits for a file system.
#[test]
fn a_trace_ends_where_a_file_system_does_not_answer() {
    needs_root!();
    let (folder, calls) = (folder("unanswered"), target!("calls"));
    let program = folder.join("program");
    std::fs::copy(calls, &program).unwrap();
    let text = format!("uprobe:{}:main {{ @ = count(); }}", program.display());
    let said = folder.with_extension("said");
    let shell = Program::new("unshare").args(["-m", "sh", "-c", UNANSWERED]).arg(binary()).arg(text);
    let outcome = shell.arg(&folder).arg(said).run().unwrap();
    if outcome.code() == Some(9) {
        return quadrant_testing::skip("no file system can be made here (FUSE)");
    }
    let (status, says) = (outcome.stdout.contains("status 1\n"), outcome.stdout.contains("does not answer"));
    assert!(status && says, "{}", outcome.describe());
}

/// Programs that wait for events leave their pipes in that mode; the reader is slower than the tracer here.
#[test]
fn a_pipe_that_does_not_block_loses_nothing_and_stays_so() {
    needs_root!();
    for words in [
        &["-e", "interval:ms:1 { printf(\"%1024d\\n\", ++@n); if (@n == 500) { exit(); } }"][..],
        &["dtrace", "-qn", "profile-997hz { printf(\"%1024d\\n\", ++n); } profile-997hz /n == 500/ { exit(0); }"],
    ] {
        let (mut reader, writer) = std::io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
        let tracer = quadrant().args(words).stdout(Stdio::from(writer.try_clone().unwrap())).start().unwrap();
        wait_until_stuck(tracer.pid());
        assert!(rustix::fs::fcntl_getfl(&writer).unwrap().contains(rustix::fs::OFlags::NONBLOCK));
        drop(writer);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        let outcome = tracer.finish().unwrap();
        assert!(outcome.success(), "{}", outcome.describe());
        let numbers: Vec<u32> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(numbers.iter().copied().take(500).eq(1..=500), "{numbers:?}");
    }
}

/// The mode means nothing for a file, which is written where the others that have it open are.
#[test]
fn a_file_that_does_not_block_is_written_where_it_is() {
    needs_root!();
    let path = std::env::temp_dir().join(format!("quadrant-file-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).unwrap();
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::NONBLOCK).unwrap();
    std::io::Write::write_all(&mut file, b"a line from before\n").unwrap();
    let text = "BEGIN { printf(\"answer\"); exit(); }";
    let tracer = quadrant().args(["-q", "-e", text]).stdout(Stdio::from(file.try_clone().unwrap()));
    let outcome = tracer.run().unwrap();
    assert!(outcome.success(), "{}", outcome.describe());
    std::io::Write::write_all(&mut file, b"behind").unwrap();
    let kept = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(kept.starts_with("a line from before\nanswer") && kept.ends_with("behind"), "{kept:?}");
}

/// How long a process may take to fill a pipe that nobody reads: on a busy machine much longer than the second that it takes.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Waits until a process is in a system call on its standard output. Where the kernel does not tell, there is nothing to wait for.
fn wait_until_stuck(pid: u32) {
    let started = Instant::now();
    while let Ok(call) = std::fs::read_to_string(format!("/proc/{pid}/syscall")) {
        if call.split_whitespace().nth(1) == Some("0x1") {
            return;
        }
        assert!(started.elapsed() < LONGEST_WAIT, "{pid} writes on: it is in {call}");
        std::thread::yield_now();
    }
}

/// Commands run one after the other; probes may ask for more of them than there is time for.
#[test]
fn an_interrupt_leaves_the_commands_that_wait_and_says_how_many() {
    needs_root!();
    let text = "interval:ms:1 { system(\"echo worked; sleep 0.1\"); } END { system(\"echo ended\"); }";
    let d = "tick-1ms { system(\"echo worked; sleep 0.1\"); } END { system(\"echo ended\"); }";
    for words in [
        &["--unsafe", "-e", text][..],
        &["--unsafe", "--format", "json", "-e", text],
        &["bpftrace", "--unsafe", "-e", text],
        &["dtrace", "-q", "-w", "-n", d],
    ] {
        let tracer = quadrant().args(words).start().unwrap();
        tracer.wait_for_stdout("worked").unwrap();
        tracer.signal(Signal::INT).unwrap();
        let outcome = tracer.finish().unwrap();
        assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
        assert!(outcome.stdout.contains("ended"), "END's commands run: {}", outcome.describe());
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        let words = ["not run", "\"kind\":\"commands\""];
        assert!(words.iter().any(|word| said.contains(word)), "{}", outcome.describe());
    }
}

/// A script that prints a map more often than there is time for.
const PRINTS: &str =
    "config = { max_map_keys = 65536 } BEGIN { for ($i : 0..40000) { @[$i] = $i; } } interval:ms:1 { print(@, 1); }";

fn assert_prints_are_left(outcome: &quadrant_testing::Outcome) {
    assert!(!outcome.timed_out && outcome.code() == Some(0), "{}", outcome.describe());
    assert!(outcome.stdout.contains("@[39999]: 39999"), "{}", outcome.describe());
}

#[test]
fn a_trace_ends_although_prints_take_longer_than_their_interval() {
    needs_root!();
    needs_loops!();
    let exits = format!("{PRINTS} interval:s:2 {{ exit(); }}");
    assert_prints_are_left(&script(&exits).run().unwrap());
    assert_prints_are_left(&script(PRINTS).args(["-c", "sleep 2"]).run().unwrap());
    let tracer = script(PRINTS).start().unwrap();
    tracer.wait_for_stdout("@[39999]").unwrap();
    tracer.signal(Signal::INT).unwrap();
    assert_prints_are_left(&tracer.finish().unwrap());
}

/// A zero() once more changes nothing when the probes are gone.
#[test]
fn a_trace_ends_although_zero_takes_longer_than_its_interval() {
    needs_root!();
    needs_loops!();
    let text = PRINTS.replace("print(@, 1)", "zero(@)");
    let outcome = script(&text).args(["-c", "sleep 2"]).run().unwrap();
    assert!(!outcome.timed_out && outcome.code() == Some(0), "{}", outcome.describe());
    assert!(outcome.stdout.contains("@[39999]: 0"), "{}", outcome.describe());
}

#[test]
fn so_does_one_in_d() {
    needs_root!();
    let text = "profile-4999hz { @[timestamp] = count(); } tick-1ms { printa(@); }";
    let tracer = quadrant().args(["dtrace", "-qx", "aggsize=16m", "-n", text]);
    let outcome = tracer.args(["-c", "sleep 3"]).stdout(Stdio::null()).run().unwrap();
    assert!(!outcome.timed_out && outcome.code() == Some(0), "{}", outcome.describe());
}

#[test]
fn an_interrupt_ends_a_begin_that_runs_commands() {
    needs_root!();
    let tracer = quadrant().args(["--unsafe", "-e", BEGIN_WITH_COMMANDS]).start().unwrap();
    tracer.wait_for_stderr("ran").unwrap();
    tracer.signal(Signal::INT).unwrap();
    let outcome = tracer.finish().unwrap();
    assert!(!outcome.timed_out && outcome.stderr.contains("not run"), "{}", outcome.describe());
}

/// Some minutes of them.
const BEGIN_WITH_COMMANDS: &str = "BEGIN { unroll(50) { system(\"echo ran >&2; sleep 5\"); } } interval:s:1 { }";

#[test]
fn a_trace_that_is_to_outlive_its_terminal_does() {
    needs_root!();
    let shell =
        Program::new("bash").args([OsStr::new("-c"), OsStr::new("trap '' HUP; exec \"$0\" -e \"$1\""), &binary()]);
    let tracer = attached(shell.arg("BEGIN { @kept = 42; } self:signal:SIGUSR1 { @later = 43; exit(); }"));
    tracer.signal(Signal::HUP).unwrap();
    tracer.signal(Signal::USR1).unwrap();
    let outcome = tracer.finish().unwrap();
    assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
    assert_lines(&outcome, &["@kept: 42", "@later: 43"]);
}

/// Shells without job control have their background jobs ignore interrupts.
#[test]
fn interrupts_act_where_they_were_ignored() {
    needs_root!();
    needs_loops!();
    let (reader, writer) = std::io::pipe().unwrap();
    let text = "config = { max_map_keys = 100000 } BEGIN { for ($i : 0..100000) { @[$i] = $i; } }";
    let shell =
        Program::new("bash").args([OsStr::new("-c"), OsStr::new("trap '' INT; exec \"$0\" -e \"$1\""), &binary()]);
    let tracer = attached(shell.arg(text).stdout(Stdio::from(writer)));
    tracer.signal(Signal::INT).unwrap();
    poll(&mut [PollFd::new(&reader, PollFlags::IN)], None).unwrap();
    tracer.signal(Signal::INT).unwrap();
    assert_eq!(tracer.finish().unwrap().signal(), Some(2));
}

#[test]
fn a_reader_that_leaves_ends_the_trace_quietly() {
    needs_root!();
    let line = "\"$0\" -e 'interval:ms:1 { printf(\"line\\n\"); }' | head -3; echo \"status ${PIPESTATUS[0]}\"";
    let outcome = Program::new("bash")
        .args([OsStr::new("-c"), OsStr::new(line), &binary()])
        .limit(Duration::from_secs(20))
        .run()
        .unwrap();
    assert_lines(&outcome, &["line", "line", "line", "status 0"]);
    assert!(!outcome.stderr.to_lowercase().contains("pipe"), "{}", outcome.describe());
}

#[test]
fn a_killed_tracer_leaves_nothing_attached() {
    needs_root!();
    let calls = target!("calls");
    let before = programs();
    let tracer = attached(script(&format!(
        "uprobe:{calls}:target_call {{ @ = count(); }} tracepoint:syscalls:sys_enter_getppid {{ @t = count(); }}
         profile:hz:99 {{ @p = count(); }}"
    )));
    let ours: BTreeSet<_> = programs().difference(&before).cloned().collect();
    if ours.is_empty() {
        return quadrant_testing::skip("/proc/kallsyms does not show BPF programs: set net.core.bpf_jit_kallsyms to 1");
    }
    tracer.signal(Signal::KILL).unwrap();
    assert_eq!(tracer.finish().unwrap().signal(), Some(9));
    // The kernel frees a program some time after the last descriptor is closed.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !programs().is_disjoint(&ours) {
        assert!(Instant::now() < deadline, "these are left: {:?}", programs().intersection(&ours).collect::<Vec<_>>());
        std::thread::yield_now();
    }
}

/// The BPF programs in the kernel: address and name of each.
fn programs() -> BTreeSet<String> {
    let symbols = std::fs::read_to_string("/proc/kallsyms").unwrap();
    symbols.lines().filter(|line| line.contains(" bpf_prog_")).map(str::to_owned).collect()
}

#[test]
fn exit_gives_its_status() {
    needs_root!();
    let outcome = script("BEGIN { exit(42); }").run().unwrap();
    assert_eq!(outcome.code(), Some(42), "{}", outcome.describe());
}

#[test]
fn closed_output_is_an_error() {
    let tracer = binary();
    for words in [&["-e", "BEGIN { exit(); }"][..], &["dtrace", "-V"], &["bpftrace", "--version"]] {
        let shell = Program::new("/bin/sh").args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(&tracer).args(words);
        let outcome = shell.run().unwrap();
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert!(outcome.stderr.contains("standard output is closed (EBADF)"), "{}", outcome.describe());
    }
}

#[test]
fn output_goes_into_a_file() {
    needs_root!();
    let path = crate::common::folder("output").join("answers");
    let tracer = quadrant().args(["-o", path.to_str().unwrap(), "-e", "BEGIN { printf(\"x\\n\"); @a = 1; exit(); }"]);
    let outcome = crate::common::good(tracer);
    assert!(outcome.lines().is_empty(), "{}", outcome.describe());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(), ["x", "@a: 1"]);
}
