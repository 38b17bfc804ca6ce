//! The functions of files.

use crate::demangle::Named;
use crate::elf::{Elf, Symbol};
use crate::error::Result;
use crate::files::Files;
use crate::glob::Glob;
use crate::target::{self, Sight, Target};
use quadrant_program::probe::ProbeKind;
use std::collections::BTreeMap;

/// Which functions of a file are listed.
pub(crate) enum Wanted {
    /// By the symbol's name.
    Symbol(Glob),
    /// By the name that the source has.
    Readable(Named),
}

impl Wanted {
    /// By the symbol's name or, if that has colons, by its readable form.
    pub(crate) fn any(pattern: &str) -> Self {
        if pattern.contains("::") { Self::readable(pattern) } else { Self::Symbol(Glob::new(pattern)) }
    }

    /// By the name that the source has, as probes after `cpp:` are found.
    pub(crate) fn readable(pattern: &str) -> Self {
        Self::Readable(Named::new(pattern))
    }

    fn accepts(&self, name: &str) -> bool {
        match self {
            Self::Symbol(pattern) => pattern.matches(name),
            Self::Readable(named) => named.accepts(name),
        }
    }
}

/// `uprobe:/usr/lib/libc.so.6:malloc` for all functions that match, sorted by file and name.
pub(crate) fn list(files: &Files, kind: ProbeKind, file: &str, wanted: &Wanted, sight: Sight) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (target, elf) in files.open_all(&target::find(files, file, sight)?)? {
        names.extend(function_names(&elf, wanted)?.into_iter().map(|name| full_name(kind, target, name)));
        files.warn_if_cut(target, &elf);
    }
    Ok(names)
}

/// The name of a point in a file.
pub(super) fn full_name(kind: ProbeKind, target: &Target, place: &str) -> String {
    format!("{}:{}:{place}", kind.name(), target.name.display())
}

fn function_names<'a>(elf: &'a Elf, wanted: &Wanted) -> Result<Vec<&'a str>> {
    let symbols = elf.symbols()?.functions().filter(|symbol| wanted.accepts(symbol.name) && is_in_code(elf, symbol));
    let mut names: Vec<&str> = symbols.map(|symbol| symbol.name).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Whether there is code at a symbol. Programs in Go have one of a function behind the last of their functions.
pub(super) fn is_in_code(elf: &Elf, symbol: &Symbol<'_>) -> bool {
    elf.code_offset_of(symbol.address).is_some()
}

/// The functions whose names are accepted, one for each address: of several names the one that programs use.
pub(super) fn functions(elf: &Elf, accept: impl Fn(&str) -> bool) -> Result<Vec<Symbol<'_>>> {
    let mut by_address: BTreeMap<u64, Symbol<'_>> = BTreeMap::new();
    for symbol in elf.symbols()?.functions().filter(|symbol| accept(symbol.name)) {
        let best = by_address.entry(symbol.address).or_insert(symbol);
        if symbol.rank() < best.rank() {
            *best = symbol;
        }
    }
    Ok(by_address.into_values().collect())
}
