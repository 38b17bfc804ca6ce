//! All tools that Debian's packages of bpftrace install, unchanged, under a mixed workload: each runs, shows what it is for, and ends
//! well, or says what this kernel lacks. `cargo xtask test` fetches the packages; their scripts are not a part of this repository.

mod verdicts;
mod work;

use std::path::{Path, PathBuf};

use quadrant_bpf::features::Features;
use quadrant_testing::{Outcome, Program, Signal, skip};

use crate::common::{needs_loops, needs_root, quadrant};
use verdicts::{PERIODIC, REFUSALS, TOOLS, Tool};
use work::Work;

#[test]
fn of_bpftrace_0_17() {
    needs_root!();
    needs_loops!();
    run_all("bookworm");
}

#[test]
fn of_bpftrace_0_27() {
    needs_root!();
    needs_loops!();
    run_all("sid");
}

/// Set in guests of `cargo xtask test --vm`, which are slow, and which are there for what this machine's own kernel may lack.
const GUEST: &str = "QUADRANT_GUEST";

/// Whether a tool has probes in functions of the kernel, or reads its data.
fn wants_functions(tool: &Path) -> bool {
    let text = std::fs::read_to_string(tool).expect("a script");
    text.contains("kaddr(") || text.lines().any(|line| line.starts_with("kprobe:") || line.starts_with("kretprobe:"))
}

/// Runs the tools of a suite; a verdict on each is printed.
fn run_all(suite: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(suite);
    let Ok(found) = std::fs::read_dir(&folder) else {
        return skip(format!("Debian's package is not here: `cargo xtask test tools` fetches it ({suite})"));
    };
    let mut names: Vec<String> =
        found.map(|file| file.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    if std::env::var_os(GUEST).is_some() {
        names.retain(|name| wants_functions(&folder.join(name)));
    }
    let work = Work::new(&format!("tools-{suite}"));
    let verdict = |name: &String| match verdict(&work, quadrant().arg("bpftrace").arg(folder.join(name)), name) {
        Ok(verdict) => {
            println!("{suite} {name}: {verdict}");
            None
        }
        Err(why) => Some(format!("{suite} {name}: {why}")),
    };
    let failed: Vec<String> = names.iter().filter_map(verdict).collect();
    assert!(names.len() > 10 && failed.is_empty(), "{}", failed.join("\n"));
}

/// Whether a tool runs, or why it rightly does not.
fn verdict(work: &Work, program: Program, name: &str) -> Result<String, String> {
    let name = name.trim_end_matches(".bt");
    let tool =
        TOOLS.iter().find(|tool| tool.name == name).ok_or("not known yet: say in `verdicts.rs` what it shows")?;
    let running = program.start().expect("the tracer runs");
    if running.wait_for_stderr("Attached ").is_err() {
        return refused(name, &running.finish().expect("it can be waited for"));
    }
    let head = running.wait_for_stdout(tool.head);
    work.run();
    if head.is_ok() && PERIODIC.contains(&name) {
        // What does not come is missed below.
        let _ = running.wait_for_stdout(tool.shows[0]);
    }
    // One that has found none of its functions ends by itself, maybe right now.
    let _ = running.signal(Signal::INT);
    let outcome = running.finish().expect("it can be waited for");
    let was_ending = outcome.stderr.contains("Attached 2 probes\n") && outcome.signal().is_some();
    if outcome.success() || was_ending { shown(work, tool, &outcome) } else { Err(beginning(&outcome.describe())) }
}

fn shown(work: &Work, tool: &Tool, outcome: &Outcome) -> Result<String, String> {
    let mut wanted = std::iter::once(tool.head).chain(tool.shows.iter().copied()).map(|text| work.fill(text));
    match wanted.find(|text| !outcome.stdout.contains(text.as_str())) {
        Some(missing) => Err(format!("`{missing}` is not shown: {}", beginning(&outcome.describe()))),
        None => Ok(format!("runs, and shows {}", if tool.shows.is_empty() { "its header" } else { "the work" })),
    }
}

fn refused(name: &str, outcome: &Outcome) -> Result<String, String> {
    if outcome.code() == Some(1)
        && outcome.stderr.contains("this kernel has no kprobes")
        && !Features::new().kprobe_event()
    {
        return Ok("needs kprobes".to_owned());
    }
    let fits = |(tool, text, _): &&(&str, &str, &str)| *tool == name && outcome.stderr.contains(text);
    match REFUSALS.iter().find(fits) {
        Some((_, _, missing)) if outcome.code() == Some(1) => Ok(format!("needs {missing}")),
        _ => Err(beginning(&outcome.describe())),
    }
}

/// Enough of an output: a tool may have shown thousands of lines of other processes.
fn beginning(text: &str) -> String {
    text.lines().take(60).map(|line| format!("{line}\n")).collect()
}
