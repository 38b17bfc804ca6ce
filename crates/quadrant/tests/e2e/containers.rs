//! Control groups, containers and namespaces.

use std::path::{Path, PathBuf};

use quadrant_testing::{Program, skip};

use crate::common::{attached, end, folder, needs_root, number, quadrant, refused, script, target};

/// The mounted hierarchy of version 2; mounted now if there is none.
fn unified() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("Linux has /proc");
    let whole = mounts.lines().filter_map(|line| line.split_once(" - cgroup2 ")).map(|(place, _)| place);
    let point = |line: &str| line.split(' ').nth(4).map(PathBuf::from);
    whole.filter(|line| line.split(' ').nth(3) == Some("/")).find_map(point).or_else(|| {
        let point = folder("cgroup2");
        let mount = Program::new("mount").args(["-t", "cgroup2", "none"]).arg(&point).run().ok()?;
        mount.success().then_some(point)
    })
}

/// A group of one test, which is removed in the end.
struct Group(PathBuf);

impl Group {
    fn new(path: PathBuf) -> Group {
        std::fs::create_dir(&path).expect("groups can be made");
        Group(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the tests' own names are UTF-8")
    }

    /// Runs a program in the group, to its end.
    fn run(&self, command: &str) {
        let inside = format!("echo $$ > {}/cgroup.procs && exec {command}", self.path());
        let outcome = Program::new("sh").args(["-c", &inside]).run().expect("there is a shell");
        assert!(outcome.success(), "{}", outcome.describe());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Ends the calling test, as skipped, where groups cannot be made, or programs cannot ask for them.
macro_rules! needs_cgroups {
    () => {
        match unified() {
            _ if crate::common::is_before((5, 14)) => {
                return skip("this kernel does not tell programs the groups of a task")
            }
            Some(root) => root,
            None => return skip("no cgroup hierarchy of version 2 can be mounted"),
        }
    };
}

fn name(test: &str) -> String {
    format!("quadrant-{test}-{}", std::process::id())
}

/// bpftrace 329: no filter by container.
#[test]
fn a_group_and_those_in_it_are_counted_and_no_other() {
    needs_root!();
    let (root, syscalls) = (needs_cgroups!(), target!("syscalls"));
    let outer = Group::new(root.join(name("outer")));
    let inner = Group::new(outer.0.join("inner"));
    let other = Group::new(root.join(name("other")));
    use std::os::unix::fs::MetadataExt;
    let number_of_outer = outer.0.metadata().expect("it is there").ino().to_string();
    for (wanted, expected) in [
        (outer.path(), 101 + 103),
        (&number_of_outer, 101 + 103),
        (&name("outer"), 101 + 103),
        (&format!("/{}/inner", name("outer")), 103),
        (other.path(), 107),
        ("/", 101 + 103 + 107),
    ] {
        let text = "BEGIN { @begun = 1; } END { @ended = 1; } \
            tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @all = count(); }";
        let tracer = attached(script(text).args(["--cgroup", wanted]));
        outer.run(&format!("{syscalls} getppid 101"));
        inner.run(&format!("{syscalls} getppid 103"));
        other.run(&format!("{syscalls} getppid 107"));
        let outcome = end(tracer);
        assert_eq!(number(&outcome, "@all"), expected, "{wanted}");
        assert_eq!((number(&outcome, "@begun"), number(&outcome, "@ended")), (1, 1));
    }
}

#[test]
fn intervals_run_for_every_group() {
    needs_root!();
    let group = Group::new(needs_cgroups!().join(name("intervals")));
    let outcome = crate::common::good(script("interval:ms:1 { exit(); }").args(["--cgroup", group.path()]));
    assert!(outcome.lines().is_empty(), "{}", outcome.describe());
}

/// bcc 1119: no column for the container.
#[test]
fn containers_have_names_and_can_be_chosen() {
    needs_root!();
    let (root, syscalls) = (needs_cgroups!(), target!("syscalls"));
    let id = |first: &str| format!("{first}{}", "0123456789abcdef".repeat(4)).split_at(64).0.to_owned();
    let slice = Group::new(root.join(name("slice")));
    let docker = Group::new(slice.0.join(format!("docker-{}.scope", id("feed1"))));
    let inside = Group::new(docker.0.join("init"));
    let pod = Group::new(slice.0.join(format!("cri-containerd-{}.scope", id("feed2"))));
    let text = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @[container] = count(); }";

    let tracer = attached(script(text));
    docker.run(&format!("{syscalls} getppid 101"));
    inside.run(&format!("{syscalls} getppid 0"));
    pod.run(&format!("{syscalls} getppid 103"));
    slice.run(&format!("{syscalls} getppid 107"));
    let outcome = end(tracer);
    let count = |name: &str| number(&outcome, &format!("@[{name}]"));
    assert_eq!((count(&id("feed1")[..12]), count(&id("feed2")[..12]), count("-")), (101, 103, 107));

    let tracer = attached(script(text).args(["--container", "feed1"]));
    inside.run(&format!("{syscalls} getppid 109"));
    pod.run(&format!("{syscalls} getppid 103"));
    assert_eq!(number(&end(tracer), &format!("@[{}]", &id("feed1")[..12])), 109);

    let compared = refused(script("BEGIN { print(container == \"feed1\"); }"));
    assert!(compared.contains("one container with --container"), "{compared}");
    let several = refused(script(text).args(["--container", "feed"]));
    assert!(several.contains("2 containers begin with `feed` or are called so"), "{several}");
    assert!(several.contains(&id("feed1")) && several.contains(&id("feed2")), "{several}");
    let none = refused(script(text).args(["--container", "beef"]));
    assert!(
        none.contains("no container is called `beef`, or has an id that begins so")
            && none.contains(&id("feed1")[..12]),
        "{none}"
    );
}

/// Containers end, and their names are wanted later.
#[test]
fn a_group_keeps_its_names_when_it_is_gone() {
    needs_root!();
    let (root, syscalls) = (needs_cgroups!(), target!("syscalls"));
    let id = "feed5".to_owned() + &"0".repeat(59);
    let text = "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @[container, cgroup_path(cgroup)] = count(); \
        @n++; if (@n == 101) { printf(\"seen\\n\"); } }";
    let tracer = attached(script(text));
    let group = Group::new(root.join(format!("docker-{id}.scope")));
    group.run(&format!("{syscalls} getppid 101"));
    tracer.wait_for_stdout("seen").expect("it is shown");
    drop(group);
    let outcome = end(tracer);
    let line = format!("@[feed5{}, unified:/docker-{id}.scope]: 101", "0".repeat(7));
    assert!(outcome.stdout.contains(&line), "{}", outcome.describe());
}

/// The same hierarchy may be mounted in several places: a path below any of them is meant.
#[test]
fn a_group_is_found_by_a_path_below_any_mount() {
    needs_root!();
    let group = Group::new(needs_cgroups!().join(name("mounts")));
    let point = folder("second_cgroup2");
    let text = format!(
        "mount -t cgroup2 none {0} && {1} -e 'BEGIN {{ print(cgroupid(\"{0}/{2}\") != 0); exit(); }}' --cgroup {0}/{2}; umount {0}",
        point.display(),
        crate::common::binary().display(),
        name("mounts")
    );
    let outcome = Program::new("unshare").args(["-m", "sh", "-c", &text]).run().expect("it runs");
    if outcome.stderr.contains("mount:") {
        return skip("the hierarchy cannot be mounted twice");
    }
    drop(group);
    assert!(outcome.stdout.contains("true"), "{}", outcome.describe());
}

#[test]
fn groups_that_are_not_there_are_refused() {
    needs_root!();
    needs_cgroups!();
    for wanted in ["no/such/group", "18446744073709551615"] {
        let refusal = refused(script("BEGIN { exit(); }").args(["--cgroup", wanted]));
        assert!(refusal.contains("there is no cgroup") && refusal.contains(wanted), "{refusal}");
    }
    if Path::new("/sys/fs/cgroup/memory/tasks").exists() {
        let refusal = refused(script("BEGIN { exit(); }").args(["--cgroup", "/sys/fs/cgroup/memory"]));
        assert!(refusal.contains("hierarchy `memory` of version 1"), "{refusal}");
    }
}

#[test]
fn d_programs_can_be_limited_too() {
    needs_root!();
    let (root, syscalls) = (needs_cgroups!(), target!("syscalls"));
    let group = Group::new(root.join(name("d")));
    let work = folder("d_cgroup").join("work.sh");
    let text =
        format!("{syscalls} getppid 107\necho $$ > {}/cgroup.procs\nexec {syscalls} getppid 101\n", group.path());
    std::fs::write(&work, text).expect("the build folder can be written");
    let program = "syscall::getppid:entry /execname == \"syscalls\"/ { @ = count(); }";
    let command = format!("sh {}", work.display());
    let tracer = quadrant().args(["dtrace", "-qn", program, "--cgroup", group.path(), "-c", &command]);
    let outcome = crate::common::good(tracer);
    assert_eq!(outcome.lines().last().map(|line| line.trim()), Some("101"), "{}", outcome.describe());
}

/// Ends the calling test, as skipped, where there are no namespaces of process ids.
macro_rules! needs_namespaces {
    () => {
        let made = Program::new("unshare").args(["-p", "-f", "--mount-proc", "true"]).run();
        if !made.is_ok_and(|outcome| outcome.success()) {
            return skip("no namespace of process ids can be made (unshare)");
        }
        if crate::common::is_before((5, 7)) {
            return skip("this kernel tells programs process ids of the initial namespace only");
        }
    };
}

/// The tracer in a process id namespace of its own.
fn namespaced(text: &str) -> Program {
    Program::new("unshare")
        .args(["-p", "-f", "--mount-proc"])
        .arg(crate::common::binary())
        .env("NO_COLOR", "1")
        .args(["-e", text])
}

/// bpftrace 1467, 1462, 4384: process ids of the wrong namespace.
#[test]
fn process_ids_are_those_of_the_tracers_namespace() {
    needs_root!();
    let syscalls = target!("syscalls");
    needs_namespaces!();
    let text = "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @mine = count(); @[pid < 100 && tid == pid, pid(init) > pid] = count(); \
        @same[pid(curr_ns) == pid, pidns != 0, mntns != 0] = count(); }";
    let outcome = namespaced(text).args(["-c", &format!("{syscalls} getppid 101")]).run().expect("it runs");
    assert!(outcome.success(), "{}", outcome.describe());
    assert_eq!(number(&outcome, "@mine"), 101);
    assert_eq!(number(&outcome, "@[true, true]"), 101, "{}", outcome.describe());
    assert_eq!(number(&outcome, "@same[true, true, true]"), 101, "{}", outcome.describe());
}

/// The same of what processes and threads are called.
#[test]
fn names_of_processes_are_right_in_namespaces() {
    needs_root!();
    let syscalls = target!("syscalls");
    needs_namespaces!();
    let text = "tracepoint:syscalls:sys_enter_getppid /pid == cpid/ { @[comm, leader_comm, curtask.comm] = count(); }";
    let outcome = namespaced(text).args(["-c", &format!("{syscalls} getppid 101")]).run().expect("it runs");
    assert!(outcome.success(), "{}", outcome.describe());
    assert_eq!(number(&outcome, "@[syscalls, syscalls, syscalls]"), 101, "{}", outcome.describe());
}

/// The same in the filter of user probes and in the names of stacks.
#[test]
fn a_process_is_found_by_its_number_in_the_tracers_namespace() {
    needs_root!();
    let calls = target!("calls");
    needs_namespaces!();
    let text = format!("uprobe:{calls}:target_call {{ @[pid == cpid, ustack(1)] = count(); }}");
    let outcome = namespaced(&text).args(["-c", &format!("{calls} 101")]).run().expect("it runs");
    assert!(
        outcome.success() && outcome.stdout.contains("target_call+0") && outcome.stdout.contains("]: 101"),
        "{}",
        outcome.describe()
    );
}

/// bcc #548, bpftrace #2671: whoever looks into a container knows its processes by the numbers that they have there.
#[test]
fn a_process_is_found_by_its_number_in_its_container() {
    needs_root!();
    let (root, syscalls) = (needs_cgroups!(), target!("syscalls"));
    needs_namespaces!();
    let id = "feed4".to_owned() + &"0".repeat(59);
    let container = Group::new(root.join(format!("docker-{id}.scope")));
    let inside = format!(
        "echo $$ > {}/cgroup.procs && exec unshare -p -f --mount-proc {syscalls} getppid 101",
        container.path()
    );
    let work =
        || Program::new("sh").args(["-c", &inside]).env("TARGET_WAIT", "1").with_input().start().expect("it runs");
    let text = "tracepoint:syscalls:sys_enter_getppid { @ = count(); }";
    let d = "BEGIN { printf(\"ready\\n\"); } syscall::getppid:entry /pid == $target/ { @ = count(); }";
    for (tracer, ready) in [(script(text), "Attached "), (quadrant().args(["dtrace", "-qn", d]), "ready")] {
        let mut work = work();
        work.wait_for_stdout("ready").expect("it waits");
        let tracer = tracer.args(["-p", "1", "--container", "feed4"]).start().expect("the tracer runs");
        let attached = if ready == "ready" { tracer.wait_for_stdout(ready) } else { tracer.wait_for_stderr(ready) };
        attached.expect("it attaches");
        work.write("\n").expect("it reads");
        assert!(work.finish().expect("it ends").success());
        let outcome = tracer.finish().expect("it ends with the process");
        assert!(outcome.stdout.contains("101"), "{}", outcome.describe());
    }
    let none = refused(script(text).args(["-p", "99999", "--container", "feed4"]));
    assert!(none.contains("no process 99999 is in that container"), "{none}");
}

/// A group of threads does not tell its processes, only which threads are in it.
#[test]
fn a_process_is_found_by_a_thread_in_a_group_of_threads() {
    needs_root!();
    let root = needs_cgroups!();
    let domain = Group::new(root.join(name("threads")));
    let threads = Group::new(domain.0.join("some"));
    if let Err(error) = std::fs::write(threads.0.join("cgroup.type"), "threaded") {
        return skip(format!("no groups of threads can be made here: {error}"));
    }
    let inside = format!(
        "echo $$ > {}/cgroup.procs; echo $$ > {}/cgroup.threads && echo in; read line",
        domain.path(),
        threads.path()
    );
    let mut work = Program::new("sh").args(["-c", &inside]).with_input().start().expect("it runs");
    work.wait_for_stdout("in").expect("it is in the group");
    let pid = work.pid().to_string();
    let text = "BEGIN { print(1); exit(); }";
    let outcome = script(text).args(["-p", &pid, "--cgroup", threads.path()]).run().expect("it runs");
    work.write("\n").expect("it reads");
    assert!(work.finish().expect("it ends").success());
    assert!(outcome.success(), "{}", outcome.describe());
}
