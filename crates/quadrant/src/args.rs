//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory;
use clap::Parser;
use clap::ValueEnum;
use quadrant_bpftrace::Script;

use crate::failure::Failure;
use crate::overhead;
use crate::overhead::Share;
use crate::scope::Wanted;
use crate::spread::spread;

/// One tracer for all four quadrants of Linux tracing: kernel and user, static and dynamic.
#[derive(Debug, Parser)]
#[command(name = "quadrant", version, args_override_self = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// Run this program instead of a file
    #[arg(short = 'e', long = "execute", value_name = "PROGRAM", help_heading = "What to run")]
    pub execute: Option<String>,

    /// List the probes that match a pattern (with -v: their arguments)
    #[arg(short, long, help_heading = "What to run")]
    pub list: bool,

    /// Run the script's tests, which are its test:NAME probes, and report which passed
    #[arg(long, conflicts_with_all = ["list", "bench"], help_heading = "What to run")]
    pub test: bool,

    /// Measure the script's bench:NAME probes
    #[arg(long, conflicts_with = "list", help_heading = "What to run")]
    pub bench: bool,

    /// Attach only probes (BEGIN and END always), run only tests and benchmarks whose name matches
    #[arg(long, value_name = "REGEX", help_heading = "What to run")]
    pub probe_filter: Option<regex_lite::Regex>,

    /// With --list: group probes by subsystem, module or file, with counts
    #[arg(long, requires = "list", help_heading = "What to run")]
    pub tree: bool,

    /// With --list: only how many probes each group has
    #[arg(long, requires = "list", help_heading = "What to run")]
    pub count: bool,

    /// Trace only this process where the probe allows it; the trace ends with it
    #[arg(short, long, value_name = "PID", help_heading = "Target")]
    pub pid: Option<u32>,

    /// Start this command once all probes are attached; the trace ends with it and has its exit status
    #[arg(short, long = "cmd", value_name = "COMMAND", help_heading = "Target")]
    pub command: Option<String>,

    /// Trace only what runs in this control group and those in it: a path, or a number as `cgroup` has it
    #[arg(long, value_name = "PATH|ID", conflicts_with = "container", help_heading = "Target")]
    pub cgroup: Option<String>,

    /// Trace only what runs in this container: the start of its id, as docker, containerd, podman, cri-o, LXC or systemd name it,
    /// or the name that docker or podman has given it
    #[arg(long, value_name = "ID", help_heading = "Target")]
    pub container: Option<String>,

    /// Allow system(), signal() and what else changes the system
    #[arg(long = "unsafe", help_heading = "Safety")]
    pub allow_unsafe: bool,

    /// Allow up to so many attach points [default: 1024, and 65536 user functions where the kernel takes them together]
    #[arg(long, value_name = "N", help_heading = "Safety")]
    pub max_probes: Option<u32>,

    /// Look for separate debug information in these folders first (with +: and check its CRC)
    #[arg(long, value_name = "DIR[:DIR]", help_heading = "Target")]
    pub debuginfo: Vec<String>,

    /// Make kernel probes in this way
    #[arg(long, value_enum, value_name = "WAY", help_heading = "Kernel functions")]
    pub kprobe_mechanism: Option<KprobeMechanism>,

    /// Calls of a function that may be under way at once, for kretprobes (implies tracefs)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Kernel functions")]
    pub maxactive: Option<u32>,

    /// Patterns of kernel functions mean those in this file (a line each, as in tracefs' available_filter_functions)
    #[arg(long, value_name = "FILE", help_heading = "Kernel functions")]
    pub traceable_functions: Option<PathBuf>,

    /// Keep probes of user functions at the very first instruction, even where the kernel must execute that in single step
    #[arg(long, help_heading = "Target")]
    pub exact_entries: bool,

    /// Print at the end what the trace itself has cost
    #[arg(long, help_heading = "Safety")]
    pub overhead: bool,

    /// Keep the time of the probes' programs below this part of one CPU: warn, then let only some firings count, then end
    /// (docs/overhead.md)
    #[arg(long, value_name = "PERCENT", value_parser = overhead::share, help_heading = "Safety")]
    pub max_overhead: Option<Share>,

    /// Exit with status 3 when anything was lost
    #[arg(long, help_heading = "Safety")]
    pub strict: bool,

    /// Compile, load and check, but attach nothing
    #[arg(long, help_heading = "Safety")]
    pub dry_run: bool,

    /// Write answers to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Form of the answers
    #[arg(short, long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    pub format: Format,

    /// Print maps by stacks as folded stacks, a line each, from which flamegraph.pl and inferno draw flame graphs
    #[arg(long, conflicts_with_all = ["format", "list"], help_heading = "Output")]
    pub folded: bool,

    /// Print nothing but answers
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Print how each probe is made, and stop
    #[arg(long, help_heading = "Output")]
    pub explain: bool,

    /// Say more: arguments in listings, mechanisms when attaching
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,

    /// Leave inlined functions out of stacks
    #[arg(long, help_heading = "Output")]
    pub no_inlines: bool,

    /// Print a stage of the compiler and stop
    #[arg(short, long, value_enum, value_name = "STAGE", help_heading = "Output")]
    pub debug: Option<Stage>,

    /// Look for headers (`#include`) in this folder, too
    #[arg(short = 'I', value_name = "DIR", help_heading = "What to run")]
    pub include_dirs: Vec<PathBuf>,

    /// Include this header before the script
    #[arg(long = "include", value_name = "HEADER", help_heading = "What to run")]
    pub includes: Vec<String>,

    /// Script file (- for standard input) or list pattern, then the script's parameters $1, $2, ...
    #[arg(value_name = "FILE|PATTERN|PARAMETER", trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<String>,

    /// The script, if it is not a file or a program to be read; then all of the rest are its parameters
    #[arg(skip)]
    pub script: Option<Box<Script>>,

    /// Whether to warn of habits that bpftrace warns of
    #[arg(skip)]
    pub style: bool,
}

