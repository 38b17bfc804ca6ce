//! What users of other tracers reported, each as a test that fails where the reported behaviour is.

mod maps;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quadrant_testing::{Folder, Program};

use crate::common::{
    assert_lines, attached, end, folder, needs_callers, needs_loops, needs_root, number, quadrant, run, run_on, script,
    sum_below, target,
};

/// bpftrace #2093, #305: strings are cut at 64 or 200 bytes, and to raise that exceeds the stack limit.
#[test]
fn strings_are_as_long_as_they_are() {
    needs_root!();
    let line = "yes | tr -c y y | dd bs=65000 count=1 iflag=fullblock of=/dev/null";
    let text = "config = { max_strlen = 65536 }
        tracepoint:syscalls:sys_enter_write /comm == \"dd\" && args.count > 1000/ {
            $text = str(args.buf, args.count + 1); @length = sum(strlen($text)); @kept = $text; printf(\"%s\", $text);
        }";
    let outcome = run_on(&format!("sh -c \"{line}\""), text);
    assert_eq!(number(&outcome, "@length"), 65_000, "{}", outcome.stderr);
    assert!(outcome.stdout.matches('y').count() == 65_000 * 2, "{}", outcome.stderr);
    // A kernel may skip a program that it is running already; what ran must be whole.
    let cut = outcome.stderr.lines().filter(|line| line.starts_with("LOST") && line.contains("text")).count();
    assert_eq!(cut, 0, "{}", outcome.stderr);
}

/// bpftrace #2646: events of several CPUs are printed out of order. Here they come in the order in which they got room in the one buffer
/// of all CPUs; of those that happen within microseconds, one may have read the clock first and found room last.
#[test]
fn events_of_several_cpus_come_in_the_order_of_time() {
    needs_root!();
    let threads = target!("threads");
    let outcome = run_on(
        &format!("{threads} 10007 4"),
        &format!("uprobe:{threads}:target_call {{ printf(\"%lu\\n\", nsecs); }}"),
    );
    let times: Vec<u64> = outcome.stdout.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(times.len(), 40_028, "{}", outcome.stderr);
    let late = times.iter().scan(0, |latest, time| {
        *latest = (*time).max(*latest);
        Some(*latest - time > 1_000_000)
    });
    // A CPU may be taken away between the two.
    let late = late.filter(|late| *late).count();
    assert!(late * 100 < times.len(), "{late} of {} come a millisecond late", times.len());
}

