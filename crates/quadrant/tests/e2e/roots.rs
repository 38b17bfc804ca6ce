//! Programs in containers: user probes in files that only the traced process sees under their names.

use std::path::{Path, PathBuf};

use quadrant_testing::{Folder, Outcome, Program, Running, skip};

use crate::common::{attached, end, folder, good, needs_root, number, quadrant, refused, script, target};

/// A process with a root directory of its own, in which the program is `/opt/bin/app`, with a link to it from `/app`.
struct Container {
    process: Running,
    root: PathBuf,
}

/// How a process comes to another root directory.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// We see its directory.
    Chroot,
    /// We do not.
    PivotRoot,
}

const BOTH: [Way; 2] = [Way::Chroot, Way::PivotRoot];

impl Way {
    fn commands(self) -> &'static str {
        match self {
            Way::Chroot => "exec chroot . /opt/bin/app \"$@\"",
            // The root of a guest's memory disk cannot be put elsewhere, only covered.
            Way::PivotRoot => {
                "mkdir old && if pivot_root . old 2>/dev/null; then cd / && umount -l /old && exec /opt/bin/app \"$@\"
                 else mount -o move . / && exec chroot . /opt/bin/app \"$@\"; fi"
            }
        }
    }
}

/// The system's programs and libraries are bound into the root.
const SETUP: &str = r#"
    home=$1; program=$2; shift 2
    mount --make-rprivate / 2>/dev/null
    mount -t tmpfs none "$home" && cd "$home" || exit 9
    for dir in usr lib lib64 bin sbin; do
        if [ -L /$dir ]; then ln -s "$(readlink /$dir)" $dir
        elif [ -d /$dir ]; then mkdir $dir && mount -o bind /$dir $dir || exit 9; fi
    done
    mkdir -p opt/bin tmp proc && cp "$program" opt/bin/app && ln -s /opt/bin/app app || exit 9
    mount -t proc none proc || exit 9
"#;

impl Container {
    fn start(name: &str, way: Way, program: &str, count: u32) -> Container {
        let root = folder(name);
        let commands = format!("{SETUP}\n{}", way.commands());
        let container = Program::new("unshare").args(["-m", "sh", "-c", &commands, "sh"]).arg(&root).arg(program);
        let container = container.arg(count.to_string()).env("TARGET_WAIT", "1").env("TARGET_REPORT", "1");
        let process = container.with_input().start().expect("there is unshare");
        process.wait_for_stdout("ready").expect("the container runs");
        Container { process, root }
    }

    fn pid(&self) -> String {
        self.process.pid().to_string()
    }

    /// A path in its root as one of ours.
    fn path(&self, inside: &str) -> String {
        format!("/proc/{}/root/{inside}", self.pid())
    }

    /// Lets it work, to its end.
    fn go(mut self) -> Outcome {
        self.process.write("go\n").expect("it waits for that");
        let outcome = self.process.finish().expect("it can be waited for");
        assert!(outcome.success(), "{} in {}", outcome.describe(), self.root.display());
        outcome
    }
}

/// Ends the calling test, as skipped, where there are no mount namespaces.
macro_rules! needs_mounts {
    () => {
        if !Program::new("unshare").args(["-m", "true"]).run().is_ok_and(|outcome| outcome.success()) {
            return skip("no mount namespace can be made (unshare)");
        }
    };
}

fn tracing(text: &str, container: &Container) -> Running {
    attached(script(text).args(["-p", &container.pid()]))
}

fn ended(tracer: Running) -> Outcome {
    let outcome = tracer.finish().expect("it can be waited for");
    assert!(outcome.success(), "{}", outcome.describe());
    outcome
}

