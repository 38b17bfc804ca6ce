//! Running a script.

use std::rc::Rc;

use quadrant_bpf::features::Features;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_bpftrace::Script;
use quadrant_output::Mode;
use quadrant_output::Renderer;
use quadrant_probes::Source;
use quadrant_probes::attach::Means;
use quadrant_program::Program;
use quadrant_program::probe::Site;
use quadrant_program::stamp;
use quadrant_session::Checks;
use quadrant_session::Compiled;
use quadrant_session::End;
use quadrant_session::Focus;
use quadrant_session::Ledger;
use quadrant_session::Options;
use quadrant_session::Sink;
use quadrant_session::Trace;
use quadrant_session::Until;
use quadrant_session::plan::KprobeMeans;
use quadrant_session::plan::Planned;
use quadrant_types::Types;

use crate::answers;
use crate::answers::Answers;
use crate::args::Args;
use crate::args::Format;
use crate::args::KprobeMechanism;
use crate::args::Stage;
use crate::checks;
use crate::checks::Results;
use crate::diag;
use crate::documents::Documents;
use crate::documents::Lines;
use crate::failure;
use crate::failure::Failure;
use crate::front;
use crate::keys;
use crate::list;
use crate::overhead;
use crate::parameters;
use crate::programs;
use crate::resolver::Names;
use crate::scope::Wanted;
use crate::words;
use crate::world;

/// Exit status of `--strict` when something was lost.
const LOST: i32 = 3;
/// Exit status when something failed.
const FAILED: i32 = 1;

/// Run the command line's script to its end.
///
/// # Errors
/// What stands in the way: the script, the probes, the kernel, the output.
pub fn run(args: &Args) -> Result<i32, Failure> {
    // Results of tests and benchmarks have bpftrace's form.
    let (Format::Json, None) = (args.format, checks::wanted(args)) else {
        return run_script(args, front::script(args)?, None);
    };
    // What the script is made of must be known before the output's file is emptied.
    let read = front::script(args);
    let lines = Lines::open(args.output.as_deref()).map_err(|error| unopened(args, &error))?;
    match read.and_then(|read| run_script(args, read, Some(&lines))) {
        Err(failure) => lines.failure(&failure, FAILED).map_err(unwritable).map(|()| FAILED),
        done => done,
    }
}

fn unwritable(error: std::io::Error) -> Failure {
    quadrant_bpf::Error::io("cannot write the output", &error).into()
}

/// The file of `-o` cannot be made.
fn unopened(args: &Args, error: &std::io::Error) -> Failure {
    let place = args.output.as_deref().map_or(String::new(), |path| format!(" to {}", path.display()));
    quadrant_bpf::Error::io(format!("cannot write the output{place}"), error).into()
}

/// Run the script; what is said goes to `lines`, if there are any.
fn run_script(args: &Args, (script, params): (Script, &[String]), lines: Option<&Lines>) -> Result<i32, Failure> {
    if let Some(help) = parameters::help(&script, params) {
        print!("{help}");
        return Ok(0);
    }
    front::check_parameters(args, &script, params)?;
    let child = start(args)?;
    let process = args.pid.map(PidFd::open).transpose()?;
    if args.debug == Some(Stage::Ast) {
        print!("{}", quadrant_bpftrace::tree::print(&script.tree));
        return Ok(0);
    }
    let types = Rc::new(world::types());
    let features = Features::new();
    quadrant_bpf::limits::bump_memlock();
    let child_pid = child.as_ref().map(Child::pid);
    let program = Rc::new(program(args, &script, params, &types, child_pid, &features, lines)?);
    if let Some(nothing) = checks::nothing_to_run(args, &script, &program) {
        return Err(Failure::new(nothing.why));
    }
    if args.folded && !Renderer::has_foldable(&program) {
        let failure = Failure::new("--folded: no map of the script has stacks in its keys and numbers as its values");
        return Err(failure.hint("@[comm, ustack, kstack] = count();"));
    }
    if args.debug == Some(Stage::Program) {
        println!("{program:#?}");
        return Ok(0);
    }
    let options = session(args, child_pid)?;
    let compiled = compiled(&script, &program, &features, &types, options)?;
    if args.explain {
        compiled.mechanisms().iter().for_each(|line| println!("{}", failure::shown(line)));
        return Ok(0);
    }
    if args.verbose && !args.quiet {
        compiled.mechanisms().iter().for_each(|line| eprintln!("quadrant: {}", failure::shown(line)));
    }
    if args.debug == Some(Stage::Bpf) {
        print!("{}", listing(&compiled));
        return Ok(0);
    }
    let (processes, children) = (process.into_iter().collect(), child.into_iter().collect());
    let focus = Focus { processes, children, until: Until::First, ends_when_idle: false };
    trace(args, &script, &program, compiled, focus, lines)
}

