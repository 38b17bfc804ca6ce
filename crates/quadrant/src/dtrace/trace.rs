//! Compiling and running the programs of a command line.

use quadrant_program::sources::Sources;
use std::rc::Rc;

use quadrant_bpf::features::Features;
pub use quadrant_d::lower::Compiled as Lowered;
use quadrant_d::lower::Env;
use quadrant_d::lower::Source;
use quadrant_d::lower::SourceKind;
use quadrant_d::options::Options;
use quadrant_output::dtrace::message;
use quadrant_output::dtrace::message::What;
use quadrant_program::Program;
use quadrant_session::Trace;

use super::adjust;
use super::getopt::Line;
use super::getopt::Mode;
use super::report;
use super::settings;
use super::sink::Answers;
use super::sources::Loaded;
use super::sources::Texts;
use super::targets;
use super::targets::Targets;
use super::verbose;
use super::world::Machine;
use super::world::World;
use crate::failure::Failure;
use crate::overhead;
use crate::scope::Wanted;

/// Run the command line's programs to their end; gives the exit status.
///
/// # Errors
/// What stands in the way: a program, the probes, the kernel, the output.
pub fn run(line: &Line) -> Result<i32, Failure> {
    if line.enablings.is_empty() {
        settings::all(&line.settings)?;
        // To compile nothing is no mistake.
        return if line.mode == Mode::Compile { Ok(0) } else { Err(Failure::new("no probes specified")) };
    }
    run_texts(line, &Texts::read(line)?)
}

/// Run programs that were read before.
///
/// # Errors
/// What stands in the way: a program, the probes, the kernel, the output.
pub fn run_texts(line: &Line, texts: &Texts) -> Result<i32, Failure> {
    let loaded = &texts.programs;
    let targets = targets::open(line)?;
    let (compiled, options) = compiled(line, texts, &targets, || session(line))?;
    let program = Rc::clone(&compiled.program);
    if line.listing || options.verbose {
        eprint!("{}", crate::run::listing(&compiled));
    }
    if line.mode == Mode::Compile {
        return Ok(0);
    }
    let trace = Trace::load(compiled).map_err(|error| failed(loaded, error))?;
    if line.mode == Mode::Check {
        return Ok(0);
    }
    follow(line, loaded, &program, &options, trace, targets)
}

/// What the command line asks of a trace besides its programs.
fn session(line: &Line) -> Result<quadrant_session::Options, Failure> {
    let cgroup = Wanted::of(line.cgroup.as_deref(), line.container.as_deref()).map(Wanted::find).transpose()?;
    let overhead = overhead::wanted(line.overhead, line.max_overhead);
    Ok(quadrant_session::Options { cgroup, overhead, exact_entries: line.exact_entries, ..Default::default() })
}

/// Compile for this kernel, and go no further; gives the programs' options, too.
///
/// # Errors
/// What stands in the way: a program, the probes, the kernel, or what `session` says.
pub fn compiled(
    line: &Line,
    texts: &Texts,
    targets: &Targets,
    session: impl FnOnce() -> Result<quadrant_session::Options, Failure>,
) -> Result<(quadrant_session::Compiled, Options), Failure> {
    quadrant_bpf::limits::bump_memlock();
    let machine = Machine::new(line, &texts.options, targets);
    let (mut program, options) = compile(line, texts, &machine)?;
    program.config.named_process = targets.first.filter(|_| adjust::names_target(&program));
    let program = Rc::new(program);
    let compiled = quadrant_session::compile(program, &Features::new(), &machine.types, session()?)
        .map_err(|error| failed(&texts.programs, error))?;
    Ok((compiled, options))
}

/// Compile, and say what was found.
fn compile(line: &Line, texts: &Texts, machine: &Machine) -> Result<(Program, Options), Failure> {
    let providers = machine.providers();
    let lowered = lowered(line, texts, &machine.world(&providers, &machine.symbols));
    machine.warn(&providers);
    let (program, compiled) = lowered?;
    eprint!("{}", report::warnings(&texts.programs, &compiled));
    if line.verbose {
        eprint!("{}", verbose::idle_options(&texts.programs, &texts.settings));
        print!("{}", String::from_utf8_lossy(&verbose::report(&texts.programs, &compiled.stability)));
    }
    Ok((program, compiled.options))
}

