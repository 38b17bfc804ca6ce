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
mod explain;
mod fmt;
pub mod json;
mod load;
mod record;
mod replay;
mod table;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::failure::Failure;
use crate::list;

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
    ("list", list),
    ("load", load::run),
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
    T::try_parse_from(words.iter().skip(1))
}

/// `list PATTERN` is `-l PATTERN`.
fn list(words: &[OsString]) -> Result<Done, clap::Error> {
    let others = words.iter().skip(1).cloned();
    let args = Args::try_parse_from(["quadrant".into(), "-l".into()].into_iter().chain(others))?;
    Ok(list::list(&args))
}

/// Writes a whole answer. A reader that has seen enough is no failure.
fn print(answer: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(answer).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(quadrant_bpf::Error::io("cannot write the answer", &error).into()),
        Ok(()) => Ok(()),
    }
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