/// What the flags ask of a trace besides the script; `child` is the process of `-c`.
///
/// # Errors
/// There is no such control group or container.
pub fn session(args: &Args, child: Option<u32>) -> Result<Options, Failure> {
    let cgroup = Wanted::of(args.cgroup.as_deref(), args.container.as_deref()).map(Wanted::find).transpose()?;
    let overhead = overhead::wanted(args.overhead, args.max_overhead);
    let (pid, exact_entries) = (args.pid.or(child), args.exact_entries);
    Ok(Options { pid, process: args.pid, cgroup, overhead, exact_entries, ..Options::default() })
}

/// A typed program's code.
///
/// # Errors
/// What this kernel cannot do.
pub fn compiled(
    script: &Script,
    program: &Rc<Program>,
    features: &Features,
    types: &Types,
    options: Options,
) -> Result<Compiled, Failure> {
    check_kprobes(program, features)?;
    let compiled = quadrant_session::compile(Rc::clone(program), features, types, options);
    let compiled = compiled.map_err(|error| Failure::session(&script.sources, error))?;
    check_plan(program, &compiled)?;
    Ok(compiled)
}

/// How the user wants kernel probes to be made.
fn kprobe_means(mechanism: KprobeMechanism) -> KprobeMeans {
    match mechanism {
        KprobeMechanism::Multi => KprobeMeans::Multi,
        KprobeMechanism::Session => KprobeMeans::Session,
        KprobeMechanism::Perf => KprobeMeans::Perf,
        KprobeMechanism::Tracefs => KprobeMeans::Tracefs,
    }
}

/// Whether kernel probes can be made as the user wants.
fn check_kprobes(program: &Program, features: &Features) -> Result<(), Failure> {
    let means = program.config.kprobes;
    if program.config.maxactive.is_some() && means.is_some_and(|means| means != KprobeMeans::Tracefs) {
        let failure = Failure::usage("only events of tracefs let maxactive be set, and another mechanism is asked for");
        return Err(failure.hint("leave out --kprobe-mechanism or maxactive"));
    }
    let has_functions = program.points.iter().any(|point| is_function(&point.site));
    let missing = match means.filter(|_| has_functions) {
        Some(KprobeMeans::Multi) if !features.kprobe_multi() => {
            "links to many functions (Linux 5.18, with CONFIG_FPROBE)"
        }
        Some(KprobeMeans::Session) if !features.kprobe_session() => {
            "programs for entries and returns of functions (Linux 6.10, with CONFIG_FPROBE)"
        }
        _ => return Ok(()),
    };
    let failure =
        Failure::usage(format!("this kernel has no {missing}, which the mechanism for kernel probes asks for"));
    Err(failure.hint("leave out --kprobe-mechanism: what this kernel has is chosen"))
}

/// Whether what the user forced could be done for something.
fn check_plan(program: &Program, compiled: &Compiled) -> Result<(), Failure> {
    let is_session = |planned: &Planned| planned.means == Means::KprobeSession;
    if program.config.kprobes != Some(KprobeMeans::Session) || compiled.units.iter().any(is_session) {
        return Ok(());
    }
    let message = "no functions have both a kprobe and a kretprobe here, which one program could serve (session)";
    Err(Failure::usage(message).hint("leave out --kprobe-mechanism: what fits is chosen"))
}

fn is_function(site: &Site) -> bool {
    matches!(site, Site::Kprobe(_) | Site::Kretprobe(_) | Site::Fentry(_) | Site::Fexit(_))
}

/// The command, which waits to be let go.
///
/// # Errors
/// It cannot be started.
pub fn start(args: &Args) -> Result<Option<Child>, Failure> {
    let Some(command) = &args.command else { return Ok(None) };
    Ok(Some(programs::start(&words::split(command)?)?))
}

/// What a script means.
///
/// # Errors
/// The script's mistakes.
pub fn program(
    args: &Args,
    script: &Script,
    params: &[String],
    types: &Rc<Types>,
    child: Option<u32>,
    features: &Features,
    lines: Option<&Lines>,
) -> Result<Program, Failure> {
    let source = list::source(args, types, child);
    let symbols = front::Addresses::new(args, child);
    program_in(
        &front::World { source: &source, types, symbols: &symbols, child },
        args,
        script,
        params,
        features,
        lines,
    )
}

