//! Objects that clang made: `tests/objects`, on known work, with exact counts.

use quadrant_testing::{COUNT, Outcome, Program};

use crate::common::{folder, good, is_before, needs_root, quadrant, refused, sum_below, target};

/// The number of getppid(2).
const GETPPID: u32 = if cfg!(target_arch = "x86_64") { 110 } else { 173 };

/// `quadrant load` with an object; ends the calling test, as skipped, where it cannot be made.
macro_rules! load {
    ($name:literal) => {
        match source($name) {
            Ok(path) => quadrant().args(["load", &path]),
            Err(missing) => return quadrant_testing::skip(missing),
        }
    };
}

/// Ends the calling test, as skipped, where programs cannot tell places apart.
macro_rules! needs_cookies {
    () => {
        if !quadrant_bpf::features::Features::new().attach_cookie(quadrant_bpf::prog::ProgramKind::Kprobe) {
            return quadrant_testing::skip("this kernel has no attach cookies (Linux 5.15)");
        }
    };
}

use needs_cookies;

mod sections;

/// An object's source, or in a guest, which has no compiler, the object that was made outside.
fn source(name: &str) -> Result<String, String> {
    if let Some(targets) = std::env::var_os("QUADRANT_TARGETS") {
        let path = std::path::Path::new(&targets).join(format!("{name}.bpf.o"));
        let missing = format!("{name}.bpf.o was not made outside: clang or libbpf-dev was missing");
        return path.exists().then(|| path.display().to_string()).ok_or(missing);
    }
    let clang = Program::new("clang").arg("--version").run().is_ok_and(|outcome| outcome.success());
    if !clang || !std::path::Path::new("/usr/include/bpf/usdt.bpf.h").exists() {
        return Err(
            "objects are compiled by clang with libbpf's headers: `apt-get install clang libbpf-dev`".to_owned()
        );
    }
    Ok(format!("{}/../../tests/objects/{name}.bpf.c", env!("CARGO_MANIFEST_DIR")))
}

/// The value of a variable in the output: the line `NAME = VALUE`.
#[track_caller]
fn variable<'a>(outcome: &'a Outcome, name: &str) -> &'a str {
    let value = outcome.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    value.unwrap_or_else(|| panic!("no variable {name}: {}", outcome.describe()))
}

#[track_caller]
fn number(outcome: &Outcome, name: &str) -> i64 {
    variable(outcome, name).parse().unwrap_or_else(|_| panic!("{name} is no number: {}", outcome.describe()))
}

#[test]
fn system_calls_by_thread() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = load!("syscalls").args(["--set", "target_tgid=cpid", "--set", &format!("wanted={GETPPID}")]);
    let outcome = good(load.args(["-c", &format!("{syscalls} getppid {COUNT}")]));
    assert_eq!(number(&outcome, "total"), 10007);
    let keys: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with("counts[")).collect();
    assert!(matches!(keys.as_slice(), [key] if key.ends_with("]: 10007")), "{}", outcome.describe());
}

#[test]
fn records_of_a_ring_buffer() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = load!("opens").args(["--set", "prefix=/nowhere"]);
    let outcome = good(load.args(["-c", &format!("{syscalls} openat {COUNT} /nowhere/at/all")]));
    let opened = outcome.stdout.lines().filter(|line| {
        line.starts_with("opened: { .tgid = ")
            && line.ends_with(", .flags = 0, .comm = \"syscalls\", .path = \"/nowhere/at/all\" }")
    });
    assert_eq!(opened.count(), 10007);
    assert_eq!(number(&outcome, "lost"), 0);
    assert!(outcome.stderr.contains("are shown as `struct event`"), "{}", outcome.describe());
}