/// bpftrace #228: events go on being printed after exit(), and END does not run under load.
#[test]
fn exit_is_immediate_and_end_runs() {
    needs_root!();
    let syscalls = target!("syscalls");
    let tracer = attached(script(
        "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @n++; printf(\"%d\\n\", @n); if (@n == 10) { exit(); } }
         END { printf(\"end after %d\\n\", @n); }",
    ));
    assert!(Program::new(syscalls).args(["getppid", "1000003"]).run().unwrap().success());
    let outcome = tracer.finish().unwrap();
    let lines: Vec<String> = (1..=10).map(|n| n.to_string()).chain(["end after 10".into(), "@n: 10".into()]).collect();
    assert_eq!(outcome.lines(), lines, "{}", outcome.describe());
}

/// bpftrace #4497: with `-p`, intervals never fire.
#[test]
fn intervals_fire_when_a_process_is_given() {
    needs_root!();
    let tracer = script("interval:ms:1 { exit(); }").args(["-p", &std::process::id().to_string()]);
    assert!(tracer.limit(Duration::from_secs(20)).run().unwrap().success());
}

/// bpftrace #246: user stacks have no names once the process is gone.
#[test]
fn stacks_of_processes_that_are_gone_have_names() {
    needs_root!();
    needs_callers!();
    let calls = target!("calls");
    let tracer = attached(script(&format!("uprobe:{calls}:target_call {{ @[ustack(2)] = count(); }}")));
    assert!(Program::new(&calls).arg("17").run().unwrap().success());
    let outcome = end(tracer);
    assert!(outcome.stdout.contains("target_call+") && outcome.stdout.contains("main+"), "{}", outcome.describe());
    assert!(outcome.stdout.contains("]: 17\n"), "{}", outcome.describe());
}

/// bpftrace #2807: a `while` of more than 1,000 rounds is refused.
#[test]
fn loops_of_a_million_rounds_run() {
    needs_root!();
    needs_loops!();
    let outcome = run(
        "BEGIN { $i = 0; while ($i < 1000003) { $i++; } print($i); for ($j : 0..1000003) { @sum += $j; } exit(); }",
    );
    assert_eq!(outcome.lines()[0], "1000003", "{}", outcome.describe());
    assert_eq!(number(&outcome, "@sum"), sum_below(1_000_003));
    assert!(!outcome.stderr.contains("LOST"), "{}", outcome.describe());
}

/// bpftrace #3898: fields that kernels rename break scripts.
#[test]
fn scripts_can_ask_for_fields() {
    needs_root!();
    let outcome = run(
        "BEGIN {
            if (has_field(struct task_struct, no_such)) { print(curtask.no_such); }
            else if (!has_field(struct task_struct, no_such) && has_field(struct task_struct, se.vruntime)) { print(\"other\"); }
            print(has_field(struct no_such, x) ? curtask.no_such : 5);
            print(if (has_field(struct task_struct, pid)) { 7 } else { curtask.no_such });
            exit();
        }",
    );
    assert_lines(&outcome, &["other", "5", "7"]);
}

/// bpftrace #2805, #3308, #4295: what the kernel refuses is shown as the verifier's log. Programs that are hard on the verifier load.
#[test]
fn nothing_that_a_script_may_say_is_refused_by_the_verifier() {
    needs_root!();
    needs_loops!();
    let outcome = run(
        "BEGIN {
            @m[1] = 10; @m[2] = 20; $i = 0; $n = 7;
            while ($i < 100000) { if (@m[1] % ($i + 1) == 3) { $n = (uint8)$i; } $i += 1; if ($i > @m[2] * 100) { break; } }
            @text[str($1)] = len(@m) > 1 ? strlen(\"abc\") : 0;
            for ($kv : @m) { for ($j : 0..$kv.1) { if ($j % 2) { continue; } @even = count(); @by[$kv.0, $j / 3] = sum($j); } }
            exit();
        }",
    );
    assert_eq!(number(&outcome, "@even"), 15);
    assert!(!outcome.stderr.contains("R0") && !outcome.stderr.contains("LOST"), "{}", outcome.describe());
}

/// wkz/ply #87, and bpftrace's scripts up to 0.11: what is a mere number may be an address of the process, or one of the kernel.
#[test]
fn numbers_are_addresses_of_either() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text = format!(
        "tracepoint:raw_syscalls:sys_enter /comm == \"syscalls\" && args.id == {openat} && str(args.args[1]) == \"/nowhere\"/ {{
            @path = str(args.args[1]); @first = *(uint8 *)args.args[1]; @later[tid] = args.args[1];
            @kernel = ((struct task_struct *)(uint64)curtask)->tgid == pid; @text = str((uint64)&curtask->comm);
            @program = str(curtask->mm->arg_start) == \"{syscalls}\";
        }}
        tracepoint:raw_syscalls:sys_exit /@later[tid] && args.id == {openat}/ {{
            print(str(@later[tid])); delete(@later, tid);
        }}",
        openat = if cfg!(target_arch = "x86_64") { 257 } else { 56 },
    );
    let outcome = run_on(&format!("{syscalls} openat 1 /nowhere"), &text);
    assert_lines(
        &outcome,
        &["/nowhere", "@first: 47", "@kernel: true", "@path: /nowhere", "@program: true", "@text: syscalls"],
    );
}

