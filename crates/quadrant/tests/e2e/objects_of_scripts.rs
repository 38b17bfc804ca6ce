//! `quadrant build -o NAME.bpf.o`: objects of scripts, loaded by bpftool and by the tracer itself.
//!
//! In a guest the object was built on the machine that runs it, by another kernel's types.

use std::path::{Path, PathBuf};

use quadrant_testing::{COUNT, Program};

use crate::common::{folder, good, needs_root, quadrant, refused, target};

/// The object of `built/objects/members.bt`.
fn members() -> PathBuf {
    if std::env::var_os("QUADRANT_GUEST").is_some() {
        let ready = PathBuf::from(std::env::var_os("QUADRANT_TARGETS").expect("guests have a folder"));
        return ready.join("built-members-bt.bpf.o");
    }
    let path = folder("object-of-members").join("members.bpf.o");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/built/objects/members.bt");
    good(quadrant().args(["build", "-o"]).arg(&path).arg(script));
    path
}

/// Ends the calling test, as skipped, where programs cannot call a function for each round of a loop.
macro_rules! needs_loops {
    () => {
        if !quadrant_bpf::features::Features::new().bpf_loop() {
            return quadrant_testing::skip("this kernel has no loops in programs (Linux 5.17)");
        }
    };
}

#[test]
fn members_are_where_the_kernel_has_them() {
    needs_root!();
    needs_loops!();
    // Under a name that no other process has.
    let work = folder("object-work").join("object_work");
    std::fs::copy(target!("syscalls"), &work).expect("it can be copied");
    let work = work.display();
    let outcome = good(quadrant().arg("load").arg(members()).args(["-c", &format!("{work} getppid {COUNT}")]));
    let has = |line: &str| assert!(outcome.stdout.lines().any(|it| it == line), "{line}: {}", outcome.describe());
    for line in ["calls[\"object_work\"]: 10007", "named[\"object_work\"]: 10007", "rounds[1]: 10007"] {
        has(line);
    }
    has(&format!("started[\"{work}\"]: 1"));
    let sums = [("same", 10007), ("threads", 10007), ("replaced", 0), ("nested", 10007), ("own", 1)];
    for (name, value) in sums {
        has(&format!("{name} = {{ .set = 1, .value = {value} }}"));
    }
    let own =
        "BEGIN { printf(\"%d %d\", sizeof(struct task_struct), offsetof(struct task_struct, real_parent)); exit(); }";
    let own = good(quadrant().args(["-qe", own]));
    let (size, place) = own.stdout.trim().split_once(' ').expect("two numbers");
    has(&format!("size = {{ .set = 1, .value = {size} }}"));
    has(&format!("place = {{ .set = 1, .value = {place} }}"));
    for counter in ["lost_keys", "failed_reads", "cut_texts", "skipped_without_scratch"] {
        let counted = outcome.stdout.lines().filter(|line| line.starts_with(counter));
        assert!(counted.into_iter().all(|line| line.ends_with(" = 0")), "{}", outcome.describe());
    }
}

/// bpftool as JSON; ends the calling test, as skipped, where it is missing.
macro_rules! bpftool {
    ($($arg:expr),* $(,)?) => {{
        if Program::new("bpftool").arg("version").run().is_err() {
            return quadrant_testing::skip("bpftool is not installed");
        }
        let outcome = good(Program::new("bpftool").arg("-j")$(.arg($arg))*);
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap_or_default()
    }};
}

#[test]
fn bpftool_reads_its_types_and_lines() {
    needs_root!();
    let types = bpftool!("btf", "dump", "file", members());
    let all = types["types"].as_array().cloned().unwrap_or_default();
    let named = |kind: &str, name: &str| all.iter().any(|ty| ty["kind"] == kind && ty["name"] == name);
    for (kind, name) in [
        ("DATASEC", ".maps"),
        ("DATASEC", ".data"),
        ("VAR", "calls"),
        ("STRUCT", "task_struct"),
        ("STRUCT", "sched_avg"),
        ("STRUCT", "trace_event_raw_sched_process_exec"),
        ("FUNC", "sys_enter_getppid_tracepoint"),
    ] {
        assert!(named(kind, name), "{kind} {name}");
    }
}

#[test]
fn what_needs_the_tracer_is_refused() {
    needs_root!();
    let path = folder("objects-refused").join("no.bpf.o");
    let build = |program: &str| refused(quadrant().args(["build", "-o"]).arg(&path).args(["-e", program]));
    let probe = "tracepoint:syscalls:sys_enter_getppid";
    for (body, message) in [
        ("printf(\"x\");", "an object has nobody who would print this"),
        ("exit();", "an object cannot end itself"),
        ("@[ksym(1)] = count();", "only the tracer can make text of an address"),
        ("@ = elapsed;", "an object does not know when the trace began"),
        ("@ = *curtask;", "a whole struct of the kernel has another size and layout on each kernel"),
        ("bpf_rcu_read_lock();", "bpf_rcu_read_lock"),
        ("@ = kaddr(\"jiffies\");", "addresses are others there"),
    ] {
        let shown = build(&format!("{probe} {{ {body} }}"));
        assert!(shown.contains(message) && shown.contains("stdin:1"), "{body}: {shown}");
    }
    assert!(build("BEGIN { @ = 1; }").contains("BEGIN and END run in the tracer"));
    assert!(build("iter:task { @ = 1; }").contains("an object cannot have the probe `iter:task`"));
    let of_d = folder("objects-refused").join("no.d");
    std::fs::write(&of_d, "syscall::getppid:entry { @ = count(); }").unwrap();
    let message = refused(quadrant().args(["build", "-o"]).arg(&path).arg(&of_d));
    assert!(message.contains("objects are made of scripts in bpftrace's language only"), "{message}");
    assert!(!path.exists());
}

#[test]
fn stacks_and_timers() {
    needs_root!();
    needs_loops!();
    let path = folder("objects-stacks").join("stacks.bpf.o");
    let probe = "tracepoint:syscalls:sys_enter_getppid /comm == \"object_stacks\"/";
    let program = format!("{probe} {{ @s[ustack(4)] = count(); }} interval:hz:50 {{ @ticks = count(); }}");
    good(quadrant().args(["build", "-o"]).arg(&path).args(["-e", &program]));
    let work = folder("object-stacks").join("object_stacks");
    std::fs::copy(target!("syscalls"), &work).expect("it can be copied");
    let load = quadrant().arg("load").arg(path).args(["--attach", "interval_hz_50=interval:hz:50"]);
    let outcome = good(load.args(["-c", &format!("sh -c '{} getppid {COUNT}; sleep 0.3'", work.display())]));
    let key = outcome.stdout.lines().find_map(|line| line.strip_prefix("s[{ .part0 = ").or(line.strip_prefix("s[")));
    let number = key.and_then(|key| key.strip_prefix("{ .stack = ")?.split(',').next()).unwrap_or_default();
    assert!(key.is_some_and(|key| key.ends_with("]: 10007")), "{}", outcome.describe());
    let mut lines = outcome.stdout.lines().skip_while(|line| *line != format!("stacks[{number}]:"));
    assert!(lines.nth(1).is_some_and(|frame| frame.starts_with("        ")), "{}", outcome.describe());
    assert!(outcome.stdout.contains("ticks[0] cpu "), "{}", outcome.describe());
}
