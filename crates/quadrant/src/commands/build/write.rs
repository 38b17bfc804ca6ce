//! Writing a tool's file.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
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

/// Makes the tool's file, in the place of one that is there: it is whole or not there at all, and one that runs runs on. What is no
/// file, as /dev/null, stays, and is written into.
///
/// # Errors
/// A file that cannot be read or written.
pub fn tool(path: &Path, payload: &Payload) -> Result<(), Failure> {
    let mut own = tool::own_file().map_err(|error| Error::io("cannot read this program's own file", &error))?;
    let made = match fs::metadata(path) {
        Ok(there) if !there.is_file() => make(&mut own, payload, path, File::options().write(true)),
        _ => make_anew(&mut own, payload, path),
    };
    made.map_err(|error| Error::io(format!("cannot write {}", shown(&path.to_string_lossy())), &error).into())
}

fn make_anew(own: &mut File, payload: &Payload, path: &Path) -> io::Result<()> {
    let new = unfinished(path);
    let made = make(own, payload, &new, File::options().write(true).create_new(true).mode(0o777));
    made.and_then(|()| fs::rename(&new, path)).inspect_err(|_| {
        // It may never have been there.
        let _ = fs::remove_file(&new);
    })
}

fn make(own: &mut File, payload: &Payload, path: &Path, how: &OpenOptions) -> io::Result<()> {
    seal::write(own, &payload.encode(), &mut how.open(path)?)
}

fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}
