//! Sub-commands: what is done besides running a script.
//!
//! A script's file name comes first on the command line, so a command is only meant if no file has its name and no
//! program was given with `-e`.

mod active;
mod aliases;
mod btf;
mod build;
mod cleanup;
mod doctor;
mod entries;
mod explain;
mod fmt;
mod holders;
pub mod json;
pub mod load;
mod maps;
mod progs;
pub mod record;
pub mod replay;
mod stacks;
mod table;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::builder::Resettable;
use clap::parser::ValueSource;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;

use crate::PERSONALITIES;
use crate::args::Args;
use crate::args::Format;
use crate::failure;
use crate::failure::Failure;
use crate::list;
use crate::spread::spread;

/// What a command gives: the exit status.
type Done = Result<i32, Failure>;

/// A command's code, which gets the words from its own name on.
type Run = fn(&[OsString]) -> Result<Done, clap::Error>;

/// The commands. Their help is in [`crate::args`].
const COMMANDS: &[(&str, Run)] = &[
    ("active", active::run),
    ("aliases", aliases::run),
    ("btf", btf::run),
    ("build", build::run),
    ("cleanup", cleanup::run),
    ("doctor", doctor::run),
    ("explain", explain::run),
    ("fmt", fmt::run),
    ("help", help),
    ("list", list),
    ("load", load::run),
    ("maps", maps::run),
    ("progs", progs::run),
    ("record", record::run),
    ("replay", replay::run),
];

/// Runs the command that the command line names; `None` if it names none.
pub fn run(args: &Args, words: &[OsString]) -> Option<Result<Done, clap::Error>> {
    let name = args.rest.first()?;
    let (name, run) = COMMANDS.iter().find(|(command, _)| command == name)?;
    if args.execute.is_some() || args.list || Path::new(name).exists() {
        return None;
    }
    let words = words.get(1..).unwrap_or_default();
    if words.first().is_none_or(|word| word != name) {
        let failure = Failure::usage(format!("options of `{name}` go behind it"));
        return Some(Ok(Err(failure.hint(format!("try 'quadrant {name} --help'")))));
    }
    Some(run(words))
}

/// Parses a command's own options, which stand behind its name.
fn parse<T: Parser>(words: &[OsString]) -> Result<T, clap::Error> {
    T::try_parse_from(spread(&T::command(), words.iter().skip(1).cloned()))
}

/// Flags of scripts that a command has not.
struct Without {
    /// They would mean something else than what is done, so they are refused.
    refused: &'static [&'static str],
    /// They change nothing.
    idle: &'static [&'static str],
}

/// Parses the options of a command that has those of scripts, too, but for some, which its help does not show.
fn parse_script<T: Parser>(words: &[OsString], without: &Without) -> Result<Result<T, Failure>, clap::Error> {
    let hidden = without.refused.iter().chain(without.idle);
    let command = hidden.fold(T::command(), |command, flag| command.mut_arg(flag, without_effect));
    let command = command.mut_arg("rest", |arg| {
        arg.value_name("FILE|PARAMETER")
            .help("Script file (- for standard input), then the script's parameters $1, $2, ...")
    });
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let words = spread(&command, words.iter().skip(1).cloned());
    let matches = command.try_get_matches_from(words)?;
    let is_given = |flag: &&&str| matches.value_source(flag) == Some(ValueSource::CommandLine);
    if let Some(flag) = without.refused.iter().find(is_given) {
        let failure = Failure::usage(format!("`{name}` has no use for --{}", flag.replace('_', "-")));
        return Ok(Err(failure.hint("leave it out")));
    }
    T::from_arg_matches(&matches).map(Ok)
}

/// Help does not show such a flag, and what it needs beside it does not matter: it is refused, or changes nothing.
fn without_effect(flag: clap::Arg) -> clap::Arg {
    flag.hide(true).requires(Resettable::Reset)
}

/// `help` is `--help`, and `help COMMAND` is `COMMAND --help`.
fn help(words: &[OsString]) -> Result<Done, clap::Error> {
    let Some(word) = words.get(1).and_then(|word| word.to_str()).filter(|word| !word.starts_with('-')) else {
        return Args::parse(["quadrant".into(), "--help".into()]).map(|_| Ok(0));
    };
    match COMMANDS.iter().find(|(command, _)| word == *command) {
        Some(("help", _)) => help(&[]),
        Some((name, run)) => run(&[(*name).into(), "--help".into()]),
        None => Ok(Err(no_help(word))),
    }
}

