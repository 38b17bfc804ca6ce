//! What scripts ask of the machine: files, commands.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;

use quadrant_bpf::interrupt::interruptibly;
use quadrant_bpf::process;

/// Runs a command of `system()` by the shell, to its end; what it says on standard error goes to ours.
///
/// # Errors
/// There is no shell to run.
pub fn run(command: &[u8]) -> io::Result<Output> {
    let command = OsStr::from_bytes(command);
    let mut shell = process::command("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::inherit());
    interruptibly(|| shell.output())
}

/// The start of a file whose name may have come from a traced program: never waits for a pipe or a device.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn read_file(name: &[u8], limit: u32) -> io::Result<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(name));
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut content = Vec::new();
    interruptibly(|| file.take(limit.into()).read_to_end(&mut content))?;
    Ok(content)
}
