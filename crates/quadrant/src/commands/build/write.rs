//! Writing a tool's file.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpf::Error;

use crate::failure::Failure;
use crate::failure::shown;
use crate::tool;
use crate::tool::payload::Payload;
use crate::tool::seal;

/// Makes the tool's file, in the place of one that is there: it is whole or not there at all, and one that runs runs on.
///
/// # Errors
/// A file that cannot be read or written.
pub fn tool(path: &Path, payload: &Payload) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(format!(
            "cannot write {}: it is a folder (EISDIR)",
            shown(&path.to_string_lossy())
        )));
    }
    let mut own = tool::own_file().map_err(|error| Error::io("cannot read this program's own file", &error))?;
    let new = unfinished(path);
    let made = make(&mut own, payload, &new).and_then(|()| fs::rename(&new, path));
    made.map_err(|error| {
        // It may never have been there.
        let _ = fs::remove_file(&new);
        Error::io(format!("cannot write {}", shown(&path.to_string_lossy())), &error).into()
    })
}

fn make(own: &mut File, payload: &Payload, path: &Path) -> io::Result<()> {
    let mut out = File::options().write(true).create_new(true).mode(0o777).open(path)?;
    seal::write(own, &payload.encode(), &mut out)
}

fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}