/// The last part of a tuple is read in place, with the byte that tells whether the text was longer.
#[test]
fn texts_in_tuples_are_read() {
    needs_root!();
    let outcome = run_on(
        "/bin/cat /dev/null",
        "tracepoint:syscalls:sys_enter_openat /pid == cpid && str(args.filename) == \"/dev/null\"/ {
            print((1, str(args.filename))); print((1, curtask.comm)); print((str(args.filename, 5), curtask.comm));
            @ = (str(args.filename), (2, curtask.comm)); @by[1, str(args.filename)] = (comm, str(args.filename, 9));
        }",
    );
    let wanted = ["(1, /dev/null)", "(1, cat)", "(/dev, cat)", "@: (/dev/null, (2, cat))"];
    assert_lines(&outcome, &[&wanted[..], &["@by[1, /dev/null]: (cat, /dev/nul)"]].concat());
}

/// Verifiers before Linux 6.12 believe that the helper for stacks only reads its room, in programs of raw tracepoints.
#[test]
fn short_stacks_at_raw_tracepoints() {
    needs_root!();
    let syscalls = target!("syscalls");
    let text =
        "rawtracepoint:sys_enter /comm == \"syscalls\"/ { @[kstack(3)] = count(); @two[kstack(2), tid] = count(); }";
    let outcome = run_on(&format!("{syscalls} getppid 101"), text);
    assert!(outcome.lines().iter().any(|line| line.starts_with("        ")), "{}", outcome.describe());
}

/// The first 4,096 short stacks are in a map of their own.
#[test]
fn short_stacks_beyond_the_first_have_their_frames() {
    needs_root!();
    let ways = target!("ways");
    let text = format!("uprobe:{ways}:target_end {{ @[ustack(raw)] = count(); }}");
    let outcome = run_on(&format!("{ways} 13"), &text);
    let stacks: Vec<&str> = outcome.stdout.split("@[").skip(1).collect();
    let frames = |stack: &str| stack.lines().skip(1).take_while(|line| !line.starts_with(']')).count();
    assert_eq!(stacks.len(), 1 << 13, "{}", outcome.stderr);
    assert!(frames(stacks[0]) > 13, "{}", stacks[0]);
    assert!(stacks.iter().all(|stack| frames(stack) == frames(stacks[0]) && stack.contains("]: 1\n")));
}

/// A program can use 64 maps of the kernel, and stacks of each limit have one.
#[test]
fn a_clause_has_stacks_of_any_limits() {
    needs_root!();
    let feeds: String = (1..=58).map(|limit| format!("@s{limit}[kstack({limit})] = count(); ")).collect();
    let outcome = run(&format!("BEGIN {{ {feeds} exit(); }}"));
    assert_eq!(outcome.stdout.matches("]: 1\n").count(), 58, "{}", outcome.describe());
}

