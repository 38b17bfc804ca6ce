//! Writing a tool's file.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpf::Error;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::linkat;
use rustix::fs::openat;

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

/// A file that has no name until it is whole is gone with a killed process. Where there are none, one has another name until then.
fn make_anew(own: &mut File, payload: &Payload, path: &Path) -> io::Result<()> {
    let new = unfinished(path);
    // A killed process of the same number may have left one.
    let _ = fs::remove_file(&new);
    let made = match nameless(path) {
        Some(mut file) => seal::write(own, &payload.encode(), &mut file).and_then(|()| name(&file, &new)),
        None => make(own, payload, &new, File::options().write(true).create_new(true).mode(0o777)),
    };
    made.and_then(|()| fs::rename(&new, path)).inspect_err(|_| {
        // It may never have been there.
        let _ = fs::remove_file(&new);
    })
}

/// A file without a name in the folder of `path`; not every file system has them, and giving it a name later takes /proc.
fn nameless(path: &Path) -> Option<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, folder, flags, Mode::RWXU | Mode::RWXG | Mode::RWXO).ok()?);
    fs::symlink_metadata(link(&file)).is_ok().then_some(file)
}

fn name(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(CWD, link(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

fn link(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn make(own: &mut File, payload: &Payload, path: &Path, how: &OpenOptions) -> io::Result<()> {
    seal::write(own, &payload.encode(), &mut how.open(path)?)
}

fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}
