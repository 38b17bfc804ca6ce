//! `quadrant doctor`: what this kernel can do, and what stands in the way.

mod document;
mod text;

use std::ffi::OsString;

use clap::Parser;
use quadrant_inspect::doctor;

use crate::commands;
use crate::commands::Done;

/// What this kernel can do, and what stands in the way.
///
/// Every mechanism is tried: a small program is loaded and attached, made to fire, and taken away. What does not work is
/// explained: the kernel's answer, the cause (capability, lockdown, configuration, version), what to do, and what
/// Quadrant uses instead. At the end is what a bug report needs. Without root it says what it could not try.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant doctor", no_binary_name = true, max_term_width = 100, after_help = STATUS)]
struct Options {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

const STATUS: &str = "\
The exit status is 0 if scripts can run here, and 1 if not. The JSON form is described in docs/json.md.";

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let options: Options = commands::parse(words)?;
    Ok(show(&options))
}

fn show(options: &Options) -> Done {
    let report = doctor::examine();
    match options.json {
        true => commands::print(&document::json(&report).line())?,
        false => commands::print(text::text(&report).as_bytes())?,
    }
    Ok(if report.able { 0 } else { 1 })
}
