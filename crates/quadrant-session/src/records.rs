//! Records as they arrive, acted upon.

use std::collections::BTreeSet;
use std::io;

use quadrant_program::Program;
use quadrant_program::action::Action;
use quadrant_program::action::ActionKind;
use quadrant_program::layout;
use quadrant_program::map::MapId;
use quadrant_program::record::HEADER;
use quadrant_program::record::RecordId;
use quadrant_program::record::RecordKind;
use quadrant_program::ty::Type;
use quadrant_program::value::extend;

use crate::error::Error;
use crate::processes::Processes;
use crate::sink::MapPrint;
use crate::sink::Sink;
use crate::sink::View;
use crate::user_symbols;

/// What came of the records so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The status that exit() gave.
    pub(crate) exit: Option<i32>,
    /// Addresses whose watchpoints are to be taken away.
    pub(crate) unwatched: Vec<u64>,
    /// How often errorf() was called.
    pub(crate) errors: u64,
    /// Records that could not be understood.
    pub(crate) malformed: u64,
    /// Maps that are to be cleared when the records at hand are done, or one of them asks for a map: of many orders in a row the last one
    /// does it, because each takes a walk over a whole table.
    clears: BTreeSet<MapId>,
}

/// Act upon one record.
///
/// # Errors
/// Those of writing, and of reading maps.
pub(crate) fn handle(
    view: View,
    sink: &mut dyn Sink,
    progress: &mut Progress,
    processes: &mut Processes,
    bytes: &[u8],
) -> Result<(), Error> {
    let program = view.program;
    let Some(id) = record_id(program, bytes) else {
        progress.malformed += 1;
        return Ok(());
    };
    let record = &program.records[id.0 as usize];
    if processes.are_followed() && user_symbols::in_record(program, record) {
        processes.drain(sink);
    }
    match &record.kind {
        RecordKind::Exit if progress.exit.is_none() => {
            let status = exit_status(bytes);
            progress.exit = Some(status);
            sink.exits(view, id, bytes, status)?;
        }
        RecordKind::Exit => {}
        RecordKind::Unwatch => {
            progress.unwatched.extend(bytes.get(HEADER as usize..).map(|word| extend(word, false) as u64))
        }
        RecordKind::Clear(map) => drop(progress.clears.insert(*map)),
        RecordKind::Zero(_) | RecordKind::PrintMap { .. } => {
            clear(view, progress)?;
            obey(view, sink, processes, id, Some(bytes))?;
        }
        RecordKind::Firing(actions) => {
            if actions.iter().any(|action| matches!(action.kind, ActionKind::Printa { .. })) {
                processes.drain(sink);
            }
            sink.record(view, id, bytes)?;
            progress.exit = progress.exit.or_else(|| fired_exit(&record.args, actions, bytes));
        }
        kind => {
            progress.errors += u64::from(matches!(kind, RecordKind::Errorf(_)));
            sink.record(view, id, bytes)?;
        }
    }
    Ok(())
}

/// Clear the maps that the records so far say; to be called when there are no more at hand.
///
/// # Errors
/// Those of changing maps.
pub(crate) fn clear(view: View, progress: &mut Progress) -> Result<(), Error> {
    let clears = std::mem::take(&mut progress.clears);
    clears.into_iter().try_for_each(|map| view.clear_once(map, false))
}

/// Carry out an order that concerns a map; `bytes` is its record, if that arrived.
///
/// # Errors
/// Those of writing, and of reading and changing maps.
pub(crate) fn obey(
    view: View,
    sink: &mut dyn Sink,
    processes: &mut Processes,
    id: RecordId,
    bytes: Option<&[u8]>,
) -> Result<(), Error> {
    let View { program, world, .. } = view;
    match &program.records[id.0 as usize].kind {
        RecordKind::Clear(map) => view.clear_once(*map, false),
        RecordKind::Zero(map) => view.clear_once(*map, true),
        RecordKind::PrintMap { map, .. } if !view.prints_for(Some(id), *map) => Ok(()),
        RecordKind::PrintMap { map, top, div, take } => {
            let snapshot = if *take { world.take(program, *map)? } else { world.snapshot(program, *map)? };
            processes.drain(sink);
            let (top, div, record) = (*top, *div, bytes.map(|bytes| (id, bytes)));
            Ok(sink.map(view, &MapPrint { map: *map, snapshot: &snapshot, top, div, record })?)
        }
        _ => Ok(()),
    }
}

/// Print every map by name; what is shown of one without entries is the sink's to say.
///
/// # Errors
/// Those of writing and of reading maps.
pub(crate) fn print_maps(view: View, sink: &mut dyn Sink) -> Result<(), Error> {
    let View { program, world, .. } = view;
    let mut ids: Vec<u32> = (0..program.maps.len() as u32).collect();
    ids.sort_by_key(|id| &program.maps[*id as usize].name);
    for map in ids.into_iter().map(MapId) {
        let snapshot = world.snapshot(program, map)?;
        sink.map(view, &MapPrint { map, snapshot: &snapshot, top: 0, div: 0, record: None })?;
    }
    Ok(())
}

/// The status of an `exit()` among a clause's actions.
fn fired_exit(types: &[Type], actions: &[Action], bytes: &[u8]) -> Option<i32> {
    let exit = actions.iter().find(|action| action.kind == ActionKind::Exit)?;
    let (offsets, _) = layout::record_offsets(types);
    let offset = *offsets.get(exit.args.start as usize)?;
    Some(bytes.get(offset as usize..).map_or(0, |argument| extend(argument, true) as i32))
}

fn record_id(program: &Program, bytes: &[u8]) -> Option<RecordId> {
    let id = extend(bytes.get(..4)?, false) as u32;
    (bytes.len() >= HEADER as usize && (id as usize) < program.records.len()).then_some(RecordId(id))
}

/// The first argument of an exit record; the system keeps its lowest 8 bits.
fn exit_status(bytes: &[u8]) -> i32 {
    bytes.get(HEADER as usize..).map_or(0, |argument| extend(argument, true) as i32)
}

/// A closed pipe is how a reader says that it has seen enough.
pub(crate) fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
}
