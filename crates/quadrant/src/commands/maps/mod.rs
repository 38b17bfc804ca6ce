//! `quadrant maps`: maps that the kernel has, by whomever, and what is in them.

mod dump;
mod list;
mod watch;

use std::ffi::OsString;

use clap::Parser;
use clap::Subcommand;
use quadrant_inspect::objects;

use crate::args::Format;
use crate::commands;
use crate::commands::Done;
use crate::commands::ListOptions;
use crate::commands::Looks;
use crate::failure::Failure;

/// Maps that the kernel has, by whomever, and what is in them.
///
/// Nothing is changed. Keys and values are shown by the types that the map was made with (BTF); without types, as numbers if they have
/// the size of one, else as hexadecimal bytes.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant maps", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
struct Options {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    list: ListOptions,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All maps, with who holds them (so without a word, too)
    List(ListOptions),
    /// What is in a map
    Dump(DumpOptions),
    /// What changes in a map
    Watch(WatchOptions),
}

#[derive(Debug, clap::Args)]
struct DumpOptions {
    /// The map's number or name, or the path at which it is pinned
    #[arg(value_name = "ID|NAME|PATH")]
    map: String,

    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Only so many entries, those with the largest values
    #[arg(long, value_name = "N")]
    top: Option<usize>,
}

#[derive(Debug, clap::Args)]
struct WatchOptions {
    /// The map's number or name, or the path at which it is pinned
    #[arg(value_name = "ID|NAME|PATH")]
    map: String,

    #[command(flatten)]
    looks: Looks,

    /// Form of the answers: as JSON, each look gives the whole map
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const NOTES: &str = "\
ENTRIES are counted of small hashes only; of arrays all entries are always there. A script's map is AT_NAME; its keys that came
first are in FRONT_NAME or FIRST_NAME, and shown with it.
The JSON forms are described in docs/json.md. Numbers of maps take CAP_SYS_ADMIN: run it as root.";

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(match &options.what {
        None => list::show(&options.list),
        Some(What::List(options)) => list::show(options),
        Some(What::Dump(options)) => dump::show(options),
        Some(What::Watch(options)) => watch::show(options),
    })
}

/// The number of the map that is meant.
fn find(wanted: &str) -> Result<u32, Failure> {
    let found = objects::find_maps(wanted)?;
    let hint = "`quadrant maps` lists them; the kernel keeps 15 characters of a name";
    Ok(commands::only(found, "map", wanted, hint, |map| map.id)?.id)
}
