//! `quadrant active`: everything that is attached on this system, by whomever.

mod document;
mod filter;
mod rows;

use std::ffi::OsString;
use std::time::Duration;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use quadrant_inspect::active;
use quadrant_inspect::active::Active;
use quadrant_inspect::active::Kind;
use quadrant_inspect::active::Statistics;

use crate::commands;
use crate::commands::Done;
use crate::commands::table;

/// Everything that is attached on this system, by whomever.
///
/// Kernel and user probes, BPF links, perf events with and without programs, events made in tracefs, and programs that
/// are only loaded; with their targets, owners, pins, hits and misses. Nothing is changed.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant active", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
struct Options {
    /// One JSON object, with everything that is known
    #[arg(long)]
    json: bool,

    /// Only these kinds (may be given several times)
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Vec<Kind>,

    /// Only what this process holds, by number or name
    #[arg(long, value_name = "PID|NAME")]
    owner: Option<String>,

    /// Only what is attached to a place, function, file or event of this name; * ? [a-z] are wildcards
    #[arg(long, value_name = "GLOB")]
    target: Option<String>,

    /// Make the kernel count for so long, and show the counts of that time
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    measure: Option<Duration>,

    /// Cut nothing, however long the lines become
    #[arg(long)]
    full: bool,
}

const NOTES: &str = "\
HITS of a program are counted only while the kernel's statistics are on (--measure, or kernel.bpf_stats_enabled);
`*` marks counts that several attachments of one program share. Events of tracefs count always. \
MISSES were skipped because a probe ran already.
The JSON form is described in docs/json.md.
The exit status is 1 if nothing could be seen.";

/// Longest measurement, in seconds: a day.
const LONGEST: f64 = 86_400.0;

fn kinds() -> impl TypedValueParser<Value = Kind> {
    let names = Kind::ALL.iter().map(|kind| kind.name());
    let find = |name: String| Kind::ALL.iter().copied().find(|kind| kind.name() == name).ok_or("unknown kind");
    PossibleValuesParser::new(names).try_map(find)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(format!("must be between 0 and {LONGEST}"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(show(&options))
}

fn show(options: &Options) -> Done {
    let mut found = match options.measure {
        Some(time) => active::measure(time)?,
        None => active::survey(),
    };
    filter::keep(&mut found, options);
    if options.json {
        commands::print(&document::json(&found).line())?;
    } else {
        commands::print(text(&found, options).as_bytes())?;
        notes(&found);
    }
    Ok(if found.attachments.is_empty() && !found.notes.is_empty() { 1 } else { 0 })
}

fn text(found: &Active, options: &Options) -> String {
    if found.attachments.is_empty() {
        let seen = if found.notes.is_empty() { "" } else { " that this user may see" };
        return format!("nothing is attached{seen}\n");
    }
    let (columns, rows) = rows::rows(&found.attachments, options.full);
    table::render(&columns, &rows, (!options.full).then_some(table::WIDTH))
}

/// What the table cannot tell goes to standard error.
fn notes(found: &Active) {
    commands::print_notes(&found.notes);
    let has_programs = found.attachments.iter().any(|attachment| attachment.program.is_some());
    if found.statistics == Statistics::Off && has_programs {
        eprintln!("quadrant: note: the kernel does not count runs of programs now; --measure SECONDS makes it");
    }
}
