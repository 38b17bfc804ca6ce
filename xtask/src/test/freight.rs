//! What the tests find in a guest besides themselves: the tracer, programs to trace, and a few tools of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::binaries::Binary;
use super::packages::find;
use crate::Failure;
use crate::vm::{self, Addition};
use crate::workspace;

/// Where everything of ours is in the guest.
const FOLDER: &str = "/tests";

/// Programs of this machine that tests run and busybox does not have, or has in another way. One that is missing skips its tests.
const TOOLS: [&str; 3] = ["bash", "setpriv", "taskset"];

/// By these files the tracer finds libraries by their short names.
const LIBRARY_CACHE: &str = "/etc/ld.so.cache";

/// Scripts that the end-to-end tests read, by their paths in the workspace.
const CASES: [&str; 3] = [
    "crates/quadrant/tests/e2e/cases",
    "crates/quadrant/tests/e2e/dtrace/cases",
    "crates/quadrant/tests/e2e/dtrace/toolkit",
];

/// Objects of BPF programs, by their path in the workspace.
const OBJECTS: &str = "tests/objects";

/// Where a file of ours is in the guest.
pub fn in_guest(path: &Path) -> String {
    format!("{FOLDER}/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

/// All files for some binaries.
pub fn files(binaries: &[Binary], programs: &[PathBuf]) -> Result<Vec<Addition>, Failure> {
    let own = binaries.iter().map(|binary| &binary.path).chain(programs);
    let mut files: Vec<Addition> = own.map(|path| Addition { from: path.clone(), to: in_guest(path) }).collect();
    if !programs.is_empty() {
        files.extend(targets()?);
        files.extend(tools());
        if let Some(tracer) = programs.iter().find(|program| program.file_name().is_some_and(|name| name == "quadrant"))
        {
            files.extend(objects(tracer)?);
            files.extend(super::built::tools(tracer)?.into_iter().map(|from| Addition { to: in_guest(&from), from }));
        }
        // The tests know the folder that they were compiled in.
        let root = workspace::root().canonicalize()?;
        let scripts = CASES.map(|folder| root.join(folder)).into_iter().chain([super::tools::folder()?]);
        let scripts = scripts.filter(|folder| folder.exists());
        files.extend(scripts.map(|folder| Addition { to: folder.to_string_lossy().into_owned(), from: folder }));
    }
    Ok(files)
}

/// The environment variables by which the tests find them, as words of a shell.
pub fn environment(kernel: &str, programs: &[PathBuf]) -> String {
    let program = programs.iter().map(|path| format!(" QUADRANT_BINARY={}", vm::quoted(&in_guest(path))));
    format!("QUADRANT_GUEST={} QUADRANT_TARGETS={FOLDER}{}", vm::quoted(kernel), program.collect::<String>())
}

/// Programs to trace, as far as this machine can compile them.
fn targets() -> Result<Vec<Addition>, Failure> {
    let mut files = Vec::new();
    for (name, made) in quadrant_testing::all_targets() {
        match made {
            Ok(path) => files.push(Addition { to: format!("{FOLDER}/{name}"), from: path }),
            Err(missing) if missing.is_absence() => println!("the target {name} is left out: {missing}"),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(files)
}

/// Objects of BPF programs, made here by the tracer and clang, for types of this machine's kernel: they must run under others.
fn objects(tracer: &Path) -> Result<Vec<Addition>, Failure> {
    let folder = workspace::root().join("target/objects");
    std::fs::create_dir_all(&folder)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(workspace::root().join(OBJECTS))? {
        let source = entry?.path();
        let Some(name) = source.file_name().and_then(|name| name.to_str()?.strip_suffix(".c")) else { continue };
        let object = folder.join(name.to_owned() + ".o");
        let made = Command::new(tracer).args(["load", "--list", "--object"]).arg(&object).arg(&source).output()?;
        match made.status.success() {
            true => files.push(Addition { to: in_guest(&object), from: object }),
            false => println!("{name} is left out: {}", String::from_utf8_lossy(&made.stderr).trim()),
        }
    }
    Ok(files)
}

fn tools() -> impl Iterator<Item = Addition> {
    // busybox's own tools are in /bin, which comes later on the PATH.
    let tools =
        TOOLS.into_iter().filter_map(|tool| Some(Addition { from: find(tool)?, to: format!("/usr/bin/{tool}") }));
    let cache = Addition { from: LIBRARY_CACHE.into(), to: LIBRARY_CACHE.to_owned() };
    tools.chain(Some(cache).filter(|cache| cache.from.exists()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_find_the_tracer_and_the_targets() {
        let text = environment("6.1", &["/build/quadrant".into()]);
        assert_eq!(text, "QUADRANT_GUEST='6.1' QUADRANT_TARGETS=/tests QUADRANT_BINARY='/tests/quadrant'");
        assert!(!environment("6.1", &[]).contains("BINARY"));
    }

    #[test]
    fn without_the_tracer_only_the_binaries_are_taken() {
        let binary = Binary { name: "a".to_owned(), path: "/x/a-1".into(), in_turn: false };
        let files = files(&[binary], &[]).unwrap();
        assert_eq!(files, [Addition { from: "/x/a-1".into(), to: "/tests/a-1".to_owned() }]);
    }
}
