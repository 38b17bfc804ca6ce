//! What the benchmarks compile for themselves: the programs written by hand, and a launcher.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use quadrant_testing::Program;

use crate::Failure;
use crate::workspace;

/// How often the launcher is timed.
const TIMES: usize = 25;

#[cfg(target_arch = "aarch64")]
const ARCH: [&str; 3] = ["-D__TARGET_ARCH_arm64", "-idirafter", "/usr/include/aarch64-linux-gnu"];
#[cfg(not(target_arch = "aarch64"))]
const ARCH: [&str; 3] = ["-D__TARGET_ARCH_x86", "-idirafter", "/usr/include/x86_64-linux-gnu"];

/// The object of `benches/limits.bpf.c`.
pub fn limits() -> Result<PathBuf, Failure> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let make = || compile("clang", &[&["-target", "bpf", "-O2", "-g"], &ARCH[..], &["-c"]].concat(), "limits.bpf");
    Ok(MADE.get_or_init(make).clone()?)
}

/// A program that starts another one in another root: `launcher ROOT PROGRAM ARGUMENTS`.
pub fn launcher() -> Result<PathBuf, Failure> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    Ok(MADE.get_or_init(|| compile("gcc", &["-O2", "-static"], "launcher")).clone()?)
}

/// What the launcher takes: itself in the launcher, less itself alone.
pub fn launch_time() -> Result<Duration, Failure> {
    static MEASURED: OnceLock<Result<Duration, String>> = OnceLock::new();
    let measure = || measured().map_err(|failure| failure.to_string());
    Ok(MEASURED.get_or_init(measure).clone()?)
}

fn measured() -> Result<Duration, Failure> {
    let launcher = launcher()?;
    let mut pairs = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let alone = timed(Program::new(&launcher))?;
        let launched = timed(Program::new(&launcher).arg("/").arg(&launcher))?;
        pairs.push(launched.saturating_sub(alone));
    }
    pairs.sort();
    Ok(pairs[TIMES / 2])
}

fn timed(program: Program) -> Result<Duration, Failure> {
    let started = Instant::now();
    program.run()?;
    Ok(started.elapsed())
}

/// Compiles `benches/NAME.c` into cargo's target folder. In a guest there are no sources: what was compiled came along.
fn compile(compiler: &str, arguments: &[&str], name: &str) -> Result<PathBuf, String> {
    let source = workspace::root().join("benches").join(format!("{name}.c"));
    let object = folder().map_err(|failure| failure.to_string())?.join(name);
    if object.exists() && !source.exists() {
        return Ok(object);
    }
    let ended = Command::new(compiler).args(arguments).arg(&source).arg("-o").arg(&object).output();
    let ended = ended.map_err(|error| format!("cannot run {compiler}: {error}"))?;
    match ended.status.success() {
        true => Ok(object),
        false => Err(format!("{compiler} does not accept {}: {}", source.display(), text(&ended.stderr))),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder() -> Result<PathBuf, Failure> {
    let task = std::env::current_exe()?;
    let target = task.parent().and_then(Path::parent).ok_or("this task does not run from cargo's target folder")?;
    let folder = target.join("benches");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