#[test]
fn records_of_a_perf_buffer_as_json() {
    needs_root!();
    let dir = folder("load-execs");
    let program = dir.join("executed");
    std::fs::copy("/bin/true", &program).expect("it can be copied");
    let command = format!("sh -c '{0}; {0}; {0}; exit 3'", program.display());
    let outcome = load!("execs").args(["-f", "json", "--event", "execs:event", "-c", &command]).run().unwrap();
    assert_eq!(outcome.code(), Some(3), "{}", outcome.describe());
    let values = outcome.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let executed: Vec<serde_json::Value> =
        values.filter(|value| value["type"] == "event" && value["value"]["comm"] == "executed").collect();
    assert_eq!(executed.len(), 3, "{}", outcome.describe());
    assert!(
        executed.iter().all(|value| value["name"] == "execs" && value["value"]["ppid"] == executed[0]["value"]["ppid"])
    );
}

#[test]
fn histograms_of_a_variable() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = good(load!("runqlat").args(["-c", &format!("{syscalls} openat {COUNT}")]));
    assert!(number(&outcome, "wakeups") > 0, "{}", outcome.describe());
    assert!(variable(&outcome, "hist").starts_with("{ .slots = ["), "{}", outcome.describe());
    assert!(outcome.stdout.contains("|@"), "{}", outcome.describe());
}

#[test]
fn numbers_of_all_processors() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = load!("writes").args(["--set", "target_tgid=cpid"]);
    let outcome = good(load.args(["-c", &format!("{syscalls} write {COUNT}")]));
    assert!(outcome.stdout.contains("sizes[1]: 10007\n"), "{}", outcome.describe());
}

#[test]
fn calls_of_a_user_function() {
    needs_root!();
    let calls = target!("calls");
    let place = format!("{calls}:target_call");
    let load = load!("calls").args(["--attach", &format!("entry={place}"), "--attach", &format!("leave={place}")]);
    let outcome = good(load.args(["-c", &format!("{calls} {COUNT}")]));
    assert_eq!((number(&outcome, "calls"), number(&outcome, "returns")), (10007, 10007));
    assert_eq!(number(&outcome, "unmatched"), 0);
    assert_eq!(number(&outcome, "first_arguments"), sum_below(COUNT));
    assert_eq!(number(&outcome, "results"), 2 * sum_below(COUNT));
}

#[test]
fn places_of_a_static_probe() {
    needs_root!();
    let usdt = target!("usdt");
    needs_cookies!();
    let load = load!("usdt").args(["--attach", &format!("probe={usdt}:demo:place")]);
    let outcome = good(load.args(["-c", &format!("{usdt} {COUNT}")]));
    assert_eq!((number(&outcome, "arguments"), number(&outcome, "failed")), (1, 0), "{}", outcome.describe());
    // 0 to 9, the even ones negative and in an argument of another width.
    assert_eq!((number(&outcome, "hits"), variable(&outcome, "sums")), (10, "[5, 0, 0, 0]"), "{}", outcome.describe());
}

#[test]
fn arguments_of_a_static_probe() {
    needs_root!();
    let usdt = target!("usdt");
    needs_cookies!();
    let load = load!("usdt").args(["--attach", &format!("probe={usdt}:demo:hit")]);
    let outcome = good(load.args(["-c", &format!("{usdt} {COUNT}")]));
    assert_eq!((number(&outcome, "hits"), number(&outcome, "arguments"), number(&outcome, "failed")), (10007, 2, 0));
    let first = format!("[{}, ", sum_below(COUNT));
    assert!(variable(&outcome, "sums").starts_with(&first), "{}", outcome.describe());
}

#[test]
fn an_iterator() {
    needs_root!();
    let outcome = good(load!("tasks"));
    let (lines, threads) = (outcome.lines(), number(&outcome, "threads"));
    assert_eq!(lines.len() as i64, threads + 1, "{}", outcome.describe());
    assert!(lines.iter().any(|line| line.ends_with(" quadrant")), "{}", outcome.describe());
}

#[test]
fn an_iterator_over_a_map() {
    needs_root!();
    if !quadrant_bpf::features::Features::new().for_each_map_elem() {
        return quadrant_testing::skip("this kernel is too old for iterators over maps");
    }
    let outcome = load!("elements").args(["--attach", "show=bpf_map_elem:numbers"]).run().unwrap();
    if outcome.stderr.contains("EPERM: kernel lockdown") {
        return quadrant_testing::skip("this kernel closes iterators over what is in maps (lockdown)");
    }
    assert!(outcome.success(), "{}", outcome.describe());
    let message = refused(load!("elements"));
    assert!(message.contains("say it with --attach show=bpf_map_elem:numbers"), "{message}");
    assert_eq!(outcome.lines(), ["element 0", "element 1", "element 2"], "{}", outcome.describe());
    assert!(refused(load!("elements").args(["--attach", "show=bpf_map_elem:numb"])).contains("no map of that name"));
}

