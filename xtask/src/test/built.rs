//! Tools that the tracer makes of scripts on this machine (`quadrant build`), for the tests that run them under other kernels. The
//! scripts stay here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::workspace;

/// The scripts, in the workspace. In the guest the tool of `a.bt` is `built-a-bt`.
const SCRIPTS: &str = "crates/quadrant/tests/e2e/built";

/// Scripts that become objects; that of `a.bt` is `built-a-bt.bpf.o`.
const OBJECTS: &str = "crates/quadrant/tests/e2e/built/objects";

/// Where the tools are made, in the workspace.
const FOLDER: &str = "target/built";

/// Makes a tool of each script with the tracer.
///
/// # Errors
/// The tracer refuses a script, or a folder cannot be used.
pub fn tools(tracer: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = workspace::root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let tools = scripts(SCRIPTS)?.into_iter().map(|script| (script, ""));
    let objects = scripts(OBJECTS)?.into_iter().map(|script| (script, ".bpf.o"));
    tools.chain(objects).map(|(script, ending)| make(tracer, &script, &folder, ending)).collect()
}

fn scripts(folder: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(workspace::root().join(folder))?;
    let mut scripts = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    scripts.retain(|path| path.is_file());
    Ok(scripts)
}

fn make(tracer: &Path, script: &Path, folder: &Path, ending: &str) -> Result<PathBuf, Failure> {
    let name = script.file_name().unwrap_or_default().to_string_lossy().replace('.', "-");
    let tool = folder.join(format!("built-{name}{ending}"));
    // Trying the script needs root.
    let made = Command::new(tracer).args(["build", "--no-check", "-o"]).arg(&tool).arg(script).status();
    match made.map_err(|error| format!("cannot run {}: {error}", tracer.display()))?.success() {
        true => Ok(tool),
        false => Err(format!("the tracer cannot make a tool of {}: see its messages above", script.display()).into()),
    }
}
