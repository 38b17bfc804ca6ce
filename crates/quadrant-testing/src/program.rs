use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Error, Outcome, Running};

/// A command to run with a time limit, in a process group of its own.
#[derive(Debug)]
pub struct Program {
    command: Command,
    limit: Duration,
}

impl Program {
    /// A command by its path or name. Its limit is 30 seconds until another is set (in an emulated machine all are longer); it gets
    /// no standard input.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Self { command, limit: Duration::from_secs(30) }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the folder that it runs in.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets the time after which it is killed, with its process group.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Gives it a pipe as standard input, for [`Running::write`].
    #[must_use]
    pub fn with_input(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// Sends its standard output elsewhere than into the [`Outcome`].
    #[must_use]
    pub fn stdout(mut self, output: impl Into<Stdio>) -> Self {
        self.command.stdout(output);
        self
    }

    /// Sends its standard error elsewhere than into the [`Outcome`].
    #[must_use]
    pub fn stderr(mut self, output: impl Into<Stdio>) -> Self {
        self.command.stderr(output);
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started or waited for. Running out of time is no error: see [`Outcome::timed_out`].
    pub fn run(self) -> Result<Outcome, Error> {
        self.start()?.finish()
    }

    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut self) -> Result<Running, Error> {
        let started = Instant::now();
        let name = self.command.get_program().to_string_lossy().into_owned();
        let child = self.command.spawn().map_err(Error::io(format!("run {name}")))?;
        Ok(Running::new(child, started, self.limit * patience()))
    }
}

/// How many times longer programs may take here: a guest of `cargo xtask test --vm` is emulated, and not alone on its processor.
fn patience() -> u32 {
    if std::env::var_os("QUADRANT_GUEST").is_some() { 4 } else { 1 }
}
