//! One tracer for all four quadrants of Linux tracing.
//!
//! This crate is glue: flags, messages, exit status. It is the only one that prints or exits.
//!
//! Exit status: what the script's exit() gave; else, with `-c`, the command's; else 0. 1 when something failed; 3 with `--strict` when
//! something was lost, or `--max-overhead` ended the trace. A reader that closes the output (`| head`) ends the trace quietly with 0.

#[macro_use]
mod say;

mod answers;
mod args;
mod bpftrace;
mod checks;
mod commands;
mod diag;
mod documents;
mod dtrace;
mod encoding;
mod engines;
mod excerpt;
mod failure;
mod front;
mod groups;
mod host;
mod imports;
mod keys;
mod list;
mod losses;
mod notify;
mod output_file;
mod overhead;
mod packets;
mod parameters;
mod programs;
mod progress;
mod recording;
mod resolver;
mod run;
mod scope;
mod script;
mod signatures;
mod spread;
mod streams;
mod tool;
mod words;
mod world;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use args::Args;
use failure::Failure;

fn main() -> ExitCode {
    if let Err(limit) = quadrant_bpf::limits::bump_stack() {
        return commands::status(Err(small_stack(limit)));
    }
    quadrant_bpf::limits::fail_at_file_size();
    if quadrant_bpf::stdout::was_closed() {
        let failure = Failure::new("standard output is closed (EBADF): there is nowhere to write to");
        return commands::status(Err(failure.hint("`>/dev/null` throws output away")));
    }
    streams::wait_for_readers();
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(status) = tool::main(&words) {
        return status;
    }
    if let Some((main, words)) = personality(&words) {
        return main(words);
    }
    let mut args = match Args::parse(words.clone()) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match commands::run(&args, &words) {
        Some(Ok(done)) => return commands::status(done),
        Some(Err(error)) => return usage(&error),
        None => {}
    }
    let done = args.settle().and_then(|()| if args.list { list::list(&args) } else { run::run(&args) });
    commands::status(done)
}

/// Deep scripts would end the process without a word.
fn small_stack(limit: u64) -> Failure {
    let (kib, needed) = (limit >> 10, quadrant_bpf::limits::STACK >> 10);
    let failure = Failure::new(format!(
        "the stack is limited to {kib} KiB of the {needed} that are needed, and cannot be raised here"
    ));
    failure
        .hint(format!("raise the hard limit where it was lowered (`ulimit -s {needed}`), or run with CAP_SYS_RESOURCE"))
}

/// Runs another tracer's command line, which gets the words behind the tracer's name.
type Personality = fn(&[OsString]) -> ExitCode;

/// The tracers whose command lines are known.
const PERSONALITIES: [(&str, Personality); 2] = [("bpftrace", bpftrace::main), ("dtrace", dtrace::main)];

/// Another tracer's command line, if that is meant (by the program's name, or by the first word), and the words for it.
fn personality(words: &[OsString]) -> Option<(Personality, &[OsString])> {
    let (program, rest) = words.split_first()?;
    let called = |name: &std::ffi::OsStr| PERSONALITIES.iter().find(|(known, _)| name == *known).map(|(_, main)| *main);
    if let Some(main) = Path::new(program).file_name().and_then(called) {
        return Some((main, rest));
    }
    let (first, rest) = rest.split_first()?;
    called(first).map(|main| (main, rest))
}

/// Help goes to standard output with 0, a wrong command line to standard error with 1.
fn usage(error: &clap::Error) -> ExitCode {
    let written = failure::written("the help", error.print());
    if let Err(failure) = &written {
        failure.print("quadrant: error");
    }
    if error.use_stderr() || written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
