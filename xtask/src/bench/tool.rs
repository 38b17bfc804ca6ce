//! The tracers that are compared, and how each is started.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use quadrant_testing::{Outcome, Program, Running, Signal};

use crate::Failure;
use crate::workspace;

/// Longer than the slowest tool needs for the slowest benchmark.
const LIMIT: Duration = Duration::from_secs(300);

/// The language that a tool speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// bpftrace's.
    Bpftrace,
    /// ply's.
    Ply,
    /// DTrace's.
    D,
}

/// A tracer.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The heading of its column.
    pub name: String,
    /// The command and its first arguments.
    pub command: Vec<String>,
    /// What it speaks.
    pub language: Language,
    /// Why it cannot be measured.
    pub absent: Option<String>,
}

/// One script in the languages that can say it.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// In bpftrace's language.
    pub bpftrace: String,
    /// In ply's, if ply can do it.
    pub ply: Option<String>,
    /// In D, if D can do it.
    pub d: Option<String>,
}

impl Script {
    /// A script that only bpftrace's language can say.
    pub fn bpftrace(text: impl Into<String>) -> Self {
        Self { bpftrace: text.into(), ..Self::default() }
    }

    /// The same in ply's language.
    pub fn or_ply(mut self, text: impl Into<String>) -> Self {
        self.ply = Some(text.into());
        self
    }

    /// The same in D.
    pub fn or_d(mut self, text: impl Into<String>) -> Self {
        self.d = Some(text.into());
        self
    }
}

/// This tracer, the peers named, and the peers found.
pub fn find(quadrant: Option<&str>, peers: &[String]) -> Result<Vec<Tool>, Failure> {
    let own = match quadrant {
        Some(command) => Tool::new("quadrant", command),
        None => {
            workspace::release_binary().map_or_else(|e| Tool::absent("quadrant", e.to_string()), Tool::at("quadrant"))
        }
    };
    // The same binary by DTrace's command line: what a question costs in the other language.
    let mut d = Tool { name: "quadrant D".into(), language: Language::D, ..own.clone() };
    d.command.push("dtrace".into());
    let mut tools = vec![own, d];
    for peer in peers {
        let (name, command) = peer.split_once('=').ok_or("--peer is NAME=COMMAND")?;
        tools.push(Tool::new(name, command));
    }
    for name in ["bpftrace", "ply"] {
        if !tools.iter().any(|tool| tool.name == name) {
            let reason = || Tool::absent(name, "not on the PATH; --peer says where it is".into());
            tools.push(on_path(name).map_or_else(reason, Tool::at(name)));
        }
    }
    Ok(tools)
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

impl Tool {
    /// A tool by its name and its command, whose words are separated by spaces.
    fn new(name: &str, command: &str) -> Self {
        let language = match name {
            _ if name.starts_with("ply") => Language::Ply,
            _ if name.starts_with("dtrace") => Language::D,
            _ => Language::Bpftrace,
        };
        let command = command.split_whitespace().map(str::to_owned).collect();
        Self { name: name.to_owned(), command, language, absent: None }
    }

    fn at(name: &str) -> impl FnOnce(PathBuf) -> Self {
        move |path| Self { command: vec![path.to_string_lossy().into_owned()], ..Self::new(name, "") }
    }

    fn absent(name: &str, reason: String) -> Self {
        Self { absent: Some(reason), ..Self::new(name, "") }
    }

    /// Starts a script. Its standard output is collected, or sent into a file.
    pub fn start(&self, script: &Script, output: Option<File>) -> Result<Running, Failure> {
        if let Some(reason) = &self.absent {
            return Err(reason.clone().into());
        }
        let (first, rest) = self.command.split_first().ok_or("its command is empty")?;
        let program = Program::new(first).args(rest).args(self.arguments(script)?).limit(LIMIT);
        let program = match output {
            Some(file) => program.stdout(file),
            None => program,
        };
        Ok(program.start()?)
    }

    /// Starts a script and waits until it is attached; how long that took since the start.
    pub fn attach(&self, script: &Script, output: Option<File>) -> Result<(Running, Duration), Failure> {
        let running = self.start(script, output)?;
        match self.language {
            Language::Bpftrace => running.wait_for_stderr("Attached ")?,
            Language::Ply => running.wait_for_stdout("attached")?,
            Language::D => return Err("it does not say when it is attached".into()),
        }
        let taken = running.started().elapsed();
        Ok((running, taken))
    }

    fn arguments(&self, script: &Script) -> Result<Vec<String>, Failure> {
        match self.language {
            Language::D => {
                let text = script.d.as_ref().ok_or("its language cannot say this")?;
                Ok(vec!["-qn".into(), text.clone()])
            }
            Language::Bpftrace => Ok(vec!["-e".into(), script.bpftrace.clone()]),
            Language::Ply => {
                let text = script.ply.as_ref().ok_or("its language cannot say this")?;
                Ok(vec!["-u".into(), format!("BEGIN {{ printf(\"attached\\n\"); }} {text}")])
            }
        }
    }
}

/// Ends a tracer as Ctrl-C does; what it left, and how long it took to end.
pub fn interrupt(running: Running) -> Result<(Outcome, Duration), Failure> {
    let asked = Instant::now();
    running.signal(Signal::INT)?;
    let outcome = finished(running)?;
    Ok((outcome, asked.elapsed()))
}

/// Waits for a tracer that ends by itself.
pub fn finished(running: Running) -> Result<Outcome, Failure> {
    let outcome = running.finish()?;
    if outcome.success() { Ok(outcome) } else { Err(format!("it failed: {}", outcome.describe()).into()) }
}

#[cfg(test)]
impl Tool {
    /// A tool that speaks bpftrace's language.
    pub fn bpftrace(name: &str, command: &str) -> Self {
        Self { language: Language::Bpftrace, ..Self::new(name, command) }
    }
}
