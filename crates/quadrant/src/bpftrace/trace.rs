//! Compiling and running the script of a command line.

use std::rc::Rc;

use clap::Parser;
use quadrant_bpf::features::Features;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_bpftrace::Script;
use quadrant_output::Mode;
use quadrant_program::Program;
use quadrant_program::diag::Diagnostic;
use quadrant_session::Checks;
use quadrant_session::Compiled;
use quadrant_session::Focus;
use quadrant_session::Trace;
use quadrant_session::Until;
use quadrant_types::Types;

use super::Refusal;
use super::color;
use super::getopt::Format;
use super::getopt::Line;
use super::getopt::Stage;
use super::losses::Losses;
use super::report;
use super::script;
use crate::answers;
use crate::answers::Answers;
use crate::args::Args;
use crate::checks;
use crate::checks::Nothing;
use crate::checks::Results;
use crate::failure::Failure;
use crate::failure::shown;
use crate::front;
use crate::keys;
use crate::list;
use crate::output_file;
use crate::overhead;
use crate::programs;
use crate::resolver::Names;
use crate::words;
use crate::world;

/// Runs the command line's script to its end; gives the exit status.
///
/// # Errors
/// What stands in the way: the script, the probes, the kernel, the output.
pub fn run(line: &Line) -> Result<i32, Refusal> {
    let (script, params) = script::load(line)?;
    output_file::check_sources(line.output.as_deref())?;
    script::check_parameters(&script, params)?;
    functions_can_be_read(line)?;
    let focus = focus(line)?;
    if line.stages.contains(&Stage::Ast) {
        eprint!("{}", quadrant_bpftrace::tree::print(&script.tree));
    }
    quadrant_bpf::limits::bump_memlock();
    let types = Rc::new(world::types());
    let features = Features::new();
    line.without.iter().for_each(|name| features.do_without(name));
    let args = args(line);
    let program = Rc::new(compile((line, &args), &script, params, &types, child(&focus), &features)?);
    if let Some(Nothing { why, has_others }) = checks::nothing_to_run(&args, &script, &program) {
        return Err(match has_others {
            true => Refusal::new(format!("ERROR: {why}\n")).by_kernel(),
            false => Refusal::answer(format!("{why}\n")),
        });
    }
    if line.stages.contains(&Stage::Types) {
        println!("{program:#?}");
    }
    let options = quadrant_session::Options {
        pid: line.pid.or(child(&focus)),
        process: line.pid,
        overhead: overhead::wanted(line.overhead, line.max_overhead),
        exact_entries: line.exact_entries,
        ..Default::default()
    };
    let compiled = quadrant_session::compile(Rc::clone(&program), &features, &types, options);
    let compiled = compiled.map_err(|error| failed(&script, error))?;
    show_stages(line, &compiled);
    let trace = Trace::load(compiled).map_err(|error| failed(&script, error).by_kernel())?;
    // Tests and benchmarks attach nothing: bpftrace runs them all the same.
    if line.dry_run && line.checks.is_none() {
        return Ok(0);
    }
    follow(line, &script, &program, trace, focus)
}

/// Whether the file of `--traceable-functions` is there, though the script may have no use for it.
fn functions_can_be_read(line: &Line) -> Result<(), Refusal> {
    let Some(file) = &line.traceable else { return Ok(()) };
    let refused = |error| {
        let (name, reason) = (shown(&file.to_string_lossy()), crate::script::reason(&error));
        Refusal::new(format!(
            "ERROR: Failed to open kernel function info: Could not read functions from {name}. ({reason})\n"
        ))
    };
    std::fs::File::open(file).map(drop).map_err(refused)
}

/// The flags of our own command line that mean the same.
pub fn args(line: &Line) -> Args {
    let mut args = Args::parse_from(["quadrant"]);
    args.pid = line.pid;
    args.allow_unsafe = line.allow_unsafe;
    args.style = true;
    args.verbose = line.verbose;
    args.test = line.checks == Some(Checks::Tests);
    args.bench = line.checks == Some(Checks::Benchmarks);
    args.probe_filter = line.filter.as_ref().map(|filter| filter.0.clone());
    args.traceable_functions.clone_from(&line.traceable);
    args.debuginfo.clone_from(&line.debuginfo);
    args
}