/// bpftrace 1549, 2183: the file of the tracer's own root was probed, or none.
#[test]
fn the_same_path_means_another_file_in_each_container() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    for way in BOTH {
        let one = Container::start("roots_one", way, &calls, 101);
        let other = Container::start("roots_other", way, &calls, 103);
        for name in ["/opt/bin/app", "/app", "app", "/opt/*/a?p", "*"] {
            let tracer = quadrant().args(["-p", &one.pid(), "-l", &format!("uprobe:{name}:target_c*")]);
            assert_eq!(good(tracer).lines(), ["uprobe:/opt/bin/app:target_call"], "{name} {way:?}");
        }
        let count = |file: &str| format!("uprobe:{file}:target_call {{ @ = count(); }}");
        let tracers = [tracing(&count("/opt/bin/app"), &one), tracing(&count("/app"), &other)];
        let by_path = attached(script(&count(&one.path("app"))));
        let by_program = attached(script(&count(&format!("/proc/{}/exe", other.pid()))));
        one.go();
        other.go();
        assert_eq!(tracers.map(|tracer| number(&ended(tracer), "@")), [101, 103], "{way:?}");
        assert_eq!((number(&end(by_path), "@"), number(&end(by_program), "@")), (101, 103), "{way:?}");
    }
}

/// A recording calls a file as the process sees it, whatever is in its path.
#[test]
fn a_recording_knows_files_in_containers() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    let dir = folder("roots_recorded");
    let (script, recording) = (dir.join("script.bt"), dir.join("recording.json"));
    std::fs::write(&script, "uprobe:\"/opt/bin/a:pp\":target_call { @ = count(); } interval:ms:10 { exit(); }")
        .unwrap();
    for way in BOTH {
        let container = Container::start("roots_colon", way, &calls, 101);
        std::fs::hard_link(container.path("opt/bin/app"), container.path("opt/bin/a:pp")).expect("there is room");
        good(quadrant().args(["record", "-p", &container.pid(), "-o"]).arg(&recording).arg(&script));
        container.go();
        let text = std::fs::read_to_string(&recording).unwrap();
        let header: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(header["points"][0]["file"], "/opt/bin/a:pp", "{way:?} {header}");
        good(quadrant().arg("replay").arg(&script).arg(&recording));
    }
}

#[test]
fn a_program_that_was_deleted_or_replaced_is_still_the_one_that_runs() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    for way in BOTH {
        let deleted = Container::start("roots_deleted", way, &calls, 101);
        std::fs::remove_file(deleted.path("opt/bin/app")).expect("it is there");
        let replaced = Container::start("roots_replaced", way, &calls, 103);
        std::fs::copy(&calls, replaced.path("opt/bin/new")).expect("there is room");
        std::fs::rename(replaced.path("opt/bin/new"), replaced.path("opt/bin/app")).expect("the names are free");
        let text = "uprobe:/opt/bin/app:target_call { @ = count(); @stack[ustack(1)] = count(); }";
        let tracers = [tracing(text, &deleted), tracing(text, &replaced)];
        let exe =
            attached(script(&format!("uprobe:/proc/{}/exe:target_point {{ @ = args.p->flags; }}", deleted.pid())));
        deleted.go();
        replaced.go();
        let outcomes = tracers.map(ended);
        assert_eq!(outcomes.each_ref().map(|outcome| number(outcome, "@")), [101, 103], "{way:?}");
        assert!(outcomes.iter().all(|outcome| outcome.stdout.contains("target_call+0")), "{}", outcomes[0].describe());
        assert_eq!(number(&end(exe), "@"), 513, "{way:?}");
    }
}

#[test]
fn arguments_are_known_by_the_debug_information_in_the_container() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    for way in BOTH {
        let container = Container::start("roots_types", way, &calls, 101);
        let text = "uprobe:/app:target_call { @sum = sum(args.i); } uprobe:/app:target_point { @y = args.p->flags; }";
        let tracer = tracing(text, &container);
        container.go();
        let outcome = ended(tracer);
        assert_eq!((number(&outcome, "@sum"), number(&outcome, "@y")), (101 * 100 / 2, 513), "{way:?}");
    }
}

