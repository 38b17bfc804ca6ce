//! `quadrant progs`: programs that the kernel has, by whomever, and what they cost.

mod list;
mod top;

use std::ffi::OsString;

use clap::Parser;
use clap::Subcommand;

use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::commands::ListOptions;
use crate::commands::Looks;

/// Programs that the kernel has, by whomever, and what they cost.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant progs", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
struct Options {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All programs, with who holds them (so without a word, too)
    List(ListOptions),
    /// Programs by the time that they take
    Top(TopOptions),
}

#[derive(Debug, clap::Args)]
struct TopOptions {
    #[command(flatten)]
    looks: Looks,

    /// Form of the answers
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const NOTES: &str = "\
`top` makes the kernel count runs of all programs while it runs, which costs each run some nanoseconds. CPU is the share of one \
processor's time. `quadrant active` shows what programs are attached to, `quadrant explain --program` what is in one.
The JSON forms are described in docs/json.md. Numbers of programs take CAP_SYS_ADMIN: run it as root.";

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(match &options.what {
        None => list::show(&options.list),
        Some(What::List(options)) => list::show(options),
        Some(What::Top(options)) => top::show(options),
    })
}
