//! `quadrant build`: an executable from a script.

mod object;
mod options;
mod write;

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use clap::Parser;
use quadrant_bpftrace::Script;
use quadrant_program::diag::Severity;

use crate::args::Args;
use crate::commands;
use crate::commands::Done;
use crate::dtrace;
use crate::failure::Failure;
use crate::failure::shown;
use crate::imports::Files;
use crate::output_file;
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
    options.file().map_or(Ok(()), |file| output_file::check_apart(&output, Path::new(file)))?;
    if is_object(&output) {
        return object(options, &output);
    }
    let (script, fixed) = if options.is_d() { d(options)? } else { bpftrace(options)? };
    let name = output.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let payload = Payload { name, options: fixed, params: options.parameters().to_vec(), script };
    output_file::check_sources(Some(&output))?;
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
    Ok(output)
}

fn is_object(output: &Path) -> bool {
    output.extension().is_some_and(|extension| extension == "o")
}

/// An object that libbpf and bpftool load.
fn object(options: &Options, output: &Path) -> Result<(), Failure> {
    if options.is_d() {
        let failure = Failure::usage(
            "objects are made of scripts in bpftrace's language only: actions of D are carried out by the tracer",
        );
        return Err(failure.hint("give a name without .o: an executable is made, which brings the tracer along"));
    }
    let (script, _) = gathered(options)?;
    let args = args(options, script, options.words_of_objects()?)?;
    let script = args.script.clone().unwrap_or_default();
    object::build(output, &script, &args, options.no_check)
}

/// A script in bpftrace's language, and what carries it.
fn gathered(options: &Options) -> Result<(Script, Bundle), Failure> {
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
    Ok((script, bundle))
}

/// The command line that the script would be run with.
fn args(options: &Options, script: Script, words: Vec<String>) -> Result<Args, Failure> {
    let mut args = Args::try_parse_from(std::iter::once("quadrant".to_owned()).chain(words))
        .map_err(|error| Failure::usage(error.to_string()))?;
    args.script = Some(Box::new(script));
    args.rest = options.parameters().to_vec();
    args.dry_run = true;
    args.format = crate::args::Format::Text;
    Ok(args)
}

/// A script in bpftrace's language, and the words of its options.
fn bpftrace(options: &Options) -> Result<(Carried, Vec<String>), Failure> {
    let (script, bundle) = gathered(options)?;
    let words = options.bpftrace_words()?;
    if !options.no_check {
        run::run(&args(options, script, words.clone())?).map_err(unchecked)?;
    }
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
