//! Programs in D that a tool carries: how they are gathered, tried, and run.

use std::ffi::OsString;
use std::path::Path;

use quadrant_d::lower::Library;
use quadrant_d::lower::Source;
use quadrant_d::lower::SourceKind;
use quadrant_program::diag::Severity;
use quadrant_program::sources::Sources;
use quadrant_session::Compiled;
use quadrant_session::Options;

use super::getopt;
use super::getopt::Enabling;
use super::getopt::Kind;
use super::getopt::Line;
use super::getopt::Misuse;
use super::getopt::Mode;
use super::getopt::Setting;
use super::getopt::Target;
use super::report;
use super::settings;
use super::sources;
use super::sources::Texts;
use super::targets;
use super::trace;
use crate::failure::Failure;
use crate::script;
use crate::tool::bundle::File;
use crate::tool::line::Given;
use crate::tool::payload::Program;

/// Reads a script with the options of its first line (`#!/usr/sbin/dtrace -qs`) and others behind them, all as `-x` has them; gives what
/// a tool carries: the text as the preprocessor leaves it, the libraries, and the options that remain.
///
/// # Errors
/// A file that cannot be read, an option that there is not, a mistake in the text.
pub fn gather(file: &str, options: &[String]) -> Result<(Program, Vec<String>), Failure> {
    let mut line = Line { enablings: vec![script(file)], ..Line::default() };
    line.settings = first_line(file)?;
    line.settings.extend(parse(options)?.settings);
    let texts = Texts::read(&line)?;
    for one in &texts.programs {
        let errors = one.parsed().diagnostics.into_iter().filter(|found| found.severity == Severity::Error);
        let errors: String = errors.take(1).map(|error| report::message(one, &error, error.span, false)).collect();
        if !errors.is_empty() {
            return Err(Failure::rendered(errors));
        }
    }
    let plain = |library: Library| File { name: library.name, text: library.text };
    let program = Program {
        script: texts.programs.into_iter().next().map_or_else(File::default, |one| carried(one.source)),
        libraries: texts.libraries.into_iter().map(plain).collect(),
    };
    let remaining = line.settings.iter().filter(|setting| !USED_UP.contains(&setting.name.as_str()));
    Ok((program, remaining.flat_map(words).collect()))
}

/// Options that count when the script is read, and not any more when it runs.
const USED_UP: [&str; 9] = ["cpp", "cpphdrs", "cpppath", "cppargs", "define", "undef", "incdir", "libdir", "stdc"];

/// Compiles what a tool carries, and has the kernel check it.
///
/// # Errors
/// A mistake, or what this kernel cannot do.
pub fn check(program: &Program, options: &[String], params: &[String]) -> Result<(), Failure> {
    let line = Line { mode: Mode::Check, operands: params.to_vec(), ..carried_line(program, options)? };
    trace::run_texts(&line, &texts(program, &line)?).map(drop)
}

/// Compiles a script with the options of its first line, for these processes and commands, for those who look at what becomes of it;
/// gives its text, too.
///
/// # Errors
/// A mistake, or what this kernel cannot do.
pub fn compile(
    file: &str,
    params: &[String],
    targets: Vec<Target>,
    session: Options,
) -> Result<(Compiled, Sources), Failure> {
    let (line, texts) = script_line(file, false, params, targets)?;
    let targets = targets::open(&line)?;
    let (compiled, _) = trace::compiled(&line, &texts, &targets, || Ok(session))?;
    let source = &texts.programs[0].source;
    Ok((compiled, Sources::new(source.name.clone(), &source.text)))
}

/// The command line of a script with the options of its first line, which is only tried, and what it compiles; it may change the system
/// if it says so itself, or if that is allowed here.
///
/// # Errors
/// As of [`gather`].
pub fn script_line(
    file: &str,
    allow_unsafe: bool,
    params: &[String],
    targets: Vec<Target>,
) -> Result<(Line, Texts), Failure> {
    let allowed: Vec<String> = allow_unsafe.then(|| "-w".to_owned()).into_iter().collect();
    let (program, options) = gather(file, &allowed)?;
    let line = Line { mode: Mode::Check, operands: params.to_vec(), targets, ..carried_line(&program, &options)? };
    let texts = texts(&program, &line)?;
    Ok((line, texts))
}

/// Runs what a tool carries; gives the exit status.
///
/// # Errors
/// What stands in the way: the program, the probes, the kernel, the output.
pub fn run(program: &Program, options: &[String], given: Given) -> Result<i32, Failure> {
    let mut line = carried_line(program, options)?;
    line.settings.extend(given.quiet.then(|| Setting::parse("quiet")));
    line.targets.extend(given.command.map(Target::Command));
    line.targets.extend(given.pid.map(Target::Process));
    line.output = given.output;
    line.operands = given.params;
    trace::run_texts(&line, &texts(program, &line)?)
}

fn carried_line(program: &Program, options: &[String]) -> Result<Line, Failure> {
    Ok(Line { enablings: vec![script(&program.script.name)], ..parse(options)? })
}

fn texts(program: &Program, line: &Line) -> Result<Texts, Failure> {
    let (settings, options) = settings::all(&line.settings)?;
    let File { name, text } = program.script.clone();
    let library = |file: &File| Library { name: file.name.clone(), text: file.text.clone() };
    Ok(Texts {
        settings,
        options,
        programs: vec![sources::examine(Source { name, text, kind: SourceKind::Script })],
        libraries: program.libraries.iter().map(library).collect(),
    })
}

fn carried(source: Source) -> File {
    File { name: source.name, text: source.text }
}

fn script(file: &str) -> Enabling {
    Enabling { kind: Kind::Script, text: file.to_owned() }
}

fn parse(words: &[String]) -> Result<Line, Failure> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    getopt::parse(&words).map_err(|misuse| match misuse {
        Misuse::Line(message) => Failure::usage(message),
        Misuse::Value(message) => Failure::new(message),
    })
}

/// A setting as words of the command line.
fn words(Setting { name, value, .. }: &Setting) -> [String; 2] {
    let setting = value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"));
    ["-x".to_owned(), setting]
}

/// The settings of the first line, if it names dtrace: executing the script would have them, too.
fn first_line(file: &str) -> Result<Vec<Setting>, Failure> {
    let bytes = script::read(file)
        .map_err(|error| quadrant_bpf::Error::io(format!("cannot read {}", crate::failure::shown(file)), &error))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(first_line_settings(&String::from_utf8_lossy(line), file))
}

fn first_line_settings(line: &str, file: &str) -> Vec<Setting> {
    let Some(line) = line.strip_prefix("#!") else { return Vec::new() };
    let mut words = line.split_ascii_whitespace();
    if !words.any(|word| Path::new(word).file_name().is_some_and(|name| name == "dtrace")) {
        return Vec::new();
    }
    // The kernel adds the script's name, which is the argument of -s.
    let words: Vec<String> = words.map(str::to_owned).chain([file.to_owned()]).collect();
    parse(&words).map(|line| line.settings).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_has_options() {
        let names = |line: &str| -> Vec<String> {
            first_line_settings(line, "a.d").iter().map(|setting| words(setting)[1].clone()).collect()
        };
        assert_eq!(names("#!/usr/sbin/dtrace -Cqs"), ["cpp", "quiet"]);
        assert_eq!(names("#!/usr/bin/env -S dtrace -w -xbufsize=1m -s"), ["destructive", "bufsize=1m"]);
        assert_eq!(names("#!/bin/sh -e"), [""; 0]);
        assert_eq!(names("BEGIN"), [""; 0]);
    }
}
