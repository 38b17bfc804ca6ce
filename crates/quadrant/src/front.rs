//! From the command line's script to a typed program.

use std::cell::RefCell;
use std::os::unix::fs::MetadataExt;

use quadrant_bpf::prog::ProgramKind;
use quadrant_bpftrace::Script;
use quadrant_bpftrace::lower::Env;
use quadrant_bpftrace::lower::Symbols;
use quadrant_bpftrace::lower::UserAddress;
use quadrant_bpftrace::lower::UserPlace;
use quadrant_bpftrace::lower::UserSymbol;
use quadrant_program::Program;
use quadrant_program::diag::Diagnostic;
use quadrant_program::probe::ProbeKind;
use quadrant_program::probe::ProbeSource;
use quadrant_symbols::Symbolizer;
use quadrant_types::Types;

use crate::args::Args;
use crate::checks;
use crate::failure::Failure;
use crate::imports::Files;
use crate::output_file;
use crate::parameters;
use crate::script;

/// The script and its parameters, as the command line gives them.
///
/// # Errors
/// No script, a file that cannot be read, or one that the output would be written over.
pub fn script(args: &Args) -> Result<(Script, &[String]), Failure> {
    if let Some(script) = &args.script {
        return Ok((Script::clone(script), &args.rest));
    }
    if let Some(text) = &args.execute {
        let script = load(args, "stdin", text, None);
        output_file::check_sources(args.output.as_deref())?;
        return Ok((script, &args.rest));
    }
    let Some((file, params)) = args.rest.split_first() else {
        return Err(Failure::usage("no script: give a file, or a program with -e").hint("try 'quadrant --help'"));
    };
    if file.starts_with('-') && file != "-" {
        return Err(Failure::usage(format!("unknown option {}", file.escape_debug())).hint("try 'quadrant --help'"));
    }
    let text = script::text_of(file)?;
    let script = load(args, shown_name(file), &text, Some(file));
    output_file::check_sources(args.output.as_deref())?;
    Ok((script, params))
}

/// Whether somebody reads the words behind the script. A tool that was built knows already that its script does.
///
/// # Errors
/// As for [`parameters::check`].
pub fn check_parameters(args: &Args, script: &Script, params: &[String]) -> Result<(), Failure> {
    match args.script {
        Some(_) => Ok(()),
        None => parameters::check(script, params),
    }
}

fn load(args: &Args, name: &str, text: &str, file: Option<&str>) -> Script {
    let files = Files::new(file, &args.include_dirs, &args.includes);
    Script::load(name, text, files.script.as_deref(), &files)
}

fn shown_name(file: &str) -> &str {
    if file == "-" { "stdin" } else { file }
}

/// What a script is compiled for.
pub struct World<'a, S> {
    /// The probes that there are.
    pub source: &'a S,
    /// The kernel's types.
    pub types: &'a Types,
    /// What names mean.
    pub symbols: &'a dyn Symbols,
    /// The process of `-c`.
    pub child: Option<u32>,
}

/// Compile a script; messages are returned also when there is a program. A setting may be forced from outside.
pub fn compile<S: ProbeSource>(
    script: &Script,
    params: &[String],
    args: &Args,
    world: &World<'_, S>,
    forced: Option<(String, String)>,
) -> (Option<Program>, Vec<Diagnostic>) {
    let mut settings = settings();
    settings.extend(forced);
    let env = Env {
        probes: world.source,
        runs: &|spec| checks::includes(args, spec),
        chosen: &|point| checks::attaches(args, point),
        types: world.types,
        symbols: world.symbols,
        params,
        settings: &settings,
        child: world.child,
        allow_unsafe: args.allow_unsafe,
        warns_of_style: args.style,
        portable: false,
    };
    quadrant_bpftrace::lower::compile(script, &env)
}

/// Compile a script for an object that is loaded elsewhere.
pub fn compile_portable(
    script: &Script,
    args: &Args,
    source: &dyn ProbeSource,
    types: &Types,
) -> (Option<Program>, Vec<Diagnostic>) {
    let settings = settings();
    let env = Env {
        probes: source,
        runs: &|spec| checks::includes(args, spec),
        chosen: &|point| checks::attaches(args, point),
        types,
        symbols: &Elsewhere,
        params: &args.rest,
        settings: &settings,
        child: None,
        allow_unsafe: args.allow_unsafe,
        warns_of_style: args.style,
        portable: true,
    };
    quadrant_bpftrace::lower::compile(script, &env)
}

/// The machine where an object will be loaded: nobody knows it.
struct Elsewhere;

impl Symbols for Elsewhere {
    fn kernel_address(&self, _name: &str) -> Result<u64, String> {
        Err("an object does not know the kernel that it will be loaded in: addresses are others there".to_owned())
    }

