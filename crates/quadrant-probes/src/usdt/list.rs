//! The static probes of files.

use super::note::{self, Note};
use crate::elf::Elf;
use crate::error::Result;
use crate::files::Files;
use crate::glob::Glob;
use crate::target::{self, Sight, Target};

/// `usdt:/usr/bin/python3.11:python:gc__start` for all probes that match, sorted by file and name.
/// With a process, files without probes are passed over.
pub(crate) fn list(files: &Files, file: &str, wanted: &Wanted, sight: Sight) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (target, elf) in files.open_all(&target::find(files, file, sight)?)? {
        let mut found: Vec<String> =
            matching(files, target, &elf, wanted)?.iter().map(|note| full_name(target, note)).collect();
        found.sort_unstable();
        found.dedup();
        names.extend(found);
    }
    Ok(names)
}

/// Which probes.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub provider: Glob,
    pub name: Glob,
}

impl Wanted {
    /// The parts after the file: `["name"]` or `["provider", "name"]`.
    pub fn parse(parts: &[String]) -> Option<Self> {
        match parts {
            [name] => Some(Self { provider: Glob::new(""), name: Glob::new(name) }),
            [provider, name] => Some(Self { provider: Glob::new(provider), name: Glob::new(name) }),
            _ => None,
        }
    }

    fn matches(&self, note: &Note) -> bool {
        self.provider.matches(&note.provider) && self.name.matches(&note.name)
    }
}

/// The notes that match, in the file's order.
pub(super) fn matching(files: &Files, target: &Target, elf: &Elf, wanted: &Wanted) -> Result<Vec<Note>> {
    let (mut notes, malformed) = note::read(elf)?;
    if malformed > 0 {
        files.warn(format!("{malformed} malformed notes of static probes in {}", target.name.display()));
    }
    notes.retain(|note| wanted.matches(note));
    Ok(notes)
}

/// The name of a probe.
pub(super) fn full_name(target: &Target, note: &Note) -> String {
    format!("usdt:{}:{}:{}", target.name.display(), note.provider, note.name)
}
