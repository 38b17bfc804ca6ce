//! `quadrant aliases`: the names of other systems that D scripts may use.

use std::ffi::OsString;

use clap::Parser;
use quadrant_d::providers::Alias;

use crate::commands;
use crate::commands::Done;
use crate::commands::table;
use crate::commands::table::Column;

/// List the names of Solaris and other systems that D scripts may use, and what they mean here.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant aliases", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
struct Options {}

const NOTES: &str = "`dtrace -x aliases=no` switches them off.";

const COLUMNS: [Column; 4] = [column("KIND"), column("NAME"), column("MEANS"), column("ARGUMENTS")];

const fn column(name: &'static str) -> Column {
    Column { name, right: false, least: None }
}

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let Options {} = commands::parse(words)?;
    let rows: Vec<Vec<String>> = quadrant_d::providers::aliases().map(|alias| row(&alias)).collect();
    let text = table::render(&COLUMNS, &rows, None);
    Ok(commands::print(text.as_bytes()).map(|()| 0))
}

fn row(alias: &Alias) -> Vec<String> {
    let arguments = match alias.shift {
        0 => String::new(),
        shift => format!("arg0 is its arg{shift}"),
    };
    vec![alias.provider.to_owned(), alias.name.to_owned(), alias.means.to_owned(), arguments]
}
