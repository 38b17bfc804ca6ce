//! The command line of `quadrant build`.

use std::path::PathBuf;

use clap::Parser;
use clap::ValueEnum;

use crate::args::Format;
use crate::args::KprobeMechanism;
use crate::failure::Failure;
use crate::script;

/// Make an executable from a script: one file that runs on other machines and kernels.
///
/// It is this program with the script and all files that the script imports. The script is compiled when the tool starts, for the kernel
/// that is there; here it is only tried. With a name that ends in .o, an eBPF object is made instead, which libbpf and bpftool load, and
/// which fits itself to the kernel's types (CO-RE); it has no tracer with it, so it can only fill maps.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant build", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
pub struct Options {
    /// The tool [default: the script's name without its ending], or an object: NAME.bpf.o
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Make the tool of this program instead of a file
    #[arg(
        short = 'e',
        long = "execute",
        value_name = "PROGRAM",
        requires = "output",
        conflicts_with = "dtrace_options"
    )]
    pub execute: Option<String>,

    /// Do not try whether this kernel takes the script
    #[arg(long)]
    pub no_check: bool,

    /// Look for headers (`#include`) in this folder, too
    #[arg(short = 'I', value_name = "DIR")]
    pub include_dirs: Vec<PathBuf>,

    /// Include this header before the script
    #[arg(long = "include", value_name = "HEADER")]
    pub includes: Vec<String>,

    /// Allow system(), signal() and what else changes the system
    #[arg(long = "unsafe", help_heading = FIXED)]
    allow_unsafe: bool,

    /// Allow up to so many attach points
    #[arg(long, value_name = "N", help_heading = FIXED)]
    max_probes: Option<u32>,

    /// Make kernel probes in this way
    #[arg(long, value_enum, value_name = "WAY", help_heading = FIXED)]
    kprobe_mechanism: Option<KprobeMechanism>,

    /// Calls of a function that may be under way at once, for kretprobes
    #[arg(long, value_name = "N", help_heading = FIXED)]
    maxactive: Option<u32>,

    /// Exit with status 3 when anything was lost
    #[arg(long, help_heading = FIXED)]
    strict: bool,

    /// Form of the answers, unless the tool's own -f says another
    #[arg(short, long, value_enum, help_heading = FIXED)]
    format: Option<Format>,

    /// Print nothing but answers
    #[arg(short, long, help_heading = FIXED)]
    quiet: bool,

    /// Leave inlined functions out of stacks
    #[arg(long, help_heading = FIXED)]
    no_inlines: bool,

    /// Scripts in D: send the script through the C preprocessor, now
    #[arg(short = 'C', help_heading = FIXED)]
    preprocess: bool,

    /// Scripts in D: an option of D, as of dtrace -x
    #[arg(short = 'x', value_name = "NAME[=VALUE]", help_heading = FIXED)]
    dtrace_options: Vec<String>,

    /// Script file (.d: in D; - for standard input), then parameters of the script that count unless the tool gets others; named ones
    /// behind --
    #[arg(value_name = "FILE|PARAMETER", required_unless_present = "execute")]
    rest: Vec<String>,
}

const FIXED: &str = "Fixed in the tool";

const NOTES: &str = "\
The tool's own command line: its --help shows it.

Examples:
  quadrant build opens.bt -o opens
  quadrant build top.bt 10 -- --sort=time
  quadrant build --unsafe -o watch -e 'tracepoint:oom:mark_victim { system(\"logger oom\"); }'
  quadrant build io.d -x quiet
  quadrant build -o counts.bpf.o -e 'tracepoint:syscalls:sys_enter_* { @[comm] = count(); }'";

impl Options {
    /// The script's file, if it has one.
    pub fn file(&self) -> Option<&str> {
        self.rest.first().filter(|_| self.execute.is_none()).map(String::as_str)
    }

    /// The parameters that count unless the tool gets others.
    pub fn parameters(&self) -> &[String] {
        self.rest.get(usize::from(self.execute.is_none())..).unwrap_or_default()
    }

    /// Whether the script is in D.
    pub fn is_d(&self) -> bool {
        self.file().is_some_and(script::is_d)
    }

