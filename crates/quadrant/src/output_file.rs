//! Files that answers are written to.

use std::cell::RefCell;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::failure::shown;

/// Others may make files here.
const SHARED: u32 = 0o002;

thread_local! {
    /// The files that this command has read as its sources: scripts, and what they bring in.
    static SOURCES: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// A new private file; one that is there is emptied. In a folder that others may write to, such as /tmp, no link is followed and
/// nothing of somebody else is touched: whoever put it there may want root to write elsewhere.
///
/// # Errors
/// It cannot be created, is not ours, or is a source.
pub fn create(path: &Path) -> io::Result<File> {
    check_no_source(path)?;
    emptied(path, 0o600)
}

/// The same as [`create`], for what takes a source's place: its text in another form.
///
/// # Errors
/// It cannot be created, or is not ours.
pub fn replace(path: &Path) -> io::Result<File> {
    emptied(path, 0o600)
}

/// Makes a file that all may read, such as one for a compiler, of these bytes; with the same care.
///
/// # Errors
/// As of [`create`], or the bytes cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_no_source(path)?;
    emptied(path, 0o666)?.write_all(bytes)
}

/// Remembers a file that is read as a source: nothing is written over it from now on.
pub fn keep(source: &Path) {
    SOURCES.with_borrow_mut(|sources| sources.push(source.to_owned()));
}

/// Whether a file to write is another one than all sources that were read, which would be lost.
///
/// # Errors
/// It is one of them, by this name or another.
pub fn check_sources(output: Option<&Path>) -> Result<(), Failure> {
    let Some(output) = output else { return Ok(()) };
    SOURCES.with_borrow(|sources| sources.iter().try_for_each(|source| check_apart(output, source)))
}

/// Whether a file to write is another one than a file that is read, which would be lost.
///
/// # Errors
/// It is the same, by this name or another.
pub fn check_apart(output: &Path, read: &Path) -> Result<(), Failure> {
    if !is_same(output, read) {
        return Ok(());
    }
    let failure = Failure::usage(format!("cannot write {}: {}", shown(&output.to_string_lossy()), lost(read)));
    Err(failure.hint("give another name"))
}

/// The same as [`check_sources`], for whoever tells of a file that cannot be opened.
fn check_no_source(output: &Path) -> io::Result<()> {
    let source = SOURCES.with_borrow(|sources| sources.iter().find(|source| is_same(output, source)).cloned());
    source.map_or(Ok(()), |source| Err(io::Error::other(lost(&source))))
}

fn is_same(output: &Path, read: &Path) -> bool {
    let file =
        |path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| (file.dev(), file.ino()));
    file(output).is_some_and(|output| file(read) == Some(output))
}

fn lost(read: &Path) -> String {
    format!("it is {} itself, which would be lost", shown(&read.to_string_lossy()))
}

/// The same as [`create`], at the end of what is in the file.
///
/// # Errors
/// As of [`create`].
pub fn append(path: &Path) -> io::Result<File> {
    check_no_source(path)?;
    open(path, OpenOptions::new().append(true).mode(0o600))
}

fn emptied(path: &Path, mode: u32) -> io::Result<File> {
    let file = open(path, OpenOptions::new().write(true).mode(mode))?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.create(true);
    if !is_shared(path) {
        return options.open(path);
    }
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits() as i32).open(path)?;
    // Only opening must not wait, for a reader that never comes.
    let kept = rustix::fs::fcntl_getfl(&file)?.difference(rustix::fs::OFlags::NONBLOCK);
    rustix::fs::fcntl_setfl(&file, kept)?;
    let found = file.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to somebody else, in a folder that others may write to"));
    }
    match found.nlink() > 1 {
        true => Err(io::Error::other("it has another name elsewhere, and is in a folder that others may write to")),
        false => Ok(file),
    }
}

fn is_shared(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & SHARED != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn sources_are_not_written() {
        let folder = std::env::temp_dir().join(format!("quadrant-sources-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (source, link) = (folder.join("source"), folder.join("link"));
        fs::write(&source, "text").unwrap();
        symlink(&source, &link).unwrap();
        assert!(check_sources(Some(&link)).is_ok());
        keep(&source);
        for path in [&source, &link] {
            assert!(check_sources(Some(path)).is_err());
            let errors = [create(path).err(), append(path).err(), write(path, b"lost").err()];
            assert!(errors.iter().flatten().all(|error| error.to_string().contains("itself, which would be lost")));
            assert_eq!(errors.iter().flatten().count(), 3);
        }
        assert_eq!(fs::read_to_string(&source).unwrap(), "text");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn in_a_folder_of_all_nothing_of_others_is_written() {
        let folder = std::env::temp_dir().join(format!("quadrant-output-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (own, link) = (folder.join("own"), folder.join("link"));
        fs::write(&own, "old and long").unwrap();
        symlink(&own, &link).unwrap();
        create(&link).unwrap().write_all(b"through the link").unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(create(&link).is_err());
        create(&own).unwrap().write_all(b"new").unwrap();
        append(&own).unwrap().write_all(b"er").unwrap();
        fs::hard_link(&own, folder.join("again")).unwrap();
        assert!(create(&own).unwrap_err().to_string().contains("another name"));
        fs::remove_file(folder.join("again")).unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), "newer");
        if chown(&own, Some(65_534), None).is_ok() {
            assert!(create(&own).unwrap_err().to_string().contains("somebody else"));
            assert!(append(&own).is_err());
            assert_eq!(fs::read_to_string(&own).unwrap(), "newer");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
