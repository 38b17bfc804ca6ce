//! `quadrant record`: what a script's probes see, written to a file.

use std::ffi::OsString;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use clap::Parser;
use quadrant_bpf::features::Features;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_probes::RecordedPoint;
use quadrant_probes::RecordedSource;
use quadrant_probes::Source;
use quadrant_program::Program;
use quadrant_program::probe::Point;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::ProbeSource;
use quadrant_program::probe::ProbeSpec;
use quadrant_program::recording;
use quadrant_program::recording::Split;
use quadrant_program::span::Span;
use quadrant_session::Focus;
use quadrant_session::Trace;
use quadrant_session::Until;

use crate::args::Args;
use crate::commands;
use crate::commands::Done;
use crate::commands::Without;
use crate::dtrace;
use crate::failure::Failure;
use crate::front;
use crate::list;
use crate::losses;
use crate::output_file;
use crate::recording::Asked;
use crate::recording::Points;
use crate::recording::Writer;
use crate::resolver::Names;
use crate::run;
use crate::script;
use crate::world;

/// Write what a script's probes see to a file, for `quadrant replay`.
///
/// The script itself does not run: for each event, the values that its clauses would read are kept, with their names.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant record", no_binary_name = true, max_term_width = 100, after_help = EXAMPLES)]
struct Options {
    /// End after so many events
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true, help_heading = "What to record")]
    events: u64,

    #[command(flatten)]
    script: Args,
}

const EXAMPLES: &str = "\
The file is given with -o. A recording ends with Ctrl-C, with the command of -c, or where the script would call exit().

Examples:
  quadrant record -o opens.json -c 'ls /' opens.bt
  quadrant replay opens.bt opens.json";

/// A recording is a file in a form of its own, made while the probes are attached.
const WITHOUT: Without = Without {
    refused: &[
        "list",
        "test",
        "bench",
        "overhead",
        "max_overhead",
        "strict",
        "dry_run",
        "format",
        "explain",
        "debug",
        "tree",
        "count",
    ],
    idle: &["verbose", "no_inlines"],
};

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Result<Options, Failure> = commands::parse_script(words, &WITHOUT)?;
    Ok(options.and_then(|mut options| options.script.settle().and_then(|()| record(&options))))
}

fn record(options: &Options) -> Done {
    let args = &options.script;
    let Some(path) = &args.output else {
        return Err(Failure::usage("no file to record into").hint("give one with -o FILE"));
    };
    if let [file, params @ ..] = args.rest.as_slice()
        && args.execute.is_none()
        && script::is_d(file)
    {
        return dtrace::record::run(args, file, params, path, options.events);
    }
    let (script, params) = front::script(args)?;
    front::check_parameters(args, &script, params)?;
    let child = run::start(args)?;
    let process = args.pid.map(PidFd::open).transpose()?;
    let child_pid = child.as_ref().map(Child::pid);
    let (types, features) = (Rc::new(world::types()), Features::new());
    quadrant_bpf::limits::bump_memlock();
    let source = list::source(args, &types, child_pid);
    let symbols = front::Addresses::new(args, child_pid);
    let asked = Asked::new(&symbols);
    let world = front::World { source: &source, types: &types, symbols: &asked, child: child_pid };
    let program = run::program_in(&world, args, &script, params, &features, None)?;
    let text = |span: Span| script.sources.slice(span).to_owned();
    let split = recording::split(&program, &text).map_err(|message| Failure::script(&script.sources, &[*message]))?;
    let points: Vec<RecordedPoint> =
        program.points.iter().map(|point| describe(&source, point)).collect::<Result<_, _>>()?;
    let recorder = Rc::new(recording::recorder(&split));
    let compiled = run::compiled(&script, &recorder, &features, &types, run::session(args, child_pid)?)?;
    let trace = Trace::load(compiled).map_err(|error| Failure::session(&script.sources, error))?;
    let points = Points { all: points, child: child_pid, d: None, names: Some(asked.into_json()) };
    let mut writer = writer(&recorder, &split, &points, path, options.events)?;
    let (processes, children) = (process.into_iter().collect(), child.into_iter().collect());
    let focus = Focus { processes, children, until: Until::First, ends_when_idle: false };
    let outcome = trace.run(&mut writer, focus).map_err(|error| Failure::session(&script.sources, error))?;
    say_recorded(&writer, &losses::text(&recorder, &script.sources, &writer.lost));
    Ok(outcome.status)
}

/// Tells how many events a recording has, and the lines of what was lost.
pub fn say_recorded(writer: &Writer, lost: &[u8]) {
    let events = if writer.events == 1 { "event" } else { "events" };
    eprintln!("{} {events} recorded", writer.events);
    eprint!("{}", String::from_utf8_lossy(lost));
}

/// The recording of a program at a path.
///
/// # Errors
/// Those of writing.
pub fn writer<'p>(
    recorder: &'p Program,
    split: &'p Split,
    points: &Points,
    path: &Path,
    events: u64,
) -> Result<Writer<'p>, Failure> {
    let failed = |error| quadrant_bpf::Error::io(format!("cannot write the recording to {}", path.display()), &error);
    // What processes did and were called is nobody else's business.
    let file = output_file::create(path).map_err(failed)?;
    let output: Box<dyn Write> = Box::new(BufWriter::new(file));
    Ok(Writer::new(recorder, split, points, Names::new(true), output, events).map_err(failed)?)
}

/// A point as the file describes it.
fn describe(source: &Source, point: &Point) -> Result<RecordedPoint, Failure> {
    let (kind, rest) = point.name.split_once(':').unwrap_or((&point.name, ""));
    let kind = ProbeKind::of_name(&kind.to_lowercase());
    let unknown = || Failure::usage(format!("probes like {} cannot be recorded", crate::failure::shown(&point.name)));
    let kind = kind.ok_or_else(unknown)?;
    if !matches!(kind, ProbeKind::Usdt | ProbeKind::Tracepoint) {
        return Ok(RecordedSource::describe_plain(point, kind));
    }
    let (file, rest) = RecordedSource::in_file(point).map_or((None, rest), |(file, place)| (Some(file), place));
    let parts = file.into_iter().chain(rest.split(':')).map(str::to_owned).collect();
    let found = source.find(&ProbeSpec { kind, parts, span: Span::default() })?;
    let found = found.first().ok_or_else(unknown)?;
    Ok(RecordedPoint { name: point.name.clone(), ..RecordedSource::describe(source, found, kind)? })
}
