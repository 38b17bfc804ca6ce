//! Where D's output goes: standard output or the file of `-o`, until `freopen()` says otherwise.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

use quadrant_bpf::interrupt::interruptibly;

use crate::output_file;

/// Where output goes.
pub struct Out {
    main: Main,
    /// The file of the last `freopen()`.
    reopened: Option<File>,
}

enum Main {
    Standard,
    File(File),
}

impl Out {
    /// To standard output, or to the end of a file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: Option<&Path>) -> io::Result<Out> {
        let main = path.map_or(Ok(Main::Standard), |path| output_file::append(path).map(Main::File))?;
        Ok(Out { main, reopened: None })
    }

    /// Write what is gathered, and forget it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        let done = interruptibly(|| match (&mut self.reopened, &mut self.main) {
            _ if text.is_empty() => Ok(()),
            (Some(file), _) | (None, Main::File(file)) => file.write_all(text),
            (None, Main::Standard) => {
                let mut out = io::stdout().lock();
                out.write_all(text).and_then(|()| out.flush())
            }
        });
        text.clear();
        done
    }

    /// Standard output for a command of `system()`: it follows `freopen()`, but not `-o`.
    ///
    /// # Errors
    /// No more files can be opened.
    pub fn for_command(&self) -> io::Result<Stdio> {
        match (&self.reopened, &self.main) {
            (Some(file), Main::Standard) => Ok(file.try_clone()?.into()),
            _ => Ok(Stdio::inherit()),
        }
    }

    /// `freopen(name)`: go on at the end of that file; an empty name is where output went at first.
    ///
    /// # Errors
    /// The file cannot be opened: output goes on as before.
    pub fn reopen(&mut self, name: &[u8]) -> io::Result<()> {
        let path = Path::new(std::ffi::OsStr::from_bytes(name));
        self.reopened = if name.is_empty() { None } else { Some(output_file::append(path)?) };
        Ok(())
    }

    /// `ftruncate()`: empty the file that output goes to. What is not a file stays as it is.
    pub fn truncate(&mut self) -> io::Result<()> {
        match (&self.reopened, &self.main) {
            (Some(file), _) | (None, Main::File(file)) => file.set_len(0),
            (None, Main::Standard) => {
                let out = io::stdout();
                let is_file = rustix::fs::fstat(&out).is_ok_and(|stat| {
                    rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
                });
                if !is_file {
                    return Ok(());
                }
                rustix::fs::ftruncate(&out, 0)?;
                rustix::fs::seek(&out, rustix::fs::SeekFrom::Start(0))?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("quadrant-out-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn output_moves_between_files() {
        let dir = folder("moves");
        let (first, second) = (dir.join("first"), dir.join("second"));
        let mut out = Out::open(Some(&first)).unwrap();
        for (text, next) in [("a", second.to_str().unwrap()), ("b", ""), ("c", "")] {
            out.write(&mut text.as_bytes().to_vec()).unwrap();
            out.reopen(next.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read(&first).unwrap(), b"ac");
        assert_eq!(std::fs::read(&second).unwrap(), b"b");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_is_emptied_and_filled_again() {
        let dir = folder("emptied");
        let file = dir.join("file");
        std::fs::write(&file, "before").unwrap();
        let mut out = Out::open(Some(&file)).unwrap();
        out.write(&mut b"x".to_vec()).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"beforex");
        out.truncate().unwrap();
        out.write(&mut b"y".to_vec()).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"y");
        assert!(out.reopen(b"/nonexistent/file").is_err());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
