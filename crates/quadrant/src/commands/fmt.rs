//! `quadrant fmt`: scripts in the usual form.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use quadrant_bpf::Error;
use quadrant_program::sources::Sources;

use crate::commands;
use crate::commands::Done;
use crate::failure::Failure;
use crate::failure::shown;
use crate::script;

/// Print bpftrace scripts in the usual form, with all their comments.
///
/// Only blanks, line breaks and semicolons at the ends of statements change. A script with errors is left alone.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant fmt", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
struct Options {
    /// Name the files that are not in this form, and change nothing
    #[arg(long, conflicts_with = "write")]
    check: bool,

    /// Write the files that are not in this form, and name them
    #[arg(long)]
    write: bool,

    /// Scripts; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

const NOTES: &str = "The exit status is 1 if a file has errors, or with --check if one is not in this form.";

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(format_all(&options))
}

/// Files behind one with errors get their turn.
fn format_all(options: &Options) -> Done {
    let mut status = 0;
    for file in &options.files {
        match format(options, file) {
            Ok(found) => status = status.max(found),
            Err(failure) => {
                failure.print("quadrant: error");
                status = 1;
            }
        }
    }
    Ok(status)
}

fn format(options: &Options, file: &str) -> Done {
    refuse(options, file)?;
    let source = script::text_of(file)?;
    let text = match quadrant_bpftrace::format::format(&source) {
        Ok(text) => text,
        Err(diagnostics) => return Err(Failure::script(&Sources::new(shown(file), &source), &diagnostics)),
    };
    let changes = text != source;
    match (options.check, options.write) {
        (true, _) => name(file, changes).map(|()| i32::from(changes)),
        (_, true) => write(file, &text, changes).map(|()| 0),
        _ => commands::print(text.as_bytes()).map(|()| 0),
    }
}

fn name(file: &str, changes: bool) -> Result<(), Failure> {
    if changes { commands::print(format!("{}\n", shown(file)).as_bytes()) } else { Ok(()) }
}

/// In place: a script keeps its owner, its mode and its links.
fn write(file: &str, text: &str, changes: bool) -> Result<(), Failure> {
    if changes {
        std::fs::write(file, text).map_err(|error| Error::io(format!("cannot write {}", shown(file)), &error))?;
    }
    name(file, changes)
}

fn refuse(options: &Options, file: &str) -> Result<(), Failure> {
    if Path::new(file).extension().is_some_and(|extension| extension == "d") {
        let failure = Failure::usage(format!("{} is a script in D, whose form is its author's", shown(file)));
        return Err(failure.hint("`quadrant fmt` knows the form of bpftrace scripts only; nothing was changed"));
    }
    if file == "-" && options.write {
        return Err(Failure::usage("standard input cannot be written").hint("leave out --write"));
    }
    Ok(())
}
