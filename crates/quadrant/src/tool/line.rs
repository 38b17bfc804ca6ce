//! The command line of a built tool: the script's own parameters, and what a trace may be told besides.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use clap::builder::EnumValueParser;
use clap::value_parser;
use quadrant_bpftrace::options::Parameter;

use crate::args::Format;
use crate::failure::shown;

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Trace this process.
    pub pid: Option<u32>,
    /// Start this command, and trace until it ends.
    pub command: Option<String>,
    /// Where answers go.
    pub output: Option<PathBuf>,
    /// Their form.
    pub format: Option<Format>,
    /// Only answers.
    pub quiet: bool,
    /// Parameters of the script, the named ones first.
    pub params: Vec<String>,
}

/// A tool, as its command line needs it.
pub struct Tool<'a> {
    /// How it was called.
    pub name: &'a str,
    /// The script, and where it comes from.
    pub origin: &'a str,
    /// The named parameters of the script.
    pub parameters: &'a [Parameter],
    /// Whether answers have several forms.
    pub has_formats: bool,
}

/// Parses the words behind the tool's name.
///
/// # Errors
/// Its help or version is asked for; a mistake.
pub fn parse(tool: &Tool<'_>, words: &[OsString]) -> Result<Given, clap::Error> {
    let matches = command(tool).try_get_matches_from(words)?;
    let one = |name: &str| matches.get_one::<String>(name).cloned();
    let mut params: Vec<String> = tool.parameters.iter().filter_map(|parameter| named(&matches, parameter)).collect();
    params.extend(matches.get_many(PARAMETERS).unwrap_or_default().cloned());
    Ok(Given {
        pid: matches.get_one(PID).copied(),
        command: one(COMMAND),
        output: matches.get_one(OUTPUT).cloned(),
        format: if tool.has_formats { matches.get_one(FORMAT).copied() } else { None },
        quiet: matches.get_flag(QUIET),
        params,
    })
}

// Parameters of scripts have ids of another form: they may have the same names.
const PID: &str = "-p";
const COMMAND: &str = "-c";
const OUTPUT: &str = "-o";
const FORMAT: &str = "-f";
const QUIET: &str = "-q";
const PARAMETERS: &str = "$";

/// `--name=value` as it was given, `--name` alone.
fn named(matches: &ArgMatches, parameter: &Parameter) -> Option<String> {
    let name = &parameter.name;
    if matches.value_source(name) != Some(clap::parser::ValueSource::CommandLine) {
        return None;
    }
    Some(matches.get_one::<String>(name).map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}")))
}

fn command(tool: &Tool<'_>) -> Command {
    let origin = shown(tool.origin);
    let command = Command::new(shown(tool.name))
        .bin_name(shown(tool.name))
        .version(format!("(built from {origin} by quadrant {})", env!("CARGO_PKG_VERSION")))
        .about(format!("Runs {origin}, which this file carries."))
        .max_term_width(100)
        .args(options(tool))
        .args(tool.parameters.iter().filter(|parameter| !is_taken(&parameter.name)).map(parameter));
    let rest = Arg::new(PARAMETERS).value_name("PARAMETER").num_args(0..).allow_negative_numbers(true);
    command.arg(rest.help("What the script has as $1, $2, ..."))
}

/// No script can have these for itself.
fn is_taken(name: &str) -> bool {
    matches!(name, "help" | "version") || name.is_empty()
}

fn parameter(parameter: &Parameter) -> Arg {
    let arg = Arg::new(parameter.name.clone()).long(parameter.name.clone()).num_args(0..=1).require_equals(true);
    arg.value_name("VALUE").help(shown(&parameter.help)).help_heading("Parameters of the script")
}

fn options(tool: &Tool<'_>) -> Vec<Arg> {
    let option = |id: &'static str, letter, long: &'static str| {
        let arg = Arg::new(id).short(letter);
        // A parameter of the script goes first.
        if tool.parameters.iter().any(|parameter| parameter.name == long) { arg } else { arg.long(long) }
    };
    let pid = option(PID, 'p', "pid").value_name("PID").value_parser(value_parser!(u32));
    let command = option(COMMAND, 'c', "cmd").value_name("COMMAND");
    let output = option(OUTPUT, 'o', "output").value_name("FILE").value_parser(value_parser!(PathBuf));
    let format = option(FORMAT, 'f', "format").value_name("FORMAT").value_parser(EnumValueParser::<Format>::new());
    let quiet = option(QUIET, 'q', "quiet").action(ArgAction::SetTrue);
    let mut options = vec![
        pid.help("Trace only this process where the probe allows it; the trace ends with it"),
        command.help("Start this command once all probes are attached; the trace ends with it"),
        output.help("Write answers to this file instead of standard output"),
        quiet.help("Print nothing but answers"),
    ];
    if tool.has_formats {
        options.push(format.help("Form of the answers"));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(parameters: &[(&str, &str)], words: &[&str]) -> Result<Given, clap::Error> {
        let one = |(name, help): &(&str, &str)| Parameter { name: (*name).to_owned(), help: (*help).to_owned() };
        let parameters: Vec<Parameter> = parameters.iter().map(one).collect();
        let tool = Tool { name: "opens", origin: "the script opens.bt", parameters: &parameters, has_formats: true };
        let words: Vec<OsString> = ["opens"].iter().chain(words).map(OsString::from).collect();
        parse(&tool, &words)
    }

    #[test]
    fn options_and_parameters() {
        let words = ["12", "-qp", "7", "--limit=3", "-5", "-fjson", "-c", "ls -l", "--all", "-o", "x", "--", "--n"];
        let expected = Given {
            pid: Some(7),
            command: Some("ls -l".to_owned()),
            output: Some("x".into()),
            format: Some(Format::Json),
            quiet: true,
            params: ["--all", "--limit=3", "12", "-5", "--n"].map(str::to_owned).to_vec(),
        };
        assert_eq!(given(&[("all", ""), ("limit", "How many")], &words).unwrap(), expected);
        assert_eq!(given(&[], &[]).unwrap(), Given::default());
    }

    #[test]
    fn the_scripts_names_go_first() {
        let parameters = [("pid", "A process"), ("help", "never"), ("format", "")];
        let expected = ["--pid=x", "--format=y"].map(str::to_owned);
        let given = given(&parameters, &["--pid=x", "-p1", "--format=y"]).unwrap();
        assert_eq!((given.pid, given.params), (Some(1), expected.to_vec()));
    }

    #[test]
    fn help_has_the_scripts_own() {
        let help = given(&[("limit", "How many")], &["--help"]).unwrap_err();
        assert!(!help.use_stderr());
        let text = help.to_string();
        for part in ["Usage: opens [OPTIONS] [PARAMETER]...", "Parameters of the script:", "--limit", "How many"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(
            given(&[], &["--version"]).unwrap_err().to_string(),
            format!("opens (built from the script opens.bt by quadrant {})\n", env!("CARGO_PKG_VERSION"))
        );
    }

    #[test]
    fn mistakes_are_told() {
        for words in [&["--limt=3"][..], &["--limit", "-x"], &["-p", "x"], &["-f", "xml"], &["-e", "BEGIN"]] {
            assert!(given(&[("limit", "")], words).unwrap_err().use_stderr(), "{words:?}");
        }
    }
}
