//! The command line of DTrace: `quadrant dtrace ...`, or a link named `dtrace`.
//!
//! Exit status: what the program's `exit()` gave, else 0; 1 when something failed; 2 for an option that there is not.

mod adjust;
mod attributes;
mod build;
mod cpp;
mod descriptions;
pub mod getopt;
mod list;
pub mod record;
mod recorded;
pub mod replay;
mod report;
mod settings;
mod sink;
mod sources;
mod targets;
pub mod tool;
mod trace;
mod usage;
mod verbose;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::failure::{self, Failure};
use build::Product;
use getopt::Line;
use getopt::Misuse;
use getopt::Mode;

/// Exit status of a command line that makes no sense.
const USAGE: u8 = 2;

/// The version of the language, as `-V` gives it; the preprocessor's `__SUNW_D_VERSION` is the same.
const VERSION: &str = "2.0";

/// Runs the command line; `words` are those behind the name.
pub fn main(words: &[OsString]) -> ExitCode {
    if let [word] = words
        && word == "--help"
    {
        return ended(write("the help", usage::USAGE).map(|()| 0));
    }
    let line = match getopt::parse(words) {
        Ok(line) => line,
        Err(Misuse::Line(message)) => {
            eprintln!("dtrace: {message}");
            eprint!("{}", usage::USAGE);
            return ExitCode::from(USAGE);
        }
        Err(Misuse::Value(message)) => {
            eprintln!("dtrace: {message}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(misuse) = check(&line) {
        eprintln!("dtrace: {misuse}");
        return ExitCode::from(USAGE);
    }
    ended(run(&line))
}

fn ended(result: Result<i32, Failure>) -> ExitCode {
    match result {
        Ok(status) => ExitCode::from(status as u8),
        Err(failure) => {
            failure.print("dtrace");
            ExitCode::FAILURE
        }
    }
}

/// Writes a whole answer.
fn write(what: &str, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    failure::written(what, out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn check(line: &Line) -> Result<(), String> {
    if line.several_modes {
        return Err("only one of the [-GhlV] options can be specified at a time".to_owned());
    }
    match line.mode {
        Mode::Header => build::check(line, Product::Header),
        Mode::Object => build::check(line, Product::Object),
        _ => Ok(()),
    }
}

fn run(line: &Line) -> Result<i32, Failure> {
    match line.mode {
        Mode::Trace | Mode::Compile | Mode::Check => trace::run(line),
        Mode::Version => {
            let version = format!("dtrace: D {VERSION} (Quadrant {})\n", env!("CARGO_PKG_VERSION"));
            write("the version", &version).map(|()| 0)
        }
        Mode::Anonymous(letter) => Err(Failure::new(format!("-{letter}: {}", usage::ANONYMOUS)).hint(usage::INSTEAD)),
        Mode::List => list::run(line),
        Mode::Header => build::run(line, Product::Header),
        Mode::Object => build::run(line, Product::Object),
    }
}
