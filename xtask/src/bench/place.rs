//! Where peers live: a folder with another system, in which they see the kernel's file systems and our targets.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::mount::{MountFlags, mount, mount_bind};

use crate::Failure;

/// Says that this process has mounts of its own already.
const MARK: &str = "QUADRANT_BENCH_MOUNTS";
/// Where a system has its programs. (A `dtrace` in /usr/bin is another program, which makes headers.)
const PROGRAMS: [&str; 3] = ["usr/sbin", "usr/bin", "usr/local/bin"];

/// Gives the peers what they need to run, in a mount namespace of this task's own: nothing stays behind. Without it
/// the task starts itself again in one, and does not come back.
pub fn prepare(root: Option<&Path>, shared: &[PathBuf]) -> Result<(), Failure> {
    if std::env::var_os(MARK).is_none() {
        return Err(restart());
    }
    kernel_files(Path::new("/"))?;
    let Some(root) = root else { return Ok(()) };
    kernel_files(root)?;
    shared.iter().try_for_each(|folder| share(root, folder))
}

fn restart() -> Failure {
    let own = std::env::current_exe().unwrap_or_default();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let error = Command::new("unshare").arg("--mount").arg(own).args(arguments).env(MARK, "1").exec();
    format!("cannot run unshare, for mounts that the peers need: {error}").into()
}

/// Tracers of today and of yesterday look at different places.
fn kernel_files(root: &Path) -> Result<(), Failure> {
    let (trace, debug) = (root.join("sys/kernel/tracing"), root.join("sys/kernel/debug"));
    if !trace.join("events").exists() {
        mounted("tracefs", &trace)?;
    }
    if !debug.join("tracing/events").exists() {
        mounted("debugfs", &debug)?;
    }
    Ok(())
}

fn mounted(kind: &str, path: &Path) -> Result<(), Failure> {
    let done = mount(kind, path, kind, MountFlags::empty(), c"");
    done.map_err(|error| format!("cannot mount {kind} at {}: {error}", path.display()).into())
}

/// Shows a folder of ours at the same path in the other system.
fn share(root: &Path, folder: &Path) -> Result<(), Failure> {
    let there = root.join(folder.strip_prefix("/")?);
    fs::create_dir_all(&there)?;
    mount_bind(folder, &there).map_err(|e| format!("cannot mount {}: {e}", there.display()).into())
}

/// The path of a program in the other system.
pub fn find(root: &Path, program: &str) -> Option<PathBuf> {
    let inside = PROGRAMS.iter().map(|dir| Path::new(dir).join(program)).find(|path| root.join(path).is_file())?;
    Some(Path::new("/").join(inside))
}
