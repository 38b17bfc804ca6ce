//! Script files and their parameters.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use quadrant_testing::Program;

use crate::common::{assert_lines, binary, folder, good, needs_root, quadrant, refused, run, script};

const SCRIPT: &str = "BEGIN { printf(\"%d %s %d\\n\", $1, str($2), $#); exit(); }";

#[test]
fn parameters_behind_a_script() {
    needs_root!();
    assert_lines(&good(script(SCRIPT).args(["12", "words"])), &["12 words 2"]);
}

#[test]
fn a_script_file_with_parameters() {
    needs_root!();
    let path = folder("file").join("script.bt");
    fs::write(&path, SCRIPT).unwrap();
    assert_lines(&good(quadrant().arg(&path).args(["0x10", "words"])), &["16 words 2"]);
}

#[test]
fn a_script_from_standard_input() {
    needs_root!();
    let mut tracer = quadrant().args(["-", "3", "x"]).with_input().start().unwrap();
    tracer.write(SCRIPT).unwrap();
    tracer.close_input();
    assert_lines(&tracer.finish().unwrap(), &["3 x 2"]);
}

#[test]
fn a_script_that_is_a_program() {
    needs_root!();
    let path = folder("shebang").join("script.bt");
    fs::write(&path, format!("#!{}\n{SCRIPT}\n", binary().display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_lines(&good(Program::new(&path).args(["5", "y"])), &["5 y 2"]);
}

#[test]
fn a_parameter_names_a_probe() {
    needs_root!();
    let outcome = good(script("interval:ms:$1 { printf(\"tick\\n\"); exit(); }").arg("3"));
    assert_lines(&outcome, &["tick"]);
}

#[test]
fn options_behind_the_script_are_not_swallowed() {
    let path = folder("behind").join("script.bt");
    fs::write(&path, "BEGIN { print(getopt(\"level\", 3, \"how deep\")); }").unwrap();
    let refused = quadrant().arg(&path).args(["-p", "1"]).run().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", refused.describe());
    assert!(refused.stderr.contains("options of quadrant stand before the script"), "{}", refused.describe());
    let help = quadrant().arg(&path).arg("--help").run().unwrap();
    assert_lines(&help, &["Parameters of the script (--name=value):", "  --level  how deep"]);
}

#[test]
fn options_are_read_as_everywhere() {
    let tree = good(quadrant().args(["-dast", "-eBEGIN { exit(); }"]));
    assert!(tree.stdout.starts_with("probe\n  at BEGIN\n"), "{}", tree.describe());
    let last = good(quadrant().args(["-d", "bpf", "-qq", "-d", "ast", "-e", "BEGIN { exit(); }"]));
    assert!(last.stdout.starts_with("probe\n"), "{}", last.describe());
    let message = refused(quadrant().args(["-I/tmp", "-p0x", "-e", "BEGIN { }"]));
    assert!(message.contains("'0x' for '--pid"), "{message}");
}

#[test]
fn a_listing_reads_no_script() {
    let message = refused(quadrant().args(["-l", "-e", "tracepoint:sched:sched_switch { }"]));
    assert!(message.contains("quadrant bpftrace -l -e PROGRAM"), "{message}");
}

#[test]
fn help_is_a_command_too() {
    assert!(good(quadrant().arg("help")).stdout.contains("\nExamples:\n  quadrant -e "));
    assert!(good(quadrant().args(["dtrace", "--help"])).stdout.starts_with("Usage: dtrace "));
    assert!(good(quadrant().args(["help", "maps"])).stdout.contains("Usage: quadrant maps "));
    for (word, said) in [
        ("nonsense", "there is no command `nonsense`"),
        ("recrod", "did you mean `record`?"),
        ("dtrace", "try 'quadrant dtrace --help'"),
    ] {
        let message = refused(quadrant().args(["help", word]));
        assert!(message.contains(said), "{message}");
    }
    assert!(good(quadrant().args(["maps", "dump", "--help"])).stdout.contains("Usage: quadrant maps dump "));
}

#[test]
fn a_long_script_runs() {
    needs_root!();
    let body: String =
        (0..1000).map(|n| format!("if ($x % {} == 0) {{ @hits[{}] = count(); }}\n", n + 2, n % 7)).collect();
    let outcome = run(&format!("BEGIN {{ $x = (uint64)720720;\n{body} exit(); }}"));
    assert!(outcome.stdout.starts_with('@') || outcome.stdout.trim_start().starts_with('@'), "{}", outcome.describe());
}

#[test]
fn terminal_escapes_of_a_traced_program_do_not_reach_the_output() {
    needs_root!();
    let calls = crate::common::target!("calls");
    let outcome = crate::common::run_on(
        &format!("{calls} 1 \u{1b}[2Jtext"),
        &format!("uprobe:{calls}:target_call {{ printf(\"%s\\n\", str(arg1)); @[str(arg1)] = count(); }}"),
    );
    assert!(!outcome.stdout.contains('\u{1b}') && outcome.stdout.contains("[2Jtext"), "{}", outcome.describe());
}
