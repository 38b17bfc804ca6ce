//! Where the workspace is, its cargo, and what cargo has built.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The cargo that started this task, run in the workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The tracer as it is shipped, which cargo puts beside the folder that this task runs from.
pub fn release_binary() -> Result<PathBuf, Failure> {
    let task = std::env::current_exe()?;
    let profiles = task.parent().and_then(Path::parent).ok_or("this task does not run from cargo's target folder")?;
    let path = profiles.join("release/quadrant");
    match path.exists() {
        true => Ok(path),
        false => Err(format!("{} does not exist: run `cargo build --release` first", path.display()).into()),
    }
}