impl Args {
    /// What the words of a command line mean; the first is the program's name.
    ///
    /// # Errors
    /// A wrong command line; and `--help` and `--version`, which are to be printed.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
        let mut words = words.into_iter();
        let program = words.next();
        Args::try_parse_from(program.into_iter().chain(spread(&Args::command(), words)))
    }

    /// Gives the process of `-p` the number that it has here, should it be that of the container or control group to which the trace is
    /// limited.
    ///
    /// # Errors
    /// There is no such process in it, or no such container.
    pub fn settle(&mut self) -> Result<(), Failure> {
        if let (Some(pid), Some(wanted)) = (self.pid, Wanted::of(self.cgroup.as_deref(), self.container.as_deref())) {
            self.pid = Some(wanted.process(pid)?);
        }
        Ok(())
    }

    /// As if a script were run with nothing but parameters.
    pub fn of_script(file: &str, parameters: &[String]) -> Args {
        let words = ["quadrant".to_owned(), file.to_owned()].into_iter().chain(parameters.iter().cloned());
        // Words behind the script are the script's, so nothing among them can be wrong.
        Args::try_parse_from(words).unwrap_or_else(|error| error.exit())
    }
}

const EXAMPLES: &str = "\
Commands (`quadrant COMMAND --help` tells more; a script of that name comes first):
  active    Everything that is attached on this system, by whomever
  aliases   Names of other systems that D scripts may use
  btf       The kernel's types, as a C header
  build     An executable from a script, which runs on other machines
  bpftrace  bpftrace's command line (also by a link of that name)
  cleanup   Remove what killed tracers left in the kernel
  dtrace    DTrace's command line, for scripts in D (also by a link of that name)
  doctor    What this kernel can do, and what stands in the way
  explain   What a script, or a program in the kernel, has become
  fmt       bpftrace scripts in the usual form
  list      The same as -l
  load      Run an object of BPF programs that clang made, or C of such
  maps      Maps that the kernel has, by whomever, and what is in them
  progs     Programs that the kernel has, by whomever, and what they cost
  record    Write what a script's probes see to a file
  replay    Run a script on such a file, without root

Examples:
  quadrant -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
  quadrant -e 'profile:hz:99 { @[kstack, ustack, comm] = count(); }'
  quadrant -l 'tracepoint:sched:*'
  quadrant script.bt 1234";

/// A way to make kernel probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KprobeMechanism {
    /// One link for many functions.
    Multi,
    /// One program, and one link, for entries and returns of the same functions.
    Session,
    /// A perf event for each function.
    Perf,
    /// An event of tracefs for each function.
    Tracefs,
}

/// Form of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The syntax tree.
    Ast,
    /// The typed program.
    Program,
    /// The eBPF instructions.
    Bpf,
}
