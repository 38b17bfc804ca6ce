//! `quadrant build`: an executable from a script.

mod options;
mod write;

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use clap::Parser;
use quadrant_program::diag::Severity;

use crate::args::Args;
use crate::commands;
use crate::commands::Done;
use crate::dtrace;
use crate::failure::Failure;
use crate::failure::shown;
use crate::imports::Files;
use crate::run;
use crate::script;
use crate::tool::bundle::Bundle;
use crate::tool::payload::Carried;
use crate::tool::payload::Payload;
use options::Options;

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(build(&options).map(|()| 0))
}

fn build(options: &Options) -> Result<(), Failure> {
    let output = output(options)?;
    let (script, fixed) = if options.is_d() { d(options)? } else { bpftrace(options)? };
    let name = output.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let payload = Payload { name, options: fixed, params: options.parameters().to_vec(), script };
    write::tool(&output, &payload)
}

/// The tool's file: by default beside us, with the script's name without its ending.
fn output(options: &Options) -> Result<PathBuf, Failure> {
    let output = match &options.output {
        Some(output) => output.clone(),
        None => {
            let named = options.file().map(Path::new).filter(|file| file.extension().is_some());
            let stem = named.and_then(Path::file_stem).map(PathBuf::from);
            stem.ok_or_else(|| Failure::usage("the tool needs a name: give one with -o"))?
        }
    };
    if output.file_name().is_none() {
        return Err(Failure::usage(format!("{} is no name for a file", shown(&output.to_string_lossy()))));
    }
    if output.extension().is_some_and(|extension| extension == "o") {
        let failure = Failure::usage(
            "eBPF objects are not supported: a tool compiles its script when it starts, for the kernel it is on",
        );
        return Err(failure.hint("give a name without .o: an executable is made"));
    }
    Ok(output)
}

/// A script in bpftrace's language, and the words of its options.
fn bpftrace(options: &Options) -> Result<(Carried, Vec<String>), Failure> {
    let file = options.file();
    let text = match (&options.execute, file) {
        (Some(program), _) => program.clone(),
        (None, file) => script::text_of(file.unwrap_or("-"))?,
    };
    let files = Files::new(file, &options.include_dirs, &options.includes);
    let name = file.filter(|file| *file != "-").unwrap_or("stdin");
    let (script, bundle) = Bundle::gather(name, &text, &files);
    if script.diagnostics.iter().any(|found| found.severity == Severity::Error) {
        return Err(Failure::script(&script.sources, &script.diagnostics));
    }
    let words = options.bpftrace_words()?;
    if options.no_check {
        return Ok((Carried::Bpftrace(bundle), words));
    }
    let mut args = Args::try_parse_from(std::iter::once("quadrant").chain(words.iter().map(String::as_str)))
        .map_err(|error| Failure::usage(error.to_string()))?;
    args.script = Some(Box::new(script));
    args.rest = options.parameters().to_vec();
    args.dry_run = true;
    args.format = crate::args::Format::Text;
    run::run(&args).map_err(unchecked)?;
    Ok((Carried::Bpftrace(bundle), words))
}

/// A script in D, and the words of its options.
fn d(options: &Options) -> Result<(Carried, Vec<String>), Failure> {
    let (program, words) = dtrace::tool::gather(options.file().unwrap_or_default(), &options.d_words()?)?;
    if !options.no_check {
        dtrace::tool::check(&program, &words, options.parameters()).map_err(unchecked)?;
    }
    Ok((Carried::D(program), words))
}

/// The script is for another machine, perhaps.
fn unchecked(failure: Failure) -> Failure {
    failure.hint("a script for another machine is built with --no-check; the tool checks it when it starts")
}
