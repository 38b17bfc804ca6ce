//! `quadrant replay`: a script over a recording, without root and without a kernel.

use std::ffi::OsString;
use std::rc::Rc;

use clap::Parser;
use quadrant_output::Mode;
use quadrant_probes::RecordedSource;
use quadrant_program::probe::Site;
use quadrant_program::recording;
use quadrant_program::recording::Split;
use quadrant_program::span::Span;
use quadrant_session::Sink;
use quadrant_session::replay::Host;
use quadrant_session::replay::Replay;

use crate::answers;
use crate::answers::Answers;
use crate::args::Args;
use crate::commands;
use crate::commands::Done;
use crate::diag;
use crate::dtrace;
use crate::failure;
use crate::failure::Failure;
use crate::front;
use crate::list;
use crate::recording::Recording;
use crate::script;
use crate::world;

/// Run a script on what `quadrant record` wrote, as if it happened now. Needs no privilege.
///
/// The script is compiled, and its eBPF runs in a machine of our own. It may be another one than was recorded with, as long as it asks
/// for nothing else.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant replay", no_binary_name = true, max_term_width = 100)]
struct Options {
    /// Allow system() and what else changes the system: the script gives it values of the recording
    #[arg(long = "unsafe")]
    allow_unsafe: bool,

    /// The script
    #[arg(value_name = "SCRIPT")]
    script: String,

    /// The recording
    #[arg(value_name = "RECORDING")]
    recording: String,

    /// The script's parameters $1, $2, ...
    #[arg(value_name = "PARAMETER", trailing_var_arg = true, allow_hyphen_values = true)]
    parameters: Vec<String>,
}

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(replay(&options))
}

fn replay(options: &Options) -> Done {
    let recording = Recording::open(&options.recording)?;
    if script::is_d(&options.script) {
        return dtrace::replay::run(&options.script, &options.parameters, options.allow_unsafe, &recording);
    }
    if recording.d.is_some() {
        let name = recording.shown_name();
        return Err(Failure::usage(format!("{name} was recorded with a script in D, whose name ends with .d")));
    }
    let mut args = Args::of_script(&options.script, &options.parameters);
    args.allow_unsafe = options.allow_unsafe;
    let (script, params) = front::script(&args)?;
    front::check_parameters(&args, &script, params)?;
    let types = Rc::new(world::types());
    let source = RecordedSource::new(recording.points.clone(), Rc::clone(&types));
    let world = front::World { source: &source, types: &types, symbols: &recording.told, child: recording.child };
    let (program, diagnostics) = front::compile(&script, params, &args, &world, None);
    let program = program.ok_or_else(|| Failure::script(&script.sources, &diagnostics))?;
    eprint!("{}", diag::render(&script.sources, &diagnostics, failure::color()));
    list::print(source.warnings());
    let text = |span: Span| script.sources.slice(span).to_owned();
    let split = recording::split(&program, &text).map_err(|message| Failure::script(&script.sources, &[*message]))?;
    let names = recording.names();
    let output = answers::output(None).map_err(|error| quadrant_bpf::Error::io("cannot write the output", &error))?;
    let mut answers = Answers::new(&split.replayer, &script.sources, Mode::Text, names, output);
    let host = recording.host();
    let status = run_events(&recording, &split, host, &mut answers, &|error| Failure::session(&script.sources, error))?;
    Ok(status)
}

/// Runs a program over all events of a recording; gives the exit status.
///
/// # Errors
/// What the recording lacks, and those of writing.
pub fn run_events(
    recording: &Recording,
    split: &Split,
    host: Host,
    sink: &mut dyn Sink,
    failed: &dyn Fn(quadrant_session::Error) -> Failure,
) -> Result<i32, Failure> {
    let status = run_all(recording, split, host, sink, failed);
    if status.is_err() {
        // What earlier events said is still to be shown.
        failure::written("the output", sink.flush())?;
    }
    status
}

fn run_all(
    recording: &Recording,
    split: &Split,
    host: Host,
    sink: &mut dyn Sink,
    failed: &dyn Fn(quadrant_session::Error) -> Failure,
) -> Result<i32, Failure> {
    if let Some(lost) = recording.lost() {
        let name = recording.shown_name();
        eprintln!("warning: {name}: what the recorder lost is missing: {lost}");
    }
    let failed = |error| match error {
        quadrant_session::Error::Short { line, slot, values } => recording.short(split, line, slot, values),
        quadrant_session::Error::Astray { line, slot, round } => recording.astray(split, line, slot, round),
        error => failed(error),
    };
    let [begin, end] = [Site::Begin, Site::End].map(|site| recording.once(split, &site));
    let mut replay = Replay::start(split, host, &begin?, sink).map_err(&failed)?;
    for event in recording.events(split) {
        if !replay.event(&event?).map_err(&failed)? {
            break;
        }
    }
    Ok(replay.finish(&end?).map_err(&failed)?.status)
}
