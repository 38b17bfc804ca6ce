//! `quadrant load`: runs what clang made, an object of BPF programs.

pub mod compile;
mod events;
mod listing;
mod show;

use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use quadrant_bpf::process::Child;
use quadrant_bpf::process::PidFd;
use quadrant_object::Object;
use quadrant_session::Error;
use quadrant_session::Focus;
use quadrant_session::Until;
use quadrant_session::object;
use quadrant_session::object::Limits;
use quadrant_session::object::LoadOptions;

use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::failure::Failure;
use crate::output_file;
use crate::words;

/// Load an object of BPF programs, attach them, and print what they say.
///
/// The object is one as clang makes it for libbpf (FILE.bpf.o), or C from which clang makes one here (FILE.bpf.c; vmlinux.h is made
/// from the running kernel's types). Programs go where their sections say: SEC("kprobe/do_unlinkat"), SEC("tp/sched/sched_switch"),
/// SEC("?...") only when asked for. Records of ring and perf buffers, lines of bpf_printk, and in the end maps and variables are
/// printed by their types.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant load", no_binary_name = true, max_term_width = 100)]
pub struct Options {
    /// The object, or its source in C
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Show what is in the object, and load nothing
    #[arg(long, help_heading = "What to do")]
    list: bool,

    /// Create the maps and load the programs, but attach nothing
    #[arg(long, help_heading = "What to do")]
    dry_run: bool,

    /// Give a variable a value before the programs run, or a map a size: `min_ns=1000`, `filter.ports[0]=443`,
    /// `stacks.max_entries=1024`; `cpid` is the process of -c or -p; `CONFIG_HZ=250` sets what the object reads of the kernel's
    /// configuration
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, help_heading = "Programs")]
    set: Vec<(String, String)>,

    /// Attach a program there: `probe_malloc=libc:malloc`, `sample=profile:hz:99` (again for more places)
    #[arg(long, value_name = "PROGRAM=TARGET", value_parser = pair, help_heading = "Programs")]
    attach: Vec<(String, String)>,

    /// Load only this program (again for more)
    #[arg(long, value_name = "PROGRAM", help_heading = "Programs")]
    only: Vec<String>,

    /// Go on without the programs that this kernel refuses, and name them
    #[arg(long, help_heading = "Programs")]
    tolerant: bool,

    /// When a program is refused, show all that the verifier wrote
    #[arg(long, help_heading = "Programs")]
    verifier_log: bool,

    /// Show records (of that map) as this type of the object
    #[arg(long, value_name = "[MAP:]TYPE", help_heading = "Output")]
    event: Vec<String>,

    /// Print maps and variables so often, not only in the end: `1s`, `500ms`
    #[arg(long, value_name = "TIME", value_parser = commands::time, help_heading = "Output")]
    interval: Option<Duration>,

    /// Form of the answers
    #[arg(short, long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,

    /// Print nothing but answers
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,

    /// End after that time: `10s`, `1m`
    #[arg(long, value_name = "TIME", value_parser = commands::time, help_heading = "Target")]
    duration: Option<Duration>,

    /// User probes are in this process alone; end with it
    #[arg(short, long, value_name = "PID", help_heading = "Target")]
    pid: Option<u32>,

    /// Start this command once everything is attached; end with it and with its exit status
    #[arg(short, long = "cmd", value_name = "COMMAND", help_heading = "Target")]
    command: Option<String>,

    /// For C: keep the object that clang makes there
    #[arg(long, value_name = "FILE", help_heading = "C")]
    object: Option<PathBuf>,

    /// For C: look for headers there, too
    #[arg(short = 'I', value_name = "FOLDER", help_heading = "C")]
    include: Vec<PathBuf>,

    /// For C: define a macro
    #[arg(short = 'D', value_name = "NAME[=VALUE]", help_heading = "C")]
    define: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("an equals sign is missing")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Largest object that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(load(&options))
}

fn load(options: &Options) -> Done {
    let mut object = object(options)?;
    let child = options.command.as_deref().map(|command| Ok::<_, Failure>(Child::spawn(&words::split(command)?)?));
    let child = child.transpose()?;
    let pid = options.pid.or(child.as_ref().map(Child::pid));
    for (name, value) in &options.set {
        let value = match pid {
            Some(pid) if value == "cpid" => pid.to_string(),
            _ => value.clone(),
        };
        object.set(name, &value).map_err(|error| match value.as_str() {
            "cpid" => Failure::new(error.to_string()).hint("`cpid` is the process of -c or -p: give one of them"),
            _ => Failure::new(error.to_string()),
        })?;
    }
    let events = events::Events::new(&object, &options.event)?;
    if options.list {
        commands::print(&listing::listing(&object, options.format))?;
        return Ok(0);
    }
    let process = options.pid.map(PidFd::open).transpose()?;
    let wishes = LoadOptions {
        attach: options.attach.clone(),
        only: options.only.clone(),
        pid,
        tolerant: options.tolerant,
        whole_log: options.verifier_log,
    };
    let loaded = object::load(object, wishes).map_err(failure)?;
    if options.dry_run {
        loaded.notes.iter().for_each(|note| show::note(note, options.quiet));
        commands::print(&listing::loaded(&loaded, options.format))?;
        return Ok(0);
    }
    let processes = process.into_iter().collect();
    let focus = Focus { processes, children: child.into_iter().collect(), until: Until::First, ends_when_idle: false };
    let mut show = show::Show::new(options.format, options.quiet, events);
    let limits = Limits { duration: options.duration, interval: options.interval };
    loaded.run(&mut show, focus, limits).map_err(failure)
}

/// The object: read, or made.
fn object(options: &Options) -> Result<Object, Failure> {
    let name = options.file.display();
    let bytes = bytes(&options.file, &options.include, &options.define)?;
    if let Some(path) = &options.object {
        output_file::check_apart(path, &options.file)?;
        let failed = |error| quadrant_bpf::Error::io(format!("cannot write {}", path.display()), &error);
        output_file::write(path, &bytes).map_err(failed)?;
    }
    Object::parse(&bytes).map_err(|error| {
        let failure = Failure::new(format!("{name}: {error}"));
        match options.file.extension().and_then(OsStr::to_str) {
            Some("bt") => failure.hint(format!("scripts are run by `quadrant {name}`")),
            Some("d") => failure.hint(format!("scripts in D are run by `quadrant dtrace -s {name}`")),
            _ => failure,
        }
    })
}

/// The bytes of an object's file, or of what clang makes of one in C.
///
/// # Errors
/// It cannot be read, or clang does not like it.
pub fn bytes(file: &Path, include: &[PathBuf], define: &[String]) -> Result<Vec<u8>, Failure> {
    match file.extension().is_some_and(|extension| extension == "c") {
        true => compile::compile(file, include, define),
        false => read(file),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let failed = |error: std::io::Error| quadrant_bpf::Error::io(format!("cannot read {}", file.display()), &error);
    let mut bytes = Vec::new();
    std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// What the session says of an object.
pub fn failure(error: Error) -> Failure {
    match error {
        Error::Object { message, help } => {
            let message: Vec<String> = message.lines().map(crate::failure::shown).collect();
            help.iter()
                .fold(Failure::new(message.join("\n")), |failure, help| failure.hint(crate::failure::shown(help)))
        }
        Error::Probe(error) => Failure::from(error),
        other => Failure::new(other.to_string()),
    }
}
