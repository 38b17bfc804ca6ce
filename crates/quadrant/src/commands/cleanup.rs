//! `quadrant cleanup`: removes what killed tracers left in the kernel.

use std::ffi::OsString;

use clap::Parser;
use quadrant_bpf::tracefs::TraceFs;

use crate::commands;
use crate::commands::Done;
use crate::commands::escaped;
use crate::failure::Failure;

/// Remove what killed tracers left in the kernel.
///
/// Only events of tracefs outlive their tracer (kretprobes with --maxactive, kernels without perf events for kprobes). Each
/// start that makes some does this, too. Events of tracers that live, and of other tools, are left alone.
#[derive(Debug, Parser)]
#[command(bin_name = "quadrant cleanup", no_binary_name = true, max_term_width = 100, after_help = NOTES)]
struct Options {}

const NOTES: &str = "The exit status is 1 if something could not be removed.";

/// Runs the command.
pub fn run(words: &[OsString]) -> Result<Done, clap::Error> {
    let Options {} = commands::parse(words)?;
    Ok(clean())
}

fn clean() -> Done {
    let swept = quadrant_probes::sweep(&TraceFs::open()?)?;
    let mut answer = String::new();
    for event in &swept.removed {
        answer.push_str(&format!("removed {}\n", escaped(event.as_bytes())));
    }
    if swept == quadrant_probes::Swept::default() {
        answer.push_str("nothing was left\n");
    }
    commands::print(answer.as_bytes())?;
    match swept.kept.first() {
        None => Ok(0),
        Some((event, why)) => {
            let message = format!(
                "cannot remove {} of {} events: {event}: {why}",
                swept.kept.len(),
                swept.kept.len() + swept.removed.len()
            );
            Err(Failure::new(message).hint("`quadrant active` shows who uses them"))
        }
    }
}