/// The processes of `-p` and `-c`.
fn focus(line: &Line) -> Result<Focus, Refusal> {
    let mut focus = Focus { until: Until::First, ends_when_idle: true, ..Focus::default() };
    if let Some(pid) = line.pid {
        let gone = |error: quadrant_bpf::Error| {
            let reason = error.errno().and_then(|errno| errno.text()).map_or(error.to_string(), str::to_owned);
            Refusal::new(format!("ERROR: Failed to attach to pid: Unable to open pidfd ({reason})\n"))
        };
        focus.processes.push(PidFd::open(pid).map_err(gone)?);
    }
    if let Some(command) = &line.command {
        let words = words::split(command)?;
        let refused = |why: String| Refusal::new(format!("ERROR: Failed to fork child: {why}\n"));
        if let Some(name) = words.first().filter(|name| programs::find(name).is_none()) {
            let (why, name) = (programs::why_not(name), shown(&name.to_string_lossy()));
            return Err(refused(format!("Path '{name}' does not exist or is not executable ({why})")));
        }
        focus.children.push(programs::start(&words).map_err(|error| refused(error.to_string()))?);
    }
    Ok(focus)
}

fn child(focus: &Focus) -> Option<u32> {
    focus.children.first().map(Child::pid)
}

fn compile(
    (line, args): (&Line, &Args),
    script: &Script,
    params: &[String],
    types: &Rc<Types>,
    child: Option<u32>,
    features: &Features,
) -> Result<Program, Refusal> {
    let source = list::source(args, types, child);
    let symbols = front::Addresses::new(args, child);
    let world = front::World { source: &source, types, symbols: &symbols, child };
    let compile = |forced| front::compile(script, params, args, &world, forced);
    let (program, mut diagnostics) = compile(None);
    let warnings = !line.no_warnings;
    let Some(mut program) = program else {
        let text = report::render(script, &diagnostics, warnings);
        return Err(match () {
            () if diagnostics.iter().any(report::is_of_environment) => Refusal::of_environment(text),
            () if text == report::NO_PROBES => Refusal::answer(text),
            () => Refusal::new(text),
        });
    };
    if let Some((shorter, messages)) = keys::shortened(&program, features, &compile) {
        (program, diagnostics) = (shorter, messages);
    }
    quadrant_session::share_places(&mut program, args.pid.or(child), args.pid);
    if warnings {
        color::print(&report::render(script, &diagnostics, true));
        let lines = source.warnings().into_iter().map(|warning| warning.in_language(quadrant_bpftrace::spell));
        lines.for_each(|line| eprintln!("WARNING: {}", shown(&line)));
    }
    Ok(program)
}

fn show_stages(line: &Line, compiled: &Compiled) {
    if line.verbose || line.stages.contains(&Stage::Kernel) {
        compiled.mechanisms().iter().for_each(|mechanism| eprintln!("{}", shown(mechanism)));
    }
    if line.stages.contains(&Stage::Code) {
        print!("{}", crate::run::listing(compiled));
    }
}

fn follow(line: &Line, script: &Script, program: &Program, trace: Trace, focus: Focus) -> Result<i32, Refusal> {
    let output = answers::output(line.output.as_deref()).map_err(|error| {
        let path = line.output.clone().unwrap_or_default();
        Refusal::new(format!("ERROR: Failed to open output file: {path:?}: {}\n", crate::script::reason(&error)))
    })?;
    let mode = if line.format == Format::Json { Mode::Json } else { Mode::Text };
    if let Some(checks) = line.checks {
        let results = Results::new(checks, program, &script.sources, mode, Names::new(true), output);
        let mut results = results.plain(line.output.is_some()).telling_losses(Losses);
        return Ok(trace.check(checks, &mut results).map_err(|error| failed(script, error).by_kernel())?.status);
    }
    let answers = Answers::new(program, &script.sources, mode, Names::new(true), output);
    let mut answers = answers
        .quiet(line.quiet)
        .without_warnings(line.no_warnings)
        .verbose(line.verbose)
        .gathering(line.gathers)
        .telling_cost(line.overhead)
        .in_bpftraces_way(Losses);
    let outcome = trace.run(&mut answers, focus).map_err(|error| failed(script, error).by_kernel())?;
    // The status of a command is its own.
    Ok(outcome.exit.unwrap_or(0))
}

/// What the session says, with the place in the script.
fn failed(script: &Script, error: quadrant_session::Error) -> Refusal {
    match error {
        quadrant_session::Error::Script { span, message, help } => {
            let diagnostic = Diagnostic { help, ..Diagnostic::error(span, message) };
            Refusal::new(report::render(script, &[diagnostic], true))
        }
        error => Failure::session(&script.sources, error).into(),
    }
}
