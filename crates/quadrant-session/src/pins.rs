//! Iterators that stay as files when the trace is over.

use std::path::PathBuf;

use quadrant_program::probe::Site;

use crate::attaching::Attachment;
use crate::error::Error;
use crate::trace::Trace;

/// Makes the files, all or none.
///
/// # Errors
/// There is such a file, or no file system for it.
pub(crate) fn make(trace: &Trace, attached: &[Attachment]) -> Result<Vec<PathBuf>, Error> {
    let mut made = Vec::new();
    for (one, point, path) in attached.iter().flat_map(|one| wanted(trace, one)) {
        if let Err(error) = one.attached.pin(point, &path) {
            // What cannot be removed was removed by another.
            made.iter().for_each(|path| drop(std::fs::remove_file(path)));
            return Err(error.into());
        }
        made.push(path);
    }
    Ok(made)
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