    fn user_symbol(&self, _place: UserPlace<'_>, _name: &str) -> Result<UserSymbol, String> {
        Err("an object does not know the processes that it will see: addresses are others there".to_owned())
    }

    fn cgroup_id(&self, _path: &str) -> Result<u64, String> {
        Err("an object does not know the cgroups of the machine that it will be loaded on".to_owned())
    }

    fn kernel_version(&self) -> Result<u64, String> {
        Err("an object does not know the version of the kernel that it will be loaded in".to_owned())
    }
}

/// Settings from the environment: `BPFTRACE_MAX_STRLEN=200` or `QUADRANT_MAX_STRLEN=200`. A value that is not UTF-8 is told as one
/// that cannot be meant, rather than left out.
fn settings() -> Vec<(String, String)> {
    let setting = |(name, value): (String, String)| {
        let key = name.strip_prefix("QUADRANT_").or_else(|| name.strip_prefix("BPFTRACE_"))?;
        Some((key.to_ascii_lowercase(), value))
    };
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    variables.filter_map(setting).collect()
}

/// Addresses that a script names.
pub struct Addresses {
    symbols: RefCell<Option<Symbolizer>>,
    pid: Option<u32>,
}

impl Addresses {
    /// Those of this machine, and of the process of `-p` or `-c`.
    pub fn new(args: &Args, child: Option<u32>) -> Addresses {
        Addresses { symbols: RefCell::new(None), pid: args.pid.or(child) }
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Symbolizer) -> Result<T, quadrant_symbols::Error>) -> Result<T, String> {
        let mut symbols = self.symbols.borrow_mut();
        let symbols = symbols.get_or_insert_with(|| Symbolizer::new(quadrant_symbols::Options::default()));
        ask(symbols).map_err(|error| error.to_string())
    }
}

/// The kind of the programs of a kind of probe.
fn program_kind(kind: ProbeKind) -> ProgramKind {
    match kind {
        ProbeKind::Tracepoint => ProgramKind::Tracepoint,
        ProbeKind::RawTracepoint | ProbeKind::Fentry | ProbeKind::Fexit | ProbeKind::Iter => ProgramKind::Tracing,
        ProbeKind::Kprobe | ProbeKind::Kretprobe | ProbeKind::Uprobe | ProbeKind::Uretprobe | ProbeKind::Usdt => {
            ProgramKind::Kprobe
        }
        ProbeKind::Profile
        | ProbeKind::Interval
        | ProbeKind::Software
        | ProbeKind::Hardware
        | ProbeKind::Watchpoint => ProgramKind::PerfEvent,
        _ => ProgramKind::RawTracepoint,
    }
}

/// The pid namespace that a machine starts with (`PROC_PID_INIT_INO`).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

impl Symbols for Addresses {
    fn numbers_as_the_machine(&self) -> bool {
        std::fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() == INITIAL_PID_NAMESPACE)
    }

    fn kfunc_allowed(&self, kind: ProbeKind, function: u32, tracepoint: u32) -> bool {
        quadrant_bpf::features::kfunc_allowed(program_kind(kind), function, tracepoint)
    }

    fn kernel_address(&self, name: &str) -> Result<u64, String> {
        self.with(|symbols| symbols.kaddr(name))
    }

    fn user_symbol(&self, place: UserPlace<'_>, name: &str) -> Result<UserSymbol, String> {
        let file = place.path.to_string_lossy();
        if let Some(offset) = place.fires_at {
            let (found, distance) = self.with(|symbols| symbols.uaddr_behind(&file, name, offset))?;
            return Ok(UserSymbol { address: UserAddress::BehindProbe(distance), size: found.size });
        }
        let found = self.with(|symbols| symbols.uaddr_in_file(&file, name))?;
        let address = match self.pid {
            _ if found.fixed => found.vaddr,
            Some(pid) => self.with(|symbols| symbols.uaddr_in_process(pid, Some(&file), name))?,
            None => {
                return Err(format!(
                    "`{name}` has another address in each process, which a return does not tell: take it at the entry \
                     (`uprobe`), or say which process (`-p`)"
                ));
            }
        };
        Ok(UserSymbol { address: UserAddress::Fixed(address), size: found.size })
    }

    fn cgroup_id(&self, path: &str) -> Result<u64, String> {
        let metadata = std::fs::metadata(path).map_err(|error| format!("cannot look at {path}: {error}"))?;
        Ok(metadata.ino())
    }

    fn kernel_version(&self) -> Result<u64, String> {
        Ok(quadrant_session::object::kernel_version())
    }
}
