//! The ELF files of a session, each opened and read once.

use crate::elf::Elf;
use crate::error::Result;
use crate::target::{self, Target, TargetFile};
use crate::warning::Warning;
use quadrant_symbols::{DebugDir, DebugSource};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What is wrong with a file that has more functions than were found.
pub(crate) const CUT: &str =
    "its table of functions is too large or damaged: some functions are not found by their names";

/// Opened files by path, and what was wrong with those that were passed over.
#[derive(Default)]
pub(crate) struct Files {
    open: RefCell<HashMap<PathBuf, Rc<Elf>>>,
    warnings: RefCell<Vec<Warning>>,
    debug: Rc<DebugSource>,
}

impl Files {
    /// None yet; separate debug files are looked for in these folders first.
    pub fn new(dirs: Vec<DebugDir>) -> Self {
        Self { debug: Rc::new(DebugSource::new(dirs)), ..Self::default() }
    }

    pub fn open(&self, target: &Target) -> Result<Rc<Elf>> {
        if let Some(elf) = self.open.borrow().get(&target.path) {
            return Ok(elf.clone());
        }
        let elf = Elf::parse(TargetFile::open(&target.path)?)?;
        let (debug, path) = (Rc::clone(&self.debug), target.path.clone());
        let elf = Rc::new(elf.with_symbols_of(move |elf| separate_symbols(&debug, elf, &path)));
        self.open.borrow_mut().insert(target.path.clone(), elf.clone());
        Ok(elf)
    }

    /// Opens all; of several files those that cannot be used are passed over with a warning.
    pub fn open_all<'a>(&self, targets: &'a [Target]) -> Result<Vec<(&'a Target, Rc<Elf>)>> {
        let mut opened = Vec::with_capacity(targets.len());
        for target in targets {
            match self.open(target) {
                Ok(elf) => opened.push((target, elf)),
                Err(error) if targets.len() > 1 => self.warn(format!("passed over: {}", error.message)),
                Err(error) => return Err(error),
            }
        }
        Ok(opened)
    }

    /// Something that the user should know and that is no error. The same text is kept once.
    pub fn warn(&self, warning: impl Into<Warning>) {
        let warning = warning.into();
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Says so if a file has more functions than were found among its symbols.
    pub fn warn_if_cut(&self, target: &Target, elf: &Elf) {
        if elf.is_cut() {
            let file = target.name.display();
            self.warn(format!("{file}: {CUT}"));
        }
    }

    /// The warnings since the last call.
    pub fn take_warnings(&self) -> Vec<Warning> {
        self.warnings.take()
    }
}

/// The file with the symbols of a stripped one, where it is installed.
fn separate_symbols(debug: &DebugSource, elf: &Elf, path: &Path) -> Option<Elf> {
    let (pid, name) = target::in_its_root(path);
    let found = debug.symbols_of(elf.file().again().ok()?, &name, pid)?;
    Elf::parse(TargetFile::of(Ok(found), path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quadrant_testing::Folder;

    #[test]
    fn broken_files_among_several_are_passed_over() {
        let folder = Folder::new("several");
        let target = |path: PathBuf| Target { name: path.clone(), path };
        let broken = target(folder.write("broken", b"\x7fELF and then nothing"));
        let whole = crate::target::find(&Files::default(), "libc", crate::target::Sight::Own).unwrap().remove(0);
        let files = Files::default();
        assert_eq!(files.open_all(&[broken.clone(), whole]).unwrap().len(), 1);
        assert_eq!(files.take_warnings().len(), 1);
        assert!(files.take_warnings().is_empty());
        assert!(files.open_all(&[broken]).is_err());
    }
}
