//! The command line of bpftrace: `quadrant bpftrace ...`, or a link named `bpftrace`.
//!
//! Exit status: what the script's `exit()` gave, else 0; 1 when something failed, 255 when that was in the kernel.

mod color;
mod follow;
mod format;
mod getopt;
mod info;
mod list;
mod losses;
mod report;
mod script;
mod trace;
mod usage;
mod wording;

use std::ffi::OsString;
use std::process::ExitCode;

use quadrant_bpf::file::MappedFile;
use quadrant_types::Btf;

use getopt::Line;
use getopt::Mode;
pub use losses::Losses;

/// The version of bpftrace whose language and command line this is.
const VERSION: &str = "v0.27.1";

/// How a run fails.
struct Refusal {
    /// Complete lines for standard error.
    text: String,
    /// The exit status.
    status: u8,
    /// It is the answer of a script that has nothing to do, and goes where answers go.
    is_answer: bool,
}

/// Exit status when the kernel does not take the programs or their probes.
const NOT_ATTACHED: u8 = 255;

/// Exit status when a `BPFTRACE_...` variable is wrong.
const WRONG_ENVIRONMENT: u8 = 2;

impl Refusal {
    fn new(text: String) -> Refusal {
        Refusal { text, status: 1, is_answer: false }
    }

    /// A setting of the environment is not what it has to be.
    fn of_environment(text: String) -> Refusal {
        Refusal { status: WRONG_ENVIRONMENT, ..Refusal::new(text) }
    }

    /// There is nothing to do.
    fn answer(text: String) -> Refusal {
        Refusal { is_answer: true, ..Refusal::new(text) }
    }

    /// Shows it; an answer unless none is wanted.
    fn print(&self, quiet: bool) {
        match self.is_answer {
            true if quiet => {}
            true => print!("{}", self.text),
            false => color::print(&self.text),
        }
    }

    /// The kernel refused.
    fn by_kernel(self) -> Refusal {
        Refusal { status: NOT_ATTACHED, ..self }
    }
}

impl From<crate::failure::Failure> for Refusal {
    fn from(failure: crate::failure::Failure) -> Refusal {
        Refusal::new(failure.text("ERROR", "HINT"))
    }
}

impl From<quadrant_bpf::Error> for Refusal {
    fn from(error: quadrant_bpf::Error) -> Refusal {
        Refusal::new(format!("ERROR: {error}\n"))
    }
}

/// Runs the command line; `words` are those behind the name.
pub fn main(words: &[OsString]) -> ExitCode {
    let line = match getopt::parse(words) {
        Ok(line) => line,
        Err(misuse) => {
            eprintln!("{}", misuse.message);
            if misuse.show_usage {
                eprint!("{}", usage::USAGE);
            }
            return ExitCode::FAILURE;
        }
    };
    color::check();
    check_btf();
    match run(&line) {
        Ok(status) => ExitCode::from(status as u8),
        Err(refusal) => {
            refusal.print(line.quiet);
            ExitCode::from(refusal.status)
        }
    }
}

/// Says so if the file that `BPFTRACE_BTF` names has no types. Those of the running kernel are used whatever it has.
fn check_btf() {
    let Some(file) = std::env::var_os("BPFTRACE_BTF") else { return };
    let is_read = MappedFile::open(file.as_ref()).is_ok_and(|mapped| Btf::new(mapped).is_ok());
    if !is_read {
        let file = crate::failure::shown(&file.to_string_lossy());
        eprintln!("WARNING: BTF: failed to parse BTF from {file}\nHINT: types are those of the running kernel");
    }
}

fn run(line: &Line) -> Result<i32, Refusal> {
    match line.mode {
        Mode::Help => print!("{}", usage::USAGE),
        Mode::Version => println!("bpftrace {VERSION} (Quadrant {})", env!("CARGO_PKG_VERSION")),
        Mode::Info => print!("{}", info::text()),
        Mode::List => return list::run(line),
        Mode::Trace if line.program.is_none() && line.operands.is_empty() => {
            return Err(Refusal::new(usage::USAGE.to_owned()));
        }
        Mode::Trace => return trace::run(line),
        Mode::Format => return format::run(line),
        Mode::Developer(mode) => {
            return Err(Refusal::new(format!("ERROR: --mode {mode} is not supported: {NO_LLVM}\n")));
        }
    }
    Ok(0)
}

const NO_LLVM: &str = "there is no LLVM here to measure; time the start of a script with --dry-run";
