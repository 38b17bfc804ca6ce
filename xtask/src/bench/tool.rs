//! The tracers that are compared, and how each is started.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use quadrant_testing::{Outcome, Program, Running, Signal};

use super::made;
use super::place;
use super::script::Placed;
use crate::Failure;
use crate::workspace;

/// Longer than the slowest tool needs for the slowest benchmark.
const LIMIT: Duration = Duration::from_secs(300);
/// How long a tool is waited for that prints that it is attached: dtrace takes half a minute; ply holds its output back until so many events
/// have come, which on an idle machine is never.
const SAYS_WITHIN: Duration = Duration::from_secs(60);
/// A text of more bytes goes into a file: the system takes arguments of less than 128 KiB.
const LONGEST_ARGUMENT: usize = 100_000;

/// The language that a tool speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// bpftrace's.
    Bpftrace,
    /// ply's.
    Ply,
    /// DTrace's.
    D,
    /// C, made beforehand: the limit, and no peer.
    Object,
    /// perf's command line, before that of the target.
    Perf,
    /// strace's command line, before that of the target.
    Strace,
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
    /// Ours, or the limit: not one that ours is to be compared with.
    pub is_own: bool,
    /// Ours, which is measured under empty programs, too.
    pub is_first: bool,
    /// It takes half a minute to start, and so does only the benchmarks that are for all.
    pub is_slow: bool,
    /// What its start takes before the tool itself runs.
    pub launch: Duration,
    /// Why it cannot be measured.
    pub absent: Option<String>,
}

/// The peers that are looked for.
const PEERS: [&str; 4] = ["bpftrace", "ply", "dtrace", "perf"];

/// This tracer, the peers named, and the peers found: in another system's root, if there is one, or on the PATH.
pub fn find(quadrant: Option<&str>, peers: &[String], root: Option<&Path>) -> Result<Vec<Tool>, Failure> {
    let mut tools = own(quadrant);
    for peer in peers {
        let (name, command) = peer.split_once('=').ok_or("--peer is NAME=COMMAND")?;
        tools.push(in_root(Tool::new(name, command), root)?);
    }
    for name in PEERS {
        if !tools.iter().any(|tool| tool.name == name) {
            let tool = in_root(Tool::new(name, name), root)?;
            let is_there = tool.launch > Duration::ZERO || on_path(name);
            let absent = || Tool::absent(name, "not on the PATH; --peer or --root says where it is".into());
            tools.push(if is_there { tool } else { absent() });
        }
    }
    Ok(tools)
}

/// This tracer in both languages, and the programs written by hand, which it loads.
fn own(quadrant: Option<&str>) -> Vec<Tool> {
    let found = match quadrant {
        Some(command) => Tool::new("quadrant", command),
        None => {
            let path = workspace::release_binary().map(|path| path.to_string_lossy().into_owned());
            path.map_or_else(|e| Tool::absent("quadrant", e.to_string()), |path| Tool::new("quadrant", &path))
        }
    };
    let own = Tool { is_own: true, ..found };
    let variant = |name: &str, language, word: &str| {
        let mut tool = Tool { name: name.into(), language, ..own.clone() };
        tool.command.push(word.into());
        tool
    };
    let (d, by_hand) = (variant("quadrant D", Language::D, "dtrace"), variant("C by hand", Language::Object, "load"));
    vec![Tool { is_first: true, ..own }, d, by_hand]
}

/// The tool in another root, if its command is a name that is found there.
fn in_root(tool: Tool, root: Option<&Path>) -> Result<Tool, Failure> {
    let found = root.zip(tool.command.first()).and_then(|(root, name)| Some((root, place::find(root, name)?)));
    let Some((root, path)) = found else { return Ok(tool) };
    let (launcher, launch) = (made::launcher()?, made::launch_time()?);
    let mut command: Vec<String> =
        [launcher.as_path(), root, &path].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    command.extend_from_slice(&tool.command[1..]);
    Ok(Tool { command, launch, ..tool })
}

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

impl Tool {
    /// A tool by its name and its command, whose words are separated by spaces.
    fn new(name: &str, command: &str) -> Self {
        let language = match name {
            _ if name.starts_with("ply") => Language::Ply,
            _ if name.starts_with("dtrace") => Language::D,
            _ if name.starts_with("perf") => Language::Perf,
            _ if name.starts_with("strace") => Language::Strace,
            _ => Language::Bpftrace,
        };
        Self {
            name: name.to_owned(),
            command: command.split_whitespace().map(str::to_owned).collect(),
            language,
            is_own: false,
            is_first: false,
            is_slow: name.starts_with("dtrace"),
            launch: Duration::ZERO,
            absent: None,
        }
    }