/// Compile in some world to a typed program, and say what was found.
///
/// # Errors
/// A mistake in a program.
pub fn lowered(line: &Line, texts: &Texts, world: &World) -> Result<(Program, Lowered), Failure> {
    let loaded = &texts.programs;
    let mut settings: Vec<_> = texts.settings.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
    if line.mode == Mode::Compile {
        // What does not run changes nothing.
        settings.push(("destructive".to_owned(), None));
    }
    let World { probes, symbols, types, macros, wall_offset } = *world;
    let libraries = &texts.libraries;
    let env = Env { probes, types, symbols, libraries, macros, options: &settings, wall_offset };
    let sources: Vec<Source> = loaded.iter().map(|one| one.source.clone()).collect();
    let mut compiled = quadrant_d::lower::compile(&sources, &env);
    let options = &compiled.options;
    let Some(mut program) = compiled.program.take() else {
        if report::lacks_permission(&compiled) {
            return Err(not_allowed(line, loaded, &compiled));
        }
        return Err(Failure::rendered(report::first_error(loaded, &compiled, options.errtags)));
    };
    if let Some(empty) = loaded.iter().find(|one| one.is_empty && !options.empty) {
        return Err(Failure::rendered(report::empty(empty, options.errtags)));
    }
    if !options.quiet && line.mode == Mode::Trace {
        announce(loaded, &compiled);
    }
    if line.mode == Mode::Trace {
        adjust::check(&program, options)?;
    }
    adjust::adjust(&mut program, options);
    Ok((program, compiled))
}

/// The programs are good, but change the system.
fn not_allowed(line: &Line, loaded: &[Loaded], compiled: &Lowered) -> Failure {
    if !compiled.options.quiet && line.mode == Mode::Trace {
        announce(loaded, compiled);
    }
    let help = compiled.diagnostics.iter().flat_map(|diagnostic| diagnostic.help.first()).take(1);
    let failure = Failure::new("could not enable tracing: Destructive actions not allowed");
    // With tags, messages are for programs that compare them.
    if compiled.options.errtags { failure } else { help.fold(failure, |failure, help| failure.hint(help)) }
}

/// How many probes each program enables.
fn announce(loaded: &[Loaded], compiled: &Lowered) {
    for (one, count) in loaded.iter().zip(&compiled.matched) {
        let mut text = Vec::new();
        let name = one.source.name.as_str();
        let (what, name) = match one.source.kind {
            SourceKind::Script => (What::Script, name),
            _ => (What::Description, one.description()),
        };
        message::matched(&mut text, what, name, *count as u64);
        eprint!("{}", String::from_utf8_lossy(&text));
    }
}

/// Attach, and follow the trace to its end.
fn follow(
    line: &Line,
    loaded: &[Loaded],
    program: &Program,
    options: &Options,
    trace: Trace,
    targets: Targets,
) -> Result<i32, Failure> {
    if options.destructive && !options.quiet {
        let mut text = Vec::new();
        message::destructive(&mut text);
        eprint!("{}", String::from_utf8_lossy(&text));
    }
    let settings = settings::of_sink(options, targets.first);
    let output = line.output.as_deref();
    let mut answers = Answers::open(program, settings, output).map_err(|error| {
        let name = output.map_or_else(String::new, |path| path.display().to_string());
        quadrant_bpf::Error::io(format!("failed to open output file '{}'", name.escape_debug()), &error)
    })?;
    answers.tells_cost = line.overhead;
    let outcome = trace.run(&mut answers, targets.focus).map_err(|error| failed(loaded, error))?;
    Ok(outcome.exit.unwrap_or(0))
}

/// What the session says, with the place in the programs.
pub fn failed(loaded: &[Loaded], error: quadrant_session::Error) -> Failure {
    match error {
        quadrant_session::Error::Script { span, message, help } => {
            let mut diagnostic = quadrant_program::diag::Diagnostic::error(span, message);
            diagnostic.help = help;
            Failure::rendered(report::in_sources(loaded, &diagnostic))
        }
        error => Failure::session(&Sources::default(), error),
    }
}
