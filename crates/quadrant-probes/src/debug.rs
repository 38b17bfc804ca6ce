//! The debug information of programs and libraries, read when it is needed, each once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use quadrant_program::probe::ProbeError;
use quadrant_symbols::{DebugDir, DebugSource, NoDebugInfo};
use quadrant_types::{DebugInfo, DebugTypes, Types};

use crate::error::{Result, advise, error};

/// Paths that are named in a message.
const MOST_PATHS: usize = 4;

/// What is known of files so far.
pub(crate) struct DebugFiles {
    types: Rc<Types>,
    source: DebugSource,
    read: RefCell<HashMap<PathBuf, Result<DebugTypes>>>,
}

impl DebugFiles {
    pub fn new(types: Rc<Types>, dirs: Vec<DebugDir>) -> Self {
        Self { types, source: DebugSource::new(dirs), read: RefCell::default() }
    }

    /// The types that the debug information of a file describes; the path is one of ours.
    pub fn types_of(&self, path: &Path) -> Result<DebugTypes> {
        if let Some(known) = self.read.borrow().get(path) {
            return known.clone();
        }
        let (pid, name) = in_own_root(path);
        let read = match self.source.open(path, &name, pid) {
            Ok(info) => Ok(self.types.add_debug_info(Rc::new(info))),
            Err(why) => Err(explain(&name, &why)),
        };
        self.read.borrow_mut().insert(path.to_owned(), read.clone());
        read
    }

    /// The same with what it is made of.
    pub fn of(&self, path: &Path) -> Result<(DebugTypes, Rc<DebugInfo>)> {
        let types = self.types_of(path)?;
        let info = self.types.debug_info(types).ok_or_else(|| error("the debug information is gone"))?;
        Ok((types, info))
    }
}

/// Of `/proc/PID/root/usr/bin/x` the process and `/usr/bin/x`.
fn in_own_root(path: &Path) -> (Option<u32>, PathBuf) {
    let mut parts = path.components();
    let root = [Component::RootDir, Component::Normal("proc".as_ref())];
    let is_proc = root.iter().all(|part| parts.next().as_ref() == Some(part));
    let pid = parts.next().filter(|_| is_proc).and_then(|part| part.as_os_str().to_str()?.parse().ok());
    match (pid, parts.next()) {
        (Some(pid), Some(Component::Normal(word))) if word == "root" => {
            (Some(pid), Path::new("/").join(parts.as_path()))
        }
        _ => (None, std::path::absolute(path).unwrap_or_else(|_| path.to_owned())),
    }
}

fn explain(name: &Path, why: &NoDebugInfo) -> ProbeError {
    let name = name.display();
    if !why.why.is_empty() {
        return error(format!("the debug information of {name} cannot be used: {}", why.why));
    }
    let message = format!("{name} has no debug information");
    let mut error = match &why.package {
        Some(package) => {
            advise(message, format!("install it (Debian: the package `{package}-dbgsym` or `{package}-dbg`)"))
        }
        None => advise(message, "compile the program with -g"),
    };
    let looked: Vec<String> = why.looked.iter().take(MOST_PATHS).map(|path| path.display().to_string()).collect();
    if !looked.is_empty() {
        error.help.push(format!("a separate file was looked for at {}", looked.join(", ")));
    }
    error.help.push("--debuginfo DIR names a folder with such files".to_owned());
    error
}
