//! `quadrant build`: tools that carry their script.
//!
//! In a guest the tools were built on the machine that runs it, by another kernel's types; the scripts are not there.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use quadrant_testing::{COUNT, Outcome, Program, Signal, skip};

use crate::common::{assert_lines, folder, good, needs_root, number, quadrant, refused, target};

/// The number of getppid(2).
const GETPPID: &str = if cfg!(target_arch = "x86_64") { "--call=110" } else { "--call=173" };

/// A folder of a test, for tools. They are as long as the tracer, so they do not stay.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new(test: &str) -> Folder {
        Folder(folder(test))
    }

    fn path(&self) -> PathBuf {
        self.0.join("tool")
    }

    fn tool(&self) -> Program {
        tool(&self.path())
    }

    /// With the tool of a program on the command line.
    fn with(test: &str, program: &str, more: &[&str]) -> Folder {
        let folder = Folder::new(test);
        good(quadrant().args(["build", "-o"]).arg(folder.path()).args(["-e", program]).args(more));
        folder
    }
}

/// The tool of a script in this folder, which is not where the tool is.
fn built(script: &str) -> (PathBuf, Option<Folder>) {
    if std::env::var_os("QUADRANT_GUEST").is_some() {
        let ready = PathBuf::from(std::env::var_os("QUADRANT_TARGETS").expect("guests have a folder"));
        return (ready.join(format!("built-{}", script.replace('.', "-"))), None);
    }
    let folder = Folder::new(&format!("built-{script}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/built").join(script);
    good(quadrant().args(["build", "-o"]).arg(folder.path()).arg(&source));
    (folder.path(), Some(folder))
}

fn tool(path: &Path) -> Program {
    Program::new(path).env("NO_COLOR", "1")
}

#[test]
fn members_are_where_this_kernel_has_them() {
    needs_root!();
    let syscalls = target!("syscalls");
    let (path, _folder) = built("members.bt");
    let command = format!("{syscalls} getppid {COUNT}");
    let outcome = good(tool(&path).args(["-c", &command, GETPPID, "--greeting=bye"]));
    assert_eq!(outcome.lines()[0], "bye", "{}", outcome.describe());
    assert_eq!(["@calls", "@same", "@orphans"].map(|name| number(&outcome, name)), [10007, 10007, 0]);
    assert_lines(&good(tool(&path).args(["-qc", &command, "--call=-1"])), &["done", "@orphans: 0"]);
}

#[test]
fn a_tool_of_a_d_script_counts() {
    needs_root!();
    let syscalls = target!("syscalls");
    let (path, _folder) = built("members.d");
    let outcome = tool(&path).args(["-c", &format!("{syscalls} getppid {COUNT}")]).run().unwrap();
    assert_eq!(outcome.code(), Some(7), "{}", outcome.describe());
    assert_lines(&outcome, &["10007 calls"]);
}

#[test]
fn the_tools_own_command_line() {
    needs_root!();
    let script = "BEGIN { printf(\"%d %s %d\\n\", $1, str($2), getopt(\"limit\", 5, \"How many lines\")); exit(); }";
    let tool = Folder::with("command-line", script, &["--", "1", "two", "--limit=6"]);
    assert_lines(&good(tool.tool()), &["1 two 6"]);
    assert_lines(&good(tool.tool().args(["-q", "3", "--limit=7"])), &["3 two 7"]);
    let answers = tool.path().with_file_name("answers");
    assert_lines(&good(tool.tool().arg("-o").arg(&answers).args(["-f", "json"])), &[]);
    assert!(fs::read_to_string(answers).unwrap().contains("\"text\":\"1 two 6\\n\""));
    let help = good(tool.tool().arg("--help"));
    assert!(help.stdout.contains("--limit") && help.stdout.contains("How many lines"), "{}", help.describe());
    let version = good(tool.tool().arg("--version"));
    assert_lines(
        &version,
        &[concat!("tool (built from a program without a file by quadrant ", env!("CARGO_PKG_VERSION"), ")")],
    );
    for words in [["--limt=7", "1"], ["-l", "*"], ["-e", "BEGIN { }"]] {
        refused(tool.tool().args(words));
    }
    // A command's name is a parameter like others.
    refused(tool.tool().arg("doctor").env("PATH", "/nowhere"));
}

#[test]
fn options_are_fixed_in_the_tool() {
    needs_root!();
    let tool = Folder::with("fixed", "BEGIN { system(\"echo from the shell\"); exit(); }", &["--unsafe", "-q"]);
    let outcome = good(tool.tool());
    assert_lines(&outcome, &["from the shell"]);
    assert_eq!(outcome.stderr, "", "{}", outcome.describe());
}

#[test]
fn mistakes_are_found_when_the_tool_is_built() {
    needs_root!();
    let tool = Folder::new("mistakes");
    let build = |program: &str| quadrant().args(["build", "-o"]).arg(tool.path()).args(["-e", program]);
    let message = refused(build("BEGIN { nothing(); }"));
    assert!(message.contains("unknown function `nothing`") && message.contains("--no-check"), "{message}");
    let message = refused(build("BEGIN {").arg("--no-check"));
    assert!(!message.contains("--no-check"), "it would not help: {message}");
    assert!(!tool.path().exists());
    good(build("tracepoint:of:another_machine { }").arg("--no-check"));
    let message = refused(tool.tool());
    assert!(message.contains("tracepoint:of:another_machine"), "{message}");
    let message = refused(quadrant().args(["build", "-o", "/nonexistent/tool", "-e", "BEGIN { }"]));
    assert!(message.contains("cannot write /nonexistent/tool: ENOENT"), "{message}");
}

/// `-o` beside the wrong name must not cost the script.
#[test]
fn the_script_itself_is_not_written() {
    let dir = folder("built-itself");
    let (script, link, object) = (dir.join("s.bt"), dir.join("link"), dir.join("s.bpf.o"));
    const D: &str = "BEGIN { exit(0); }";
    let text = "BEGIN { exit(); }";
    let write = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name).display().to_string()
    };
    [&script, &object].into_iter().for_each(|path| std::fs::write(path, text).unwrap());
    std::os::unix::fs::symlink(&script, &link).unwrap();
    let (script, link, object) =
        (script.display().to_string(), link.display().to_string(), object.display().to_string());
    let importing = write("importing.bt", "import \"./s.bt\"; BEGIN { exit(); }");
    let d = write("s.d", D);
    let libraries = dir.join("libraries").display().to_string();
    std::fs::create_dir_all(&libraries).unwrap();
    let library = write("libraries/own.d", "inline int own = 1;");
    for words in [
        vec!["build", &script, "-o", &script],
        vec!["build", &link, "-o", &script],
        vec!["record", "-o", &script, &script],
        vec!["-o", &link, &script],
        vec!["-f", "json", "-o", &script, &script],
        vec!["-f", "json", "-o", &script, &importing],
        vec!["-o", &script, &importing],
        vec!["build", &importing, "--no-check", "-o", &script],
        vec!["bpftrace", "-o", &script, &script],
        vec!["bpftrace", "-o", &link, &script],
        vec!["bpftrace", "-o", &script, &importing],
        vec!["dtrace", "-q", "-s", &d, "-o", &d],
        vec!["dtrace", "-q", "-L", &libraries, "-s", &d, "-o", &library],
        vec!["record", "-o", &d, &d],
        vec!["load", &object, "--object", &object],
    ] {
        let message = refused(quadrant().args(&words));
        assert!(message.contains("itself, which would be lost"), "{words:?}: {message}");
    }
    let input = std::fs::File::open(&script).unwrap();
    let mut from_input = std::process::Command::new(crate::common::binary());
    let outcome = from_input.args(["-o", &script, "-"]).stdin(input).output().expect("it runs");
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("itself, which would be lost"), "{outcome:?}");
    let kept = [&script, &d, &library].map(|file| std::fs::read_to_string(file).unwrap());
    assert_eq!(kept, [text, D, "inline int own = 1;"]);
}