/// bpftrace #1542, #4176: a tracepoint's text of varying length is an address, too. What is behind a NUL in it was lost to buf().
#[test]
fn a_text_of_varying_length_is_a_pointer_where_one_is_wanted() {
    needs_root!();
    let text = "tracepoint:sched:sched_process_exec /pid == cpid/ {
        $p = (uint64)args.filename;
        print((args.filename, str(args.filename + 5), *args.filename, args.filename[2], *(uint8 *)args.filename));
        printf(\"%r %s %d\\n\", buf(args.filename, 11), str($p, 5), args.filename != 0);
        printf(\"%d\\n\", args.filename > 4096);
        if (args.filename) { print((!args.filename, args.filename - args.filename)); }
        exit();
    }";
    let expected = ["(/bin/true, true, 47, 105, 47)", "/bin/true\\x00", "1", "(false, 0)"];
    let outcome = run_on("/bin/true", text);
    let lines = outcome.lines();
    assert_eq!((lines[0], lines[2], lines[3]), (expected[0], expected[2], expected[3]), "{}", outcome.describe());
    assert!(lines[1].starts_with(expected[1]) && lines[1].ends_with(" /bin 1"), "{}", outcome.describe());
}

/// bpftrace #2512, #512: times of CLOCK_TAI, and those that a program has from elsewhere, are shown as if they were the boot clock's.
#[test]
fn times_of_every_clock_are_shown() {
    needs_root!();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let text = "BEGIN { $t = nsecs(sw_tai); print(strftime(\"%s\", nsecs(tai))); print(strftime(\"%s\", nsecs));
        print(strftime(\"%s\", nsecs(monotonic))); print(strftime(\"%s\", 1700000000000000000)); print(strftime(\"%s\", $t)); exit(); }";
    let outcome = run(text);
    let seconds: Vec<u64> = outcome.lines().iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(seconds[3], 1_700_000_000);
    for second in [seconds[0], seconds[1], seconds[2], seconds[4]] {
        assert!((now..now + 100).contains(&second), "{}", outcome.describe());
    }
}

/// A script whose comments and texts are in another encoding runs, and prints the same bytes.
#[test]
fn scripts_in_other_encodings_run() {
    needs_root!();
    let path = folder("encodings").join("latin1.bt");
    std::fs::write(&path, b"// caf\xe9\nBEGIN { print(strlen(\"\xe9t\xe9\")); exit(); }\n").unwrap();
    assert_lines(&quadrant().arg(&path).run().unwrap(), &["3"]);
}

/// Names of sources mean the same in listings as in probes, also those of templates and outside of any namespace.
#[test]
fn functions_are_listed_by_the_names_of_their_sources() {
    let mangled = target!("mangled-cc");
    let listed = |pattern: &str| {
        let outcome = quadrant().args(["-l", &format!("uprobe:{mangled}:{pattern}")]).run().unwrap();
        outcome.stdout.lines().filter_map(|line| line.rsplit(':').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(listed("cpp:\"place\""), ["place"]);
    assert_eq!(listed("cpp:shapes::Circle<long>::area"), ["_ZNK6shapes6CircleIlE4areaEi"]);
    assert_eq!(listed("cpp:\"*Circle<*>::area(int) const\""), ["_ZNK6shapes6CircleIlE4areaEi"]);
    assert_eq!(listed("cpp:*measure"), ["_ZN6shapes7measureEl"]);
}

/// bpftrace #2220, #3898, #245 and the tools of the BPF book: members that a kernel renamed, and those that C has as macros.
#[test]
fn members_have_the_names_of_other_kernels_and_of_c() {
    needs_root!();
    let outcome = run("BEGIN {
            $sock = (struct sock *)0; $inet = (struct inet_sock *)0;
            print((curtask->state == curtask->__state, curtask->cpu == cpu));
            print((uint64)&$sock->sk_dport == offsetof(struct sock, __sk_common.skc_dport));
            print((uint64)&$inet->inet_num == offsetof(struct inet_sock, sk.__sk_common.skc_num));
            print((has_field(struct task_struct, state), has_field(struct task_struct, __state)) != (true, true));
            exit();
        }");
    assert_lines(&outcome, &["(true, true)", "true", "true", "true"]);
    assert!(!outcome.stderr.contains("sk_dport"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("state` is read"), "{}", outcome.describe());

    let outcome = run("BEGIN {
            print(offsetof(struct task_struct, real_start_time) == offsetof(struct task_struct, start_boottime));
            print(container_of(&curtask->start_boottime, struct task_struct, real_start_time) == curtask);
            exit();
        }");
    assert_lines(&outcome, &["true", "true"]);
    // What is behind a pointer has no place in the struct.
    let outside = script("BEGIN { print(offsetof(struct cgroup, id)); exit(); }").run().unwrap();
    assert!(outside.stderr.contains("has no member `id`"), "{}", outside.describe());

    let wrong = script("BEGIN { print(((struct sock *)0)->sk_nothing); exit(); }").run().unwrap();
    assert!(wrong.stderr.contains("sk_nothing"), "{}", wrong.describe());
}

/// A type as an argument is the one that its tag says, and no value.
#[test]
fn a_type_as_an_argument_keeps_its_tag() {
    needs_root!();
    let refusals = [
        ("container_of(&curtask->tasks, union task_struct, tasks)", "`union task_struct`"),
        ("container_of(&curtask->tasks, enum pid_type, tasks)", "has no members"),
        ("struct task_struct", "`struct task_struct` is a type"),
        ("task_struct", "`struct task_struct` is a type"),
        ("strlne", "did you mean `strlen()`?"),
    ];
    for (value, message) in refusals {
        let outcome = script(&format!("BEGIN {{ print({value}); exit(); }}")).run().unwrap();
        assert!(!outcome.success() && outcome.stderr.contains(message), "{value}: {}", outcome.describe());
    }
    let outcome = run("macro at(p, of) { container_of(p, of, tasks) }
        BEGIN { print((at(&curtask->tasks, struct task_struct) == curtask, at(&curtask->tasks, task_struct) == curtask)); exit(); }");
    assert_lines(&outcome, &["(true, true)"]);
}

/// Eight bytes behind a pointer, and a name of a function where the file has no code, as programs in Go have (`runtime.etext`).
const WORDS_AND_NOTHING: &str = r#"
unsigned long words[] = {0x1122334455667788, 13};
__asm__(".globl take_nothing\n.type take_nothing,@function\n.set take_nothing, take_words + 0x10000000\n");
__attribute__((noinline)) long take_words(void *at) { __asm__ volatile("" :: "r"(at)); return 7; }
int main(void) { for (int n = 0; n < 11; n++) take_words(words); return 0; }
"#;

/// bpftrace #4021 reads `*uptr($1)`: it is the eight bytes there, and the address counts bytes, as without `uptr()`.
#[test]
fn an_address_said_to_be_the_programs_is_read_as_one_that_is_not() {
    needs_root!();
    let folder = Folder::new("words");
    let Some(program) = folder.compile("words", WORDS_AND_NOTHING, &["-O1", "-fno-ipa-cp"]) else { return };
    let program = program.display().to_string();
    let text = format!(
        "uprobe:{program}:take_words {{
           $at = uptr(arg0);
           @[(uint64)(*arg0 == *uptr(arg0)), *$at, *($at + 8), *(uint8 *)$at, sizeof(*$at)] = count();
         }}"
    );
    assert_lines(&run_on(&program, &text), &["@[1, 1234605616436508552, 13, 136, 8]: 11"]);
}

/// `uprobe:./program:runtime.*` is refused for the one symbol that is not in the code.
#[test]
fn a_wildcard_leaves_out_names_without_code() {
    needs_root!();
    let folder = Folder::new("no-code");
    let Some(program) = folder.compile("words", WORDS_AND_NOTHING, &["-O1", "-fno-ipa-cp"]) else { return };
    let program = program.display().to_string();
    let outcome = run_on(&program, &format!("uprobe:{program}:take_* {{ @[func] = count(); }}"));
    assert_lines(&outcome, &["@[take_words]: 11"]);
    let listed = quadrant().args(["-l", &format!("uprobe:{program}:take_*")]).run().unwrap();
    assert!(listed.stdout.contains(":take_words") && !listed.stdout.contains("take_nothing"), "{}", listed.describe());
    let named = script(&format!("uprobe:{program}:take_nothing {{ }}")).run().unwrap();
    assert!(named.stderr.contains("`take_nothing` is not in the code of"), "{}", named.describe());
}

const THROWS: &str = r#"
#include <cstdlib>
#include <string>
#include <stdexcept>
namespace ns {
__attribute__((noinline)) std::string make(int n, int (&twice)[2]) { if (n > 99) throw std::runtime_error("n"); return std::string(n + twice[1], 'x'); }
__attribute__((noinline)) int leaf(int n) { __asm__ volatile(""); return n; }
}
extern "C" __attribute__((noinline)) int plain(int n) { __asm__ volatile(""); return n; }
int main(int argc, char **) { int twice[2] = {3, 5}; try { ns::make(atoi("7"), twice); ns::make(argc + 99, twice); } catch (std::exception &) { return plain(ns::leaf(0)); } return 1; }
"#;

/// The kernel's return probe stands in the unwinder's way, with every tracer: the program ends by `std::terminate`. It is said before.
#[test]
fn a_return_probe_on_a_function_that_may_throw_is_warned_of() {
    needs_root!();
    let folder = Folder::new("throws");
    let flags = ["-x", "c++", "-g", "-O1", "-Wl,--no-as-needed", "-lstdc++"];
    let Some(program) = folder.compile("throws", THROWS, &flags) else { return };
    let program = program.display().to_string();
    let warned = |probe: &str| {
        let outcome = script(&format!("{probe} {{ }} BEGIN {{ exit(); }}")).run().unwrap();
        assert_eq!(outcome.code(), Some(0), "{}", outcome.describe());
        outcome.stderr
    };
    let told = warned(&format!("uretprobe:{program}:cpp:\"ns::make\""));
    assert!(told.contains("`ns::make[abi:cxx11](int, int (&) [2])` would end the program"), "{told}");
    assert!(told.contains(&format!("`uprobe:{program}:\"_ZN2ns4makeB5cxx11EiRA2_i+")), "{told}");
    // Nothing is thrown through a function that calls nothing; of several only those that call count.
    let told = warned(&format!("uretprobe:{program}:cpp:\"ns::*\""));
    assert!(told.contains("leaves `ns::make[abi:cxx11](int, int (&) [2])` would"), "{told}");
    for quiet in ["uretprobe:{}:plain", "uretprobe:{}:cpp:\"ns::leaf\"", "uprobe:{}:cpp:\"ns::make\""] {
        let told = warned(&quiet.replace("{}", &program));
        assert!(!told.contains("would end the program"), "{told}");
    }
    // The name is found without the tag of the library's version, and a reference to an array is one.
    let text = format!("uprobe:{program}:cpp:\"ns::make\" {{ @[args.n, args.twice[1]] = count(); }}");
    assert_lines(&run_on(&program, &text), &["@[7, 5]: 1", "@[100, 5]: 1"]);
}

/// An update during the trace: the probes are in the file that was there, and what starts afterwards would be missed in silence.
#[test]
fn a_probed_file_that_is_replaced_is_told() {
    needs_root!();
    let folder = Folder::new("replaced");
    let (typed, path) = (target!("typed"), folder.join("service"));
    for (way, told) in [("replaced", "was replaced by another file"), ("written", "was written while probes are in it")]
    {
        std::fs::copy(&typed, &path).unwrap();
        let text = format!("uprobe:{}:main {{ @ = count(); }}", path.display());
        let tracer = attached(script(&text));
        if way == "replaced" {
            std::fs::copy(&typed, folder.join("new")).unwrap();
            std::fs::rename(folder.join("new"), &path).unwrap();
        } else {
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
        }
        let outcome = end(tracer);
        assert_eq!(outcome.stderr.matches(told).count(), 1, "{}", outcome.describe());
    }
    std::fs::copy(&typed, &path).unwrap();
    for is_touched in [false, true] {
        let text = format!("uprobe:{}:main {{ @ = count(); }}", path.display());
        let tracer = attached(script(&text));
        if is_touched {
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
        let outcome = end(tracer);
        assert!(
            !outcome.stderr.contains("was replaced") && !outcome.stderr.contains("was written"),
            "{}",
            outcome.describe()
        );
    }
}