    fn absent(name: &str, reason: String) -> Self {
        Self { absent: Some(reason), ..Self::new(name, "") }
    }

    /// The tool with more arguments, before the script.
    pub fn with(&self, arguments: &[&str]) -> Tool {
        let mut tool = self.clone();
        tool.command.extend(arguments.iter().map(|word| (*word).to_owned()));
        tool
    }

    /// Starts a script. Its standard output is collected, or sent into a file.
    pub fn start(&self, script: &Placed, output: Option<File>) -> Result<Running, Failure> {
        let mut words = self.words()?;
        words.extend(self.arguments(script)?);
        let program = program(&words)?;
        let program = match output {
            Some(file) => program.stdout(file),
            None => program,
        };
        Ok(program.start()?)
    }

    /// Starts a script and waits until it is attached; how long that took since the start.
    ///
    /// A language that says so only on standard output has that collected, whatever the caller wants.
    pub fn attach(&self, script: &Placed, output: Option<File>) -> Result<(Running, Duration), Failure> {
        let running = match self.language {
            Language::Ply | Language::D => self.start(script, None)?,
            _ => self.start(script, output)?,
        };
        match self.language {
            Language::Bpftrace | Language::Object => running.wait_for_stderr("Attached ")?,
            Language::Ply | Language::D => running.wait_for_stdout_within(SAYS_WITHIN, "attached")?,
            Language::Perf | Language::Strace => return Err("it runs the target itself".into()),
        }
        let taken = self.since_start(&running);
        Ok((running, taken))
    }

    /// The time from the start of a tool to now, without that of its launcher.
    pub fn since_start(&self, running: &Running) -> Duration {
        running.started().elapsed().saturating_sub(self.launch)
    }

    /// The words before those of a target, for a tool that starts the target itself; none for one that does not.
    pub fn wrap(&self, script: &Placed) -> Result<Option<Vec<String>>, Failure> {
        let arguments = match self.language {
            Language::Perf => script.perf(),
            Language::Strace => script.strace(),
            _ => return Ok(None),
        };
        let mut words = self.words()?;
        words.extend(arguments.ok_or(CANNOT_SAY)?);
        Ok(Some(words))
    }

    /// The time from the start of a tool to its end, without that of its launcher.
    pub fn elapsed(&self, outcome: &Outcome) -> Duration {
        outcome.elapsed.saturating_sub(self.launch)
    }

    fn words(&self) -> Result<Vec<String>, Failure> {
        match &self.absent {
            Some(reason) => Err(reason.clone().into()),
            None => Ok(self.command.clone()),
        }
    }

    fn arguments(&self, script: &Placed) -> Result<Vec<String>, Failure> {
        match self.language {
            Language::Bpftrace => bpftrace_arguments(script.bpftrace()),
            Language::D => Ok(vec!["-qn".into(), script.d().ok_or(CANNOT_SAY)?]),
            Language::Ply => Ok(vec!["-u".into(), script.ply().ok_or(CANNOT_SAY)?]),
            Language::Object => {
                let programs = script.by_hand().ok_or(CANNOT_SAY)?;
                Ok([vec![made::limits()?.to_string_lossy().into_owned()], programs].concat())
            }
            Language::Perf | Language::Strace => Err("it does nothing without a target".into()),
        }
    }
}

const CANNOT_SAY: &str = "its language cannot say this";

fn bpftrace_arguments(text: String) -> Result<Vec<String>, Failure> {
    if text.len() <= LONGEST_ARGUMENT {
        return Ok(vec!["-e".into(), text]);
    }
    // Beside the targets, where peers in another root see it, too.
    let path = quadrant_testing::target_dir()?.canonicalize()?.join("long-script.bt");
    std::fs::write(&path, text)?;
    Ok(vec![path.to_string_lossy().into_owned()])
}

/// A command with the time limit of all tools.
pub fn program(words: &[String]) -> Result<Program, Failure> {
    let (first, rest) = words.split_first().ok_or("the command is empty")?;
    Ok(Program::new(first).args(rest).limit(LIMIT))
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
