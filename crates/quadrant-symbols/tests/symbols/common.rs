//! Compiles small programs, runs them, and reads the addresses that they print.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that goes away with its value.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("quadrant-symbols-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary directory can be made");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // The directory of a failed test may hold what is needed to understand it, but a
        // left-over directory helps nobody: an error here changes nothing.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Writes `text` to `name` in `dir` and compiles it with `tool ARGS`. `None` (with the reason
/// printed) when the compiler is missing.
pub fn compile(dir: &TempDir, tool: &str, name: &str, text: &str, args: &[&str]) -> Option<PathBuf> {
    let source = dir.path().join(name);
    let binary = source.with_extension("");
    fs::write(&source, text).expect("the source can be written");
    let mut command = Command::new(tool);
    command.args(args).arg("-o").arg(&binary).arg(&source);
    run_tool(&mut command).then_some(binary)
}

/// Runs a tool that must succeed. False when there is no such tool.
pub fn run_tool(command: &mut Command) -> bool {
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?} failed: {text}");
            true
        }
        Err(error) => {
            println!("skipped: {command:?} cannot be run: {error}");
            false
        }
    }
}

/// A running program that prints addresses, one `NAME HEX` a line, and waits for its input to
/// end. It is killed with its value.
pub struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let output = child.stdout.take().expect("its output is a pipe");
        Self { child, output: BufReader::new(output) }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next address that it prints, which must be the one called `name`.
    pub fn addr(&mut self, name: &str) -> u64 {
        let line = self.line();
        let hex = line.strip_prefix(name).map(|rest| rest.trim().trim_start_matches("0x"));
        let addr = hex.and_then(|hex| u64::from_str_radix(hex, 16).ok());
        addr.unwrap_or_else(|| panic!("expected the address of {name}, got {line:?}"))
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its output can be read");
        line
    }

    /// Gives it a line of input.
    pub fn go_on(&mut self) {
        let input = self.child.stdin.as_mut().expect("its input is a pipe");
        input.write_all(b"\n").expect("it reads its input");
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone in most tests.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
