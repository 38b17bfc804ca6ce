//! Tools that `quadrant build` made: this program with a script behind its end.
//!
//! The script is compiled when the tool starts (that takes milliseconds), because only then is it known what the kernel has: where the
//! members of its structs are, which helpers and kinds of probes there are. Finished eBPF could at most have its offsets adjusted.

pub mod bundle;
pub mod line;
pub mod payload;
pub mod seal;

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use quadrant_bpf::Error;
use quadrant_bpftrace::options;

use crate::args::Args;
use crate::dtrace;
use crate::failure::Failure;
use crate::run;
use bundle::Bundle;
use line::Given;
use line::Tool;
use payload::Carried;
use payload::Payload;
use payload::Program;
use seal::Unreadable;

/// Runs the tool that this program is; `None` if it is the tracer itself.
pub fn main(words: &[OsString]) -> Option<ExitCode> {
    let payload = match carried() {
        Ok(payload) => payload?,
        Err(failure) => return Some(failed(&called(words), &failure)),
    };
    let name = words.first().map_or(payload.name.clone(), |_| called(words));
    let done = match &payload.script {
        Carried::Bpftrace(bundle) => run_bpftrace(&name, &payload, bundle, words),
        Carried::D(program) => run_d(&name, &payload, program, words),
    };
    Some(match done {
        Ok(Ok(status)) => ExitCode::from(status as u8),
        Ok(Err(failure)) => failed(&name, &failure),
        Err(usage) => crate::usage(&usage),
    })
}

/// The program's own file, which is there even if its name is not.
///
/// # Errors
/// It cannot be opened.
pub fn own_file() -> io::Result<File> {
    // Without /proc there is the name by which the kernel found it.
    let name = || OsStr::from_bytes(rustix::param::linux_execfn().to_bytes());
    File::open("/proc/self/exe").or_else(|error| File::open(name()).map_err(|_| error))
}

fn carried() -> Result<Option<Payload>, Failure> {
    // The tracer runs without its file, too.
    let Ok(file) = own_file() else { return Ok(None) };
    let bytes = match seal::open(&file) {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => Payload::decode(&bytes).map_err(Unreadable::Damaged),
        Err(unreadable) => Err(unreadable),
    };
    bytes.map(Some).map_err(|unreadable| match unreadable {
        Unreadable::Io(error) => Error::io("cannot read the script that this tool carries", &error).into(),
        Unreadable::Damaged(why) => Failure::new(format!("the script that this tool carries is damaged: {}", why.0))
            .hint("copy the tool again, or build it again with `quadrant build`"),
    })
}

fn called(words: &[OsString]) -> String {
    let name = words.first().and_then(|word| Path::new(word).file_name());
    name.map_or("tool".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn failed(name: &str, failure: &Failure) -> ExitCode {
    failure.print(&format!("{}: error", crate::failure::shown(name)));
    ExitCode::FAILURE
}

type Done = Result<Result<i32, Failure>, clap::Error>;

fn run_bpftrace(name: &str, payload: &Payload, bundle: &Bundle, words: &[OsString]) -> Done {
    let script = bundle.script();
    let parameters = options::parameters(&script.tree);
    let tool = Tool { name, origin: &origin(&bundle.files[0]), parameters: &parameters, has_formats: true };
    let given = line::parse(&tool, words)?;
    let mut args = Args::try_parse_from(std::iter::once("quadrant").chain(payload.options.iter().map(String::as_str)))?;
    args.script = Some(Box::new(script));
    args.rest = combined(&given.params, &payload.params);
    let Given { pid, command, output, format, quiet, .. } = given;
    (args.pid, args.command, args.output) = (pid, command, output);
    args.format = format.unwrap_or(args.format);
    args.quiet |= quiet;
    Ok(args.settle().and_then(|()| run::run(&args)))
}

fn run_d(name: &str, payload: &Payload, program: &Program, words: &[OsString]) -> Done {
    let tool = Tool { name, origin: &origin(&program.script), parameters: &[], has_formats: false };
    let mut given = line::parse(&tool, words)?;
    given.params = combined(&given.params, &payload.params);
    Ok(dtrace::tool::run(program, &payload.options, given))
}

fn origin(file: &bundle::File) -> String {
    if file.name == "stdin" { "a program without a file".to_owned() } else { format!("the script {}", file.name) }
}

/// Given parameters take the places of the tool's own. Of two with a name, the last counts.
fn combined(given: &[String], own: &[String]) -> Vec<String> {
    let is_named = |param: &&String| param.starts_with("--");
    let positional = given.iter().filter(|param| !is_named(param)).count();
    let own_names = own.iter().filter(is_named);
    let own_rest = own.iter().filter(|param| !is_named(param)).skip(positional);
    own_names.chain(given).chain(own_rest).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_parameters_replace_the_tools_own() {
        let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let own = texts(&["a", "--n=1", "b"]);
        assert_eq!(combined(&[], &own), texts(&["--n=1", "a", "b"]));
        assert_eq!(combined(&texts(&["--n=2", "x"]), &own), texts(&["--n=1", "--n=2", "x", "b"]));
        assert_eq!(combined(&texts(&["x", "y", "z"]), &own), texts(&["--n=1", "x", "y", "z"]));
    }
}
