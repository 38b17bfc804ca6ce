//! Functions in C that scripts call: `import "file.bpf.c"`.

use std::fs;
use std::path::{Path, PathBuf};

use quadrant_testing::Program;

use crate::common::{assert_lines, folder, good, needs_root, quadrant, refused, script};

/// A folder with the functions; ends the calling test, as skipped, where they cannot be compiled.
macro_rules! imported {
    ($folder:literal) => {{
        needs_root!();
        match functions($folder) {
            Ok(folder) => folder,
            Err(missing) => return quadrant_testing::skip(missing),
        }
    }};
}

fn functions(name: &str) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/objects/imported.bpf.c");
    let clang = Program::new("clang").arg("--version").run().is_ok_and(|outcome| outcome.success());
    if !clang || !source.exists() || !Path::new("/usr/include/bpf/bpf_helpers.h").exists() {
        return Err("functions in C are compiled by clang: `apt-get install clang libbpf-dev`".to_owned());
    }
    let folder = folder(name);
    fs::copy(source, folder.join("functions.bpf.c")).expect("it can be copied");
    Ok(folder)
}

/// A script in the folder that imports the functions.
fn write(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("script.bt");
    fs::write(&path, format!("import \"functions.bpf.c\";\n{body}\n")).expect("it can be written");
    path
}

const CALLS: &str = "struct pair { int first; int second; }
BEGIN {
  print((\"numbers\", thrice(7), narrow(200), is_large(nsecs), is_large(3)));
  raise_by(2);
  print((\"variables\", raised(), times(5), times(5), times(6)));
  print((\"memory\", is_the_word(\"hello\"), is_the_word(\"hullo\"), parent_of(curtask) == ppid));
  print((\"kernel\", major() > 4, lacking()));
  print((\"queue\", wait(3), wait(4), next(), next(), next()));
  exit();
}";

const ANSWERS: [&str; 5] = [
    "(numbers, 21, -56, true, false)",
    "(variables, 42, 1, 2, 1)",
    "(memory, 1, 0, true)",
    "(kernel, true, 7)",
    "(queue, 0, 0, 3, 4, -1)",
];

#[test]
fn functions_are_called_with_what_scripts_have() {
    let folder = imported!("imports-calls");
    assert_lines(&good(quadrant().arg(write(&folder, CALLS))), &ANSWERS);
    let quiet = good(quadrant().arg("bpftrace").arg("-q").arg(write(&folder, CALLS)));
    assert_lines(&quiet, &ANSWERS);
}

#[test]
fn a_tool_brings_them_along() {
    let folder = imported!("imports-tool");
    let tool = folder.join("tool");
    good(quadrant().args(["build", "-o"]).arg(&tool).arg(write(&folder, CALLS)));
    fs::remove_file(folder.join("functions.bpf.c")).expect("it can be removed");
    assert_lines(&good(Program::new(&tool).env("PATH", "/nowhere")), &ANSWERS);
}

#[test]
fn listings_show_their_lines() {
    let folder = imported!("imports-explain");
    let script = write(&folder, "BEGIN { print(thrice(7)); }");
    let outcome = good(quadrant().args(["explain", "--only", "bpf", "--only", "jited"]).arg(script));
    let lines = outcome.stdout.matches(":29:5: return tripled(number);").count();
    assert_eq!(lines, 2, "{}", outcome.describe());
    assert!(outcome.stdout.lines().any(|line| line.starts_with("thrice: (")), "{}", outcome.describe());
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let folder = imported!("imports-mistakes");
    let said = |body: &str| refused(quadrant().arg(write(&folder, body)));
    let message = said("BEGIN { thrice(\"a\"); thrise(1); thrice(1, 2); tripled(1); }");
    for part in [
        "thrice() takes int32 here, and this is string[2]",
        "unknown function `thrise`",
        "did you mean `thrice()`?",
        "thrice() takes 1 argument, and 2 are given",
        "unknown function `tripled`",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let message = said("BEGIN { print(unsafe_parent_of(curtask)); }");
    for part in ["functions.bpf.c:85:", "return task->tgid;", "bpf_probe_read_kernel()"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let message = said("BEGIN { send(1); }");
    assert!(message.contains("it sends events by its map `events`, which nobody reads here"), "{message}");
    let wrong = quadrant().args(["build", "-o"]).arg(folder.join("x.bpf.o"));
    let message = refused(wrong.arg(write(&folder, "tracepoint:sched:sched_switch { @ = thrice(1); }")));
    assert!(message.contains("does not carry functions in C"), "{message}");
    let wrong = quadrant().args(["record", "-o"]).arg(folder.join("x.json"));
    let message = refused(wrong.arg(write(&folder, "tracepoint:sched:sched_switch { @ = thrice(1); }")));
    assert!(message.contains("cannot be recorded"), "{message}");
    fs::write(folder.join("more.bpf.c"), "int thrice(int n) { return n; }").expect("it can be written");
    let message = said("import \"more.bpf.c\"; BEGIN { exit(); }");
    assert!(message.contains("a function thrice(), which another file in C has, too"), "{message}");
    fs::write(folder.join("functions.bpf.c"), "int f(void) { return nothing; }").expect("it can be written");
    let message = said("BEGIN { exit(); }");
    for part in ["use of undeclared identifier 'nothing'", "cannot import", "script.bt:1:1"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn without_clang_its_package_is_named() {
    let folder = imported!("imports-no-clang");
    let message = refused(quadrant().arg(write(&folder, "BEGIN { exit(); }")).env("PATH", &folder));
    assert!(message.contains("apt-get install clang libbpf-dev") && message.contains("script.bt:1:1"), "{message}");
}

#[test]
fn the_standard_library_is_built_in() {
    needs_root!();
    // A file of that name in the current folder is not it.
    let folder = folder("imports-stdlib");
    fs::write(folder.join("stdlib"), "nonsense").expect("it can be written");
    let text = "import \"stdlib\"; BEGIN { print(strlen(\"two\")); exit(); }";
    let outcome = script(text).dir(&folder).run().unwrap();
    assert!(outcome.success() && outcome.lines().contains(&"3"), "{}", outcome.describe());
}
