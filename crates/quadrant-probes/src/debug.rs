//! The debug information of programs and libraries, read when it is needed, each once.

use std::cell::{LazyCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use quadrant_program::probe::ProbeError;
use quadrant_symbols::{DebugDir, DebugSource, NoDebugInfo};
use quadrant_types::{DebugInfo, DebugTypes, Types};

use crate::error::{Result, advise, error};
use crate::files::Files;
use crate::target::{self, Target};

/// Paths that are named in a message.
const MOST_PATHS: usize = 4;

/// Why there is none; made when somebody is told, for it may take a look through the lists of all packages.
type Reason = Rc<LazyCell<ProbeError, Box<dyn FnOnce() -> ProbeError>>>;

/// What is known of files so far.
pub(crate) struct DebugFiles {
    types: Rc<Types>,
    source: DebugSource,
    read: RefCell<HashMap<PathBuf, std::result::Result<DebugTypes, Reason>>>,
}

impl DebugFiles {
    pub fn new(types: Rc<Types>, dirs: Vec<DebugDir>) -> Self {
        Self { types, source: DebugSource::new(dirs), read: RefCell::default() }
    }

    /// The types that the debug information of a file describes; the path is one of ours.
    pub fn types_of(&self, files: &Files, path: &Path) -> Result<DebugTypes> {
        self.look(files, path).map_err(|reason| ProbeError::clone(&reason))
    }

    /// The same with what it is made of.
    pub fn of(&self, files: &Files, path: &Path) -> Result<(DebugTypes, Rc<DebugInfo>)> {
        let types = self.types_of(files, path)?;
        let info = self.types.debug_info(types).ok_or_else(|| error("the debug information is gone"))?;
        Ok((types, info))
    }

    /// The types, for those who can do without.
    pub fn known_types(&self, files: &Files, path: &Path) -> Option<DebugTypes> {
        self.look(files, path).ok()
    }

    /// The debug information, for those who can do without.
    pub fn known(&self, files: &Files, path: &Path) -> Option<Rc<DebugInfo>> {
        self.types.debug_info(self.known_types(files, path)?)
    }

    fn look(&self, files: &Files, path: &Path) -> std::result::Result<DebugTypes, Reason> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let read = self.read(files, path);
        self.read.borrow_mut().insert(path.to_owned(), read.clone());
        read
    }

    fn read(&self, files: &Files, path: &Path) -> std::result::Result<DebugTypes, Reason> {
        let (pid, name) = target::in_its_root(path);
        let opened = files.open(&Target { name: name.clone(), path: path.to_owned() });
        let file = opened.and_then(|elf| elf.file().again()).map_err(|error| reason(move || error))?;
        match self.source.of(file, &name, pid) {
            Ok(info) => Ok(self.types.add_debug_info(Rc::new(info))),
            Err(why) => Err(reason(move || explain(&name, &why))),
        }
    }
}

fn reason(make: impl FnOnce() -> ProbeError + 'static) -> Reason {
    Rc::new(LazyCell::new(Box::new(make)))
}

fn explain(name: &Path, why: &NoDebugInfo) -> ProbeError {
    let name = name.display();
    if !why.why.is_empty() {
        return error(format!("the debug information of {name} cannot be used: {}", why.why));
    }
    let message = format!("{name} has no debug information");
    let mut error = match why.package() {
        Some(package) => {
            advise(message, format!("install it (Debian: the package `{package}-dbgsym` or `{package}-dbg`)"))
        }
        None => advise(message, "compile the program with -g"),
    };
    let looked: Vec<String> = why.looked.iter().take(MOST_PATHS).map(|path| path.display().to_string()).collect();
    if !looked.is_empty() {
        error.help.push(format!("a separate file was looked for at {}", looked.join(", ")).into());
    }
    error.help.push("--debuginfo DIR names a folder with such files".into());
    error
}
