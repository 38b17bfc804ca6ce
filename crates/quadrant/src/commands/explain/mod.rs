//! `quadrant explain`: what a script, or a program in the kernel, has become.

mod facts;
mod loaded;
mod object;
mod script;

use std::ffi::OsString;
use std::fmt;
use std::fmt::Write;

use clap::Parser;
use clap::ValueEnum;
use quadrant_symbols::Symbolizer;

use crate::args::Args;
use crate::commands;
use crate::commands::Done;
use crate::commands::Without;
use crate::failure::Failure;

/// Show what a script becomes on this kernel: how its probes are made and why, its maps, its code at every stage, and what that costs.
///
/// FILE may be a script in bpftrace's language or in D (.d), or an object of programs that clang made (.bpf.o, or .bpf.c). The programs are
/// loaded and never attached.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant explain", no_binary_name = true, max_term_width = 100, after_help = EXAMPLES)]
struct Options {
    /// Only this part; may be given several times
    #[arg(long, value_enum, value_name = "PART", help_heading = "What to show")]
    only: Vec<Part>,

    /// Every part
    #[arg(long, conflicts_with = "only", help_heading = "What to show")]
    all: bool,

    /// In place of a script: a program that the kernel has now, by its number, its name or its tag, or the path at which
    /// it is pinned
    #[arg(long, value_name = "ID|NAME|TAG|PATH", help_heading = "What to run")]
    program: Option<String>,

    #[command(flatten)]
    script: Args,
}

const EXAMPLES: &str = "\
Examples:
  quadrant explain -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
  quadrant explain --only probes --only maps script.bt
  quadrant explain --only ssa script.d
  quadrant explain FILE.bpf.o
  quadrant explain --program 123 --only jited";

/// A part of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Part {
    /// How each probe is made, and why so.
    Probes,
    /// The kernel's maps, and their memory.
    Maps,
    /// The typed program.
    Model,
    /// The compiler's optimized form (SSA).
    Ssa,
    /// The eBPF instructions, with the script's text beside them.
    Bpf,
    /// The instructions as the kernel's verifier has left them.
    Xlated,
    /// The machine code.
    Jited,
    /// The helper functions that are called.
    Helpers,
    /// Sizes, the verifier's work, and what a run costs.
    Cost,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// What is shown when nothing is said.
const USUAL: [Part; 5] = [Part::Probes, Part::Maps, Part::Bpf, Part::Helpers, Part::Cost];

const OF_OBJECTS: [Part; 5] = [Part::Probes, Part::Maps, Part::Helpers, Part::Xlated, Part::Cost];

/// An answer is text on standard output, and nothing is attached.
const WITHOUT: Without = Without {
    refused: &["list", "output", "format", "overhead", "strict", "debug", "tree", "count"],
    idle: &["dry_run", "explain", "verbose", "no_inlines"],
};

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let mut options: Options = match commands::parse_script(words, &WITHOUT)? {
        Ok(options) => options,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Err(failure) = options.script.settle() {
        return Ok(Err(failure));
    }
    let mut answer = Answer { parts: options.parts(), text: String::new() };
    let done = match (&options.program, options.object()) {
        (Some(program), _) => loaded::explain(program, &mut answer),
        (None, Some(file)) => object::explain(file, &options.script.include_dirs, &mut answer),
        (None, None) => script::explain(&options.script, &mut answer),
    };
    Ok(done.and_then(|()| commands::print(answer.text.as_bytes()).map(|()| 0)))
}

impl Options {
    /// The file, if it is an object or C.
    fn object(&self) -> Option<&str> {
        let file = self.script.rest.first().filter(|_| self.script.execute.is_none())?;
        object::is_object(file).then_some(file)
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = match (self.all, self.only.is_empty(), &self.program) {
            (true, ..) => Part::value_variants().to_vec(),
            (false, true, None) if self.object().is_some() => OF_OBJECTS.to_vec(),
            (false, true, None) => USUAL.to_vec(),
            (false, true, Some(_)) => vec![Part::Maps, Part::Xlated, Part::Cost],
            (false, false, _) => self.only.clone(),
        };
        parts.sort();
        parts.dedup();
        parts
    }
}

/// The text so far.
struct Answer {
    parts: Vec<Part>,
    text: String,
}

impl Answer {
    fn wants(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Adds a part, if it is wanted and there is something in it; a heading tells it from others.
    fn add(&mut self, part: Part, heading: &str, text: &str) {
        if !self.wants(part) || text.is_empty() {
            return;
        }
        if self.parts.len() > 1 {
            let gap = if self.text.is_empty() { "" } else { "\n" };
            let _ = writeln!(self.text, "{gap}== {heading}");
        }
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

impl Answer {
    /// # Errors
    /// Nothing is wanted but parts that there are not. What is missing beside others is told, unless simply everything is wanted.
    fn refuse(&self, missing: &[Part], who: &str, instead: &str) -> Result<(), Failure> {
        let lacking: Vec<String> =
            self.parts.iter().filter(|part| missing.contains(part)).map(Part::to_string).collect();
        let text = format!("{who} these parts of a program: {}", lacking.join(", "));
        if lacking.len() == self.parts.len() {
            return Err(Failure::usage(text).hint(instead));
        }
        if !lacking.is_empty() && self.parts.len() < Part::value_variants().len() {
            commands::print_notes(&[text]);
        }
        Ok(())
    }
}

/// The kernel function at an address, with the distance from its start.
pub fn kernel_symbol(symbols: &mut Symbolizer, address: u64) -> Option<String> {
    let frame = symbols.ksym(address);
    let symbol = frame.symbol?;
    let name = commands::escaped(symbol.name.as_bytes());
    Some(if symbol.offset == 0 { name } else { format!("{name}+{:#x}", symbol.offset) })
}
