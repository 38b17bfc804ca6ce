//! `quadrant replay` for programs in D.

use std::rc::Rc;

use super::record;
use super::recorded::Known;
use super::settings;
use super::sink::Answers;
use super::tool;
use super::trace;
use super::world;
use super::world::World;
use crate::commands::replay::run_events;
use crate::failure::Failure;
use crate::failure::shown;
use crate::recording::Recording;

/// Runs a script over a recording; gives the exit status.
///
/// # Errors
/// What stands in the way: the script, what the recording lacks, the output.
pub fn run(file: &str, params: &[String], allow_unsafe: bool, recording: &Recording) -> Result<i32, Failure> {
    let (line, texts) = tool::script_line(file, allow_unsafe, params, Vec::new())?;
    let types = Rc::new(crate::world::types());
    let other =
        || Failure::new(format!("{} was recorded with a script in bpftrace's language", recording.shown_name()));
    let said = recording.d.as_ref().ok_or_else(other)?;
    let known = Known::of_json(said, &types);
    let known = known.ok_or_else(|| {
        let message =
            "what the recording says of the script's probes makes no sense, or has code that is not quadrant's";
        Failure::new(message).hint("it is damaged, made to do harm, or of another version: record again with this one")
    })?;
    warn_of_types(&known, recording);
    let mut macros = world::macros(&line, &texts.options, None);
    known.set_macros(&mut macros);
    let world =
        World { probes: &known, symbols: &known, types: &types, macros: &macros, wall_offset: known.wall_offset() };
    let (program, lowered) = trace::lowered(&line, &texts, &world)?;
    let split = record::split(&texts, &program, &lowered)?;
    let target = macros.values.iter().find(|(name, _)| *name == "target").map(|(_, value)| *value as u32);
    let settings = settings::of_sink(&lowered.options, target.filter(|target| *target != 0));
    let names = recording.names();
    let answers = Answers::open(&split.replayer, settings, None);
    let mut answers =
        answers.map_err(|error| quadrant_bpf::Error::io("cannot write the output", &error))?.with_names(names);
    let host = recording.host();
    run_events(recording, &split, host, &mut answers, &|error| trace::failed(&texts.programs, error))
}

/// Values of types that this machine lacks are there, but without their meaning.
fn warn_of_types(known: &Known, recording: &Recording) {
    for name in &known.missing_types {
        let instead = if name.contains('*') { "an address of nothing known" } else { "a number of 64 bits" };
        eprintln!(
            "warning: {}: this machine does not have the type `{}`: values of it are taken as {instead}",
            recording.shown_name(),
            shown(name)
        );
    }
}