#[test]
fn what_the_kernel_has_and_lacks() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = good(load!("externs").args(["-c", &format!("{syscalls} getppid 10")]));
    for (name, expected) in [
        ("has_symbol", "true"),
        ("has_no_symbol", "false"),
        ("has_nothing", "false"),
        ("has_function", "false"),
        ("pid_exists", "true"),
        ("member_exists", "false"),
        ("struct_exists", "false"),
        ("constant_exists", "false"),
        ("comm_size", "16"),
    ] {
        assert_eq!(variable(&outcome, name), expected, "{name}");
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux has /proc");
    let version = number(&outcome, "version");
    assert!(release.starts_with(&format!("{}.{}.", version >> 16, version >> 8 & 255)), "{version:#x} {release}");
    assert!(number(&outcome, "task_size") > 1000 && number(&outcome, "ran") >= 10);
    let listed = std::fs::read_to_string("/proc/kallsyms").expect("Linux has /proc").contains(" runqueues\n");
    // Some kernels that list it have no type for it.
    assert!(listed || variable(&outcome, "has_queues") == "false", "{}", outcome.describe());
    let told = load!("externs").args(["--set", "CONFIG_HZ=12", "--set", "CONFIG_NO_SUCH_OPTION=y"]);
    let told = good(told.args(["--set", "CONFIG_BPF_SYSCALL=n", "-c", &format!("{syscalls} getppid 10")]));
    assert_eq!((number(&told, "hz"), variable(&told, "has_nothing")), (12, "true"));
    assert_eq!(variable(&told, "has_bpf"), "false");
    let message = refused(load!("externs").args(["--set", "CONFIG_BPF_SYSCALL=7"]));
    assert!(message.contains("cannot set the option `CONFIG_BPF_SYSCALL`, which is `7`"), "{message}");
}

#[test]
fn functions_that_take_the_context() {
    needs_root!();
    let calls = target!("calls");
    let load = load!("contexts").args(["--attach", &format!("call={calls}:target_call")]);
    let load = load.args(["--attach", "sample=software:task-clock:1000000"]);
    let outcome = good(load.args(["-c", &format!("{calls} {COUNT}")]));
    assert_eq!((number(&outcome, "calls"), number(&outcome, "taken")), (COUNT as i64, COUNT as i64));
    assert!(number(&outcome, "enters") > 0 && number(&outcome, "samples") > 0, "{}", outcome.describe());
}

#[test]
fn a_kind_of_map_that_the_kernel_does_not_have() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = load!("cgroups").args(["-c", &format!("{syscalls} getppid 10")]).run().unwrap();
    if outcome.success() {
        assert!(number(&outcome, "entered") > 0, "{}", outcome.describe());
        return;
    }
    assert!(is_before((6, 2)), "{}", outcome.describe());
    assert!(outcome.stderr.contains("EINVAL: this kernel has no maps of that kind"), "{}", outcome.describe());
}

#[test]
fn functions_callbacks_tail_calls_and_maps_of_maps() {
    needs_root!();
    if !quadrant_bpf::features::Features::new().bpf_loop() {
        return quadrant_testing::skip("this kernel has no bpf_loop (Linux 5.17)");
    }
    let syscalls = target!("syscalls");
    let load = load!("tails").args(["--set", "target_tgid=cpid", "-c", &format!("{syscalls} getppid {COUNT}")]);
    let outcome = good(load);
    let entered = number(&outcome, "entered");
    assert!(entered >= 10007, "{}", outcome.describe());
    assert_eq!(number(&outcome, "reached"), entered);
    assert_eq!(number(&outcome, "sum"), 2 * entered);
    assert_eq!(number(&outcome, "weighed"), 3 * entered);
    assert_eq!(number(&outcome, "looped"), 6 * entered);
    let half = |name: &str| {
        let line =
            outcome.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("[0]: ")?.parse::<i64>().ok());
        line.unwrap_or_else(|| panic!("no {name}: {}", outcome.describe()))
    };
    assert_eq!((half("even"), half("odd")), (entered - entered / 2, entered / 2));
}