    /// The fixed options as words of the tracer's command line.
    ///
    /// # Errors
    /// One that only scripts in D have.
    pub fn bpftrace_words(&self) -> Result<Vec<String>, Failure> {
        if self.preprocess || !self.dtrace_options.is_empty() {
            return Err(Failure::usage("-C and -x are for scripts in D, whose files end with .d"));
        }
        let flags = [
            (self.allow_unsafe, "--unsafe"),
            (self.strict, "--strict"),
            (self.quiet, "--quiet"),
            (self.no_inlines, "--no-inlines"),
        ];
        let values = [
            ("--max-probes", self.max_probes.map(|number| number.to_string())),
            ("--kprobe-mechanism", self.kprobe_mechanism.as_ref().and_then(word)),
            ("--maxactive", self.maxactive.map(|number| number.to_string())),
            ("--format", self.format.as_ref().and_then(word)),
        ];
        let flags = flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.to_owned());
        let values = values.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        Ok(flags.chain(values).collect())
    }

    /// The options that an object can have as words of the tracer's command line.
    ///
    /// # Errors
    /// One that only a tool can have.
    pub fn words_of_objects(&self) -> Result<Vec<String>, Failure> {
        let others = [
            (self.strict, "--strict"),
            (self.format.is_some(), "--format"),
            (self.no_inlines, "--no-inlines"),
            (self.kprobe_mechanism.is_some(), "--kprobe-mechanism"),
            (self.maxactive.is_some(), "--maxactive"),
        ];
        if let Some((_, name)) = others.into_iter().find(|(given, _)| *given) {
            return Err(Failure::usage(format!("{name} is not for objects: whoever loads one attaches and prints")));
        }
        self.bpftrace_words()
    }

    /// The options as words of dtrace's command line.
    ///
    /// # Errors
    /// One that D does not have.
    pub fn d_words(&self) -> Result<Vec<String>, Failure> {
        let others = [
            (self.max_probes.is_some(), "--max-probes"),
            (self.kprobe_mechanism.is_some(), "--kprobe-mechanism"),
            (self.maxactive.is_some(), "--maxactive"),
            (self.strict, "--strict"),
            (self.format.is_some(), "--format"),
            (self.no_inlines, "--no-inlines"),
            (!self.includes.is_empty(), "--include"),
        ];
        if let Some((_, name)) = others.into_iter().find(|(given, _)| *given) {
            return Err(Failure::usage(format!("{name} is not for scripts in D; their options are given with -x")));
        }
        let flags = [(self.preprocess, "cpp"), (self.allow_unsafe, "destructive"), (self.quiet, "quiet")];
        let flags = flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned());
        let folders = self.include_dirs.iter().map(|folder| format!("incdir={}", folder.display()));
        let settings = flags.chain(folders).chain(self.dtrace_options.iter().cloned());
        Ok(settings.flat_map(|setting| ["-x".to_owned(), setting]).collect())
    }
}

fn word<T: ValueEnum>(value: &T) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Options {
        Options::try_parse_from(words).unwrap()
    }

    #[test]
    fn options_become_words() {
        let words = ["a.bt", "-o", "a", "--unsafe", "5", "-f", "json", "--maxactive=7", "--", "--n=1"];
        let options = options(&words);
        assert_eq!(options.bpftrace_words().unwrap(), ["--unsafe", "--maxactive=7", "--format=json"]);
        assert_eq!(options.parameters(), ["5", "--n=1"]);
        assert!(!options.is_d() && options.d_words().is_err());
        let options = self::options(&["-e", "BEGIN", "-o", "a", "1"]);
        assert_eq!((options.file(), options.parameters()), (None, &["1".to_owned()][..]));
    }

    #[test]
    fn options_of_d_become_words() {
        let options = options(&["a.d", "-Cq", "--unsafe", "-I/x", "-x", "strsize=1k"]);
        let words = ["cpp", "destructive", "quiet", "incdir=/x", "strsize=1k"].map(|word| ["-x", word]).concat();
        assert_eq!(options.d_words().unwrap(), words);
        assert!(options.is_d() && options.bpftrace_words().is_err());
    }
}