/// What a script means in a world.
///
/// # Errors
/// The script's mistakes.
pub fn program_in(
    world: &front::World<'_, Source>,
    args: &Args,
    script: &Script,
    params: &[String],
    features: &Features,
    lines: Option<&Lines>,
) -> Result<Program, Failure> {
    let compile = |forced| front::compile(script, params, args, world, forced);
    let (program, mut diagnostics) = compile(None);
    let mut program = program.ok_or_else(|| Failure::script(&script.sources, &diagnostics))?;
    if let Some((shorter, messages)) = keys::shortened(&program, features, &compile) {
        (program, diagnostics) = (shorter, messages);
    }
    program.config.maxactive = args.maxactive.or(program.config.maxactive);
    program.config.kprobes = args.kprobe_mechanism.map(kprobe_means).or(program.config.kprobes);
    quadrant_session::share_places(&mut program, args.pid.or(world.child), args.pid);
    if lines.is_some() {
        stamp::stamp(&mut program);
    }
    match lines {
        _ if args.quiet => {}
        Some(lines) => {
            let warnings = world.source.warnings().into_iter();
            let warnings: Vec<String> = warnings.map(|one| one.in_language(quadrant_bpftrace::spell)).collect();
            let told = lines.diagnostics(&script.sources, &diagnostics).and_then(|()| lines.warnings(&warnings));
            told.map_err(unwritable)?;
        }
        None => {
            eprint!("{}", diag::render(&script.sources, &diagnostics, failure::color()));
            list::print_warnings(world.source);
        }
    }
    Ok(program)
}

fn trace(
    args: &Args,
    script: &Script,
    program: &Program,
    compiled: Compiled,
    focus: Focus,
    lines: Option<&Lines>,
) -> Result<i32, Failure> {
    let failed = |error| Failure::session(&script.sources, error);
    let trace = Trace::load(compiled).map_err(failed)?;
    if args.dry_run {
        return Ok(0);
    }
    if let Some(checks) = checks::wanted(args) {
        return check(args, script, program, trace, checks);
    }
    let names = Names::new(!args.no_inlines);
    let outcome = match lines {
        Some(lines) => {
            let mut documents =
                Documents::new(program, &script.sources, names, lines, args.verbose).telling_cost(args.overhead);
            let outcome = trace.run(&mut documents, focus);
            documents.flush().map_err(unwritable)?;
            outcome.map_err(failed)?
        }
        None => {
            let output = answers::output(args.output.as_deref()).map_err(|error| unopened(args, &error))?;
            let answers = Answers::new(program, &script.sources, Mode::Text, names, output);
            let answers = answers.quiet(args.quiet).verbose(args.verbose).telling_cost(args.overhead);
            trace.run(&mut answers.folding_stacks(args.folded), focus).map_err(failed)?
        }
    };
    let cut_short = outcome.end == Some(End::Overhead);
    let status = if args.strict && cut_short { LOST } else { status(args, outcome.status, &outcome.ledger) };
    lines.map_or(Ok(()), |lines| lines.end(&outcome, status)).map_err(unwritable)?;
    Ok(status)
}

fn status(args: &Args, status: i32, ledger: &Ledger) -> i32 {
    if args.strict && !ledger.is_empty() { LOST } else { status }
}

/// Run the script's tests or benchmarks.
fn check(args: &Args, script: &Script, program: &Program, trace: Trace, checks: Checks) -> Result<i32, Failure> {
    let output = answers::output(args.output.as_deref()).map_err(|error| unopened(args, &error))?;
    let mode = if args.format == Format::Json { Mode::Json } else { Mode::Text };
    let results = Results::new(checks, program, &script.sources, mode, Names::new(!args.no_inlines), output);
    let mut results = results.plain(args.output.is_some());
    let outcome = trace.check(checks, &mut results).map_err(|error| Failure::session(&script.sources, error))?;
    Ok(status(args, outcome.status, &outcome.ledger))
}

/// The code of all programs, with the points that each serves.
pub fn listing(compiled: &Compiled) -> String {
    let mut text = String::new();
    for (planned, code) in compiled.units.iter().zip(&compiled.object.programs) {
        for point in planned.unit.all_points() {
            text.push_str(&compiled.program.points[point.0 as usize].name);
            text.push('\n');
        }
        text.push_str(&format!("{code}\n"));
    }
    text
}