#[test]
fn kernel_functions_system_calls_and_security_hooks() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = load!("functions").args(["--set", "target_tgid=cpid"]);
    let outcome = load.args(["-c", &format!("{syscalls} openat {COUNT} /nowhere")]).run().unwrap();
    if outcome.stderr.contains("EPERM") && std::env::var_os("QUADRANT_GUEST").is_none() {
        return quadrant_testing::skip("this kernel lets nobody trace its functions");
    }
    assert!(outcome.success(), "{}", outcome.describe());
    // The command opens its libraries, too, and finds those; returns count failures only.
    for name in ["kprobes", "entries", "syscalls"] {
        assert!((10007..10020).contains(&number(&outcome, name)), "{name}: {}", outcome.describe());
    }
    let failures = number(&outcome, "exits");
    assert!((10007..10020).contains(&failures), "{}", outcome.describe());
    assert_eq!((number(&outcome, "kretprobes"), number(&outcome, "sysreturns")), (failures, failures));
    let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    if number(&outcome, "hooks") == 0 && !modules.contains("bpf") {
        return quadrant_testing::skip("this kernel calls no programs at its security hooks (lsm=bpf)");
    }
    assert!(number(&outcome, "hooks") >= 1, "{}", outcome.describe());
}

#[test]
fn many_kernel_functions_with_one_link() {
    needs_root!();
    let features = quadrant_bpf::features::Features::new();
    if !features.kprobe_multi() || !features.kprobe_session() {
        return quadrant_testing::skip(
            "this kernel has no links to many functions (Linux 5.18 and 6.10, CONFIG_FPROBE)",
        );
    }
    let syscalls = target!("syscalls");
    let load = load!("multi").args(["--set", "target_tgid=cpid"]);
    let outcome = good(load.args(["-c", &format!("{syscalls} openat {COUNT} /nowhere")]));
    let entries = number(&outcome, "entries");
    assert!((10007..10040).contains(&entries), "{}", outcome.describe());
    assert_eq!(number(&outcome, "returns"), entries, "{}", outcome.describe());
    let both = number(&outcome, "both");
    assert!((20014..20080).contains(&both) && both % 2 == 0, "{}", outcome.describe());
}

#[test]
fn writable_tracepoints_and_user_functions_by_many_names() {
    needs_root!();
    let features = quadrant_bpf::features::Features::new();
    if !features.uprobe_multi() {
        return quadrant_testing::skip("this kernel has no links to many user functions (Linux 6.6)");
    }
    let (calls, session) = (target!("calls"), features.uprobe_session());
    let mut load =
        load!("sections").args(["--set", "target_tgid=cpid", "--attach", "sample=software:task-clock:1000000"]);
    for program in ["enter", "sleeps", "sample"].into_iter().chain(session.then_some("user_both")) {
        load = load.args(["--only", program]);
    }
    for program in ["sleeps"].into_iter().chain(session.then_some("user_both")) {
        load = load.args(["--attach", &format!("{program}={calls}:target_call")]);
    }
    let outcome = good(load.args(["-c", &format!("{calls} {COUNT}")]));
    assert_eq!(number(&outcome, "sleeping"), 10007, "{}", outcome.describe());
    assert!(outcome.stderr.contains("left out what .struct_ops holds"), "{}", outcome.describe());
    assert_eq!(number(&outcome, "session"), if session { 20014 } else { 0 }, "{}", outcome.describe());
    assert!(number(&outcome, "writable") > 10 && number(&outcome, "samples") > 0, "{}", outcome.describe());
}

