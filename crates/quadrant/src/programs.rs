//! Finding programs as the shell and execvp(3) do.

use std::ffi::CStr;
use std::ffi::CString;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpf::errno::Errno;
use quadrant_bpf::process::Child;

/// The program that a command's first word means.
pub fn find(name: &CStr) -> Option<PathBuf> {
    in_path(OsStr::from_bytes(name.to_bytes())).filter(|path| is_program(path))
}

/// A command that waits to become its program, which is searched here: the traced process would try all folders before it.
///
/// # Errors
/// It cannot be started.
pub fn start(words: &[CString]) -> quadrant_bpf::Result<Child> {
    start_found(words.first().and_then(|name| find(name)), words)
}

/// The same, where the program was searched.
///
/// # Errors
/// It cannot be started.
pub fn start_found(program: Option<PathBuf>, words: &[CString]) -> quadrant_bpf::Result<Child> {
    let program = program.and_then(|path| CString::new(path.into_os_string().into_vec()).ok());
    program.map_or_else(|| Child::spawn(words), |program| Child::spawn_program(&program, words))
}

/// Why a command's first word means no program, in the C library's words.
pub fn why_not(name: &CStr) -> &'static str {
    let name = OsStr::from_bytes(name.to_bytes());
    match (in_path(name), Path::new(name).metadata()) {
        (Some(_), _) => "Permission denied",
        (None, Ok(found)) if found.is_dir() => "Is a directory",
        (None, Err(error)) => Errno::of(&error).text().unwrap_or("No such file or directory"),
        (None, Ok(_)) if name.as_bytes().contains(&b'/') => "Permission denied",
        (None, Ok(_)) => "No such file or directory",
    }
}

/// As execvp(3) finds it.
pub fn in_path(name: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let folders = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
