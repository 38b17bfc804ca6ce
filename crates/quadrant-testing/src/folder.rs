//! Folders of tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder for one test. It goes away with its value, and what is in it, too.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one. The name says to whoever finds it what it was for.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("quadrant-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Folder(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file of that name is or would be.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file; its path.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).expect("a file for the test");
        path
    }

    /// Compiles C with gcc into a program of that name. `None`, and a line that says so, if there is no gcc.
    ///
    /// # Panics
    /// The compiler refuses the source.
    pub fn compile(&self, name: &str, source: &str, flags: &[&str]) -> Option<PathBuf> {
        let (input, output) = (self.write(&format!("{name}.c"), source), self.join(name));
        match Command::new("gcc").args(flags).arg("-o").arg(&output).arg(&input).status() {
            Ok(status) => assert!(status.success(), "gcc fails on {}", input.display()),
            Err(error) => {
                crate::skip(format_args!("gcc: {error}"));
                return None;
            }
        }
        Some(output)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // One that stays is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_of_one_name_are_two_and_go_away() {
        let (one, two) = (Folder::new("folders"), Folder::new("folders"));
        assert_eq!(fs::read(one.write("file", "content")).unwrap(), b"content");
        assert!(!two.join("file").exists());
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && two.path().exists());
    }
}
