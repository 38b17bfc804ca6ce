//! Iterators that stay as files when the trace is over.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use quadrant_probes::attach::pin_is_free;
use quadrant_probes::attach::pinned_twice;
use quadrant_program::Program;
use quadrant_program::probe::Site;

use crate::attaching::Attachment;
use crate::error::Error;
use crate::sink::Sink;
use crate::trace::Trace;

/// Makes the files, all or none.
///
/// # Errors
/// There is such a file, or no file system for it.
pub(crate) fn make(trace: &Trace, attached: &[Attachment]) -> Result<Vec<PathBuf>, Error> {
    let mut made = Vec::new();
    for (one, point, path) in attached.iter().flat_map(|one| wanted(trace, one)) {
        if let Err(error) = one.attached.pin(point, &path) {
            remove(&made);
            return Err(error.into());
        }
        made.push(path);
    }
    Ok(made)
}

/// Looks for files that are in the way, before the script has done anything.
///
/// # Errors
/// There is such a file, or two iterators would have one.
pub(crate) fn check(program: &Program) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    Ok(paths(program).try_for_each(|path| match seen.insert(path) {
        true => pin_is_free(path),
        false => Err(pinned_twice(path)),
    })?)
}

/// Says which files were made. They do not stay if it cannot be said.
///
/// # Errors
/// Those of writing.
pub(crate) fn announce(made: &[PathBuf], sink: &mut dyn Sink) -> Result<(), Error> {
    let said = made.iter().try_for_each(|path| sink.pinned(path)).and_then(|()| sink.flush());
    if said.is_err() {
        remove(made);
    }
    Ok(said?)
}

/// Says that the trace ended before the files were made.
pub(crate) fn tell_not_made(program: &Program, sink: &mut dyn Sink) {
    for path in paths(program) {
        sink.warned(&format!("{} was not made: the script ended before", path.display()));
    }
}

/// What cannot be removed was removed by another.
fn remove(made: &[PathBuf]) {
    made.iter().for_each(|path| drop(std::fs::remove_file(path)));
}

/// The files that iterators of a program stay as.
pub(crate) fn paths(program: &Program) -> impl Iterator<Item = &Path> {
    program.points.iter().filter_map(|point| match &point.site {
        Site::Iter { pin, .. } => pin.as_deref(),
        _ => None,
    })
}

/// The points of a program that stay as files, by their indices.
fn wanted<'a>(trace: &Trace, one: &'a Attachment) -> Vec<(&'a Attachment, usize, PathBuf)> {
    let loaded = &trace.kernel.programs[one.loaded];
    let pin = |index: usize| match &trace.point(loaded.unit, loaded.first + index).site {
        Site::Iter { pin: Some(path), .. } => Some((one, index, path.clone())),
        _ => None,
    };
    (0..loaded.count).filter_map(pin).collect()
}
