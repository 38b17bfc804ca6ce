//! The functions of files.

use crate::demangle;
use crate::elf::{Elf, Symbol};
use crate::error::Result;
use crate::files::Files;
use crate::glob::Glob;
use crate::target::{self, Sight, Target};
use quadrant_program::probe::ProbeKind;
use std::collections::BTreeMap;

/// `uprobe:/usr/lib/libc.so.6:malloc` for all functions that match, sorted by file and name.
pub(crate) fn list(files: &Files, kind: ProbeKind, file: &str, function: &Glob, sight: Sight) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (target, elf) in files.open_all(&target::find(files, file, sight)?)? {
        names.extend(function_names(&elf, function)?.into_iter().map(|name| full_name(kind, target, &name)));
        files.warn_if_cut(target, &elf);
    }
    Ok(names)
}

/// The name of a point in a file.
pub(super) fn full_name(kind: ProbeKind, target: &Target, place: &str) -> String {
    format!("{}:{}:{place}", kind.name(), target.name.display())
}

fn function_names(elf: &Elf, function: &Glob) -> Result<Vec<String>> {
    let symbols = elf.symbols()?.functions().filter(|symbol| accepts(function, symbol.name));
    let mut names: Vec<String> = symbols.map(|symbol| symbol.name.to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// By the symbol's name or, if that has colons, by its readable form.
fn accepts(function: &Glob, name: &str) -> bool {
    function.matches(name) || (function.text().contains("::") && demangle::matches(name, function))
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
