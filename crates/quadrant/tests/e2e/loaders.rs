//! Ten objects of `tests/objects`, each loaded by a loader of libbpf (`tests/loader`) and by the tracer, on the same known work: both
//! count the same.

use std::path::{Path, PathBuf};

use quadrant_testing::{COUNT, Outcome, Program};

use crate::common::{folder, good, needs_root, quadrant, target};

/// The number of getppid(2).
const GETPPID: &str = if cfg!(target_arch = "x86_64") { "wanted=110" } else { "wanted=173" };
/// The process that works, as both loaders call it.
const ITS: &str = "target_tgid=cpid";

/// What a loader of libbpf needs; otherwise why there is none.
fn loader(folder: &Path) -> Result<Loader, String> {
    let missing = "a loader by libbpf is compiled here: `apt-get install gcc clang libbpf-dev libelf-dev zlib1g-dev`";
    if std::env::var_os("QUADRANT_GUEST").is_some() || !Path::new("/usr/include/bpf/libbpf.h").exists() {
        return Err(missing.to_owned());
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let compile = |name: &str, libraries: &[&str]| {
        let program = folder.join(name);
        let cc = Program::new("gcc").args(["-O2", "-o"]).arg(&program);
        let cc = cc.arg(sources.join("loader").join(format!("{name}.c"))).args(libraries);
        cc.run().ok().filter(Outcome::success).map(|_| program).ok_or_else(|| missing.to_owned())
    };
    if !Program::new("clang").arg("--version").run().is_ok_and(|outcome| outcome.success()) {
        return Err(missing.to_owned());
    }
    let program = compile("loader", &["-lbpf", "-lelf", "-lz"])?;
    Ok(Loader { program, work: compile("work", &[])?, folder: folder.to_owned(), sources })
}

struct Loader {
    program: PathBuf,
    /// What there is to count.
    work: PathBuf,
    folder: PathBuf,
    sources: PathBuf,
}

impl Loader {
    /// The loader of libbpf with an object. libbpf wants tracefs in its place, which is mounted for it alone.
    fn own(&self, object: &Path) -> Program {
        let mounted = "mount -t tracefs none /sys/kernel/tracing && exec \"$@\"";
        Program::new("unshare").args(["-m", "sh", "-c", mounted, "sh"]).arg(&self.program).arg(object)
    }

    /// Runs an object in both ways, by the tracer first; every line must be in both answers.
    #[track_caller]
    fn same(
        &self,
        object: &str,
        settings: &[&str],
        places: &[(&str, String)],
        command: &[&str],
        lines: &[&str],
    ) -> [Outcome; 2] {
        let kept = self.folder.join(format!("{object}.bpf.o"));
        let source = self.sources.join("objects").join(format!("{object}.bpf.c"));
        let mut tracer = quadrant().arg("load").arg(source).arg("--object").arg(&kept).args(["-c", &command.join(" ")]);
        let mut own = self.own(&kept);
        for setting in settings {
            tracer = tracer.args(["--set", setting]);
            own = own.arg(setting);
        }
        for (program, place) in places {
            tracer = tracer.args(["--attach", &format!("{program}={place}")]);
            own = own.arg(format!("@{program}={place}"));
        }
        let outcomes = [good(tracer), good(own.arg("--").args(command))];
        for (outcome, line) in outcomes.iter().flat_map(|outcome| lines.iter().map(move |line| (outcome, line))) {
            assert!(outcome.stdout.lines().any(|it| it == *line), "{object}: {line}: {}", outcome.describe());
        }
        outcomes
    }
}

#[test]
fn ten_objects_count_the_same_as_by_their_own_loaders() {
    needs_root!();
    let (syscalls, calls, usdt) = (target!("syscalls"), target!("calls"), target!("usdt"));
    let folder = folder("loaders");
    let loader = match loader(&folder) {
        Ok(loader) => loader,
        Err(missing) => return quadrant_testing::skip(missing),
    };
    let (work, count) = (loader.work.to_string_lossy().into_owned(), COUNT.to_string());
    loader.same("syscalls", &[ITS, GETPPID], &[], &[&syscalls, "getppid", &count], &["total = 10007"]);
    loader.same("writes", &[ITS], &[], &[&syscalls, "write", &count], &["sizes[1]: 10007"]);
    let [tracer, own] =
        loader.same("opens", &["prefix=/nowhere"], &[], &[&syscalls, "openat", &count, "/nowhere/x"], &["lost = 0"]);
    assert_eq!(tracer.stdout.lines().filter(|line| line.starts_with("opened: ")).count(), 10007);
    assert!(own.stdout.lines().any(|line| line == "records = 10007"), "{}", own.describe());
    let function = format!("{calls}:target_call");
    let lines = ["calls = 10007", "returns = 10007", "unmatched = 0", "results = 100130042"];
    loader.same("calls", &[], &[("entry", function.clone()), ("leave", function)], &[&calls, &count], &lines);
    let probe = [("probe", format!("{usdt}:demo:hit"))];
    loader.same("usdt", &[], &probe, &[&usdt, &count], &["hits = 10007", "arguments = 2", "failed = 0"]);
    loader.same("signals", &[ITS], &[], &[&work, "signals", "101"], &["signals[23]: 101"]);
    let lines = ["binds = 101", "refused = 101", "connects = 101", "ports = 101"];
    loader.same("sockets", &[ITS], &[], &[&work, "sockets", "101"], &lines);
    for outcome in loader.same("offcpu", &[ITS], &[], &[&work, "sleeps", "101"], &[]) {
        // On a busy machine the time can be over before a thread lies down.
        let sleeps = outcome.stdout.lines().find_map(|line| line.strip_prefix("sleeps = ")?.parse::<u32>().ok());
        assert!(sleeps.is_some_and(|sleeps| (80..110).contains(&sleeps)), "{}", outcome.describe());
    }
    loader.same("starts", &[ITS], &[], &[&work, "starts", "11"], &["forks = 11", "programs = 11", "ends = 11"]);
    let lines = ["reads = 10100", "writes = 10100", "unmatched = 0"];
    loader.same("transfers", &[ITS], &[], &[&work, "transfers", "101"], &lines);
}

#[test]
fn libbpf_attaches_an_object_of_a_script() {
    needs_root!();
    let folder = folder("loader-of-script");
    let loader = match loader(&folder) {
        Ok(loader) => loader,
        Err(missing) => return quadrant_testing::skip(missing),
    };
    let (object, work) = (folder.join("members.bpf.o"), folder.join("object_work"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/built/objects/members.bt");
    good(quadrant().args(["build", "-o"]).arg(&object).arg(script));
    std::fs::copy(target!("syscalls"), &work).expect("it can be copied");
    let outcome = good(loader.own(&object).arg("--").arg(&work).args(["getppid", "10007"]));
    for line in ["rounds[0]: 10007", "rounds[1]: 10007"] {
        assert!(outcome.stdout.lines().any(|it| it == line), "{line}: {}", outcome.describe());
    }
}