#[test]
fn kernel_functions_whose_results_may_be_changed() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = load!("sections").args(["--only", "modify", "--set", "target_tgid=cpid"]);
    let outcome = load.args(["-c", &format!("{syscalls} openat {COUNT} /dev/null")]).run().unwrap();
    if outcome.stderr.contains("EPERM") && std::env::var_os("QUADRANT_GUEST").is_none() {
        return quadrant_testing::skip("this kernel lets nobody trace its functions");
    }
    let modified = number(&outcome, "modified");
    assert!((10007..10020).contains(&modified), "{}", outcome.describe());
}

#[test]
fn entry_and_exit_of_a_kernel_function_by_one_program() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = load!("sections").args(["--only", "kernel_both", "--set", "target_tgid=cpid"]);
    let outcome = load.args(["-c", &format!("{syscalls} openat {COUNT} /nowhere")]).run().unwrap();
    if !outcome.success() {
        assert!(
            outcome.stderr.contains("EPERM") || outcome.stderr.contains("fentry and fexit"),
            "{}",
            outcome.describe()
        );
        return quadrant_testing::skip("this kernel has no programs for both entry and exit (fsession)");
    }
    let both = number(&outcome, "both");
    assert!((20014..20040).contains(&both) && both % 2 == 0, "{}", outcome.describe());
}

#[test]
fn maps_that_are_shared_by_their_names() {
    needs_root!();
    let syscalls = target!("syscalls");
    let Ok(object) = source("pinned") else { return quadrant_testing::skip("there is no clang") };
    let tracer = std::path::PathBuf::from(crate::common::binary());
    let run = format!("'{0}' load '{object}' --set target_tgid=cpid -c '{syscalls} getppid {COUNT}'", tracer.display());
    let other = format!("'{0}' load '{object}' --set pinned_counts.max_entries=2", tracer.display());
    let look = format!("'{0}' maps dump /sys/fs/bpf/pinned_counts; '{0}' maps dump /sys/fs/bpf", tracer.display());
    // In a mount namespace, so that nothing stays.
    let line = format!("mount -t bpf bpf /sys/fs/bpf && {run} && {run} && {{ {other}; {look}; }}");
    let outcome = Program::new("unshare").args(["-m", "sh", "-c", &line]).run().unwrap();
    if outcome.stderr.contains("mount:") || outcome.stderr.contains("unshare:") {
        return quadrant_testing::skip("no BPF file system can be mounted here");
    }
    let last = outcome.stdout.lines().last();
    assert_eq!(last, Some("pinned_counts[0]: 20014"), "{}", outcome.describe());
    assert!(outcome.stderr.contains("cannot open the pin /sys/fs/bpf: "), "{}", outcome.describe());
    let message = "that at /sys/fs/bpf/pinned_counts has max_entries 1, the object's 2";
    assert!(outcome.stderr.contains(message), "{}", outcome.describe());
}

/// A map that the kernel does not have keeps no program away that needs none.
#[test]
fn maps_that_the_kernel_refuses() {
    needs_root!();
    let syscalls = target!("syscalls");
    let load = || Ok::<_, String>(quadrant().args(["load", &source("refused")?, "--set", "target_tgid=cpid"]));
    let (strict, tolerant) = match (load(), load()) {
        (Ok(strict), Ok(tolerant)) => (strict, tolerant),
        (Err(missing), _) | (_, Err(missing)) => return quadrant_testing::skip(missing),
    };
    let command = format!("{syscalls} getppid {COUNT}");
    let message = refused(strict.args(["-c", &command]));
    assert!(message.contains("cannot create map \"refused\""), "{message}");
    let outcome = good(tolerant.args(["--tolerant", "-c", &command]));
    assert_eq!(outcome.stdout.lines().last(), Some(&*format!("counts[0]: {COUNT}")), "{}", outcome.describe());
    for told in
        ["left out the map `refused`: ", "left out `with`: cannot use `refused` in `with`: this kernel refuses the map"]
    {
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.describe());
    }
}

