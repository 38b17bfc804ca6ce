//! Scripts that need no target, with their whole output: `cases/NAME.bt` prints `cases/NAME.out`, blank lines apart.
//!
//! `UPDATE=1` writes what they print now; read the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{needs_loops, needs_root, quadrant};

#[test]
fn scripts_print_what_they_printed_before() {
    needs_root!();
    assert_same(false);
}

#[test]
fn scripts_with_loops_print_what_they_printed_before() {
    needs_root!();
    needs_loops!();
    assert_same(true);
}

#[track_caller]
fn assert_same(loops: bool) {
    let wanted = scripts().into_iter().filter(|script| has_loops(script) == loops);
    let wrong: Vec<String> = wanted.filter_map(|script| difference(&script)).collect();
    assert!(wrong.is_empty(), "{} scripts differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a script needs what old kernels lack.
fn has_loops(script: &Path) -> bool {
    let text = fs::read_to_string(script).expect("the case can be read");
    ["for (", "for(", "while (", "while(", "len(@"].iter().any(|word| text.contains(word))
}

#[test]
fn each_script_has_its_output() {
    assert!(scripts().len() > 50);
    if std::env::var_os("UPDATE").is_none() {
        let without: Vec<_> = scripts().into_iter().filter(|script| !script.with_extension("out").exists()).collect();
        assert!(without.is_empty(), "{without:?}");
    }
}

fn scripts() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/cases");
    let entries = fs::read_dir(dir).expect("the cases are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bt"));
    paths.sort();
    paths
}

/// What a script does otherwise than it should.
fn difference(script: &Path) -> Option<String> {
    let outcome = quadrant().arg(script).run().expect("the tracer runs");
    let printed: String = outcome.lines().into_iter().map(|line| format!("{line}\n")).collect();
    let expected = script.with_extension("out");
    if outcome.success() && std::env::var_os("UPDATE").is_some() {
        fs::write(&expected, &printed).expect("the case can be written");
    }
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    let name = script.file_name().unwrap_or_default().to_string_lossy();
    let differs = !outcome.success() || printed != wanted;
    differs.then(|| format!("== {name}: {}\n--- wanted\n{wanted}", outcome.describe()))
}
