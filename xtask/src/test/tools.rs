//! The tools that Debian's packages of bpftrace install, for the test that runs them. They are fetched once, and kept in
//! `target/tools/SUITE`.

use std::fs;
use std::path::PathBuf;

use crate::Failure;
use crate::vm::{Arch, fetch_package};
use crate::workspace;

/// The suites whose packages are tested, the oldest version of bpftrace and the newest.
const SUITES: [&str; 2] = ["bookworm", "sid"];

/// A part of the names of the tests that need them.
const TESTS: &str = "tools::";

/// Where the tools of all suites are.
pub fn folder() -> Result<PathBuf, Failure> {
    Ok(workspace::root().canonicalize()?.join("target/tools"))
}

/// Fetches what is missing, if tests that need it may run. What cannot be fetched is no failure: the tests are skipped.
pub fn provide(filter: Option<&str>) -> Result<(), Failure> {
    if filter.is_some_and(|filter| !TESTS.contains(filter) && !filter.contains("tools")) {
        return Ok(());
    }
    for suite in SUITES {
        let into = folder()?.join(suite);
        if into.exists() {
            continue;
        }
        if let Err(why) = fetch(suite, &into) {
            println!("bpftrace's tools of {suite} are missing, so their test will be skipped: {why}");
        }
    }
    Ok(())
}

/// The folder gets its name when it is complete.
fn fetch(suite: &'static str, into: &PathBuf) -> Result<(), Failure> {
    let work = into.with_added_extension("unfinished");
    // A former run may have left it.
    let _ = fs::remove_dir_all(&work);
    let (root, scripts) = (work.join("root"), work.join("scripts"));
    fs::create_dir_all(&scripts)?;
    fetch_package("bpftrace", suite, Arch::Amd64, &root)?;
    for file in fs::read_dir(root.join("usr/sbin"))? {
        let path = file?.path();
        if let (Some("bt"), Some(name)) = (path.extension().and_then(|end| end.to_str()), path.file_name()) {
            fs::rename(&path, scripts.join(name))?;
        }
    }
    fs::rename(&scripts, into)?;
    Ok(fs::remove_dir_all(&work)?)
}
