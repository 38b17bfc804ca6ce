//! The script of a command line and its parameters.

use quadrant_bpftrace::Script;
use quadrant_bpftrace::options;
use quadrant_bpftrace::options::Parameter;

use super::Refusal;
use super::getopt::Line;
use crate::failure::shown;
use crate::imports::Files;
use crate::parameters::dashed;
use crate::script;

/// The script, and the words that are its parameters.
///
/// # Errors
/// No script, or a file that cannot be read.
pub fn load(line: &Line) -> Result<(Script, &[String]), Refusal> {
    if let Some(text) = &line.program {
        if text.is_empty() {
            return Err(Refusal::new("ERROR: USAGE: filename or -e 'program' required.\n".to_owned()));
        }
        return Ok((parsed(line, "stdin".to_owned(), text, None), &line.operands));
    }
    let Some((file, params)) = line.operands.split_first() else {
        return Err(Refusal::new("ERROR: USAGE: filename or -e 'program' required.\n".to_owned()));
    };
    let text = script::read_text(file).map_err(|error| {
        Refusal::new(format!("ERROR: failed to open file '{}': {}\n", shown(file), script::reason(&error)))
    })?;
    let name = if file == "-" { "stdin" } else { file };
    Ok((parsed(line, shown(name), &text, Some(file)), params))
}

fn parsed(line: &Line, name: String, text: &str, file: Option<&str>) -> Script {
    let files = Files::new(file, &line.folders, &line.includes);
    Script::load(&name, text, files.script.as_deref(), &files)
}

/// Whether the script's named parameters are those that it knows.
///
/// # Errors
/// A name that it does not know; its `--help`.
pub fn check_parameters(script: &Script, params: &[String]) -> Result<(), Refusal> {
    let given = || params.iter().filter_map(|param| param.strip_prefix("--"));
    if given().next().is_none() {
        return Ok(());
    }
    let known = options::parameters(&script.tree);
    if given().any(|name| name == "help") {
        return Err(Refusal::new(help(&known)));
    }
    let names = given().map(|word| word.split('=').next().unwrap_or_default());
    let unexpected: Vec<&str> = names.filter(|name| !known.iter().any(|one| one.name == *name)).collect();
    if unexpected.is_empty() {
        return Ok(());
    }
    let hint = match known.as_slice() {
        [] => "no custom program options defined.".to_owned(),
        known => format!("expected program options: {}", dashed(known.iter().map(|one| one.name.as_str()))),
    };
    let unexpected = dashed(unexpected.into_iter());
    Err(Refusal::new(format!("ERROR: unexpected program command line options: {unexpected}\nHINT: {hint}\n")))
}

fn help(known: &[Parameter]) -> String {
    let line = |one: &Parameter| match one.help.as_str() {
        "" => format!("--{}\n", shown(&one.name)),
        help => format!("--{}: {}\n", shown(&one.name), shown(help)),
    };
    let lines: String = known.iter().map(line).collect();
    format!("HINT: expected program options:\n{lines}")
}