fn no_help(word: &str) -> Failure {
    if PERSONALITIES.iter().any(|(name, _)| *name == word) {
        let failure = Failure::usage(format!("`{word}` has the help of that tracer"));
        return failure.hint(format!("try 'quadrant {word} --help'"));
    }
    let failure = Failure::usage(format!("there is no command `{}`", failure::shown(word)));
    match quadrant_types::suggest(word, COMMANDS.iter().map(|(command, _)| *command)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("'quadrant --help' names the commands"),
    }
}

/// `list PATTERN` is `-l PATTERN`.
fn list(words: &[OsString]) -> Result<Done, clap::Error> {
    let others = words.iter().skip(1).cloned();
    let args = Args::parse(["quadrant".into(), "-l".into()].into_iter().chain(others))?;
    Ok(list::list(&args))
}

/// Writes a whole answer.
fn print(answer: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    failure::written("the answer", out.write_all(answer).and_then(|()| out.flush()))
}

/// How a list is shown.
#[derive(Debug, clap::Args)]
struct ListOptions {
    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Cut nothing, however long the lines become
    #[arg(long)]
    full: bool,
}

/// How often something is looked at.
#[derive(Debug, clap::Args)]
struct Looks {
    /// Look so often: `1s`, `500ms`
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1s")]
    interval: Duration,

    /// End after so many looks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

impl Looks {
    /// How many there are.
    fn number(&self) -> u64 {
        self.count.unwrap_or(u64::MAX)
    }

    /// Waits for the next one; `false` if who reads the answers has left meanwhile.
    fn wait(&self) -> bool {
        let time = Timespec::try_from(self.interval).ok();
        let stdout = std::io::stdout();
        !poll(&mut [PollFd::new(&stdout, PollFlags::empty())], time.as_ref()).is_ok_and(|ready| ready > 0)
    }
}

/// The one object that was found under a number or a name; `hint` says how to find others.
fn only<T>(mut found: Vec<T>, what: &str, wanted: &str, hint: &str, id: impl Fn(&T) -> u32) -> Result<T, Failure> {
    let wanted = failure::shown(wanted);
    match (found.pop(), found.as_slice()) {
        (Some(one), []) => Ok(one),
        (None, _) => Err(Failure::usage(format!("the kernel has no {what} `{wanted}`")).hint(hint)),
        (Some(last), others) => {
            let ids: Vec<String> = others.iter().chain([&last]).map(|object| id(object).to_string()).collect();
            let failure = Failure::usage(format!("several {what}s are called `{wanted}`"));
            Err(failure.hint(format!("choose by number: {}", ids.join(", "))))
        }
    }
}

/// `1s`, `500ms`, `2m`, `1.5`.
fn time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 5] = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    const LONGEST: f64 = 366.0 * 86_400.0;
    let (number, unit) =
        UNITS.iter().find_map(|(unit, len)| Some((text.strip_suffix(unit)?, *len))).unwrap_or((text, 1.0));
    let seconds = number.parse::<f64>().map_err(|_| "no time: write 500ms, 10s or 1m".to_owned())? * unit;
    if !(0.001..=LONGEST).contains(&seconds) {
        return Err("must be between a millisecond and a year".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Writes a table, cut to the usual width unless it is to be `full`.
fn print_table(columns: &[table::Column], rows: &[Vec<String>], full: bool) -> Result<(), Failure> {
    print(table::render(columns, rows, (!full).then_some(table::WIDTH)).as_bytes())
}

/// What an answer cannot tell goes to standard error.
fn print_notes(notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("quadrant: note: {}", escaped(note.as_bytes())));
}

/// Numbers of objects in a cell: the first few, or all.
fn numbers(ids: &[u32], full: bool) -> String {
    let shown = if full { usize::MAX } else { 2 };
    let mut words: Vec<String> = ids.iter().take(shown).map(u32::to_string).collect();
    if ids.len() > shown {
        words.push(format!("+{}", ids.len() - shown));
    }
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

/// Text of others, safe to show.
fn escaped(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    quadrant_output::escape::text(&mut out, bytes);
    String::from_utf8_lossy(&out).into_owned()
}

/// The exit status of a command, after its failure was told.
pub fn status(done: Done) -> ExitCode {
    match done {
        Ok(status) => ExitCode::from(status as u8),
        Err(failure) => {
            failure.print("quadrant: error");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert!(time("0s").is_err() && time("x").is_err() && time("-1s").is_err() && time("1e300").is_err());
    }
}
