//! Programs that need no target, with their whole output: `cases/NAME.d` prints `cases/NAME.out`.
//!
//! `UPDATE=1` writes what they print now; read the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use super::dtrace;
use crate::common::{needs_loops, needs_root};

#[test]
fn programs_print_what_they_printed_before() {
    needs_root!();
    needs_loops!();
    let wrong: Vec<String> = programs().iter().filter_map(|program| difference(program)).collect();
    assert!(wrong.is_empty(), "{} programs differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_program_has_its_output() {
    assert!(programs().len() > 20);
    if std::env::var_os("UPDATE").is_none() {
        let without: Vec<_> =
            programs().into_iter().filter(|program| !program.with_extension("out").exists()).collect();
        assert!(without.is_empty(), "{without:?}");
    }
}

fn programs() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/dtrace/cases");
    let entries = fs::read_dir(dir).expect("the cases are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "d"));
    paths.sort();
    paths
}

/// What a program does otherwise than it should.
fn difference(program: &Path) -> Option<String> {
    let outcome = dtrace().arg("-s").arg(program).run().expect("the tracer runs");
    let printed = format!("{}status {}\n", without_cpu(&outcome.stdout), outcome.code().unwrap_or(-1));
    let expected = program.with_extension("out");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&expected, &printed).expect("the case can be written");
    }
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let differs = outcome.timed_out || printed != wanted;
    differs.then(|| format!("== {name}: {}\n--- wanted\n{wanted}", outcome.describe()))
}

/// The column of the CPU says nothing: it is `  C` in the expected output.
fn without_cpu(output: &str) -> String {
    let mut rows = false;
    let lines = output.split_inclusive('\n').map(|line| {
        rows |= line.starts_with("CPU ");
        let is_row =
            rows && line.get(3..4) == Some(" ") && line.get(..3).is_some_and(|cpu| cpu.trim().parse::<u32>().is_ok());
        if is_row { format!("  C{}", &line[3..]) } else { line.to_owned() }
    });
    lines.collect()
}