#[test]
fn what_is_in_an_object() {
    needs_root!();
    let outcome = good(load!("syscalls").args(["--list", "--set", "wanted=5"]));
    for line in ["counts  hash  u32  u64       1024", "wanted       .rodata  const volatile long  5", "license: GPL"] {
        assert!(outcome.stdout.lines().any(|found| found.trim() == line), "{line}: {}", outcome.describe());
    }
    let listed = good(load!("syscalls").args(["--list", "--format", "json"])).stdout;
    assert!(listed.starts_with("{\"type\": \"object\", \"version\": 1, \"license\": \"GPL\""), "{listed}");
    let object: serde_json::Value = serde_json::from_str(&listed).expect("it is JSON");
    let numbers = [&object["maps"][0]["entries"], &object["programs"][0]["instructions"]];
    assert!(numbers.iter().all(|number| number.is_u64()), "{listed}");
    assert!(object["not_for_tracing"].is_array() && object["external_symbols"].is_array(), "{listed}");
}

#[test]
fn a_missing_field_is_named() {
    needs_root!();
    let message = refused(load!("broken").args(["--only", "field"]));
    for part in [
        "`struct task_struct___other.no_such_member`, which this kernel does not have",
        "broken.bpf.c:",
        "bpf_core_field_exists",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_field_of_another_size_is_named() {
    needs_root!();
    if is_before((5, 11)) {
        return quadrant_testing::skip("this kernel does not give programs its current task by type (Linux 5.11)");
    }
    let message = refused(load!("broken").args(["--only", "size"]));
    let told = "it uses `struct task_struct___wide.prio` with 8 bytes, which has 4 in this kernel";
    assert!(message.contains(told) && message.contains("bpf_core_field_size()"), "{message}");
}

#[test]
fn a_refusal_names_the_line() {
    needs_root!();
    let message = refused(load!("broken").args(["--only", "memory"]));
    for part in ["verifier refused `memory`: R", "broken.bpf.c:45: *number += 1;", "--verifier-log"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn sections_that_are_not_known_are_skipped_and_named() {
    needs_root!();
    let outcome = good(load!("broken").args(["--list"]));
    assert!(outcome.stdout.contains("not for tracing:"), "{}", outcome.describe());
    let message = refused(load!("broken"));
    assert!(message.contains("nothing is attached"), "{message}");
    assert!(message.contains("no tracing program has a section"), "{message}");
}

/// The object does not say where its arena is, and nobody maps it. No program stores into it here: that takes a clang of today.
#[test]
fn arenas() {
    needs_root!();
    let calls = target!("calls");
    let load = load!("arena").args(["--attach", &format!("enter={calls}:target_call"), "-c", &calls]);
    if is_before((6, 9)) {
        return quadrant_testing::skip("this kernel has no arenas (Linux 6.9)");
    }
    let outcome = good(load);
    assert_eq!((number(&outcome, "entered"), number(&outcome, "given")), (COUNT as i64, COUNT as i64));
}

#[test]
fn mistakes_of_the_command_line() {
    needs_root!();
    let message = refused(load!("syscalls").args(["--set", "wantd=1"]));
    assert!(message.contains("did you mean `wanted`?"), "{message}");
    let message = refused(load!("syscalls").args(["--set", "target_tgid=3000000000"]));
    assert!(message.contains("does not fit"), "{message}");
    let message = refused(load!("syscalls").args(["--set", "target_tgid=cpid"]));
    assert!(message.contains("`cpid` is the process of -c or -p"), "{message}");
    let script = folder("load-script").join("s.bt");
    std::fs::write(&script, "BEGIN { exit(); }").unwrap();
    let message = refused(quadrant().arg("load").arg(&script));
    assert!(
        message.contains("the file is no ELF file") && message.contains("scripts are run by `quadrant "),
        "{message}"
    );
    let message = refused(load!("syscalls").args(["--only", "entr"]));
    assert!(message.contains("did you mean `enter`?"), "{message}");
}

#[test]
fn without_clang_its_package_is_named() {
    needs_root!();
    let empty = folder("load-no-clang");
    let path = format!("{}/../../tests/objects/tasks.bpf.c", env!("CARGO_MANIFEST_DIR"));
    if !std::path::Path::new(&path).exists() {
        return quadrant_testing::skip("the sources of objects are not in the guest");
    }
    let message = refused(quadrant().args(["load", &path]).env("PATH", empty));
    assert!(message.contains("apt-get install clang libbpf-dev"), "{message}");
}
