//! The files that scripts bring in by `import` and `#include`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use quadrant_bpftrace::script::Compiled;
use quadrant_bpftrace::script::Found;
use quadrant_bpftrace::script::Loader;

use crate::commands::load::compile;
use crate::failure::Failure;
use crate::failure::shown;
use crate::script;
use crate::signatures;

/// The name of bpftrace's own library, whose functions are built in.
const STANDARD: &str = "stdlib";

/// Where they are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The script's own file, if it has one.
    pub script: Option<PathBuf>,
    /// Folders of headers: `-I`, then `CPATH`.
    pub folders: Vec<PathBuf>,
    /// Headers of the command line: `--include`.
    pub headers: Vec<String>,
}

impl Files {
    /// For a script's file (`-` is none) and the options of a command line.
    pub fn new(script: Option<&str>, folders: &[PathBuf], headers: &[String]) -> Files {
        let paths = std::env::var_os("CPATH").unwrap_or_default();
        let from_environment = std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty());
        Files {
            script: script.filter(|file| *file != "-").map(|file| real(Path::new(file))),
            folders: folders.iter().cloned().chain(from_environment).collect(),
            headers: headers.to_vec(),
        }
    }
}

impl Loader for Files {
    /// Relative paths start at the folder of the importing file, then the script's, then the current one.
    /// What is built in is never a file.
    fn import(&self, path: &str, from: Option<&Path>) -> Result<Vec<Found>, Vec<String>> {
        if path == STANDARD {
            return Ok(Vec::new());
        }
        let mut places: Vec<PathBuf> = Vec::new();
        for base in [from.and_then(Path::parent), self.script.as_deref().and_then(Path::parent), Some(Path::new(""))] {
            let place = base.map(|base| base.join(path));
            places.extend(place.filter(|place| !places.contains(place)));
        }
        match places.iter().find(|place| place.exists()) {
            Some(place) if place.is_dir() => Ok(folder(place)),
            Some(place) => Ok(vec![found(place)]),
            None => Err(places.iter().map(|place| shown(&place.to_string_lossy())).collect()),
        }
    }

    /// Quoted paths start at the folder of the including file; all are looked for in the folders of headers.
    fn include(&self, path: &str, system: bool, from: Option<&Path>) -> Option<Found> {
        let own = from.filter(|_| !system).and_then(Path::parent).map(Path::to_owned);
        let places = own.into_iter().chain(self.folders.iter().cloned()).map(|folder| folder.join(path));
        places.into_iter().find(|place| place.is_file()).map(|place| found(&place))
    }

    fn compile(&self, path: &Path) -> Result<Compiled, (String, Vec<String>)> {
        let object = compile::compile(path, &self.folders, &[]).map_err(Failure::into_parts)?;
        signatures::of(object)
    }

    fn headers(&self) -> &[String] {
        &self.headers
    }
}

/// The scripts, headers and functions in C of a folder, by name.
fn folder(path: &Path) -> Vec<Found> {
    let mut entries: Vec<PathBuf> = match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => return vec![Found { text: Err(script::reason(&error)), ..unread(path) }],
    };
    entries.sort();
    let is_ours = |path: &Path| [".bt", ".h", ".bpf.c"].iter().any(|end| path.to_string_lossy().ends_with(end));
    entries.iter().filter(|path| path.is_file() && is_ours(path)).map(|path| found(path)).collect()
}

fn found(path: &Path) -> Found {
    let text = script::read_text(&path.to_string_lossy()).map_err(|error| script::reason(&error));
    Found { text, ..unread(path) }
}

fn unread(path: &Path) -> Found {
    let name = shown(&path.to_string_lossy());
    Found { name, path: real(path), text: Ok(String::new()) }
}

/// A path without symbolic links, so that a file has only one.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
