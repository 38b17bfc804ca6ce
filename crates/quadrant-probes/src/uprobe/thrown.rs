//! What to say of return probes where exceptions of C++ or panics of Rust pass through: the unwinder does not find the caller behind the
//! address that the kernel has put in its place, and ends the program.

use quadrant_program::advice::{Advice, Named};

use super::missing::in_file;
use super::resolve::offsets_of_returns;
use crate::demangle;
use crate::elf::{Elf, Symbol};
use crate::files::Files;
use crate::target::Target;
use crate::warning::Warning;

/// A file whose functions are unwound has or calls one of these.
const UNWINDING: [&str; 3] = ["__gxx_personality_v0", "__cxa_throw", "rust_eh_personality"];
/// How many instructions of a function are named.
const SHOWN: usize = 4;

/// Warns of what an exception would do that leaves one of the functions.
pub(super) fn note(elf: &Elf, target: &Target, files: &Files, functions: &[&Symbol<'_>]) {
    if !is_unwound(elf) {
        return;
    }
    let readable = functions.iter().filter_map(|symbol| Some((*symbol, demangle::readable(symbol.name)?)));
    let mut left = readable.filter(|(symbol, _)| elf.may_call(symbol));
    let Some((symbol, name)) = left.next() else { return };
    let (which, help) = match left.next() {
        None => (format!("`{name}`"), returns_of(elf, target, symbol)),
        Some(_) => (format!("`{name}` and others"), None),
    };
    files.warn(Warning {
        message: format!("an exception or panic that leaves {which} would end the program while its return is probed"),
        help: vec![help.unwrap_or_else(|| "where that happens, probe their return instructions instead".into())],
    });
}

fn is_unwound(elf: &Elf) -> bool {
    elf.symbols().is_ok_and(|symbols| UNWINDING.iter().any(|name| symbols.named(name).next().is_some()))
}

fn returns_of(elf: &Elf, target: &Target, symbol: &Symbol<'_>) -> Option<Advice> {
    let offsets =
        offsets_of_returns(elf, symbol).ok().filter(|offsets| !offsets.is_empty() && offsets.len() <= SHOWN)?;
    let probes: Vec<Named> =
        offsets.iter().map(|offset| in_file(target, &format!("{}+{offset}", symbol.name))).collect();
    Some(Advice::all_of("where that happens, probe its return instructions instead: ", probes))
}
