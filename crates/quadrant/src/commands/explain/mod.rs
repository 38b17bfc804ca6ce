//! `quadrant explain`: what a script, or a program in the kernel, has become.

mod facts;
mod loaded;
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

/// Show what a script becomes on this kernel: how its probes are made and why, its maps, its code at every stage, and what that costs.
///
/// The programs are loaded and never attached.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant explain", no_binary_name = true, max_term_width = 100, after_help = EXAMPLES)]
struct Options {
    /// Only this part; may be given several times
    #[arg(long, value_enum, value_name = "PART", help_heading = "What to show")]
    only: Vec<Part>,

    /// Every part
    #[arg(long, conflicts_with = "only", help_heading = "What to show")]
    all: bool,

    /// In place of a script: a program that the kernel has now, by its number or its name
    #[arg(long, value_name = "ID|NAME", help_heading = "What to run")]
    program: Option<String>,

    #[command(flatten)]
    script: Args,
}

const EXAMPLES: &str = "\
Examples:
  quadrant explain -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
  quadrant explain --only probes --only maps script.bt
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

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    let mut answer = Answer { parts: options.parts(), text: String::new() };
    let done = match &options.program {
        Some(program) => loaded::explain(program, &mut answer),
        None => script::explain(&options.script, &mut answer),
    };
    Ok(done.and_then(|()| commands::print(answer.text.as_bytes()).map(|()| 0)))
}

impl Options {
    fn parts(&self) -> Vec<Part> {
        let mut parts = match (self.all, self.only.is_empty(), &self.program) {
            (true, ..) => Part::value_variants().to_vec(),
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

/// The kernel function at an address, with the distance from its start.
fn kernel_symbol(symbols: &mut Symbolizer, address: u64) -> Option<String> {
    let frame = symbols.ksym(address);
    let symbol = frame.symbol?;
    let name = commands::escaped(symbol.name.as_bytes());
    Some(if symbol.offset == 0 { name } else { format!("{name}+{:#x}", symbol.offset) })
}