#[test]
fn static_probes_with_a_semaphore() {
    needs_root!();
    let usdt = target!("usdt");
    needs_mounts!();
    for way in BOTH {
        let container = Container::start("roots_usdt", way, &usdt, 103);
        let listed = good(quadrant().args(["-p", &container.pid(), "-l", "usdt:*:demo:g*"]));
        assert_eq!(listed.lines(), ["usdt:/opt/bin/app:demo:gated"], "{way:?}");
        let tracer = tracing("usdt:/app:demo:gated { @ = count(); }", &container);
        let outcome = container.go();
        assert!(outcome.stderr.contains("enabled: 103 of 103"), "{}", outcome.describe());
        assert_eq!(number(&ended(tracer), "@"), 103, "{way:?}");
    }
}

#[test]
fn links_do_not_lead_out_of_the_root() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    for way in BOTH {
        let container = Container::start("roots_links", way, &calls, 1);
        let up = format!("{}{calls}", "../".repeat(20));
        for (name, to) in
            [("up", up.as_str()), ("away", &calls), ("magic", "/proc/1/root/etc/passwd"), ("loop", "loop")]
        {
            std::os::unix::fs::symlink(to, container.path(name)).expect("the name is free");
            let tracer = script(&format!("uprobe:/{name}:target_call {{ @ = count(); }}"));
            let refusal = refused(tracer.args(["-p", &container.pid()]));
            let refuses = ["ENOENT", "ELOOP", "EACCES"].iter().any(|errno| refusal.contains(errno));
            assert!(refuses, "{name} {way:?}: {refusal}");
        }
        let missing = refused(script("uprobe:nosuch:f { exit(); }").args(["-p", &container.pid()]));
        assert!(missing.contains("has mapped no file called `nosuch`"), "{missing}");
        container.go();
    }
}

#[test]
fn what_is_not_mapped_yet_is_found_in_the_container() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    let container = Container::start("roots_later", Way::PivotRoot, &calls, 1);
    std::fs::copy(&calls, container.path("opt/bin/later")).expect("there is room");
    let listed = good(quadrant().args(["-p", &container.pid(), "-l", "uprobe:/opt/*/lat*:target_c*"]));
    assert_eq!(listed.lines(), ["uprobe:/opt/bin/later:target_call"]);
    assert!(listed.stderr.contains("has mapped no file called `/opt/*/lat*` until now"), "{}", listed.describe());
    assert!(!Path::new("/opt/bin/later").exists());
    container.go();
}

#[test]
fn the_pid_provider_of_d() {
    needs_root!();
    let calls = target!("calls");
    needs_mounts!();
    for way in BOTH {
        let container = Container::start("roots_d", way, &calls, 101);
        let program = "pid$target:a.out:target_call:entry { @ = count(); } int said; tick-50ms /!said/ { said = 1; printf(\"ready\\n\"); }";
        let tracer = quadrant().args(["dtrace", "-qn", program, "-p", &container.pid()]).start().expect("it runs");
        tracer.wait_for_stdout("ready").expect("it attaches");
        container.go();
        let outcome = ended(tracer);
        assert_eq!(outcome.lines().last().map(|line| line.trim()), Some("101"), "{way:?} {}", outcome.describe());
    }
}

const SHORT: &str = "
__attribute__((noinline)) int leaf(int n) { __asm__ volatile(\"\"); return n; }
__attribute__((noinline)) int stem(int n) { int more = leaf(n); __asm__ volatile(\"\"); return more + 1; }
int main(void) { return stem(-1); }
";

/// It runs a millisecond, and when its addresses are shown, nobody can look into its root any more.
#[test]
fn a_short_program_in_another_root_has_the_names_of_the_probed_file() {
    needs_root!();
    let folder = Folder::new("short");
    let Some(program) = folder.compile("short", SHORT, &["-O1", "-static", "-fno-omit-frame-pointer"]) else { return };
    let text = format!("uprobe:{}:leaf {{ @[ustack(2)] = count(); }}", program.display());
    let command = format!("chroot {} /short", folder.path().display());
    let outcome = good(script(&text).args(["-c", &command]));
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(matches!(lines[..], ["@[", "leaf+0", stem, "]: 1"] if stem.starts_with("stem+")), "{}", outcome.describe());
}
