//! The processes of `-c` and `-p`.

use std::ffi::CString;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpf::process::{Child, PidFd};
use quadrant_d::providers::Command;
use quadrant_session::Focus;
use quadrant_session::Until;

use super::getopt::{Line, Target};
use crate::failure::Failure;
use crate::programs;
use crate::scope::Wanted;
use crate::words;

/// Processes to trace.
#[derive(Debug, Default)]
pub struct Targets {
    /// As the session wants them.
    pub focus: Focus,
    /// The number of the first: `$target`.
    pub first: Option<u32>,
    /// The commands among them, which wait until all is attached.
    pub commands: Vec<Command>,
}

/// Starts commands and opens processes. Of a container, a process may be given by the number that it has there.
///
/// # Errors
/// A command that cannot be started, a process that is not there.
pub fn open(line: &Line) -> Result<Targets, Failure> {
    let wanted = Wanted::of(line.cgroup.as_deref(), line.container.as_deref());
    let mut open = Targets { focus: Focus { until: Until::Last, ..Focus::default() }, ..Targets::default() };
    for target in &line.targets {
        let pid = match target {
            Target::Command(text) => open.start(&words::split(text)?)?,
            Target::Process(pid) => {
                let pid = wanted.map_or(Ok(*pid), |wanted| wanted.process(*pid))?;
                open.focus.processes.push(PidFd::open(pid)?);
                pid
            }
        };
        open.first = open.first.or(Some(pid));
    }
    Ok(open)
}

impl Targets {
    fn start(&mut self, words: &[CString]) -> Result<u32, Failure> {
        let name = words.first().map_or(OsStr::new(""), |word| OsStr::from_bytes(word.as_bytes()));
        let found = words.first().and_then(|word| programs::find(word));
        let program = found.clone().and_then(program).ok_or_else(|| {
            let why = match words.first().map(|word| programs::why_not(word)) {
                _ if found.is_some() => Child::NO_INTERPRETER,
                None | Some(NO_SUCH_FILE) => NO_PROGRAM,
                Some(why) => why,
            };
            Failure::new(format!("failed to start {}: {why}", crate::failure::shown(&name.to_string_lossy())))
        })?;
        let child = programs::start_found(found, words)?;
        let pid = child.pid();
        self.focus.children.push(child);
        self.commands.push(Command { pid, program });
        Ok(pid)
    }
}

const NO_PROGRAM: &str = "there is no such program (ENOENT)";

/// How [`programs::why_not`] says that.
const NO_SUCH_FILE: &str = "No such file or directory";

/// Interpreters that call interpreters: as many as the kernel allows.
const MOST_INTERPRETERS: usize = 5;

/// The program that runs when a file is executed: for a script, its interpreter.
fn program(mut path: PathBuf) -> Option<PathBuf> {
    for _ in 0..MOST_INTERPRETERS {
        match interpreter(&path) {
            Some(other) => path = other,
            None => break,
        }
    }
    std::fs::canonicalize(path).ok()
}

/// What the first line `#!...` names.
fn interpreter(path: &Path) -> Option<PathBuf> {
    use std::io::Read;
    let mut start = Vec::new();
    std::fs::File::open(path).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| byte.is_ascii_whitespace()).find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_the_kernel_finds_them() {
        let found = |name: &str| programs::in_path(OsStr::new(name)).and_then(program);
        let shell = found("sh").unwrap();
        assert_eq!(Some(&shell), found("/bin/sh").as_ref());
        assert_eq!(found("no-such-program-anywhere"), None);
        let dir = std::env::temp_dir().join(format!("quadrant-program-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let script = dir.join("script");
        std::fs::write(&script, "#! /bin/sh -e\n").unwrap();
        assert_eq!(program(script), Some(shell));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