#[test]
fn what_is_no_file_stays() {
    needs_root!();
    let tool = Folder::new("device");
    let device = tool.path();
    assert!(Program::new("mknod").arg(&device).args(["c", "1", "3"]).run().unwrap().success());
    good(quadrant().args(["build", "--no-check", "-o"]).arg(&device).args(["-e", "BEGIN { }"]));
    assert!(fs::metadata(&device).unwrap().file_type().is_char_device());
    let folder = device.parent().unwrap();
    let message = refused(quadrant().args(["build", "--no-check", "-o"]).arg(folder).args(["-e", "BEGIN { }"]));
    assert!(message.contains("EISDIR"), "{message}");
}

/// Whether a process has a file in that folder open.
fn writes_in(pid: u32, folder: &Path) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|opened| opened.starts_with(folder)))
}

#[test]
fn nothing_is_left_of_a_tool_whose_maker_is_killed() {
    let tool = Folder::new("killed");
    if !makes_nameless_files(&tool.0) {
        return skip("this file system has no files without a name (O_TMPFILE)");
    }
    let making =
        quadrant().args(["build", "--no-check", "-o"]).arg(tool.path()).args(["-e", "BEGIN { }"]).start().unwrap();
    while !writes_in(making.pid(), &tool.0) && !making.has_ended() {}
    // It may have ended meanwhile.
    let _ = making.signal(Signal::KILL);
    making.finish().unwrap();
    let left: Vec<PathBuf> = fs::read_dir(&tool.0).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty() || left == [tool.path()], "{left:?}");
}

fn makes_nameless_files(folder: &Path) -> bool {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, folder, OFlags::TMPFILE | OFlags::WRONLY, Mode::RWXU).is_ok()
}

#[test]
fn a_damaged_tool_says_so() {
    let tool = Folder::new("damaged");
    good(quadrant().args(["build", "--no-check", "-o"]).arg(tool.path()).args(["-e", "BEGIN { exit(); }"]));
    let whole = fs::read(tool.path()).unwrap();
    let damaged = |content: &[u8]| -> Outcome {
        let path = tool.path().with_file_name("damaged");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Program::new(&path).run().unwrap()
    };
    let mut changed = whole.clone();
    let text = whole.len() - 40;
    changed[text] ^= 1;
    for content in [&whole[..whole.len() - 1], &whole[..whole.len() - 32], &changed] {
        let outcome = damaged(content);
        assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
        assert!(outcome.stderr.contains("the script that this tool carries is damaged"), "{}", outcome.describe());
    }
}
