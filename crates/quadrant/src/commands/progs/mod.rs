//! `quadrant progs`: programs that the kernel has, by whomever, and what they cost.

mod list;
mod top;

use std::ffi::OsString;
use std::time::Duration;

use clap::Parser;
use clap::Subcommand;

use crate::args::Format;
use crate::commands;
use crate::commands::Done;

/// Programs that the kernel has, by whomever, and what they cost.
#[derive(Debug, Parser)]
#[command(name = "quadrant progs", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
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
struct ListOptions {
    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Cut nothing, however long the lines become
    #[arg(long)]
    full: bool,
}

#[derive(Debug, clap::Args)]
struct TopOptions {
    /// Look so often: `1s`, `500ms`
    #[arg(long, value_name = "TIME", value_parser = commands::time, default_value = "1s")]
    interval: Duration,

    /// End after so many looks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Form of the answers
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const NOTES: &str = "\
`top` makes the kernel count runs of all programs while it runs, which costs each run some nanoseconds. CPU is the share of one \
processor's time. `quadrant active` shows what programs are attached to, `quadrant explain --loaded` what is in one.
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
